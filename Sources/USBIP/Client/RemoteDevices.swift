internal import USB

/// What is known of a server's devices, from its lists and from the connections to them.
struct RemoteDevices: Sendable {
  private struct Known: Sendable {
    var record: ExportedDevice
    var info: DeviceInfo
    /// Whether it is imported here; then the server does not list it.
    var isOpen = false
  }

  private var known: [BusID: Known] = [:]
  private var nextID: UInt64 = 0
  private var hasBeenListed = false
  /// The numbers that stand for bus ids which are no paths.
  private var numbers: [BusID: UInt8] = [:]

  /// The devices that are there, in the order of their paths.
  var present: [DeviceInfo] { known.values.map(\.info).sorted { $0.path < $1.path } }

  private func key(of id: DeviceID) -> BusID? { known.first { $0.value.info.id == id }?.key }

  func busID(of id: DeviceID) -> BusID? { key(of: id) }

  /// A device with the id, if it is there.
  func find(_ id: DeviceID) -> (busID: BusID, info: DeviceInfo, isOpen: Bool)? {
    guard let key = key(of: id), let found = known[key] else { return nil }
    return (key, found.info, found.isOpen)
  }

  /// Takes a new list.
  ///
  /// - Returns: what has happened since the last one, goings before comings; nothing for the first.
  mutating func update(with listed: [ExportedDevice]) -> [HostEvent] {
    var (gone, come): ([HostEvent], [HostEvent]) = ([], [])
    var names: Set<BusID> = []
    // A name that is there twice would be two devices in one place; the first counts.
    for record in listed where names.insert(record.busID).inserted {
      let was = known[record.busID]
      if let was, was.record.isSame(as: record) { continue }
      if let was { gone.append(.detached(was.info.id, was.info.path)) }
      let info = introduce(record)
      known[record.busID] = Known(record: record, info: info)
      come.append(.attached(info))
    }
    for (name, was) in known where !was.isOpen && !names.contains(name) {
      known[name] = nil
      gone.append(.detached(was.info.id, was.info.path))
    }
    defer { hasBeenListed = true }
    return hasBeenListed ? gone + come : []
  }

  private mutating func introduce(_ record: ExportedDevice) -> DeviceInfo {
    nextID += 1
    let outline = record.interfaces.prefix(255).enumerated().map { index, triple in
      InterfaceDescriptor(number: UInt8(index), interfaceClass: triple)
    }
    return DeviceInfo(
      id: DeviceID(rawValue: nextID), path: path(of: record.busID),
      address: UInt8(exactly: record.device).flatMap { $0 < 128 ? $0 : nil } ?? 0,
      speed: record.speed.speed ?? .full,
      descriptor: DeviceDescriptor(
        deviceClass: record.deviceClass, vendor: record.vendor, product: record.product,
        deviceVersion: record.version, configurationCount: record.configurationCount),
      configurations: record.configurationValue == 0
        ? [] : [ConfigurationDescriptor(value: record.configurationValue, interfaces: outline)],
      activeConfiguration: record.configurationValue == 0 ? nil : record.configurationValue,
      isOutline: true)
  }

  /// Most servers name devices by their paths. What is named otherwise (`usbip-vudc.0`) gets a place on
  /// bus 0, which no machine has.
  private mutating func path(of name: BusID) -> PortPath {
    if let path = PortPath(name.text), !path.ports.isEmpty { return path }
    let number = numbers[name] ?? UInt8(clamping: numbers.count + 1)
    numbers[name] = number
    return PortPath(bus: 0, ports: [number])
  }

  mutating func opened(_ id: DeviceID, _ info: DeviceInfo) {
    guard let key = key(of: id) else { return }
    known[key]?.isOpen = true
    known[key]?.info = info
  }

  mutating func configured(_ id: DeviceID, _ value: UInt8?) {
    guard let key = key(of: id) else { return }
    known[key]?.info.activeConfiguration = value
  }

  mutating func closed(_ id: DeviceID) {
    guard let key = key(of: id) else { return }
    known[key]?.isOpen = false
  }

  /// The server has unplugged an open device.
  mutating func left(_ id: DeviceID) -> HostEvent? {
    guard let key = key(of: id), let was = known[key], was.isOpen else { return nil }
    known[key] = nil
    return .detached(id, was.info.path)
  }
}

extension ExportedDevice {
  /// Whether two records are of one attachment of one device.
  func isSame(as other: ExportedDevice) -> Bool {
    bus == other.bus && device == other.device && vendor == other.vendor && product == other.product
      && version == other.version && deviceClass == other.deviceClass
      && interfaces == other.interfaces
  }
}
