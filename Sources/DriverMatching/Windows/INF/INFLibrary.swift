/// The files that Include can name: those of one store, by name, in one language.
public struct INFLibrary: Hashable, Sendable {
  private var files: [String: INFReading]

  /// A library of files; of two with one name the first counts.
  public init(_ files: [INFReading] = []) {
    self.files = Dictionary(
      files.map { ($0.inf.name.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The file of a name, without regard to case.
  public func file(_ name: String) -> INFReading? { files[name.lowercased()] }
}

/// A line together with the file that it stands in.
public struct INFPlacedLine: Hashable, Sendable {
  /// The file.
  public var file: String
  /// The line, tokens replaced.
  public var line: INF.Line

  /// Where it stands: `oem12.inf:34`.
  public var place: String { "\(file):\(line.number)" }
}

/// Lines of sections with their tokens replaced, kept while one file is looked at: many install sections may need
/// the same, large one.
struct INFSectionCache {
  private var sections: [String: [INFPlacedLine]] = [:]

  /// The first lines of a section.
  mutating func lines(of section: INF.Section, in reading: INFReading) -> [INFPlacedLine] {
    let key = "\(reading.inf.name)|\(section.name)".lowercased()
    if let known = sections[key] { return known }
    let lines = section.lines.prefix(INFGathered.lineLimit).map { line in
      INFPlacedLine(
        file: reading.inf.name,
        line: INF.Line(
          number: line.number,
          key: line.key.map { reading.expand($0, limit: INFGathered.textLimit) },
          fields: line.fields.prefix(INFGathered.fieldLimit).map {
            reading.expand($0, limit: INFGathered.textLimit)
          }))
    }
    sections[key] = lines
    return lines
  }
}

/// A section with everything that Needs pulls into it.
struct INFGathered {
  /// Sections that Needs may lead through, one from another.
  static let depthLimit = 8
  /// Sections that one may pull in altogether.
  static let countLimit = 64
  /// Lines of all of them that are looked at. Real ones have some dozens; this bounds what many install sections
  /// of one file can cost that all need a large one.
  static let lineLimit = 512
  /// Fields of a line, and characters of a field, that are looked at: names of sections and services, GUIDs.
  static let fieldLimit = 64
  static let textLimit = 512

  /// The lines, its own first.
  private(set) var lines: [INFPlacedLine] = []
  /// What Needs names and no file at hand has: the files that Include names, and the section.
  private(set) var missing: [(files: [String], section: String, place: String)] = []
  /// Whether the limits cut something off.
  private(set) var isCut = false
  private var seen: Set<String> = []

  /// Gathers a section and what it needs.
  init(
    _ section: String, of reading: INFReading, _ library: INFLibrary,
    _ cache: inout INFSectionCache
  ) {
    add(section, of: reading, library, &cache, depth: 0)
  }

  private mutating func add(
    _ name: String, of reading: INFReading, _ library: INFLibrary,
    _ cache: inout INFSectionCache, depth: Int
  ) {
    guard let section = reading.section(name) else { return }
    guard seen.insert("\(reading.inf.name)|\(section.name)".lowercased()).inserted else { return }
    guard depth <= Self.depthLimit, seen.count <= Self.countLimit else {
      isCut = true
      return
    }
    isCut = isCut || section.lines.count > Self.lineLimit - lines.count
    let own = cache.lines(of: section, in: reading).prefix(max(0, Self.lineLimit - lines.count))
    lines += own
    func values(_ key: String) -> [(String, String)] {
      var values: [(String, String)] = []
      for placed in own where placed.line.key?.lowercased() == key {
        for field in placed.line.fields where !field.isEmpty {
          guard values.count < Self.countLimit else {
            isCut = true
            return values
          }
          values.append((field, placed.place))
        }
      }
      return values
    }
    let files = values("include").map(\.0)
    let places = files.compactMap { library.file($0) } + [reading]
    for (needed, place) in values("needs") {
      if let found = places.first(where: { $0.section(needed) != nil }) {
        add(needed, of: found, library, &cache, depth: depth + 1)
      } else if missing.count < Self.countLimit {
        missing.append((files, needed, place))
      }
    }
  }

  /// The lines with a key.
  func lines(_ key: String) -> [INFPlacedLine] {
    lines.filter { $0.line.key?.lowercased() == key.lowercased() }
  }
}
