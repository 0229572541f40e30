/// The characters of an INF one after the other: sections, lines and fields. It goes over each byte once, and ends
/// on whatever is in them.
struct INFScanner {
  private let text: [UInt8]
  private let file: String
  private var position = 0
  /// The number of the line at `position`.
  private var number = 1
  private var fieldCount = 0
  private var current: Int?
  private(set) var sections: [INF.Section] = []
  private(set) var places: [String: Int] = [:]
  private(set) var findings: [INFFinding] = []

  /// Findings of one kind that are told of.
  private static let findingLimit = 100

  init(_ text: [UInt8], file: String) {
    self.text = text
    self.file = file
  }

  mutating func scan() throws(INFError) {
    while let byte = peek() {
      switch byte {
      case Letter.newline:
        position += 1
        number += 1
      case Letter.endOfText: return
      case Letter.semicolon: skipRest()
      case Letter.openBracket: try scanSectionName()
      default:
        if let width = spaceWidth() {
          position += width
        } else {
          try scanLine()
        }
      }
    }
  }

  private enum Letter {
    static let newline: UInt8 = 0x0A
    /// Control-Z ends a text since CP/M.
    static let endOfText: UInt8 = 0x1A
    static let quote: UInt8 = 0x22
    static let percent: UInt8 = 0x25
    static let comma: UInt8 = 0x2C
    static let semicolon: UInt8 = 0x3B
    static let equals: UInt8 = 0x3D
    static let openBracket: UInt8 = 0x5B
    static let backslash: UInt8 = 0x5C
    static let closeBracket: UInt8 = 0x5D
  }

  private func peek(_ ahead: Int = 0) -> UInt8? {
    position + ahead < text.count ? text[position + ahead] : nil
  }

  /// How many bytes the space at `ahead` has: a blank, a control character, U+00A0; nil for no space.
  private func spaceWidth(_ ahead: Int = 0) -> Int? {
    guard let byte = peek(ahead) else { return nil }
    if byte == Letter.newline || byte == Letter.endOfText || byte == 0 { return nil }
    if byte <= 0x20 { return 1 }
    return byte == 0xC2 && peek(ahead + 1) == 0xA0 ? 2 : nil
  }

  private var isAtEndOfLine: Bool {
    guard let byte = peek() else { return true }
    return byte == Letter.newline || byte == Letter.endOfText
  }

  private mutating func skipRest() {
    while !isAtEndOfLine { position += 1 }
  }

  private mutating func find(_ slug: String, _ sentence: String, _ line: Int) {
    if findings.count < Self.findingLimit {
      findings.append(INFFinding(slug, sentence, line: line))
    }
  }

  private func error(_ kind: INFError.Kind) -> INFError { INFError(kind, file: file, line: number) }

  private mutating func scanSectionName() throws(INFError) {
    position += 1
    let start = position
    while !isAtEndOfLine, text[position] != Letter.closeBracket { position += 1 }
    guard peek() == Letter.closeBracket else { throw error(.unclosedSection) }
    // A character has up to three bytes for each of its units.
    guard position - start <= 3 * INF.sectionNameLimit else { throw error(.sectionNameTooLong) }
    let name = String(decoding: text[start..<position], as: UTF8.self)
    guard name.utf16.count <= INF.sectionNameLimit else { throw error(.sectionNameTooLong) }
    skipRest()
    let key = name.lowercased()
    if let place = places[key] {
      current = place
    } else {
      current = sections.count
      places[key] = sections.count
      sections.append(INF.Section(name: name, number: number, lines: []))
    }
  }

  private mutating func scanLine() throws(INFError) {
    guard let current else { throw error(.textBeforeSection) }
    var line = INF.Line(number: number, fields: [])
    var isDone = false
    while !isDone {
      let field = try scanField(endsAtEquals: line.key == nil && line.fields.isEmpty)
      fieldCount += 1
      guard fieldCount <= INF.fieldCountLimit else { throw error(.tooManyFields) }
      switch peek() {
      case Letter.equals? where line.key == nil && line.fields.isEmpty:
        position += 1
        line.key = field
      case Letter.comma?:
        position += 1
        line.fields.append(field)
      default:
        line.fields.append(field)
        isDone = true
      }
    }
    if peek() == Letter.semicolon { skipRest() }
    sections[current].lines.append(line)
  }

  /// Reads up to a comma, a comment, the end of the line, or an equals sign where one ends a key.
  private mutating func scanField(endsAtEquals: Bool) throws(INFError) -> String {
    while let width = spaceWidth() { position += width }
    if let field = plainField(endsAtEquals: endsAtEquals) { return field }
    return try scanMixedField(endsAtEquals: endsAtEquals)
  }

