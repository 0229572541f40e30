/// One walk through a store with the ids of one device.
struct DriverSearch {
  /// An id of the device and where it stands.
  private struct Place {
    var list: IdentifierMatch.Kind
    var index: Int
  }

  /// An id that is nearly one of the device's.
  struct Near {
    var file: String
    var line: Int
    var id: String
    /// Whether vendor and product are the device's.
    var isSameProduct: Bool

    var place: String { "\(file):\(line)" }
  }

  /// What may bind, best first after ``sort()``.
  private(set) var nodes: [DriverNode] = []
  /// What matches, and a rule excludes it.
  private(set) var dropped: [DriverNode] = []
  /// What adds to a driver and is none.
  private(set) var extensions: [(node: DriverNode, extensionID: String)] = []
  /// What nearly matches.
  private(set) var near: [Near] = []
  private let ids: DeviceIDs
  private var places: [String: [Place]] = [:]
  private var filter: IDFilter
  private let product: String?
  private let vendor: String?

  private static let nearLimit = 20

  init(_ ids: DeviceIDs) {
    self.ids = ids
    let hardware = ids.hardware.lazy.compactMap { HardwareID($0) }.first
    product = hardware?.bare.lowercased()
    vendor = hardware.map { "usb\\vid_\($0.vendor.lowercased())&" }
    filter = IDFilter(vendor)
    for (list, ids) in [
      (IdentifierMatch.Kind.hardware, ids.hardware), (.compatible, ids.compatible),
    ] {
      for (index, id) in ids.enumerated() {
        places[id.lowercased(), default: []].append(Place(list: list, index: index))
        filter.insert(id.lowercased())
      }
    }
  }

  /// The lines of a file that have to do with the device.
  mutating func add(
    _ file: StoredINF, _ reading: INFReading, _ library: INFLibrary, _ windows: WindowsProfile
  ) {
    var source = Source(file: file, reading: reading, library: library, windows: windows)
    var seen: Set<String> = []
    let all = reading.models(on: windows)
    // What counts first: the limit is for it.
    for isTaken in [true, false] {
      for models in all {
        for option in models.considered
        where option.isTaken == isTaken && seen.insert(option.section.lowercased()).inserted {
          let lines = reading.section(option.section)?.lines ?? []
          for line in lines where source.count < DriverStore.nodeLimit {
            add(line, models, option, &source)
          }
        }
      }
    }
  }

  /// A file while its lines are looked at.
  private struct Source {
    var file: StoredINF
    var reading: INFReading
    var library: INFLibrary
    var windows: WindowsProfile
    var count = 0
    var installations: [String: INFInstallation] = [:]
    var cache = INFSectionCache()
    var version: INFVersion?
    var shownClass: String??
  }

  private mutating func add(
    _ line: INF.Line, _ models: INFModels, _ option: INFModels.Consideration,
    _ source: inout Source
  ) {
    for (place, field) in line.fields.enumerated().dropFirst() where !field.isEmpty {
      // No id is longer, so that one that is cut matches nothing.
      let id = source.reading.expand(field, limit: HardwareID.limit + 1)
      guard filter.mayMatter(id) else { continue }
      let lower = id.lowercased()
      guard let found = places[lower] else {
        if option.isTaken { addNear(id, lower, line, source.file.name) }
        continue
      }
      for position in found where source.count < DriverStore.nodeLimit {
        let match = IdentifierMatch(
          id: id, list: position.list, index: position.index,
          field: place == 1 ? .hardware : .compatible, position: max(0, place - 2))
        source.count += 1
        addNode(match, line, models, option, &source)
      }
    }
  }

  private mutating func addNear(_ id: String, _ lower: String, _ line: INF.Line, _ file: String) {
    guard let vendor, lower.hasPrefix(vendor) else { return }
    let isSameProduct = product.map { lower.hasPrefix($0) } ?? false
    // Of each kind some, so that a vendor's long list does not hide the product.
    guard near.lazy.filter({ $0.isSameProduct == isSameProduct }).count < Self.nearLimit else {
      return
    }
    near.append(
      Near(file: file, line: line.number, id: id, isSameProduct: isSameProduct))
  }

