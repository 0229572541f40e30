import DFU
import DFUHost
import Testing
import USB
import VirtualDFU

@testable import Workbench

/// The search among the devices of a machine, on a ``Desk``.
@Suite struct PhysicalSearchTests {
  static let hub = Gadget(0x1D6B, 0x0002, ClassTriple(9, 0, 1), interface: ClassTriple(9, 0, 0))
  static let debugger = Gadget(
    0x0483, 0x374B, interface: ClassTriple(0xFF, 0xFF, 0xFF), serial: "066")
  static let keyboard = Gadget(0x046D, 0xC31C, interface: ClassTriple(3, 1, 1))

  /// A hub at 1-1, a bootloader at 1-2, a keyboard at 1-3, an application with a DFU interface at 1-4, an
  /// ST-Link at 1-5.
  private func desk() throws -> Desk {
    let desk = Desk()
    desk.attach(Self.hub, port: 1)
    try desk.attach("stm32f407?serial=A1", port: 2)
    desk.attach(Self.keyboard, port: 3)
    try desk.attach("runtime?serial=B2", port: 4)
    desk.attach(Self.debugger, port: 5)
    return desk
  }

  private func places(
    _ selectors: [String], kind: DeviceSearch.Kind = .dfu, on desk: Desk
  ) async throws -> [String] {
    try await DeviceSearch.devices(selectors, kind: kind, places: desk.places).map {
      "\($0.info.path)"
    }
  }

