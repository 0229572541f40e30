import Testing

@testable import DFU

extension OptionByteLayout {
  /// Blocks of any bytes, the same for the same seed.
  func noise(_ random: inout SplitMix) -> [OptionBytes.Block] {
    blocks.map { block in
      OptionBytes.Block(
        address: block.address,
        bytes: block.factoryBytes.map { _ in UInt8(truncatingIfNeeded: random.next()) })
    }
  }
}

/// A layout, told by its name.
struct LayoutCase: CustomTestStringConvertible, Sendable {
  var layout: OptionByteLayout
  var testDescription: String { layout.name }
  static let all = OptionByteLayout.all.map { LayoutCase(layout: $0) }
}

/// Random numbers that are the same on every machine.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}

struct OptionByteTests {
  // MARK: What every layout must be

  @Test(arguments: LayoutCase.all)
  func `fields have names of their own, and bits of their own inside the block`(
    _ test: LayoutCase
  ) {
    let layout = test.layout
    #expect(Set(layout.fields.map { $0.name.lowercased() }).count == layout.fields.count)
    var taken: [Int: [Int: UInt32]] = [:]
    for field in layout.fields {
      #expect(layout.blocks.indices.contains(field.block))
      #expect(layout.coding.valueSize * 8 >= Int(field.bit + field.width))
      #expect(taken[field.block]?[field.offset].map { $0 & field.mask == 0 } ?? true)
      taken[field.block, default: [:]][field.offset, default: 0] |= field.mask
      #expect(
        layout.coding.value(at: field.offset, in: layout.blocks[field.block].factoryBytes) != nil)
      #expect(!field.sentence.isEmpty)
    }
    for area in layout.areas {
      #expect(layout.field(named: area.first) != nil && layout.field(named: area.last) != nil)
    }
    let levels = layout.fields.filter {
      if case .readProtection = $0.kind { true } else { false }
    }
    #expect(levels.count == 1 && levels[0].block == 0)
  }

  @Test func `every layout has a key of its own, by which it is found`() {
    #expect(Set(OptionByteLayout.all.map(\.key)).count == OptionByteLayout.all.count)
    #expect(OptionByteLayout.all.allSatisfy { OptionByteLayout.named($0.key) == $0 })
    #expect(OptionByteLayout.named("stm32f4") == .stm32f4)
    #expect(OptionByteLayout.named("") == nil)
  }

  @Test(arguments: LayoutCase.all)
  func `a part from the factory is open, nothing is protected, no complement is broken`(
    _ test: LayoutCase
  ) {
    let layout = test.layout
    let options = OptionBytes(factory: layout)
    #expect(options.notes.isEmpty)
    #expect(options.readProtection == .zero)
    #expect(options.values.allSatisfy { $0.isFactoryValue })
    let flash = MemoryMap(
      name: "", runs: [SectorRun(start: 0x0800_0000, count: 256, sectorSize: 2048, rights: [])])
    #expect(options.writeProtectedSectors(in: flash).isEmpty)
  }

  @Test(arguments: LayoutCase.all)
  func `words that are printed are understood, for every value that there is`(
    _ test: LayoutCase
  ) throws {
    let layout = test.layout
    var random = SplitMix(state: 7)
    for field in layout.fields {
      for _ in 0..<20 {
        var options = OptionBytes(factory: layout)
        options.set(field, to: UInt32(truncatingIfNeeded: random.next()))
        guard let value = options.value(field: field), value.words != "reserved" else { continue }
        let again: String
        switch field.kind {
        // The words leave out which byte of level 1 it is, and where an empty area is.
        case .readProtection: again = field.digits(value.number)
        case .areaStart, .areaEnd:
          let isEmpty = value.words.contains("empty")
          again = isEmpty ? field.digits(value.number) : value.words
        default: again = value.words
        }
        var other = options
        other.set(field, to: ~value.number)
        let set = try other.setting(field.name.uppercased(), to: again)
        // Several numbers may have the same words (L0, BOR off).
        #expect(set.value(field: field)?.words == value.words)
      }
    }
  }

  // MARK: Properties

  @Test(arguments: LayoutCase.all)
  func `reading and writing any bytes changes nothing`(_ test: LayoutCase) throws {
    let layout = test.layout
    var random = SplitMix(state: 1)
    for _ in 0..<100 {
      let blocks = layout.noise(&random)
      let options = try OptionBytes(layout, blocks: blocks)
      #expect(options.blocks == blocks)
      var copy = options
      for value in options.values { copy.set(value.field, to: value.number) }
      #expect(copy == options)
      #expect(copy.changes(from: options).isEmpty && copy.changedBlocks(from: options).isEmpty)
    }
  }

  @Test(arguments: LayoutCase.all)
  func `setting a field changes its bits, and the complement of their cell`(
    _ test: LayoutCase
  ) throws {
    let layout = test.layout
    var random = SplitMix(state: 2)
    for field in layout.fields {
      let blocks = layout.noise(&random)
      let old = try OptionBytes(layout, blocks: blocks)
      var new = old
      let number = UInt32(truncatingIfNeeded: random.next()) & field.largest
      new.set(field, to: number)
      #expect(new.value(of: field) == number)
      if number == old.value(of: field) { continue }
      #expect(new.changes(from: old).map(\.field) == [field])
      let before = blocks[field.block].bytes
      let after = new.blocks[field.block].bytes
      let cell = field.offset..<field.offset + layout.coding.cellSize
      #expect(Array(after[..<cell.lowerBound]) == Array(before[..<cell.lowerBound]))
      #expect(Array(after[cell.upperBound...]) == Array(before[cell.upperBound...]))
      let coding = layout.coding
      let was = try #require(coding.value(at: field.offset, in: before))
      let value = try #require(coding.value(at: field.offset, in: after))
      #expect(value & ~field.mask == was & ~field.mask)
      #expect(coding.isIntact(at: field.offset, in: after))
      for (index, block) in blocks.enumerated() where index != field.block {
        #expect(new.blocks[index] == block)
      }
    }
  }

  // MARK: Complements

  @Test func `a broken complement is a note, and counts as read protection`() throws {
    for layout in OptionByteLayout.all where layout.coding != .registers {
      var blocks = OptionBytes(factory: layout).blocks
      blocks[0].bytes[layout.coding.valueSize] ^= 1
      let options = try OptionBytes(layout, blocks: blocks)
      #expect(options.readProtection == .one, "\(layout.name)")
      #expect(options.value(of: layout.fields[0]) != nil)
      #expect(options.notes.count == 1 && options.notes[0].contains("complement"))
    }
  }

  @Test func `a byte that is erased with its complement is in order`() throws {
    let erased = [UInt8](repeating: 0xFF, count: 16)
    for layout in [OptionByteLayout.stm32f0, .stm32f1, .stm32f3] {
      let options = try OptionBytes(
        layout, blocks: [.init(address: 0x1FFF_F800, bytes: erased)])
      #expect(options.notes.isEmpty)
      #expect(options.readProtection == .one)
    }
    let f4 = try OptionBytes(.stm32f4, blocks: [.init(address: 0x1FFF_C000, bytes: erased)])
    #expect(f4.notes.count == 2)
    #expect(f4.readProtection == .one)
  }

  // MARK: Levels

  @Test func `0xAA is level 0, 0xCC level 2, all else level 1; on an F1 0xA5 is open`() {
    for byte in UInt32(0)..<256 {
      let level: ReadProtectionLevel = byte == 0xAA ? .zero : byte == 0xCC ? .two : .one
      #expect(ReadProtectionKeys.standard.level(byte) == level)
      #expect(ReadProtectionKeys.f1.level(byte) == (byte == 0xA5 ? .zero : .one))
    }
    #expect(ReadProtectionKeys.f1.value(.two) == nil)
  }

  @Test func `0, 1 and 2 are levels and not bytes, and a byte of level 1 stays as it is`() throws {
    let open = OptionBytes(factory: .stm32f4)
    #expect(try open.setting("rdp", to: "0") == open)
    #expect(try open.setting("RDP", to: "1").value(of: "RDP") == 0xBB)
    #expect(try open.setting("RDP", to: "2").value(of: "RDP") == 0xCC)
    #expect(try open.setting("RDP", to: "0x55").value(of: "RDP") == 0x55)
    let closed = try open.setting("RDP", to: "0x55")
    #expect(try closed.setting("RDP", to: "level 1") == closed)
    #expect(throws: OptionByteError.self) {
      try OptionBytes(factory: .stm32f1).setting("RDP", to: "level 2")
    }
  }

  // MARK: Errors

  struct Refusal: CustomTestStringConvertible, Sendable {
    var name: String
    var value: String
    var code: OptionByteError.Code
    var help: String
    var testDescription: String { "\(name)=\(value)" }
  }

  @Test(arguments: [
    Refusal(name: "nBOOT0", value: "1", code: .unknownField, help: "BOR_LEV"),
    Refusal(name: "", value: "1", code: .unknownField, help: "RDP"),
    Refusal(name: "BOR_LEV", value: "4", code: .badValue, help: "3 (off: 1.8 V to 2.1 V)"),
    Refusal(name: "BOR_LEV", value: "level", code: .badValue, help: "level 3"),
    Refusal(name: "WDG_SW", value: "", code: .badValue, help: "hardware watchdog"),
    Refusal(name: "WDG_SW", value: "-1", code: .badValue, help: "0 ("),
    Refusal(name: "nWRP", value: "0x1000", code: .badValue, help: "0xFFF"),
    Refusal(name: "nWRP", value: "sectors 12", code: .badValue, help: "sectors 0, 1-2"),
    Refusal(name: "nWRP", value: "sectors 3-2", code: .badValue, help: "none"),
    Refusal(name: "nWRP", value: "sectors 1,,2", code: .badValue, help: "all"),
    Refusal(name: "RDP", value: "level 3", code: .badValue, help: "level 2"),
    Refusal(name: "RDP", value: "0x100", code: .badValue, help: "a byte"),
  ])
  func `a wrong name or value is refused with what there is`(_ test: Refusal) throws {
    let error = #expect(throws: OptionByteError.self) {
      try OptionBytes(factory: .stm32f4).setting(test.name, to: test.value)
    }
    #expect(error?.code == test.code)
    #expect(error?.help?.contains(test.help) == true)
  }

  @Test func `a short block is an error with its place, a longer one is not`() throws {
    let error = #expect(throws: OptionByteError.self) {
      try OptionBytes(.stm32f4, blocks: [.init(address: 0x1FFF_C000, bytes: [0xFF, 0xAA])])
    }
    #expect(error?.code == .short)
    #expect(error?.address == 0x1FFF_C002)
    let long = OptionBytes(factory: .stm32f4).blocks[0].bytes + [1, 2, 3]
    #expect(
      try OptionBytes(.stm32f4, blocks: [.init(address: 0x1FFF_C000, bytes: long)]).readProtection
        == .zero)
    #expect {
      try OptionBytes(.stm32f4, blocks: [.init(address: 0x1FFF_7800, bytes: long)])
    } throws: { ($0 as? OptionByteError)?.code == .noBlock }
    #expect(throws: OptionByteError.self) { try OptionBytes(.stm32f4, blocks: []) }
  }

  @Test func `a G431 shows one block of 40 bytes: what is not there cannot be set`() throws {
    let bytes = Array(OptionByteLayout.stm32g4.blocks[0].factoryBytes.prefix(40))
    let options = try OptionBytes(.stm32g4, blocks: [.init(address: 0x1FFF_7800, bytes: bytes)])
    #expect(options.value(of: "WRP1B_END") == 0)
    #expect(options.value(of: "SEC_SIZE1") == nil && options.value(of: "WRP2A_END") == nil)
    #expect(!options.values.contains { $0.field.name == "BOOT_LOCK" })
    #expect(options.notes == ["The bootloader does not show the option bytes at 0x1FFFF800."])
    let error = #expect(throws: OptionByteError.self) {
      try options.setting("BOOT_LOCK", to: "1")
    }
    #expect(error?.code == .hidden)
    #expect(error?.sentence.contains("0x1FFF7828") == true)
  }

  @Test func `an address that is there twice is compared by its place`() throws {
    let block = OptionBytes(factory: .stm32f4).blocks[0]
    var other = block
    other.bytes[0] = 0
    let old = try OptionBytes(.stm32f4, blocks: [block, other])
    let new = try old.setting("nWRP", to: "sector 1")
    #expect(new.changedBlocks(from: old) == [new.blocks[0]])
    #expect(old.changedBlocks(from: old).isEmpty)
  }

  @Test func `blocks that the layout does not know are kept and told`() throws {
    let known = OptionBytes(factory: .stm32f4).blocks
    let more = OptionBytes.Block(address: 0x1FFE_C000, bytes: [1, 2, 3, 4])
    let options = try OptionBytes(.stm32f4, blocks: [more] + known)
    #expect(options.blocks == [more] + known)
    #expect(options.notes.count == 1 && options.notes[0].contains("0x1FFEC000"))
    let changed = try options.setting("WDG_SW", to: "0")
    #expect(changed.changedBlocks(from: options).map(\.address) == [0x1FFF_C000])
  }

  // MARK: Which layout

  struct Choice: CustomTestStringConvertible, Sendable {
    var family: ChipFamily
    var flash: String
    var options: String?
    var layout: OptionByteLayout?
    var testDescription: String { "\(family.name) \(flash)" }
  }

  @Test(arguments: [
    Choice(
      family: .stm32f4, flash: "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg",
      options: "@Option Bytes  /0x1FFFC000/01*016 e", layout: .stm32f4),
    Choice(
      family: .stm32f4, flash: "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg",
      options: "@Option Bytes  /0x1FFFC000/01*016 e", layout: .stm32f411),
    Choice(
      family: .stm32f4, flash: "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,11*128Kg",
      layout: .stm32f413),
    Choice(
      family: .stm32f4,
      flash: "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg,04*016Kg,01*064Kg,07*128Kg",
      options: "@Option Bytes  /0x1FFFC000/01*016 e/0x1FFEC000/01*016 e", layout: .stm32f429),
    Choice(
      family: .stm32f7, flash: "@Internal Flash  /0x08000000/04*016Kg,01*64Kg,03*128Kg",
      options: "@Option Bytes  /0x1FFF0000/01*048 e", layout: .stm32f730),
    Choice(
      family: .stm32f7, flash: "@Internal Flash  /0x08000000/04*032Kg,01*128Kg,03*256Kg",
      layout: .stm32f746),
    Choice(
      family: .stm32f7, flash: "@Internal Flash  /0x08000000/04*032Kg,01*128Kg,07*256Kg",
      layout: .stm32f767),
    Choice(
      family: .stm32h7, flash: "@Internal Flash   /0x08000000/16*128Kg",
      options: "@Option Bytes   /0x5200201C/01*128 e", layout: .stm32h7),
    Choice(
      family: .stm32h7, flash: "@Internal Flash   /0x08000000/8*128Kg",
      options: "@Option Bytes   /0x5200201C/01*88 e", layout: .stm32h72x),
    Choice(family: .stm32u5, flash: "@Internal Flash /0x08000000/64*08Kg", layout: nil),
  ])
  func `the memory that a part shows tells its layout`(_ test: Choice) throws {
    let options = try test.options.map { try MemoryMap(dfuseString: $0) }
    let layout = OptionByteLayout.of(
      test.family, flash: try MemoryMap(dfuseString: test.flash), optionBytes: options)
    #expect(layout == test.layout)
    guard let layout, let options else { return }
    #expect(
      options.areas.map(\.lowerBound).allSatisfy { layout.blocks.map(\.address).contains($0) })
    #expect(options.areas.map(\.count).allSatisfy { $0 >= layout.blocks[0].leastCount })
  }
}
