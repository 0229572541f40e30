import Reports
import Testing
import USB

@Suite("What comes and goes") struct WatchTests {
  static func info(
    _ product: UInt16, id: UInt64 = 1, interface: ClassTriple = .dfuMode, serial: String? = "A",
    speed: USBSpeed = .full, version: UInt16 = 0x2200
  ) -> DeviceInfo {
    DeviceInfo(
      id: DeviceID(rawValue: id), path: PortPath(bus: 1, ports: [2]), address: 5, speed: speed,
      descriptor: DeviceDescriptor(
        vendor: VendorID(0x0483), product: ProductID(product), deviceVersion: BCDVersion(version)),
      configurations: [
        ConfigurationDescriptor(interfaces: [
          InterfaceDescriptor(number: 0, interfaceClass: interface)
        ])
      ], activeConfiguration: 1, serialNumber: serial, productName: "Thing")
  }

  static let bootloader = info(0xDF11)

  static let changes: [(DeviceInfo, String)] = [
    (bootloader, "the same device"),
    (
      info(0x5740, interface: ClassTriple(2, 2, 1)),
      "came back with an application: it was 0483:df11"
    ),
    (info(0xDF11, serial: "B"), "another one of the same kind: its serial number was A"),
    (info(0xDF11, interface: .dfuRuntime), "the same device in another mode"),
    (info(0xDF11, speed: .high), "the same device at another speed: it was full speed"),
    (info(0xDF11, version: 0x2201), "the same device with other descriptors"),
  ]

  @Test(arguments: changes)
  func `what comes back to a port is compared with what was there`(
    _ next: DeviceInfo, _ words: String
  ) {
    var history = WatchHistory()
    _ = history.attached(Self.bootloader, at: .seconds(1))
    let gone = history.detached(Self.bootloader.path, at: .seconds(3))
    #expect(gone.after == 2000)
    let back = history.attached(next, at: .milliseconds(3619))
    #expect(back.words?.contains(words) == true, "\(back.words ?? "nothing")")
    #expect(back.after == 619)
    #expect(back.before?.product == "df11")
  }

  @Test func `an application that becomes a bootloader, and a stranger`() {
    var history = WatchHistory()
    _ = history.present(Self.info(0x5740, interface: .dfuRuntime))
    #expect(
      history.attached(Self.bootloader, at: .seconds(1)).words?.contains("in DFU mode") == true)
    history = WatchHistory()
    _ = history.present(Self.info(1, interface: ClassTriple(3, 0, 0)))
    #expect(
      history.attached(Self.info(2, interface: ClassTriple(8, 6, 0x50)), at: .seconds(1)).words?
        .contains("another device") == true)
  }

  @Test func `the first at a port is compared with nothing, and one that was never seen can go`() {
    var history = WatchHistory()
    let line = history.attached(Self.bootloader, at: .seconds(1))
    #expect(line.words == nil && line.before == nil && line.after == nil)
    let other = history.detached(PortPath(bus: 1, ports: [7]), at: .seconds(2))
    #expect(other.device == nil)
    #expect(other.text(.plain).contains("- 1-7"))
  }

  @Test func `lines for people`() throws {
    var history = WatchHistory()
    var text = history.present(Self.bootloader).text(.plain) + "\n"
    text += history.detached(Self.bootloader.path, at: .milliseconds(1700)).text(.plain) + "\n"
    let next = Self.info(0x5740, interface: ClassTriple(2, 2, 1))
    text += history.attached(next, at: .milliseconds(2319)).text(.plain) + "\n"
    let message = try #require(KernelMessage("6,1,2,-;usb 1-2: USB disconnect, device number 5"))
    text += WatchHistory.kernel(message, at: .milliseconds(61_001)).text(.plain)
    #expect(
      text == """
            0.000 s  = 1-2 0483:df11 DFU, “Thing”, full speed, serial A
            1.700 s  - 1-2 0483:df11 DFU, “Thing”, was there for 1.7 s
            2.319 s  + 1-2 0483:5740 communications, “Thing”, full speed, serial A
                       the same port came back with an application: it was
                       0483:df11 in DFU mode, 619 ms later.
           61.001 s  kernel: usb 1-2: USB disconnect, device number 5
                       it is gone: pulled out, or it has let go of the bus.
        """)
  }

  @Test func `what a device says cannot command a terminal`() {
    var history = WatchHistory()
    var info = Self.bootloader
    info.productName = "\u{1B}[2J"
    #expect(!history.attached(info, at: .zero).text(.plain).contains("\u{1B}"))
  }
}

