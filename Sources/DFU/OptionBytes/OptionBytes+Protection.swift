/// Read and write protection, whatever the family keeps it in.
extension OptionBytes {
  private var readProtectionField: (OptionField, ReadProtectionKeys)? {
    for field in layout.fields {
      if case .readProtection(let keys) = field.kind { return (field, keys) }
    }
    return nil
  }

  /// The level of read protection that the part goes by after its next reset; nil where the block
  /// with it is not there.
  public var readProtection: ReadProtectionLevel? {
    guard let (field, keys) = readProtectionField else { return nil }
    return effectiveValue(of: field).map { keys.level($0) }
  }

  /// Whether writing these bytes would close the part for ever.
  ///
  /// Parts compute complements themselves, so a byte counts whatever stands behind it; of the two
  /// registers of an H7 each counts.
  public var closesForEverWhenWritten: Bool {
    guard let (field, keys) = readProtectionField, let place = place(of: field) else {
      return false
    }
    let coding = layout.coding
    let bytes = blocks[place].bytes
    var cells = [coding.value(at: field.offset, in: bytes)]
    if coding == .registers { cells.append(coding.secondValue(at: field.offset, in: bytes)) }
    return cells.contains { $0.map { keys.level(field.value(in: $0)) == .two } ?? false }
  }

  /// Puts a level of read protection in; nothing where the part has no such level.
  public mutating func setReadProtection(_ level: ReadProtectionLevel) {
    guard let (field, keys) = readProtectionField, let value = keys.value(level) else { return }
    set(field, to: value)
  }

  // MARK: Write protection

  /// The sectors that are write-protected, counted from 0 over the whole flash.
  ///
  /// - Parameter flash: the sectors of the internal flash.
  /// - Returns: their numbers; a sector that is protected in part is among them.
  public func writeProtectedSectors(in flash: MemoryMap) -> Set<Int> {
    var sectors: Set<Int> = []
    for field in layout.fields {
      guard case .protection(let bits) = field.kind, let number = effectiveValue(of: field) else {
        continue
      }
      for bit in 0..<Int(field.width) where isProtecting(number >> UInt32(bit) & 1, bits) {
        sectors.formUnion(self.sectors(of: bit, field, bits, flash))
      }
    }
    for area in layout.areas {
      guard let range = range(of: area, flash) else { continue }
      sectors.formUnion(flash.numbers(ofSectorsIn: range))
    }
    return sectors
  }

  /// Write-protects these sectors and no others, past what the part would allow.
  ///
  /// - Parameters:
  ///   - sectors: their numbers, counted from 0 over the whole flash.
  ///   - flash: the sectors of the internal flash.
  /// - Returns: whether the part can say so; if not, nothing is changed.
  @discardableResult
  public mutating func protect(_ sectors: Set<Int>, in flash: MemoryMap) -> Bool {
    var changed = self
    for field in layout.fields {
      guard case .protection(let bits) = field.kind, var number = value(of: field) else { continue }
      for bit in 0..<Int(field.width) {
        let covered = self.sectors(of: bit, field, bits, flash)
        // Bits for sectors that the part does not have stay as they are.
        guard !covered.isEmpty else { continue }
        let isProtected = !covered.isDisjoint(with: sectors)
        let value = isProtected ? bits.protecting : 1 - bits.protecting
        number = number & ~(1 << UInt32(bit)) | value << UInt32(bit)
      }
      changed.set(field, to: number)
    }
    if !layout.areas.isEmpty { changed.setAreas(to: sectors, flash) }
    guard changed.writeProtectedSectors(in: flash) == sectors else { return false }
    self = changed
    return true
  }

  /// Whether a bit write-protects. Bits that protect against reading protect against writing as well.
  private func isProtecting(_ bit: UInt32, _ bits: SectorBits) -> Bool {
    isInverted(bits) ? bit != bits.protecting : bit == bits.protecting
  }

  /// Whether the bits protect against reading as well, and mean the opposite.
  func isInverted(_ bits: SectorBits) -> Bool {
    guard let mode = bits.mode, let field = layout.field(named: mode) else { return false }
    return effectiveValue(of: field) == 1
  }

  private func isPaired(_ bits: SectorBits) -> Bool {
    guard let name = bits.pairedBy, let field = layout.field(named: name) else { return false }
    return effectiveValue(of: field) == 0
  }

  /// How many sectors a bit stands for, where it stands for sectors; otherwise 1.
  func sectorsPerBit(_ bits: SectorBits) -> Int {
    guard case .sectors(let count) = bits.unit else { return 1 }
    return isPaired(bits) ? 2 * count : count
  }

  /// The number of what the lowest bit stands for.
  func firstSector(_ bits: SectorBits) -> Int { isPaired(bits) ? 2 * bits.first : bits.first }

