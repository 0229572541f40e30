import DFU
import Synchronization
import Testing
import USB
import VirtualDFU
import VirtualUSB

@testable import DFUHost

/// A host that tells no events, or cannot list its devices, or does not let them be opened.
struct QuietHost: USBHost {
  let bus: VirtualBus
  var failure: HostError?
  var lock: HostError?
  let looks: Counter

  final class Counter: Sendable {
    let count = Mutex(0)
  }

  init(_ bus: VirtualBus, failure: HostError? = nil, lock: HostError? = nil) {
    self.bus = bus
    self.failure = failure
    self.lock = lock
    looks = Counter()
  }

  func devices() async throws(HostError) -> [DeviceInfo] {
    looks.count.withLock { $0 += 1 }
    if let failure { throw failure }
    return try await bus.devices()
  }
  func open(_ id: DeviceID) async throws(HostError) -> any USBDevice {
    if let lock { throw lock }
    return try await bus.open(id)
  }
  func events() -> AsyncStream<HostEvent> { AsyncStream { nil } }
}

struct FollowTests {
  /// Something without a DFU interface.
  struct Gadget: VirtualDevice {
    var standard: StandardRequests

    init(product: UInt16) {
      standard = StandardRequests(
        DeviceDescription(
          device: DeviceDescriptor(
            vendor: VendorID(0x1209), product: ProductID(product), deviceVersion: BCDVersion(1)),
          configurations: [
            ConfigurationDescriptor(interfaces: [
              InterfaceDescriptor(number: 0, interfaceClass: ClassTriple(3, 0, 0))
            ])
          ], strings: [:]))
    }

    mutating func busReset(at now: Duration) { standard.reset() }
    mutating func respond(
      to setup: SetupPacket, data: [UInt8], at now: Duration
    ) -> VirtualResponse { standard.respond(to: setup) ?? .stall }
  }

  static let elsewhere = PortPath(bus: 1, ports: [7])

  /// A board, and somebody who follows it.
  static func run(
    _ profile: Profile = .dfu11,
    _ body: @escaping @Sendable (Bench, DeviceFollower) async throws -> Void
  ) async throws {
    try await Bench.run(profile) { bench in
      let info = try #require(try await bench.bus.devices().first)
      try await body(bench, DeviceFollower(info, on: bench.bus, clock: AnyClock(bench.clock)))
    }
  }

  @Test func `the same device at the same port is followed, whatever its address`() async throws {
    try await Self.run { bench, follower in
      let board = try #require(bench.bus.detach(bench.path))
      bench.bus.attach(board, path: bench.path, after: .seconds(3))
      let back = try await follower.returned(.bootloader)
      guard case .bootloader(let info) = back else {
        Issue.record("\(back)")
        return
      }
      #expect(info.id != follower.before.id)
      #expect(info.address != follower.before.address)
      #expect(bench.clock.now.elapsed == .milliseconds(3120))
    }
  }

  @Test func `the same port with other ids is taken, as what it is`() async throws {
    try await Self.run { bench, follower in
      bench.bus.detach(bench.path)
      bench.bus.attach(VirtualBootloader(.stm32f407), path: bench.path, after: .seconds(1))
      let back = try await follower.returned(.bootloader)
      #expect(back.info?.descriptor.vendor == VendorID(0x0483))
    }
    try await Self.run { bench, follower in
      bench.bus.detach(bench.path)
      bench.bus.attach(Gadget(product: 5), path: bench.path, after: .seconds(1))
      guard case .application(let info) = try await follower.returned() else {
        Issue.record("taken as something else")
        return
      }
      #expect(info.descriptor.product == ProductID(5))
      #expect(bench.clock.now.elapsed < .seconds(2))
    }
    try await Self.run { bench, follower in
      bench.bus.detach(bench.path)
      bench.bus.attach(VirtualBootloader(.runtime), path: bench.path, after: .seconds(1))
      guard case .runtime = try await follower.returned() else {
        Issue.record("taken as something else")
        return
      }
    }
  }

  @Test func `a twin that is plugged in elsewhere at that moment is never taken`() async throws {
    for seconds in [0, 1, 2] {
      try await Self.run { bench, follower in
        bench.bus.detach(bench.path)
        bench.bus.attach(
          VirtualBootloader(.dfu11), path: Self.elsewhere, after: .seconds(seconds))
        bench.bus.attach(VirtualBootloader(.dfu11), path: bench.path, after: .seconds(5))
        let back = try await follower.returned(.bootloader)
        #expect(back.info?.path == bench.path)
      }
      try await Self.run { bench, follower in
        bench.bus.detach(bench.path)
        bench.bus.attach(
          VirtualBootloader(.dfu11), path: Self.elsewhere, after: .seconds(seconds))
        let back = try await follower.returned(.bootloader, within: .seconds(10))
        #expect(back == .nothing)
        #expect(bench.clock.now.elapsed == .seconds(10))
      }
    }
  }

