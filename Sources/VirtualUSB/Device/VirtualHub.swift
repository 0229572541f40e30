public import USB

/// A USB 2.0 hub (USB 2.0, chapter 11): a device with ports, of which it tells what is plugged in, and which it
/// powers, resets and disables when it is told to.
///
/// It knows nothing of the devices in its ports: a ``VirtualTopology`` tells it of them, and does to them what the
/// hub does to a port.
public struct VirtualHub: VirtualDevice {
  struct Port: Hashable, Sendable {
    var status: PortStatus = []
    var change: PortChange = []
    /// The speed of what is plugged in, whether the port has power or not.
    var device: USBSpeed?
    var resetEndsAt: Duration?
  }

  /// The speed at which it runs: full or high.
  public let speed: USBSpeed
  /// How long it drives a reset (7.1.7.5: 10 to 20 ms; 50 ms at a root port).
  public let resetTime: Duration
  private var standard: StandardRequests
  private(set) var ports: [Port]
  /// Whose reset is over, since somebody last asked.
  private var endedResets: [UInt8] = []

  /// A hub as it is bought.
  ///
  /// - Parameters:
  ///   - portCount: 1 to 15 ports.
  ///   - speed: high; full for one of USB 1.1.
  public init(portCount: Int = 4, speed: USBSpeed = .high) {
    self.init(
      portCount: portCount, speed: speed == .high ? .high : .full, vendor: VendorID(0x1209),
      product: ProductID(0x0002), strings: [1: "swift-dfu", 2: "Virtual hub"],
      resetTime: .milliseconds(10))
  }

  /// The hub that a host controller is.
  static func root(portCount: Int) -> VirtualHub {
    var hub = VirtualHub(
      portCount: portCount, speed: .high, vendor: VendorID(0x1D6B), product: ProductID(0x0002),
      strings: [1: "swift-dfu", 2: "Virtual root hub"], resetTime: .milliseconds(50))
    _ = hub.standard.respond(to: .setConfiguration(1))
    for index in hub.ports.indices { hub.ports[index].status = .powered }
    return hub
  }

  private init(
    portCount: Int, speed: USBSpeed, vendor: VendorID, product: ProductID,
    strings: [UInt8: String], resetTime: Duration
  ) {
    let count = min(max(portCount, 1), 15)
    self.speed = speed
    self.resetTime = resetTime
    ports = Array(repeating: Port(), count: count)
    let endpoint = EndpointDescriptor(
      address: 0x81, attributes: 3, maxPacketSize: UInt16(count / 8 + 1),
      interval: speed == .high ? 12 : 255)
    let interface = InterfaceDescriptor(
      number: 0, interfaceClass: ClassTriple(9, 0, 0), endpoints: [endpoint])
    // Protocol 1: one transaction translator for all ports (11.23.1); a hub of full speed has none.
    standard = StandardRequests(
      DeviceDescription(
        device: DeviceDescriptor(
          deviceClass: ClassTriple(9, 0, speed == .high ? 1 : 0), vendor: vendor, product: product,
          deviceVersion: BCDVersion(0x0100), manufacturerIndex: 1, productIndex: 2),
        configurations: [
          ConfigurationDescriptor(value: 1, attributes: 0xE0, maxPower: 0, interfaces: [interface])
        ], strings: strings))
  }

  /// How many ports it has.
  public var portCount: Int { ports.count }

  /// The hub descriptor (11.23.2.1): power and over-current of each port, 100 ms from power on to power good.
  public var hubDescriptor: [UInt8] {
    let bitmapLength = ports.count / 8 + 1
    return [
      UInt8(7 + 2 * bitmapLength), DescriptorType.hub.rawValue, UInt8(ports.count), 0x09, 0, 50,
      100,
    ]
      + Array(repeating: 0, count: bitmapLength) + Array(repeating: 0xFF, count: bitmapLength)
  }

  // MARK: What is plugged in

  /// Something is plugged into a port.
  mutating func connect(_ port: UInt8, _ speed: USBSpeed) {
    guard ports.indices.contains(Int(port) - 1) else { return }
    ports[Int(port) - 1].device = speed
    appear(Int(port) - 1)
  }

  /// A port has become empty.
  mutating func disconnect(_ port: UInt8) {
    let index = Int(port) - 1
    guard ports.indices.contains(index), ports[index].device != nil else { return }
    ports[index].device = nil
    guard ports[index].status.contains(.connected) else { return }
    ports[index].status.subtract([.connected, .enabled, .reset, .lowSpeed, .highSpeed, .suspended])
    ports[index].change.insert(.connection)
    ports[index].resetEndsAt = nil
  }

  /// What is plugged in is seen as soon as the port has power.
  private mutating func appear(_ index: Int) {
    guard let device = ports[index].device, ports[index].status.contains(.powered),
      !ports[index].status.contains(.connected)
    else { return }
    ports[index].status.insert(.connected)
    if device == .low { ports[index].status.insert(.lowSpeed) }
    ports[index].change.insert(.connection)
  }

  /// Whether what is plugged into a port hears the bus.
  func isEnabled(_ port: UInt8) -> Bool { ports[Int(port) - 1].status.contains(.enabled) }