@Suite("Trees") struct BusTreeTests {
  static func device(_ ports: [UInt8], _ product: UInt16 = 1, hub: Bool = false) -> DeviceInfo {
    var info = WatchTests.info(product, id: UInt64(ports.count * 1000) + UInt64(ports.last ?? 0))
    info.path = PortPath(bus: 1, ports: ports)
    if hub { info.descriptor.deviceClass = ClassTriple(9, 0, 1) }
    return info
  }

  @Test func `devices hang below their hubs, whatever the order`() {
    let devices = [
      Self.device([2, 10]), Self.device([]), Self.device([2, 9]), Self.device([2], hub: true),
      Self.device([1]),
    ]
    let tree = BusTreeReport(devices)
    #expect(tree.roots.map(\.path) == ["usb1"])
    #expect(tree.roots[0].children.map(\.path) == ["1-1", "1-2"])
    #expect(tree.roots[0].children[1].children.map(\.path) == ["1-2.9", "1-2.10"])
    #expect(tree.deviceCount == 4)
  }

  @Test func `what nobody tells of has its place`() {
    let tree = BusTreeReport([Self.device([3, 1, 2])])
    #expect(tree.roots.map(\.path) == ["usb1"])
    #expect(
      tree.text(.plain) == """
        usb1 not told of
        └─ 1-3 not told of
           └─ 1-3.1 not told of
              └─ 1-3.1.2 0483:0001 DFU, “Thing”, full speed, 100 mA, serial A

        """)
  }

  @Test func `drivers and ports are told where the system knows them`() {
    var hub = DeviceSurroundings()
    hub.ports = [
      .init(number: 1, connectType: "hotplug", overCurrentCount: 2, companion: "usb2-port1"),
      .init(number: 2),
    ]
    hub.driver = "xhci_hcd"
    var leaf = DeviceSurroundings()
    leaf.interfaceDrivers = [0: "usbfs"]
    leaf.powerState = "suspended"
    let devices = [Self.device([], hub: true), Self.device([1]), Self.device([2])]
    let tree = BusTreeReport(devices, surroundings: [devices[0].id: hub, devices[1].id: leaf])
    let text = tree.text(.plain, isVerbose: true)
    for part in [
      "root hub", "driver xhci_hcd", "driver usbfs", "no driver", "suspended", "2 ports",
      "port 1: user connectable, companion usb2-port1, over-current 2 times",
    ] { #expect(text.contains(part), "\(part)") }
  }

  @Test func `serial numbers are masked at every depth`() {
    let tree = BusTreeReport([Self.device([1], hub: true), Self.device([1, 1])])
      .maskingSerialNumbers()
    #expect(!tree.text(.plain, isVerbose: true).contains("serial A"))
    #expect(tree.roots[0].children[0].children[0].serialNumber == "****")
  }

  @Test func `127 devices are drawn within the width`() {
    let devices = (1...127).map { Self.device([UInt8($0 % 7 + 1), UInt8($0)]) }
    let tree = BusTreeReport(devices)
    #expect(tree.deviceCount == 127)
    for line in tree.text(.plain).split(separator: "\n") {
      #expect(displayWidth(of: String(line)) <= 80)
    }
  }
}
