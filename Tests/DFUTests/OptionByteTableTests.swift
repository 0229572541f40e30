import Testing

@testable import DFU

/// A row of a value table: a field set to a value, and the bytes that the manual says it has then.
struct OptionRow: CustomTestStringConvertible, Sendable {
  var layout: OptionByteLayout
  /// Manual and section.
  var source: String
  var name: String
  /// What is typed after `--set NAME=`.
  var text: String
  var number: UInt32
  var words: String
  /// Where the cell begins, and what it holds afterwards, all else as from the factory.
  var address: UInt64
  var cell: [UInt8]

  init(
    _ layout: OptionByteLayout, _ source: String, _ name: String, _ text: String, _ number: UInt32,
    _ words: String, at address: UInt64, _ cell: [UInt8]
  ) {
    self.layout = layout
    self.source = source
    self.name = name
    self.text = text
    self.number = number
    self.words = words
    self.address = address
    self.cell = cell
  }

  var testDescription: String { "\(layout.name) \(name)=\(text) (\(source))" }
}

struct OptionByteTableTests {
  static let f1: [OptionRow] = [
    OptionRow(
      .stm32f1, "PM0075, 2.4.1", "RDP", "level 1", 0xBB, "read-protected", at: 0x1FFF_F800,
      [0xBB, 0x44]),
    OptionRow(
      .stm32f1, "PM0075, 2.5, table 8", "WDG_SW", "hardware", 0, "hardware watchdog",
      at: 0x1FFF_F802, [0xFE, 0x01]),
    OptionRow(
      .stm32f1, "PM0075, 2.5, table 8", "nRST_STDBY", "0", 0, "reset when entering Standby mode",
      at: 0x1FFF_F802, [0xFB, 0x04]),
    OptionRow(
      .stm32f1, "PM0075, 2.5, table 8", "Data1", "0x5A", 0x5A, "0x5A", at: 0x1FFF_F806,
      [0x5A, 0xA5]),
    OptionRow(
      .stm32f1, "PM0075, 2.5, table 8", "WRP0", "4 KiB blocks 0, 2-3", 0xF2,
      "4 KiB blocks 0, 2-3 protected", at: 0x1FFF_F808, [0xF2, 0x0D]),
    OptionRow(
      .stm32f1, "PM0075, 2.5, table 8", "WRP3", "0x7F", 0x7F, "4 KiB blocks 31 and above protected",
      at: 0x1FFF_F80E, [0x7F, 0x80]),
  ]

  static let f0f3: [OptionRow] = [
    OptionRow(
      .stm32f0, "RM0091, 4.1.1", "RDP", "2", 0xCC, "level 2: closed for ever", at: 0x1FFF_F800,
      [0xCC, 0x33]),
    OptionRow(
      .stm32f0, "RM0091, 4.1.1", "nBOOT0", "0", 0, "BOOT0 counts as high", at: 0x1FFF_F802,
      [0xF7, 0x08]),
    OptionRow(
      .stm32f0, "RM0091, 4.1.1", "BOOT_SEL", "the option", 0, "the option nBOOT0 decides",
      at: 0x1FFF_F802, [0x7F, 0x80]),
    OptionRow(
      .stm32f3, "RM0313, 4; RM0365, 5", "SRAM_PE", "parity", 0, "parity of the SRAM checked",
      at: 0x1FFF_F802, [0xBF, 0x40]),
    OptionRow(
      .stm32f3, "RM0313, 4; RM0365, 5", "nBOOT1", "SRAM", 0, "SRAM with BOOT0 high",
      at: 0x1FFF_F802, [0xEF, 0x10]),
    OptionRow(
      .stm32f3, "RM0313, 4; RM0365, 5", "WDG_SW", "0", 0, "hardware watchdog", at: 0x1FFF_F802,
      [0xFE, 0x01]),
  ]

