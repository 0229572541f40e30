import USB

/// What Windows does with a device: the decision with its trace, and what comes of it for programs.
public struct WindowsDecision: Codable, Hashable, Sendable {
  /// The decision, in the form that both systems have.
  public var decision: DriverDecision
  /// What is installed; nil where nothing matches.
  public var binding: WindowsBinding?
  /// Every node that fits, best first.
  public var nodes: [DriverNode]
  /// Extension INFs that are applied after the driver, one for each ExtensionId.
  public var extensions: [DriverNode]
  /// Which programs then find the device.
  public var reach: [WindowsReach]
  /// What Device Manager shows as its state: 28 where there is no driver, 43 where enumeration failed; 0 for
  /// a device that should work.
  public var problemCode: Int

  /// Why it could not be enumerated; nil where it could.
  public var failure: EnumerationFailure? {
    problemCode == 43
      ? EnumerationFailure(naming: DeviceIDs(hardware: decision.names)) : nil
  }

  /// What the first part of the instance path says: the best hardware id without its revision.
  public var deviceID: String {
    let name = decision.names.first ?? ""
    if let failure { return failure.deviceID }
    return HardwareID(name)?.withoutRevision ?? name
  }
}

/// What Windows installs for a device, as far as Device Manager and the registry show it.
public struct WindowsBinding: Codable, Hashable, Sendable {
  /// The node that won.
  public var node: DriverNode
  /// The service; empty where no driver is needed; nil where the file names none.
  public var service: String?
  /// The group of Device Manager.
  public var group: String
  /// The name in that group; empty where it is not known.
  public var name: String
  /// The device interfaces that the file registers.
  public var interfaceGUIDs: [String]
}

extension DriverStore {
  /// Decides which driver Windows installs for a device.
  ///
  /// - Parameters:
  ///   - ids: its names.
  ///   - subject: what it is, for the trace: `device`, `function MI_02`.
  ///   - product: its product string, which Device Manager shows where no driver names it.
  ///   - failure: why it could not be enumerated; nil where it could, or where the ids tell it.
  /// - Returns: the decision; each of its `changes` was found by deciding again.
  public func decision(
    for ids: DeviceIDs, subject: String = "device", product: String? = nil,
    failure: EnumerationFailure? = nil
  ) -> WindowsDecision {
    // A failure is known by its names too, whoever has handed them in; it has one id in both lists.
    let named = failure == nil ? EnumerationFailure(naming: ids) : nil
    let failure = failure ?? named
    let ids = named.map { DeviceIDs($0) } ?? ids
    let search = search(ids)
    let winner = search.nodes.first
    var binding = winner.map { self.binding(of: $0, product) }
    if let failure { binding?.name = failure.name }
    var decision = DriverDecision(
      system: .windows, subject: subject, names: ids.hardware + ids.compatible,
      steps: steps(search, ids), candidates: candidates(search, ids),
      outcome: outcome(binding, search, product, failure))
    if let named {
      decision.steps.insert(
        DriverDecision.Step(
          "enumeration",
          "These are the names of a device that Windows could not ask for its own: \(named.name).",
          named.evidence), at: 0)
    }
    if failure == nil { decision.changes = changes(ids, search) }
    let isRefused = failure == nil && winner?.isRefused(on: windows) == true
    if isRefused, let winner {
      decision.steps.append(
        DriverDecision.Step(
          "refused",
          "\(winner.place) is not signed: it does not get into the store, or shows Code 52.",
          Evidence("Microsoft Learn, Driver Signing Policy", .documented)))
    }
    return WindowsDecision(
      decision: decision, binding: binding, nodes: search.nodes,
      extensions: applied(search.extensions), reach: WindowsReach.of(isRefused ? nil : binding),
      problemCode: failure != nil ? 43 : binding == nil ? 28 : isRefused ? 52 : 0)
  }

