/// Why udev passes over a whole line, or a part of it.
struct UdevLineFault {
  var slug: String
  var what: String
  var help: String?
  var isWholeLine = true
}

/// Reads one logical line as systemd 252 does (`src/udev/udev-rules.c`, `parse_line` and `parse_token`).
struct UdevLineParser {
  private let bytes: [UInt8]
  private var at = 0
  /// The tokens, in the order in which they are worked through.
  var tokens: [UdevToken] = []
  /// The name that a GOTO may jump to.
  var label: String?
  /// Where it jumps to.
  var goto: String?
  /// What does not end the line.
  var soft: [UdevLineFault] = []

  /// The builtins of systemd 252.
  static let builtins: Set<String> = [
    "blkid", "btrfs", "hwdb", "input_id", "keyboard", "kmod", "net_id", "net_setup_link", "path_id",
    "uaccess", "usb_id",
  ]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Reads all tokens; the fault where the line as a whole is passed over.
  mutating func parse() -> UdevLineFault? {
    while true {
      skip { Self.isBlank($0) || $0 == UInt8(ascii: ",") }
      guard at < bytes.count else { break }
      switch pair() {
      case .failure(let fault): return fault.fault
      case .success(let pair): if let fault = add(pair) { return fault }
      }
    }
    guard label != nil || goto != nil || tokens.contains(where: \.kind.hasEffect) else {
      return UdevLineFault(
        slug: "no-effect", what: "the rule compares and does nothing.",
        help: "Add what it should set, for example TAG+=\"uaccess\".")
    }
    // In the order of the kinds; of one kind as they stand.
    tokens = tokens.enumerated().sorted {
      ($0.element.kind, $0.offset) < ($1.element.kind, $1.offset)
    }.map(\.element)
    return nil
  }

  /// One key with its value, as it stands in the text.
  struct Pair {
    var key: String
    var attribute: String?
    var operation: UdevToken.Operator
    var value: String
  }

  struct Failure: Error { var fault: UdevLineFault }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
  }

  mutating func skip(_ condition: (UInt8) -> Bool) {
    while at < bytes.count, condition(bytes[at]) { at += 1 }
  }

  /// `KEY{attribute}OPERATOR"value"`.
  private mutating func pair() -> Result<Pair, Failure> {
    let start = at
    func fault(_ what: String, _ help: String?) -> Result<Pair, Failure> {
      .failure(Failure(fault: UdevLineFault(slug: "key-value", what: what, help: help)))
    }
    if bytes[start] == UInt8(ascii: "#") {
      return fault(
        "a comment stands behind a rule; the whole line is invalid.",
        "Put the comment on a line of its own.")
    }
    skip { byte in !Self.isBlank(byte) && !"={+-!:".utf8.contains(byte) }
    // A sign only ends a key before an equals sign.
    while at + 1 < bytes.count, "+-!:".utf8.contains(bytes[at]), bytes[at + 1] != UInt8(ascii: "=")
    {
      at += 1
      skip { byte in !Self.isBlank(byte) && !"={+-!:".utf8.contains(byte) }
    }
    let key = bytes[start..<at].text
    guard at < bytes.count else {
      return fault("\"\(shown(key))\" has no operator and no value.", nil)
    }
    var attribute: String?
    if bytes[at] == UInt8(ascii: "{") {
      guard let end = bytes[at...].firstIndex(of: UInt8(ascii: "}")) else {
        return fault("the brace behind \(shown(key)) is not closed.", nil)
      }
      attribute = bytes[(at + 1)..<end].text
      at = end + 1
    }
    skip(Self.isBlank)
    guard let operation = Self.operation(bytes[at...]) else {
      return fault(
        "behind \"\(shown(key))\" stands no operator.",
        "The operators are ==, !=, =, +=, -= and :=.")
    }
    at += operation.rawValue.utf8.count
    skip(Self.isBlank)
    guard let value = value() else {
      let isSingle = at < bytes.count && bytes[at] == UInt8(ascii: "'")
      return fault(
        isSingle
          ? "the value of \(shown(key)) stands in single quotes."
          : "the value of \(shown(key)) is not in double quotes, or they do not end.",
        "Write \(shown(key))\(operation.rawValue)\"...\".")
    }
    return .success(Pair(key: key, attribute: attribute, operation: operation, value: value))
  }

  private static func operation(_ rest: ArraySlice<UInt8>) -> UdevToken.Operator? {
    UdevToken.Operator.allCases.first { rest.starts(with: $0.rawValue.utf8) }
  }

  /// What stands in double quotes; nil where there are none. `e"..."` has escapes as in C.
  private mutating func value() -> String? {
    var isEscaped = false
    if at + 1 < bytes.count, bytes[at] == UInt8(ascii: "e"), bytes[at + 1] == UInt8(ascii: "\"") {
      isEscaped = true
      at += 1
    }
    guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else { return nil }
    var index = at + 1
    var result: [UInt8] = []
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "\"") {
        at = index + 1
        return isEscaped ? Self.unescaped(result) : String(decoding: result, as: UTF8.self)
      }
      if byte == UInt8(ascii: "\\"), index + 1 < bytes.count {
        if isEscaped {
          result.append(byte)
          index += 1
        } else if bytes[index + 1] == UInt8(ascii: "\"") {
          index += 1
        }
      }
      result.append(bytes[index])
      index += 1
    }
    return nil
  }

  /// Resolves escapes as in C; nil where one is none.
  private static func unescaped(_ bytes: [UInt8]) -> String? {
    let simple: [UInt8: UInt8] = [
      0x61: 7, 0x62: 8, 0x66: 12, 0x6E: 10, 0x72: 13, 0x74: 9, 0x76: 11, 0x5C: 0x5C, 0x22: 0x22,
      0x27: 0x27,
      0x73: 0x20,
    ]
    var result: [UInt8] = []
    var at = 0
    while at < bytes.count {
      guard bytes[at] == 0x5C else {
        result.append(bytes[at])
        at += 1
        continue
      }
      guard at + 1 < bytes.count else { return nil }
      if let byte = simple[bytes[at + 1]] {
        result.append(byte)
        at += 2
      } else if bytes[at + 1] == UInt8(ascii: "x"), at + 3 < bytes.count,
        let high = hexDigit(bytes[at + 2]),
        let low = hexDigit(bytes[at + 3]), high | low != 0
      {
        result.append(high << 4 | low)
        at += 4
      } else if at + 3 < bytes.count,
        bytes[(at + 1)...(at + 3)].allSatisfy({ (0x30...0x37).contains($0) }),
        let byte = UInt8(bytes[(at + 1)...(at + 3)].text, radix: 8), byte != 0
      {
        result.append(byte)
        at += 4
      } else {
        return nil
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
