import Testing
import USB

@testable import VirtualUSB

@Suite("Coming and going") struct AttachmentTests {
  @Test func `events tell of attachments and detachments in order`() async throws {
    try await Simulation().run { clock in
      let bus = VirtualBus(clock: clock)
      let path = PortPath(bus: 1, ports: [2])
      let events = bus.events()
      let first = bus.attach(EchoDevice(), path: path)
      bus.detach(path)
      let second = bus.attach(EchoDevice(product: 2), path: path)
      #expect(first != second)
      var iterator = events.makeAsyncIterator()
      guard case .attached(let one)? = await iterator.next() else { throw TransferError(.other) }
      #expect(one.id == first)
      #expect(await iterator.next() == .detached(first, path))
      guard case .attached(let two)? = await iterator.next() else { throw TransferError(.other) }
      #expect(two.descriptor.product == ProductID(2))
    }
  }

  @Test func `a listener who waits sees a device go and come back by itself`() async throws {
    try await Simulation().run { clock in
      let bench = try await EchoBench(clock)
      let seen = Notes<String>()
      let events = bench.bus.events()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          for await event in events {
            switch event {
            case .attached: seen.append("attached \(clock.now.elapsed)")
            case .detached: seen.append("detached \(clock.now.elapsed)")
            }
            if seen.all.count == 2 { return }
          }
        }
        // The listener waits already when the device makes up its mind.
        try await clock.sleep(for: .seconds(1))
        _ = try? await bench.device.controlOut(
          .vendorOut(6, value: 500, 0), data: [], timeout: .seconds(1))
        try await group.waitForAll()
      }
      // 500 ms, then 100 ms of absence and 120 ms of settling.
      #expect(seen.all == ["detached 1.5 seconds", "attached 1.72 seconds"])
    }
  }

  @Test func `who polls sees it as well, and the old handle stays dead`() async throws {
    try await Simulation().run { clock in
      let bench = try await EchoBench(clock)
      try await bench.device.controlOut(
        .vendorOut(6, value: 10, 0), data: [], timeout: .seconds(1))
      try await clock.sleep(for: .milliseconds(20))
      #expect(try await bench.bus.devices().isEmpty)
      let error = await #expect(throws: TransferError.self) { try await bench.request(2) }
      #expect(error?.code == .disconnected)
      try await clock.sleep(for: .seconds(1))
      let info = try #require(try await bench.bus.devices().first)
      #expect(info.id != bench.id)
      #expect(info.path == bench.path)
      #expect(info.address == 2)
      await #expect(throws: TransferError.self) { try await bench.request(2) }
      _ = try await bench.bus.open(info.id)
    }
  }

  @Test func `a reset keeps a device that stays what it is`() async throws {
    try await Simulation().run { clock in
      let bench = try await EchoBench(clock)
      try await bench.device.claimInterface(1)
      try await bench.device.setAlternateSetting(1, interface: 1)
      let start = clock.now
      try await bench.device.reset()
      #expect(start.duration(to: clock.now) == .milliseconds(60))
      #expect(bench.echo.resets == 2)
      #expect(bench.echo.standard.alternateSetting(of: 1) == 0)
      #expect(bench.echo.standard.configurationValue == 1)
      try await bench.device.setAlternateSetting(1, interface: 1)
      #expect(try await bench.bus.devices().first?.id == bench.id)
    }
  }

  @Test func `a reset that makes it something else is a new device`() async throws {
    try await Simulation().run { clock in
      let bench = try await EchoBench(clock)
      bench.bus.withDevice(at: bench.path, as: EchoDevice.self) { $0.nextProduct = 9 }
      let error = await #expect(throws: TransferError.self) { try await bench.device.reset() }
      #expect(error?.code == .disconnected)
      let info = try #require(try await bench.bus.devices().first)
      #expect(info.descriptor.product == ProductID(9))
      #expect(info.id != bench.id)
    }
  }

  @Test func `the same bus runs in real time`() async throws {
    let bus = VirtualBus(clock: AnyClock(ContinuousClock()))
    let device = try await bus.open(bus.attach(EchoDevice()))
    let start = ContinuousClock.now
    let answer = try await device.controlIn(.vendorIn(5, value: 20, 8), timeout: .seconds(10))
    #expect(answer == [1])
    // Only the lower bound is certain on a busy machine.
    #expect(ContinuousClock.now - start >= .milliseconds(20))
  }
}