  private func binding(of node: DriverNode, _ product: String?) -> WindowsBinding {
    let group = SetupClass.of(node.classGUID)
    let shown = group?.shown ?? node.shownClass ?? node.className
    // Devices of this class have had the name that they say themselves since Windows 8.
    let isNamedByItself = group?.name == "USBDevice" && windows.isAtLeast(6, 2)
    // A file of somebody's own without a description is shown by what there is; of Windows' own it is not known.
    let fallback = node.line == nil ? "" : node.service?.text ?? node.file
    let own = node.description.isEmpty ? fallback : node.description
    return WindowsBinding(
      node: node, service: node.service?.text, group: shown,
      name: isNamedByItself ? product ?? own : own,
      interfaceGUIDs: node.interfaceGUIDs.map(\.text))
  }

  // MARK: The trace

  private func steps(_ search: DriverSearch, _ ids: DeviceIDs) -> [DriverDecision.Step] {
    let learn = "Microsoft Learn, How Windows Selects Drivers"
    var steps = [
      DriverDecision.Step(
        "ids",
        "Windows looks for \(countText(ids.hardware.count, "hardware id")), then for "
          + "\(countText(ids.compatible.count, "compatible id")), best first; letters may be of either case.",
        Evidence(learn, .documented)),
      DriverDecision.Step(
        "store",
        "\(countText(files.count, "file")) of the store and \(inbox.count) ids of Windows' own drivers were "
          + "compared: \(search.nodes.count == 1 ? "1 match" : "\(search.nodes.count) matches").",
        Evidence("the files that were handed in, on \(windows.name)", .read)),
    ]
    steps.append(
      DriverDecision.Step(
        "new-node",
        "This is the choice for a device that is new here. One that has a driver keeps it when it is plugged in "
          + "again; another port (without a serial number), another serial number or bcdDevice, or removing the "
          + "driver makes Windows choose anew.", Evidence(learn, .documented)))
    for (node, id) in search.extensions.prefix(16) {
      steps.append(
        DriverDecision.Step(
          "extension",
          "\(node.file) is an extension (\(id.isEmpty ? "without ExtensionId" : id)): it adds to the driver "
            + "that wins, and is none.", Evidence(node.place, .read)))
    }
    if search.nodes.count >= Self.totalLimit {
      steps.append(
        DriverDecision.Step(
          "match-limit", "There are more matches than are looked at.",
          Evidence("a limit of our own", .known)))
    }
    if ids.isComposite, let winner = search.nodes.first, winner.match.list == .hardware,
      winner.service?.text.lowercased() != "usbccgp"
    {
      steps.append(
        DriverDecision.Step(
          "composite-taken",
          "The driver takes the whole device: usbccgp is not loaded, and its functions do not appear.",
          Evidence("Microsoft Learn, USB Generic Parent Driver", .documented)))
    }
    return steps
  }

  private func applied(_ extensions: [(node: DriverNode, extensionID: String)]) -> [DriverNode] {
    var best: [String: DriverNode] = [:]
    for (node, id) in extensions {
      let key = id.lowercased()
      if let other = best[key], other.version >= node.version { continue }
      best[key] = node
    }
    return best.sorted { $0.key < $1.key }.map(\.value)
  }

  /// Candidates that are told of; there may be thousands.
  private static let candidateLimit = 64

