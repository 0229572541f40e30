import Testing

/// Files that people really flash, from Debian's packages. Skipped, and said so, where a package is not
/// to be had.
@Suite struct RealFirmwareTests {
  struct RealFile: CustomTestStringConvertible, Sendable {
    var package: String
    var path: String
    /// What the report must say.
    var words: [String]
    var testDescription: String { path }
    var file: PackagedFile { PackagedFile(package: package, path: path) }
  }

  static let files: [RealFile] = [
    RealFile(
      package: "hackrf-firmware", path: "/usr/share/hackrf/hackrf_one_usb.dfu",
      words: ["DFU file", "1fc9:000c", "NXP LPC", "Payload: 44880 bytes"]),
    RealFile(
      package: "hackrf-firmware", path: "/usr/share/hackrf/hackrf_one_usb.bin",
      words: ["raw bytes", "names no address"]),
    RealFile(
      package: "ubertooth-firmware", path: "/usr/share/ubertooth/firmware/bluetooth_rxtx.dfu",
      words: ["1d50:6003", "Ubertooth One bootloader", "CRC of the suffix is right"]),
    RealFile(
      package: "ubertooth-firmware", path: "/usr/share/ubertooth/firmware/bootloader.bin",
      words: ["raw bytes"]),
    RealFile(
      package: "firmware-tomu", path: "/usr/lib/firmware-tomu/toboot-booster.dfu",
      words: ["1209:70b1", "Tomu"]),
    RealFile(
      package: "firmware-tomu", path: "/usr/lib/firmware-tomu/toboot.elf",
      words: ["ELF", "Entry point", "0x0000034F", "no address of an STM32"]),
    RealFile(
      package: "firmware-tomu", path: "/usr/lib/firmware-tomu/toboot.ihex",
      words: ["Intel HEX", "at 0x00000000"]),
    RealFile(
      package: "firmware-microbit-micropython",
      path: "/usr/share/firmware-microbit-micropython/firmware.hex",
      words: ["Intel HEX", "0x00000000", "no address of an STM32"]),
    RealFile(
      package: "giac-doc", path: "/usr/share/giac/doc/epsilon.dfu",
      words: [
        "DfuSe container, 1 target, 2 elements", "0483:a291", "NumWorks", "0x90000000",
        "0x08000000", "external flash",
      ]),
  ]

  @Test(arguments: files)
  func `a real file is told about in words`(_ file: RealFile) throws {
    let location = try file.file.required()
    let run = try CommandRun(["file", "info", location], in: try Workplace())
    #expect(run.status == 0, "\(run.error)")
    let text = run.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    for words in file.words { #expect(text.contains(words), "\(words) is not in: \(run.output)") }
    for line in run.output.split(separator: "\n") {
      #expect(line.count <= 80 || line.hasPrefix("/"))
    }
  }
}