  @Test func `a device that comes back twice is taken when it is a bootloader, else the last one`()
    async throws
  {
    try await Self.run { bench, follower in
      bench.bus.attach(Gadget(product: 1), path: bench.path, after: .seconds(1))
      let back = try await withThrowingTaskGroup(of: Returned?.self) { group in
        group.addTask { try await follower.returned(.bootloader) }
        group.addTask {
          try await bench.clock.sleep(for: .seconds(2))
          bench.bus.attach(VirtualBootloader(.dfu11), path: bench.path, after: .seconds(1))
          return nil
        }
        var back: Returned?
        for try await result in group { back = result ?? back }
        return back
      }
      guard case .bootloader? = back else {
        Issue.record("\(String(describing: back))")
        return
      }
      #expect(bench.clock.now.elapsed == .milliseconds(3120))
    }
    try await Self.run { bench, follower in
      bench.bus.attach(Gadget(product: 1), path: bench.path, after: .seconds(1))
      let back = try await follower.returned(.bootloader, within: .seconds(20))
      guard case .application(let info) = back else {
        Issue.record("\(back)")
        return
      }
      #expect(info.descriptor.product == ProductID(1))
      #expect(bench.clock.now.elapsed == .seconds(20))
    }
  }

  @Test func `what came and went again is not there at the end`() async throws {
    try await Self.run { bench, follower in
      bench.bus.attach(Gadget(product: 1), path: bench.path, after: .seconds(1))
      let back = try await withThrowingTaskGroup(of: Returned?.self) { group in
        group.addTask { try await follower.returned(.bootloader, within: .seconds(20)) }
        group.addTask {
          try await bench.clock.sleep(for: .seconds(2))
          bench.bus.detach(bench.path)
          return nil
        }
        var back: Returned?
        for try await result in group { back = result ?? back }
        return back
      }
      #expect(back == .nothing)
    }
  }

  @Test func `a device that does not go has stayed`() async throws {
    try await Self.run { bench, follower in
      let back = try await follower.returned(within: .seconds(5))
      #expect(back == .stayed(follower.before))
      #expect(bench.clock.now.elapsed == .seconds(5))
    }
  }

  @Test func `what happened before it was asked is not missed`() async throws {
    try await Self.run { bench, follower in
      let board = try #require(bench.bus.detach(bench.path))
      bench.bus.attach(board, path: bench.path)
      try await bench.clock.sleep(for: .seconds(100))
      guard case .bootloader = try await follower.returned(within: .zero) else {
        Issue.record("missed")
        return
      }
    }
  }

  @Test func `a device whose mode only its state tells is asked`() async throws {
    // DFU 1.0: protocol 0 in both modes.
    let profile = try Profile.runtime.setting("protocol", to: "0")
    try await Self.run { bench, follower in
      bench.bus.attach(VirtualBootloader(profile), path: bench.path, after: .seconds(1))
      guard case .runtime = try await follower.returned() else {
        Issue.record("taken as something else")
        return
      }
    }
    try await Self.run { bench, follower in
      bench.bus.attach(VirtualBootloader(.dfu10), path: bench.path, after: .seconds(1))
      guard case .bootloader = try await follower.returned(.bootloader) else {
        Issue.record("taken as something else")
        return
      }
    }
  }

  @Test func `a device that cannot be asked is unclear, and its opener will say why`() async throws
  {
    try await Bench.run(.dfu10) { bench in
      let host = QuietHost(bench.bus, lock: HostError(.permission, "No.", help: nil))
      let info = try #require(try await bench.bus.devices().first)
      let follower = DeviceFollower(info, on: host, clock: AnyClock(bench.clock))
      let board = try #require(bench.bus.detach(bench.path))
      bench.bus.attach(board, path: bench.path, after: .seconds(1))
      guard case .unclear = try await follower.returned(.bootloader) else {
        Issue.record("taken as something else")
        return
      }
    }
  }

  @Test func `a host that tells no events is asked, now and then`() async throws {
    try await Bench.run(.dfu11) { bench in
      let host = QuietHost(bench.bus)
      let info = try #require(try await bench.bus.devices().first)
      let follower = DeviceFollower(info, on: host, clock: AnyClock(bench.clock))
      let board = try #require(bench.bus.detach(bench.path))
      bench.bus.attach(board, path: bench.path, after: .seconds(3))
      guard case .bootloader = try await follower.returned(.bootloader) else {
        Issue.record("missed")
        return
      }
      let looks = host.looks.count.withLock { $0 }
      #expect((15...18).contains(looks), "\(looks) looks in 3.2 s")
      #expect(bench.clock.now.elapsed < .milliseconds(3400))
      let none = DeviceFollower(info, on: host, clock: AnyClock(bench.clock))
      bench.bus.detach(bench.path)
      #expect(try await none.returned(within: .seconds(2)) == .nothing)
    }
  }

  @Test func `a host that cannot list its devices is an error`() async throws {
    try await Bench.run(.dfu11) { bench in
      let host = QuietHost(
        bench.bus, failure: HostError(.unreachable, "The server is gone.", help: nil))
      let info = try #require(try await bench.bus.devices().first)
      let follower = DeviceFollower(info, on: host, clock: AnyClock(bench.clock))
      let error = await #expect(throws: DFUError.self) { try await follower.returned() }
      #expect(error?.code == .hostUnreachable)
    }
  }

  @Test func `an interrupted wait ends at once, with a sentence that is true`() async throws {
    try await Self.run { bench, follower in
      bench.bus.detach(bench.path)
      let error = await withTaskGroup(of: DFUError?.self) { group in
        group.addTask {
          do throws(DFUError) {
            _ = try await follower.returned()
            return nil
          } catch { return error }
        }
        try? await bench.clock.sleep(for: .seconds(1))
        group.cancelAll()
        return await group.next() ?? nil
      }
      #expect(error?.code == .cancelled)
      #expect(error?.sentence.contains("1-1") == true)
      #expect(bench.clock.now.elapsed == .seconds(1))
    }
  }
}
