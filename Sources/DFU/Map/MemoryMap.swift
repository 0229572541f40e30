internal import USB

/// The memory that one alternate setting of a DfuSe device offers, read from its interface string.
///
/// `runs` are in ascending order of address and do not overlap. (UM0424; UM0290, "DFU mode interface
/// strings".)
public struct MemoryMap: Hashable, Sendable {
  /// The name between `@` and the first `/`, without the blanks around it.
  public var name: String
  /// The sectors.
  public var runs: [SectorRun]
  /// What was odd about the string, in its order; empty for one that follows the grammar.
  public var warnings: [MemoryMapWarning]

  /// A map from its parts; `runs` must be ascending and must not overlap.
  public init(name: String, runs: [SectorRun], warnings: [MemoryMapWarning] = []) {
    self.name = name
    self.runs = runs
    self.warnings = warnings
  }

  /// What kind of memory it is, told by its name.
  public var kind: MemoryKind { MemoryKind(name: name, lowestAddress: runs.first?.start) }

  /// Bytes of all sectors.
  public var size: UInt64 {
    runs.reduce(0) { (sum, run) in
      let (next, overflow) = sum.addingReportingOverflow(run.size)
      return overflow ? .max : next
    }
  }

  /// From the lowest address to the highest, gaps included; nil for a map without sectors.
  public var range: Range<UInt64>? {
    guard let first = runs.first, let last = runs.last else { return nil }
    return first.start..<last.range.upperBound
  }

  /// The stretches of memory without a gap: runs that touch are joined.
  public var areas: [Range<UInt64>] {
    var areas: [Range<UInt64>] = []
    for run in runs {
      if let last = areas.last, last.upperBound == run.start {
        areas[areas.count - 1] = last.lowerBound..<run.range.upperBound
      } else {
        areas.append(run.range)
      }
    }
    return areas
  }

  /// The index of the first run that ends above `address`, found by bisection.
  private func firstRun(endingAbove address: UInt64) -> Int {
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
    return low
  }

  /// The sector that holds `address`; nil where there is no memory.
  public func sector(containing address: UInt64) -> Sector? {
    let index = firstRun(endingAbove: address)
    return index < runs.count ? runs[index].sector(containing: address) : nil
  }

  /// The sectors that share an address with `range`, ascending; none for an empty range.
  public func sectors(intersecting range: Range<UInt64>) -> SectorSequence {
    SectorSequence(
      runs: range.isEmpty ? [] : runs[firstRun(endingAbove: range.lowerBound)...], bounds: range)
  }

  /// All sectors, ascending.
  public var sectors: SectorSequence { SectorSequence(runs: runs[...], bounds: 0..<UInt64.max) }

  /// Whether there is memory at every address of `range`; true for an empty range.
  public func contains(_ range: Range<UInt64>) -> Bool {
    range.isEmpty || gaps(in: range).isEmpty
  }

  /// The parts of `range` where there is no memory, ascending.
  public func gaps(in range: Range<UInt64>) -> [Range<UInt64>] {
    var gaps: [Range<UInt64>] = []
    var position = range.lowerBound
    for run in runs[firstRun(endingAbove: range.lowerBound)...] {
      guard run.start < range.upperBound, position < range.upperBound else { break }
      if run.start > position { gaps.append(position..<run.start) }
      position = max(position, run.range.upperBound)
    }
    if position < range.upperBound { gaps.append(position..<range.upperBound) }
    return gaps
  }

  /// The same memory in sectors of `size` bytes, with a warning where they were others.
  ///
  /// A run whose length is no multiple of `size` stays as it is.
  public func divided(intoSectorsOf size: UInt64) -> MemoryMap {
    guard size > 0 else { return self }
    var divided = self
    divided.runs = runs.map { run in
      guard run.sectorSize != size, run.size.isMultiple(of: size) else { return run }
      return SectorRun(
        start: run.start, count: run.size / size, sectorSize: size, rights: run.rights)
    }
    if let wrong = runs.first(where: { $0.sectorSize != size }), divided.runs != runs {
      divided.warnings.append(
        MemoryMapWarning(.wrongSectorSize, position: 0, found: byteCountText(wrong.sectorSize)))
    }
    return divided
  }

  /// The map without the sectors that reach outside `limit`, with a warning if any went.
  ///
  /// For parts whose string claims more than they have: touching what is not there hangs some ROMs.
  public func limited(to limit: Range<UInt64>) -> MemoryMap {
    var limited = self
    limited.runs = runs.compactMap { run in
      guard run.sectorSize > 0, run.start < limit.upperBound else { return nil }
      let skipped =
        run.start >= limit.lowerBound
        ? 0 : (limit.lowerBound - run.start - 1) / run.sectorSize + 1
      guard skipped < run.count else { return nil }
      let start = run.start + skipped * run.sectorSize
      guard start < limit.upperBound else { return nil }
      let count = min(run.count - skipped, (limit.upperBound - start) / run.sectorSize)
      guard count > 0 else { return nil }
      return SectorRun(
        start: start, count: count, sectorSize: run.sectorSize, rights: run.rights)
    }
    if limited.runs != runs {
      limited.warnings.append(
        MemoryMapWarning(.claimsTooMuch, position: 0, found: byteCountText(size)))
    }
    return limited
  }
}
