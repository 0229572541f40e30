/// L4 and L4+: words of 32 bits, in the order of the registers.
///
/// RM0351, 3.4.1 (L47x to L4Ax), RM0394, 3.4.1 (L41x to L46x), RM0432, 3.4.1 (L4+): OPTR, PCROP1SR,
/// PCROP1ER, WRP1AR, WRP1BR, eight bytes apart; those of the second bank in a block of their own. A new
/// L4R5 holds `aa f8 ef ff 55 07 10 00`.
extension OptionByteLayout {
  /// L41x to L4Ax. The ROMs that were seen show the first block only: `/0x1FFF7800/01*040 e`.
  public static let stm32l4 = OptionByteLayout(
    "stm32l4", "STM32L4", manual: "RM0351, 3.4.1; RM0394, 3.4.1", coding: .words,
    blocks: blocks(0x1FFF_7800, 0x1FFF_F800),
    fields: [.readProtection(at: 0), .brownOutL4(bit: 8)] + OptionField.powerL4 + [
      .boot(
        "BFB2", "which bank the part starts from (two banks only)", at: 0, bit: 20,
        zero: "bank 1 starts",
        one: "bank 2 starts"),
      .flag(
        "DUALBANK", "banks of a part with 256 or 512 KiB", at: 0, bit: 21,
        zero: "one bank if it has 256 or 512 KiB", one: "two banks"), .nBOOT1,
    ] + OptionField.ramOptions("SRAM2_PE", "SRAM2_RST", "SRAM2") + OptionField.softwareBoot
      + protection(pcrop: 16), areas: areas, pages: Pages(2048))

  /// L4R, L4S, L4P, L4Q.
  public static let stm32l4plus = OptionByteLayout(
    "stm32l4plus", "STM32L4+", manual: "RM0432, 3.4.1", coding: .words,
    blocks: blocks(0x1FF0_0000, 0x1FF0_1000),
    fields: [.readProtection(at: 0), .brownOutL4(bit: 8)] + OptionField.powerL4 + [
      .boot(
        "BFB2", "which bank the part starts from", at: 0, bit: 20, zero: "bank 1 starts",
        one: "bank 2 starts"),
      .flag(
        "DB1M", "banks of a part with 1 MiB", at: 0, bit: 21, zero: "one bank if it has 1 MiB",
        one: "two banks"),
      .flag(
        "DBANK", "banks of a part with 2 MiB", at: 0, bit: 22, zero: "one bank if it has 2 MiB",
        one: "two banks",
        caution: "The pages are others then: what is in the flash is not a program any more."),
      .nBOOT1,
    ] + OptionField.ramOptions("SRAM2_PE", "SRAM2_RST", "SRAM2") + OptionField.softwareBoot
      + protection(pcrop: 17), areas: areas,
    pages: Pages(4096, bankField: "DBANK", inOneBank: 8192))

  private static func blocks(_ first: UInt64, _ second: UInt64) -> [Block] {
    let none: [UInt32] = [0xFFFF_FFFF, 0, 0xFF00_FFFF, 0xFF00_FFFF]
    return [
      Block(at: first, OptionByteCoding.words.encoded([0xFFEF_F8AA] + none)),
      Block(at: second, OptionByteCoding.words.encoded([0xFFFF_FFFF] + none)),
    ]
  }

  private static let areas = [
    Area("WRP1A"), Area("WRP1B"), Area("WRP2A", bank: 1), Area("WRP2B", bank: 1),
  ]

  private static func protection(pcrop width: UInt32) -> [OptionField] {
    var fields: [OptionField] = []
    for bank in 0..<2 {
      let number = bank + 1
      fields.append(
        .readoutArea(
          "PCROP\(number)_STRT", "start of the area that cannot be read, in units of 8 bytes",
          at: 8,
          width: width, block: bank))
      fields.append(
        .readoutArea(
          "PCROP\(number)_END", "end of that area; none where it is below the start", at: 0x10,
          width: width, block: bank))
      if bank == 0 {
        fields.append(
          .flag(
            "PCROP_RDP", "that area when read protection goes from level 1 to 0", at: 0x10, bit: 31,
            zero: "kept when RDP goes from 1 to 0", one: "erased when RDP goes from 1 to 0"))
      }
      fields += OptionField.area("WRP\(number)A", at: 0x18, width: 8, block: bank)
      fields += OptionField.area("WRP\(number)B", at: 0x20, width: 8, block: bank)
    }
    return fields
  }
}
