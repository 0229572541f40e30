internal import USB

/// A cursor over one line of a recording.
struct RecordingLine {
  private let bytes: [UInt8]
  private var index: Int
  private let end: Int
  /// The line, counted from 1.
  let number: Int

  init(_ bytes: [UInt8], _ range: Range<Int>, number: Int) {
    self.bytes = bytes
    index = range.lowerBound
    end = range.upperBound
    self.number = number
  }

  func malformed(_ reason: String) -> RecordingError {
    RecordingError(.malformed, line: number, reason)
  }

  // MARK: Looking

  private mutating func skipBlanks() {
    while index < end, bytes[index] == 0x20 || bytes[index] == 0x09 || bytes[index] == 0x0D {
      index += 1
    }
  }

  /// The next byte that means something; nil at the end and at a comment.
  mutating func peek() -> UInt8? {
    skipBlanks()
    guard index < end, bytes[index] != UInt8(ascii: "#") else { return nil }
    return bytes[index]
  }

  /// Whether nothing but a comment is left.
  mutating func isAtEnd() -> Bool { peek() == nil }

  mutating func requireEnd() throws(RecordingError) {
    guard isAtEnd() else { throw malformed("“\(rest())” is too much") }
  }

  /// What is left, for an error.
  private func rest() -> String {
    let part = bytes[index..<min(end, index + 24)]
    return printable(part) + (end - index > 24 ? "…" : "")
  }

  private func printable(_ part: ArraySlice<UInt8>) -> String {
    String(part.map { (0x20..<0x7F).contains($0) ? Character(Unicode.Scalar($0)) : "?" })
  }

  // MARK: Words and numbers

  /// The next word, without moving; nil where the line ends.
  mutating func peekWord() -> String? {
    guard peek() != nil else { return nil }
    return String(decoding: bytes[index..<wordEnd()], as: UTF8.self)
  }

  private func wordEnd() -> Int {
    var next = index
    // No word of the format is longer; more would only be an error in full length.
    let limit = min(end, index + 64)
    while next < limit, bytes[next] > 0x20, bytes[next] != UInt8(ascii: "#") { next += 1 }
    return next
  }

  mutating func word(_ what: String) throws(RecordingError) -> String {
    guard let word = peekWord() else { throw malformed("\(what) is missing") }
    index = wordEnd()
    return word
  }

  /// Takes the word if it is the next one.
  mutating func take(_ word: String) -> Bool {
    guard peekWord() == word else { return false }
    index = wordEnd()
    return true
  }

  mutating func require(_ word: String) throws(RecordingError) {
    guard take(word) else {
      throw malformed("“\(word)” is expected" + (isAtEnd() ? "" : ", not “\(rest())”"))
    }
  }

  /// A number in decimal digits.
  mutating func number<Number: FixedWidthInteger>(
    _ what: String, as type: Number.Type = Number.self
  ) throws(RecordingError) -> Number {
    let text = try word(what)
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Number(text) else {
      throw malformed("\(what) is “\(text)”, no number up to \(Number.max)")
    }
    return value
  }

  /// A byte in two hexadecimal digits.
  mutating func hexByte(_ what: String) throws(RecordingError) -> UInt8 {
    let text = try word(what)
    guard text.utf8.count == 2, text.allSatisfy(\.isHexDigit), let value = UInt8(text, radix: 16)
    else { throw malformed("\(what) is “\(text)”, not two hexadecimal digits") }
    return value
  }

  /// A number behind a mark: `@7`.
  mutating func label() throws(RecordingError) -> UInt32 {
    let text = try word("a label")
    guard text.first == "@", text.dropFirst().utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let value = UInt32(text.dropFirst())
    else { throw malformed("“\(text)” is no label such as @7") }
    return value
  }

