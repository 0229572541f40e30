import Testing

/// What the device verbs print, text by text, on virtual boards in simulated time: every duration is
/// the same on every machine.
@Suite struct DeviceGoldenTests {
  static let board = "virtual:stm32f407?speed=instant"

  static let cases: [GoldenCase] =
    [
      "list", "wait", "flash", "read", "verify", "erase", "blank-check", "detach", "leave",
      "unprotect", "emulate",
    ].map {
      GoldenCase("help-\($0)", $0, "--help")
    }
    + profiles.map {
      GoldenCase("list-\($0)", "list", "-d", "virtual:\($0)?speed=instant")
    } + [
      GoldenCase("list-json", "list", "-d", board, "--json"),
      GoldenCase("list-color", "list", "-d", board, "--color", "always"),
      GoldenCase(
        "list-several", "list", "-d", board, "-d", "virtual:stm32l476?speed=instant"),
      GoldenCase("list-any-virtual", "list", "--any", "-d", atWork, "-d", board),
      GoldenCase("list-lost", "list", "-d", board + "&faults=disconnect@4", "-d", board),
      GoldenCase("bad-list-lost", "list", "-d", board + "&faults=disconnect@4"),
      GoldenCase("bad-list-lost-late", "list", "-d", board + "&faults=disconnect@10"),

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

      GoldenCase("emulate-list", "emulate", "--list"),
      GoldenCase("emulate-list-verbose", "emulate", "--list", "--verbose"),
      GoldenCase("emulate-list-json", "emulate", "--list", "--json"),
      GoldenCase("bad-emulate", "emulate"),
      GoldenCase("emulate-describe", "emulate", "--describe", "stm32f407"),
      GoldenCase(
        "emulate-describe-option", "emulate", "--describe", "runtime?serial=A1&way-back=detach"),
      GoldenCase("bad-emulate-describe", "emulate", "--describe", "stm32f4O7"),
      GoldenCase("flash-endless-busy", "flash", "app.hex", "-d", board + "&quirks=endless-busy"),
      GoldenCase(
        "flash-mboot-itself", "flash", "app.hex", "-d", "virtual:mboot?speed=instant"),
      GoldenCase(
        "flash-l072-beyond", "flash", "data.bin", "--address", "0x08020000", "-d",
        "virtual:stm32l072?speed=instant"),
      GoldenCase("erase-mboot-all", "erase", "--all", "--yes", "-d", "virtual:mboot?speed=instant"),
      GoldenCase(
        "erase-l072-all", "erase", "--all", "--yes", "-d",
        "virtual:stm32l072?speed=instant"),

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
      GoldenCase("bad-faults", "list", "-d", "virtual:stm32f407?faults=stall@erase,boom@3"),
      GoldenCase(
        "flash-lost", "flash", "app.hex", "-d", "\(board)&faults=disconnect@write:2"),
      GoldenCase(
        "flash-busy-for-ever", "flash", "app.hex", "-d", "\(board)&faults=zero-busy@write"),
      GoldenCase(
        "flash-bit-flip", "flash", "program.bin", "-d",
        "\(board)&faults=flip@read:0x08000040.4"),
      GoldenCase("bad-state", "list", "-d", "virtual:stm32f407?state=data.bin"),
    ]

  static let profiles = [
    "stm32f105", "stm32f407", "stm32f407-rdp1", "stm32f407-wrp", "stm32f429", "stm32h743",
    "stm32l476", "stm32l072", "stm32g0b1", "stm32c5", "gd32vf103", "st-library", "st-library-446",
    "mboot", "dfu11", "dfu10", "runtime", "lpc43xx", "stm32f730-qspi",
  ]

  static let atWork = "virtual:runtime?speed=instant"
  static let late = "virtual:stm32f407?plugged-after=2.5&speed=instant"
  static let brings = "virtual:stm32f407?application=yes&runtime-id=1209:7388&speed=instant"

