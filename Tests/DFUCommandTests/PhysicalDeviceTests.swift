import Captures
import Foundation
import MockDevices
import Testing
import USB

/// The command among devices that umockdev makes up.
@Suite(
  "Devices of this machine",
  .enabled(if: MockBus.isPossible, "umockdev is not installed; Scripts/set-up test installs it"),
  .timeLimit(.minutes(1)))
struct PhysicalDeviceTests {
  static let bootloader: MockDevice = {
    var device = MockDevice.bootloader
    device.product = "STM32  BOOTLOADER"
    device.manufacturer = "STMicroelectronics"
    return device
  }()

  static let hub: MockDevice = {
    var device = MockDevice.rootHub
    device.product = "xHCI Host Controller"
    device.manufacturer = "Linux 6.12.38+deb13-amd64 xhci-hcd"
    device.serial = "0000:00:14.0"
    return device
  }()

  static let debugger: MockDevice = {
    var device = MockDevice.pipes
    device.descriptor.vendor = .stMicroelectronics
    device.descriptor.product = ProductID(0x374B)
    device.product = "STM32 STLink"
    return device
  }()

  /// The bootloader again, at another port and with another serial number.
  static let twin: MockDevice = {
    var device = bootloader
    device.path = PortPath(bus: 1, ports: [3])
    device.address = 6
    device.serial = "3276364D3035"
    return device
  }()

  static let bench = MockBus(devices: [hub, bootloader, debugger])
  static let twins = MockBus(devices: [hub, bootloader, twin])
  static let bare = MockBus(devices: [hub, debugger])

  static let cases: [(GoldenCase, MockBus)] = [
    (GoldenCase("physical-any", "list", "--any"), bench),
    (GoldenCase("physical-any-json", "list", "--any", "--json"), bench),
    (GoldenCase("physical-any-one", "list", "--any", "-d", "0483:374b"), bench),
    (GoldenCase("physical-list", "list"), bench),
    (GoldenCase("physical-list-twins", "list", "-d", "0483:df11"), twins),
    (GoldenCase("bad-physical-several", "flash", "app.hex"), twins),
    (GoldenCase("bad-physical-ids", "list", "-d", "1209:0001"), bench),
    (GoldenCase("bad-physical-debugger", "list", "-d", "path:1-4"), bench),
    (GoldenCase("bad-physical-hub", "list", "-d", "path:usb1"), bench),
    (GoldenCase("bad-physical-no-dfu", "flash", "app.hex"), bare),
    (GoldenCase("bad-physical-nothing", "list"), MockBus(devices: [])),
    (GoldenCase("bad-physical-nothing-any", "list", "--any"), MockBus(devices: [])),
    (GoldenCase("bad-physical-json", "list", "--json"), bare),
  ]

  @Test(arguments: cases.indices)
  func `texts about devices of this machine are those of the golden files`(_ index: Int) throws {
    let (golden, bus) = Self.cases[index]
    try golden.check(in: try Fixtures.workplace(), among: bus)
  }

  private func dfu(
    _ arguments: String..., among bus: MockBus, script: String? = nil, isNobody: Bool = false,
    in folder: Workplace? = nil, environment: [String: String] = [:]
  ) throws -> CommandRun {
    try CommandRun(
      arguments, in: folder ?? Fixtures.workplace(), environment: environment, among: bus,
      script: script, isNobody: isNobody)
  }

  @Test(arguments: ["0483:df11", "serial:3276364D3034", "path:1-2"])
  func `each selector names the device`(_ selector: String) throws {
    let run = try dfu("list", "--json", "-d", selector, among: Self.bench)
    #expect(run.status == 0, "\(run.error)\(run.output)")
    #expect(run.output.contains(#""selector" : "path:1-2""#))
    #expect(run.output.contains(#""serialNumber" : "3276364D3034""#))
  }

  // MARK: Without permission

  private static func refusing(_ node: String, _ verb: String) -> String {
    "chmod 444 $UMOCKDEV_DIR/dev/bus/usb/001/\(node); exec $0 \(verb)"
  }

