import Testing
import USB

@testable import VirtualUSB

/// What a device of the tests is made of.
struct PlainDevice: VirtualDevice {
  var speed = USBSpeed.full
  var standard: StandardRequests
  var isDeaf = false

  init(
    product: UInt16 = 1, speed: USBSpeed = .full, version: UInt16 = 0x0200, packetSize: UInt8 = 64,
    strings: [UInt8: String] = [1: "Maker", 2: "Thing", 3: "0001"], configurations: Int = 1
  ) {
    self.speed = speed
    let has = !strings.isEmpty
    standard = StandardRequests(
      DeviceDescription(
        device: DeviceDescriptor(
          usbVersion: BCDVersion(version), maxPacketSize0: packetSize, vendor: VendorID(0x1209),
          product: ProductID(product), deviceVersion: BCDVersion(0x0102),
          manufacturerIndex: has ? 1 : 0, productIndex: has ? 2 : 0, serialNumberIndex: has ? 3 : 0),
        configurations: (0..<configurations).map {
          ConfigurationDescriptor(
            value: UInt8($0 + 1),
            interfaces: [InterfaceDescriptor(number: 0, interfaceClass: ClassTriple(0xFF, 0, 0))])
        }, strings: strings))
  }

  mutating func busReset(at now: Duration) { standard.reset() }

  mutating func respond(
    to setup: SetupPacket, data: [UInt8], at now: Duration
  ) -> VirtualResponse { standard.respond(to: setup) ?? .stall }
}

@Suite("Enumeration") struct EnumerationTests {
  static func path(_ ports: UInt8...) -> PortPath { PortPath(bus: 1, ports: ports) }

  static func topology(_ device: any VirtualDevice) throws -> VirtualTopology {
    var topology = VirtualTopology()
    try topology.plugIn(device, at: path(1))
    return topology
  }

  /// The setup packets to the device, in short.
  static func packets(_ enumeration: Enumeration, at path: PortPath = path(1)) -> [String] {
    enumeration.steps.compactMap { step in
      guard step.path == path, let transfer = step.transfer, transfer.address != nil else {
        return nil
      }
      return "\(transfer.address ?? 0): \(transfer.setup)"
    }
  }

