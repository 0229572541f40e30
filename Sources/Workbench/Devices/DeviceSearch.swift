internal import DFU
internal import DFUHost
internal import USB

/// From selectors to devices.
///
/// Nothing falls back to a virtual device by itself, and no device is chosen among several.
public enum DeviceSearch {
  /// Which devices are of use.
  public enum Kind: Hashable, Sendable {
    /// Those with a DFU interface.
    case dfu
    /// All USB devices, hubs included.
    case any
  }

  /// The devices that selectors name, in their order.
  ///
  /// - Parameters:
  ///   - selectors: as a person typed them; empty means the physical devices.
  ///   - kind: which of the devices that share a host are of use.
  ///   - wait: for what to wait, instead of saying that there is nothing; nil does not wait.
  ///   - record: where everything is recorded or captured, the search included; for one selector only.
  ///   - onWait: is told when a wait begins.
  /// - Returns: at least one device.
  /// - Throws: ``SelectorError``, ``BoardError``, ``FileError``, ``ReplayFileError``,
  ///   ``DeviceSearchError``, `HostError`, or `CancellationError` while waiting.
  public static func devices(
    _ selectors: [String], kind: Kind = .dfu, waiting wait: DeviceWait? = nil,
    record: RecordingRequest? = nil, onWait: () -> Void = {}
  ) async throws -> [FoundDevice] {
    try await devices(
      selectors, kind: kind, waiting: wait, record: record, places: SearchPlaces(), onWait: onWait)
  }

  static func devices(
    _ selectors: [String], kind: Kind = .dfu, waiting wait: DeviceWait? = nil,
    record: RecordingRequest? = nil, places: SearchPlaces, onWait: () -> Void = {}
  ) async throws -> [FoundDevice] {
    // All of them are understood before the first is reached.
    var parsed: [(text: String, selector: DeviceSelector?)] =
      try selectors.map { ($0, try DeviceSelector($0)) }
    if parsed.isEmpty { parsed = [("", nil)] }
    guard record == nil || parsed.count == 1 else {
      throw DeviceSearchError(.severalRecorded(parsed.count))
    }
    var places = places
    var found: [FoundDevice] = []
    for (text, selector) in parsed {
      var place = try places.place(of: selector, typed: text)
      if kind == .any { place.filter.needsDFU = false }
      if let record { try place.keep(record, typed: text) }
      let infos = try await attached(to: place, wait, typed: text, onWait)
      // Two selectors may name one device of this machine.
      let known = place.isPhysical ? Set(found.filter(\.isPhysical).map(\.info.id)) : []
      for info in infos where !known.contains(info.id) {
        found.append(place.found(info, typed: text))
      }
    }
    guard !found.isEmpty else { throw DeviceSearchError(.nothingThere(selectors)) }
    return found
  }

  /// The one device that selectors name.
  ///
  /// - Parameters:
  ///   - selectors: as a person typed them; empty means the physical devices.
  ///   - wait: for what to wait; nil does not wait.
  ///   - record: where everything is recorded.
  ///   - onWait: is told when a wait begins.
  /// - Returns: the device.
  /// - Throws: as ``devices(_:kind:waiting:record:onWait:)``, and ``DeviceSearchError`` where more than one
  ///   fits.
  public static func device(
    _ selectors: [String], waiting wait: DeviceWait? = nil, record: RecordingRequest? = nil,
    onWait: () -> Void = {}
  ) async throws -> FoundDevice {
    try await device(
      selectors, waiting: wait, record: record, places: SearchPlaces(), onWait: onWait)
  }

  static func device(
    _ selectors: [String], waiting wait: DeviceWait? = nil, record: RecordingRequest? = nil,
    places: SearchPlaces, onWait: () -> Void = {}
  ) async throws -> FoundDevice {
    try only(
      of: try await devices(
        selectors, waiting: wait, record: record, places: places, onWait: onWait))
  }

  /// The one device of a list.
  ///
  /// Among the devices of one selector those whose application runs do not compete with one that is in
  /// DFU mode: their owners may not even know that they have a DFU interface.
  ///
  /// - Parameter found: what fits.
  /// - Returns: the only one, or the only one in DFU mode.
  /// - Throws: ``DeviceSearchError`` for none and for several, which it lists.
  public static func only(of found: [FoundDevice]) throws(DeviceSearchError) -> FoundDevice {
    guard let first = found.first else { throw DeviceSearchError(.nothingThere([])) }
    if found.count == 1 || !HostRule.choosesNothing.isKept { return first }
    if Set(found.map(\.typed)).count == 1 {
      let inDFUMode = found.filter { $0.mode == .dfu }
      let isCertain = found.allSatisfy { $0.mode == .dfu || $0.mode == .runtime }
      if isCertain, inDFUMode.count == 1 { return inDFUMode[0] }
    }
    throw DeviceSearchError(.several(found.map { $0.words(among: found) }))
  }

  // MARK: One selector

  private static func attached(
    to place: SearchPlace, _ wait: DeviceWait?, typed: String, _ onWait: () -> Void
  ) async throws -> [DeviceInfo] {
    let host = place.host
    guard let wait else {
      let present = try await host.devices()
      let choice = await place.filter.choose(among: present, on: host)
      // What has a host to itself may not be there yet, while others are.
      if choice.fitting.isEmpty, place.isPhysical {
        throw place.filter.error(choice, seen: present, typed: typed)
      }
      if choice.fitting.isEmpty, let remote = place.remote {
        throw try await remote.nothingFits(choice, typed: typed)
      }
      return choice.fitting
    }
    // Listening begins before looking, so that nothing comes unseen in between.
    let watch = HostWatch(host, clock: place.clock)
    let present = try await host.devices()
    var known: Set<USB.DeviceID> = wait.isForNew ? Set(present.map(\.id)) : []
    let deadline = place.clock.now.advanced(by: wait.limit)
    var arrived = present
    var isTold = false
    while true {
      let new = arrived.filter { known.insert($0.id).inserted }
      var fitting: [DeviceInfo] = []
      for info in await place.filter.choose(among: new, on: host).fitting
      where await wait.accepts(info, on: host, clock: place.clock) {
        fitting.append(info)
      }
      if !fitting.isEmpty { return fitting }
      if !isTold { onWait() }
      isTold = true
      switch try await watch.next(until: deadline) {
      case .attached(let info)?: arrived = [info]
      case .detached?: arrived = []
      case .present(let devices, let isOver)?:
        arrived = devices
        let isNew = devices.contains { !known.contains($0.id) }
        if isOver, !isNew {
          throw DeviceSearchError(
            .notInTime(typed, wait, place.filter.needsDFU ? .dfu : .any))
        }
      case nil: throw DeviceSearchError(.stopped(typed))
      }
    }
  }
}

extension FoundDevice {
  /// Whether it is a device of this machine.
  fileprivate var isPhysical: Bool { selector.hasPrefix("path:") }

  /// What names it among others, and what it is.
  fileprivate func words(among others: [FoundDevice]) -> String {
    let mode = mode == .runtime ? ", its application runs" : ""
    guard isPhysical else { return "\(selector) (\(info.ids) at \(info.path)\(mode))" }
    var words = selector
    if let serial = info.serialNumber, !info.dfuQuirks.contains(.singleByteStrings),
      others.count(where: { $0.info.serialNumber == serial }) == 1
    {
      words += " or serial:\(serial)"
    }
    return "\(words) (\(info.ids)\(mode))"
  }
}