  private func candidates(
    _ search: DriverSearch, _ ids: DeviceIDs
  ) -> [DriverDecision.Candidate] {
    var candidates: [DriverDecision.Candidate] = []
    let winner = search.nodes.first
    let best = search.nodes.prefix { node in winner.map { node.defeat(by: $0) == nil } ?? false }
    let isTied = Set(best.map(\.file)).count > 1
    for (index, node) in search.nodes.prefix(Self.candidateLimit).enumerated() {
      var candidate = candidate(node)
      let defeat = winner.flatMap { node.defeat(by: $0) }
      candidate.verdict =
        defeat != nil ? .outranked : isTied ? .ties : index == 0 ? .wins : .outranked
      let verdict =
        switch candidate.verdict {
        case .ties: "has the same rank, date and version as another; which is taken is not defined"
        case .wins:
          search.nodes.count > 1
            ? "is the best of \(search.nodes.count)" : "is the only one that matches"
        default: defeat ?? "stands in the same file, at the same rank, behind the first"
        }
      let isRefused = index == 0 && node.isRefused(on: windows)
      if isRefused { candidate.verdict = .dropped }
      candidate.steps.append(
        DriverDecision.Step(
          "verdict", "It \(verdict)\(isRefused ? ", and is refused, as it is not signed" : "").",
          Evidence("Microsoft Learn, How Windows Ranks Drivers", .documented)))
      candidates.append(candidate)
    }
    // That a file has other sections for other machines matters only where none of it counts.
    let counting = Set(search.nodes.map(\.file))
    let dropped = search.dropped.filter {
      $0.objection?.rule != "models-not-read" || !counting.contains($0.file)
    }
    for node in dropped.prefix(Self.candidateLimit) {
      var candidate = candidate(node)
      candidate.verdict = .dropped
      candidate.rank = nil
      candidate.steps += [node.objection].compactMap { $0 }
      candidates.append(candidate)
    }
    for near in search.near where near.isSameProduct || search.nodes.isEmpty {
      candidates.append(
        DriverDecision.Candidate(
          driver: near.file, origin: near.file, match: near.id, verdict: .dropped,
          steps: [
            DriverDecision.Step(
              "nearest-id", difference(of: near, from: ids), Evidence(near.place, .read))
          ]))
    }
    return candidates
  }

  private func difference(of near: DriverSearch.Near, from ids: DeviceIDs) -> String {
    let own = ids.hardware.lazy.compactMap { HardwareID($0) }.first
    guard near.isSameProduct, let id = HardwareID(near.id), let own else {
      return "\(near.id) is another product of the same vendor."
    }
    if id.function != own.function {
      return own.function == nil
        ? "\(near.id) names a function that exists only where the INF of the device sets EnumeratorClass to 02 00 "
          + "00 for usbccgp, and a union descriptor makes it."
        : "\(near.id) names a function by its interface alone, and here the INF of the device has usbccgp name it "
          + "\(own.function ?? "") too."
    }
    if id.interface != own.interface {
      let subject = id.interface.map { "for function \($0)" } ?? "for the whole device"
      let this =
        own.interface.map { "this is function \($0)" } ?? "this is the device and no function of it"
      return "\(near.id) is \(subject), and \(this)."
    }
    if let revision = id.revision {
      return
        "\(near.id) is for bcdDevice \(revision), and this device says \(own.revision ?? "none")."
    }
    return "\(near.id) is written in another way than Windows does."
  }

  private func candidate(_ node: DriverNode) -> DriverDecision.Candidate {
    let certainty: Certainty = node.line == nil ? node.service?.certainty ?? .known : .read
    let field = node.match.field == .hardware ? "the first" : "a later"
    var steps = [
      DriverDecision.Step(
        "match",
        "\(node.match.id) is \(node.match.place), and stands in \(field) id field of the line.",
        Evidence(node.place, certainty))
    ]
    steps.append(
      DriverDecision.Step(
        "rank", "Rank \(node.rank.text): " + node.rank.parts.joined(separator: "; ") + ".",
        Evidence("Microsoft Learn, How Windows Ranks Drivers", .documented)))
    steps.append(
      DriverDecision.Step(
        "driver-version",
        node.version.hasDate
          ? "DriverVer is \(node.version)." : "It has no date, and counts as the oldest.",
        Evidence(node.file, node.line == nil ? .seen : .read)))
    if node.line == nil, !node.description.isEmpty {
      steps.append(
        DriverDecision.Step(
          "shown-name", "Windows' own file calls the device \"\(node.description)\".",
          Evidence("Windows' own INF files, as Device Manager shows them", .known)))
    }
    return DriverDecision.Candidate(
      driver: Self.driverName(node), origin: node.place, match: node.match.id,
      rank: node.rank.rawValue,
      verdict: .outranked, steps: steps + node.notes)
  }

  private static func driverName(_ node: DriverNode) -> String {
    switch node.service?.text {
    case nil: node.file
    case ""?: "(none needed)"
    case let name?: name
    }
  }

