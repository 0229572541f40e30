public import DFU

/// A memory of a virtual part: where it is, how it is divided, and how it takes being written.
public struct MemoryDescription: Hashable, Sendable {
  /// What kind of memory it is.
  public enum Kind: String, Hashable, Sendable {
    /// Erased in sectors; programming can only change bits of blank cells, and none back.
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
    /// Bits that are blank can still be changed (F4, F7: no error correction).
    case clearsBits = "clears-bits"
    /// It is passed over and nothing is said, unless all its bits become 0 (F1: PM0075, 2.3.3, where
    /// PGERR tells, which the bootloader does not look at; GD32VF103:
    /// riscv-mcu/gd32-dfu-utils#5).
    case skippedUnlessBlank = "skipped-unless-blank"
    /// An error unless the unit reads as blank (L0, L4, G0, G4: the controller looks).
    case refusedUnlessBlank = "refused-unless-blank"
    /// An error, even if blank bytes had been written: the check bits are spent (H7, C5).
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
  /// What an erased byte holds: 0xFF, and 0x00 on L0 and L1 (embassy-rs/embassy#3342).
  public var erasedByte: UInt8
  /// The table that the times are from, if they are.
  public var times: FlashTimes? { source.times }
  private var source = Source()
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

  /// Where times are from is no part of what a memory is: those with the same times are the same.
  private struct Source: Hashable, Sendable {
    var times: FlashTimes?

    static func == (left: Self, right: Self) -> Bool { true }
    func hash(into hasher: inout Hasher) {}
  }

  /// A memory with times of its own.
  public init(
    _ name: String, _ kind: Kind, runs: [SectorRun], unit: Int = 1,
    reprogramming: Reprogramming = .clearsBits, unitTime: Duration = .zero,
    eraseTimes: [UInt64: Duration] = [:], massEraseTime: Duration? = nil, erasedByte: UInt8 = 0xFF
  ) {
    self.name = name
    self.kind = kind
    self.map = MemoryMap(name: name, runs: runs)
    self.unit = unit
    self.reprogramming = reprogramming
    self.unitTime = unitTime
    self.eraseTimes = eraseTimes
    self.massEraseTime = massEraseTime
    self.erasedByte = erasedByte
  }

  /// Flash with the times of a family.
  public init(
    _ name: String, flash times: FlashTimes, runs: [SectorRun], unit: Int = 1,
    reprogramming: Reprogramming = .clearsBits, erasedByte: UInt8 = 0xFF
  ) {
    self.init(
      name, .flash, runs: runs, unit: unit, reprogramming: reprogramming, erasedByte: erasedByte)
    source.times = times
    take(.typical)
  }

  /// Takes the typical or the longest times of its family; without a table nothing changes.
  public mutating func take(_ pace: FlashTimes.Pace) {
    guard let times else { return }
    unitTime = times.programTime(pace) * unit
    eraseTimes = times.erase.mapValues { $0.pick(pace) }
    massEraseTime = times.massErase?.pick(pace)
  }

  /// From the first byte to the last.
  public var range: Range<UInt64> {
    guard let first = map.runs.first, let last = map.runs.last else { return 0..<0 }
    return first.range.lowerBound..<last.range.upperBound
  }

  /// How many sectors it has.
  public var sectorCount: UInt64 { map.runs.reduce(0) { $0 + $1.count } }

  /// How long a sector of `size` bytes takes to erase.
  public func eraseTime(_ size: UInt64) -> Duration {
    let known = eraseTimes.keys.filter { $0 <= size }.max() ?? eraseTimes.keys.min()
    return known.flatMap { eraseTimes[$0] } ?? .zero
  }

  /// How long `count` bytes take to program.
  public func programTime(_ count: Int) -> Duration {
    unitTime * ((count + max(unit, 1) - 1) / max(unit, 1))
  }
}