  @Test func `Linux asks a device of high speed in the order that was seen on a real one`() throws {
    var enumeration = Enumeration(like: .linux, try Self.topology(PlainDevice(speed: .high)))
    enumeration.run()
    #expect(
      Self.packets(enumeration) == [
        "0: 80 06 00 01 00 00 40 00", "0: 00 05 02 00 00 00 00 00", "2: 80 06 00 01 00 00 12 00",
        "2: 80 06 00 02 00 00 09 00", "2: 80 06 00 02 00 00 12 00", "2: 80 06 00 03 00 00 ff 00",
        "2: 80 06 02 03 09 04 ff 00", "2: 80 06 01 03 09 04 ff 00", "2: 80 06 03 03 09 04 ff 00",
        "2: 00 09 01 00 00 00 00 00",
      ])
    #expect(enumeration.devices.map(\.address) == [2])
    #expect(enumeration.devices[0].configuration == 1)
    #expect(enumeration.devices[0].descriptors.strings == [1: "Maker", 2: "Thing", 3: "0001"])
    #expect(
      enumeration.steps.compactMap(\.message) == [
        "usb 1-1: new high-speed USB device number 2 using virtual",
        "usb 1-1: New USB device found, idVendor=1209, idProduct=0001, bcdDevice= 1.02",
        "usb 1-1: New USB device strings: Mfr=1, Product=2, SerialNumber=3",
        "usb 1-1: Product: Thing", "usb 1-1: Manufacturer: Maker", "usb 1-1: SerialNumber: 0001",
      ])
  }

  @Test func `a device of full speed and USB 2.0 is asked three times for its qualifier`() throws {
    var enumeration = Enumeration(like: .linux, try Self.topology(PlainDevice()))
    enumeration.run()
    #expect(Self.packets(enumeration).filter { $0 == "2: 80 06 00 06 00 00 0a 00" }.count == 3)
  }

  @Test func `the old scheme gives the address first and asks for eight bytes`() throws {
    var enumeration = Enumeration(
      like: .linuxOldScheme, try Self.topology(PlainDevice(version: 0x0110)))
    enumeration.run()
    #expect(
      Array(Self.packets(enumeration).prefix(3)) == [
        "0: 00 05 02 00 00 00 00 00", "2: 80 06 00 01 00 00 08 00", "2: 80 06 00 01 00 00 12 00",
      ])
  }

  @Test func `Windows asks in the order that Microsoft has published`() throws {
    var enumeration = Enumeration(like: .windows, try Self.topology(PlainDevice()))
    enumeration.run()
    #expect(
      Self.packets(enumeration) == [
        "0: 80 06 00 01 00 00 40 00", "0: 00 05 01 00 00 00 00 00", "1: 80 06 00 01 00 00 12 00",
        "1: 80 06 00 02 00 00 ff 00", "1: 80 06 ee 03 00 00 12 00", "1: 80 06 03 03 09 04 ff 00",
        "1: 80 06 00 03 00 00 ff 00", "1: 80 06 02 03 09 04 ff 00", "1: 80 06 00 06 00 00 0a 00",
        "1: 80 06 00 01 00 00 12 00", "1: 80 06 00 02 00 00 09 00", "1: 80 06 00 02 00 00 12 00",
        "1: 00 09 01 00 00 00 00 00",
      ])
  }

  @Test(arguments: Enumeration.Host.allCases)
  func `a port is reset twice before the address, and only then does the device hear it`(
    _ host: Enumeration.Host
  ) throws {
    var enumeration = Enumeration(like: host, try Self.topology(PlainDevice()))
    enumeration.run()
    let resets = enumeration.steps.filter {
      $0.transfer?.setup == .setPortFeature(.reset, port: 1)
    }
    #expect(resets.count == (host == .linuxOldScheme ? 1 : 2))
    let status = try #require(
      enumeration.steps.first { $0.transfer?.setup == .getPortStatus(1) }?.transfer)
    #expect(status.answer == [0x01, 0x01, 0x01, 0x00])
    let after = try #require(
      enumeration.steps.last { $0.transfer?.setup == .getPortStatus(1) }?.transfer)
    #expect(after.answer == [0x03, 0x01, 0x10, 0x00])
  }

  @Test func `a device with packets of eight bytes answers the first question with eight`() throws {
    var enumeration = Enumeration(like: .linux, try Self.topology(PlainDevice(packetSize: 8)))
    enumeration.run()
    let first = try #require(
      enumeration.steps.first { $0.transfer?.setup == .getDescriptor(.device, length: 64) }?
        .transfer)
    #expect(first.answer.count == 8)
    #expect(enumeration.devices.count == 1)
  }

  // MARK: Failures

  /// Every GET_DESCRIPTOR of a type, or another request, ends so.
  static func fault(
    _ fault: TransferFault, on request: StandardRequest, type: DescriptorType? = nil
  ) -> TransferInterceptor {
    { transfer in
      guard let setup = transfer.setup, setup.request == request.rawValue,
        type.map({ UInt16($0.rawValue) == setup.value >> 8 }) ?? true,
        setup.requestType.kind == .standard
      else { return .pass }
      return fault
    }
  }

  @Test func `four tries without an answer: what Linux logs, and the port is left alone`() throws {
    var enumeration = Enumeration(
      like: .linux, try Self.topology(PlainDevice()),
      interceptor: Self.fault(.broken, on: .getDescriptor, type: .device))
    enumeration.run()
    #expect(enumeration.devices.isEmpty)
    #expect(
      enumeration.steps.compactMap(\.message) == [
        "usb 1-1: new full-speed USB device number 2 using virtual",
        "usb 1-1: device descriptor read/64, error -71",
        "usb 1-1: new full-speed USB device number 3 using virtual",
        "usb 1-1: device descriptor read/64, error -71",
        "usb usb1-port1: attempt power cycle",
        "usb 1-1: new full-speed USB device number 4 using virtual",
        "usb 1-1: device descriptor read/8, error -71",
        "usb 1-1: new full-speed USB device number 5 using virtual",
        "usb 1-1: device descriptor read/8, error -71",
        "usb usb1-port1: unable to enumerate USB device",
      ])
    #expect(enumeration.addresses == [1])
    // What is logged can be told in words.
    for line in enumeration.steps.compactMap(\.message) {
      #expect(KernelMessage(line)?.words != nil, "\(line)")
      #expect(KernelMessage(line)?.path == Self.path(1))
    }
  }

  @Test(arguments: [
    (TransferFault.timeout, "usb 1-1: device not accepting address 2, error -110"),
    (.stall, "usb 1-1: device not accepting address 2, error -32"),
  ])
  func `an address that is not taken`(_ fault: TransferFault, _ message: String) throws {
    var enumeration = Enumeration(
      like: .linux, try Self.topology(PlainDevice()),
      interceptor: Self.fault(fault, on: .setAddress))
    enumeration.run()
    #expect(enumeration.steps.compactMap(\.message).contains(message))
    #expect(enumeration.devices.isEmpty)
  }

  @Test func `a configuration that is refused costs Linux the whole device`() throws {
    var enumeration = Enumeration(
      like: .linux, try Self.topology(PlainDevice()),
      interceptor: Self.fault(.stall, on: .getDescriptor, type: .configuration))
    enumeration.run()
    #expect(enumeration.devices.isEmpty)
    #expect(
      enumeration.steps.compactMap(\.message).filter {
        $0 == "usb 1-1: can't read configurations, error -32"
      }.count == 4)
  }

  static let problems: [(StandardRequest, DescriptorType?, String, Int)] = [
    (.getDescriptor, .device, "DEVICE_DESCRIPTOR_FAILURE", 2),
    (.getDescriptor, .configuration, "CONFIG_DESCRIPTOR_FAILURE", 6),
    (.setAddress, nil, "SET_ADDRESS_FAILURE", 4),
  ]

  @Test(arguments: problems)
  func `Windows shows code 43 under the name of what failed`(
    _ request: StandardRequest, _ type: DescriptorType?, _ name: String, _ number: Int
  ) throws {
    var enumeration = Enumeration(
      like: .windows, try Self.topology(PlainDevice()),
      interceptor: Self.fault(.stall, on: request, type: type))
    enumeration.run()
    let last = try #require(enumeration.steps.last)
    #expect(last.message == "USB\\VID_0000&PID_000\(number)")
    #expect(last.sentence.contains("USB\\\(name)") && last.sentence.contains("code 43"))
    #expect(enumeration.addresses.isEmpty)
  }

  @Test func `a changed byte in a configuration is an invalid one for Windows`() throws {
    var enumeration = Enumeration(
      like: .windows, try Self.topology(PlainDevice()),
      interceptor: Self.fault(
        .corruptAnswer { if $0.count > 12 { $0[9] = 0 } }, on: .getDescriptor, type: .configuration)
    )
    enumeration.run()
    #expect(enumeration.steps.last?.message == "USB\\VID_0000&PID_0003")
  }

  @Test func `a string that is refused costs only the string`() throws {
    for host in Enumeration.Host.allCases {
      var enumeration = Enumeration(
        like: host, try Self.topology(PlainDevice()),
        interceptor: Self.fault(.stall, on: .getDescriptor, type: .string))
      enumeration.run()
      #expect(enumeration.devices.count == 1)
      #expect(enumeration.devices[0].descriptors.strings.isEmpty)
    }
  }

  @Test func `a device that is pulled out in the middle is not tried again`() throws {
    var enumeration = Enumeration(
      like: .linux, try Self.topology(PlainDevice()),
      interceptor: Self.fault(
        .disconnect(comesBackAfter: nil), on: .getDescriptor, type: .configuration))
    enumeration.run()
    #expect(enumeration.devices.isEmpty)
    #expect(enumeration.addresses == [1])
    #expect(enumeration.steps.filter { $0.transfer?.setup.request == 5 }.count == 1)
  }
}