  private func outcome(
    _ binding: WindowsBinding?, _ search: DriverSearch, _ product: String?,
    _ failure: EnumerationFailure?
  ) -> DriverDecision.Step {
    if let failure {
      return DriverDecision.Step(
        "code-43",
        "Windows could not enumerate the device: Device Manager shows \"\(failure.name)\" with Code 43. No "
          + "driver changes that.", failure.evidence)
    }
    guard let binding else {
      return DriverDecision.Step(
        "code-28",
        "Nothing matches: Device Manager shows \"\(product ?? "Unknown device")\" under \"Other devices\" with "
          + "Code 28, and no program can talk to it.",
        Evidence("Microsoft Learn, CM_PROB_FAILED_INSTALL", .documented))
    }
    let node = binding.node
    let certainty: Certainty = node.service?.certainty ?? .read
    let name = binding.name.isEmpty ? "it" : "\"\(binding.name)\""
    let place = "\(name) under \"\(binding.group)\""
    let usually = certainty.isFirm ? "" : "usually "
    if node.isRefused(on: windows) {
      return DriverDecision.Step(
        "refused",
        "Windows refuses \(node.file), which fits best: it is not signed, and Windows of 64 bits takes no such "
          + "package. The device stays without a driver, under Code 52 or Code 28.",
        Evidence("Microsoft Learn, Driver Signing Policy", .documented))
    }
    switch binding.service {
    case nil:
      return DriverDecision.Step(
        "bound-without-service",
        "Windows installs \(node.file), which names no function driver; Device Manager shows \(place).",
        Evidence(node.place, .read))
    case ""?:
      return DriverDecision.Step(
        "bound-without-driver",
        "Windows installs \(node.file), by which no driver is loaded; Device Manager shows \(place).",
        Evidence(node.place, certainty))
    case let service?:
      return DriverDecision.Step(
        "bound",
        "Windows \(usually)loads \(service) by \(node.file), and Device Manager shows \(place).",
        Evidence(node.service?.place ?? node.place, certainty))
    }
  }

  // MARK: What would change it

  /// Packages that are taken away one after the other.
  private static let undoLimit = 3

  private func changes(_ ids: DeviceIDs, _ search: DriverSearch) -> [DriverDecision.Step] {
    var changes: [DriverDecision.Step] = []
    let again = Evidence("decided again", .derived)
    var removed: [String] = []
    var next = search.nodes.first
    while let node = next, removed.count < Self.undoLimit, node.line != nil {
      removed.append(node.file)
      next = without(removed).search(ids).nodes.first
      let then =
        next.map {
          "\(Self.driverName($0)) of \($0.place) would win at \($0.rank.text), DriverVer \($0.version)"
        } ?? "nothing would match, and Device Manager would show Code 28"
      let condition =
        removed.count == 1
        ? "If \(node.file) were removed" : "If \(listText(removed)) were removed"
      changes.append(DriverDecision.Step("undo", "\(condition), \(then).", again))
    }
    if let change = firmwareChange(ids, search) { changes.append(change) }
    changes += NamingChange(ids, search.nodes.first, on: windows).steps
    return changes
  }

  /// Whether it would help that the firmware asks for WinUSB.
  private func firmwareChange(
    _ ids: DeviceIDs, _ search: DriverSearch
  ) -> DriverDecision.Step? {
    let id = "USB\\MS_COMP_WINUSB"
    guard !ids.compatible.contains(where: { $0.uppercased().hasPrefix("USB\\MS_COMP_") }),
      ids.hardware.contains(where: { HardwareID($0) != nil }), !ids.isComposite
    else { return nil }
    var asking = ids
    asking.compatible.insert(id, at: 0)
    guard let then = self.search(asking).nodes.first else { return nil }
    let isSame = then.file == search.nodes.first?.file
    return DriverDecision.Step(
      isSame ? "firmware-asks-in-vain" : "firmware-asks-for-winusb",
      isSame
        ? "If the firmware asked for WINUSB with Microsoft OS descriptors, \(then.file) would win all the "
          + "same, at \(then.rank.text)."
        : "If the firmware asked for WINUSB with Microsoft OS descriptors, \(Self.driverName(then)) of "
          + "\(then.place) would win at \(then.rank.text).", Evidence("decided again", .derived))
  }
}
