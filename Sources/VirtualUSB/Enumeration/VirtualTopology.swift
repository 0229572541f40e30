public import USB

/// What is plugged into what: a root hub, hubs in its ports, devices in theirs, as a value.
///
/// A packet reaches every device whose ports are enabled all the way up, and the one answers that has its
/// address; before SET_ADDRESS that is 0, so a host that enables two ports at once talks to two devices.
public struct VirtualTopology: Sendable {
  enum Occupant: Sendable {
    case hub(VirtualHub)
    case device(any VirtualDevice)
  }

  struct Node: Sendable {
    var path: PortPath
    /// The hub above; the root hub has none.
    var parent: Int?
    var occupant: Occupant
    /// What SET_ADDRESS has given it.
    var address: UInt8 = 0
    var hasPower = false
  }

  /// Why something cannot be plugged in.
  public struct PlugError: ExplainedError, Hashable {
    /// Where it was to be plugged in.
    public var path: PortPath
    /// What is wrong, as a part of a sentence.
    public var reason: String

    /// `cannot-plug-in`.
    public var slug: String { "cannot-plug-in" }
    /// What is wrong.
    public var sentence: String { "Nothing can be plugged into \(path): \(reason)." }
    /// Nothing to be done.
    public var help: String? { nil }
  }

  /// The most hubs between a device and the root hub (USB 2.0, 4.1.1: seven tiers in all).
  public static let mostHubs = 5

  /// The number of the bus in paths.
  public let bus: Int
  private(set) var nodes: [Node]
  private var indices: [PortPath: Int]
  private(set) var now = Duration.zero

  /// A root hub with nothing in it.
  public init(bus: Int = 1, portCount: Int = 8) {
    self.bus = bus
    let root = PortPath(bus: bus, ports: [])
    nodes = [
      Node(path: root, parent: nil, occupant: .hub(.root(portCount: portCount)), hasPower: true)
    ]
    indices = [root: 0]
  }

  // MARK: Plugging

  /// Plugs a device in.
  ///
  /// - Parameters:
  ///   - device: what it is; a ``VirtualHub`` can have others in it.
  ///   - path: the port, of the root hub or of a hub that is plugged in.
  /// - Throws: ``PlugError`` where there is no such port, or something is in it.
  public mutating func plugIn(
    _ device: any VirtualDevice, at path: PortPath
  ) throws(PlugError) {
    guard path.bus == bus, let port = path.ports.last else {
      throw PlugError(path: path, reason: "it is no port of bus \(bus)")
    }
    let above = PortPath(bus: bus, ports: Array(path.ports.dropLast()))
    guard let parent = indices[above], case .hub(let hub) = nodes[parent].occupant else {
      throw PlugError(path: path, reason: "there is no hub at \(above)")
    }
    guard (1...UInt8(hub.portCount)).contains(port) else {
      throw PlugError(path: path, reason: "the hub has the ports 1 to \(hub.portCount)")
    }
    guard indices[path] == nil else {
      throw PlugError(path: path, reason: "something is in it already")
    }
    let limit = device is VirtualHub ? Self.mostHubs : Self.mostHubs + 1
    guard path.ports.count <= limit else {
      throw PlugError(
        path: path,
        reason: "there are \(Self.mostHubs) hubs at most between a device and the root hub")
    }
    indices[path] = nodes.count
    let occupant = (device as? VirtualHub).map(Occupant.hub) ?? .device(device)
    nodes.append(Node(path: path, parent: parent, occupant: occupant))
    withHub(parent) { $0.connect(port, device.speed) }
    settle(parent)
  }

  /// Pulls a device out, with all that is plugged into it.
  ///
  /// - Returns: whether something was there.
  @discardableResult
  public mutating func pullOut(_ path: PortPath) -> Bool {
    guard let index = indices[path], let parent = nodes[index].parent, let port = path.ports.last
    else { return false }
    for (other, below) in indices where below != 0 && other.ports.starts(with: path.ports) {
      setPower(false, of: below)
      indices[other] = nil
    }
    withHub(parent) { $0.disconnect(port) }
    return true
  }

  /// What is plugged in, in the order of the paths.
  public var paths: [PortPath] { indices.keys.filter { !$0.ports.isEmpty }.sorted() }

  /// The speed of what is plugged into a port.
  public func speed(at path: PortPath) -> USBSpeed? { indices[path].map { speed(of: $0) } }

  func speed(of index: Int) -> USBSpeed {
    switch nodes[index].occupant {
    case .hub(let hub): hub.speed
    case .device(let device): device.speed
    }
  }

  /// The node at a path.
  func index(of path: PortPath) -> Int? { indices[path] }

  // MARK: Time

