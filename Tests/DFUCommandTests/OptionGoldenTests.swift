import Testing

/// What `dfu options` prints, text by text, on virtual boards in simulated time.
@Suite struct OptionGoldenTests {
  static let f407 = "virtual:stm32f407?speed=instant"
  static let f429 = "virtual:stm32f429?speed=instant"
  static let words = "close this part for ever"

  static let cases: [GoldenCase] =
    [GoldenCase("help-options", "options", "--help")]
    + ["stm32f407", "stm32f429", "stm32l476", "stm32h743", "stm32f407-wrp", "stm32f407-rdp1"].map {
      GoldenCase("options-\($0)", "options", "-d", "virtual:\($0)?speed=instant")
    } + [
      GoldenCase("options-json", "options", "-d", f429, "--json"),
      GoldenCase("options-verbose", "options", "-d", f407, "--verbose"),
      GoldenCase(
        "options-color", "options", "-d", "virtual:stm32f407-wrp?speed=instant", "--color",
        "always"),
      GoldenCase(
        "options-unknown-chip", "options", "-d", "virtual:stm32f407?id=2e3c:df11&speed=instant"),
      GoldenCase("options-none", "options", "-d", "virtual:st-library?speed=instant"),
      GoldenCase("options-plain-dfu", "options", "-d", "virtual:dfu11?speed=instant"),

      GoldenCase(
        "options-plan", "options", "--set", "BOR_LEV=level 3", "--set", "nwrp=sectors 2-3, 7",
        "--set", "WDG_SW=hardware", "--plan", "-d", f407),
      GoldenCase(
        "options-plan-json", "options", "--set", "BOR_LEV=level 3", "--plan", "--json", "-d", f407),
      GoldenCase(
        "options-plan-color", "options", "--set", "RDP=1", "--plan", "--color", "always", "-d",
        f407),
      GoldenCase(
        "options-plan-for-ever", "options", "--set", "RDP=level 2", "--plan", "-d", f407),
      GoldenCase("options-plan-nothing", "options", "--set", "RDP=0", "--plan", "-d", f407),

      GoldenCase("options-set", "options", "--set", "BOR_LEV=0", "--yes", "-d", f407),
      GoldenCase(
        "options-set-json", "options", "--set", "BOR_LEV=0", "--yes", "--json", "-d", f407),
      GoldenCase(
        "options-set-events", "options", "--set", "BOR_LEV=0", "--yes", "--events", "-d", f407),
      GoldenCase("options-set-nothing", "options", "--set", "BOR_LEV=3", "-d", f407),
      GoldenCase(
        "options-set-two-blocks", "options", "--set", "BFB2=1", "--set", "nWRP12_23=sector 12",
        "-y", "-d", f429),
      GoldenCase(
        "options-set-h743", "options", "--set", "BOOT_ADD0=0x08020000", "-y", "-d",
        "virtual:stm32h743?speed=instant"),
      GoldenCase("options-set-level-1", "options", "--set", "RDP=level 1", "-y", "-d", f407),
      GoldenCase(
        "options-set-level-1-and-more", "options", "--set", "RDP=1", "--set", "BOR_LEV=0", "-y",
        "-d", f407),
      GoldenCase(
        "options-set-level-2", "options", "--set", "RDP=2", "--for-ever", words, "-y", "-d", f407),

      GoldenCase("bad-options-level-2", "options", "--set", "RDP=2", "-y", "-d", f407),
      GoldenCase(
        "bad-options-level-2-unconfirmed", "options", "--set", "RDP=2", "--for-ever", words, "-d",
        f407),
      GoldenCase(
        "bad-options-level-2-words", "options", "--set", "RDP=2", "--for-ever", "yes", "-y", "-d",
        f407),
      GoldenCase(
        "bad-options-for-ever-in-vain", "options", "--set", "RDP=1", "--for-ever", words, "-y",
        "-d", f407),
      GoldenCase("bad-options-name", "options", "--set", "BOOT_ADD0=0", "-d", f407),
      GoldenCase("bad-options-value", "options", "--set", "BOR_LEV=high", "-d", f407),
      GoldenCase(
        "bad-options-sector", "options", "--set", "nWRP=sectors 11-12", "--json", "-d", f407),
      GoldenCase(
        "bad-options-hidden", "options", "--set", "WRP2A_END=1", "-d",
        "virtual:stm32l476?speed=instant"),
      GoldenCase(
        "bad-options-unknown-chip", "options", "--set", "RDP=1", "-d",
        "virtual:stm32f407?id=2e3c:df11&speed=instant"),
      GoldenCase(
        "bad-options-protected", "options", "--set", "RDP=0", "-y", "-d",
        "virtual:stm32f407-rdp1?speed=instant"),
      GoldenCase("bad-options-unconfirmed", "options", "--set", "BOR_LEV=0", "-d", f407),
      GoldenCase("bad-options-no-value", "options", "--set", "BOR_LEV", "-d", f407),
      GoldenCase(
        "bad-options-twice", "options", "--set", "BOR_LEV=0", "--set", "bor_lev=1", "-d", f407),
      GoldenCase("bad-options-plan-alone", "options", "--plan", "-d", f407),
    ]

  @Test(arguments: cases)
  func `texts of the option verb are those of the golden files`(_ golden: GoldenCase) throws {
    try golden.check(in: try Fixtures.workplace())
  }
}
