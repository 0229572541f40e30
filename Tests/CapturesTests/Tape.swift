import Captures
import DFUHost
import Firmware
import Synchronization
import Testing
import USB
import VirtualDFU
import VirtualUSB

/// Collects the events of a recording.
final class Tape: Sendable {
  private let events = Mutex<[Recording.Event]>([])

  var sink: @Sendable (Recording.Event) -> Void {
    { [self] event in events.withLock { $0.append(event) } }
  }

  var recording: Recording {
    Recording(program: "dfu 9.9", selector: "virtual:test", events: events.withLock { $0 })
  }

  /// What a file would hold, read again.
  func document() throws -> RecordingDocument { try RecordingDocument(parsing: recording.text) }
}

/// A board on a recorded bus, in simulated time.
struct RecordedBench: Sendable {
  let bus: VirtualBus
  let host: RecordingHost
  let clock: SimulatedClock
  let path: PortPath

  /// Runs `body` with a board; returns its result and what was recorded.
  static func run<Result: Sendable>(
    _ profile: Profile, prepare: @escaping @Sendable (inout VirtualBootloader) -> Void = { _ in },
    _ body: @escaping @Sendable (RecordedBench) async throws -> Result
  ) async throws -> (result: Result, tape: Tape) {
    let tape = Tape()
    let result = try await Simulation().run { clock in
      let bus = VirtualBus(clock: clock)
      var device = VirtualBootloader(profile)
      prepare(&device)
      bus.attach(device)
      let path = try #require(try await bus.devices().first).path
      let host = RecordingHost(bus, clock: AnyClock(clock), sink: tape.sink)
      return try await body(RecordedBench(bus: bus, host: host, clock: clock, path: path))
    }
    return (result, tape)
  }
}

/// Opens the first device of a host.
func open(
  _ host: some USBHost, _ clock: SimulatedClock, window: Int = 1
) async throws -> DFUSession {
  let info = try #require(try await host.devices().first)
  var options = SessionOptions()
  options.window = window
  return try await DFUSession.open(info, on: host, clock: AnyClock(clock), options: options)
}

/// Bytes that look random, the same for the same seed; never 0xFF.
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  return (0..<count).map { _ in
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return UInt8(truncatingIfNeeded: state >> 32) & 0x7F
  }
}

/// Flashes bytes onto the first target, whatever it is, and closes the session.
func flash(
  _ bytes: [UInt8], at address: UInt64, on session: DFUSession,
  options: FlashOptions = FlashOptions()
) async throws -> FlashReport {
  let target = try #require(session.targets.first)
  let choice: TargetChoice
  if target.map == nil {
    choice = TargetChoice(
      assignments: [.init(target: target, payload: .plain(bytes))], targets: session.targets)
  } else {
    var image = FirmwareImage()
    try image.insert(FirmwareImage.Segment(address: address, bytes: bytes, origin: .device))
    choice = TargetChoice(image, for: target)
  }
  let report = try await session.flash(session.plan(choice, options: options))
  await session.close()
  return report
}
