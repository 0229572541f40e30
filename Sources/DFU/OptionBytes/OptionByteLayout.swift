/// Where a family keeps its option bytes, how they are secured, and what each bit means.
///
/// The bytes are those that ST's bootloaders show over DFU: the memory itself, complements and all
/// (on an H7 the registers of the flash controller). A part may show fewer blocks, or shorter ones,
/// than its layout has; the fields that are not there are left out.
public struct OptionByteLayout: Hashable, Sendable {
  /// One block, which is written as a whole.
  public struct Block: Hashable, Sendable {
    /// Its first address.
    public var address: UInt64
    /// What it holds when the part leaves the factory; its length is the usual one.
    public var factoryBytes: [UInt8]
    /// How many bytes must be there for the block to be understood.
    public var leastCount: Int

    /// A block of cells.
    ///
    /// - Parameters:
    ///   - address: its first address.
    ///   - factoryBytes: what it holds when the part leaves the factory.
    ///   - leastCount: how many bytes must be there; all of them without it.
    public init(at address: UInt64, _ factoryBytes: [UInt8], leastCount: Int? = nil) {
      self.address = address
      self.factoryBytes = factoryBytes
      self.leastCount = leastCount ?? factoryBytes.count
    }

    /// Its addresses, at its usual length.
    public var range: Range<UInt64> { address..<address + UInt64(factoryBytes.count) }
  }

  /// A stretch of pages that two fields write-protect: the first page and the last one.
  public struct Area: Hashable, Sendable {
    /// The field with the number of the first page.
    public var first: String
    /// The field with the number of the last page; below the first, nothing is protected.
    public var last: String
    /// 0 for pages counted from the start of the flash, 1 for those of the second bank.
    public var bank: Int

    /// An area.
    public init(_ name: String, bank: Int = 0) {
      first = name + "_STRT"
      last = name + "_END"
      self.bank = bank
    }
  }

  /// How large the pages of areas are, which may depend on a field.
  public struct Pages: Hashable, Sendable {
    /// Bytes of a page, two banks or not.
    public var size: UInt64
    /// The field that makes one bank of two when it is 0; nil where there is none.
    public var bankField: String?
    /// Bytes of a page while there is one bank.
    public var sizeInOneBank: UInt64

    /// Pages.
    public init(_ size: UInt64, bankField: String? = nil, inOneBank: UInt64? = nil) {
      self.size = size
      self.bankField = bankField
      sizeInOneBank = inOneBank ?? size
    }
  }

  /// A short name that does not change, for example `stm32f4`.
  public var key: String
  /// The parts, in words.
  public var name: String
  /// Where it is written: manual and section.
  public var manual: String
  /// How cells are secured.
  public var coding: OptionByteCoding
  /// The blocks; the first one holds the level of read protection.
  public var blocks: [Block]
  /// The fields, in the order of the manual.
  public var fields: [OptionField]
  /// The write-protected stretches, where there are no bits for sectors.
  public var areas: [Area]
  /// The pages of the areas.
  public var pages: Pages

  /// A layout from its parts.
  public init(
    _ key: String, _ name: String, manual: String, coding: OptionByteCoding, blocks: [Block],
    fields: [OptionField], areas: [Area] = [], pages: Pages = Pages(0)
  ) {
    self.key = key
    self.name = name
    self.manual = manual
    self.coding = coding
    self.blocks = blocks
    self.fields = fields
    self.areas = areas
    self.pages = pages
  }

  /// The field with this name, in any case; nil if there is none.
  public func field(named name: String) -> OptionField? {
    // Tables name their own fields exactly.
    if let field = fields.first(where: { $0.name == name }) { return field }
    let name = name.lowercased()
    return fields.first { $0.name.lowercased() == name }
  }

  /// What a field holds when the part leaves the factory.
  public func factoryValue(of field: OptionField) -> UInt32 {
    guard blocks.indices.contains(field.block) else { return 0 }
    let cell = coding.value(at: field.offset, in: blocks[field.block].factoryBytes)
    return field.value(in: cell ?? 0)
  }
}