  /// Whether a port has power.
  func isPowered(_ port: UInt8) -> Bool { ports[Int(port) - 1].status.contains(.powered) }

  /// The ports whose reset has ended since the last call.
  mutating func takeEndedResets() -> [UInt8] {
    defer { endedResets = [] }
    return endedResets
  }

  /// What its status change endpoint says (11.12.4): bit n is port n.
  public var statusChange: UInt16 {
    ports.enumerated().reduce(0) { bits, port in
      port.element.change.isEmpty ? bits : bits | 1 << UInt16(port.offset + 1)
    }
  }

  // MARK: VirtualDevice

  /// When the next reset ends.
  public var nextEvent: Duration? { ports.compactMap(\.resetEndsAt).min() }

  /// Ends the resets that are over.
  public mutating func advance(to now: Duration) {
    for index in ports.indices {
      guard let end = ports[index].resetEndsAt, end <= now else { continue }
      ports[index].resetEndsAt = nil
      ports[index].status.remove(.reset)
      guard let device = ports[index].device else { continue }
      // A device of high speed shows it during reset (7.1.7.5), where the hub knows high speed itself.
      if device == .high || device == .superSpeed || device == .superSpeedPlus, speed == .high {
        ports[index].status.insert(.highSpeed)
      }
      ports[index].status.insert(.enabled)
      ports[index].change.insert(.reset)
      endedResets.append(UInt8(index + 1))
    }
  }

  /// Not configured, no port with power.
  public mutating func powerOn(at now: Duration) { turnOff() }

  /// The same.
  public mutating func powerOff(at now: Duration) { turnOff() }

  /// The same (11.10): what is below hears nothing any more.
  public mutating func busReset(at now: Duration) { turnOff() }

  private mutating func turnOff() {
    standard.reset()
    for index in ports.indices { ports[index] = Port(device: ports[index].device) }
    endedResets = []
  }

  /// Standard requests, and those of its class.
  public mutating func respond(
    to setup: SetupPacket, data: [UInt8], at now: Duration
  ) -> VirtualResponse {
    if setup.requestType.kind == .standard {
      let answer = standard.respond(to: setup) ?? .stall
      // Ports have power only while it is configured (11.11).
      if setup.request == StandardRequest.setConfiguration.rawValue {
        for index in ports.indices { ports[index] = Port(device: ports[index].device) }
      }
      return answer
    }
    guard setup.requestType.kind == .class, standard.configurationValue != 0 else { return .stall }
    let isIn = setup.requestType.direction == .in
    switch (StandardRequest(rawValue: setup.request), setup.requestType.recipient, isIn) {
    case (.getDescriptor, .device, true):
      return .data(Array(hubDescriptor.prefix(Int(setup.length))))
    case (.getStatus, .device, true):
      return .data(Array([0, 0, 0, 0].prefix(Int(setup.length))))
    case (_, .other, _):
      let index = Int(setup.index & 0xFF) - 1
      guard ports.indices.contains(index) else { return .stall }
      return respond(forPort: index, setup, at: now)
    case (.clearFeature, .device, false) where setup.value < 2: return .acknowledged
    default: return .stall
    }
  }

  private mutating func respond(
    forPort index: Int, _ setup: SetupPacket, at now: Duration
  ) -> VirtualResponse {
    let feature = PortFeature(rawValue: setup.value)
    switch StandardRequest(rawValue: setup.request) {
    case .getStatus where setup.requestType.direction == .in:
      let bytes =
        ports[index].status.rawValue.littleEndianBytes
        + ports[index].change.rawValue.littleEndianBytes
      return .data(Array(bytes.prefix(Int(setup.length))))
    case .setFeature:
      switch feature {
      case .power:
        ports[index].status.insert(.powered)
        appear(index)
      case .reset:
        guard ports[index].status.contains(.connected) else { return .acknowledged }
        ports[index].status.remove(.enabled)
        ports[index].status.insert(.reset)
        ports[index].resetEndsAt = now + resetTime
      case .suspend: ports[index].status.insert(.suspended)
      default: return .stall
      }
      return .acknowledged
    case .clearFeature:
      switch feature {
      case .power: ports[index] = Port(device: ports[index].device)
      case .enable: ports[index].status.remove(.enabled)
      case .suspend:
        ports[index].status.remove(.suspended)
        ports[index].change.insert(.suspend)
      case .connectionChange: ports[index].change.remove(.connection)
      case .enableChange: ports[index].change.remove(.enable)
      case .suspendChange: ports[index].change.remove(.suspend)
      case .overCurrentChange: ports[index].change.remove(.overCurrent)
      case .resetChange: ports[index].change.remove(.reset)
      default: return .stall
      }
      return .acknowledged
    default: return .stall
    }
  }

  /// The status change endpoint: nothing while nothing has changed.
  public mutating func respond(
    onEndpoint endpoint: UInt8, data: [UInt8], length: Int, at now: Duration
  ) -> VirtualResponse {
    guard endpoint == 0x81, standard.configurationValue != 0 else { return .stall }
    let bits = statusChange
    guard bits != 0 else { return .nak }
    return .data(Array(bits.littleEndianBytes.prefix(ports.count / 8 + 1)))
  }
}
