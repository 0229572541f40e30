/// What may be done with a sector (UM0424: the type letter of a DfuSe string).
public struct SectorRights: OptionSet, Hashable, Sendable {
  /// The number itself.
  public var rawValue: UInt8

  /// A value from its number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Bit 0: it can be read.
  public static let readable = SectorRights(rawValue: 1)
  /// Bit 1: it can be erased.
  public static let erasable = SectorRights(rawValue: 2)
  /// Bit 2: it can be written.
  public static let writable = SectorRights(rawValue: 4)

  /// The rights in words, for example `readable, erasable, writable`.
  public var words: String {
    var words: [String] = []
    if contains(.readable) { words.append("readable") }
    if contains(.erasable) { words.append("erasable") }
    if contains(.writable) { words.append("writable") }
    return words.isEmpty ? "no rights" : words.joined(separator: ", ")
  }

  /// The type letter of a DfuSe string, `a` to `g`; nil where nothing is allowed.
  public var letter: Character? {
    let letters: [Character] = ["a", "b", "c", "d", "e", "f", "g"]
    let bits = Int(rawValue & 7)
    return bits == 0 ? nil : letters[bits - 1]
  }
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
  ///
  /// A run that would end beyond 2^64 is shortened to the sectors that fit.
  public init(start: UInt64, count: UInt64, sectorSize: UInt64, rights: SectorRights) {
    self.start = start
    self.count = sectorSize == 0 ? 0 : min(count, (UInt64.max - start) / sectorSize)
    self.sectorSize = sectorSize
    self.rights = rights
  }

  /// Bytes of all its sectors.
  public var size: UInt64 {
    let (product, overflow) = count.multipliedReportingOverflow(by: sectorSize)
    return overflow ? UInt64.max - start : min(product, UInt64.max - start)
  }

  /// The addresses from the first sector to the last.
  public var range: Range<UInt64> { start..<start + size }

  /// The sector that holds `address`; nil outside the run.
  public func sector(containing address: UInt64) -> Sector? {
    guard range.contains(address), sectorSize > 0 else { return nil }
    let first = start + (address - start) / sectorSize * sectorSize
    return Sector(range: first..<first + min(sectorSize, UInt64.max - first), rights: rights)
  }
}

/// Sectors in ascending order, made one at a time while they are asked for.
public struct SectorSequence: Sequence, Sendable {
  let runs: ArraySlice<SectorRun>
  let bounds: Range<UInt64>

  /// An iterator at the first sector.
  public func makeIterator() -> Iterator { Iterator(runs: runs, bounds: bounds) }

  /// Walks over sectors.
  public struct Iterator: IteratorProtocol, Sendable {
    var runs: ArraySlice<SectorRun>
    let bounds: Range<UInt64>
    var position: UInt64

    init(runs: ArraySlice<SectorRun>, bounds: Range<UInt64>) {
      self.runs = runs
      self.bounds = bounds
      position = bounds.lowerBound
    }

    /// The next sector; nil behind the last.
    public mutating func next() -> Sector? {
      while let run = runs.first, position < bounds.upperBound {
        let address = Swift.max(position, run.start)
        guard address < bounds.upperBound else { return nil }
        if let sector = run.sector(containing: address) {
          position = sector.range.upperBound
          return sector
        }
        runs.removeFirst()
      }
      return nil
    }
  }
}
