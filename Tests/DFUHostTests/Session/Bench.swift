import DFU
import Firmware
import Testing
import USB
import VirtualDFU
import VirtualUSB

@testable import DFUHost

/// A virtual board on a virtual bus, on simulated time.
struct Bench: Sendable {
  let bus: VirtualBus
  let clock: SimulatedClock
  let path: PortPath

  /// Runs `body` with a board of `profile`, set up by `prepare`.
  static func run<Result: Sendable>(
    _ profile: Profile, prepare: @escaping @Sendable (inout VirtualBootloader) -> Void = { _ in },
    _ body: @escaping @Sendable (Bench) async throws -> Result
  ) async throws -> Result {
    try await Simulation().run { clock in
      let bus = VirtualBus(clock: clock)
      var device = VirtualBootloader(profile)
      prepare(&device)
      bus.attach(device)
      let info = try #require(try await bus.devices().first)
      return try await body(Bench(bus: bus, clock: clock, path: info.path))
    }
  }

  /// Opens the board, through a host that stands before the bus if there is one.
  func open(window: Int = 1, through host: (any USBHost)? = nil) async throws -> DFUSession {
    let info = try #require(try await bus.devices().first)
    var options = SessionOptions()
    options.window = window
    return try await DFUSession.open(
      info, on: host ?? bus, clock: AnyClock(clock), options: options)
  }

  /// Looks at the board, past the bus.
  func board<Result>(_ body: (inout VirtualBootloader) throws -> Result) throws -> Result {
    try #require(try bus.withDevice(at: path, as: VirtualBootloader.self, body))
  }

  func contents(_ range: Range<UInt64>) throws -> [UInt8] {
    try board { $0.contents(range) }
  }

  /// Whether the board holds these bytes; compared here, because the macro would look for the
  /// differences of large memories for ever.
  func holds(_ bytes: [UInt8], at address: UInt64) throws -> Bool {
    try contents(address..<address + UInt64(bytes.count)) == bytes
  }

  func journal() throws -> [JournalEntry.Event] { try board { $0.journal.map(\.event) } }

  func erases() throws -> [Range<UInt64>] {
    try journal().compactMap { if case .erased(let range) = $0 { range } else { nil } }
  }
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

/// A program that a ROM finds plausible: a stack pointer in RAM, a reset vector inside.
func program(_ count: Int, at address: UInt32, seed: UInt64 = 1) -> [UInt8] {
  var bytes = noise(count, seed: seed)
  bytes.replaceSubrange(0..<4, with: UInt32(0x2000_1000).littleEndianBytes)
  bytes.replaceSubrange(4..<8, with: (address + 0x41).littleEndianBytes)
  return bytes
}

func image(_ pieces: (UInt64, [UInt8])...) throws -> FirmwareImage {
  var image = FirmwareImage()
  for (index, piece) in pieces.enumerated() {
    try image.insert(
      FirmwareImage.Segment(
        address: piece.0, bytes: piece.1, origin: .element(target: 1, element: index + 1)))
  }
  return image
}

extension DFUSession {
  /// Plans for the first target and flashes.
  func flash(
    _ image: FirmwareImage, _ options: FlashOptions = FlashOptions(),
    progress: DFUProgress.Handler? = nil
  ) async throws -> FlashReport {
    let target = try #require(targets.first)
    let plan = try await plan(TargetChoice(image, for: target), options: options)
    return try await flash(plan, progress: progress)
  }
}

extension FlashOptions {
  static func with(_ change: (inout FlashOptions) -> Void) -> FlashOptions {
    var options = FlashOptions()
    change(&options)
    return options
  }
}
