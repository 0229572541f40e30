/// Looks for what Windows reads and what does not do what its writer meant.
enum INFCheck {
  /// Findings of one kind that are told of.
  private static let limit = 100
  /// Languages and names of tokens that are looked at: all that real files have, and no product of two large
  /// numbers.
  private static let tableLimit = 256
  private static let nameLimit = 10_000

  static func findings(of inf: INF) -> [INFFinding] {
    let reading = INFReading(inf)
    return undefinedTokens(inf) + version(reading) + manufacturers(reading) + interfaces(reading)
      + services(reading) + INFRecursion.findings(of: reading)
  }

  /// Tokens that no `[Strings]` section defines; and those that a section of a language lacks, since then the
  /// others are not asked.
  private static func undefinedTokens(_ inf: INF) -> [INFFinding] {
    var tables: [(name: String, number: Int, keys: Set<String>)] = []
    var used: [String: (name: String, line: Int)] = [:]
    var findings: [INFFinding] = []
    func use(_ text: String, _ line: Int) {
      for name in INFToken.names(in: text) where used.count < nameLimit {
        let key = name.lowercased()
        if used[key] == nil { used[key] = (name, line) }
      }
    }
    for section in inf.sections {
      let lower = section.name.lowercased()
      let isLanguage = INFToken.language(ofStrings: lower) != nil
      if lower == "strings" || isLanguage {
        let keys = Set(section.lines.compactMap { $0.key?.lowercased() })
        if tables.count < tableLimit { tables.append((section.name, section.number, keys)) }
        continue
      }
      if lower.hasPrefix("strings.") {
        findings.append(
          INFFinding(
            "inf-strings-language",
            "[\(section.name)] does not end in the four digits of a language; it is never used.",
            line: section.number))
      }
      use(section.name, section.number)
      for line in section.lines {
        if let key = line.key { use(key, line.number) }
        for field in line.fields { use(field, line.number) }
      }
    }
    let ordered = used.values.sorted { ($0.line, $0.name) < ($1.line, $1.name) }
    for token in ordered where findings.count < limit {
      let lacking = tables.filter { !$0.keys.contains(token.name.lowercased()) }
      if lacking.count == tables.count {
        findings.append(
          INFFinding(
            "inf-undefined-token",
            "%\(token.name)% is not defined in [Strings]; it stays as it is written.",
            line: token.line))
      } else if let table = lacking.first {
        findings.append(
          INFFinding(
            "inf-token-lacks-in-language",
            "%\(token.name)% is not defined in [\(table.name)]; where that is used it stays as it is written.",
            line: token.line))
      }
    }
    return findings
  }

  private static func version(_ reading: INFReading) -> [INFFinding] {
    guard let section = reading.inf.section("Version") else { return [] }
    var findings: [INFFinding] = []
    func find(_ slug: String, _ sentence: String, _ line: Int? = nil) {
      findings.append(INFFinding(slug, sentence, line: line ?? section.number))
    }
    let isDriver = reading.section("Manufacturer") != nil
    if let line = reading.line("DriverVer", in: "Version") {
      if !reading.driverVersion(line).hasDate {
        find(
          "inf-no-date",
          "DriverVer has no date that can be read, and so counts as the oldest of all.", line.number
        )
      }
    } else if isDriver {
      find("inf-no-date", "There is no DriverVer, and so the driver counts as the oldest of all.")
    }
    if let line = reading.line("ClassGuid", in: "Version") {
      let guid = reading.field(0, of: line)
      if !INFGUID.isGUID(guid) {
        find(
          "inf-class-guid",
          INFGUID.isBare(guid)
            ? "ClassGuid has no braces." : "ClassGuid is no GUID of the form {8-4-4-4-12}.",
          line.number)
      }
    } else if isDriver {
      find("inf-class-guid", "There is no ClassGuid, which decides the setup class.")
    }
    let hasCatalog = section.lines.contains {
      $0.key?.lowercased().hasPrefix("catalogfile") == true && !$0.field(0).isEmpty
    }
    if isDriver, !hasCatalog {
      find("inf-no-catalog", "There is no CatalogFile, and so the package counts as not signed.")
    }
    return findings
  }

