public import USB

/// A host that gets to know what is plugged into a bus, step by step, with every packet: as Linux does it, or as
/// Windows does.
///
/// It is a value: the bus, the time and the story so far. Nothing waits; time is only counted. Linux is told by
/// `drivers/usb/core/hub.c` of 6.12, Windows by what Microsoft has published of its hub driver's order.
public struct Enumeration: Sendable {
  /// Whose order.
  public enum Host: String, Hashable, Sendable, CaseIterable {
    /// Linux: twice the new scheme (the device descriptor first), then twice the old one (the address first).
    case linux
    /// Linux with `usbcore.old_scheme_first=Y`: the other way round.
    case linuxOldScheme = "linux-old"
    /// Windows 8.1 and later.
    case windows

    var isLinux: Bool { self != .windows }
  }

  /// What the system says of drivers for a device, a sentence each.
  public typealias DriverWords = @Sendable (EnumeratedDevice) -> [String]

  /// Whose order.
  public let host: Host
  /// What is plugged in.
  public internal(set) var topology: VirtualTopology
  /// The time on the bus.
  public internal(set) var now = Duration.zero
  /// What has happened.
  public internal(set) var steps: [EnumerationStep] = []
  /// The devices that are known now, in the order in which they became so. The root hub is not among them.
  public internal(set) var devices: [EnumeratedDevice] = []

  let interceptor: TransferInterceptor?
  let driverWords: DriverWords
  let wire: WireTime
  var transferCount = 0
  /// Addresses that are taken. Linux's root hub has one.
  var addresses: Set<UInt8>
  var lastAddress: UInt8
  /// Ports at which the host has given up until something else is plugged in.
  var abandoned: Set<PortPath> = []
  /// Hubs that have been set up, and answer.
  var hubs: Set<PortPath>
  /// The device that is being looked at, for the steps.
  var current: PortPath

  /// A host that has known nothing yet but its root hub.
  ///
  /// - Parameters:
  ///   - host: whose order.
  ///   - topology: what is plugged in.
  ///   - wire: how long transfers take.
  ///   - interceptor: what happens to transfers on their way; they are counted from 0, those to hubs too, those to
  ///     the root hub not. What it pulls out stays out, and it plugs in nothing.
  ///   - drivers: what is to be said of a device's driver.
  public init(
    like host: Host, _ topology: VirtualTopology, wire: WireTime = .standard,
    interceptor: TransferInterceptor? = nil, drivers: @escaping DriverWords = { _ in [] }
  ) {
    self.host = host
    self.topology = topology
    self.wire = wire
    self.interceptor = interceptor
    driverWords = drivers
    addresses = host.isLinux ? [1] : []
    lastAddress = host.isLinux ? 1 : 0
    current = PortPath(bus: topology.bus, ports: [])
    hubs = [current]
  }

  /// Goes on until nothing new is left to look at.
  public mutating func run() {
    while let (hub, port) = nextChange() { handlePort(port, of: hub) }
  }

  /// Pulls a device out, and lets the host see it: addresses become free.
  ///
  /// - Parameter path: the port.
  public mutating func pullOut(_ path: PortPath) {
    topology.advance(to: now)
    guard topology.pullOut(path) else { return }
    run()
  }

  /// Plugs a device in; ``run()`` sees it.
  ///
  /// - Parameters:
  ///   - device: what it is.
  ///   - path: the port.
  /// - Throws: `VirtualTopology.PlugError` where that cannot be.
  public mutating func plugIn(
    _ device: any VirtualDevice, at path: PortPath
  ) throws(VirtualTopology.PlugError) {
    topology.advance(to: now)
    try topology.plugIn(device, at: path)
  }

  /// The ports at which something is plugged in that did not become a device.
  public var failedPorts: [PortPath] { abandoned.sorted() }

  // MARK: Hubs

  /// The next port with a change, of the hub nearest to the root.
  private func nextChange() -> (hub: PortPath, port: UInt8)? {
    for hub in hubs.sorted(by: { ($0.ports.count, $0) < ($1.ports.count, $1) }) {
      guard let index = topology.index(of: hub) else { continue }
      let bits = topology.statusChange(of: index)
      guard bits != 0 else { continue }
      return (hub, UInt8(bits.trailingZeroBitCount))
    }
    return nil
  }

  private mutating func handlePort(_ port: UInt8, of hub: PortPath) {
    let path = PortPath(bus: hub.bus, ports: hub.ports + [port])
    current = path
    let bits = topology.index(of: hub).map { topology.statusChange(of: $0) } ?? 0
    let mask = bits < 256 ? hex(UInt8(bits)) : hex(bits)
    let source = hub.ports.isEmpty ? "The root hub" : "The status change endpoint of hub \(hub)"
    tell(.connection, "\(source) reports a change: 0x\(mask), port \(port).")
    guard let state = portStatus(port, of: hub, .connection) else {
      return giveUp(hub)
    }
    if state.change.contains(.connection) {
      guard clear(.connectionChange, port, of: hub) else { return giveUp(hub) }
      forget(path)
      abandoned.remove(path)
    }
    if state.change.contains(.reset), !clear(.resetChange, port, of: hub) { return giveUp(hub) }
    guard state.status.contains(.connected), !abandoned.contains(path),
      !devices.contains(where: { $0.path == path })
    else { return }
    debounce(port, of: hub)
    let isKnown = host.isLinux ? tryAsLinux(port, of: hub) : lookAsWindows(port, of: hub)
    if !isKnown { abandoned.insert(path) }
  }

