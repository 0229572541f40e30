/// What may be done with a sector (UM0424: the type letter of a DfuSe string).
public struct SectorRights: OptionSet, Hashable, Sendable {
  public var rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Bit 0: it can be read.
  public static let readable = SectorRights(rawValue: 1)
  /// Bit 1: it can be erased.
  public static let erasable = SectorRights(rawValue: 2)
  /// Bit 2: it can be written.
  public static let writable = SectorRights(rawValue: 4)
}

/// The smallest piece of memory that is erased at once.
public struct Sector: Hashable, Sendable {
  /// Its addresses.
  public var range: Range<UInt64>
  /// What may be done with it.
  public var rights: SectorRights

  /// A sector.
  public init(range: Range<UInt64>, rights: SectorRights) {
    self.range = range
    self.rights = rights
  }
}

/// Sectors of one size and one kind, behind each other: one segment of a DfuSe string.
///
/// Runs are kept as they are written, so that 65 536 sectors cost as much as one.
public struct SectorRun: Hashable, Sendable {
  /// The address of the first sector.
  public var start: UInt64
  /// How many sectors there are; at least 1.
  public var count: UInt64
  /// Bytes of one sector; at least 1.
  public var sectorSize: UInt64
  /// What may be done with them.
  public var rights: SectorRights

  /// A run of sectors.
  public init(start: UInt64, count: UInt64, sectorSize: UInt64, rights: SectorRights) {
    self.start = start
    self.count = count
    self.sectorSize = sectorSize
    self.rights = rights
  }

  /// The addresses from the first sector to the last.
  public var range: Range<UInt64> { start..<start + count * sectorSize }

  /// The sector that holds `address`; nil outside the run.
  public func sector(containing address: UInt64) -> Sector? {
    guard range.contains(address) else { return nil }
    let first = start + (address - start) / sectorSize * sectorSize
    return Sector(range: first..<first + sectorSize, rights: rights)
  }
}

/// The memory that one alternate setting of a DfuSe device offers, read from its interface string.
///
/// `runs` are in ascending order of address and do not overlap. (UM0424; UM0290, "DFU mode interface
/// strings".)
public struct MemoryMap: Hashable, Sendable {
  /// The name between `@` and the first `/`, without the blanks around it.
  public var name: String
  /// The sectors.
  public var runs: [SectorRun]

  /// A map from its parts; `runs` must be ascending and must not overlap.
  public init(name: String, runs: [SectorRun]) {
    self.name = name
    self.runs = runs
  }

  /// The sector that holds `address`, found by bisection; nil where there is no memory.
  public func sector(containing address: UInt64) -> Sector? {
    var low = 0
    var high = runs.count
    while low < high {
      let middle = (low + high) / 2
      if runs[middle].range.upperBound <= address {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low < runs.count ? runs[low].sector(containing: address) : nil
  }

  /// Bytes of all sectors.
  public var size: UInt64 { runs.reduce(0) { $0 + $1.count * $1.sectorSize } }
}