  static let f4: [OptionRow] = [
    // Measured on an F405: 0x550CAAF3 after BOR_LEV was set to 0 (level 3).
    OptionRow(
      .stm32f4, "RM0090, 3.7.1, table 16", "BOR_LEV", "level 3", 0, "level 3: 2.7 V to 3.6 V",
      at: 0x1FFF_C000, [0xF3, 0xAA, 0x0C, 0x55, 0xF3, 0xAA, 0x0C, 0x55]),
    OptionRow(
      .stm32f4, "RM0090, 3.7.1, table 16", "RDP", "level 1", 0xBB, "level 1: read-protected",
      at: 0x1FFF_C000, [0xFF, 0xBB, 0x00, 0x44, 0xFF, 0xBB, 0x00, 0x44]),
    OptionRow(
      .stm32f4, "RM0090, 3.7.1, table 16", "WDG_SW", "hardware watchdog", 0, "hardware watchdog",
      at: 0x1FFF_C000, [0xDF, 0xAA, 0x20, 0x55, 0xDF, 0xAA, 0x20, 0x55]),
    OptionRow(
      .stm32f4, "RM0090, 3.7.1, table 16", "nWRP", "sectors 2-3", 0xFF3, "sectors 2-3 protected",
      at: 0x1FFF_C008, [0xF3, 0xFF, 0x0C, 0x00, 0xF3, 0xFF, 0x0C, 0x00]),
    // From an F446: ff 7f 00 80.
    OptionRow(
      .stm32f411, "RM0390, 3.6.1", "SPRMOD", "reading", 1,
      "reading and writing (PCROP): what nWRP forbids (not used on F405 and F407)", at: 0x1FFF_C008,
      [0xFF, 0xFF, 0x00, 0x00, 0xFF, 0xFF, 0x00, 0x00]),
    OptionRow(
      .stm32f411, "RM0368, 3.6.1", "nWRP", "all", 0, "sectors 0-7 protected", at: 0x1FFF_C008,
      [0x00, 0x7F, 0xFF, 0x80, 0x00, 0x7F, 0xFF, 0x80]),
    OptionRow(
      .stm32f413, "RM0430, 3.7.1", "nWRP", "0x3FFF", 0x3FFF, "sectors 14 and above protected",
      at: 0x1FFF_C008, [0xFF, 0x3F, 0x00, 0xC0, 0xFF, 0x3F, 0x00, 0xC0]),
    OptionRow(
      .stm32f429, "RM0090, 3.7.1, table 16", "BFB2", "bank 2", 1,
      "bank 2 starts if it holds a program",
      at: 0x1FFF_C000, [0xFF, 0xAA, 0x00, 0x55, 0xFF, 0xAA, 0x00, 0x55]),
    OptionRow(
      .stm32f429, "RM0090, 3.7.1, table 17", "nWRP12_23", "sector 12", 0xFFE, "sector 12 protected",
      at: 0x1FFE_C008, [0xFE, 0xFF, 0x01, 0x00, 0xFE, 0xFF, 0x01, 0x00]),
  ]

  static let f7: [OptionRow] = [
    OptionRow(
      .stm32f746, "RM0385, 3.4.1", "WWDG_SW", "0", 0, "hardware watchdog", at: 0x1FFF_0000,
      [0xEF, 0xAA, 0x10, 0x55, 0xEF, 0xAA, 0x10, 0x55]),
    OptionRow(
      .stm32f746, "RM0385, 3.4.1", "IWDG_STOP", "frozen in Stop mode", 0, "frozen in Stop mode",
      at: 0x1FFF_0008, [0xFF, 0x7F, 0x00, 0x80, 0xFF, 0x7F, 0x00, 0x80]),
    OptionRow(
      .stm32f746, "RM0385, 3.7.8", "BOOT_ADD0", "0x08000000", 0x2000, "boots from 0x08000000",
      at: 0x1FFF_0010, [0x00, 0x20, 0xFF, 0xDF, 0x00, 0x20, 0xFF, 0xDF]),
    OptionRow(
      .stm32f767, "RM0410, 3.4.1", "nDBANK", "two banks", 0, "two banks of flash", at: 0x1FFF_0008,
      [0xFF, 0xDF, 0x00, 0x20, 0xFF, 0xDF, 0x00, 0x20]),
    OptionRow(
      .stm32f767, "RM0410, 3.4.1", "nDBOOT", "either bank", 0, "either bank may start",
      at: 0x1FFF_0008,
      [0xFF, 0xEF, 0x00, 0x10, 0xFF, 0xEF, 0x00, 0x10]),
    OptionRow(
      .stm32f730, "RM0431, 3.4.1", "PCROP_RDP", "kept", 0, "kept when RDP goes from 1 to 0",
      at: 0x1FFF_0028,
      [0xFF, 0x7F, 0x00, 0x80, 0xFF, 0x7F, 0x00, 0x80]),
  ]

