internal import DFU

/// Option bytes as the part itself sees them: it loads them at every start, and goes by nothing else.
extension VirtualBootloader {
  /// What its option bytes hold; nil for a part that has none whose layout is known.
  var optionBytes: OptionBytes? {
    guard let layout = profile.optionBytes else { return nil }
    let blocks = layout.blocks.compactMap { known -> OptionBytes.Block? in
      guard let (memory, range) = optionBlock(containing: known.address),
        range.lowerBound == known.address
      else { return nil }
      return OptionBytes.Block(address: range.lowerBound, bytes: memories[memory].read(range))
    }
    return try? OptionBytes(layout, blocks: blocks)
  }

  private func optionBlock(containing address: UInt64) -> (memory: Int, range: Range<UInt64>)? {
    for (index, memory) in memories.enumerated() where memory.description.kind == .optionBytes {
      if let run = memory.description.map.runs.first(where: { $0.range.contains(address) }) {
        return (index, run.range)
      }
    }
    return nil
  }

  private mutating func keep(_ options: OptionBytes) {
    for block in options.blocks { load(block.bytes, at: block.address) }
  }

  /// What the factory writes.
  mutating func loadFactoryOptionBytes() {
    for block in profile.optionBytes?.blocks ?? [] {
      guard let (_, range) = optionBlock(containing: block.address) else { continue }
      load(Array(block.factoryBytes.prefix(range.count)), at: block.address)
    }
  }

  /// Puts the protection that the profile begins with into the option bytes.
  mutating func storeProtection() {
    guard var options = optionBytes else { return }
    if profile.isReadProtected { options.setReadProtection(.one) }
    options.protect(profile.writeProtectedSectors, in: memories[0].description.map)
    keep(options)
  }

  /// A reset loads the option bytes. One whose complement does not fit protects (RM0444, 3.4.2).
  mutating func loadProtection() {
    guard let options = optionBytes, let level = options.readProtection else { return }
    isReadProtected = level != .zero
    isClosedForEver = isClosedForEver || level == .two
    writeProtectedSectors = options.writeProtectedSectors(in: memories[0].description.map)
  }

  // MARK: Writing

  /// Erases the old ones and writes the new ones: a block is written as a whole, and what was not
  /// sent of it stays erased (AN3156; UM0424).
  mutating func writeOptionBytes(_ bytes: [UInt8], at address: UInt64, time: Duration) {
    program(bytes, at: address, upTo: bytes.count)
    note(.wroteOptionBytes(address..<address + UInt64(bytes.count)), at: time)
    guard let level = optionBytes?.readProtection else { return }
    if isReadProtected, level == .zero { eraseForRegression() }
    if level == .two {
      isClosedForEver = true
      note(.closedForEver, at: time)
    }
  }

  /// Power goes while they are written: in the first half of the time everything is erased, in the
  /// second half the first of the new ones are there. An H7 keeps the old ones (RM0433, 4.4).
  mutating func interruptOptionBytes(
    _ bytes: [UInt8], at address: UInt64, from start: Duration, to end: Duration, now: Duration
  ) {
    note(.interrupted(address..<address + UInt64(bytes.count)), at: now)
    guard profile.optionBytes?.coding != .registers else { return }
    let isErasing = now < start + (end - start) / 2
    program(bytes, at: address, upTo: isErasing ? 0 : bytes.count / 2)
  }

  /// Programs the first `count` of the bytes that were sent into an erased block.
  private mutating func program(_ bytes: [UInt8], at address: UInt64, upTo count: Int) {
    guard let (memory, range) = optionBlock(containing: address) else { return }
    let old = memories[memory].read(range)
    memories[memory].erase(range)
    let start = Int(address - range.lowerBound)
    let end = min(start + count, range.count)
    let isWhole = count == bytes.count
    guard start < end else { return }
    memories[memory].load(Array(bytes.prefix(end - start)), at: address)
    guard let layout = profile.optionBytes,
      let block = layout.blocks.firstIndex(where: { $0.address == range.lowerBound })
    else { return }
    let stored = asStored(
      memories[memory].read(range), old, layout, block, isWhole ? 0..<range.count : start..<end,
      sent: start..<end)
    memories[memory].load(stored, at: range.lowerBound)
  }

  /// What is in the cells in the end: complements are the hardware's, whatever was sent for them, and
  /// bits without a meaning stay as they were made.
  ///
  /// F0, F1 and F3 are written cell by cell: what was not sent stays erased (PM0075, 2.4.4). An L0 takes
  /// what it gets. The others write all registers (RM0090, 3.7.2; RM0444, 3.4.2). An H7 takes its
  /// registers to program.
  private func asStored(
    _ new: [UInt8], _ old: [UInt8], _ layout: OptionByteLayout, _ block: Int,
    _ programmed: Range<Int>, sent: Range<Int>
  ) -> [UInt8] {
    let coding = layout.coding
    let named = OptionBytes(factory: layout).namedBits(ofBlock: block)
    var stored = coding == .registers ? old : new
    for offset in cells(of: layout, block, named, new.count) where programmed.contains(offset) {
      guard let value = coding.value(at: offset, in: new) else { continue }
      let mask = named[offset] ?? coding.mask
      let factory = coding.value(at: offset, in: layout.blocks[block].factoryBytes) ?? value
      switch coding {
      case .halfWords: break
      case .bytes: if sent.contains(offset) { coding.store(value, at: offset, in: &stored) }
      case .doubledHalfWords, .words:
        guard offset + coding.cellSize <= programmed.upperBound else { continue }
        coding.store(value & mask | factory & ~mask, at: offset, in: &stored)
      case .registers:
        guard sent.contains(offset + 4), offset + 8 <= sent.upperBound,
          let wanted = coding.secondValue(at: offset, in: new)
        else { continue }
        coding.store(wanted & mask | factory & ~mask, at: offset, in: &stored)
      }
    }
    return stored
  }

  /// Where the cells of a block begin: the named registers of an H7, all of them elsewhere.
  private func cells(
    of layout: OptionByteLayout, _ block: Int, _ named: [Int: UInt32], _ count: Int
  ) -> [Int] {
    layout.coding == .registers
      ? named.keys.sorted() : Array(stride(from: 0, to: count, by: layout.coding.cellSize))
  }

  // MARK: Taking read protection away

  /// Read Unprotect (AN3156). On F0, F1 and F3 it erases the option bytes as well (PM0075, 2.4.2).
  mutating func unprotect(at now: Duration) {
    if var options = optionBytes {
      if options.layout.coding == .bytes {
        for block in options.blocks {
          load([UInt8](repeating: 0xFF, count: block.bytes.count), at: block.address)
        }
        options = optionBytes ?? options
      }
      options.setReadProtection(.zero)
      keep(options)
    }
    eraseForRegression()
    isReadProtected = false
    note(.unprotected, at: now)
  }

  /// From level 1 to level 0 the flash is erased, write-protected or not (RM0090, 3.7.3).
  private mutating func eraseForRegression() {
    for index in memories.indices where memories[index].description.kind == .flash {
      memories[index].erase(memories[index].range)
    }
  }
}
