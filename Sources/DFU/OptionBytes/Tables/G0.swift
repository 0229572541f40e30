/// G0: words of 32 bits, all in one block.
extension OptionByteLayout {
  /// STM32G0.
  ///
  /// RM0444, 3.4.1: OPTR, PCROP1ASR, PCROP1AER, WRP1AR, WRP1BR, PCROP1BSR, PCROP1BER from 0x1FFF7800 on,
  /// eight bytes apart; on G0B1 and G0C1 PCROP2ASR at +0x38, PCROP2AER, WRP2AR at +0x48, WRP2BR,
  /// PCROP2BSR, PCROP2BER; SECR at +0x70. Production value of OPTR 0xFFFFFEAA (0xDFFFE1AA on G0x0,
  /// which have no brown-out reset).
  ///
  /// The factory bootloader of a G0 shows its flash on all three alternate settings and these bytes on
  /// none, so this table is for bootloaders of one's own, and for files.
  public static let stm32g0 = OptionByteLayout(
    "stm32g0", "STM32G0", manual: "RM0444, 3.4.1", coding: .words,
    blocks: [Block(at: 0x1FFF_7800, OptionByteCoding.words.encoded(factory), leastCount: 40)],
    fields: user + protection,
    areas: [Area("WRP1A"), Area("WRP1B"), Area("WRP2A", bank: 1), Area("WRP2B", bank: 1)],
    pages: Pages(2048, bankField: "DUAL_BANK"))

  private static let factory: [UInt32] =
    [0xFFFF_FEAA, 0xFFFF_FFFF, 0, 0xFF, 0xFF, 0xFFFF_FFFF, 0]
    + [0xFFFF_FFFF, 0, 0xFF, 0xFF, 0xFFFF_FFFF, 0, 0xFFFF_FFFF, 0]

  private static let user: [OptionField] =
    [.readProtection(at: 0)] + brownOut + [
      .resetIn("Stop", "nRST_STOP", at: 0, bit: 13),
      .resetIn("Standby", "nRST_STDBY", at: 0, bit: 14),
      .resetIn("Shutdown", "nRST_SHDW", at: 0, bit: 15),
      .watchdog("IWDG_SW", "independent watchdog", at: 0, bit: 16),
      .watchdogIn("Stop", "IWDG_STOP", at: 0, bit: 17),
      .watchdogIn("Standby", "IWDG_STDBY", at: 0, bit: 18),
      .watchdog("WWDG_SW", "window watchdog", at: 0, bit: 19),
      .boot(
        "nSWAP_BANK", "the order of the banks (G0B1, G0C1)", at: 0, bit: 20,
        zero: "swapped: bank 2 comes first",
        one: "not swapped: bank 1 comes first"),
      .flag(
        "DUAL_BANK", "banks of the flash (G0B1, G0C1)", at: 0, bit: 21, zero: "one bank of flash",
        one: "two banks of flash"),
      .flag(
        "RAM_PARITY_CHECK", "parity check of the SRAM", at: 0, bit: 22,
        zero: "parity of the SRAM checked",
        one: "no parity check of the SRAM"),
      .boot(
        "nBOOT_SEL", "where BOOT0 comes from", at: 0, bit: 24, zero: "the pin decides",
        one: "the option nBOOT0 decides"),
      .boot(
        "nBOOT1", "with BOOT0 high: system memory (1) or SRAM (0)", at: 0, bit: 25,
        zero: "SRAM with BOOT0 high",
        one: "system memory with BOOT0 high"),
      .boot(
        "nBOOT0", "BOOT0 while it comes from the options, inverted", at: 0, bit: 26,
        zero: "BOOT0 counts as high", one: "BOOT0 counts as low"),
      OptionField(
        "NRST_MODE", "what the reset pin does", at: 0, bit: 27, width: 2,
        .choice([
          OptionChoice(0, "reserved"), OptionChoice(1, "reset input only"),
          OptionChoice(2, "an ordinary pin, no reset"), OptionChoice(3, "reset input and output"),
        ])),
      .flag(
        "IRHEN", "holding the reset pin low by itself", at: 0, bit: 29,
        zero: "a reset pulls the pin for a moment",
        one: "a reset pulls the pin until it is low"),
    ]

  private static let brownOut: [OptionField] = [
    .flag(
      "BOR_EN", "brown-out reset", at: 0, bit: 8, zero: "off: the level at power-on",
      one: "on: BORR_LEV and BORF_LEV count"),
    OptionField(
      "BORR_LEV", "supply voltage above which the part starts", at: 0, bit: 9, width: 2,
      .choice([
        OptionChoice(0, "level 1: around 2.1 V"), OptionChoice(1, "level 2: around 2.3 V"),
        OptionChoice(2, "level 3: around 2.6 V"), OptionChoice(3, "level 4: around 2.9 V"),
      ])),
    OptionField(
      "BORF_LEV", "supply voltage below which the part is held in reset", at: 0, bit: 11, width: 2,
      .choice([
        OptionChoice(0, "level 1: around 2.0 V"), OptionChoice(1, "level 2: around 2.2 V"),
        OptionChoice(2, "level 3: around 2.5 V"), OptionChoice(3, "level 4: around 2.8 V"),
      ])),
  ]

  private static let protection: [OptionField] =
    readout("1A", 0x08) + [
      .flag(
        "PCROP_RDP", "areas that cannot be read, when read protection goes from level 1 to 0",
        at: 0x10, bit: 31, zero: "kept when RDP goes from 1 to 0",
        one: "erased when RDP goes from 1 to 0")
    ] + OptionField.area("WRP1A", at: 0x18, width: 7)
    + OptionField.area("WRP1B", at: 0x20, width: 7) + readout("1B", 0x28) + readout("2A", 0x38)
    + OptionField.area("WRP2A", at: 0x48, width: 7)
    + OptionField.area("WRP2B", at: 0x50, width: 7) + readout("2B", 0x58) + [
      OptionField(
        "SEC_SIZE", "pages that can be hidden until the next reset", at: 0x70, bit: 0, width: 8,
        .number),
      .flag(
        "BOOT_LOCK", "starting from the flash only", at: 0x70, bit: 16,
        zero: "not forced: pin and options decide",
        one: "forced: always from the flash", caution: OptionField.mayHideBootloader),
      OptionField(
        "SEC_SIZE2", "the same of the second bank (G0B1, G0C1)", at: 0x70, bit: 20, width: 8,
        .number),
    ]

  private static func readout(_ name: String, _ offset: Int) -> [OptionField] {
    [
      .readoutArea(
        "PCROP\(name)_STRT", "start of an area that cannot be read, in units of 512 bytes",
        at: offset, width: 9),
      .readoutArea(
        "PCROP\(name)_END", "end of that area; none where it is below the start", at: offset + 8,
        width: 9),
    ]
  }
}