  static let lowPower: [OptionRow] = [
    OptionRow(
      .stm32l0, "RM0367, 3.4.4", "RDPROT", "level 2", 0xCC, "level 2: closed for ever",
      at: 0x1FF8_0000, [0xCC, 0x00, 0x33, 0xFF]),
    OptionRow(
      .stm32l0, "RM0367, 3.8", "BOR_LEV", "level 3", 10, "level 3: 2.3 V to 2.49 V",
      at: 0x1FF8_0004, [0x7A, 0x80, 0x85, 0x7F]),
    OptionRow(
      .stm32l0, "RM0367, 3.8.2", "WRP1", "4 KiB block 1", 2, "4 KiB block 1 protected",
      at: 0x1FF8_0008, [0x02, 0x00, 0xFD, 0xFF]),
    OptionRow(
      .stm32l4, "RM0351, 3.4.1", "BOR_LEV", "level 4", 4, "level 4: around 2.8 V",
      at: 0x1FFF_7800, [0xAA, 0xFC, 0xEF, 0xFF, 0x55, 0x03, 0x10, 0x00]),
    OptionRow(
      .stm32l4, "RM0351, 3.4.1", "BFB2", "bank 2", 1, "bank 2 starts", at: 0x1FFF_7800,
      [0xAA, 0xF8, 0xFF, 0xFF, 0x55, 0x07, 0x00, 0x00]),
    OptionRow(
      .stm32l4, "RM0351, 3.4.1", "WRP1A_STRT", "2", 2, "the area is empty, nothing is protected",
      at: 0x1FFF_7818,
      [0x02, 0xFF, 0x00, 0xFF, 0xFD, 0x00, 0xFF, 0x00]),
    OptionRow(
      .stm32l4, "RM0351, 3.4.1", "WRP2B_END", "0x1F", 0x1F,
      "the area is empty, nothing is protected", at: 0x1FFF_F820,
      [0xFF, 0xFF, 0x1F, 0xFF, 0x00, 0x00, 0xE0, 0x00]),
    OptionRow(
      .stm32l4plus, "RM0432, 3.4.1", "DBANK", "one bank", 0, "one bank if it has 2 MiB",
      at: 0x1FF0_0000,
      [0xAA, 0xF8, 0xAF, 0xFF, 0x55, 0x07, 0x50, 0x00]),
    OptionRow(
      .stm32l4plus, "RM0432, 3.4.1", "nSWBOOT0", "0", 0, "the option nBOOT0 decides",
      at: 0x1FF0_0000,
      [0xAA, 0xF8, 0xEF, 0xFB, 0x55, 0x07, 0x10, 0x04]),
    OptionRow(
      .stm32l4plus, "RM0432, 3.4.1", "PCROP_RDP", "erased", 1, "erased when RDP goes from 1 to 0",
      at: 0x1FF0_0010,
      [0x00, 0x00, 0x00, 0x80, 0xFF, 0xFF, 0xFF, 0x7F]),
  ]

  static let g0g4wb: [OptionRow] = [
    OptionRow(
      .stm32g0, "RM0444, 3.4.1", "BOR_EN", "on", 1, "on: BORR_LEV and BORF_LEV count",
      at: 0x1FFF_7800,
      [0xAA, 0xFF, 0xFF, 0xFF, 0x55, 0x00, 0x00, 0x00]),
    OptionRow(
      .stm32g0, "RM0444, 3.4.1", "nBOOT_SEL", "the pin", 0, "the pin decides", at: 0x1FFF_7800,
      [0xAA, 0xFE, 0xFF, 0xFE, 0x55, 0x01, 0x00, 0x01]),
    OptionRow(
      .stm32g0, "RM0444, 3.7.20", "BOOT_LOCK", "not forced", 0,
      "not forced: pin and options decide", at: 0x1FFF_7870,
      [0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF]),
    OptionRow(
      .stm32g0, "RM0444, 3.4.1", "WRP2A_END", "16", 16, "the area is empty, nothing is protected",
      at: 0x1FFF_7848, [0xFF, 0x00, 0x10, 0x00, 0x00, 0xFF, 0xEF, 0xFF]),
    OptionRow(
      .stm32g4, "RM0440, 3.4.1", "NRST_MODE", "an ordinary pin", 2, "an ordinary pin, no reset",
      at: 0x1FFF_7800, [0xAA, 0xF8, 0xEF, 0xEF, 0x55, 0x07, 0x10, 0x10]),
    OptionRow(
      .stm32g4, "RM0440, 3.4.1", "DBANK", "0", 0, "one bank of flash", at: 0x1FFF_7800,
      [0xAA, 0xF8, 0xAF, 0xFF, 0x55, 0x07, 0x50, 0x00]),
    // ST's forum on BOOT_LOCK: 0x00FE00FF_FF01FF00.
    OptionRow(
      .stm32g4, "RM0440, 3.4.1", "BOOT_LOCK", "forced", 1, "forced: always from the flash",
      at: 0x1FFF_7828,
      [0x00, 0xFF, 0x01, 0xFF, 0xFF, 0x00, 0xFE, 0x00]),
    OptionRow(
      .stm32g4, "RM0440, 3.4.1", "WRP2A_STRT", "page 3", 3,
      "the area is empty, nothing is protected", at: 0x1FFF_F818,
      [0x83, 0xFF, 0x00, 0xFF, 0x7C, 0x00, 0xFF, 0x00]),
    OptionRow(
      .stm32wb, "RM0434", "BOR_LEV", "level 1", 1, "level 1: around 2.0 V", at: 0x1FFF_8000,
      [0xAA, 0xF3, 0xFF, 0x3F, 0x55, 0x0C, 0x00, 0xC0]),
    OptionRow(
      .stm32wb, "RM0434", "nBOOT0", "BOOT0 counts as high", 0, "BOOT0 counts as high",
      at: 0x1FFF_8000,
      [0xAA, 0xF1, 0xFF, 0x37, 0x55, 0x0E, 0x00, 0xC8]),
    OptionRow(
      .stm32wb, "RM0434", "IWDG_SW", "hardware", 0, "hardware watchdog", at: 0x1FFF_8000,
      [0xAA, 0xF1, 0xFE, 0x3F, 0x55, 0x0E, 0x01, 0xC0]),
  ]

