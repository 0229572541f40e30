internal import DFU

extension MemoryMap {
  /// The run that holds `address`, or else the next one above it, by its index.
  func indexOfRun(atOrAbove address: UInt64) -> Int {
    var low = 0
    var high = runs.count
    while low < high {
      let middle = (low + high) / 2
      if runs[middle].range.upperBound <= address { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The run that holds `address`.
  func run(containing address: UInt64) -> SectorRun? {
    let index = indexOfRun(atOrAbove: address)
    guard index < runs.count, runs[index].range.contains(address) else { return nil }
    return runs[index]
  }

  /// Calls `body` once for every sector that holds a byte of `extents`, ascending.
  ///
  /// Costs as much as there are such sectors, however many the map has.
  func forEachSector(
    touching extents: [Range<UInt64>], _ body: (Sector) throws(PlanError) -> Void
  ) throws(PlanError) {
    var done: UInt64 = 0
    for extent in extents where !extent.isEmpty {
      var address = max(extent.lowerBound, done)
      var index = indexOfRun(atOrAbove: address)
      while address < extent.upperBound, index < runs.count {
        let run = runs[index]
        address = max(address, run.range.lowerBound)
        guard address < extent.upperBound, let sector = run.sector(containing: address) else {
          index += 1
          continue
        }
        try body(sector)
        address = sector.range.upperBound
        done = address
      }
    }
  }

  /// The addresses around `address` that follow each other without a hole and with the same right.
  func stretch(around address: UInt64, _ right: SectorRights) -> Range<UInt64>? {
    let index = indexOfRun(atOrAbove: address)
    guard index < runs.count, runs[index].range.contains(address),
      runs[index].rights.contains(right)
    else { return nil }
    var stretch = runs[index].range
    var below = index - 1
    while below >= 0, runs[below].rights.contains(right),
      runs[below].range.upperBound == stretch.lowerBound
    {
      stretch = runs[below].range.lowerBound..<stretch.upperBound
      below -= 1
    }
    var above = index + 1
    while above < runs.count, runs[above].rights.contains(right),
      runs[above].range.lowerBound == stretch.upperBound
    {
      stretch = stretch.lowerBound..<runs[above].range.upperBound
      above += 1
    }
    return stretch
  }
}

extension [SectorRun] {
  /// Adds a sector above all others; it joins the last run where it continues it.
  mutating func append(_ sector: Sector) {
    let size = sector.range.upperBound - sector.range.lowerBound
    if let last, last.range.upperBound == sector.range.lowerBound, last.sectorSize == size,
      last.rights == sector.rights
    {
      self[count - 1].count += 1
    } else {
      append(
        SectorRun(
          start: sector.range.lowerBound, count: 1, sectorSize: size, rights: sector.rights))
    }
  }

  /// How many sectors there are.
  var sectorCount: Int { reduce(0) { $0 + Int(clamping: $1.count) } }

  /// How many bytes they have.
  var byteCount: UInt64 { reduce(0) { $0 + $1.count * $1.sectorSize } }
}

extension [Range<UInt64>] {
  /// Adds a range above all others; it joins the last one where they touch.
  mutating func appendJoining(_ range: Range<UInt64>) {
    guard !range.isEmpty else { return }
    if let last, last.upperBound >= range.lowerBound {
      self[count - 1] = last.lowerBound..<Swift.max(last.upperBound, range.upperBound)
    } else {
      append(range)
    }
  }

  /// How many bytes they have.
  var byteCount: Int { reduce(0) { $0 + $1.count } }

  /// How many bytes they share with `other`; both are ascending.
  func overlap(_ other: [Range<UInt64>]) -> Int {
    var shared = 0
    var mine = 0
    var theirs = 0
    while mine < count, theirs < other.count {
      shared += self[mine].clamped(to: other[theirs]).count
      if self[mine].upperBound < other[theirs].upperBound { mine += 1 } else { theirs += 1 }
    }
    return shared
  }

  /// The same ranges, those joined between which reading on is cheaper than reading anew.
  ///
  /// A read of its own costs seven transfers besides its blocks (set address, abort, status, and abort
  /// and status at its end); `map` must be readable throughout the gap.
  func joinedForReading(in map: MemoryMap, transferSize: Int) -> [Range<UInt64>] {
    var joined: [Range<UInt64>] = []
    for range in self {
      if let last = joined.last, range.lowerBound >= last.upperBound,
        range.lowerBound - last.upperBound <= UInt64(7 * transferSize),
        let stretch = map.stretch(around: last.lowerBound, .readable),
        stretch.upperBound >= range.upperBound
      {
        joined[joined.count - 1] = last.lowerBound..<range.upperBound
      } else {
        joined.append(range)
      }
    }
    return joined
  }
}
