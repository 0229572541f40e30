import MockDevices
import Testing
import USB

/// What `dfu usb describe` prints of every virtual device, and of files.
@Suite struct USBGoldenTests {
  static let cases: [GoldenCase] =
    DeviceGoldenTests.profiles.map {
      GoldenCase("describe-\($0)", "usb", "describe", "-d", "virtual:\($0)?speed=instant")
    } + [
      GoldenCase("help-usb-describe", "usb", "describe", "--help"),
      GoldenCase(
        "describe-color", "usb", "describe", "-d", "virtual:dfu11?speed=instant", "--color",
        "always"),
      GoldenCase("describe-json", "usb", "describe", "-d", "virtual:dfu11?speed=instant", "--json"),
      GoldenCase(
        "describe-hex", "usb", "describe", "-d", "virtual:dfu11?speed=instant", "--as", "hex"),
      GoldenCase("describe-file", "usb", "describe", "whole.hex", "--speed", "full"),
      GoldenCase("describe-faults", "usb", "describe", "faults.hex", "--speed", "high"),
      GoldenCase("describe-truncated", "usb", "describe", "cut.hex"),
      GoldenCase(
        "describe-stdin", "usb", "describe", "-", input: Array("09 04 00 00 00 fe 01 02 00".utf8)),
      GoldenCase("bad-describe-missing", "usb", "describe", "nothing.hex"),
      GoldenCase("bad-describe-digits", "usb", "describe", "odd.hex"),
      GoldenCase("bad-describe-empty", "usb", "describe", "empty.hex"),
      GoldenCase("bad-describe-speed", "usb", "describe", "whole.hex", "--speed", "fast"),
      GoldenCase("bad-describe-both", "usb", "describe", "whole.hex", "-d", "virtual:dfu11"),
      GoldenCase(
        "bad-describe-speed-device", "usb", "describe", "-d", "virtual:dfu11", "--speed", "full"),
      GoldenCase(
        "bad-describe-lost", "usb", "describe", "-d",
        "virtual:dfu11?speed=instant&faults=disconnect@3"),
      GoldenCase(
        "bad-describe-shape", "usb", "describe", "whole.hex", "--as", "xml"),
      GoldenCase("bad-describe-titles", "usb", "describe", "titles.txt"),
      GoldenCase("bad-describe-microsoft", "usb", "describe", "whole.hex", "--microsoft"),
      GoldenCase("describe-lsusb-text", "usb", "describe", "lsusb.txt"),
      GoldenCase("describe-tree-view", "usb", "describe", "tree-view.txt"),
      GoldenCase(
        "describe-microsoft", "usb", "describe", "-d", "virtual:dfu11?speed=instant",
        "--microsoft"),
      GoldenCase(
        "describe-stalled", "usb", "describe", "-d", "virtual:dfu11?speed=instant&faults=stall@5"),
    ]
    + shapes.map {
      GoldenCase("describe-founding-\($0)", "usb", "describe", "founding.txt", "--as", $0)
    }

  static let shapes = ["text", "lsusb", "usbview", "json", "hex"]

  /// Every device of ours in every shape but the text, which has its case above.
  static let shaped: [GoldenCase] =
    DeviceGoldenTests.profiles.flatMap { profile in
      shapes.dropFirst().map {
        GoldenCase(
          "describe-\(profile)-\($0)", "usb", "describe", "-d", "virtual:\(profile)?speed=instant",
          "--as", $0)
      }
    }

  /// Devices of every class, right and wrong, in every shape.
  static let classes: [ClassCase] = (ClassBlob.all + ClassBlob.all.map(\.malformed)).flatMap {
    blob in
    shapes.map {
      ClassCase(
        blob: blob,
        golden: GoldenCase(
          "describe-class-\(blob.name)-\($0)", "usb", "describe", "device.hex", "--speed",
          blob.speed.rawValue, "--as", $0))
    }
  }

  struct ClassCase: CustomTestStringConvertible, Sendable {
    var blob: ClassBlob
    var golden: GoldenCase

    var testDescription: String { golden.name }
  }

  @Test(arguments: shaped)
  func `virtual devices in every shape are those of the golden files`(_ golden: GoldenCase) throws {
    try golden.check(in: try Workplace())
  }

  @Test(arguments: classes)
  func `devices of every class in every shape are those of the golden files`(
    _ one: ClassCase
  ) throws {
    let folder = try Workplace()
    try folder.write(one.blob.text, to: "device.hex")
    try one.golden.check(in: folder)
  }

  /// An STM32F407 in its bootloader, as somebody may have written it down.
  static let whole = """
    # device, then configuration
    0000: 12 01 00 01 00 00 00 40 83 04 11 df 00 21 01 02
    0010: 03 01
    0x09, 0x02, 0x36, 0x00, 0x01, 0x01, 0x00, 0xc0, 0x32
    09040000 00fe0102 04 09040001 00fe0102 05
    09040002 00fe0102 06 09040003 00fe0102 07
    09210bff0000081a01
    """

  /// A part of what `lsusb -v` prints: the numbers that are not there are not known.
  static let lsusb = """
    Bus 001 Device 005: ID 0483:df11 STMicroelectronics STM Device in DFU Mode
    Device Descriptor:
      bLength                18
      bDescriptorType         1
      bcdUSB               1.00
      bMaxPacketSize0        64
      idVendor           0x0483 STMicroelectronics
      idProduct          0xdf11 STM Device in DFU Mode
      bcdDevice           22.00
      iProduct                2 STM32 BOOTLOADER
      bNumConfigurations      1
    """

  /// Wrong in every way that is told.
  static let faults = """
    12 01 00 02 00 01 00 20 83 04 11 df 00 21 01 02 03 02
    09 02 3b 00 02 00 00 40 32 08 0b 00 02 02 02 00 00
    09 04 01 00 03 ff 00 00 00 07 05 80 02 40 00 00 07 05 91 03 ff 07 00
    09 04 01 00 01 ff 00 00 00 05 05 81 02 40
    """

  @Test(arguments: cases)
  func `texts about descriptors are those of the golden files`(_ golden: GoldenCase) throws {
    let folder = try Workplace()
    try folder.write(Self.whole, to: "whole.hex")
    try folder.write(Self.faults, to: "faults.hex")
    try folder.write(String(Self.faults.prefix(200)), to: "cut.hex")
    try folder.write("12 01 0\n", to: "odd.hex")
    try folder.write(FoundingDump.text, to: "founding.txt")
    try folder.write("Device Descriptor:\n  nothing\n", to: "titles.txt")
    try folder.write(Self.lsusb, to: "lsusb.txt")
    let keyboard = ClassBlob.all.first { $0.name == "hid" }
    try folder.write(
      keyboard.map { TreeViewReport.text(of: $0.set, hasDigits: true) } ?? "", to: "tree-view.txt")
    try folder.write("", to: "empty.hex")
    try golden.check(in: folder)
  }

  /// What is written as digits is read again as the same.
  @Test(arguments: DeviceGoldenTests.profiles)
  func `a device's digits are its descriptors`(_ profile: String) throws {
    let folder = try Workplace()
    let device = ["usb", "describe", "-d", "virtual:\(profile)?speed=instant", "--as", "hex"]
    let written = try CommandRun(device, in: folder)
    #expect(written.status == 0, "\(written.error)")
    try folder.write(written.output, to: "device.hex")
    let again = try CommandRun(["usb", "describe", "device.hex", "--as", "hex"], in: folder)
    #expect(again.output == written.output)
  }
}
