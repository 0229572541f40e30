import Foundation
import Testing

/// Captures: what is told of them, and what is written as one.
@Suite struct CaptureGoldenTests {
  static let board = "virtual:stm32f407?speed=instant"
  static let captured = [["flash", "app.hex", "-d", board, "--capture", "flash.pcapng"]]

  static func flash(_ faults: String, to file: String) -> [String] {
    ["flash", "app.hex", "-d", "\(board)&faults=\(faults)", "--capture", file]
  }

  static let cases: [GoldenCase] = [
    GoldenCase("help-usb-capture", "usb", "capture", "--help"),
    GoldenCase("capture-real", "usb", "capture", "real.pcap"),
    GoldenCase("capture-real-color", "usb", "capture", "real.pcap", "--color", "always"),
    GoldenCase("capture-flash", "usb", "capture", "flash.pcapng", before: captured),
    GoldenCase("capture-flash-json", "usb", "capture", "flash.pcapng", "--json", before: captured),
    GoldenCase(
      "capture-list-verbose", "usb", "capture", "list.pcapng", "-v",
      before: [["list", "-d", board, "--capture", "list.pcapng"]]),
    GoldenCase(
      "capture-plain", "usb", "capture", "dfu11.pcapng",
      before: [
        [
          "flash", "program.bin", "--target", "0", "--leave", "-d", "virtual:dfu11?speed=instant",
          "--capture", "dfu11.pcapng",
        ]
      ]),
    GoldenCase(
      "capture-error", "usb", "capture", "error.pcapng",
      before: [
        flash("status:6@status:7", to: "error.pcapng")
      ]),
    GoldenCase(
      "capture-lost", "usb", "capture", "lost.pcapng",
      before: [
        flash("disconnect@write:1", to: "lost.pcapng")
      ]),
    GoldenCase(
      "capture-recording", "usb", "capture", "list.pcapng", "--recording", "list.rec",
      before: [["list", "-d", board, "--capture", "list.pcapng"]], files: ["list.rec"]),
    GoldenCase(
      "capture-replay", "list", "-d", "replay:list.rec",
      before: [
        ["list", "-d", board, "--capture", "list.pcapng"],
        ["usb", "capture", "list.pcapng", "--recording", "list.rec"],
      ]),
    GoldenCase("capture-cut", "usb", "capture", "cut.pcap"),
    GoldenCase("bad-capture-text", "usb", "capture", "app.hex"),
    GoldenCase("bad-capture-ethernet", "usb", "capture", "ethernet.pcap"),
    GoldenCase("bad-capture-damaged", "usb", "capture", "damaged.pcapng"),
    GoldenCase("bad-capture-missing", "usb", "capture", "none.pcap"),
    GoldenCase("bad-capture-device", "usb", "capture", "real.pcap", "--device", "3.2"),
    GoldenCase(
      "bad-capture-other-device", "usb", "capture", "real.pcap", "--device", "3.9", "--recording",
      "real.rec"),
    GoldenCase("bad-capture-exists", "list", "-d", board, "--capture", "data.bin"),
    GoldenCase("bad-capture-stdout", "list", "-d", board, "--capture", "-"),
    GoldenCase(
      "bad-capture-both", "list", "-d", board, "--capture", "a.out", "--record", "a.out"),
  ]

  static func real() throws -> [UInt8] {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent()
      .appendingPathComponent("CapturesTests/Fixtures/flash-libusb.pcap")
    return Array(try Data(contentsOf: file))
  }

  static func workplace() throws -> Workplace {
    let folder = try Fixtures.workplace()
    let real = try real()
    try folder.write(real, to: "real.pcap")
    try folder.write(Array(real.prefix(1000)), to: "cut.pcap")
    var ethernet = real
    ethernet[20] = 1
    try folder.write(ethernet, to: "ethernet.pcap")
    // A block whose two lengths differ.
    var damaged: [UInt8] = [
      0x0A, 0x0D, 0x0D, 0x0A, 28, 0, 0, 0, 0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0,
    ]
    damaged += [UInt8](repeating: 0xFF, count: 8) + [32, 0, 0, 0]
    try folder.write(damaged, to: "damaged.pcapng")
    return folder
  }

  @Test(arguments: cases)
  func `texts about captures are those of the golden files`(_ golden: GoldenCase) throws {
    try golden.check(in: try Self.workplace())
  }
}