  static let rule =
    #"SUBSYSTEM=="usb",ATTR{idVendor}=="0483",ATTR{idProduct}=="df11",TAG+="uaccess""#

  @Test func `a device that may not be opened is listed with the line for udev`() throws {
    let run = try dfu(among: Self.bench, script: Self.refusing("005", "list"), isNobody: true)
    #expect(run.status == 77)
    #expect(run.error.isEmpty)
    #expect(run.output.hasPrefix("STM32  BOOTLOADER, not opened  0483:df11 version 22.00, at 1-2"))
    #expect(run.output.contains("serial 3276364D3034"))
    // On a line of its own, so that it can be copied.
    #expect(run.output.split(separator: "\n").contains("    \(Self.rule)"), "\(run.output)")
    #expect(run.output.contains("select it with -d 'path:1-2'"))
  }

  @Test func `programs get the reason and its help`() throws {
    let run = try dfu(
      among: Self.bench, script: Self.refusing("005", "list --json"), isNobody: true)
    #expect(run.status == 77)
    let document = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
    let device = (document?["devices"] as? [[String: Any]])?.first
    let problem = device?["problem"] as? [String: String]
    #expect(problem?["slug"] == "permission")
    #expect(problem?["help"]?.contains(Self.rule) == true)
    #expect(device?["dialect"] as? String == "unknown")
    #expect(device?["serialNumber"] as? String == "3276364D3034")
  }

  @Test func `a device that can be opened is enough for a list`() throws {
    let run = try dfu(among: Self.twins, script: Self.refusing("005", "list"), isNobody: true)
    #expect(run.status == 0)
    #expect(run.output.contains("not opened  0483:df11 version 22.00, at 1-2"))
    #expect(run.output.contains("in its bootloader  0483:df11 version 22.00, at 1-3"))
  }

  @Test func `a verb that needs the device ends with the reason`() throws {
    let run = try dfu(
      among: Self.bench, script: Self.refusing("005", "flash app.hex -d path:1-2"), isNobody: true)
    #expect(run.status == 77)
    #expect(run.output.isEmpty)
    #expect(run.error.contains("There is no permission to open 0483:df11 at 1-2"))
    #expect(run.error.contains(Self.rule))
  }

  @Test func `a node that is not here is told, as in a container`() throws {
    let run = try dfu(
      among: Self.bench, script: "rm $UMOCKDEV_DIR/dev/bus/usb/001/005; exec $0 list")
    #expect(run.status == 77)
    #expect(run.output.contains("not here"))
    #expect(run.output.contains("docker run"))
  }

  @Test func `every device is listed with --any, whoever may open it`() throws {
    let run = try dfu(
      among: Self.bench,
      script: "chmod 000 $UMOCKDEV_DIR/dev/bus/usb/001/*; exec $0 list --any --json",
      isNobody: true)
    #expect(run.status == 0)
    #expect(run.output.matches(of: /"vendor" : "/).count == 3, "\(run.output)")
  }

  // MARK: Comings

  @Test(arguments: [
    "list --wait 20", "list --wait 20 -d 0483:df11", "list --wait 20 -d serial:3276364D3034",
    "wait --timeout 20 -d path:1-2", "wait --new --timeout 20",
  ])
  func `a device is waited for, and others are passed over`(_ verb: String) throws {
    let run = try dfu(
      among: Self.bench,
      script: """
        links=$UMOCKDEV_DIR/sys/bus/usb/devices
        mkdir aside
        mv $links/1-2 $links/1-4 aside
        mkfifo said
        $0 \(verb) 2> said &
        exec 3< said
        read -r line <&3
        mv aside/1-4 $links
        mv aside/1-2 $links
        wait $!
        """)
    #expect(run.status == 0, "\(run.output)\(run.error)")
    #expect(run.output.contains("at 1-2"), "\(run.output)")
    #expect(!run.output.contains("1-4"))
  }