  static let h7: [OptionRow] = [
    OptionRow(
      .stm32h7, "RM0433, 4.9.7", "BOR_LEV", "level 3", 3, "level 3: 2.7 V", at: 0x5200_201C,
      [0xFC, 0xAA, 0xC6, 0x1B, 0xFC, 0xAA, 0xC6, 0x1B]),
    OptionRow(
      .stm32h7, "RM0433, 4.9.7", "SWAP_BANK_OPT", "swapped", 1, "swapped: bank 2 comes first",
      at: 0x5200_201C,
      [0xF0, 0xAA, 0xC6, 0x9B, 0xF0, 0xAA, 0xC6, 0x9B]),
    OptionRow(
      .stm32h7, "RM0433, 4.9.14", "WRPSn1", "sectors 0-1", 0xFC, "sectors 0-1 protected",
      at: 0x5200_2038, [0xFC, 0x00, 0x00, 0x00, 0xFC, 0x00, 0x00, 0x00]),
    OptionRow(
      .stm32h7, "RM0433, 4.9.16", "BOOT_ADD0", "0x08020000", 0x0802, "boots from 0x08020000",
      at: 0x5200_2040, [0x02, 0x08, 0xF0, 0x1F, 0x02, 0x08, 0xF0, 0x1F]),
    OptionRow(
      .stm32h72x, "RM0468", "ST_RAM_SIZE", "8 KiB", 2, "8 KiB for ST's services", at: 0x5200_201C,
      [0xF0, 0xAA, 0xD6, 0x1B, 0xF0, 0xAA, 0xD6, 0x1B]),
    OptionRow(
      .stm32h72x, "RM0468", "IWDG1_SW", "hardware", 0, "hardware watchdog", at: 0x5200_201C,
      [0xE0, 0xAA, 0xC6, 0x1B, 0xE0, 0xAA, 0xC6, 0x1B]),
    OptionRow(
      .stm32h72x, "RM0468", "BOOT_ADD1", "0x1FF0", 0x1FF0, "boots from 0x1FF00000",
      at: 0x5200_2040, [0x00, 0x08, 0xF0, 0x1F, 0x00, 0x08, 0xF0, 0x1F]),
    OptionRow(
      .stm32h7ab, "RM0455", "WRPSn2", "sectors 128-135", 0xFFFF_FFFC, "sectors 128-135 protected",
      at: 0x5200_2138, [0xFC, 0xFF, 0xFF, 0xFF, 0xFC, 0xFF, 0xFF, 0xFF]),
    OptionRow(
      .stm32h7ab, "RM0455", "RDP", "level 1", 0xBB, "level 1: read-protected", at: 0x5200_201C,
      [0xF0, 0xBB, 0xC6, 0x1B, 0xF0, 0xBB, 0xC6, 0x1B]),
    OptionRow(
      .stm32h7ab, "RM0455", "DMEP1", "erased", 1, "erased with the bank", at: 0x5200_2028,
      [0xFF, 0x00, 0x00, 0x80, 0xFF, 0x00, 0x00, 0x80]),
  ]

  static let rows = f1 + f0f3 + f4 + f7 + lowPower + g0g4wb + h7

