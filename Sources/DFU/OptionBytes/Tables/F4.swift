/// F2 and F4: two cells of 16 bits in each block.
///
/// RM0090, 3.7.1, tables 16 and 17 (rev. 4 and later): 0x1FFFC000 bits 7:0 USER, bits 15:8 RDP;
/// 0x1FFFC008 nWRP of sectors 0 to 11; on parts with two banks 0x1FFEC008 nWRP of sectors 12 to 23.
/// USER: bits 3:2 BOR_LEV, bit 4 BFB2 (two banks only), bit 5 WDG_SW, bit 6 nRST_STOP, bit 7
/// nRST_STDBY.
///
/// Dumps: `ef aa 10 55 ef aa 10 55 ff 7f 00 80 ff 7f 00 80` of an F446, and 0x5500AAFF at 0x1FFFC000
/// of an F405 with OPTCR 0x0FFFAAED: unused bits read 1, complements are stored.
extension OptionByteLayout {
  /// F2, F405, F407, F415, F417: 12 sectors at most, no protection against reading for single sectors.
  public static let stm32f4 = OptionByteLayout(
    "stm32f4", "STM32F2, F405/F407", manual: "RM0090, 3.7.1", coding: .doubledHalfWords,
    blocks: [Block(at: 0x1FFF_C000, OptionByteCoding.doubledHalfWords.encoded([0xAAFF, 0xFFFF]))],
    fields: user + [
      writeProtection("nWRP", "sectors 0 to 11", width: 12, SectorBits(.sectors(1)))
    ])

  /// F401, F410, F411, F412, F446: SPRMOD in bit 15 of the second cell (RM0368, 3.6.1; RM0390,
  /// 3.6.1).
  ///
  /// An F405 or F407 with 512 KiB looks the same over DFU, and its bit 15 is not used and reads 1.
  public static let stm32f411 = OptionByteLayout(
    "stm32f411", "STM32F401/F411/F446", manual: "RM0368, 3.6.1; RM0390, 3.6.1",
    coding: .doubledHalfWords,
    blocks: [Block(at: 0x1FFF_C000, OptionByteCoding.doubledHalfWords.encoded([0xAAEF, 0x7FFF]))],
    fields: user + [
      writeProtection("nWRP", "sectors 0 to 7", width: 8, SectorBits(.sectors(1), mode: "SPRMOD")),
      readProtectionMode(note: " (not used on F405 and F407)"),
    ])

  /// F413, F423: 16 sectors, the last two of which share a bit (RM0430, 3.7.1).
  public static let stm32f413 = OptionByteLayout(
    "stm32f413", "STM32F413", manual: "RM0430, 3.7.1", coding: .doubledHalfWords,
    blocks: [Block(at: 0x1FFF_C000, OptionByteCoding.doubledHalfWords.encoded([0xAAEF, 0x7FFF]))],
    fields: user + [
      writeProtection(
        "nWRP", "sectors 0 to 15", width: 15,
        SectorBits(.sectors(1), lastCoversRest: true, mode: "SPRMOD")),
      readProtectionMode(),
    ])

  /// F42x, F43x, F46x, F47x: two banks, two blocks; DB1M in bit 14, SPRMOD in bit 15.
  public static let stm32f429 = OptionByteLayout(
    "stm32f429", "STM32F42x/F43x/F46x", manual: "RM0090, 3.7.1", coding: .doubledHalfWords,
    blocks: [
      Block(at: 0x1FFF_C000, OptionByteCoding.doubledHalfWords.encoded([0xAAEF, 0x0FFF])),
      Block(at: 0x1FFE_C000, OptionByteCoding.doubledHalfWords.encoded([0xFFFF, 0xFFFF])),
    ],
    fields: user + [
      .boot(
        "BFB2", "which bank the part starts from", at: 0, bit: 4, zero: "bank 1 starts",
        one: "bank 2 starts if it holds a program"),
      writeProtection(
        "nWRP", "sectors 0 to 11", width: 12, SectorBits(.sectors(1), mode: "SPRMOD")),
      .flag(
        "DB1M", "banks of a part with 1 MiB", at: 8, bit: 14, zero: "one bank if it has 1 MiB",
        one: "two banks if it has 1 MiB",
        caution: "The sectors of a part with 1 MiB are others then: erase and write it anew."),
      readProtectionMode(),
      OptionField(
        "nWRP12_23", "write protection of sectors 12 to 23, 0 for protected", at: 8, bit: 0,
        width: 12,
        .protection(SectorBits(.sectors(1), first: 12, mode: "SPRMOD")), block: 1),
    ])

  private static let user: [OptionField] = [
    .readProtection(at: 0, bit: 8), .brownOutF4(at: 0),
    .watchdog("WDG_SW", "independent watchdog", at: 0, bit: 5),
    .resetIn("Stop", "nRST_STOP", at: 0, bit: 6),
    .resetIn("Standby", "nRST_STDBY", at: 0, bit: 7),
  ]

  private static func writeProtection(
    _ name: String, _ sectors: String, width: UInt32, _ bits: SectorBits
  ) -> OptionField {
    OptionField(
      name, "write protection of \(sectors), 0 for protected", at: 8, bit: 0, width: width,
      .protection(bits))
  }

  private static func readProtectionMode(note: String = "") -> OptionField {
    .flag(
      "SPRMOD", "what the bits of nWRP protect against", at: 8, bit: 15,
      zero: "writing: what nWRP forbids",
      one: "reading and writing (PCROP): what nWRP forbids" + note,
      caution: OptionField.cannotGoBack)
  }
}