@Suite("Hubs") struct HubTests {
  static func path(_ ports: UInt8...) -> PortPath { PortPath(bus: 1, ports: ports) }

  @Test func `a device behind a hub is seen when the hub has been set up`() throws {
    var topology = VirtualTopology()
    try topology.plugIn(VirtualHub(), at: Self.path(2))
    try topology.plugIn(PlainDevice(), at: Self.path(2, 3))
    var enumeration = Enumeration(like: .linux, topology)
    enumeration.run()
    #expect(enumeration.devices.map(\.path) == [Self.path(2), Self.path(2, 3)])
    #expect(enumeration.devices.map(\.address) == [2, 3])
    let hub = enumeration.steps.compactMap { step -> String? in
      guard step.stage == .hub, let transfer = step.transfer else { return nil }
      return transfer.setup.description
    }
    #expect(
      hub == [
        "a0 06 00 29 00 00 0f 00", "a0 00 00 00 00 00 04 00", "23 03 08 00 01 00 00 00",
        "23 03 08 00 02 00 00 00", "23 03 08 00 03 00 00 00", "23 03 08 00 04 00 00 00",
      ])
    #expect(enumeration.steps.contains { $0.transfer?.address == 2 && $0.path == Self.path(2, 3) })
  }

  /// Hubs of seven ports, five tiers of them, and devices in all that is free until there are so many in all.
  static func crowd(_ count: Int) throws -> VirtualTopology {
    var topology = VirtualTopology(portCount: 8)
    var left = count
    var free = (UInt8(1)...8).map { path($0) }
    while left > 0, !free.isEmpty {
      let place = free.removeFirst()
      left -= 1
      // One chain of five hubs, then enough for all.
      if place.ports.count <= 5, place.ports.last == 1 || place.ports.count < 3, left > free.count {
        try topology.plugIn(VirtualHub(portCount: 7), at: place)
        free += (UInt8(1)...7).map { PortPath(bus: 1, ports: place.ports + [$0]) }
      } else {
        try topology.plugIn(PlainDevice(product: UInt16(left)), at: place)
      }
    }
    return topology
  }

  @Test func `127 devices get 127 addresses, and the next one is refused with the reason`() throws {
    var enumeration = Enumeration(like: .windows, try Self.crowd(128))
    enumeration.run()
    #expect(enumeration.devices.count == 127)
    #expect(Set(enumeration.devices.map(\.address)) == Set(1...127))
    let last = try #require(enumeration.steps.last { $0.stage == .failure })
    #expect(last.sentence.contains("127 addresses"))
  }

  @Test func `Linux counts its root hub, and takes 126 beside it`() throws {
    var enumeration = Enumeration(like: .linux, try Self.crowd(127))
    enumeration.run()
    #expect(enumeration.devices.count == 126)
    #expect(Set(enumeration.devices.map(\.address)) == Set(2...127))
    #expect(
      enumeration.steps.contains { $0.message?.contains("couldn't allocate usb_device") == true })
  }

  @Test func `five tiers of hubs are reached, a sixth cannot be plugged in`() throws {
    var topology = VirtualTopology()
    var ports: [UInt8] = []
    for _ in 0..<5 {
      ports.append(1)
      try topology.plugIn(VirtualHub(), at: PortPath(bus: 1, ports: ports))
    }
    let deep = PortPath(bus: 1, ports: ports + [1])
    #expect(throws: VirtualTopology.PlugError.self) { try topology.plugIn(VirtualHub(), at: deep) }
    try topology.plugIn(PlainDevice(), at: deep)
    for host in Enumeration.Host.allCases {
      var enumeration = Enumeration(like: host, topology)
      enumeration.run()
      #expect(enumeration.devices.count == 6)
      #expect(enumeration.devices.last?.path == deep)
      #expect(enumeration.devices.last?.configuration == 1)
    }
  }

  @Test func `a hub that is pulled out takes all below it along, and the addresses become free`()
    throws
  {
    var topology = VirtualTopology()
    try topology.plugIn(VirtualHub(), at: Self.path(1))
    try topology.plugIn(PlainDevice(), at: Self.path(1, 1))
    try topology.plugIn(PlainDevice(), at: Self.path(2))
    var enumeration = Enumeration(like: .linux, topology)
    enumeration.run()
    #expect(enumeration.addresses == [1, 2, 3, 4])
    enumeration.pullOut(Self.path(1))
    #expect(enumeration.devices.map(\.path) == [Self.path(2)])
    #expect(enumeration.addresses.count == 2)
    let gone = enumeration.steps.compactMap(\.message).filter { $0.contains("USB disconnect") }
    #expect(gone.count == 2 && gone[0].hasPrefix("usb 1-1.1:") && gone[1].hasPrefix("usb 1-1:"))
    // The next one gets a number that follows, and not the one that has just become free.
    try enumeration.plugIn(PlainDevice(), at: Self.path(1))
    enumeration.run()
    #expect(enumeration.devices.last?.address == 5)
  }

  @Test(arguments: [
    (PortPath(bus: 1, ports: [9]), "ports 1 to 8"), (PortPath(bus: 1, ports: [1]), "in it already"),
    (PortPath(bus: 1, ports: [3, 1]), "no hub at 1-3"), (PortPath(bus: 2, ports: [1]), "bus 1"),
    (PortPath(bus: 1, ports: [1, 1]), "no hub at 1-1"),
  ])
  func `what cannot be plugged in says why`(_ path: PortPath, _ words: String) throws {
    var topology = VirtualTopology()
    try topology.plugIn(PlainDevice(), at: Self.path(1))
    let error = #expect(throws: VirtualTopology.PlugError.self) {
      try topology.plugIn(PlainDevice(), at: path)
    }
    #expect(error?.sentence.contains(words) == true)
  }

  @Test(arguments: Enumeration.Host.allCases)
  func `a hub that clears no change is left alone, and not asked for ever`(
    _ host: Enumeration.Host
  ) throws {
    var topology = VirtualTopology()
    try topology.plugIn(VirtualHub(), at: Self.path(1))
    try topology.plugIn(PlainDevice(), at: Self.path(1, 1))
    var enumeration = Enumeration(
      like: host, topology,
      interceptor: { transfer in
        transfer.setup == .clearPortFeature(.connectionChange, port: 1) ? .stall : .pass
      })
    enumeration.run()
    #expect(enumeration.devices.map(\.path) == [Self.path(1)])
    #expect(enumeration.steps.last?.sentence.contains("does not answer any more") == true)
  }

  @Test func `two devices at address 0 talk over each other`() throws {
    var topology = VirtualTopology()
    try topology.plugIn(PlainDevice(), at: Self.path(1))
    try topology.plugIn(PlainDevice(), at: Self.path(2))
    for port in UInt8(1)...2 {
      _ = topology.respond(0, to: .setPortFeature(.reset, port: port), at: .zero)
    }
    topology.advance(to: .milliseconds(100))
    #expect(topology.listeners(to: 0).count == 2)
  }

  @Test func `a hub keeps its ports dark until it is configured`() {
    var hub = VirtualHub()
    hub.powerOn(at: .zero)
    #expect(hub.respond(to: .getPortStatus(1), data: [], at: .zero) == .stall)
    _ = hub.respond(to: .setConfiguration(1), data: [], at: .zero)
    hub.connect(1, .full)
    #expect(hub.respond(to: .getPortStatus(1), data: [], at: .zero) == .data([0, 0, 0, 0]))
    _ = hub.respond(to: .setPortFeature(.power, port: 1), data: [], at: .zero)
    #expect(hub.respond(to: .getPortStatus(1), data: [], at: .zero) == .data([1, 1, 1, 0]))
    #expect(hub.respond(onEndpoint: 0x81, data: [], length: 1, at: .zero) == .data([2]))
    #expect(hub.respond(to: .getPortStatus(5), data: [], at: .zero) == .stall)
  }
}
