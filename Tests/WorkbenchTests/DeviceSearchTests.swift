import DFU
import DFUHost
import Testing
import USB
import VirtualDFU
import VirtualUSB

@testable import Workbench

@Suite struct DeviceSearchTests {
  /// Devices on one bus, found by one selector, as a search for physical ones finds them.
  func found(
    _ profiles: [Profile], selectors: [String] = ["0483:df11"]
  ) async throws -> [FoundDevice] {
    let clock = SimulatedClock()
    let bus = VirtualBus(clock: clock)
    for profile in profiles { bus.attach(VirtualBootloader(profile)) }
    return try await bus.devices().enumerated().map { index, info in
      FoundDevice(
        selector: selectors[index % selectors.count], info: info, host: bus,
        clock: AnyClock(clock))
    }
  }

  @Test func `rule 15: an application does not compete with the only device in DFU mode`()
    async throws
  {
    let all = try await found([.runtime, .stm32f407, .runtime])
    #expect(try DeviceSearch.only(of: all).info.descriptor.vendor == VendorID(0x0483))
    #expect(all.map(\.mode) == [.runtime, .dfu, .runtime])
  }

  @Test func `rule 15: none is chosen among several, and each is named with its place and mode`()
    async throws
  {
    for profiles in [
      [Profile.stm32f407, .dfu11], [.runtime, .runtime], [.runtime, .dfu11, .dfu11],
    ] {
      let all = try await found(profiles)
      let error = #expect(throws: DeviceSearchError.self) { _ = try DeviceSearch.only(of: all) }
      #expect(error?.slug == "several-devices")
      for device in all { #expect(error?.sentence.contains("\(device.info.path)") == true) }
      #expect(
        error?.sentence.contains("its application runs") == profiles.contains { $0 == .runtime })
    }
  }

  @Test func `what was named twice is meant twice`() async throws {
    let all = try await found([.runtime, .stm32f407], selectors: ["path:1-1", "path:1-2"])
    #expect(throws: DeviceSearchError.self) { _ = try DeviceSearch.only(of: all) }
  }

  @Test func `a device whose mode is not certain is not passed over`() async throws {
    // DFU 1.0: protocol 0 tells nothing.
    let all = try await found([.dfu10, .stm32f407])
    #expect(all[0].mode == .unknown)
    #expect(throws: DeviceSearchError.self) { _ = try DeviceSearch.only(of: all) }
  }

  @Test func `one device is taken, whatever it is`() async throws {
    let all = try await found([.runtime])
    #expect(try DeviceSearch.only(of: all).mode == .runtime)
  }

  // MARK: Waiting, in simulated time

  static let late = "virtual:dfu11?plugged-after=4&speed=instant"

  @Test func `a device is there when it is plugged in, and not before`() async throws {
    let error = await #expect(throws: DeviceSearchError.self) {
      _ = try await DeviceSearch.devices([Self.late])
    }
    #expect(error?.slug == "no-device")
    let short = await #expect(throws: DeviceSearchError.self) {
      _ = try await DeviceSearch.devices([Self.late], waiting: DeviceWait(.seconds(4)))
    }
    #expect(short?.slug == "not-in-time")
    var told = 0
    let found = try await DeviceSearch.device([Self.late], waiting: DeviceWait()) { told += 1 }
    #expect(told == 1)
    #expect(found.clock.now.elapsed == .milliseconds(4120))
  }

  @Test func `who is there already is not waited for, unless somebody new is wanted`() async throws
  {
    var told = 0
    let found = try await DeviceSearch.device(
      ["virtual:dfu11?speed=instant"], waiting: DeviceWait(needsDFUMode: true)
    ) { told += 1 }
    #expect(told == 0)
    #expect(found.clock.now.elapsed == .zero)
    let error = await #expect(throws: DeviceSearchError.self) {
      _ = try await DeviceSearch.device(
        ["virtual:dfu11?speed=instant"],
        waiting: DeviceWait(.seconds(9), needsDFUMode: true, isForNew: true))
    }
    #expect(error?.slug == "not-in-time")
    #expect(error?.sentence.contains("9.0 s") == true)
  }

  @Test func `an application is no device in DFU mode`() async throws {
    for options in ["", "&protocol=0", "&protocol=2&runtime-status=stalls"] {
      let error = await #expect(throws: DeviceSearchError.self) {
        _ = try await DeviceSearch.device(
          ["virtual:runtime?speed=instant" + options],
          waiting: DeviceWait(.seconds(9), needsDFUMode: true))
      }
      #expect(error?.slug == "not-in-time")
    }
  }

  // MARK: Selectors

  @Test(arguments: [
    ("0", 0), ("2", 2000), ("0.5", 500), ("1.25", 1250), ("0.001", 1), ("86400", 86_400_000),
  ])
  func `seconds are read as they are typed`(_ text: String, _ milliseconds: Int) {
    #expect(typedSeconds(text) == .milliseconds(milliseconds))
  }

  @Test(arguments: [
    "", ".", ".5", "5.", "-1", "+1", "1e3", "0x10", "86401", "86400.001", "1.2345", "999999",
    "1.2.3",
    "٣", " 1", "inf", "nan",
  ])
  func `nothing else is a number of seconds`(_ text: String) {
    #expect(typedSeconds(text) == nil)
    #expect(throws: SelectorError.self) {
      try DeviceSelector("virtual:dfu11?plugged-after=\(text)")
    }
  }
}
