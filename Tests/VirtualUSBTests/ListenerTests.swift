import Testing
import USB

@testable import VirtualUSB

/// A host that has no listener of its own, as one over a system's hot-plug events.
private struct PlainHost: USBHost {
  let bus: VirtualBus

  func devices() async throws(HostError) -> [DeviceInfo] { try await bus.devices() }
  func open(_ id: DeviceID) async throws(HostError) -> any USBDevice { try await bus.open(id) }
  func events() -> AsyncStream<HostEvent> { bus.events() }
}

@Suite("Listening within a limit") struct ListenerTests {
  enum Kind: String, CaseIterable, CustomTestStringConvertible {
    /// The bus's own listener.
    case exact
    /// The one that every host has.
    case racing
    var testDescription: String { rawValue }

    func listen(to bus: VirtualBus, _ clock: SimulatedClock) -> any HostListener {
      let host: any USBHost = self == .exact ? bus : PlainHost(bus: bus)
      return host.listen(clock: AnyClock(clock))
    }
  }

  static let path = PortPath(bus: 1, ports: [3])

  @Test(arguments: Kind.allCases)
  func `what happened before the first question is heard, in order`(_ kind: Kind) async throws {
    try await Simulation().run { clock in
      let bus = VirtualBus(clock: clock)
      let listener = kind.listen(to: bus, clock)
      let id = bus.attach(EchoDevice(), path: Self.path)
      bus.detach(Self.path)
      guard case .attached(let info)? = await listener.next(within: .seconds(1)) else {
        Issue.record("nothing was heard")
        return
      }
      #expect(info.id == id)
      #expect(await listener.next(within: .seconds(1)) == .detached(id, Self.path))
      #expect(clock.now.elapsed == .zero)
    }
  }

  @Test(arguments: Kind.allCases)
  func `a limit that passes is nil, at that very moment`(_ kind: Kind) async throws {
    try await Simulation().run { clock in
      let bus = VirtualBus(clock: clock)
      let listener = kind.listen(to: bus, clock)
      #expect(await listener.next(within: .milliseconds(700)) == nil)
      #expect(clock.now.elapsed == .milliseconds(700))
    }
  }

  @Test(arguments: Kind.allCases)
  func `a device that is plugged in later is heard when it is there, and no later`(
    _ kind: Kind
  ) async throws {
    try await Simulation().run { clock in
      let bus = VirtualBus(clock: clock)
      let listener = kind.listen(to: bus, clock)
      bus.attach(EchoDevice(), path: Self.path, after: .seconds(2))
      #expect(try await bus.devices().isEmpty)
      guard case .attached(let info)? = await listener.next(within: .seconds(60)) else {
        Issue.record("nothing was heard")
        return
      }
      #expect(info.path == Self.path)
      // Plugged in, and let settle for 120 ms.
      #expect(clock.now.elapsed == .milliseconds(2120))
      _ = try await bus.open(info.id)
    }
  }

  @Test func `a clock whose sleeps take no time does not run past the event`() async throws {
    // Outside a simulation, as virtual boards with speed=instant have it.
    let clock = SimulatedClock()
    let bus = VirtualBus(clock: clock)
    let listener = bus.listen(clock: AnyClock(clock))
    bus.attach(EchoDevice(), path: Self.path, after: .seconds(5))
    #expect(await listener.next(within: .seconds(4)) == nil)
    #expect(clock.now.elapsed == .seconds(4))
    guard case .attached? = await listener.next(within: .seconds(1000)) else {
      Issue.record("nothing was heard")
      return
    }
    #expect(clock.now.elapsed == .milliseconds(5120))
  }

  @Test(arguments: Kind.allCases)
  func `a cancelled listener answers nil at once`(_ kind: Kind) async throws {
    try await Simulation().run { clock in
      let bus = VirtualBus(clock: clock)
      let listener = kind.listen(to: bus, clock)
      await withTaskGroup(of: Void.self) { group in
        group.addTask {
          let event = await listener.next(within: .seconds(1000))
          #expect(event == nil)
        }
        try? await clock.sleep(for: .seconds(1))
        group.cancelAll()
      }
      #expect(clock.now.elapsed == .seconds(1))
    }
  }

  @Test func `what is plugged in later can be pulled out before`() async throws {
    try await Simulation().run { clock in
      let bus = VirtualBus(clock: clock)
      bus.attach(EchoDevice(), path: Self.path, after: .seconds(2))
      _ = bus.detach(Self.path)
      try await clock.sleep(for: .seconds(5))
      #expect(try await bus.devices().isEmpty)
    }
  }
}
