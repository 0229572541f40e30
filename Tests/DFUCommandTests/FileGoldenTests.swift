import Testing

/// What the file verbs print, text by text. The folder is full of our own small files.
@Suite struct FileGoldenTests {
  static let cases: [GoldenCase] = [
    GoldenCase("help", "--help"),
    GoldenCase("help-file", "file", "--help"),
    GoldenCase("help-file-convert", "file", "convert", "--help"),
    GoldenCase("version", "--version"),
    GoldenCase("usage-unknown-verb", "nonsense"),
    GoldenCase("usage-json", "file", "info", "--json"),

    GoldenCase("info-plain", "file", "info", "plain.dfu"),
    GoldenCase("info-plain-json", "file", "info", "plain.dfu", "--json"),
    GoldenCase("info-lpc", "file", "info", "lpc.dfu"),
    GoldenCase("info-stellaris", "file", "info", "stellaris.dfu"),
    GoldenCase("info-raw", "file", "info", "data.bin"),
    GoldenCase("info-program", "file", "info", "program.bin"),
    GoldenCase(
      "info-program-ascii", "file", "info", "program.bin", environment: ["LC_ALL": "C"]),
    GoldenCase("info-dfuse", "file", "info", "dfuse.dfu"),
    GoldenCase("info-dfuse-json", "file", "info", "dfuse.dfu", "--json"),
    GoldenCase("info-two-targets", "file", "info", "two.dfu"),
    GoldenCase("info-two-targets-color", "file", "info", "two.dfu", "--color", "always"),
    GoldenCase("info-hex", "file", "info", "app.hex"),
    GoldenCase("info-s19", "file", "info", "app.s19"),
    GoldenCase("info-stdin", "file", "info", "-", input: Fixtures.plain),
    GoldenCase("info-several", "file", "info", "plain.dfu", "none.dfu", "lpc.dfu"),
    GoldenCase("info-several-json", "file", "info", "plain.dfu", "none.dfu", "--json"),

    GoldenCase("bad-missing", "file", "info", "none.bin"),
    GoldenCase("bad-missing-json", "file", "convert", "none.bin", "a.hex", "--json"),
    GoldenCase("bad-directory", "file", "info", "."),
    GoldenCase("bad-empty", "file", "info", "empty.bin"),
    GoldenCase("bad-crc", "file", "info", "crc.dfu"),
    GoldenCase("bad-truncated", "file", "info", "truncated.dfu"),
    GoldenCase("bad-hex-checksum", "file", "info", "checksum.hex"),
    GoldenCase("bad-hex-overlap", "file", "info", "overlap.hex"),
    GoldenCase("bad-s19-checksum", "file", "info", "checksum.s19"),
    GoldenCase("bad-huge", "file", "info", "huge.bin"),
    GoldenCase("bad-convert-no-address", "file", "convert", "data.bin", "out.hex"),
    GoldenCase("bad-convert-no-format", "file", "convert", "app.hex", "out.xyz"),
    GoldenCase("bad-convert-hole", "file", "convert", "holes.hex", "out.bin"),
    GoldenCase("bad-output-exists", "file", "convert", "app.hex", "data.bin"),
    GoldenCase("bad-output-folder", "file", "convert", "app.hex", "none/out.bin"),
    GoldenCase("bad-pack-place", "file", "pack", "-o", "out.dfu", "0x1_0000_0000:data.bin"),
    GoldenCase("bad-pack-no-address", "file", "pack", "-o", "out.dfu", "app.hex", "data.bin"),
    GoldenCase(
      "bad-pack-overlap", "file", "pack", "-o", "out.dfu", "app.hex", "0x08000004:data.bin"),
    GoldenCase(
      "bad-pack-own-address", "file", "pack", "-o", "out.dfu", "0x08000004:app.hex"),

    GoldenCase("diff-same", "file", "diff", "app.hex", "app.s19"),
    GoldenCase("diff-different", "file", "diff", "app.hex", "changed.hex"),
    GoldenCase("diff-different-json", "file", "diff", "app.hex", "changed.hex", "--json"),
    GoldenCase("diff-raw", "file", "diff", "program.bin", "data.bin"),
    GoldenCase("diff-placed", "file", "diff", "app.hex", "data.bin"),

    GoldenCase("suffix-check", "file", "suffix", "check", "plain.dfu", "lpc.dfu"),
    GoldenCase("suffix-check-json", "file", "suffix", "check", "plain.dfu", "--json"),
    GoldenCase("suffix-check-none", "file", "suffix", "check", "data.bin"),
    GoldenCase("suffix-check-damaged", "file", "suffix", "check", "crc.dfu"),
    GoldenCase("suffix-add-twice", "file", "suffix", "add", "plain.dfu"),
    GoldenCase("suffix-repair-none", "file", "suffix", "repair", "data.bin"),
    GoldenCase("prefix-check", "file", "prefix", "check", "lpc.dfu", "stellaris.dfu"),
    GoldenCase("prefix-check-none", "file", "prefix", "check", "plain.dfu"),
    GoldenCase("prefix-add-which", "file", "prefix", "add", "plain.dfu"),

    GoldenCase("pack", "file", "pack", "-o", "out.dfu", "app.hex", "0x90000000@1:data.bin"),
    GoldenCase("merge-json", "file", "merge", "-o", "out.hex", "app.s19", "app.hex", "--json"),
    GoldenCase("unpack", "file", "unpack", "two.dfu", "-o", "parts"),
    GoldenCase("unpack-json", "file", "unpack", "two.dfu", "-o", "parts", "--json"),
  ]

  @Test(arguments: cases)
  func `the command prints what is kept`(_ golden: GoldenCase) throws {
    try golden.check(in: try Fixtures.workplace())
  }
}
