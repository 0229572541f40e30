/// G4: as the L4, with the securable area behind.
extension OptionByteLayout {
  /// STM32G4.
  ///
  /// RM0440, 3.4.1: OPTR, PCROP1SR, PCROP1ER, WRP1AR, WRP1BR, SEC1R from 0x1FFF7800 on, eight bytes
  /// apart; the second bank (category 3: G47x, G48x) from 0x1FFFF800 on, without its own OPTR. ST's
  /// open bootloader for the G4 takes the same places. Production values: OPTR 0xFFEFF8AA, PCROP1SR
  /// 0xFFFFFFFF, PCROP1ER 0x00FF0000, WRP1AR and WRP1BR 0xFF00FFFF, SEC1R 0xFF00FF00.
  ///
  /// The strings say 48 bytes a block for a G474, and a G431 was seen with 40: without the last cell.
  public static let stm32g4 = OptionByteLayout(
    "stm32g4", "STM32G4", manual: "RM0440, 3.4.1", coding: .words,
    blocks: [
      Block(
        at: 0x1FFF_7800, OptionByteCoding.words.encoded([0xFFEF_F8AA] + noProtection),
        leastCount: 40),
      Block(
        at: 0x1FFF_F800, OptionByteCoding.words.encoded([0xFFFF_FFFF] + noProtection),
        leastCount: 40),
    ],
    fields: [.readProtection(at: 0), .brownOutL4(bit: 8)] + OptionField.powerL4 + [
      .boot(
        "BFB2", "which bank the part starts from (category 3)", at: 0, bit: 20,
        zero: "bank 1 starts",
        one: "bank 2 starts"),
      .flag(
        "DBANK", "banks of the flash (category 3)", at: 0, bit: 22, zero: "one bank of flash",
        one: "two banks of flash",
        caution: "The pages are others then: what is in the flash is not a program any more."),
      .nBOOT1,
    ] + OptionField.ramOptions("SRAM_PE", "CCMSRAM_RST", "SRAM1 and CCM SRAM")
      + OptionField.softwareBoot + [
        OptionField(
          "NRST_MODE", "what the reset pin does", at: 0, bit: 28, width: 2,
          .choice([
            OptionChoice(0, "reserved"), OptionChoice(1, "reset input only"),
            OptionChoice(2, "an ordinary pin, no reset"), OptionChoice(3, "reset input and output"),
          ])),
        .flag(
          "IRHEN", "holding the reset pin low by itself", at: 0, bit: 30,
          zero: "a reset pulls the pin for a moment",
          one: "a reset pulls the pin until it is low"),
      ] + bank(0) + bank(1),
    areas: [Area("WRP1A"), Area("WRP1B"), Area("WRP2A", bank: 1), Area("WRP2B", bank: 1)],
    pages: Pages(2048, bankField: "DBANK", inOneBank: 4096))

  private static let noProtection: [UInt32] = [
    0xFFFF_FFFF, 0x00FF_0000, 0xFF00_FFFF, 0xFF00_FFFF, 0xFF00_FF00,
  ]

  private static func bank(_ bank: Int) -> [OptionField] {
    let number = bank + 1
    var fields: [OptionField] = [
      .readoutArea(
        "PCROP\(number)_STRT", "start of the area that cannot be read, in units of 8 bytes", at: 8,
        width: 15, block: bank),
      .readoutArea(
        "PCROP\(number)_END", "end of that area; none where it is below the start", at: 0x10,
        width: 15, block: bank),
    ]
    if bank == 0 {
      fields.append(
        .flag(
          "PCROP_RDP", "that area when read protection goes from level 1 to 0", at: 0x10, bit: 31,
          zero: "kept when RDP goes from 1 to 0", one: "erased when RDP goes from 1 to 0"))
    }
    fields += OptionField.area("WRP\(number)A", at: 0x18, width: 7, block: bank)
    fields += OptionField.area("WRP\(number)B", at: 0x20, width: 7, block: bank)
    fields.append(
      OptionField(
        "SEC_SIZE\(number)", "pages that can be hidden until the next reset", at: 0x28, bit: 0,
        width: 8, .number, block: bank))
    if bank == 0 {
      fields.append(
        .flag(
          "BOOT_LOCK", "starting from the flash only", at: 0x28, bit: 16,
          zero: "not forced: pin and options decide",
          one: "forced: always from the flash", caution: OptionField.mayHideBootloader))
    }
    return fields
  }
}
