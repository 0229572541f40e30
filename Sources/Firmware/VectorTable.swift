/// The first two words of a program for an Arm Cortex-M (ARMv7-M, B1.5.3).
public struct VectorTable: Hashable, Sendable {
  /// Word 0: the first stack pointer.
  public var stackPointer: UInt32
  /// Word 1: the address of the first instruction, with the Thumb bit.
  public var resetVector: UInt32

  /// Where stacks are: SRAM, core-coupled memory, and the SRAMs of the H7.
  public static let stackRanges: [Range<UInt64>] = [
    0x2000_0000..<0x2100_0000, 0x1000_0000..<0x1008_0000, 0x2400_0000..<0x2420_0000,
    0x3000_0000..<0x3010_0000, 0x3800_0000..<0x3810_0000,
  ]

  /// A table of the two words.
  public init(stackPointer: UInt32, resetVector: UInt32) {
    self.stackPointer = stackPointer
    self.resetVector = resetVector
  }

  /// The table at `address`; nil when not all eight bytes are there.
  public init?(in image: FirmwareImage, at address: UInt64) {
    guard address <= UInt64.max - 8, image.covers(address..<address + 8) else { return nil }
    self.init(ofRaw: image.bytes(in: address..<address + 8))
  }

  /// The table at the start of `bytes`; nil when there are fewer than eight.
  public init?(ofRaw bytes: [UInt8]) {
    guard bytes.count >= 8 else { return nil }
    self.init(
      stackPointer: bytes[...].littleEndian32(at: 0),
      resetVector: bytes[...].littleEndian32(at: 4))
  }

  /// Whether the stack pointer is a multiple of 4 in, or just behind, RAM.
  public var hasPlausibleStack: Bool {
    guard stackPointer % 4 == 0, stackPointer >= 4 else { return false }
    return Self.stackRanges.contains { $0.contains(UInt64(stackPointer) - 4) }
  }

  /// Whether a Cortex-M could start from this table: a stack in RAM, and a reset vector with its
  /// Thumb bit that lies in `range`, the addresses of the image.
  public func isPlausible(image range: Range<UInt64>) -> Bool {
    hasPlausibleStack && resetVector & 1 == 1 && firstInstructions.contains(where: range.contains)
  }

  /// Whether a Cortex-M could start from this table and `image` has the first instruction.
  public func isPlausible(in image: FirmwareImage) -> Bool {
    guard hasPlausibleStack, resetVector & 1 == 1 else { return false }
    return firstInstructions.contains { image.covers($0..<$0 + 2) }
  }

  /// Where the first instruction may lie in an image: where the reset vector says, or, for the F7's
  /// view of its flash through the instruction bus, where that flash is written (RM0431, table 1:
  /// 0x00200000 shows what is at 0x08000000).
  private var firstInstructions: [UInt64] {
    let start = UInt64(resetVector & ~1)
    let window: Range<UInt64> = 0x0020_0000..<0x0040_0000
    return window.contains(start) ? [start, start + 0x07E0_0000] : [start]
  }

  /// The candidates at whose start raw bytes could run: the image fits there, and the reset vector
  /// of its table points into it.
  ///
  /// - Parameters:
  ///   - bytes: a raw file.
  ///   - candidates: where it could go, for example the ranges of a device's targets.
  /// - Returns: the starts of the candidates that fit, in their order, each once; none when there is
  ///   no plausible table.
  public static func inferredBases(
    ofRaw bytes: [UInt8], candidates: [Range<UInt64>]
  ) -> [UInt64] {
    guard let table = VectorTable(ofRaw: bytes) else { return [] }
    var bases: [UInt64] = []
    for candidate in candidates {
      let base = candidate.lowerBound
      let count = UInt64(bytes.count)
      guard candidate.upperBound - base >= count, !bases.contains(base),
        table.isPlausible(image: base..<base + count)
      else { continue }
      bases.append(base)
    }
    return bases
  }
}
