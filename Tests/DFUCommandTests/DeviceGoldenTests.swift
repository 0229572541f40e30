import Testing

/// What the device verbs print, text by text, on virtual boards in simulated time: every duration is
/// the same on every machine.
@Suite struct DeviceGoldenTests {
  static let board = "virtual:stm32f407?speed=instant"

  static let cases: [GoldenCase] =
    ["list", "flash", "read", "verify", "erase", "blank-check", "leave", "unprotect"].map {
      GoldenCase("help-\($0)", $0, "--help")
    }
    + profiles.map {
      GoldenCase("list-\($0)", "list", "-d", "virtual:\($0)?speed=instant")
    } + [
      GoldenCase("list-json", "list", "-d", board, "--json"),
      GoldenCase("list-color", "list", "-d", board, "--color", "always"),
      GoldenCase(
        "list-several", "list", "-d", board, "-d", "virtual:stm32l476?speed=instant"),

      GoldenCase("flash-hex", "flash", "app.hex", "-d", board),
      GoldenCase("flash-json", "flash", "app.hex", "-d", board, "--json"),
      GoldenCase("flash-events", "flash", "app.hex", "-d", board, "--events"),
      GoldenCase("flash-plan", "flash", "program.bin", "-d", board, "--plan"),
      GoldenCase("flash-plan-json", "flash", "program.bin", "-d", board, "--plan", "--json"),
      GoldenCase(
        "flash-two-files", "flash", "0x08000000:program.bin", "0x08010000:data.bin", "-d", board),
      GoldenCase(
        "flash-write-protected", "flash", "data.bin", "--address", "0x08008000", "-d",
        "virtual:stm32f407-wrp?speed=instant"),
      GoldenCase(
        "flash-read-protected", "flash", "app.hex", "-d",
        "virtual:stm32f407-rdp1?speed=instant"),
      GoldenCase("flash-no-verify", "flash", "app.hex", "-d", board, "--no-verify"),
      GoldenCase("verify-different", "verify", "app.hex", "-d", board),
      GoldenCase("verify-json", "verify", "app.hex", "-d", board, "--json"),
      GoldenCase("blank", "blank-check", "--length", "64K", "--address", "0x08000000", "-d", board),
      GoldenCase(
        "erase-sector", "erase", "--address", "0x08010000", "--length", "64K", "-d", board),
      GoldenCase("erase-all", "erase", "--all", "--yes", "-d", board),
      GoldenCase("leave-blank", "leave", "-d", board),
      GoldenCase(
        "unprotect", "unprotect", "--yes", "-d", "virtual:stm32f407-rdp1?speed=instant"),

      GoldenCase("bad-no-device", "flash", "app.hex"),
      GoldenCase("bad-physical-device", "list", "-d", "0483:df11"),
      GoldenCase("bad-selector", "list", "-d", "stm32"),
      GoldenCase("bad-profile", "list", "-d", "virtual:stm32f999"),
      GoldenCase("bad-profile-option", "list", "-d", "virtual:stm32f407?leave=x"),
      GoldenCase("bad-two-devices", "flash", "app.hex", "-d", board, "-d", board),
      GoldenCase("bad-flash-missing", "flash", "none.hex", "-d", board),
      GoldenCase("bad-flash-directory", "flash", ".", "-d", board),
      GoldenCase("bad-flash-empty", "flash", "empty.bin", "-d", board),
      GoldenCase("bad-flash-truncated", "flash", "truncated.dfu", "-d", board),
      GoldenCase("bad-flash-huge", "flash", "huge.bin", "-d", board),
      GoldenCase("bad-flash-crc", "flash", "crc.dfu", "-d", board),
      GoldenCase("bad-flash-overlap", "flash", "overlap.hex", "-d", board),
      GoldenCase("bad-flash-other-chip", "flash", "plain.dfu", "-d", board),
      GoldenCase(
        "bad-flash-outside", "flash", "data.bin", "--address", "0x20000000", "-d", board),
      GoldenCase(
        "bad-flash-read-only", "flash", "data.bin", "--address", "0x08000000", "-d",
        "virtual:st-library?speed=instant"),
      GoldenCase("bad-flash-no-address", "flash", "data.bin", "-d", board),
      GoldenCase("bad-flash-target", "flash", "app.hex", "--target", "Eeprom", "-d", board),
      GoldenCase("bad-read-exists", "read", "-o", "data.bin", "-d", board),
      GoldenCase(
        "bad-read-outside", "read", "-o", "out.bin", "--address", "0x09000000", "-d", board),
      GoldenCase(
        "bad-erase-part", "erase", "--address", "0x08010000", "--length", "1K", "-d", board),
      GoldenCase("bad-erase-unconfirmed", "erase", "--all", "-d", board),
      GoldenCase("bad-unprotect-unconfirmed", "unprotect", "-d", board),
      GoldenCase("bad-state", "list", "-d", "virtual:stm32f407?state=data.bin"),
    ]

  static let profiles = [
    "stm32f407", "stm32f407-rdp1", "stm32f407-wrp", "stm32f429", "stm32h743", "stm32l476",
    "st-library", "st-library-446", "dfu11", "dfu10", "lpc43xx", "stm32f730-qspi",
  ]

  @Test(arguments: cases)
  func `texts of the device verbs are those of the golden files`(_ golden: GoldenCase) throws {
    try golden.check(in: try Fixtures.workplace())
  }
}