  /// Lets happen what devices and hubs do by themselves until `time`.
  mutating func advance(to time: Duration) {
    var left = BusState.eventsPerMoment
    while left > 0 {
      left -= 1
      let next = indices.values.compactMap { nextEvent(of: $0) }.min()
      guard let next, next <= time else { break }
      now = max(now, next)
      for index in indices.values.sorted() where nextEvent(of: index).map({ $0 <= next }) ?? false {
        advance(index)
      }
    }
    now = max(now, time)
  }

  private func nextEvent(of index: Int) -> Duration? {
    guard nodes[index].hasPower else { return nil }
    switch nodes[index].occupant {
    case .hub(let hub): return hub.nextEvent
    case .device(let device): return device.nextEvent
    }
  }

  private mutating func advance(_ index: Int) {
    let time = now
    switch nodes[index].occupant {
    case .hub(var hub):
      hub.advance(to: time)
      nodes[index].occupant = .hub(hub)
      settle(index)
    case .device(var device):
      device.advance(to: time)
      nodes[index].occupant = .device(device)
    }
  }

  // MARK: Hubs

  private mutating func withHub(_ index: Int, _ body: (inout VirtualHub) -> Void) {
    guard case .hub(var hub) = nodes[index].occupant else { return }
    body(&hub)
    nodes[index].occupant = .hub(hub)
  }

  /// Does to what is plugged into a hub what the hub has done to its ports.
  private mutating func settle(_ index: Int) {
    guard case .hub(var hub) = nodes[index].occupant else { return }
    let ended = hub.takeEndedResets()
    nodes[index].occupant = .hub(hub)
    for port in 1...UInt8(hub.portCount) {
      let path = PortPath(bus: bus, ports: nodes[index].path.ports + [port])
      guard let below = indices[path] else { continue }
      setPower(hub.isPowered(port), of: below)
      if ended.contains(port) { reset(below) }
    }
  }

  private mutating func setPower(_ isOn: Bool, of index: Int) {
    guard nodes[index].hasPower != isOn else { return }
    nodes[index].hasPower = isOn
    nodes[index].address = 0
    let time = now
    switch nodes[index].occupant {
    case .hub(var hub):
      if isOn { hub.powerOn(at: time) } else { hub.powerOff(at: time) }
      nodes[index].occupant = .hub(hub)
      settle(index)
    case .device(var device):
      if isOn { device.powerOn(at: time) } else { device.powerOff(at: time) }
      device.advance(to: time)
      nodes[index].occupant = .device(device)
    }
  }

  private mutating func reset(_ index: Int) {
    nodes[index].address = 0
    let time = now
    switch nodes[index].occupant {
    case .hub(var hub):
      hub.busReset(at: time)
      nodes[index].occupant = .hub(hub)
      settle(index)
    case .device(var device):
      device.advance(to: time)
      device.busReset(at: time)
      nodes[index].occupant = .device(device)
    }
  }

  // MARK: Packets

  /// Who answers to an address: the devices that hear the bus and have it.
  func listeners(to address: UInt8) -> [Int] {
    nodes.indices.filter { index in
      index != 0 && nodes[index].address == address && indices[nodes[index].path] == index
        && hears(index)
    }
  }

  private func hears(_ index: Int) -> Bool {
    var index = index
    while let parent = nodes[index].parent {
      guard nodes[index].hasPower, case .hub(let hub) = nodes[parent].occupant,
        let port = nodes[index].path.ports.last, hub.isEnabled(port)
      else { return false }
      if case .device(let device) = nodes[index].occupant, !device.isConnected { return false }
      index = parent
    }
    return true
  }

  /// A control transfer to one device, by whatever address it has.
  mutating func respond(_ index: Int, to setup: SetupPacket, at time: Duration) -> VirtualResponse {
    advance(to: time)
    let response: VirtualResponse
    switch nodes[index].occupant {
    case .hub(var hub):
      response = hub.respond(to: setup, data: [], at: time)
      nodes[index].occupant = .hub(hub)
      settle(index)
    case .device(var device):
      device.advance(to: time)
      response = device.respond(to: setup, data: [], at: time)
      nodes[index].occupant = .device(device)
    }
    return response
  }

  /// The status stage is over.
  mutating func complete(_ index: Int, _ setup: SetupPacket, at time: Duration) {
    if setup.requestType == RequestType(.out, .standard, .device),
      setup.request == StandardRequest.setAddress.rawValue
    {
      nodes[index].address = UInt8(truncatingIfNeeded: setup.value)
    }
    guard case .device(var device) = nodes[index].occupant else { return }
    device.completed(setup, at: time)
    nodes[index].occupant = .device(device)
  }

  /// How many ports the hub there has; 0 for one that is none.
  func portCount(of index: Int) -> Int {
    guard case .hub(let hub) = nodes[index].occupant else { return 0 }
    return hub.portCount
  }

  /// What a hub's status change endpoint says; 0 for one that is not configured.
  func statusChange(of index: Int) -> UInt16 {
    guard case .hub(let hub) = nodes[index].occupant else { return 0 }
    return hub.statusChange
  }
}
