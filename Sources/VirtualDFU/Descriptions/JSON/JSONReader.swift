internal import USB

/// A JSON text that cannot be read: where, why, and what to write instead.
struct JSONFault: Error, Hashable, Sendable {
  var place: TextPlace
  var sentence: String
  var help: String?

  init(_ sentence: String, help: String? = nil, at place: TextPlace) {
    self.sentence = sentence
    self.help = help
    self.place = place
  }
}

/// Reads JSON (RFC 8259) and keeps the place of every value and of every name.
///
/// Beyond the standard it takes a byte order mark, and comments from `//` to the end of the line,
/// because descriptions that people keep want them. Nothing else is taken: no trailing commas, no
/// names without quotes. A name that stands twice in an object is a fault, and reading goes on.
struct JSONReader {
  /// How deep lists and objects may stand inside each other: a description needs 6. It bounds the
  /// recursion as well.
  static let depthLimit = 32
  /// How many values a text may have: a description of 64 memories has a few thousand.
  static let countLimit = 50_000
  /// How many repeated names are told.
  static let repetitionLimit = 100

  private let bytes: [UInt8]
  private var position = 0
  private(set) var place = TextPlace.start
  private var count = 0
  /// Where the lists and objects begin that are open.
  private var openings: [TextPlace] = []
  private(set) var repetitions: [JSONFault] = []

  /// What a text holds: its value, and the names that stand twice in one object.
  struct Document: Hashable, Sendable {
    var root: JSONValue
    var repetitions: [JSONFault]
  }

  /// Reads a whole text.
  ///
  /// - Parameter bytes: UTF-8.
  /// - Returns: the value, and the names that are repeated.
  /// - Throws: the first fault.
  static func read(_ bytes: [UInt8]) throws(JSONFault) -> Document {
    var reader = JSONReader(bytes)
    try reader.checkEncoding()
    try reader.skipBlanks()
    guard reader.current != nil else {
      throw JSONFault("There is nothing in it.", help: "A description begins with {.", at: .start)
    }
    let root = try reader.readValue()
    try reader.skipBlanks()
    guard reader.current == nil else {
      throw JSONFault(
        "Something follows behind the end of the description.",
        help: "Remove it, or look for a bracket too many before it.", at: reader.place)
    }
    return Document(root: root, repetitions: reader.repetitions)
  }

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  // MARK: Bytes

  var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  func peek(_ ahead: Int) -> UInt8? {
    position + ahead < bytes.count ? bytes[position + ahead] : nil
  }

  mutating func advance() {
    let byte = bytes[position]
    position += 1
    switch byte {
    case 0x0A: place = TextPlace(line: place.line + 1, column: 1)
    case 0x0D where current != 0x0A: place = TextPlace(line: place.line + 1, column: 1)
    case 0x0D: break
    // The bytes of a scalar behind its first.
    case 0x80...0xBF: break
    default: place.column += 1
    }
  }

  /// The text from `start` to the cursor.
  func text(from start: Int) -> String { String(decoding: bytes[start..<position], as: UTF8.self) }

  var offset: Int { position }

