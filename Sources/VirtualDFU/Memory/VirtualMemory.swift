internal import DFU

/// A memory and what is in it. Offsets are addresses less the start.
struct VirtualMemory: Sendable {
  let description: MemoryDescription
  let range: Range<UInt64>
  private(set) var bytes: SparseBytes
  /// Which units have been programmed since they were erased, where that matters: one bit each.
  private(set) var programmed: [UInt64: UInt64] = [:]

  /// Why programming failed.
  enum Fault: Hashable, Sendable {
    case misaligned
    case alreadyProgrammed
  }

  init(_ description: MemoryDescription) {
    self.description = description
    range = description.range
    bytes = SparseBytes(count: range.count, blank: description.erasedByte)
  }

  /// A memory with what a snapshot says of it.
  init(_ description: MemoryDescription, bytes: SparseBytes, programmed: [UInt64: UInt64]) {
    self.description = description
    range = description.range
    self.bytes = bytes
    self.programmed = programmed
  }

  func contains(_ part: Range<UInt64>) -> Bool {
    range.lowerBound <= part.lowerBound && part.upperBound <= range.upperBound
  }

  private func offsets(_ part: Range<UInt64>) -> Range<Int> {
    Int(part.lowerBound - range.lowerBound)..<Int(part.upperBound - range.lowerBound)
  }

  /// The bytes of `part`, which lies inside.
  func read(_ part: Range<UInt64>) -> [UInt8] { bytes.read(offsets(part)) }

  func isBlank(_ part: Range<UInt64>) -> Bool { bytes.isBlank(offsets(part)) }

  /// Sets bytes past all rules, as a factory does, and RAM and registers always do.
  mutating func load(_ new: [UInt8], at address: UInt64) {
    bytes.write(new, at: Int(address - range.lowerBound))
    if tracksUnits { markProgrammed(address..<address + UInt64(new.count)) }
  }

  private var tracksUnits: Bool {
    description.kind == .flash && description.reprogramming == .refused
  }

  /// What stands in the way of programming; found before anything is changed.
  func fault(programming new: [UInt8], at address: UInt64) -> Fault? {
    let unit = UInt64(description.unit)
    let part = address..<address + UInt64(new.count)
    guard (address - range.lowerBound).isMultiple(of: unit), new.count.isMultiple(of: Int(unit))
    else { return .misaligned }
    switch (description.kind, description.reprogramming) {
    case (.flash, .refusedUnlessBlank), (.writeOnce, .refusedUnlessBlank):
      return isBlank(part) || isBlankWhereWritten(new, part) ? nil : .alreadyProgrammed
    case (.flash, .refused):
      return unitNumbers(part).contains(where: isProgrammed) ? .alreadyProgrammed : nil
    default:
      return nil
    }
  }

  /// Whether each unit that is not blank is only written with blanks, which leaves it alone.
  private func isBlankWhereWritten(_ new: [UInt8], _ part: Range<UInt64>) -> Bool {
    let unit = description.unit
    let old = read(part)
    return stride(from: 0, to: new.count, by: unit).allSatisfy { start in
      old[start..<start + unit].allSatisfy { $0 == description.erasedByte }
        || new[start..<start + unit].allSatisfy { $0 == description.erasedByte }
    }
  }

  /// Programs, by the rules of this memory. `fault(programming:at:)` has said that it may be.
  ///
  /// - Returns: whether a bit should have become blank again, or should have changed in a unit that
  ///   was not blank, and did not.
  mutating func program(_ new: [UInt8], at address: UInt64) -> Bool {
    switch description.kind {
    case .flash where description.reprogramming == .skippedUnlessBlank:
      return programBlankUnits(new, at: Int(address - range.lowerBound))
    case .flash, .writeOnce:
      if tracksUnits { markProgrammed(address..<address + UInt64(new.count)) }
      return bytes.programBits(new, at: Int(address - range.lowerBound))
    case .optionBytes, .register, .ram:
      bytes.write(new, at: Int(address - range.lowerBound))
      return false
    }
  }

  /// Programs the units that are blank, and those that become zero; the others are passed over.
  private mutating func programBlankUnits(_ new: [UInt8], at start: Int) -> Bool {
    if bytes.isBlank(start..<start + new.count) {
      bytes.write(new, at: start)
      return false
    }
    var hasSkipped = false
    for offset in stride(from: 0, to: new.count, by: description.unit) {
      let end = min(offset + description.unit, new.count)
      let unit = Array(new[offset..<end])
      let place = start + offset..<start + end
      if bytes.isBlank(place) || unit.allSatisfy({ $0 == 0 }) {
        bytes.write(unit, at: place.lowerBound)
      } else if bytes.read(place) != unit {
        hasSkipped = true
      }
    }
    return hasSkipped
  }

  /// A range in pieces whose block is locked and pieces whose block is not.
  func pieces(
    of part: Range<UInt64>, _ locks: MemoryDescription.Locks
  ) -> [(Range<UInt64>, isProtected: Bool)] {
    var pieces: [(Range<UInt64>, isProtected: Bool)] = []
    var start = part.lowerBound
    while start < part.upperBound {
      let number = (start - range.lowerBound) / max(1, locks.blockSize)
      let lock = locks.addresses.lowerBound + number
      guard locks.addresses.contains(lock), start < locks.addresses.lowerBound else {
        // A lock byte itself.
        pieces.append((start..<part.upperBound, false))
        break
      }
      let end = min(
        part.upperBound, range.lowerBound + (number + 1) * locks.blockSize,
        locks.addresses.lowerBound)
      pieces.append((start..<end, read(lock..<lock + 1) == [0]))
      start = end
    }
    return pieces
  }

  mutating func erase(_ part: Range<UInt64>) {
    bytes.fill(offsets(part))
    guard tracksUnits, !part.isEmpty else { return }
    let units = unitNumbers(part)
    if !programmed.isEmpty {
      for word in units.lowerBound / 64...(units.upperBound - 1) / 64 {
        let first = max(units.lowerBound, word * 64) - word * 64
        let last = min(units.upperBound, word * 64 + 64) - word * 64
        let mask = last - first == 64 ? UInt64.max : ((1 << (last - first)) - 1) << first
        if let bits = programmed[word] {
          programmed[word] = bits & ~mask == 0 ? nil : bits & ~mask
        }
      }
    }
  }

  /// An erase that was broken off: in every byte some bits have become blank.
  mutating func weaken(_ part: Range<UInt64>) { bytes.blankBits(0x5A, in: offsets(part)) }

  private func unitNumbers(_ part: Range<UInt64>) -> Range<UInt64> {
    let unit = UInt64(description.unit)
    let start = part.lowerBound - range.lowerBound
    let end = part.upperBound - range.lowerBound
    return start / unit..<(end + unit - 1) / unit
  }

  private func isProgrammed(_ unit: UInt64) -> Bool {
    (programmed[unit / 64] ?? 0) >> (unit % 64) & 1 == 1
  }

  private mutating func markProgrammed(_ part: Range<UInt64>) {
    for unit in unitNumbers(part) { programmed[unit / 64, default: 0] |= 1 << (unit % 64) }
  }
}