  private mutating func clear(
    _ feature: PortFeature, _ port: UInt8, of hub: PortPath
  ) -> Bool {
    let setup = SetupPacket.clearPortFeature(feature, port: port)
    guard case .success = ask(hub, setup, "Clear the change.", .connection) else { return false }
    return true
  }

  /// A hub that does not answer would tell of the same change for ever.
  private mutating func giveUp(_ hub: PortPath) {
    hubs.remove(hub)
    tell(.failure, "Hub \(hub) does not answer any more; its ports are left alone.")
  }

  /// Nobody is there any more, or somebody else is: forgets the device, and what is plugged into it.
  private mutating func forget(_ path: PortPath) {
    let gone = devices.filter { $0.path.ports.starts(with: path.ports) }
    guard !gone.isEmpty else { return }
    devices.removeAll { $0.path.ports.starts(with: path.ports) }
    // The kernel takes the leaves down first.
    for device in gone.sorted(by: { $0.path > $1.path }) {
      addresses.remove(device.address)
      hubs.remove(device.path)
      current = device.path
      tell(
        .removal, "\(device.path) is gone; address \(device.address) is free again.",
        message: host.isLinux
          ? "usb \(device.path): USB disconnect, device number \(device.address)" : nil)
    }
    current = path
  }

  /// USB 2.0, 7.1.7.3: a contact bounces, so it has to be quiet for 100 ms. Linux looks every 25 ms.
  private mutating func debounce(_ port: UInt8, of hub: PortPath) {
    let begin = now
    let looks = host.isLinux ? 5 : 2
    let pause = Duration.milliseconds(100) / (looks - 1)
    var state: (status: PortStatus, change: PortChange)?
    for look in 0..<looks {
      if look > 0 { now += pause }
      state = portStatus(port, of: hub, .connection, isQuiet: true)
    }
    guard let state else { return }
    let setup = SetupPacket.getPortStatus(port)
    let answer =
      state.status.rawValue.littleEndianBytes + state.change.rawValue.littleEndianBytes
    steps.append(
      EnumerationStep(
        time: begin, path: current, stage: .connection,
        sentence: "Debounce: the contact has to be quiet for 100 ms (USB 2.0, 7.1.7.3).",
        transfer: .init(
          address: address(of: hub), setup: setup, answer: answer, failure: nil, count: looks),
        message: nil))
  }

  /// Sets up a hub that has been configured: its descriptor, power for its ports, their status.
  mutating func startHub(_ path: PortPath) {
    guard
      case .success(let head) = ask(
        path, .getHubDescriptor(length: host.isLinux ? 15 : 71), "Hub descriptor.", .hub),
      head.count >= 7
    else { return }
    let count = min(Int(head[2]), 15)
    ask(path, .getHubStatus, "Hub status: local power, over-current.", .hub)
    for port in UInt8(1)...UInt8(max(count, 1)) {
      ask(path, .setPortFeature(.power, port: port), "Power for port \(port).", .hub)
    }
    let pause = Duration.milliseconds(2 * Int(head[5]))
    tell(.hub, "Wait \(2 * Int(head[5])) ms until power is good (bPwrOn2PwrGood).")
    now += pause
    topology.advance(to: now)
    hubs.insert(path)
  }

  /// GetPortStatus; nil where the hub does not answer.
  mutating func portStatus(
    _ port: UInt8, of hub: PortPath, _ stage: EnumerationStep.Stage, isQuiet: Bool = false
  ) -> (status: PortStatus, change: PortChange)? {
    let reply = send(.getPortStatus(port), to: hub)
    guard case .success(let bytes) = reply.result, bytes.count == 4 else { return nil }
    let status = PortStatus(rawValue: UInt16(bytes[0]) | UInt16(bytes[1]) << 8)
    let change = PortChange(rawValue: UInt16(bytes[2]) | UInt16(bytes[3]) << 8)
    if !isQuiet { append(reply, "Port \(port): \(status.words); \(change.words).", stage) }
    return (status, change)
  }

  /// Resets a port and waits until the hub says that it is over.
  ///
  /// - Returns: the speed of what is in it; nil where that is gone.
  mutating func reset(
    _ port: UInt8, of hub: PortPath, _ words: String
  ) -> USBSpeed? {
    ask(hub, .setPortFeature(.reset, port: port), words, .reset)
    // Linux: HUB_ROOT_RESET_TIME 60 ms, HUB_SHORT_RESET_TIME 10 ms, then 10 ms at a time up to 800 ms.
    var waited = Duration.zero
    var state: (status: PortStatus, change: PortChange)?
    repeat {
      let pause = Duration.milliseconds(waited == .zero && hub.ports.isEmpty ? 60 : 10)
      now += pause
      waited += pause
      topology.advance(to: now)
      state = portStatus(port, of: hub, .reset, isQuiet: true)
    } while state?.status.contains(.reset) == true && waited < .milliseconds(800)
    guard portStatus(port, of: hub, .reset) != nil, let state else { return nil }
    ask(hub, .clearPortFeature(.resetChange, port: port), "Clear the change.", .reset)
    guard state.status.contains(.enabled) else {
      tell(.reset, "Nothing is connected any more.")
      return nil
    }
    let pause = Duration.milliseconds(50)
    tell(
      .reset, "Recovery: 50 ms of rest. The device is at address 0, at \(state.status.speed.words)."
    )
    now += pause
    return state.status.speed
  }

  func address(of path: PortPath) -> UInt8? {
    devices.first { $0.path == path }?.address
  }
}
