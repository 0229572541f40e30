import Testing

/// A recording as it is written, and what is said of its replays.
@Suite struct RecordingGoldenTests {
  static let board = "virtual:stm32f407?speed=instant"
  static let recorded = [["flash", "app.hex", "-d", board, "--record", "rec.txt"]]
  static let protected = "virtual:stm32f407-rdp1?speed=instant"

  static let cases: [GoldenCase] = [
    GoldenCase("record-list", "list", "-d", board, "--record", "rec.txt", files: ["rec.txt"]),
    GoldenCase(
      "record-flash", "flash", "app.hex", "-d", board, "--record", "rec.txt", "--no-verify",
      "--all-sectors", files: ["rec.txt"]),
    GoldenCase(
      "record-unprotect", "unprotect", "--yes", "-d", protected, "--record", "rec.txt",
      files: ["rec.txt"]),
    GoldenCase("replay-flash", "flash", "app.hex", "-d", "replay:rec.txt", before: recorded),
    GoldenCase("replay-other", "flash", "changed.hex", "-d", "replay:rec.txt", before: recorded),
    GoldenCase(
      "replay-early", "flash", "app.hex", "--plan", "-d", "replay:rec.txt", before: recorded),
    GoldenCase(
      "replay-goes-on", "flash", "app.hex", "--leave", "-d", "replay:rec.txt",
      before: [
        ["flash", "app.hex", "--no-leave", "-d", board, "--record", "rec.txt"]
      ]),
    GoldenCase("replay-missing", "list", "-d", "replay:none.txt"),
    GoldenCase("replay-damaged", "list", "-d", "replay:app.hex"),
    GoldenCase("bad-record-exists", "list", "-d", board, "--record", "data.bin"),
    GoldenCase("bad-record-two", "list", "-d", board, "-d", board, "--record", "rec.txt"),
  ]

  @Test(arguments: cases)
  func `texts about recordings are those of the golden files`(_ golden: GoldenCase) throws {
    try golden.check(in: try Fixtures.workplace())
  }
}