  private mutating func addNode(
    _ match: IdentifierMatch, _ line: INF.Line, _ models: INFModels,
    _ option: INFModels.Consideration, _ source: inout Source
  ) {
    let (reading, windows) = (source.reading, source.windows)
    let installName = reading.expand(line.field(0), limit: INF.sectionNameLimit)
    let version = source.version ?? reading.version(on: windows.architecture)
    source.version = version
    let key = installName.lowercased()
    let installation =
      source.installations[key]
      ?? reading.installation(
        installName, on: windows.architecture, source.library, &source.cache)
    source.installations[key] = installation
    let shownClass = source.shownClass ?? reading.shownClass(on: windows.architecture)
    source.shownClass = .some(shownClass)
    let signer = Self.signer(source.file.signer, version)
    let isDecorated = installation.isDecorated || option.section.lowercased().contains(".nt")
    let signature = signer.signatureScore(on: windows, isDecorated: isDecorated)
    var node = DriverNode(
      file: source.file.name, line: line.number, description: reading.expand(line.key ?? ""),
      manufacturer: models.manufacturer, provider: version.provider,
      modelsSection: option.section, installName: installName,
      installSection: installation.section, match: match,
      rank: DriverRank(signature: signature, feature: installation.featureScore, match),
      version: installation.driverVersion ?? version.driverVersion, signer: signer,
      classGUID: version.classGUID, className: version.className, service: installation.service,
      serviceBinary: installation.serviceBinary, serviceStart: installation.serviceStart,
      interfaceGUIDs: installation.interfaceGUIDs, serviceGUIDs: installation.serviceGUIDs,
      composite: installation.composite, shownClass: shownClass, objection: nil, notes: [])
    if option.isTaken { node.notes = Self.choices(node, installation, models, reading) }
    node.notes += Self.notes(node, installation, source, version)
    node.objection = objection(option, models, installation, source)
    if node.objection != nil {
      if dropped.count < DriverStore.nodeLimit { dropped.append(node) }
    } else if version.isExtension {
      extensions.append((node, version.extensionID ?? ""))
    } else {
      nodes.append(node)
    }
  }

  /// Who counts as the signer: nobody without a catalog; and Microsoft signs nothing that Zadig makes, which has a
  /// certificate of its own put into the machine's stores.
  private static func signer(_ said: DriverSigner, _ version: INFVersion) -> DriverSigner {
    if version.catalog == nil, said != .inbox { return .unsigned }
    return said == .whql && version.provider.lowercased() == "libwdi" ? .authenticode : said
  }

  private func objection(
    _ option: INFModels.Consideration, _ models: INFModels, _ installation: INFInstallation,
    _ source: Source
  ) -> DriverDecision.Step? {
    let hardware = Set(ids.hardware.map { $0.lowercased() })
    if !option.isTaken {
      return DriverDecision.Step(
        "models-not-read", "[\(option.section)] is not read: \(option.reason).",
        Evidence("\(source.file.name):\(models.line)", .read))
    }
    if let excluded = installation.excludedIDs.first(where: {
      hardware.contains($0.text.lowercased())
    }) {
      return DriverDecision.Step(
        "exclude-id", "[\(installation.section)] excludes \(excluded.text).",
        Evidence(excluded.place, .read))
    }
    return nil
  }

  /// Decorations of a line that are told of.
  private static let choiceLimit = 12

  /// Which sections of the file were chosen, and why.
  private static func choices(
    _ node: DriverNode, _ installation: INFInstallation, _ models: INFModels, _ reading: INFReading
  ) -> [DriverDecision.Step] {
    var steps = models.considered.prefix(choiceLimit).map { option in
      DriverDecision.Step(
        option.isTaken ? "models-read" : "models-not-read",
        "[\(option.section)] is \(option.isTaken ? "" : "not ")read: \(option.reason).",
        Evidence("\(reading.inf.name):\(models.line)", .read))
    }
    if installation.exists {
      steps.append(
        DriverDecision.Step(
          "install-section", "It would be installed by [\(installation.section)].",
          Evidence(node.place, .read)))
    }
    if let service = installation.service {
      steps.append(
        DriverDecision.Step(
          "service",
          service.text.isEmpty
            ? "The file says that no driver is needed."
            : "The function driver is \(service.text)"
              + (service.certainty == .read
                ? " (AddService with flag 2)."
                : ", by a section of Windows' own that the file needs."),
          Evidence(service.place, service.certainty)))
    } else {
      let other = ["", ".NT"].map { node.installName + $0 + ".Services" }.first {
        reading.section($0) != nil
          && $0.lowercased() != "\(installation.section).services".lowercased()
      }
      let reason =
        other.map { "; [\($0)] is not decorated as [\(installation.section)] is, and is not read" }
        ?? ""
      steps.append(
        DriverDecision.Step(
          "service", "The file names no function driver (AddService with flag 2)\(reason).",
          Evidence(node.place, .read)))
    }
    return steps
  }

