/// A Windows setup information file, as its text says it: sections of lines, each with its number.
///
/// Nothing is evaluated: `%tokens%` stand in the fields as they were written, quotation marks and comments are
/// gone. ``INFReading`` looks at it in one language. Microsoft Learn, "General Syntax Rules for INF Files".
public struct INF: Hashable, Sendable {
  /// One line: `key = field, field, …`, or fields alone.
  public struct Line: Hashable, Sendable {
    /// Its number in the file, from 1; the first of those that a `\` joins.
    public var number: Int
    /// What stands before the first `=`; nil where none does.
    public var key: String?
    /// What stands behind it, divided by commas. A key with nothing behind it has one empty field.
    public var fields: [String]

    /// A line of a section.
    public init(number: Int, key: String? = nil, fields: [String]) {
      self.number = number
      self.key = key
      self.fields = fields
    }

    /// The key; a line of one bare value is its own.
    public var name: String? { key ?? (fields.count == 1 ? fields.first : nil) }

    /// One field, empty where the line has fewer.
    public func field(_ index: Int) -> String {
      fields.indices.contains(index) ? fields[index] : ""
    }
  }

  /// All lines of one name, wherever in the file they stand.
  public struct Section: Hashable, Sendable {
    /// The name as it is written first.
    public var name: String
    /// The number of the line where it begins first.
    public var number: Int
    /// Its lines, in the order of the file.
    public var lines: [Line]
  }

  /// The name of the file, for messages and for Include.
  public var name: String
  /// How its characters are encoded.
  public var encoding: INFEncoding
  /// Its sections, in the order of their first appearance.
  public var sections: [Section]
  /// What is odd, and does not keep Windows from reading the file.
  public var findings: [INFFinding]
  private var places: [String: Int]

  /// Bytes that a file may have. The largest of Windows' own, of printers, have a third of it.
  public static let sizeLimit = 16 << 20
  /// UTF-16 units that a field may have, and a string after its tokens are replaced; with the zero at the end
  /// 4096 (Microsoft Learn, "General Syntax Rules for INF Files").
  public static let fieldLimit = 4095
  /// UTF-16 units that the name of a section may have.
  public static let sectionNameLimit = 255
  /// Fields that a file may have: a bound of our own on memory.
  public static let fieldCountLimit = 1 << 20

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - bytes: its content: UTF-16 or UTF-8 with a byte order mark, else code page 1252.
  ///   - name: its name, as messages have it.
  /// - Throws: ``INFError`` where Windows rejects the file, and beyond the limits.
  public init(_ bytes: [UInt8], name: String) throws(INFError) {
    guard bytes.count <= Self.sizeLimit else {
      throw INFError(.tooLarge(bytes: bytes.count), file: name, line: 0)
    }
    let text = INFText(bytes)
    var scanner = INFScanner(text.bytes, file: name)
    try scanner.scan()
    self.name = name
    encoding = text.encoding
    sections = scanner.sections
    places = scanner.places
    findings = text.findings + scanner.findings
    try checkSignature()
    findings += INFCheck.findings(of: self)
    findings.sort { $0.line < $1.line }
  }

  /// Reads a file from text that has been decoded.
  public init(text: String, name: String) throws(INFError) {
    try self.init([0xEF, 0xBB, 0xBF] + Array(text.utf8), name: name)
  }

  /// The section of a name, without regard to case; nil where the file has none.
  public func section(_ name: String) -> Section? {
    places[name.lowercased()].map { sections[$0] }
  }

  /// `[Version]` with a signature that Windows knows, or the file is none (Microsoft Learn, "INF Version
  /// Section").
  private func checkSignature() throws(INFError) {
    guard let version = section("Version") else {
      throw INFError(.noVersion, file: name, line: 0)
    }
    guard let line = version.lines.first(where: { $0.key?.lowercased() == "signature" }) else {
      throw INFError(.noVersion, file: name, line: version.number)
    }
    // Real ones have no token here, and then the strings need not be looked at.
    let written = line.field(0)
    let signature =
      written.utf8.contains(INFToken.percent) ? INFReading(self).expand(written) : written
    guard ["$windows nt$", "$chicago$"].contains(signature.lowercased()) else {
      throw INFError(.unknownSignature(signature), file: name, line: line.number)
    }
  }
}

/// How the characters of a file are encoded.
public enum INFEncoding: String, Codable, Hashable, Sendable, CaseIterable {
  /// UTF-16, low byte first.
  case utf16LittleEndian = "UTF-16LE"
  /// UTF-16, high byte first.
  case utf16BigEndian = "UTF-16BE"
  /// UTF-8 with a byte order mark: tolerated, not documented.
  case utf8 = "UTF-8"
  /// The code page of the system; here always 1252, Western European.
  case ansi = "ANSI"
}

/// Something odd in a file that Windows reads all the same.
public struct INFFinding: Codable, Hashable, Sendable {
  /// A stable name: lower case, words joined by hyphens.
  public var slug: String
  /// What is odd and what comes of it: one sentence.
  public var sentence: String
  /// The number of the line, from 1.
  public var line: Int

  /// A finding.
  public init(_ slug: String, _ sentence: String, line: Int) {
    self.slug = slug
    self.sentence = sentence
    self.line = line
  }
}
