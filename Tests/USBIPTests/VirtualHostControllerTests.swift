import Foundation
import Testing
import USB
import VirtualDFU
import VirtualUSB

@testable import USBIP

/// The ports of the kernel, on files that are like those of `vhci_hcd`.
@Suite struct VirtualHostControllerTests {
  /// What Linux 6.12 writes (`vhci_sysfs.c`), with one device on a port.
  static let status = """
    hub port sta spd dev      sockfd local_busid
    hs  0000 006 003 00010002 000003 3-1
    hs  0001 004 000 00000000 000000 0-0
    hs  0002 005 002 00010001 000004 0-0
    ss  0008 004 000 00000000 000000 0-0
    ss  0009 007 005 00010003 000005 4-2
    """

  /// A sysfs of files.
  final class Files: Sendable {
    let url: URL

    init(_ status: String? = VirtualHostControllerTests.status) throws {
      url = FileManager.default.temporaryDirectory.appendingPathComponent(
        "vhci-\(UUID().uuidString)")
      try write("", to: "devices/platform/vhci_hcd.0/attach")
      try write("", to: "devices/platform/vhci_hcd.0/detach")
      if let status { try write(status, to: "devices/platform/vhci_hcd.0/status") }
      try write("0483\n", to: "bus/usb/devices/3-1/idVendor")
      try write("df11\n", to: "bus/usb/devices/3-1/idProduct")
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ text: String, to path: String) throws {
      let file = url.appendingPathComponent(path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }

    func text(_ path: String) -> String? {
      (try? Data(contentsOf: url.appendingPathComponent(path))).map {
        String(decoding: $0, as: UTF8.self)
      }
    }

    var controller: VirtualHostController {
      VirtualHostController(system: url.path, records: url.appendingPathComponent("records").path)
    }
  }

  @Test func `the ports are told with what sysfs and the records know of their devices`() throws {
    let files = try Files()
    try files.write("lab.example 3241 1-1.4\n", to: "records/port0")
    let ports = try files.controller.ports()
    #expect(ports.map(\.number) == [0, 1, 2, 8, 9])
    #expect(ports.map(\.state) == [.used, .free, .notAssigned, .free, .error])
    #expect(ports.map(\.isSuperSpeed) == [false, false, false, true, true])
    #expect(ports.map(\.localBusID) == ["3-1", nil, nil, nil, "4-2"])
    #expect(ports[0].vendor == VendorID(0x0483))
    #expect(ports[0].product == ProductID(0xDF11))
    let server = try USBIPAddress("lab.example:3241/1-1.4")
    #expect(ports[0].server == server)
    #expect(ports[4].vendor == nil)
  }

  @Test func `controllers beyond the first follow, as far as there are files`() throws {
    let files = try Files()
    try files.write(
      "hub port sta spd dev sockfd local_busid\nhs  0016 004 000 00000000 000000 0-0\n",
      to: "devices/platform/vhci_hcd.0/status.1")
    try files.write("hs 0048 004 000 0 0 0-0\n", to: "devices/platform/vhci_hcd.0/status.3")
    #expect(try files.controller.ports().map(\.number) == [0, 1, 2, 8, 9, 16])
  }

  @Test(arguments: [
    "", "hub port sta spd dev sockfd local_busid", "hs -1 004 000 0 0 0-0", "xs 0 4 0 0 0 0-0",
    "hs 0 4 0 0 0", "hs 0 x 0 0 0 0-0", "hs 99999999999999999999 4 0 0 0 0-0",
    "hs 0 4 99999999999 0 0 0-0", String(repeating: "\u{0}", count: 70_000),
  ])
  func `a line that is no port is passed over`(_ text: String) throws {
    #expect(VirtualPort.parse(text).isEmpty)
    let error = #expect(throws: USBIPError.self) { try Files(text).controller.ports() }
    #expect(error?.code == .noController)
  }

  @Test(arguments: ["../../etc", "3-1/..", "-", "3-", "usb3", "3-1.0", "é"])
  func `a place that is none becomes no path`(_ place: String) {
    let ports = VirtualPort.parse("hs 0000 006 003 00010002 000003 \(place)")
    #expect(ports.map(\.localBusID) == [nil])
  }

  @Test(arguments: ["", "x", "host port 1-1", "host 3240", "host 3240 1-1 more", "h 3240 \u{7F}"])
  func `a record that says nothing useful changes nothing`(_ text: String) throws {
    let files = try Files()
    try files.write(text, to: "records/port0")
    let ports = try files.controller.ports()
    #expect(ports[0].server == nil)
  }

  @Test func `without a controller that is what is said`() throws {
    let error = #expect(throws: USBIPError.self) { try Files(nil).controller.ports() }
    #expect(error?.code == .noController)
    #expect(error?.help?.contains("modprobe vhci-hcd") == true)
  }

  @Test func `detaching writes the number of the port, and forgets its record`() throws {
    let files = try Files()
    try files.write("127.0.0.1 3240 1-1\n", to: "records/port2")
    try files.controller.detach(2)
    #expect(files.text("devices/platform/vhci_hcd.0/detach") == "2")
    #expect(files.text("records/port2") == nil)
    for port in [1, 77] {
      let error = #expect(throws: USBIPError.self) { try files.controller.detach(port) }
      #expect(error?.code == .noDevice)
    }
  }

  /// The files are no kernel: the port stays as it is, and after ten seconds of the board's time that is told.
  @Test(.timeLimit(.minutes(1)))
  func `attaching imports the device and gives the kernel its socket and its number`() async throws
  {
    let files = try Files()
    try await LoopbackBench.run([VirtualBootloader(.stm32f407)]) { bench in
      var address = bench.address
      address.busID = BusID("1-1")
      let clock = AnyClock(HastyClock(pace: 100))
      let error = await #expect(throws: USBIPError.self) {
        try await files.controller.attach(address, clock: clock)
      }
      #expect(error?.code == .refused)
      #expect(error?.sentence.contains("has not enumerated") == true)
      let order = (files.text("devices/platform/vhci_hcd.0/attach") ?? "").split(separator: " ")
      try #require(order.count == 4)
      #expect(order[0] == "1")
      #expect(Int(order[1]).map { $0 > 2 } == true)
      #expect(Int(order[2]).map { $0 > 0 } == true)
      #expect(order[3] == "2")
      #expect(bench.log.events.contains { if case .imported = $0 { true } else { false } })
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `a device that the server does not give leaves the ports as they are`() async throws {
    let files = try Files()
    try await LoopbackBench.run([VirtualBootloader(.stm32f407)]) { bench in
      var address = bench.address
      address.busID = BusID("9-9")
      await #expect(throws: USBIPError.self) {
        try await files.controller.attach(address, clock: bench.clock)
      }
      #expect(files.text("devices/platform/vhci_hcd.0/attach") == "")
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `without a free port nothing is attached, and the server has its device back`() async throws
  {
    let files = try Files("hs  0000 006 003 00010002 000003 3-1\nss  0008 004 000 0 0 0-0\n")
    try await LoopbackBench.run([VirtualBootloader(.stm32f407)]) { bench in
      var address = bench.address
      address.busID = BusID("1-1")
      let error = await #expect(throws: USBIPError.self) {
        try await files.controller.attach(address, clock: bench.clock)
      }
      #expect(error?.code == .noFreePort)
      await bench.log.wait(for: 2)
      let there = try await bench.host().devices()
      #expect(there.count == 1)
    }
  }
}
