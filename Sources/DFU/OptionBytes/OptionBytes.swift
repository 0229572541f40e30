/// The option bytes of a part, read by the layout of its family.
///
/// Reading is lenient: bits without a name are kept, and a complement that does not fit is a note.
/// Setting a field changes its bits and the complement of their cell, and nothing else.
public struct OptionBytes: Hashable, Sendable {
  /// The bytes of one block.
  public struct Block: Hashable, Sendable {
    /// The first address.
    public var address: UInt64
    /// The bytes.
    public var bytes: [UInt8]

    /// A block.
    public init(address: UInt64, bytes: [UInt8]) {
      self.address = address
      self.bytes = bytes
    }
  }

  /// A field with what it holds.
  public struct Value: Hashable, Sendable {
    /// The field.
    public var field: OptionField
    /// Its number.
    public var number: UInt32
    /// What that means.
    public var words: String
    /// Whether the factory sets it so.
    public var isFactoryValue: Bool
  }

  /// A field that differs between two states.
  public struct Change: Hashable, Sendable {
    /// The field.
    public var field: OptionField
    /// What it held.
    public var old: Value
    /// What it holds now.
    public var new: Value
  }

  /// The most bytes of one block that are read: no layout here has more than 297, an AT32 says 4096.
  public static let largestBlock = 4096

  /// Where what is.
  public let layout: OptionByteLayout
  /// All blocks, those that the layout does not know among them.
  public private(set) var blocks: [Block]
  /// For each block of the layout, its place in `blocks`; nil where it is not there.
  private let places: [Int?]

  /// Reads the blocks of a part.
  ///
  /// - Parameters:
  ///   - layout: where what is.
  ///   - blocks: the bytes, with their addresses; any of the layout's blocks may be missing.
  /// - Throws: ``OptionByteError`` for a block that is too short to be understood, or no block at all.
  public init(_ layout: OptionByteLayout, blocks: [Block]) throws(OptionByteError) {
    self.layout = layout
    self.blocks = blocks
    places = layout.blocks.map { known in blocks.firstIndex { $0.address == known.address } }
    guard places.contains(where: { $0 != nil }) else { throw .noBlock(layout) }
    for (known, place) in zip(layout.blocks, places) {
      guard let place else { continue }
      guard blocks[place].bytes.count >= known.leastCount else {
        throw .short(blocks[place], known.leastCount, layout)
      }
    }
  }

  /// The option bytes of a part that has just left the factory.
  public init(factory layout: OptionByteLayout) {
    self.layout = layout
    blocks = layout.blocks.map { Block(address: $0.address, bytes: $0.factoryBytes) }
    places = Array(layout.blocks.indices)
  }

  // MARK: Reading

  /// Which of `blocks` holds a field; nil where the part does not show it.
  func place(of field: OptionField) -> Int? {
    places.indices.contains(field.block) ? places[field.block] : nil
  }

  /// The value of the cell that holds a field; nil where the part does not show it.
  private func cell(of field: OptionField) -> UInt32? {
    place(of: field).flatMap { layout.coding.value(at: field.offset, in: blocks[$0].bytes) }
  }

  private func isIntact(_ field: OptionField) -> Bool {
    place(of: field).map { layout.coding.isIntact(at: field.offset, in: blocks[$0].bytes) } ?? true
  }

  /// The number in a field; nil where the part does not show it.
  public func value(of field: OptionField) -> UInt32? {
    cell(of: field).map { field.value(in: $0) }
  }

  /// The number in the field with this name; nil where the part does not show it.
  public func value(of name: String) -> UInt32? {
    layout.field(named: name).flatMap { value(of: $0) }
  }

  /// The number that the part goes by: all ones where the complement of the cell does not fit.
  ///
  /// F0 and F3 say so (RM0091, 4: such a byte counts as 0xFF), and so does the F1 (PM0075, 2.5); the
  /// others load values that protect (RM0444, 3.4.2; RM0367, 3.8.2), among them read protection.
  public func effectiveValue(of field: OptionField) -> UInt32? {
    isIntact(field) ? value(of: field) : field.largest
  }

  /// The fields that the part shows, with what they hold.
  public var values: [Value] { layout.fields.compactMap { value(field: $0) } }

  /// A field with what it holds; nil where the part does not show it.
  public func value(field: OptionField) -> Value? {
    guard let number = value(of: field) else { return nil }
    return Value(
      field: field, number: number, words: words(for: number, of: field),
      isFactoryValue: number == layout.factoryValue(of: field))
  }

  /// The bits of a block's cells that have names, by the offset of the cell.
  public func namedBits(ofBlock block: Int) -> [Int: UInt32] {
    var bits: [Int: UInt32] = [:]
    for field in layout.fields where field.block == block {
      bits[field.offset, default: 0] |= field.mask
    }
    return bits
  }

  /// What is odd, in sentences.
  public var notes: [String] {
    var notes: [String] = []
    for (index, known) in layout.blocks.enumerated() {
      guard let place = places[index] else {
        notes.append(OptionByteError.missing(known))
        continue
      }
      let bytes = blocks[place].bytes
      for (offset, _) in namedBits(ofBlock: index).sorted(by: { $0.key < $1.key })
      where !layout.coding.isIntact(at: offset, in: bytes) {
        notes.append(brokenComplement(offset, index, known.address))
      }
    }
    let known = Set(layout.blocks.map(\.address))
    for block in blocks where !known.contains(block.address) {
      notes.append(OptionByteError.unknown(block))
    }
    return notes
  }

  private func brokenComplement(_ offset: Int, _ block: Int, _ address: UInt64) -> String {
    let names = layout.fields.filter { $0.block == block && $0.offset == offset }.map(\.name)
    return OptionByteError.broken(
      names, at: address + UInt64(offset), protects: names.contains("RDP"))
  }

  // MARK: Changing

  /// Puts a number into a field, cut to its width; nothing where the part does not show it.
  ///
  /// Where the field holds it already nothing is touched, not even a complement that does not fit.
  public mutating func set(_ field: OptionField, to number: UInt32) {
    guard let cell = cell(of: field), let place = place(of: field) else { return }
    let new = cell & ~field.mask | (number & field.largest) << field.bit
    guard new != cell else { return }
    layout.coding.store(new, at: field.offset, in: &blocks[place].bytes)
  }

  /// The same with one field changed.
  ///
  /// - Parameters:
  ///   - name: the field's name, in any case.
  ///   - text: a number (`3`, `0x3`, `0b11`), or words as they are printed or the beginning of them.
  /// - Returns: the changed option bytes.
  /// - Throws: ``OptionByteError`` for a name or a value that there is not.
  public func setting(_ name: String, to text: String) throws(OptionByteError) -> OptionBytes {
    guard let field = layout.field(named: name) else { throw .unknownField(name, values) }
    guard value(of: field) != nil else { throw .hidden(field, layout) }
    guard let number = number(for: text, of: field) else { throw .badValue(text, field) }
    var changed = self
    changed.set(field, to: number)
    return changed
  }

  /// The fields that differ from an earlier state of the same part.
  public func changes(from old: OptionBytes) -> [Change] {
    layout.fields.compactMap { field in
      guard let before = old.value(field: field), let now = value(field: field),
        before.number != now.number
      else { return nil }
      return Change(field: field, old: before, new: now)
    }
  }

  /// The blocks whose bytes differ from an earlier state of the same part.
  public func changedBlocks(from old: OptionBytes) -> [Block] {
    // By their place: an address may be there twice.
    blocks.enumerated().compactMap { index, block in
      old.blocks.indices.contains(index) && old.blocks[index] == block ? nil : block
    }
  }
}
