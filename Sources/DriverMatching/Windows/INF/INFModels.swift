/// What one line of `[Manufacturer]` leads to on one Windows: one models section, or none.
public struct INFModels: Hashable, Sendable {
  /// One decoration of the line, and what became of it.
  public struct Consideration: Codable, Hashable, Sendable {
    /// The section that it stands for.
    public var section: String
    /// Whether it is the one that is read.
    public var isTaken: Bool
    /// Why, or why not.
    public var reason: String
  }

  /// Lines of `[Manufacturer]`, and decorations of each, that are looked at; real files have some dozens.
  static let lineLimit = 4096
  static let decorationLimit = 64

  /// The manufacturer, as Device Manager shows it.
  public var manufacturer: String
  /// The number of the line.
  public var line: Int
  /// The section that is read; nil where none counts, and where it is not there.
  public var section: String?
  /// Every decoration, in the order of the line, the bare name last where it counts.
  public var considered: [Consideration]
}

/// One line of a models section: `description = install-section, hardware-id, compatible-id, …`.
public struct INFModel: Hashable, Sendable {
  /// What Device Manager shows.
  public var description: String
  /// The install section, not decorated.
  public var installSection: String
  /// The id in the first field; empty where there is none.
  public var hardwareID: String
  /// The ids behind it.
  public var compatibleIDs: [String]
  /// The number of the line.
  public var line: Int
}

extension INFReading {
  /// The models sections that count on a Windows, one for each line of `[Manufacturer]` (Microsoft Learn, "INF
  /// Manufacturer Section", "Combining Platform Extensions with Operating System Versions").
  public func models(on windows: WindowsProfile) -> [INFModels] {
    let lines = section("Manufacturer")?.lines.prefix(INFModels.lineLimit) ?? []
    return lines.map { models($0, on: windows) }
  }

  private func models(_ line: INF.Line, on windows: WindowsProfile) -> INFModels {
    // The short form: the name is the section as well.
    let manufacturer = expand(line.key ?? line.field(0))
    let base = line.key == nil ? manufacturer : field(0, of: line)
    var result = INFModels(
      manufacturer: manufacturer, line: line.number, section: nil, considered: [])
    var kept: [(INFDecoration, Int)] = []
    func consider(_ decoration: INFDecoration?, _ text: String) {
      let name = text.isEmpty ? base : base + "." + text
      let objection =
        decoration.map { $0.objection(on: windows) } ?? "it is no decoration that Windows knows"
      if let decoration, objection == nil { kept.append((decoration, result.considered.count)) }
      result.considered.append(
        INFModels.Consideration(section: name, isTaken: false, reason: objection ?? ""))
    }
    for text in decorations(of: line) {
      consider(INFDecoration(text), text)
    }
    if section(base) != nil || result.considered.isEmpty { consider(INFDecoration.none, "") }
    guard var best = kept.first else { return result }
    for candidate in kept.dropFirst()
    where best.0.closeness.lexicographicallyPrecedes(candidate.0.closeness) {
      best = candidate
    }
    for (decoration, place) in kept where place != best.1 {
      result.considered[place].reason =
        "\(result.considered[best.1].section) is closer: \(best.0.advantage(over: decoration))"
    }
    let name = result.considered[best.1].section
    guard let section = section(name) else {
      result.considered[best.1].reason = "it is the closest, and the file has no such section"
      return result
    }
    result.considered[best.1].isTaken = true
    result.considered[best.1].reason =
      section.lines.isEmpty
      ? "it is the closest, and it is empty: that shuts this Windows out" : "it is the closest"
    result.section = name
    return result
  }

  /// The decorations of a line of `[Manufacturer]`.
  func decorations(of line: INF.Line) -> [String] {
    line.fields.dropFirst().prefix(INFModels.decorationLimit).map {
      expand($0, limit: INF.sectionNameLimit)
    }.filter { !$0.isEmpty }
  }

  /// The lines of a models section.
  public func entries(of section: String) -> [INFModel] {
    (self.section(section)?.lines ?? []).map { model($0) }
  }

  /// What a line of a models section says.
  func model(_ line: INF.Line) -> INFModel {
    INFModel(
      description: expand(line.key ?? ""), installSection: field(0, of: line),
      hardwareID: field(1, of: line), compatibleIDs: line.fields.dropFirst(2).map { expand($0) },
      line: line.number)
  }
}