@Suite("Faults") struct FaultTests {
  @Test func `an interceptor sees every transfer, numbered in the order of their start`()
    async throws
  {
    try await Simulation().run { clock in
      let bench = try await EchoBench(clock)
      let seen = Notes<InterceptedTransfer>()
      bench.bus.intercept { transfer in
        seen.append(transfer)
        return .pass
      }
      try await bench.device.controlOut(.vendorOut(1, 2), data: [5, 6], timeout: .seconds(1))
      _ = try await bench.request(2)
      #expect(seen.all.map(\.number) == [0, 1])
      #expect(seen.all.map(\.setup?.request) == [1, 2])
      #expect(seen.all.map(\.data) == [[5, 6], []])
      #expect(seen.all.map(\.path) == [bench.path, bench.path])
    }
  }

  @Test func `stall, timeout and broken packets never reach the device`() async throws {
    try await Simulation().run { clock in
      let bench = try await EchoBench(clock)
      let faults: [(TransferFault, TransferError.Code)] = [
        (.stall, .stall), (.timeout, .timeout), (.broken, .protocolError),
      ]
      for (fault, code) in faults {
        bench.bus.intercept { _ in fault }
        let error = await #expect(throws: TransferError.self) { try await bench.request(5) }
        #expect(error?.code == code)
      }
      #expect(bench.echo.order.isEmpty)
      bench.bus.intercept(nil)
      #expect(try await bench.request(5) == [1])
    }
  }

  @Test func `the cable can go before or after the device has done its work`() async throws {
    try await Simulation().run { clock in
      for (fault, isDone) in [
        (TransferFault.disconnect(comesBackAfter: .seconds(1)), false),
        (.disconnectInside(comesBackAfter: .seconds(1)), true),
      ] {
        let bench = try await EchoBench(clock)
        bench.bus.intercept { _ in fault }
        let error = await #expect(throws: TransferError.self) {
          try await bench.device.controlOut(.vendorOut(1, 1), data: [7], timeout: .seconds(1))
        }
        #expect(error?.code == .disconnected)
        #expect(bench.echo.stored == (isDone ? [7] : []))
        #expect(try await bench.bus.devices().isEmpty)
        try await clock.sleep(for: .milliseconds(1110))
        #expect(try await bench.bus.devices().isEmpty)
        try await clock.sleep(for: .milliseconds(20))
        #expect(try await bench.bus.devices().count == 1)
      }
    }
  }

  @Test func `the cable can go when the transfer is over, or the link alone`() async throws {
    try await Simulation().run { clock in
      let bench = try await EchoBench(clock)
      bench.bus.intercept { _ in .disconnectAfter(comesBackAfter: .seconds(1)) }
      try await bench.device.controlOut(.vendorOut(1, 1), data: [7], timeout: .seconds(1))
      #expect(bench.echo.stored == [7])
      #expect(try await bench.bus.devices().isEmpty)
      bench.bus.intercept(nil)
      try await clock.sleep(for: .seconds(2))
      let back = try #require(try await bench.bus.devices().first)
      #expect(bench.echo.power.count == 3)

      let device = try await bench.bus.open(back.id)
      try await device.claimInterface(0)
      bench.bus.intercept { _ in .reconnect(after: .seconds(1)) }
      try await device.controlOut(.vendorOut(1, 1), data: [8], timeout: .seconds(1))
      #expect(try await bench.bus.devices().isEmpty)
      bench.bus.intercept(nil)
      try await clock.sleep(for: .seconds(2))
      let again = try #require(try await bench.bus.devices().first)
      #expect(again.id != back.id && again.address != back.address)
      #expect(bench.echo.power.count == 3)
    }
  }

  @Test func `faults can come together, and another device with them`() async throws {
    try await Simulation().run { clock in
      let bench = try await EchoBench(clock)
      bench.bus.intercept { _ in .together([.plugIn(EchoDevice()), .stall]) }
      let error = await #expect(throws: TransferError.self) { try await bench.request(5) }
      #expect(error?.code == .stall)
      #expect(try await bench.bus.devices().count == 2)
    }
  }

  @Test func `bytes can be changed in either direction, and answers delayed`() async throws {
    try await Simulation().run { clock in
      let bench = try await EchoBench(clock)
      bench.bus.intercept { _ in .corrupt { $0[0] ^= 0x80 } }
      try await bench.device.controlOut(.vendorOut(1, 1), data: [1], timeout: .seconds(1))
      #expect(bench.echo.stored == [0x81])
      #expect(try await bench.request(2) == [1])
      bench.bus.intercept { _ in .delay(.milliseconds(300)) }
      let start = clock.now
      #expect(try await bench.request(2) == [0x81])
      #expect(start.duration(to: clock.now) > .milliseconds(300))
    }
  }
}
