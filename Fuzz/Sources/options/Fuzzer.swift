import DFU
import FuzzInput
import USB

/// Option bytes of any family: any bytes are read and written again as they are; setting a field by
/// any text changes its cell and nothing else.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  let layout = input.one(of: OptionByteLayout.all)
  var options = OptionBytes(factory: layout)
  if input.bool() {
    guard let read = read(&input, layout) else { return 0 }
    options = read
  }
  check(options)
  for _ in 0..<8 where !input.isEmpty {
    let names = layout.fields.map(\.name) + ["", "rdp", "BOOT"]
    let name = input.one(of: names)
    let text = text(&input, options, name)
    do throws(OptionByteError) {
      let new = try options.setting(name, to: text)
      compare(new, options, name)
      check(new)
      options = new
    } catch {
      checkText(of: error)
    }
  }
  protect(options, &input)
  return 0
}

private func read(_ input: inout FuzzInput, _ layout: OptionByteLayout) -> OptionBytes? {
  var blocks: [OptionBytes.Block] = []
  for _ in 0..<input.below(4) {
    let known = input.one(of: layout.blocks)
    let address = input.below(8) == 0 ? UInt64(input.number(UInt32.self)) : known.address
    let size = input.bool() ? known.factoryBytes.count : input.below(OptionBytes.largestBlock)
    var bytes = input.bytes(size)
    // A fuzzer finds no complements.
    if input.bool() {
      for offset in stride(from: 0, to: bytes.count, by: layout.coding.cellSize) {
        guard let value = layout.coding.value(at: offset, in: bytes) else { continue }
        layout.coding.store(value, at: offset, in: &bytes)
        require(layout.coding.isIntact(at: offset, in: bytes), "a complement that does not fit")
        require(layout.coding.value(at: offset, in: bytes) == value, "a value that was changed")
      }
    }
    blocks.append(.init(address: address, bytes: bytes))
  }
  do throws(OptionByteError) {
    let options = try OptionBytes(layout, blocks: blocks)
    require(options.blocks == blocks, "reading has changed the bytes")
    return options
  } catch {
    checkText(of: error)
    return nil
  }
}

/// Bytes as text, a number, or the words of some value of the field, cut somewhere.
private func text(_ input: inout FuzzInput, _ options: OptionBytes, _ name: String) -> String {
  switch input.below(4) {
  case 0: return String(decoding: input.bytes(input.below(40)), as: UTF8.self)
  case 1: return "\(input.number(UInt32.self) >> UInt32(input.below(32)))"
  case 2: return "0x" + hex(input.number(UInt32.self), digits: 1 + input.below(8))
  default:
    guard let field = options.layout.field(named: name) else { return "none" }
    var other = options
    other.set(field, to: input.number(UInt32.self))
    let words = other.value(field: field)?.words ?? "all"
    return String(words.prefix(1 + input.below(words.count + 8)))
  }
}

private func check(_ options: OptionBytes) {
  for value in options.values {
    require(value.number <= value.field.largest, "a number that is too large for its field")
    require(!value.words.isEmpty && !value.field.possibleValues.isEmpty, "no words")
    require(options.effectiveValue(of: value.field) != nil, "a field that is and is not there")
    // Not all words lead back (an empty area, a byte of level 1), but none leads elsewhere.
    if let again = try? options.setting(value.field.name, to: value.words) {
      require(
        again.value(field: value.field)?.words == value.words, "words that mean another value")
    }
    var same = options
    same.set(value.field, to: value.number)
    require(same == options, "setting what is there has changed something")
  }
  require(options.notes.allSatisfy { !$0.isEmpty }, "a note without words")
  require(
    options.readProtection != .two || options.closesForEverWhenWritten,
    "level 2 that is not noticed")
}

private func compare(_ new: OptionBytes, _ old: OptionBytes, _ name: String) {
  guard let field = old.layout.field(named: name) else { fatalError("a field that there is not") }
  require(new.changes(from: old).allSatisfy { $0.field == field }, "another field has changed")
  require(new.changedBlocks(from: old).count <= 1, "another block has changed")
  require(new.blocks.map(\.address) == old.blocks.map(\.address), "a block was moved")
  let cell = field.offset..<field.offset + old.layout.coding.cellSize
  for (before, after) in zip(old.blocks, new.blocks) {
    require(before.bytes.count == after.bytes.count, "a block has grown or shrunk")
    for (index, pair) in zip(before.bytes, after.bytes).enumerated() where pair.0 != pair.1 {
      require(cell.contains(index), "a byte outside the cell has changed")
    }
  }
  if let value = new.value(of: field), value != old.value(of: field) {
    require(new.effectiveValue(of: field) == value, "a complement that was not made anew")
  }
}

/// Protects some sectors of a flash of any shape.
private func protect(_ options: OptionBytes, _ input: inout FuzzInput) {
  let runs = (0..<input.below(4)).map { number in
    SectorRun(
      start: 0x0800_0000 + UInt64(number) << 24, count: UInt64(input.number(UInt16.self) & 0xFFF),
      sectorSize: UInt64(input.number(UInt16.self)), rights: [])
  }
  let flash = MemoryMap(name: "", runs: runs)
  _ = options.writeProtectedSectors(in: flash)
  var other = options
  let wanted = Set((0..<input.below(5)).map { _ in input.below(600) })
  other.protect(wanted, in: flash)
  _ = other.writeProtectedSectors(in: flash)
  _ = OptionByteLayout.of(input.one(of: ChipFamily.allCases), flash: flash, optionBytes: flash)
  check(other)
}
