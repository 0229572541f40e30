/// H7: the registers of the flash controller from OPTSR_CUR on.
///
/// The interface string says `/0x5200201C/01*128 e` (H743, H750), `01*88 e` (H72x) or `01*297 e`
/// (H7A3): the addresses are those of the registers (RM0433, 4.9; RM0468; RM0455), and the lengths end
/// behind OPTSR2_CUR and behind the registers of the second bank. That a read gives the registers
/// themselves, and which words a write takes, is concluded from that; no document says it.
///
/// Offsets in the window, current and to program: OPTSR 0x00 and 0x04, PRAR of the first bank 0x0C and
/// 0x10, SCAR 0x14 and 0x18, WPSN 0x1C and 0x20, BOOT 0x24 and 0x28; of the second bank PRAR 0x10C, SCAR
/// 0x114, WPSN 0x11C. A new part has OPTSR 0x1BC6AAF0, PRAR, SCAR and WPSN 0x000000FF, BOOT 0x1FF00800.
extension OptionByteLayout {
  /// H742 to H757: two banks of eight sectors, of which the window shows the first.
  public static let stm32h7 = OptionByteLayout(
    "stm32h7", "STM32H7", manual: "RM0433, 4.9", coding: .registers,
    blocks: [Block(at: 0x5200_201C, window(128, sectors: 0xFF), leastCount: 44)],
    fields: status + [swapped] + bank(1, 0x0C, SectorBits(.sectors(1)), width: 8) + boot)

  /// H723 to H735, H730: one bank of eight sectors.
  public static let stm32h72x = OptionByteLayout(
    "stm32h72x", "STM32H72x/H73x", manual: "RM0468, FLASH registers", coding: .registers,
    blocks: [Block(at: 0x5200_201C, window(88, sectors: 0xFF), leastCount: 44)],
    fields: status + bank(1, 0x0C, SectorBits(.sectors(1)), width: 8) + boot)

  /// H7A3, H7B3: two banks of 128 sectors of 8 KiB, four of which share a bit.
  public static let stm32h7ab = OptionByteLayout(
    "stm32h7ab", "STM32H7A3/H7B3", manual: "RM0455, FLASH registers", coding: .registers,
    blocks: [Block(at: 0x5200_201C, window(297, sectors: 0xFFFF_FFFF), leastCount: 44)],
    fields: status + [swapped] + bank(1, 0x0C, SectorBits(.sectors(4)), width: 32) + boot
      + bank(2, 0x10C, SectorBits(.sectors(4), first: 128), width: 32))

  private static func window(_ count: Int, sectors: UInt32) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let coding = OptionByteCoding.registers
    coding.store(0x1BC6_AAF0, at: 0, in: &bytes)
    for bank in [0x0C, 0x10C] {
      coding.store(0xFF, at: bank, in: &bytes)
      coding.store(0xFF, at: bank + 8, in: &bytes)
      coding.store(sectors, at: bank + 16, in: &bytes)
    }
    coding.store(0x1FF0_0800, at: 0x24, in: &bytes)
    return bytes
  }

  private static let status: [OptionField] = [
    .readProtection(at: 0, bit: 8),
    OptionField(
      "BOR_LEV", "supply voltage below which the part is held in reset", at: 0, bit: 2, width: 2,
      .choice([
        OptionChoice(0, "off: the level at power-on"), OptionChoice(1, "level 1: 2.1 V"),
        OptionChoice(2, "level 2: 2.4 V"), OptionChoice(3, "level 3: 2.7 V"),
      ])),
    .watchdog("IWDG1_SW", "independent watchdog", at: 0, bit: 4),
    .resetIn("DStop", "NRST_STOP_D1", at: 0, bit: 6),
    .resetIn("DStandby", "NRST_STBY_D1", at: 0, bit: 7),
    .watchdogIn("Stop", "IWDG_FZ_STOP", at: 0, bit: 17),
    .watchdogIn("Standby", "IWDG_FZ_SDBY", at: 0, bit: 18),
    OptionField(
      "ST_RAM_SIZE", "data RAM that ST's secure services take", at: 0, bit: 19, width: 2,
      .choice([
        OptionChoice(0, "2 KiB for ST's services"), OptionChoice(1, "4 KiB for ST's services"),
        OptionChoice(2, "8 KiB for ST's services"),
        OptionChoice(3, "16 KiB for ST's services"),
      ])),
    .flag(
      "SECURITY", "secure access mode", at: 0, bit: 21, zero: "off: no secure area",
      one: "on: there may be secure areas",
      caution: "It can be taken back only where no area is secure, and only in level 0 or 1."),
    .flag(
      "IO_HSLV", "fast pins at a low supply voltage", at: 0, bit: 29, zero: "off: for any supply",
      one: "on: for a supply below 2.5 V only",
      caution: "Above 2.5 V it may destroy the pins."),
  ]

  private static let swapped = OptionField.boot(
    "SWAP_BANK_OPT", "the order of the banks", at: 0, bit: 31,
    zero: "not swapped: bank 1 comes first",
    one: "swapped: bank 2 comes first")

  private static let boot: [OptionField] = [
    OptionField(
      "BOOT_ADD0", "where the part starts with the boot pin low", at: 0x24, bit: 0, width: 16,
      .address(shift: 16), caution: OptionField.mayHideBootloader),
    OptionField(
      "BOOT_ADD1", "where the part starts with the boot pin high", at: 0x24, bit: 16, width: 16,
      .address(shift: 16), caution: OptionField.mayHideBootloader),
  ]

  private static func bank(
    _ number: Int, _ offset: Int, _ sectors: SectorBits, width: UInt32
  ) -> [OptionField] {
    var fields: [OptionField] = []
    for (register, name, what) in [
      (0, "PROT_AREA", "area that can only be executed"), (8, "SEC_AREA", "secure area"),
    ] {
      fields.append(
        .readoutArea(
          "\(name)_START\(number)", "start of the \(what), in units of 256 bytes",
          at: offset + register, width: 12))
      fields.append(
        OptionField(
          "\(name)_END\(number)", "end of that area; none where it is below the start",
          at: offset + register, bit: 16, width: 12, .number, caution: OptionField.cannotGoBack))
      fields.append(
        .flag(
          register == 0 ? "DMEP\(number)" : "DMES\(number)",
          "that area when the bank is erased or read protection goes from level 1 to 0",
          at: offset + register, bit: 31, zero: "kept by an erase of the bank",
          one: "erased with the bank"))
    }
    fields.append(
      OptionField(
        "WRPSn\(number)", "write protection of bank \(number), 0 for protected", at: offset + 16,
        bit: 0, width: width, .protection(sectors)))
    return fields
  }
}
