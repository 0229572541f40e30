/// Fields that several families have, with the same words.
extension OptionField {
  static let cannotGoBack =
    "It can be taken back only together with read protection: when that goes from level 1 to 0, which "
    + "erases the flash."

  static let mayHideBootloader =
    "It decides how the part starts: with a wrong value this bootloader may not be reached again."

  /// The level of read protection.
  static func readProtection(
    at offset: Int, bit: UInt32 = 0, _ keys: ReadProtectionKeys = .standard, name: String = "RDP"
  ) -> OptionField {
    OptionField(
      name, "read protection of the flash", at: offset, bit: bit, width: 8, .readProtection(keys))
  }

  /// One bit.
  static func flag(
    _ name: String, _ sentence: String, at offset: Int, bit: UInt32, zero: String, one: String,
    block: Int = 0, caution: String? = nil
  ) -> OptionField {
    OptionField(
      name, sentence, at: offset, bit: bit, width: 1,
      .choice([OptionChoice(0, zero), OptionChoice(1, one)]), block: block, caution: caution)
  }

  /// Who starts a watchdog.
  static func watchdog(
    _ name: String, _ which: String, at offset: Int, bit: UInt32
  ) -> OptionField {
    flag(
      name, "who starts the \(which)", at: offset, bit: bit, zero: "hardware watchdog",
      one: "software watchdog",
      caution: "A hardware watchdog runs from reset on: a program that does not serve it is reset.")
  }

  /// Whether a watchdog goes on in a low-power mode.
  static func watchdogIn(
    _ mode: String, _ name: String, at offset: Int, bit: UInt32
  ) -> OptionField {
    flag(
      name, "the independent watchdog in \(mode) mode", at: offset, bit: bit,
      zero: "frozen in \(mode) mode", one: "runs in \(mode) mode")
  }

  /// Whether entering a low-power mode resets the part.
  static func resetIn(
    _ mode: String, _ name: String, at offset: Int, bit: UInt32
  ) -> OptionField {
    flag(
      name, "entering \(mode) mode", at: offset, bit: bit, zero: "reset when entering \(mode) mode",
      one: "no reset when entering \(mode) mode")
  }

  /// A bit of a boot pin, or in place of one.
  static func boot(
    _ name: String, _ sentence: String, at offset: Int, bit: UInt32, zero: String = "0",
    one: String = "1"
  ) -> OptionField {
    flag(
      name, sentence, at: offset, bit: bit, zero: zero, one: one,
      caution: OptionField.mayHideBootloader)
  }

  /// The first and the last page of a write-protected area.
  static func area(
    _ name: String, at offset: Int, width: UInt32, block: Int = 0
  ) -> [OptionField] {
    let letter = name.dropFirst(3)
    return [
      OptionField(
        name + "_STRT", "write-protected area \(letter): first page", at: offset, bit: 0,
        width: width, .areaStart(end: name + "_END"), block: block),
      OptionField(
        name + "_END", "write-protected area \(letter): last page", at: offset, bit: 16,
        width: width, .areaEnd(start: name + "_STRT"), block: block),
    ]
  }

  /// An end of an area that only the part itself can execute.
  static func readoutArea(
    _ name: String, _ sentence: String, at offset: Int, width: UInt32, block: Int = 0
  ) -> OptionField {
    OptionField(
      name, sentence, at: offset, bit: 0, width: width, .number, block: block,
      caution: OptionField.cannotGoBack)
  }

  /// The brown-out levels of F2, F4 and F7.
  static func brownOutF4(at offset: Int) -> OptionField {
    OptionField(
      "BOR_LEV", "supply voltage below which the part is held in reset", at: offset, bit: 2,
      width: 2,
      .choice([
        OptionChoice(0, "level 3: 2.7 V to 3.6 V"), OptionChoice(1, "level 2: 2.4 V to 2.7 V"),
        OptionChoice(2, "level 1: 2.1 V to 2.4 V"), OptionChoice(3, "off: 1.8 V to 2.1 V"),
      ]))
  }

  /// The brown-out levels of L4, L4+, G4 and WB.
  static func brownOutL4(bit: UInt32) -> OptionField {
    OptionField(
      "BOR_LEV", "supply voltage below which the part is held in reset", at: 0, bit: bit, width: 3,
      .choice([
        OptionChoice(0, "level 0: around 1.7 V"), OptionChoice(1, "level 1: around 2.0 V"),
        OptionChoice(2, "level 2: around 2.2 V"), OptionChoice(3, "level 3: around 2.5 V"),
        OptionChoice(4, "level 4: around 2.8 V"),
      ]))
  }

  /// Resets and watchdogs of the first word of L4, L4+, G4 and WB.
  static let powerL4: [OptionField] = [
    .resetIn("Stop", "nRST_STOP", at: 0, bit: 12),
    .resetIn("Standby", "nRST_STDBY", at: 0, bit: 13),
    .resetIn("Shutdown", "nRST_SHDW", at: 0, bit: 14),
    .watchdog("IWDG_SW", "independent watchdog", at: 0, bit: 16),
    .watchdogIn("Stop", "IWDG_STOP", at: 0, bit: 17),
    .watchdogIn("Standby", "IWDG_STDBY", at: 0, bit: 18),
    .watchdog("WWDG_SW", "window watchdog", at: 0, bit: 19),
  ]

  static let nBOOT1 = boot(
    "nBOOT1", "with the boot pin high: system memory (1) or SRAM (0)", at: 0, bit: 23,
    zero: "SRAM with the boot pin high", one: "system memory with the boot pin high")

  /// Boot without the pin: L43x, L4+, G4, WB.
  static let softwareBoot: [OptionField] = [
    boot(
      "nSWBOOT0", "where BOOT0 comes from", at: 0, bit: 26, zero: "the option nBOOT0 decides",
      one: "the pin decides"),
    boot(
      "nBOOT0", "BOOT0 while it comes from the options, inverted", at: 0, bit: 27,
      zero: "BOOT0 counts as high", one: "BOOT0 counts as low"),
  ]

  static func ramOptions(_ parity: String, _ reset: String, _ ram: String) -> [OptionField] {
    [
      .flag(
        parity, "parity check of \(ram)", at: 0, bit: 24, zero: "parity of \(ram) checked",
        one: "no parity check of \(ram)"),
      .flag(
        reset, "\(ram) at a reset", at: 0, bit: 25, zero: "a reset erases \(ram)",
        one: "a reset keeps \(ram)"),
    ]
  }
}
