import DFU
import Testing
import VirtualDFU

/// The state file of a virtual STM32F407, looked into past the command.
enum KeptBoard {
  /// Where its flash is.
  static let flash: Range<UInt64> = 0x0800_0000..<0x0810_0000

  /// What the flash of a board holds, by its state file.
  ///
  /// - Throws: what is wrong with the file, where it is no whole state.
  static func memory(_ folder: Workplace) throws -> [UInt8] {
    var board = VirtualBootloader(.stm32f407)
    try board.restore(try folder.bytes(of: "board.bin"))
    return board.contents(flash)
  }

  /// A whole flash that begins with `bytes` and is blank behind them.
  static func whole(_ bytes: [UInt8]) -> [UInt8] {
    bytes + [UInt8](repeating: 0xFF, count: flash.count - bytes.count)
  }

  /// Makes the state file of a board whose flash begins with `bytes`.
  static func make(_ bytes: [UInt8], in folder: Workplace) throws {
    var board = VirtualBootloader(.stm32f407)
    board.load(bytes, at: flash.lowerBound)
    try folder.write(board.snapshot(), to: "board.bin")
  }

  /// Bytes without a blank one, different for each seed.
  static func noise(_ count: Int, seed: UInt64) -> [UInt8] {
    var random = SeededNumbers(seed: seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next() >> 32) & 0x7F }
  }
}

/// The same numbers every time (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