  @Test func `a wait for what does not come is over in time`() throws {
    let run = try dfu("wait", "--timeout", "0.3", "-d", "path:1-4", among: Self.bench)
    #expect(run.status == 75)
    #expect(run.error.contains("No device in DFU mode that path:1-4 names was there within 300 ms"))
  }

  // MARK: What goes over the wire

  @Test func `what is on the wire is what a virtual device saw, and a recording plays it back`()
    throws
  {
    let folder = try Fixtures.workplace()
    let board = "virtual:dfu11?speed=instant"
    let there = try CommandRun(["list", "-d", board, "--record", "virtual.rec"], in: folder)
    let tape = try RecordingDocument(parsing: try folder.bytes(of: "virtual.rec")).recording
    var bus = try #require(MockBus(tape))
    bus.devices.append(Self.debugger)
    let here = try dfu("list", "--record", "here.rec", among: bus, in: folder)
    #expect(here.status == 0, "\(here.error)")
    #expect(
      here.output.replacing("path:1-1", with: board) == there.output)
    let again = try CommandRun(["list", "-d", "replay:here.rec"], in: folder)
    #expect(again.output.replacing("replay:here.rec", with: board) == there.output)
    #expect(again.error.isEmpty)
  }

  @Test func `what is known is listed where the rest cannot be asked for`() throws {
    let folder = try Fixtures.workplace()
    let board = "virtual:stm32f407?speed=instant"
    _ = try CommandRun(["list", "-d", board, "--record", "virtual.rec"], in: folder)
    let tape = try RecordingDocument(parsing: try folder.bytes(of: "virtual.rec")).recording
    // umockdev does not know SET_INTERFACE.
    let run = try dfu("list", among: try #require(MockBus(tape)), in: folder)
    #expect(run.status == 74)
    #expect(run.output.hasPrefix("STM32F405/F407, in its bootloader"))
    #expect(run.output.contains("problem While selecting the memory a transfer failed"))
    #expect(run.output.contains("0  Internal flash, 1 MiB at 0x08000000"))
  }

  @Test func `libusb begins only where devices of this machine are asked for`() throws {
    // libusb itself tells then what it does.
    let environment = ["LIBUSB_DEBUG": "4"]
    func words(_ arguments: String...) throws -> String {
      try CommandRun(
        arguments, in: try Fixtures.workplace(), environment: environment, among: Self.bench
      ).error
    }
    #expect(try words("list", "--any").contains("libusb_init"))
    for quiet in [
      ["file", "info", "app.hex"], ["list", "-d", "virtual:dfu11?speed=instant"],
      ["emulate", "--list"],
      ["--version"],
    ] {
      let run = try CommandRun(
        quiet, in: try Fixtures.workplace(), environment: environment, among: Self.bench)
      #expect(run.status == 0)
      #expect(run.error.isEmpty, "\(quiet): \(run.error.prefix(200))")
    }
  }
}

extension MockBus {
  /// The device of a recording, which answers as it did then.
  fileprivate init?(_ recording: Recording) {
    var device: MockDevice?
    var transfers: [TapedTransfer] = []
    var calls: [UInt32: DeviceCall] = [:]
    for event in recording.events {
      switch event.kind {
      case .attached(let info):
        device = MockDevice(
          path: info.path, address: 5, descriptor: info.descriptor,
          configurations: info.configurations, serial: info.serialNumber)
      case .began(let number, _, let call): calls[number] = call
      case .ended(let number, let outcome):
        switch (calls[number], outcome) {
        case (.controlIn(let setup)?, .received(let bytes)):
          transfers.append(.control(setup, answer: bytes))
        case (.controlOut(let setup, let data)?, .done):
          transfers.append(.control(setup, sent: data))
        case (.controlIn(let setup)?, _): transfers.append(.control(setup, status: -32))
        case (.controlOut(let setup, let data)?, _):
          transfers.append(.control(setup, sent: data, status: -32))
        default: break
        }
      default: break
      }
    }
    guard let device else { return nil }
    self.init(devices: [.rootHub, device], tape: (device, transfers))
  }
}