/// How a value of option bytes is stored: its width, and what guards it.
///
/// A *cell* is a value with its guard. What a part makes of a cell whose guard does not fit is in
/// ``OptionBytes/effectiveValue(of:)``.
public enum OptionByteCoding: String, Hashable, Sendable, CaseIterable {
  /// A byte, and its complement behind it (F0, F1, F3: RM0091, 4; PM0075, 2.5).
  case bytes
  /// 16 bits, and their complement behind them (L0: RM0367, 3.8).
  case halfWords = "half-words"
  /// 16 bits, their complement, and both once more (F2, F4, F7). The manuals call all but the first
  /// two bytes reserved; dumps over DFU show `ef aa 10 55 ef aa 10 55` (F401, F446) and
  /// `ff aa 00 55 ff aa 00 55` (F730).
  case doubledHalfWords = "doubled-half-words"
  /// 32 bits, and their complement behind them (L4, L4+, G0, G4, WB: RM0351, 3.4.1).
  case words
  /// A register with the value that counts, and behind it the one to program (H7: RM0433, 4.9).
  case registers

  /// Bytes of a value.
  public var valueSize: Int {
    switch self {
    case .bytes: 1
    case .halfWords, .doubledHalfWords: 2
    case .words, .registers: 4
    }
  }

  /// Bytes of a cell.
  public var cellSize: Int {
    switch self {
    case .bytes: 2
    case .halfWords: 4
    case .doubledHalfWords, .words, .registers: 8
    }
  }

  /// All bits of a value.
  public var mask: UInt32 { UInt32.max >> (32 - UInt32(valueSize) * 8) }

  /// The value of the cell at `offset`; nil where the bytes end before it does.
  public func value(at offset: Int, in bytes: [UInt8]) -> UInt32? {
    number(at: offset, in: bytes, within: offset)
  }

  /// What stands behind the value of the cell at `offset`: its complement, or the register to program;
  /// nil where the bytes end before it does.
  public func secondValue(at offset: Int, in bytes: [UInt8]) -> UInt32? {
    number(at: offset + valueSize, in: bytes, within: offset)
  }

  private func number(at place: Int, in bytes: [UInt8], within offset: Int) -> UInt32? {
    guard offset >= 0, bytes.count >= cellSize, offset <= bytes.count - cellSize else { return nil }
    return (0..<valueSize).reversed().reduce(0) { $0 << 8 | UInt32(bytes[place + $1]) }
  }

  /// Whether the guard of the cell at `offset` fits its value; true where there is no such cell.
  ///
  /// A byte that is erased together with its complement is in order: the comparison is off then
  /// (RM0091, 4; PM0075, 2.5).
  public func isIntact(at offset: Int, in bytes: [UInt8]) -> Bool {
    guard let value = value(at: offset, in: bytes) else { return true }
    let guarding = secondValue(at: offset, in: bytes) ?? 0
    switch self {
    case .registers: return true
    case .bytes: return guarding == ~value & mask || (value == mask && guarding == mask)
    case .halfWords, .doubledHalfWords, .words: return guarding == ~value & mask
    }
  }

  /// Puts a value into the cell at `offset`, and its guard; nothing where there is no such cell.
  ///
  /// On an H7 the value goes into both registers. Which of them the ROM programs is written nowhere;
  /// ST's open bootloader for the H5, whose window begins with a current register as well, takes the
  /// one to program from its own place, and the other cannot be written.
  public func store(_ value: UInt32, at offset: Int, in bytes: inout [UInt8]) {
    guard self.value(at: offset, in: bytes) != nil else { return }
    let guarding = self == .registers ? value : ~value
    for copy in 0..<cellSize / (2 * valueSize) {
      let start = offset + copy * 2 * valueSize
      for index in 0..<valueSize {
        bytes[start + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(index)))
        bytes[start + valueSize + index] =
          UInt8(truncatingIfNeeded: guarding >> (8 * UInt32(index)))
      }
    }
  }

  /// The bytes of cells with these values, one behind the other.
  public func encoded(_ values: [UInt32]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xFF, count: values.count * cellSize)
    for (index, value) in values.enumerated() { store(value, at: index * cellSize, in: &bytes) }
    return bytes
  }
}
