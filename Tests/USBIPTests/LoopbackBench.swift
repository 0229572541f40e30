import DFUHost
import Firmware
import Synchronization
import Testing
import USB
import USBIP
import VirtualDFU
import VirtualUSB

/// Real time, so many times as fast: a board that is exported lives through its erases in milliseconds.
struct HastyClock: Clock {
  typealias Instant = ContinuousClock.Instant
  let pace: Int

  private let start = ContinuousClock.now

  var now: Instant { start + (ContinuousClock.now - start) * pace }
  var minimumResolution: Duration { .nanoseconds(100) }

  func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    try await ContinuousClock().sleep(until: start + (deadline - start) / pace)
  }
}

/// A server on a free port of loopback, and what it exports.
struct LoopbackBench {
  let bus: VirtualBus
  let clock: AnyClock
  let server: USBIPServer
  let log: EventLog

  var address: USBIPAddress { USBIPAddress(host: "127.0.0.1", port: server.port) }

  /// A host on the server.
  func host(_ busID: BusID? = nil) -> USBIPHost {
    var address = address
    address.busID = busID
    return USBIPHost(address, clock: AnyClock(ContinuousClock()))
  }

  /// Exports devices as 1-1, 1-2 and so on while `body` runs. `pace` is how fast the boards live: what must
  /// happen in a board's own time limit, on a machine that is busy with other tests, needs a slow one.
  static func run<Result>(
    _ devices: [any VirtualDevice], policy: USBIPServer.Policy = USBIPServer.Policy(),
    serverClock: AnyClock = AnyClock(ContinuousClock()), pace: Int = 100,
    _ body: (LoopbackBench) async throws -> Result
  ) async throws -> Result {
    let clock = AnyClock(HastyClock(pace: pace))
    let bus = VirtualBus(clock: clock)
    var ports: [ExportedPort] = []
    for (index, device) in devices.enumerated() {
      let path = PortPath(bus: 1, ports: [UInt8(index + 1)])
      bus.attach(device, path: path)
      ports.append(ExportedPort(try #require(BusID("\(path)")), of: bus, at: path))
    }
    let log = EventLog()
    let (exported, note) = (ports, log)
    let server = try await USBIPServer.start(
      port: 0, clock: serverClock, policy: policy, ports: { exported },
      log: { note.append($0) })
    do {
      let bench = LoopbackBench(bus: bus, clock: clock, server: server, log: log)
      let result = try await body(bench)
      await server.stop()
      return result
    } catch {
      await server.stop()
      throw error
    }
  }

  static func run<Result>(
    _ profiles: Profile..., body: (LoopbackBench) async throws -> Result
  ) async throws -> Result {
    try await run(profiles.map { VirtualBootloader($0) }, body)
  }
}

/// What a server has said.
final class EventLog: Sendable {
  private let state = Mutex<
    (events: [ServerEvent], waiting: [(Int, CheckedContinuation<Void, Never>)])
  >(
    ([], []))

  var events: [ServerEvent] { state.withLock { $0.events } }

  func append(_ event: ServerEvent) {
    let ready = state.withLock { state in
      state.events.append(event)
      let count = state.events.count
      let ready = state.waiting.filter { $0.0 <= count }.map(\.1)
      state.waiting.removeAll { $0.0 <= count }
      return ready
    }
    for continuation in ready { continuation.resume() }
  }

  /// Waits until so many have been said.
  func wait(for count: Int) async {
    await withCheckedContinuation { continuation in
      let isThere = state.withLock { state in
        if state.events.count < count { state.waiting.append((count, continuation)) }
        return state.events.count >= count
      }
      if isThere { continuation.resume() }
    }
  }
}