  private static func manufacturers(_ reading: INFReading) -> [INFFinding] {
    guard let lines = reading.section("Manufacturer")?.lines else { return [] }
    var findings: [INFFinding] = []
    var isDead = !lines.isEmpty
    var seen: Set<String> = []
    for line in lines.prefix(INFModels.lineLimit) {
      let base = reading.expand(line.field(0))
      let decorations = reading.decorations(of: line)
      if decorations.contains(where: { INFDecoration($0)?.architecture != nil }) { isDead = false }
      for text in decorations where findings.count < limit {
        if INFDecoration(text) == nil, !text.contains("$") {
          findings.append(
            INFFinding(
              "inf-unknown-decoration", "\(text) is no decoration that Windows knows.",
              line: line.number))
        } else if reading.section(base + "." + text) == nil {
          findings.append(
            INFFinding(
              "inf-missing-models",
              "There is no section [\(base).\(text)]; where it is chosen the line leads to nothing.",
              line: line.number))
        }
      }
      for section in [base] + decorations.map({ base + "." + $0 })
      where findings.count < limit && seen.insert(section.lowercased()).inserted {
        findings += revisions(reading.section(section)?.lines ?? [], reading)
      }
    }
    let template = lines.first { line in
      line.fields.contains { $0.lowercased().contains("$arch$") }
    }
    if let template {
      findings.append(
        INFFinding(
          "inf-template",
          "The file is a template: $ARCH$ is filled in when the driver is built, and no Windows reads it so.",
          line: template.number))
    } else if isDead, let first = lines.first {
      findings.append(
        INFFinding(
          "inf-undecorated-models",
          "No models section names an architecture; only x86 reads such a file.", line: first.number
        ))
    }
    return findings
  }

  /// Ids with a revision whose product is not named without one: firmware of another version does not match.
  private static func revisions(_ lines: [INF.Line], _ reading: INFReading) -> [INFFinding] {
    var revisions: [(id: String, without: String, line: Int)] = []
    for line in lines {
      for field in line.fields.dropFirst() where mayHaveRevision(field) {
        guard revisions.count < nameLimit else { break }
        let id = reading.expand(field, limit: HardwareID.limit)
        guard let without = HardwareID(id)?.withoutRevision else { continue }
        revisions.append((id, without.lowercased(), line.number))
      }
    }
    guard !revisions.isEmpty else { return [] }
    let all = Set(
      lines.flatMap { $0.fields.dropFirst() }.map {
        reading.expand($0, limit: HardwareID.limit).lowercased()
      })
    return revisions.lazy.filter { !all.contains($0.without) }.prefix(limit).map {
      INFFinding(
        "inf-revision-only",
        "\($0.id) names a revision: firmware with another bcdDevice does not match.", line: $0.line)
    }
  }

  /// Whether it is worth a closer look: `&REV_` or a token is in it.
  private static func mayHaveRevision(_ field: String) -> Bool {
    var isBehindAmpersand = false
    for byte in field.utf8 {
      if byte == INFToken.percent || isBehindAmpersand && byte | 0x20 == 0x72 { return true }
      isBehindAmpersand = byte == 0x26
    }
    return false
  }

  /// Interface GUIDs without braces: programs look for another text.
  private static func interfaces(_ reading: INFReading) -> [INFFinding] {
    var findings: [INFFinding] = []
    for section in reading.inf.sections {
      for line in section.lines
      where line.key == nil && line.fields.count > 4 && findings.count < limit
        && line.fields[2].lowercased().hasPrefix("deviceinterfaceguid")
      {
        for value in line.fields.dropFirst(4).prefix(INFGathered.fieldLimit)
          .map({ reading.expand($0, limit: 64) })
        where !INFGUID.isGUID(value) {
          findings.append(
            INFFinding(
              "inf-interface-guid",
              INFGUID.isBare(value)
                ? "The interface GUID has no braces, and no program finds it."
                : "\"\(value)\" is no GUID of the form {8-4-4-4-12}.", line: line.number))
        }
      }
    }
    return findings
  }

  /// Install sections with more than one function driver.
  private static func services(_ reading: INFReading) -> [INFFinding] {
    var findings: [INFFinding] = []
    for section in reading.inf.sections where section.name.lowercased().hasSuffix(".services") {
      let drivers = section.lines.filter { line in
        line.key?.lowercased() == "addservice"
          && (INFNumber(reading.field(1, of: line))?.value ?? 0) & 2 != 0
      }
      if drivers.count > 1, findings.count < limit {
        findings.append(
          INFFinding(
            "inf-two-function-drivers",
            "[\(section.name)] has \(drivers.count) services with flag 2; one is the function driver.",
            line: drivers[1].number))
      }
    }
    return findings
  }
}
