/// F7: cells of 16 bits, in the order of the registers OPTCR, OPTCR1 and OPTCR2.
///
/// RM0385, 3.4.1 (F74x, F75x), RM0410, 3.4.1 (F76x, F77x), RM0431, 3.4.1 (F72x, F73x): 0x1FFF0000 bits
/// 15:8 RDP and 7:0 USER; 0x1FFF0008 nWRP, and from the top IWDG_STOP, IWDG_STDBY, nDBANK, nDBOOT;
/// 0x1FFF0010 BOOT_ADD0, 0x1FFF0018 BOOT_ADD1; on F72x 0x1FFF0020 PCROP and 0x1FFF0028, bit 15,
/// PCROP_RDP. A boot address is given by its bits 29:14.
///
/// A dump of an F730 over DFU: `ff aa 00 55` twice, `ff ff 00 00` twice, `80 00 7f ff` twice, `40 00 bf
/// ff` twice.
extension OptionByteLayout {
  /// F74x, F75x: eight sectors.
  public static let stm32f746 = OptionByteLayout(
    "stm32f746", "STM32F74x/F75x", manual: "RM0385, 3.4.1", coding: .doubledHalfWords,
    blocks: [blockF7],
    fields: user + [nWRP(8, SectorBits(.sectors(1)))] + watchdogs + boot)

  /// F76x, F77x: twelve sectors, or 24 in two banks.
  public static let stm32f767 = OptionByteLayout(
    "stm32f767", "STM32F76x/F77x", manual: "RM0410, 3.4.1", coding: .doubledHalfWords,
    blocks: [blockF7],
    fields: user + [nWRP(12, SectorBits(.sectors(1), pairedBy: "nDBANK"))] + [
      .boot(
        "nDBOOT", "starting from the second bank", at: 8, bit: 12, zero: "either bank may start",
        one: "only the boot address counts"),
      .flag(
        "nDBANK", "banks of the flash", at: 8, bit: 13, zero: "two banks of flash",
        one: "one bank of flash",
        caution: "The sectors are others then: what is in the flash is not a program any more."),
    ] + watchdogs + boot)

  /// F72x, F73x: protection against reading for each sector besides.
  public static let stm32f730 = OptionByteLayout(
    "stm32f730", "STM32F72x/F73x", manual: "RM0431, 3.4.1", coding: .doubledHalfWords,
    blocks: [
      Block(
        at: 0x1FFF_0000,
        blockF7.factoryBytes
          + OptionByteCoding.doubledHalfWords.encoded([0xFFFF, 0xFFFF]), leastCount: 32)
    ],
    fields: user + [nWRP(8, SectorBits(.sectors(1)))] + watchdogs + boot + [
      OptionField(
        "PCROP", "protection of sectors 0 to 7 against reading, 0 for protected", at: 0x20, bit: 0,
        width: 8, .number, caution: OptionField.cannotGoBack),
      .flag(
        "PCROP_RDP", "protected sectors when read protection goes from level 1 to 0", at: 0x28,
        bit: 15, zero: "kept when RDP goes from 1 to 0", one: "erased when RDP goes from 1 to 0"),
    ])

  private static let blockF7 = Block(
    at: 0x1FFF_0000,
    OptionByteCoding.doubledHalfWords.encoded([0xAAFF, 0xFFFF, 0x0080, 0x0040]))

  private static let user: [OptionField] = [
    .readProtection(at: 0, bit: 8), .brownOutF4(at: 0),
    .watchdog("WWDG_SW", "window watchdog", at: 0, bit: 4),
    .watchdog("IWDG_SW", "independent watchdog", at: 0, bit: 5),
    .resetIn("Stop", "nRST_STOP", at: 0, bit: 6),
    .resetIn("Standby", "nRST_STDBY", at: 0, bit: 7),
  ]

  private static func nWRP(_ width: UInt32, _ bits: SectorBits) -> OptionField {
    OptionField(
      "nWRP", "write protection, 0 for protected", at: 8, bit: 0, width: width, .protection(bits))
  }

  private static let watchdogs: [OptionField] = [
    .watchdogIn("Standby", "IWDG_STDBY", at: 8, bit: 14),
    .watchdogIn("Stop", "IWDG_STOP", at: 8, bit: 15),
  ]

  private static let boot: [OptionField] = [
    OptionField(
      "BOOT_ADD0", "where the part starts with the boot pin low", at: 0x10, bit: 0, width: 16,
      .address(shift: 14), caution: OptionField.mayHideBootloader),
    OptionField(
      "BOOT_ADD1", "where the part starts with the boot pin high", at: 0x18, bit: 0, width: 16,
      .address(shift: 14), caution: OptionField.mayHideBootloader),
  ]
}
