/// An INF as a Windows of one language reads it: `%tokens%` are replaced (Microsoft Learn, "INF Strings Section").
///
/// Of `[Strings]` and `[Strings.LLLL]` exactly one is used: that of the language, else that of its primary
/// language without a region, else any of its primary language, else the one without a language.
public struct INFReading: Hashable, Sendable {
  /// The file.
  public let inf: INF
  /// The `[Strings]` section that is used; nil where the file has none.
  public let stringsSection: String?
  private let strings: [String: String]
  /// Sections whose names have tokens in them, by what they then are.
  private let renamed: [String: String]

  /// A file in a language.
  ///
  /// - Parameters:
  ///   - inf: the file.
  ///   - language: the LANGID of the system: 0x0409 is English of the United States.
  public init(_ inf: INF, language: UInt16 = 0x0409) {
    self.inf = inf
    let section = Self.stringsSection(of: inf, language)
    stringsSection = section?.name
    var strings: [String: String] = [:]
    for line in section?.lines ?? [] {
      guard let key = line.key?.lowercased(), strings[key] == nil else { continue }
      strings[key] = line.field(0)
    }
    self.strings = strings
    var renamed: [String: String] = [:]
    for section in inf.sections where section.name.utf8.contains(INFToken.percent) {
      let name = INFToken.replacing(in: section.name, limit: INF.sectionNameLimit) { strings[$0] }
      if renamed[name.lowercased()] == nil { renamed[name.lowercased()] = section.name }
    }
    self.renamed = renamed
  }

  private static func stringsSection(of inf: INF, _ language: UInt16) -> INF.Section? {
    let candidates = inf.sections.compactMap { section in
      INFToken.language(ofStrings: section.name).map { (section, $0) }
    }
    // The low ten bits are the language, the others the region.
    let primary = language & 0x3FF
    let match =
      candidates.first { $0.1 == language } ?? candidates.first { $0.1 == primary }
      ?? candidates.first { $0.1 & 0x3FF == primary }
    return match?.0 ?? inf.section("Strings")
  }

  /// A text with its tokens replaced, once: a token in a replacement stays.
  ///
  /// A token without a definition stays as it is written, and so does the number of a folder: `%12%`. What is
  /// longer than ``INF/fieldLimit`` is cut there.
  public func expand(_ text: String) -> String { expand(text, limit: INF.fieldLimit) }

  /// The same for what cannot be as long: a file may hold a million short fields that each become a long one.
  func expand(_ text: String, limit: Int) -> String {
    guard text.utf8.contains(INFToken.percent) else { return text }
    return INFToken.replacing(in: text, limit: limit) { strings[$0] }
  }

  /// The section of a name, whatever its case, tokens in the names of sections replaced.
  public func section(_ name: String) -> INF.Section? {
    if let section = inf.section(name) { return section }
    return renamed.isEmpty ? nil : renamed[name.lowercased()].flatMap { inf.section($0) }
  }

  /// The first line of a section with a key; nil where there is none.
  public func line(_ key: String, in section: String) -> INF.Line? {
    let key = key.lowercased()
    return self.section(section)?.lines.first { line in
      line.key.map { expand($0).lowercased() } == key
    }
  }

  /// One field of a line, tokens replaced.
  public func field(_ index: Int, of line: INF.Line) -> String { expand(line.field(index)) }
}

/// What stands between percent signs.
enum INFToken {
  static let percent: UInt8 = 0x25

  /// Whether a name is the number of a folder (dirid): digits, or -1.
  static func isFolder(_ name: some StringProtocol) -> Bool {
    let digits = name.utf8.first == 0x2D ? name.utf8.dropFirst() : name.utf8[...]
    return !digits.isEmpty && digits.allSatisfy { (0x30...0x39).contains($0) }
  }

  /// The language of `Strings.LLLL`; nil for other sections.
  static func language(ofStrings section: String) -> UInt16? {
    let name = section.lowercased()
    guard name.hasPrefix("strings."), name.utf8.count == 12 else { return nil }
    return UInt16(name.dropFirst(8), radix: 16)
  }

  /// A text with every token replaced that `definition` knows by its lower-case name; `%%` is one percent sign. It
  /// ends after `limit` UTF-16 units, and costs no more than that whatever the definitions hold.
  static func replacing(
    in text: String, limit: Int, _ definition: (String) -> String?
  ) -> String {
    // Up to three bytes for each unit.
    let byteLimit = 3 * limit + 1
    var expanded = ""
    func append(_ part: Substring.UTF8View) {
      let room = max(0, byteLimit - expanded.utf8.count)
      // What is cut in the middle of a character lies beyond the limit.
      expanded +=
        part.count <= room
        ? String(Substring(part)) : String(decoding: part.prefix(room), as: UTF8.self)
    }
    var rest = text.utf8[...]
    while let start = rest.firstIndex(of: percent), expanded.utf8.count < byteLimit {
      append(rest[..<start])
      let behind = rest[rest.index(after: start)...]
      guard let end = behind.firstIndex(of: percent) else {
        rest = rest[start...]
        break
      }
      let name = String(Substring(behind[..<end]))
      if name.isEmpty {
        expanded += "%"
      } else if !isFolder(name), let definition = definition(name.lowercased()) {
        append(definition.utf8[...])
      } else {
        append(rest[start...end])
      }
      rest = behind[behind.index(after: end)...]
    }
    append(rest)
    return cut(expanded, limit)
  }

  /// The first `limit` UTF-16 units of a text.
  private static func cut(_ text: String, _ limit: Int) -> String {
    guard text.utf8.count > limit, text.utf16.count > limit else { return text }
    if text.utf8.count == text.utf16.count {
      return String(decoding: text.utf8.prefix(limit), as: UTF8.self)
    }
    return String(decoding: text.utf16.prefix(limit), as: UTF16.self)
  }

  /// The names of the tokens in a text, as they are written, folders left out.
  static func names(in text: String) -> [String] {
    guard text.utf8.contains(percent) else { return [] }
    var names: [String] = []
    var rest = text.utf8[...]
    while let start = rest.firstIndex(of: percent) {
      let behind = rest[rest.index(after: start)...]
      guard let end = behind.firstIndex(of: percent) else { break }
      let name = String(Substring(behind[..<end]))
      if !name.isEmpty, !isFolder(name) { names.append(name) }
      rest = behind[behind.index(after: end)...]
    }
    return names
  }
}