  private mutating func checkEncoding() throws(JSONFault) {
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      throw JSONFault("The text is UTF-16.", help: "Save it as UTF-8.", at: .start)
    }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    let invalid: Int
    do {
      _ = try UTF8Span(validating: bytes.span)
      return
    } catch {
      invalid = error.byteOffsets.lowerBound
    }
    while position < invalid { advance() }
    throw JSONFault(
      "The byte 0x\(hex(bytes[invalid])) is not UTF-8.", help: "Save the text as UTF-8.", at: place)
  }

  /// Passes over blanks, line ends and comments.
  private mutating func skipBlanks() throws(JSONFault) {
    while let byte = current {
      switch byte {
      case 0x20, 0x09, 0x0A, 0x0D: advance()
      case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "/"):
        while let byte = current, byte != 0x0A, byte != 0x0D { advance() }
      case UInt8(ascii: "/"), UInt8(ascii: "#"):
        throw JSONFault(
          "A comment begins with //, and goes to the end of its line.",
          help: "Write // in front of each line of it.", at: place)
      default: return
      }
    }
  }

  // MARK: Values

  private mutating func readValue() throws(JSONFault) -> JSONValue {
    count += 1
    guard count <= Self.countLimit else {
      throw JSONFault(
        "There are more than \(Self.countLimit) values: this is no description.", at: place)
    }
    let start = place
    switch current {
    case UInt8(ascii: "{"): return JSONValue(.object(try readObject()), at: start)
    case UInt8(ascii: "["): return JSONValue(.array(try readArray()), at: start)
    case UInt8(ascii: "\""): return JSONValue(.text(try readText()), at: start)
    case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")):
      return JSONValue(.number(try readNumber()), at: start)
    case nil: throw unexpectedEnd()
    default: return JSONValue(try readWord(), at: start)
    }
  }

  private func unexpectedEnd() -> JSONFault {
    guard let opening = openings.last else {
      return JSONFault("The text ends where a value belongs.", at: place)
    }
    return JSONFault(
      "The text ends before the bracket of line \(opening.line), column \(opening.column), is "
        + "closed.", help: "Add what is missing: a } or a ].", at: place)
  }

  /// Goes into a list or an object, behind its bracket.
  private mutating func open() throws(JSONFault) {
    guard openings.count < Self.depthLimit else {
      throw JSONFault(
        "Brackets stand more than \(Self.depthLimit) deep inside each other.", at: place)
    }
    openings.append(place)
    advance()
    try skipBlanks()
  }

  private mutating func close() {
    openings.removeLast()
    advance()
  }

  /// Passes a comma between two values, or stands at the closing bracket.
  ///
  /// - Returns: whether another value follows.
  private mutating func passComma(before end: UInt8) throws(JSONFault) -> Bool {
    try skipBlanks()
    guard let byte = current else { throw unexpectedEnd() }
    if byte == end { return false }
    guard byte == UInt8(ascii: ",") else {
      let closes = byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
      throw JSONFault(
        closes
          ? "This bracket closes what another kind of bracket has opened."
          : "A comma is missing in front of this.",
        help: closes
          ? "Put a \(Character(Unicode.Scalar(end))) here." : "Write it behind the value.",
        at: place)
    }
    let comma = place
    advance()
    try skipBlanks()
    if current == end {
      throw JSONFault("Nothing follows behind this comma.", help: "Remove it.", at: comma)
    }
    return true
  }

  private mutating func readArray() throws(JSONFault) -> [JSONValue] {
    try open()
    var values: [JSONValue] = []
    let end = UInt8(ascii: "]")
    var follows = current != end
    while follows {
      values.append(try readValue())
      follows = try passComma(before: end)
    }
    close()
    return values
  }

  private mutating func readObject() throws(JSONFault) -> [JSONMember] {
    try open()
    var members: [JSONMember] = []
    var lines: [String: Int] = [:]
    let end = UInt8(ascii: "}")
    var follows = current != end
    while follows {
      let member = try readMember()
      if let line = lines[member.name] {
        guard repetitions.count < Self.repetitionLimit else {
          throw JSONFault("More names stand twice than are told.", at: member.namePlace)
        }
        repetitions.append(
          JSONFault(
            "“\(member.name)” stands in line \(line) already.", help: "Keep one of the two.",
            at: member.namePlace))
      } else {
        lines[member.name] = member.namePlace.line
        members.append(member)
      }
      follows = try passComma(before: end)
    }
    close()
    return members
  }

  private mutating func readMember() throws(JSONFault) -> JSONMember {
    guard let byte = current else { throw unexpectedEnd() }
    guard byte == UInt8(ascii: "\"") else {
      throw JSONFault(
        "A name in double quotes belongs here.",
        help: #"Members of an object are written "name": value."#, at: place)
    }
    let start = place
    let name = try readText()
    try skipBlanks()
    guard let byte = current else { throw unexpectedEnd() }
    guard byte == UInt8(ascii: ":") else {
      throw JSONFault("A colon is missing behind “\(name)”.", help: "Write it here.", at: place)
    }
    advance()
    try skipBlanks()
    return JSONMember(name, try readValue(), at: start)
  }
}