  private static func notes(
    _ node: DriverNode, _ installation: INFInstallation, _ source: Source, _ version: INFVersion
  ) -> [DriverDecision.Step] {
    var notes: [DriverDecision.Step] = []
    func note(_ rule: String, _ sentence: String, _ source: String, _ certainty: Certainty) {
      notes.append(DriverDecision.Step(rule, sentence, Evidence(source, certainty)))
    }
    if !installation.exists {
      note(
        "no-install-section", "The file has no section [\(installation.section)] to install from.",
        node.place, .read)
    }
    let id = node.match.id.uppercased()
    if node.signer != .inbox, id.hasPrefix("USB\\CLASS_") || id.hasPrefix("USB\\MS_COMP_") {
      note(
        "claims-class",
        "It claims \(node.match.id), whoever has made the device: Microsoft signs no such package for others.",
        "Microsoft Learn, USB driver packages", .documented)
    }
    if node.provider.lowercased() == "libwdi" {
      note(
        "forced",
        "Zadig has made it and forces it onto one device; elsewhere it is ranked like any other.",
        "Zadig's own documentation", .known)
    }
    if let hidden = source.reading.line("ExcludeFromSelect", in: "ControlFlags") {
      note(
        "exclude-from-select",
        "It is hidden from the lists that people pick from; that changes nothing about the choice.",
        "\(source.file.name):\(hidden.number)", .read)
    }
    if installation.isCut {
      note(
        "needs-cut", "Include and Needs lead further than is followed here.", node.place, .open)
    }
    for missing in installation.missing.prefix(4) {
      note(
        "needs-missing", "It needs [\(missing.text)], which no file at hand has.", missing.place,
        missing.certainty)
    }
    if version.catalog == nil, source.file.signer != .inbox {
      note(
        "no-catalog", "It names no catalog for this Windows, and so counts as not signed.",
        source.file.name, .read)
    }
    if node.signer == .unsigned, source.windows.architecture != .x86 {
      note(
        "unsigned",
        "It is not signed: Windows of 64 bits takes no such package into its store, or shows Code 52.",
        "Microsoft Learn, Driver Signing Policy", .documented)
    }
    return notes
  }

  /// A driver of Windows' own that is known without its file.
  mutating func add(_ driver: InboxDriver, _ windows: WindowsProfile) {
    for place in places[driver.id.lowercased()] ?? [] {
      let match = IdentifierMatch(
        id: driver.id, list: place.list, index: place.index, field: driver.field ?? .hardware,
        position: driver.position)
      let signature = DriverSigner.inbox.signatureScore(on: windows, isDecorated: true)
      let group = SetupClass.named(driver.className)
      var node = DriverNode(
        file: driver.file, line: nil, description: driver.description, manufacturer: "",
        provider: "Microsoft",
        modelsSection: "", installName: "", installSection: "", match: match,
        rank: DriverRank(signature: signature, feature: nil, match),
        version: InboxDriver.version(on: windows), signer: .inbox, classGUID: group?.guid ?? "",
        className: driver.className,
        service: INFInstallation.Value(
          text: driver.service, place: driver.file, certainty: driver.certainty),
        interfaceGUIDs: [], serviceGUIDs: [], composite: nil, shownClass: nil, objection: nil,
        notes: [])
      if driver.field == nil {
        node.notes.append(
          DriverDecision.Step(
            "inbox-field",
            "In which field of its line \(driver.id) stands was never seen; the first is taken.",
            Evidence("built-in knowledge of \(driver.file)", .open)))
      }
      nodes.append(node)
    }
  }

  mutating func sort() {
    // Files of one name do not happen in a store; where nothing tells two apart, their names do, so that the
    // answer is always the same.
    nodes.sort { left, right in
      if left.isBetter(than: right) { return true }
      if right.isBetter(than: left) { return false }
      return (left.file, left.line ?? 0) < (right.file, right.line ?? 0)
    }
    near.sort { $0.isSameProduct && !$1.isSameProduct }
  }
}

extension INFReading {
  /// What the file calls the group of its setup class, where it brings the class with it: the value without a
  /// name of `[ClassInstall32]` (Microsoft Learn, "INF ClassInstall32 Section").
  func shownClass(on architecture: WindowsProfile.Architecture) -> String? {
    let (name, _) = installSection("ClassInstall32", on: architecture)
    for line in section(name)?.lines ?? [] where line.key?.lowercased() == "addreg" {
      for value in line.fields.prefix(16) {
        let lines = section(expand(value))?.lines.prefix(64) ?? []
        for line in lines
        where line.key == nil && line.field(0).lowercased() == "hkr" && line.field(1).isEmpty
          && line.field(2).isEmpty && !line.field(4).isEmpty
        {
          return field(4, of: line)
        }
      }
    }
    return nil
  }
}
