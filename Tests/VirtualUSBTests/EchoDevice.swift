import USB

@testable import VirtualUSB

/// A device that echoes: vendor request 1 stores, 2 returns what was stored, 3 stalls, 4 never
/// answers, 5 answers after `wValue` milliseconds, 6 makes it vanish after `wValue` milliseconds and
/// come back 100 ms later, 7 answers more than was asked for, 8 vanishes in the middle of its answer.
struct EchoDevice: VirtualDevice {
  var speed = USBSpeed.full
  var standard: StandardRequests
  var stored: [UInt8] = []
  /// The order in which requests came, by their `wIndex`.
  var order: [UInt16] = []
  var isConnected = true
  var vanishesAt: Duration?
  var returnsAt: Duration?
  var resets = 0
  var power: [String] = []
  var refusesEnumeration = false
  /// What it becomes with the next reset.
  var nextProduct: UInt16?

  init(product: UInt16 = 1, serial: String = "E1") {
    standard = StandardRequests(EchoDevice.describe(product: product, serial: serial))
  }

  static func describe(product: UInt16, serial: String) -> DeviceDescription {
    let bulkIn = EndpointDescriptor(address: 0x81, attributes: 2, maxPacketSize: 64, interval: 0)
    let bulkOut = EndpointDescriptor(address: 0x02, attributes: 2, maxPacketSize: 64, interval: 0)
    let interface = ClassTriple(0xFF, 0, 0)
    return DeviceDescription(
      device: DeviceDescriptor(
        vendor: VendorID(0x1209), product: ProductID(product), deviceVersion: BCDVersion(0x0100),
        serialNumberIndex: 3),
      configurations: [
        ConfigurationDescriptor(
          value: 1,
          interfaces: [
            InterfaceDescriptor(
              number: 0, interfaceClass: interface, endpoints: [bulkIn, bulkOut]),
            InterfaceDescriptor(number: 1, interfaceClass: interface),
            InterfaceDescriptor(number: 1, alternateSetting: 1, interfaceClass: interface),
          ]),
        ConfigurationDescriptor(
          value: 2, interfaces: [InterfaceDescriptor(number: 0, interfaceClass: interface)]),
      ],
      strings: [3: serial])
  }

  var nextEvent: Duration? { vanishesAt ?? returnsAt }

  mutating func advance(to now: Duration) {
    if let time = vanishesAt, time <= now {
      vanishesAt = nil
      isConnected = false
    }
    if let time = returnsAt, time <= now, vanishesAt == nil {
      returnsAt = nil
      isConnected = true
    }
  }

  mutating func powerOn(at now: Duration) { power.append("on \(now)") }
  mutating func powerOff(at now: Duration) { power.append("off \(now)") }

  mutating func busReset(at now: Duration) {
    resets += 1
    if let nextProduct {
      standard = StandardRequests(EchoDevice.describe(product: nextProduct, serial: "E1"))
    }
    standard.reset()
  }

  mutating func respond(to setup: SetupPacket, data: [UInt8], at now: Duration) -> VirtualResponse {
    if refusesEnumeration { return .stall }
    if let answer = standard.respond(to: setup) { return answer }
    order.append(setup.index)
    let later = now + .milliseconds(Int64(setup.value))
    switch setup.request {
    case 1:
      stored = data
      return .acknowledged
    case 2: return .data(Array(stored.prefix(Int(setup.length))))
    case 4: return .noAnswer
    case 5: return .data([1], readyAt: later)
    case 6:
      vanishesAt = later
      returnsAt = later + .milliseconds(100)
      return .acknowledged
    case 7: return .data([UInt8](repeating: 0, count: Int(setup.length) + 1))
    case 8:
      vanishesAt = now + .microseconds(100)
      return .data([1], readyAt: now + .seconds(1))
    default: return .stall
    }
  }

  mutating func respond(
    onEndpoint endpoint: UInt8, data: [UInt8], length: Int, at now: Duration
  ) -> VirtualResponse {
    if endpoint == 0x02 {
      stored = data
      return .acknowledged
    }
    return .data(Array(stored.prefix(length)))
  }
}

extension SetupPacket {
  static func vendorIn(
    _ request: UInt8, value: UInt16 = 0, index: UInt16 = 0, _ length: UInt16
  )
    -> SetupPacket
  {
    SetupPacket(
      RequestType(.in, .vendor, .device), request: request, value: value, index: index,
      length: length)
  }

  static func vendorOut(
    _ request: UInt8, value: UInt16 = 0, index: UInt16 = 0, _ length: UInt16
  )
    -> SetupPacket
  {
    SetupPacket(
      RequestType(.out, .vendor, .device), request: request, value: value, index: index,
      length: length)
  }
}

/// An ``EchoDevice`` on a bus in simulated time, opened.
struct EchoBench {
  let bus: VirtualBus
  let device: any USBDevice
  let id: DeviceID
  let path = PortPath(bus: 1, ports: [1])

  init(_ clock: SimulatedClock, _ echo: EchoDevice = EchoDevice()) async throws {
    bus = VirtualBus(clock: clock)
    id = bus.attach(echo)
    device = try await bus.open(id)
  }

  var echo: EchoDevice {
    bus.withDevice(at: path, as: EchoDevice.self) { $0 } ?? EchoDevice()
  }

  func request(
    _ number: UInt8, value: UInt16 = 0, timeout: Duration = .seconds(1)
  )
    async throws(TransferError) -> [UInt8]
  {
    try await device.controlIn(.vendorIn(number, value: value, 8), timeout: timeout)
  }
}
