/// F0, F1 and F3: eight bytes, each with its complement behind it.
extension OptionByteLayout {
  /// STM32F105 and F107.
  ///
  /// PM0075, 2.5, tables 6 to 8: RDP, USER, Data0, Data1, WRP0 to WRP3 from 0x1FFFF800 on, each in the
  /// lower half of 16 bits. USER: bit 0 WDG_SW, bit 1 nRST_STOP, bit 2 nRST_STDBY. A bit of WRP stands
  /// for two pages of 2 KiB, the highest of WRP3 for all from page 62 on. New parts hold `a5 5a`, and
  /// the rest erased.
  public static let stm32f1 = OptionByteLayout(
    "stm32f1", "STM32F105/F107", manual: "PM0075, 2.5", coding: .bytes,
    blocks: [Block(at: 0x1FFF_F800, [0xA5, 0x5A] + [UInt8](repeating: 0xFF, count: 14))],
    fields: [.readProtection(at: 0, .f1)] + userF1 + dataBytes + pageBits)

  /// STM32F0.
  ///
  /// RM0091, 4.1: as on the F1, and in USER bit 4 nBOOT1, bit 5 VDDA_MONITOR, bit 6
  /// RAM_PARITY_CHECK; on F04x and F09x bit 3 nBOOT0 and bit 7 BOOT_SEL besides. Production value
  /// 0x00FF55AA.
  public static let stm32f0 = OptionByteLayout(
    "stm32f0", "STM32F0", manual: "RM0091, 4.1", coding: .bytes, blocks: [blockF0],
    fields: [.readProtection(at: 0)] + userF1 + [
      .boot(
        "nBOOT0", "BOOT0 where BOOT_SEL is 0 (F04x, F09x), inverted", at: 2, bit: 3,
        zero: "BOOT0 counts as high", one: "BOOT0 counts as low"),
      nBOOT1F0,
      .flag(
        "VDDA_MONITOR", "supervision of the analogue supply", at: 2, bit: 5,
        zero: "off: VDDA is not watched",
        one: "on: VDDA is watched"
      ),
      .flag(
        "RAM_PARITY_CHECK", "parity check of the SRAM", at: 2, bit: 6,
        zero: "parity of the SRAM checked",
        one: "no parity check of the SRAM"),
      .boot(
        "BOOT_SEL", "where BOOT0 comes from (F04x, F09x)", at: 2, bit: 7,
        zero: "the option nBOOT0 decides", one: "the pin decides"),
    ] + dataBytes + pageBits)

  /// STM32F3.
  ///
  /// RM0316, option byte description (RM0313, 4, and RM0365, 5, have the same): as on the F0 without
  /// nBOOT0 and BOOT_SEL; bit 6 is called SRAM_PE.
  public static let stm32f3 = OptionByteLayout(
    "stm32f3", "STM32F3", manual: "RM0316, option byte description", coding: .bytes,
    blocks: [blockF0],
    fields: [.readProtection(at: 0)] + userF1 + [
      nBOOT1F0,
      .flag(
        "VDDA_MONITOR", "supervision of the analogue supply", at: 2, bit: 5,
        zero: "off: VDDA is not watched",
        one: "on: VDDA is watched"
      ),
      .flag(
        "SRAM_PE", "parity check of the SRAM", at: 2, bit: 6, zero: "parity of the SRAM checked",
        one: "no parity check of the SRAM"),
    ] + dataBytes + pageBits)

  private static let blockF0 = Block(
    at: 0x1FFF_F800,
    OptionByteCoding.bytes.encoded([0xAA] + [UInt32](repeating: 0xFF, count: 7)))

  private static let nBOOT1F0 = OptionField.boot(
    "nBOOT1", "with BOOT0 high: system memory (1) or SRAM (0)", at: 2, bit: 4,
    zero: "SRAM with BOOT0 high",
    one: "system memory with BOOT0 high")

  private static let userF1: [OptionField] = [
    .watchdog("WDG_SW", "independent watchdog", at: 2, bit: 0),
    .resetIn("Stop", "nRST_STOP", at: 2, bit: 1),
    .resetIn("Standby", "nRST_STDBY", at: 2, bit: 2),
  ]

  private static let dataBytes: [OptionField] = [
    OptionField("Data0", "free for the program", at: 4, bit: 0, width: 8, .number),
    OptionField("Data1", "free for the program", at: 6, bit: 0, width: 8, .number),
  ]

  /// 4 KiB a bit, whatever the size of a page.
  private static let pageBits: [OptionField] = (0..<4).map { number in
    OptionField(
      "WRP\(number)", "write protection, a bit for 4 KiB each", at: 8 + 2 * number, bit: 0,
      width: 8,
      .protection(
        SectorBits(.bytes(4096), first: 8 * number, lastCoversRest: number == 3)))
  }
}