  /// Devices that change their mode, go and come back.
  static let modeCases: [GoldenCase] = [
    GoldenCase("list-runtime-json", "list", "-d", atWork, "--json"),
    GoldenCase("list-runtime-last", "list", "-d", atWork, "-d", board),
    GoldenCase("list-runtime-reset", "list", "-d", atWork + "&will-detach=no"),
    GoldenCase("list-runtime-button", "list", "-d", atWork + "&runtime-id=1d50:60a7"),
    GoldenCase("list-runtime-protocol-2", "list", "-d", atWork + "&protocol=2"),

    GoldenCase("detach", "detach", "-d", atWork),
    GoldenCase("detach-json", "detach", "-d", atWork, "--json"),
    GoldenCase("detach-events", "detach", "-d", atWork + "&will-detach=no", "--events"),
    GoldenCase("detach-detour", "detach", "-d", atWork + "&detour=yes&id=1209:0001"),
    GoldenCase("detach-in-dfu-mode", "detach", "-d", board),
    GoldenCase("bad-detach-button", "detach", "-d", atWork + "&runtime-id=1d50:60a7"),
    GoldenCase("bad-detach-never", "detach", "-d", atWork + "&return-time=never"),
    GoldenCase(
      "bad-detach-late", "detach", "--timeout", "1.5", "-d", atWork + "&return-time=2000", "--json"),
    GoldenCase(
      "bad-detach-stays", "detach", "-d", atWork + "&will-detach=no&detach-timeout=0"),

    GoldenCase("wait", "wait", "--timeout", "10", "-d", late),
    GoldenCase("wait-there", "wait", "-d", board),
    GoldenCase("wait-new", "wait", "--new", "-d", late, "--json"),
    GoldenCase("wait-events", "wait", "--timeout", "10", "-d", late, "--events"),
    GoldenCase("bad-wait-late", "wait", "--timeout", "2.5", "-d", late),
    GoldenCase("bad-wait-new", "wait", "--new", "--timeout", "10", "-d", board),
    GoldenCase("bad-wait-runtime", "wait", "--timeout", "10", "-d", atWork, "--json"),
    GoldenCase("bad-not-there", "list", "-d", late),
    GoldenCase("list-wait", "list", "--wait", "-d", late),
    GoldenCase("bad-list-wait", "list", "--wait", "1", "-d", late),
    GoldenCase("bad-wait-value", "list", "--wait=soon", "-d", board),
    GoldenCase("bad-plugged-after", "list", "-d", "virtual:stm32f407?plugged-after=soon"),
    GoldenCase("bad-runtime-option", "list", "-d", "virtual:stm32f407?will-detach=no"),

    GoldenCase("flash-runtime", "flash", "data.bin", "--target", "0", "-d", atWork),
    GoldenCase(
      "flash-runtime-json", "flash", "data.bin", "--target", "0", "-d", atWork, "--json"),
    GoldenCase(
      "flash-runtime-events", "flash", "data.bin", "--target", "0", "-d",
      atWork + "&will-detach=no&tolerant=no", "--events"),
    GoldenCase(
      "flash-runtime-no-leave", "flash", "data.bin", "--target", "0", "--no-leave", "-d", atWork),
    GoldenCase(
      "flash-runtime-plan", "flash", "data.bin", "--target", "0", "--plan", "--detach", "-d",
      atWork),
    GoldenCase(
      "bad-flash-runtime-plan", "flash", "data.bin", "--target", "0", "--plan", "-d", atWork),
    GoldenCase(
      "flash-leave-plain", "flash", "data.bin", "--target", "0", "--leave", "-d",
      "virtual:dfu11?speed=instant"),
    GoldenCase(
      "flash-follow", "flash", "program.bin", "--address", "0x08000000", "--follow", "-d",
      brings),
    GoldenCase(
      "flash-follow-nothing", "flash", "program.bin", "--address", "0x08000000", "--follow", "3",
      "-d", board),
    GoldenCase("bad-flash-runtime-target", "flash", "data.bin", "-d", atWork),
    GoldenCase("leave-plain", "leave", "-d", "virtual:dfu11?speed=instant"),
    GoldenCase("leave-runtime", "leave", "-d", atWork),
    GoldenCase("leave-follow", "leave", "--follow", "2", "-d", board),
    GoldenCase("bad-verify-runtime", "verify", "data.bin", "-d", atWork),
    GoldenCase(
      "read-runtime-detach", "read", "-o", "out.bin", "--target", "0", "--length", "8", "--detach",
      "-d", atWork),
    GoldenCase("bad-unprotect-runtime", "unprotect", "--yes", "-d", atWork),
  ]

  @Test(arguments: modeCases)
  func `texts about devices that go and come back are those of the golden files`(
    _ golden: GoldenCase
  ) throws {
    try golden.check(in: try Fixtures.workplace())
  }

  @Test(arguments: cases)
  func `texts of the device verbs are those of the golden files`(_ golden: GoldenCase) throws {
    try golden.check(in: try Fixtures.workplace())
  }
}
