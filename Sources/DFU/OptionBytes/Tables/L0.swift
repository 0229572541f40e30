/// L0: words of 16 bits, with their complement in the upper half of 32.
extension OptionByteLayout {
  /// STM32L0 (categories 3 and 5: L05x to L08x).
  ///
  /// RM0367, 3.8 and table "option byte organisation": 0x1FF80000 bits 7:0 RDPROT, bit 8 WPRMOD;
  /// 0x1FF80004 bits 3:0 BOR_LEV, bit 4 WDG_SW, bit 5 nRST_STOP, bit 6 nRST_STDBY, bit 7 BFB2, bit 15
  /// nBOOT1; from 0x1FF80008 on WRP, a bit for 32 pages of 128 bytes. 1 protects there, unless WPRMOD
  /// is set (3.8.2). Production value of FLASH_OPTR 0x807000AA.
  public static let stm32l0 = OptionByteLayout(
    "stm32l0", "STM32L0", manual: "RM0367, 3.8", coding: .halfWords,
    blocks: [
      Block(
        at: 0x1FF8_0000, OptionByteCoding.halfWords.encoded([0x00AA, 0x8070, 0, 0, 0]),
        leastCount: 12)
    ],
    fields: [
      .readProtection(at: 0, name: "RDPROT"),
      .flag(
        "WPRMOD", "what the bits of WRP protect against", at: 0, bit: 8,
        zero: "writing: what WRP forbids",
        one: "reading and writing (PCROP): what WRP forbids", caution: OptionField.cannotGoBack),
      OptionField(
        "BOR_LEV", "supply voltage below which the part is held in reset", at: 4, bit: 0, width: 4,
        .choice(
          (0..<8).map { OptionChoice($0, "off: the level at power-on") } + [
            OptionChoice(8, "level 1: 1.69 V to 1.8 V"),
            OptionChoice(9, "level 2: 1.94 V to 2.1 V"),
            OptionChoice(10, "level 3: 2.3 V to 2.49 V"),
            OptionChoice(11, "level 4: 2.54 V to 2.74 V"),
            OptionChoice(12, "level 5: 2.77 V to 3.0 V"),
          ])),
      .watchdog("WDG_SW", "independent watchdog", at: 4, bit: 4),
      .resetIn("Stop", "nRST_STOP", at: 4, bit: 5),
      .resetIn("Standby", "nRST_STDBY", at: 4, bit: 6),
      .boot(
        "BFB2", "which bank the part starts from (category 5)", at: 4, bit: 7,
        zero: "bank 1 starts",
        one: "bank 2 starts if it holds a program"),
      .boot(
        "nBOOT1", "with the boot pin high: system memory (1) or SRAM (0)", at: 4, bit: 15,
        zero: "SRAM with the boot pin high", one: "system memory with the boot pin high"),
    ]
      + (0..<3).map { number in
        OptionField(
          "WRP\(number + 1)", "write protection, a bit for 4 KiB each", at: 8 + 4 * number, bit: 0,
          width: 16,
          .protection(
            SectorBits(.bytes(4096), first: 16 * number, protecting: 1, mode: "WPRMOD")))
      })
}
