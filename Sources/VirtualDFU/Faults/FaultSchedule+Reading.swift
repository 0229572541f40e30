public import USB

/// A text that is no schedule of faults.
public struct FaultScheduleError: ExplainedError, Hashable {
  /// The entry that is wrong.
  public var entry: String
  /// Where it begins in the text, in characters from 0.
  public var offset: Int
  /// What is wrong with it: a clause.
  public var reason: String
  /// What to do.
  public var help: String?

  /// The kind of error.
  public var slug: String { "fault-schedule" }

  /// The entry, and what is wrong with it.
  public var sentence: String { "The fault “\(entry)”, at character \(offset), \(reason)." }
}

extension FaultSchedule {
  /// Reads a schedule.
  ///
  /// - Parameter text: faults joined by commas; blanks around them do not matter; empty for none.
  /// - Throws: ``FaultScheduleError`` with the place of the first entry that is wrong.
  public init(_ text: String) throws(FaultScheduleError) {
    entries = []
    var offset = 0
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let blanks = part.prefix { $0 == " " }.count
      var entry = part.dropFirst(blanks)
      while entry.last == " " { entry.removeLast() }
      if !(entry.isEmpty && part.count == text.count) {
        guard entries.count < FaultSchedule.longestSchedule else {
          throw FaultScheduleError(
            entry: String(entry), offset: offset + blanks,
            reason: "is one too many: \(FaultSchedule.longestSchedule) are the most", help: nil)
        }
        entries.append(try Entry(entry, at: offset + blanks))
      }
      offset += part.count + 1
    }
  }
}

extension FaultSchedule.Entry {
  fileprivate init(_ text: Substring, at offset: Int) throws(FaultScheduleError) {
    func wrong(_ reason: String, _ help: String? = nil) -> FaultScheduleError {
      FaultScheduleError(
        entry: String(text.prefix(80)), offset: offset, reason: reason, help: help)
    }
    guard let at = text.firstIndex(of: "@") else {
      throw wrong("does not say where it strikes", "Write KIND@PLACE, for example stall@37.")
    }
    guard let kind = FaultKind(text[..<at]) else {
      throw wrong(
        "is of no kind that there is", "There are \(FaultKind.forms.joined(separator: ", ")).")
    }
    guard let place = FaultPlace(text[text.index(after: at)...]) else {
      let words = TransferWord.allCases.map(\.rawValue).joined(separator: ", ")
      throw wrong(
        "strikes at no place that there is",
        "A place is the number of a transfer, or one of \(words), with :COUNT, :all, +OFFSET "
          + "or, for read and write, :0xADDRESS[.BIT] behind it.")
    }
    if kind == .flip, case .byte(.write, _, _) = place {
      throw wrong("changes answers, and a write has none", "Use flip@read:0xADDRESS.BIT.")
    }
    self.init(kind, at: place)
  }
}

/// The most transfers that a place can count: more than any device is ever told.
private let mostTransfers = 1_000_000_000

private func integer(_ text: Substring) -> Int? {
  guard !text.isEmpty, text.utf8.count <= 10, text.allSatisfy({ $0.isASCII && $0.isNumber }),
    let number = Int(text), number <= mostTransfers
  else { return nil }
  return number
}

extension FaultKind {
  init?(_ text: Substring) {
    if let plain = FaultKind.plain.first(where: { $0.word == text }) {
      self = plain
      return
    }
    if text.hasPrefix("state:"), let value = integer(text.dropFirst(6)) {
      guard let state = UInt8(exactly: value) else { return nil }
      self = .wrongState(state)
    } else if text.hasPrefix("status:"), let value = integer(text.dropFirst(7)) {
      guard let status = UInt8(exactly: value) else { return nil }
      self = .wrongStatus(status)
    } else if text.hasPrefix("busy+") {
      let time = text.dropFirst(5)
      if time.hasSuffix("ms"), let value = integer(time.dropLast(2)) {
        self = .busy(.milliseconds(value))
      } else if time.hasSuffix("s"), let value = integer(time.dropLast(1)) {
        self = .busy(.seconds(value))
      } else {
        return nil
      }
    } else {
      return nil
    }
  }
}

extension FaultPlace {
  init?(_ text: Substring) {
    if let value = integer(text) {
      self = .number(value)
      return
    }
    let sum = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
    let parts = sum[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let word = TransferWord(rawValue: String(parts[0])) else { return nil }
    var offset = 0
    if sum.count == 2 {
      guard let value = integer(sum[1]) else { return nil }
      offset = value
    }
    guard parts.count == 2 else {
      self = .word(word, count: 1, offset: offset)
      return
    }
    if parts[1].hasPrefix("0x") || parts[1].hasPrefix("0X") {
      guard sum.count == 1, word == .read || word == .write else { return nil }
      self.init(word, byte: parts[1].dropFirst(2))
    } else if parts[1] == "all" {
      self = .word(word, count: 0, offset: offset)
    } else {
      guard let count = integer(parts[1]), count > 0 else { return nil }
      self = .word(word, count: count, offset: offset)
    }
  }

  private init?(_ word: TransferWord, byte text: Substring) {
    let halves = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard (1...16).contains(halves[0].utf8.count), halves[0].allSatisfy(\.isHexDigit),
      let address = UInt64(halves[0], radix: 16)
    else { return nil }
    guard halves.count == 2 else {
      self = .byte(word, address: address, bit: nil)
      return
    }
    guard let bit = integer(halves[1]), bit < 8 else { return nil }
    self = .byte(word, address: address, bit: bit)
  }
}