  private func sectors(
    of bit: Int, _ field: OptionField, _ bits: SectorBits, _ flash: MemoryMap
  ) -> Set<Int> {
    let count = flash.sectorCount
    let isLast = bits.lastCoversRest && bit == Int(field.width) - 1
    switch bits.unit {
    case .sectors:
      let each = sectorsPerBit(bits)
      let first = firstSector(bits) + bit * each
      guard first < count else { return [] }
      return Set(first..<(isLast ? count : min(count, first + each)))
    case .bytes(let size):
      guard let range = flash.range else { return [] }
      let start = range.lowerBound + UInt64(bits.first + bit) * size
      guard start < range.upperBound else { return [] }
      let end = isLast ? range.upperBound : min(range.upperBound, start + size)
      return flash.numbers(ofSectorsIn: start..<end)
    }
  }

  // MARK: Areas

  /// Bytes of a page, and where the pages of a bank begin.
  private func pages(ofBank bank: Int, _ flash: Range<UInt64>) -> (size: UInt64, start: UInt64) {
    var isOneBank = false
    if let name = layout.pages.bankField, let field = layout.field(named: name) {
      isOneBank = effectiveValue(of: field) == 0
    }
    let size = isOneBank ? layout.pages.sizeInOneBank : layout.pages.size
    let half = (flash.upperBound - flash.lowerBound) / 2
    return (size, flash.lowerBound + (bank == 1 && !isOneBank ? half : 0))
  }

  private func range(of area: OptionByteLayout.Area, _ flash: MemoryMap) -> Range<UInt64>? {
    guard let all = flash.range, let firstField = layout.field(named: area.first),
      let lastField = layout.field(named: area.last),
      let first = effectiveValue(of: firstField), let last = effectiveValue(of: lastField),
      first <= last
    else { return nil }
    let (size, start) = pages(ofBank: area.bank, all)
    let begin = start + UInt64(first) * size
    guard begin < all.upperBound else { return nil }
    return begin..<min(all.upperBound, start + (UInt64(last) + 1) * size)
  }

  private mutating func setAreas(to sectors: Set<Int>, _ flash: MemoryMap) {
    guard let all = flash.range else { return }
    for bank in Set(layout.areas.map(\.bank)).sorted() {
      let (size, start) = pages(ofBank: bank, all)
      guard size > 0 else { return }
      let next = pages(ofBank: 1, all).start
      let end = bank == 0 && layout.areas.contains { $0.bank == 1 } ? next : all.upperBound
      var stretches = flash.ranges(ofSectors: sectors).compactMap { range -> Range<UInt64>? in
        let part = range.clamped(to: start..<max(start, end))
        return part.isEmpty ? nil : part
      }
      for area in layout.areas where area.bank == bank {
        guard let first = layout.field(named: area.first), let last = layout.field(named: area.last)
        else { continue }
        let stretch = stretches.isEmpty ? nil : stretches.removeFirst()
        set(first, to: stretch.map { UInt32(clamping: ($0.lowerBound - start) / size) } ?? .max)
        set(last, to: stretch.map { UInt32(clamping: ($0.upperBound - 1 - start) / size) } ?? 0)
      }
    }
  }
}

extension MemoryMap {
  /// How many sectors there are.
  fileprivate var sectorCount: Int {
    runs.reduce(0) { $0 + Int(clamping: min($1.count, 1 << 20)) }
  }

  /// The numbers, counted from 0, of the sectors that share an address with `range`.
  fileprivate func numbers(ofSectorsIn range: Range<UInt64>) -> Set<Int> {
    var numbers: Set<Int> = []
    var first = 0
    for run in runs {
      let common = run.range.clamped(to: range)
      if !common.isEmpty, run.sectorSize > 0 {
        let low = Int(clamping: (common.lowerBound - run.start) / run.sectorSize)
        let high = Int(clamping: (common.upperBound - 1 - run.start) / run.sectorSize)
        numbers.formUnion(first + low...first + min(high, low + 1 << 20))
      }
      first += Int(clamping: min(run.count, 1 << 20))
    }
    return numbers
  }

  /// The addresses of sectors by number, those that touch joined.
  fileprivate func ranges(ofSectors numbers: Set<Int>) -> [Range<UInt64>] {
    var ranges: [Range<UInt64>] = []
    for (number, sector) in sectors.prefix(1 << 20).enumerated() where numbers.contains(number) {
      if let last = ranges.last, last.upperBound == sector.range.lowerBound {
        ranges[ranges.count - 1] = last.lowerBound..<sector.range.upperBound
      } else {
        ranges.append(sector.range)
      }
    }
    return ranges
  }
}
