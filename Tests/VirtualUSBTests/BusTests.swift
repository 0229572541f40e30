import Testing
import USB

@testable import VirtualUSB

@Suite("The virtual bus") struct BusTests {
  @Test func `a device is known by the bytes of its descriptors`() async throws {
    try await Simulation().run { clock in
      let bench = try await EchoBench(clock)
      let info = try #require(try await bench.bus.devices().first)
      #expect(info.id == bench.id)
      #expect(info.path == PortPath(bus: 1, ports: [1]))
      #expect(info.address == 1)
      #expect(info.descriptor == EchoDevice.describe(product: 1, serial: "E1").device)
      #expect(info.configurations.map(\.value) == [1, 2])
      #expect(info.configurations.allSatisfy { $0.faults.isEmpty })
      #expect(info.activeConfiguration == 1)
      #expect(info.serialNumber == "E1")
      #expect(bench.device.info == info)
      #expect(bench.echo.standard.address == 1)
      #expect(bench.echo.standard.configurationValue == 1)
    }
  }

  @Test func `addresses and ports are given round robin and freed`() async throws {
    let bus = VirtualBus(clock: SimulatedClock(), number: 3)
    bus.attach(EchoDevice())
    bus.attach(EchoDevice())
    bus.detach(PortPath(bus: 3, ports: [1]))
    bus.attach(EchoDevice())
    bus.attach(EchoDevice(), path: PortPath(bus: 3, ports: [4, 2]))
    let devices = try await bus.devices()
    #expect(devices.map(\.path.description) == ["3-1", "3-2", "3-4.2"])
    #expect(devices.map(\.address) == [3, 2, 4])
    for _ in 0..<130 {
      bus.attach(EchoDevice(), path: PortPath(bus: 3, ports: [9]))
    }
    #expect(try await bus.devices().last?.address == 10)
  }

  @Test func `a device that does not answer its enumeration is not listed`() async throws {
    let bus = VirtualBus(clock: SimulatedClock())
    var echo = EchoDevice()
    echo.refusesEnumeration = true
    let id = bus.attach(echo)
    #expect(try await bus.devices().isEmpty)
    await #expect(throws: HostError.self) { try await bus.open(id) }
  }

