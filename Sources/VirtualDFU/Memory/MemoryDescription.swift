public import DFU

/// A memory of a virtual part: where it is, how it is divided, and how it takes being written.
public struct MemoryDescription: Hashable, Sendable {
  /// What kind of memory it is.
  public enum Kind: String, Hashable, Sendable {
    /// Erased in sectors to 0xFF; programming can only clear bits.
    case flash
    /// Written as a whole; writing it resets the part.
    case optionBytes = "option-bytes"
    /// Cannot be erased: what has been written can only lose more bits.
    case writeOnce = "write-once"
    /// Takes any value at any time.
    case register
    /// Takes any value at any time, and forgets it without power.
    case ram
  }

  /// What a unit of flash that has been programmed already does when it is programmed again.
  public enum Reprogramming: String, Hashable, Sendable {
    /// Bits that are 1 can still be cleared (F1, F4, F7: no error correction).
    case clearsBits = "clears-bits"
    /// An error unless the unit reads as blank (L4, G4: the controller looks).
    case refusedUnlessBlank = "refused-unless-blank"
    /// An error, even if blank bytes had been written: the check bits are spent (H7).
    case refused
  }

  /// A name for people.
  public var name: String
  /// What kind of memory it is.
  public var kind: Kind
  /// The sectors, ascending, without overlap. The rights are the part's, not the string's.
  public var map: MemoryMap
  /// The smallest number of bytes programmed at once; writes must be aligned to it.
  public var unit: Int
  /// Programming twice.
  public var reprogramming: Reprogramming
  /// How long one unit takes to program.
  public var unitTime: Duration
  /// How long a sector takes to erase, by its size in bytes; the next smaller size counts.
  public var eraseTimes: [UInt64: Duration]
  /// How long it takes to erase all of it; nil for the sum over the sectors.
  public var massEraseTime: Duration?
  /// What locks blocks of write-once memory; nil where nothing does.
  public var locks: Locks?

  /// Bytes that each lock a block of the same memory once they are 0 (RM0090, 3.9).
  public struct Locks: Hashable, Sendable {
    /// Where the lock bytes are: one for each block, in order.
    public var addresses: Range<UInt64>
    /// Bytes of a block.
    public var blockSize: UInt64

    /// Locks.
    public init(_ addresses: Range<UInt64>, blockSize: UInt64) {
      self.addresses = addresses
      self.blockSize = blockSize
    }
  }

  /// A memory.
  public init(
    _ name: String, _ kind: Kind, runs: [SectorRun], unit: Int = 1,
    reprogramming: Reprogramming = .clearsBits, unitTime: Duration = .zero,
    eraseTimes: [UInt64: Duration] = [:], massEraseTime: Duration? = nil
  ) {
    self.name = name
    self.kind = kind
    self.map = MemoryMap(name: name, runs: runs)
    self.unit = unit
    self.reprogramming = reprogramming
    self.unitTime = unitTime
    self.eraseTimes = eraseTimes
    self.massEraseTime = massEraseTime
  }

  /// From the first byte to the last.
  public var range: Range<UInt64> {
    guard let first = map.runs.first, let last = map.runs.last else { return 0..<0 }
    return first.range.lowerBound..<last.range.upperBound
  }

  /// How long a sector of `size` bytes takes to erase.
  public func eraseTime(_ size: UInt64) -> Duration {
    let known = eraseTimes.keys.filter { $0 <= size }.max() ?? eraseTimes.keys.min()
    return known.flatMap { eraseTimes[$0] } ?? .zero
  }

  /// How long `count` bytes take to program.
  public func programTime(_ count: Int) -> Duration { unitTime * ((count + unit - 1) / unit) }
}