  @Test(arguments: rows)
  func `a field is where the manual has it, and reads back as it was set`(_ row: OptionRow) throws {
    let old = OptionBytes(factory: row.layout)
    let new = try old.setting(row.name, to: row.text)
    let field = try #require(row.layout.field(named: row.name))
    let value = try #require(new.value(field: field))
    #expect(value.number == row.number)
    #expect(value.words == row.words)
    let block = try #require(
      new.blocks.first {
        $0.address <= row.address && row.address < $0.address + UInt64($0.bytes.count)
      })
    let start = Int(row.address - block.address)
    #expect(Array(block.bytes[start..<start + row.cell.count]) == row.cell)
    // Nothing else has moved.
    let before = try #require(old.blocks.first { $0.address == block.address })
    var rest = block.bytes
    rest.replaceSubrange(
      start..<start + row.cell.count, with: before.bytes[start..<start + row.cell.count])
    #expect(rest == before.bytes)
    #expect(new.changes(from: old).map(\.field.name) == (block == before ? [] : [row.name]))
    #expect(new.notes == old.notes)
  }

  @Test(arguments: LayoutCase.all)
  func `every layout has at least three rows in the value table`(_ test: LayoutCase) {
    let layout = test.layout
    // Variants of a family share their rows.
    let family = Self.rows.filter { $0.layout.blocks[0].address == layout.blocks[0].address }
    #expect(Set(family.map(\.name)).count >= 3)
    #expect(Self.rows.contains { $0.layout == layout })
  }

  /// What was read from real parts, byte by byte.
  @Test func `dumps of real parts are understood without a note`() throws {
    // An F446 and an F401, over DFU.
    let f446: [UInt8] = [
      0xEF, 0xAA, 0x10, 0x55, 0xEF, 0xAA, 0x10, 0x55, 0xFF, 0x7F, 0x00, 0x80, 0xFF, 0x7F, 0x00,
      0x80,
    ]
    let f4 = try OptionBytes(.stm32f411, blocks: [.init(address: 0x1FFF_C000, bytes: f446)])
    #expect(f4.notes.isEmpty)
    #expect(f4.readProtection == .zero)
    #expect(f4.values.allSatisfy { $0.isFactoryValue })
    // An F730, over DFU.
    let f730: [UInt8] = [
      0xFF, 0xAA, 0x00, 0x55, 0xFF, 0xAA, 0x00, 0x55, 0xFF, 0xFF, 0x00, 0x00, 0xFF, 0xFF, 0x00,
      0x00,
      0x80, 0x00, 0x7F, 0xFF, 0x80, 0x00, 0x7F, 0xFF, 0x40, 0x00, 0xBF, 0xFF, 0x40, 0x00, 0xBF,
      0xFF,
    ]
    let f7 = try OptionBytes(.stm32f730, blocks: [.init(address: 0x1FFF_0000, bytes: f730)])
    #expect(f7.notes.isEmpty)
    #expect(
      f7.values.filter { $0.field.name.hasPrefix("BOOT") }.map(\.words)
        == ["boots from 0x00200000", "boots from 0x00100000"])
    // A new F1, and one that OpenOCD has unlocked.
    for bytes: [UInt8] in [
      [0xA5, 0x5A] + [UInt8](repeating: 0xFF, count: 14),
      [0xA5, 0x5A] + [UInt8]([[UInt8]](repeating: [0xFF, 0x00], count: 7).joined()),
    ] {
      let f1 = try OptionBytes(.stm32f1, blocks: [.init(address: 0x1FFF_F800, bytes: bytes)])
      #expect(f1.notes.isEmpty)
      #expect(f1.readProtection == .zero)
      #expect(f1.values.allSatisfy { $0.isFactoryValue })
    }
    // A new G4: words at 0x1FFF7800 to 0x1FFF7828, their complements left out by who wrote them down.
    let g4 = OptionByteCoding.words.encoded([
      0xFFEF_F8AA, 0xFFFF_FFFF, 0x00FF_0000, 0xFF00_FFFF, 0xFF00_FFFF, 0xFF00_FF00,
    ])
    let values = try OptionBytes(.stm32g4, blocks: [.init(address: 0x1FFF_7800, bytes: g4)]).values
    #expect(values.count > 20 && values.allSatisfy { $0.isFactoryValue })
    // A new H7: OPTSR 0x1BC6AAF0.
    let h7 = OptionBytes(factory: .stm32h7)
    #expect(h7.readProtection == .zero)
    #expect(h7.blocks[0].bytes.prefix(4) == [0xF0, 0xAA, 0xC6, 0x1B])
  }
}