  private func error(_ selectors: [String], on desk: Desk) async -> DeviceSearchError? {
    await #expect(throws: DeviceSearchError.self) {
      _ = try await DeviceSearch.devices(selectors, places: desk.places)
    }
  }

  @Test func `without a selector, those with a DFU interface are meant`() async throws {
    #expect(try await places([], on: try desk()) == ["1-2", "1-4"])
  }

  @Test func `of any kind, all are meant, and none is opened`() async throws {
    let desk = try desk()
    #expect(try await places([], kind: .any, on: desk) == ["1-1", "1-2", "1-3", "1-4", "1-5"])
    #expect(try await places(["0483:374b"], kind: .any, on: desk) == ["1-5"])
    #expect(try await places(["serial:066"], kind: .any, on: desk) == ["1-5"])
    #expect(desk.opened.all.isEmpty)
  }

  @Test(arguments: [
    ("0483:df11", "1-2"), ("0x0483:DF11", "1-2"), ("serial:A1", "1-2"), ("serial:B2", "1-4"),
    ("path:1-2", "1-2"), ("path:1-4", "1-4"),
  ])
  func `a selector names its device`(_ selector: String, _ path: String) async throws {
    let desk = try desk()
    #expect(try await places([selector], on: desk) == [path])
    let found = try await DeviceSearch.device([selector], places: desk.places)
    #expect(found.selector == "path:\(path)")
    #expect(found.typed == selector)
    #expect(desk.opened.all.isEmpty)
  }

  @Test func `what two selectors name is one device`() async throws {
    let desk = try desk()
    #expect(try await places(["serial:A1", "path:1-2", "path:1-4"], on: desk) == ["1-2", "1-4"])
  }

  @Test(arguments: ["1209:0001", "serial:a1", "serial:A", "path:1-9", "path:2-2", "path:usb1"])
  func `what names nothing is told with what is there`(_ selector: String) async throws {
    let error = await error([selector], on: try desk())
    #expect(error?.slug == "no-device")
    #expect(
      error?.sentence
        == "\(selector) names none of what is attached: 0483:df11 at 1-2 (DFU), 046d:c31c at 1-3 "
        + "(keyboard), cafe:4001 at 1-4 (vendor-specific, DFU), 0483:374b at 1-5 (ST-Link, "
        + "vendor-specific) and 1d6b:0002 at 1-1 (hub).")
  }

  @Test func `a selector that names nothing is told beside one that names a device`() async throws {
    let error = await error(["path:1-2", "path:1-9"], on: try desk())
    #expect(error?.sentence.hasPrefix("path:1-9 names none") == true)
  }

  @Test(arguments: [
    ("0483:374b", "ST-Link"), ("path:1-5", "ST-Link"), ("serial:066", "ST-Link"),
    ("path:1-1", "a hub"), ("path:1-3", "start the bootloader"),
  ])
  func `a device without a DFU interface is told to be one`(
    _ selector: String, _ words: String
  ) async throws {
    let error = await error([selector], on: try desk())
    #expect(error?.slug == "not-dfu")
    #expect(error?.sentence.hasPrefix("\(selector) names ") == true)
    #expect(error?.sentence.contains("has no DFU interface") == true)
    #expect(error?.help?.contains(words) == true)
  }

  @Test func `of devices with the same ids, one with a DFU interface is the one`() async throws {
    let desk = Desk()
    desk.attach(Gadget(0x0483, 0xDF11), port: 1)
    try desk.attach("stm32f407", port: 2)
    #expect(try await places(["0483:df11"], on: desk) == ["1-2"])
  }

  @Test func `where nothing has a DFU interface, what is there is told, a handful of it`() async {
    let desk = Desk()
    #expect(
      await error([], on: desk)?.sentence == "No USB device is attached to this machine.")
    desk.attach(Self.hub, port: 1)
    #expect(
      await error([], on: desk)?.sentence
        == "One USB device is attached, and it has no DFU interface: 1d6b:0002 at 1-1 (hub).")
    for port in UInt8(2)..<10 { desk.attach(Self.keyboard, port: port) }
    let error = await error([], on: desk)
    #expect(
      error?.sentence
        == "9 USB devices are attached, and none has a DFU interface: "
        + (2..<7).map { "046d:c31c at 1-\($0) (keyboard)" }.joined(separator: ", ")
        + " and 4 more.")
    #expect(error?.help?.contains("dfu list --any") == true)
  }

  // MARK: Several

  @Test func `several that fit are told as selectors that name one each`() async throws {
    let desk = Desk()
    try desk.attach("stm32f407?serial=A1", port: 1)
    try desk.attach("stm32f407?serial=A2", port: 2)
    for selectors in [[], ["0483:df11"]] {
      let error = await #expect(throws: DeviceSearchError.self) {
        _ = try await DeviceSearch.device(selectors, places: desk.places)
      }
      #expect(
        error?.sentence
          == "2 devices fit, and none is chosen for you: path:1-1 or serial:A1 (0483:df11); "
          + "path:1-2 or serial:A2 (0483:df11).")
    }
    for selector in ["path:1-1", "serial:A1"] {
      #expect(try await DeviceSearch.device([selector], places: desk.places).info.path.ports == [1])
    }
  }

  @Test func `a serial number that two devices share names none of them`() async throws {
    let desk = Desk()
    try desk.attach("stm32f407?serial=A1", port: 1)
    try desk.attach("stm32l476?serial=A1", port: 2)
    let error = await #expect(throws: DeviceSearchError.self) {
      _ = try await DeviceSearch.device(["serial:A1"], places: desk.places)
    }
    #expect(
      error?.sentence
        == "2 devices fit, and none is chosen for you: path:1-1 (0483:df11); path:1-2 (0483:df11).")
  }

  @Test func `an application does not compete with the only device in DFU mode`() async throws {
    let found = try await DeviceSearch.device([], places: try desk().places)
    #expect(found.info.path.ports == [2])
  }

  // MARK: Serial numbers that are not known

  @Test func `serial numbers that the host does not know are asked for, of DFU devices first`()
    async throws
  {
    var desk = try desk()
    desk.knowsSerialNumbers = false
    #expect(try await places(["serial:B2"], on: desk) == ["1-4"])
    #expect(desk.opened.all.map(\.description) == ["1-2", "1-4"])
    let error = await error(["serial:066"], on: desk)
    #expect(error?.slug == "not-dfu")
    // The hub and the keyboard have none.
    #expect(desk.opened.all.suffix(3).map(\.description) == ["1-2", "1-4", "1-5"])
  }

  @Test func `a serial number of single bytes is the one that is listed`() async throws {
    let desk = Desk()
    try desk.attach("gd32vf103?serial=3CBJ", port: 1)
    let known = try await desk.devices()[0].serialNumber
    try #require(known != "3CBJ", "its host reads it wrongly")
    #expect(try await places(["serial:3CBJ"], on: desk) == ["1-1"])
  }

  @Test func `a device that may not be asked is the reason where none is found`() async throws {
    var desk = try desk()
    desk.knowsSerialNumbers = false
    desk.isRefused = [PortPath(bus: 1, ports: [2])]
    #expect(try await places(["serial:B2"], on: desk) == ["1-4"])
    let error = await #expect(throws: HostError.self) {
      _ = try await DeviceSearch.devices(["serial:A1"], places: desk.places)
    }
    #expect(error?.code == .permission)
  }

  // MARK: Waiting

  @Test(arguments: [[], ["0483:df11"], ["serial:A1"], ["path:1-8"]])
  func `who arrives and does not fit is passed over`(_ selectors: [String]) async throws {
    let desk = Desk()
    desk.attach(Self.hub, port: 1)
    desk.attach(Self.debugger, port: 2, after: .seconds(1))
    if !selectors.isEmpty { try desk.attach("lpc43xx?serial=Z", port: 3, after: .seconds(2)) }
    try desk.attach("stm32f407?serial=A1", port: 8, after: .seconds(3))
    let found = try await DeviceSearch.device(
      selectors, waiting: DeviceWait(.seconds(9)), places: desk.places)
    #expect(found.info.path.ports == [8])
    #expect(found.clock.now.elapsed > .seconds(3))
  }

  @Test func `who was there before is not new`() async throws {
    let desk = Desk()
    try desk.attach("stm32f407", port: 1)
    desk.attach(Self.debugger, port: 2, after: .seconds(1))
    try desk.attach("stm32f407", port: 3, after: .seconds(3))
    let found = try await DeviceSearch.devices(
      ["0483:df11"], waiting: DeviceWait(.seconds(9), needsDFUMode: true, isForNew: true),
      places: desk.places)
    #expect(found.map(\.info.path.ports) == [[3]])
  }

  @Test(arguments: [
    ([], false, "No DFU device was there within 5.0 s."),
    (["path:1-2"], false, "No DFU device that path:1-2 names was there within 5.0 s."),
    (["path:1-2"], true, "No device in DFU mode that path:1-2 names was there within 5.0 s."),
  ])
  func `a wait that is over says for what it was`(
    _ selectors: [String], _ needsMode: Bool, _ sentence: String
  ) async throws {
    let desk = Desk()
    desk.attach(Self.debugger, port: 2)
    let error = await #expect(throws: DeviceSearchError.self) {
      _ = try await DeviceSearch.devices(
        selectors, waiting: DeviceWait(.seconds(5), needsDFUMode: needsMode), places: desk.places)
    }
    #expect(error?.sentence == sentence)
  }

  // MARK: Following

  @Test(arguments: ["cafe:4001", "serial:B2", "path:1-4"])
  func `a device that was named is followed by its place when it comes back as another one`(
    _ selector: String
  ) async throws {
    let desk = try desk()
    try desk.attach("dfu11?serial=B2", port: 6, after: .milliseconds(200))
    let found = try await DeviceSearch.device([selector], places: desk.places)
    let session = try await DFUSession.open(found.info, on: found.host, clock: found.clock)
    let back = try await session.enterDFUMode(on: found.host)
    #expect(back.path == found.info.path)
    #expect(back.ids != found.info.ids)
    // What is typed next finds it again.
    let again = try await DeviceSearch.device([found.selector], places: desk.places)
    #expect(again.info.id == back.id)
    #expect(again.mode == .dfu)
  }
}