  /// Seconds with up to nine decimals, as nanoseconds.
  mutating func time(_ what: String) throws(RecordingError) -> Int64 {
    var text = Substring(try word(what))
    if text.first == "+" { text = text.dropFirst() }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count),
      parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
      parts.count == 1 || parts[1].utf8.count <= 9, let seconds = Int64(parts[0]),
      seconds <= Recording.maximumNanoseconds / 1_000_000_000
    else { throw malformed("\(what) is “\(text)”, not seconds with up to nine decimals") }
    guard parts.count == 2, let fraction = Int64(parts[1]) else { return seconds * 1_000_000_000 }
    let scale = (parts[1].utf8.count..<9).reduce(Int64(1)) { scale, _ in scale * 10 }
    return seconds * 1_000_000_000 + fraction * scale
  }

  // MARK: Bytes and texts

  /// Bytes in hexadecimal digits, two for each, with blanks between them or without; `ff*2048` is
  /// the same byte so many times.
  mutating func hexBytes(_ what: String, limit: Int) throws(RecordingError) -> [UInt8] {
    var result: [UInt8] = []
    while let byte = peek(), let high = RecordingLine.digit(byte) {
      guard index + 1 < end, let low = RecordingLine.digit(bytes[index + 1]) else {
        throw malformed("\(what) has a hexadecimal digit that stands alone, at “\(rest())”")
      }
      index += 2
      let count = try repetition(what)
      guard count <= limit - result.count else {
        throw RecordingError(.beyondLimit, line: number, "\(what) has more than \(limit) bytes")
      }
      result.append(contentsOf: repeatElement(high << 4 | low, count: count))
    }
    return result
  }

  /// How often a byte is there: `*2048` behind it, or once.
  private mutating func repetition(_ what: String) throws(RecordingError) -> Int {
    guard index < end, bytes[index] == UInt8(ascii: "*") else { return 1 }
    index += 1
    var count = 0
    let start = index
    // Nine digits are more than any limit.
    while index < end, index - start < 9, (0x30...0x39).contains(bytes[index]) {
      count = count * 10 + Int(bytes[index] - 0x30)
      index += 1
    }
    guard count > 0 else { throw malformed("\(what) has a byte whose count is none") }
    return count
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }

  /// A text in quotation marks.
  mutating func quoted(_ what: String) throws(RecordingError) -> String {
    guard peek() == UInt8(ascii: "\"") else {
      throw malformed("\(what) is not in quotation marks")
    }
    index += 1
    var content: [UInt8] = []
    while index < end, bytes[index] != UInt8(ascii: "\"") {
      if bytes[index] == UInt8(ascii: "\\") {
        content += try escaped(what).utf8
      } else {
        content.append(bytes[index])
        index += 1
      }
    }
    guard index < end else { throw malformed("\(what) has no closing quotation mark") }
    index += 1
    guard let text = String(validating: content, as: UTF8.self) else {
      throw malformed("\(what) is no UTF-8 text")
    }
    guard text.unicodeScalars.count <= Recording.maximumTextLength else {
      throw RecordingError(
        .beyondLimit, line: number,
        "\(what) has more than \(Recording.maximumTextLength) characters")
    }
    return text
  }

  /// `\\`, `\"` or `\u{…}`.
  private mutating func escaped(_ what: String) throws(RecordingError) -> String {
    let place = index
    index += 1
    guard index < end else { throw malformed("\(what) has no closing quotation mark") }
    let mark = bytes[index]
    index += 1
    if mark == UInt8(ascii: "\\") || mark == UInt8(ascii: "\"") {
      return String(Unicode.Scalar(mark))
    }
    let close = bytes[index..<min(end, index + 10)].firstIndex(of: UInt8(ascii: "}"))
    guard mark == UInt8(ascii: "u"), let close, bytes[index] == UInt8(ascii: "{"),
      let value = UInt32(printable(bytes[(index + 1)..<close]), radix: 16),
      let scalar = Unicode.Scalar(value)
    else {
      index = place
      throw malformed("\(what) has “\(rest())”, which is neither \\\\, \\\" nor \\u{…}")
    }
    index = close + 1
    return String(scalar)
  }
}