  @Test func `data go there and back`() async throws {
    try await Simulation().run { clock in
      let bench = try await EchoBench(clock)
      try await bench.device.controlOut(
        .vendorOut(1, 3), data: [1, 2, 3], timeout: .seconds(1))
      #expect(try await bench.request(2) == [1, 2, 3])
      try await bench.device.claimInterface(0)
      #expect(
        try await bench.device.bulkOut(endpoint: 2, data: [9, 8], timeout: .seconds(1)) == 2)
      #expect(
        try await bench.device.bulkIn(endpoint: 0x81, length: 1, timeout: .seconds(1)) == [9])
    }
  }

  struct Failure: CustomTestStringConvertible {
    var request: UInt8
    var code: TransferError.Code
    var after: Duration
    var testDescription: String { code.rawValue }
  }

  @Test(arguments: [
    Failure(request: 3, code: .stall, after: .nanoseconds(250_000 + 667 * 34)),
    Failure(request: 4, code: .timeout, after: .seconds(1)),
    Failure(request: 7, code: .overflow, after: .nanoseconds(250_000 + 667 * (16 + 39))),
    Failure(request: 8, code: .disconnected, after: .microseconds(100)),
  ])
  func `a transfer fails as it does on a wire, and when it does`(failure: Failure) async throws {
    try await Simulation().run { clock in
      let bench = try await EchoBench(clock)
      let error = await #expect(throws: TransferError.self) {
        try await bench.request(failure.request)
      }
      #expect(error?.code == failure.code)
      #expect(error?.setup == .vendorIn(failure.request, 8))
      #expect(clock.now.elapsed == failure.after)
    }
  }

  @Test func `a held answer comes when the device is ready, if the host has the patience`()
    async throws
  {
    try await Simulation().run { clock in
      let bench = try await EchoBench(clock)
      #expect(try await bench.request(5, value: 900) == [1])
      #expect(clock.now.elapsed > .milliseconds(900))
      #expect(clock.now.elapsed < .milliseconds(901))
      let start = clock.now
      let error = await #expect(throws: TransferError.self) {
        try await bench.request(5, value: 900, timeout: .milliseconds(500))
      }
      #expect(error?.code == .timeout)
      #expect(start.duration(to: clock.now) == .milliseconds(500))
    }
  }

  @Test func `2048 bytes at full speed take two frames, a small transfer a third of one`() {
    let wire = WireTime.standard
    let block = wire.control(bytes: 2048, packetSize: 64, speed: .full)
    #expect(block > .microseconds(1800) && block < .microseconds(2000))
    let small = wire.control(bytes: 6, packetSize: 64, speed: .full)
    #expect(small > .microseconds(200) && small < .microseconds(400))
    #expect(wire.control(bytes: 64, packetSize: 64, speed: .high) < .microseconds(70))
    #expect(wire.control(bytes: 8, packetSize: 8, speed: .low) > small)
  }

  @Test func `a control transfer carries at most 4096 bytes and says its true length`()
    async throws
  {
    try await Simulation().run { clock in
      let bench = try await EchoBench(clock)
      let long = [UInt8](repeating: 0, count: 4097)
      await #expect(throws: TransferError.self) {
        try await bench.device.controlOut(.vendorOut(1, 4097), data: long, timeout: .seconds(1))
      }
      await #expect(throws: TransferError.self) {
        try await bench.device.controlOut(.vendorOut(1, 3), data: [1], timeout: .seconds(1))
      }
      await #expect(throws: TransferError.self) {
        try await bench.device.controlIn(.vendorOut(1, 3), timeout: .seconds(1))
      }
      #expect(bench.echo.order.isEmpty)
      try await bench.device.controlOut(
        .vendorOut(1, 4096), data: Array(long[..<4096]), timeout: .seconds(1))
    }
  }

  @Test func `an interface belongs to who has claimed it`() async throws {
    try await Simulation().run { clock in
      let bench = try await EchoBench(clock)
      let other = try await bench.bus.open(bench.id)
      func code(_ work: () async throws(TransferError) -> Void) async -> TransferError.Code? {
        do { try await work() } catch { return error.code }
        return nil
      }
      let device = bench.device
      #expect(
        await code { () async throws(TransferError) in
          try await device.setAlternateSetting(1, interface: 1)
        } == .closed)
      #expect(
        await code { () async throws(TransferError) in
          _ = try await device.bulkIn(endpoint: 0x81, length: 1, timeout: .seconds(1))
        } == .closed)
      #expect(
        await code { () async throws(TransferError) in try await device.claimInterface(7) }
          == .unsupported)
      try await device.claimInterface(1)
      try await device.setAlternateSetting(1, interface: 1)
      #expect(bench.echo.standard.alternateSetting(of: 1) == 1)
      #expect(
        await code { () async throws(TransferError) in try await other.claimInterface(1) } == .busy)
      #expect(
        await code { () async throws(TransferError) in try await device.setConfiguration(2) }
          == .busy)
      await device.close()
      #expect(
        await code { () async throws(TransferError) in try await device.claimInterface(1) }
          == .closed)
      try await other.claimInterface(1)
      try await other.releaseInterface(1)
      try await other.setConfiguration(2)
      #expect(try await bench.bus.devices().first?.activeConfiguration == 2)
      #expect(
        await code { () async throws(TransferError) in
          _ = try await other.bulkIn(endpoint: 0x81, length: 1, timeout: .seconds(1))
        } == .unsupported)
    }
  }

  @Test func `transfers that are outstanding together keep their order`() async throws {
    try await Simulation().run { clock in
      let bench = try await EchoBench(clock)
      let device = bench.device
      let done = Notes<UInt16>()
      await withTaskGroup(of: Void.self) { group in
        for number in UInt16(0)..<10 {
          group.addImmediateTask {
            _ = try? await device.controlIn(
              .vendorIn(5, value: 10 - number, index: number, 8), timeout: .seconds(60))
            done.append(number)
          }
          #expect(clock.now.elapsed == .zero)
        }
      }
      #expect(bench.echo.order == Array(0..<10))
      #expect(done.all == Array(0..<10))
      // 55 ms of waiting by the device, one after the other.
      #expect(clock.now.elapsed > .milliseconds(55) && clock.now.elapsed < .milliseconds(60))
    }
  }

  @Test func `one that waits too long for its turn is never seen by the device`() async throws {
    try await Simulation().run { clock in
      let bench = try await EchoBench(clock)
      let device = bench.device
      let codes = Notes<TransferError.Code?>()
      await withTaskGroup(of: Void.self) { group in
        for number in UInt16(0)..<3 {
          group.addImmediateTask {
            do throws(TransferError) {
              _ = try await device.controlIn(
                .vendorIn(5, value: 80, index: number, 8), timeout: .milliseconds(100))
              codes.append(nil)
            } catch { codes.append(error.code) }
          }
        }
      }
      #expect(codes.all == [nil, .timeout, .timeout])
      #expect(bench.echo.order == [0, 1])
    }
  }

  @Test func `a cancelled transfer gives its place to the next`() async throws {
    try await Simulation().run { clock in
      let bench = try await EchoBench(clock)
      let device = bench.device
      let codes = Notes<TransferError.Code?>()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in UInt16(0)..<3 {
          group.addImmediateTask {
            do throws(TransferError) {
              _ = try await device.controlIn(
                .vendorIn(4, index: number, 8), timeout: .seconds(60))
            } catch { codes.append(error.code) }
          }
        }
        try await clock.sleep(for: .seconds(1))
        group.cancelAll()
      }
      #expect(codes.all.count == 3)
      #expect(codes.all.allSatisfy { $0 == .cancelled })
      #expect(clock.now.elapsed == .seconds(1))
      #expect(bench.echo.order == [0])
      _ = try await bench.request(5)
    }
  }

  @Test func `pulling the cable ends every transfer at that moment`() async throws {
    try await Simulation().run { clock in
      let bench = try await EchoBench(clock)
      let device = bench.device
      let codes = Notes<TransferError.Code>()
      let times = Notes<Duration>()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<2 {
          group.addImmediateTask {
            do throws(TransferError) {
              _ = try await device.controlIn(.vendorIn(4, 8), timeout: .seconds(60))
            } catch { codes.append(error.code) }
            times.append(clock.now.elapsed)
          }
        }
        try await clock.sleep(for: .seconds(2))
        let echo = bench.bus.detach(bench.path) as? EchoDevice
        #expect(echo?.power == ["on 0.0 seconds", "off 2.0 seconds"])
      }
      #expect(codes.all == [.disconnected, .disconnected])
      #expect(times.all == [.seconds(2), .seconds(2)])
      await #expect(throws: TransferError.self) { try await bench.request(2) }
    }
  }
}
