/// Texts, numbers and words.
extension JSONReader {
  // MARK: Texts

  /// Reads a text; the cursor is at its first quote.
  mutating func readText() throws(JSONFault) -> String {
    let opening = place
    advance()
    var text = ""
    var start = offset
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""):
        text += self.text(from: start)
        advance()
        return text
      case UInt8(ascii: "\\"):
        text += self.text(from: start)
        text.unicodeScalars.append(try readEscape())
        start = offset
      case 0x0A, 0x0D:
        throw JSONFault(
          "This text is not closed on its line.",
          help: #"Write the closing ", or \n where a line end belongs into the text."#, at: opening)
      case 0x00..<0x20:
        let digits = String(byte, radix: 16)
        throw JSONFault(
          "A control character in a text has to be escaped.",
          help: "Write \\u00\(digits.count == 1 ? "0" : "")\(digits).", at: place)
      default: advance()
      }
    }
    throw JSONFault("This text is not closed.", help: "Write the closing \".", at: opening)
  }

  private mutating func readEscape() throws(JSONFault) -> Unicode.Scalar {
    let start = place
    advance()
    let byte = current
    if byte != nil { advance() }
    switch byte {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{08}"
    case UInt8(ascii: "f"): return "\u{0C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try readUnicodeEscape(from: start)
    default:
      throw JSONFault(
        "A backslash does not stand alone in a text.",
        help: #"There are \" \\ \/ \b \f \n \r \t and \u with four hexadecimal digits."#, at: start)
    }
  }

  private mutating func readUnicodeEscape(
    from start: TextPlace
  ) throws(JSONFault) -> Unicode.Scalar {
    let first = try readUnit(from: start)
    if let scalar = Unicode.Scalar(first) { return scalar }
    // Beyond 16 bits a character is written as two halves (RFC 8259, 7).
    guard first < 0xDC00, current == UInt8(ascii: "\\"), peek(1) == UInt8(ascii: "u") else {
      throw Self.halfCharacter(start)
    }
    advance()
    advance()
    let second = try readUnit(from: start)
    guard (0xDC00...0xDFFF).contains(second),
      let scalar = Unicode.Scalar(
        0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00))
    else { throw Self.halfCharacter(start) }
    return scalar
  }

  private static func halfCharacter(_ place: TextPlace) -> JSONFault {
    JSONFault(
      "This is one half of a character, and the other half is not behind it.",
      help: #"Write both, such as \ud83d\ude00, or the character itself."#, at: place)
  }

  private mutating func readUnit(from start: TextPlace) throws(JSONFault) -> UInt16 {
    var value: UInt16 = 0
    for _ in 0..<4 {
      guard let digit = current.flatMap(Self.hexadecimalValue) else {
        throw JSONFault(
          "Four hexadecimal digits belong behind \\u.", help: #"Write, for example, \u00e9."#,
          at: start)
      }
      value = value << 4 | digit
      advance()
    }
    return value
  }

  private static func hexadecimalValue(_ byte: UInt8) -> UInt16? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt16(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt16(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt16(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
  }

  // MARK: Numbers

  private static func isDigit(_ byte: UInt8?) -> Bool {
    byte.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
  }

  /// Reads a number; the cursor is at its sign or its first digit.
  mutating func readNumber() throws(JSONFault) -> JSONNumber {
    let opening = place
    let start = offset
    let isNegative = current == UInt8(ascii: "-")
    if isNegative { advance() }
    guard Self.isDigit(current) else {
      throw JSONFault("A digit belongs behind the minus sign.", at: opening)
    }
    if current == UInt8(ascii: "0") { try checkAfterZero(from: opening) }
    var digits: UInt64? = 0
    var exponent = 0
    appendDigits(to: &digits)
    if current == UInt8(ascii: ".") {
      advance()
      guard Self.isDigit(current) else {
        throw JSONFault("A digit belongs behind the decimal point.", at: place)
      }
      exponent -= appendDigits(to: &digits)
    }
    if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
      exponent += try readExponent()
    }
    let text = text(from: start)
    if let byte = current, Self.continuesWord(byte) {
      throw JSONFault(
        "A number with a unit is written as a text.", help: #"Put it in double quotes: "16K"."#,
        at: opening)
    }
    return JSONNumber(text: text, isNegative: isNegative, digits: digits, exponent: exponent)
  }

  private func checkAfterZero(from opening: TextPlace) throws(JSONFault) {
    if peek(1) == UInt8(ascii: "x") || peek(1) == UInt8(ascii: "X") {
      throw JSONFault(
        "JSON has no hexadecimal numbers.", help: #"Put it in double quotes: "0x08000000"."#,
        at: opening)
    }
    if Self.isDigit(peek(1)) {
      throw JSONFault(
        "A number does not begin with 0.", help: "Remove the zeros in front.", at: opening)
    }
  }

  /// Reads digits, and appends them to a number that is nil once they need more than 64 bits.
  ///
  /// - Returns: how many there were.
  @discardableResult
  private mutating func appendDigits(to number: inout UInt64?) -> Int {
    var count = 0
    while let byte = current, Self.isDigit(byte) {
      if let value = number {
        let (tens, tensOverflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, overflow) = tens.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
        number = tensOverflow || overflow ? nil : sum
      }
      count += 1
      advance()
    }
    return count
  }

  /// Reads `e`, a sign and digits. An exponent beyond reason stays at 10 000, which no number takes.
  private mutating func readExponent() throws(JSONFault) -> Int {
    advance()
    let isNegative = current == UInt8(ascii: "-")
    if isNegative || current == UInt8(ascii: "+") { advance() }
    guard Self.isDigit(current) else {
      throw JSONFault("A digit belongs into the exponent.", at: place)
    }
    var value: UInt64? = 0
    appendDigits(to: &value)
    let exponent = Int(min(value ?? 10_000, 10_000))
    return isNegative ? -exponent : exponent
  }

  // MARK: Words

  private static func continuesWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
      0x80...0xFF:
      true
    default: false
    }
  }

  /// Reads `true`, `false` or `null`; explains everything else that may stand where a value belongs.
  mutating func readWord() throws(JSONFault) -> JSONValue.Content {
    let opening = place
    let start = offset
    while offset - start < 24, let byte = current, Self.continuesWord(byte) { advance() }
    switch text(from: start) {
    case "true": return .flag(true)
    case "false": return .flag(false)
    case "null": return .null
    case "":
      let isQuote = current == UInt8(ascii: "'")
      throw JSONFault(
        isQuote ? "A text stands in double quotes." : "No value begins with this.",
        help: #"A value is a text in double quotes, a number, true, false, null, [ or {."#,
        at: opening)
    case let word:
      let bare = word.prefix { !"“”„‘’«»".contains($0) }
      throw JSONFault(
        bare.isEmpty || bare.count < word.count
          ? "A text stands in straight double quotes." : "“\(word)” is no value.",
        help: bare.isEmpty || bare.count < word.count
          ? #"Write " instead of the typographic quotes."#
          : #"A text stands in double quotes; the words of JSON are true, false and null."#,
        at: opening)
    }
  }
}