  /// The field here if it is one piece of the text, all in quotation marks or without any, as nearly all are; it is
  /// not copied byte by byte then. Nil, and nothing is read, where it is not.
  private mutating func plainField(endsAtEquals: Bool) -> String? {
    let isQuoted = peek() == Letter.quote
    let start = isQuoted ? position + 1 : position
    var ahead = start
    /// The end of what is no trailing space.
    var kept = start
    scanning: while ahead < text.count {
      let byte = text[ahead]
      switch byte {
      case Letter.newline, Letter.endOfText:
        if isQuoted { return nil }
        break scanning
      case Letter.quote:
        guard isQuoted else { return nil }
        break scanning
      case Letter.comma, Letter.semicolon:
        if !isQuoted { break scanning }
      case Letter.equals:
        if endsAtEquals, !isQuoted { break scanning }
      case Letter.percent:
        if !isQuoted, tokenWidth(ahead - position) > 1 { return nil }
      case Letter.backslash:
        if !isQuoted, continues(ahead - position) { return nil }
      default:
        if !isQuoted, byte <= 0x20 || byte == 0xC2, let width = spaceWidth(ahead - position) {
          ahead += width
          continue scanning
        }
      }
      ahead += 1
      kept = ahead
    }
    guard kept - start <= INF.fieldLimit else { return nil }
    if isQuoted {
      guard ahead < text.count else { return nil }
      kept = ahead
      ahead += 1
      while let width = spaceWidth(ahead - position) { ahead += width }
      switch ahead < text.count ? text[ahead] : Letter.newline {
      case Letter.newline, Letter.endOfText, Letter.comma, Letter.semicolon: break
      case Letter.equals where endsAtEquals: break
      default: return nil
      }
    }
    position = ahead
    return String(decoding: text[start..<kept], as: UTF8.self)
  }

  private mutating func scanMixedField(endsAtEquals: Bool) throws(INFError) -> String {
    var field: [UInt8] = []
    /// The bytes of the field that are no trailing space.
    var kept = 0
    scanning: while let byte = peek() {
      // Up to three bytes for each unit, and room for a run of trailing space.
      guard field.count <= 4 * INF.fieldLimit else { throw error(.fieldTooLong) }
      switch byte {
      case Letter.newline, Letter.endOfText, Letter.comma, Letter.semicolon: break scanning
      case Letter.equals where endsAtEquals: break scanning
      case Letter.quote:
        try scanQuotation(into: &field)
        kept = field.count
      case Letter.percent:
        let width = tokenWidth()
        field += text[position..<position + width]
        position += width
        kept = field.count
      case Letter.backslash where continues(): skipToContinuation()
      default:
        if let width = spaceWidth() {
          if !field.isEmpty { field += text[position..<position + width] }
          position += width
        } else {
          field.append(byte)
          position += 1
          kept = field.count
        }
      }
    }
    let result = String(decoding: field.prefix(kept), as: UTF8.self)
    guard kept <= INF.fieldLimit || result.utf16.count <= INF.fieldLimit else {
      throw error(.fieldTooLong)
    }
    return result
  }

  /// What stands in quotation marks; two of them are one. They end with their line.
  private mutating func scanQuotation(into field: inout [UInt8]) throws(INFError) {
    position += 1
    while !isAtEndOfLine, let byte = peek() {
      guard field.count <= 4 * INF.fieldLimit else { throw error(.fieldTooLong) }
      position += 1
      if byte == Letter.quote {
        guard peek() == Letter.quote else { return }
        position += 1
      }
      field.append(byte)
    }
    if field.last == 0x0D { field.removeLast() }
    find(
      "inf-unterminated-string", "A quotation mark is not closed; the string ends with its line.",
      number)
  }

  /// The bytes from a `%` to the one that closes it, if a semicolon between them is to be no comment; else 1.
  private func tokenWidth(_ start: Int = 0) -> Int {
    var hasSemicolon = false
    for ahead in 1...INF.sectionNameLimit {
      switch peek(start + ahead) {
      case nil, Letter.newline?, Letter.quote?, Letter.comma?: return 1
      case Letter.semicolon?: hasSemicolon = true
      case Letter.percent?: return hasSemicolon ? ahead + 1 : 1
      default: break
      }
    }
    return 1
  }

  /// Whether the backslash here is the last character of its line but for space and a comment.
  private func continues(_ start: Int = 0) -> Bool {
    var ahead = start + 1
    while let width = spaceWidth(ahead) { ahead += width }
    return [nil, Letter.newline, Letter.semicolon].contains(peek(ahead))
  }

  private mutating func skipToContinuation() {
    skipRest()
    guard peek() == Letter.newline else { return }
    position += 1
    number += 1
    while let width = spaceWidth() { position += width }
  }
}
