import Foundation
import MockDevices
import Testing

/// What `dfu usb drivers` prints, of the device with which this project began and of names.
@Suite struct DriverGoldenTests {
  private static let founding = ["usb", "drivers", "--from", "founding.txt"]
  private static let linux = ["--modules", "modules.alias", "--rules", "99-board.rules"]

  static let cases: [GoldenCase] =
    [
      ("drivers-windows", ["--os", "windows"]),
      ("drivers-store", ["--os", "windows", "--inf", "drivers"]),
      ("drivers-store-verbose", ["--os", "windows", "--inf", "drivers", "-v"]),
      ("drivers-store-json", ["--os", "windows", "--inf", "drivers", "--json"]),
      ("drivers-removed", ["--os", "windows", "--inf", "drivers", "--remove", "oem12.inf"]),
      (
        "drivers-arm64",
        ["--os", "windows", "--inf", "drivers", "--architecture", "arm64"]
      ),
      ("drivers-both", ["--inf", "drivers"] + linux),
      ("drivers-linux-verbose", ["--os", "linux", "-v"] + linux),
      ("drivers-linux-json", ["--os", "linux", "--json"] + linux),
    ].map { name, more in GoldenCase(name, founding + more) } + [
      GoldenCase("help-usb-drivers", ["usb", "drivers", "--help"]),
      GoldenCase("help-doctor", ["doctor", "--help"]),
      GoldenCase(
        "drivers-modalias",
        [
          "usb", "drivers", "--modalias", "usb:v0483p5740d0200dc02dsc00dp00ic02isc02ip01in00",
          "--modules", "modules.alias",
        ]),
      GoldenCase(
        "drivers-modalias-input",
        ["usb", "drivers", "--modalias", "-", "--modules", "modules.alias"],
        input: Array(
          """
          usb:v0781p5581d0100dc00dsc00dp00ic08isc06ip50in00
          usb:v1234p5678d0100dcFFdsc00dp00ic03isc01ip01in00
          """.utf8)),
      GoldenCase(
        "drivers-ids",
        [
          "usb", "drivers", "--hardware-id", #"USB\VID_0483&PID_5740&REV_0200"#, "--hardware-id",
          #"USB\VID_0483&PID_5740"#, "--compatible-id", #"USB\Class_02&SubClass_02&Prot_01"#,
          "--windows-build", "19045",
        ]),
      // A serial port without an association: two halves, and a driver that cannot start.
      GoldenCase("drivers-split", ["usb", "drivers", "--from", "split.hex", "--os", "windows"]),
      GoldenCase("drivers-split-both", ["usb", "drivers", "--from", "split.hex"] + linux),
      // Microsoft OS descriptors ask for WinUSB, unless the registry says that there are none.
      GoldenCase(
        "drivers-microsoft", ["usb", "drivers", "--from", "winusb.hex", "--os", "windows"]),
      GoldenCase(
        "drivers-flags",
        [
          "usb", "drivers", "--from", "winusb.hex", "--os", "windows", "--usb-flags", "osvc=0000",
          "--usb-flags", "ResetOnResume=1",
        ]),
      GoldenCase(
        "drivers-flags-file",
        [
          "usb", "drivers", "--from", "winusb.hex", "--os", "windows", "--usb-flags",
          "usbflags.txt",
        ]),
      GoldenCase(
        "drivers-new-id",
        ["usb", "drivers", "--from", "winusb.hex", "--os", "linux", "--new-id", "option 1209 0001"]
          + linux),
      GoldenCase(
        "bad-drivers-flags",
        ["usb", "drivers", "--from", "winusb.hex", "--usb-flags", "osv=0000"]),
      GoldenCase(
        "bad-drivers-flags-file",
        ["usb", "drivers", "--from", "winusb.hex", "--usb-flags", "part.hex"]),
      GoldenCase(
        "bad-drivers-new-id",
        ["usb", "drivers", "--from", "winusb.hex", "--new-id", "option 12"]),
      // Lists that are there and have nothing of the device are not taken for none.
      GoldenCase(
        "drivers-small-list",
        [
          "usb", "drivers", "--modules", "small.alias", "--modalias",
          "usb:v0781p5567d0200dc00dsc00dp00ic08isc06ip50in00",
        ]),
      GoldenCase(
        "drivers-small-digits",
        [
          "usb", "drivers", "--modules", "modules.alias", "--modalias",
          "usb:v0781p5567d0200dc00dsc00dp00ic08isc06ip50in0a",
        ]),
      GoldenCase(
        "bad-drivers-line", ["usb", "drivers", "--modalias", "-"],
        input: Array("usb:v0781p5581d0100dc00dsc00dp00ic08isc06ip50in00\nusb:x\n".utf8)),
      GoldenCase(
        "bad-drivers-new-id-usb",
        ["usb", "drivers", "--from", "winusb.hex", "--new-id", "usb 1209 0001"]),
      GoldenCase(
        "drivers-group",
        ["usb", "drivers", "--from", "founding.txt", "--os", "linux"] + linux
          + ["--rules", "70-group.rules"]),
      GoldenCase("bad-drivers-no-names", ["usb", "drivers", "--modalias", "-"], input: [0x0A]),
      GoldenCase(
        "bad-drivers-of-linux", ["usb", "drivers", "--modalias", "usb:*", "--inf", "drivers"]),
      GoldenCase(
        "bad-drivers-rules-name",
        ["usb", "drivers", "--from", "founding.txt", "--rules", "modules.alias"]),
      GoldenCase("bad-drivers-modalias", ["usb", "drivers", "--modalias", "usb:v04p"]),
      GoldenCase(
        "bad-drivers-inf", ["usb", "drivers", "--from", "founding.txt", "--inf", "bad.inf"]),
      GoldenCase(
        "bad-drivers-inf-missing",
        ["usb", "drivers", "--from", "founding.txt", "--inf", "none.inf"]),
      GoldenCase(
        "bad-drivers-both", ["usb", "drivers", "--from", "founding.txt", "-d", "virtual:dfu11"]),
      GoldenCase(
        "bad-drivers-build",
        ["usb", "drivers", "--from", "founding.txt", "--os", "windows", "--windows-build", "5"]),
      GoldenCase("bad-drivers-part", ["usb", "drivers", "--from", "part.hex"]),
      GoldenCase(
        "bad-drivers-remove",
        founding + ["--os", "windows", "--inf", "drivers", "--remove", "oem99.inf"]),
      GoldenCase("bad-drivers-os", founding + ["--os", "linux", "--inf", "drivers"]),
      GoldenCase("bad-drivers-empty", ["usb", "drivers", "--hardware-id", ""]),
      GoldenCase("bad-doctor-both", ["doctor", "--fix", "--undo"]),
    ]

  static let aliases = """
    # Aliases extracted from modules themselves.
    alias usb:v*p*d*dc*dsc*dp*ic03isc*ip*in* usbhid
    alias usb:v*p*d*dc*dsc*dp*ic02isc02ip01in* cdc_acm
    alias usb:v*p*d*dc*dsc*dp*ic08isc06ip62in* uas
    alias usb:v*p*d*dc*dsc*dp*ic08isc06ip50in* uas
    alias usb:v*p*d*dc*dsc*dp*ic08isc06ip50in* usb_storage
    alias pci:v00008086d* other
    """

  static func workplace() throws -> Workplace {
    let folder = try Workplace()
    try folder.write(FoundingDump.text, to: "founding.txt")
    try folder.write(aliases, to: "modules.alias")
    try folder.write(
      "alias usb:v0403p6001d*dc*dsc*dp*ic*isc*ip*in* ftdi_sio\n", to: "small.alias")
    try folder.write("09 04 00 00 00 fe 01 02 00\n", to: "part.hex")
    try folder.write(
      """
      12 01 00 02 00 00 00 40 83 04 40 57 00 02 00 00 00 01
      09 02 37 00 02 01 00 80 32
      09 04 00 00 01 02 02 01 00 05 24 00 10 01 04 24 02 02 05 24 06 00 01 07 05 82 03 08 00 10
      09 04 01 00 01 0a 00 00 00 07 05 03 02 40 00 00
      """, to: "split.hex")
    try folder.write(
      """
      12 01 00 02 00 00 00 40 09 12 01 00 00 01 00 00 00 01
      09 02 12 00 01 01 00 80 32
      09 04 00 00 00 ff 00 00 00
      # Microsoft compatible ids
      28 00 00 00 00 01 04 00 01 00 00 00 00 00 00 00
      00 01 57 49 4e 55 53 42 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
      """, to: "winusb.hex")
    try folder.write(
      #"""

      HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\usbflags\120900010100
          osvc    REG_BINARY    0000
          Colour    REG_SZ    green

      HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\usbflags\0483DF112200
          osvc    REG_BINARY    0101
      """#, to: "usbflags.txt")
    try folder.write("[Version]\nSignature = \"nobody\"\n", to: "bad.inf")
    // A group for those who do not sit there; and three lines that do nothing.
    try folder.write(
      """
      SUBSYSTEM=="usb", ATTR{idVendor}=="0483", ATTR{idProduct}=="df11", MODE="0660", GROUP="plugdev"
      SUBSYSTEM=="usb", ATTR{idVendor}=="0483", GOTO="nowhere"
      SUBSYSTEM=="usb", ATTR{idVendor}=="0x0483", MODE="0666"
      SUBSYSTEM=="usb", MODUS="0666"

      """, to: "70-group.rules")
    // Too late for the tag, and of upper case, which sysfs never has.
    try folder.write(
      """
      SUBSYSTEM=="usb", ATTR{idVendor}=="0483", ATTR{idProduct}=="df11", TAG+="uaccess"
      SUBSYSTEM=="usb", ATTR{idVendor}=="0483", ATTR{idProduct}=="DF11", MODE="0666"

      """, to: "99-board.rules")
    try FileManager.default.createDirectory(
      at: folder.url.appendingPathComponent("drivers"), withIntermediateDirectories: true)
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    for name in ["oem3.inf", "oem7.inf", "oem12.inf"] {
      let file = root.appendingPathComponent("Examples/drivers/\(name)")
      try folder.write(Array(try Data(contentsOf: file)), to: "drivers/\(name)")
    }
    return folder
  }

  @Test(arguments: cases)
  func `texts about drivers are those of the golden files`(_ golden: GoldenCase) throws {
    try golden.check(in: try Self.workplace())
  }

  /// A page shows what the command prints, and not what it has printed once.
  @Test func `the transcript of the page is what is printed`() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let file = root.appendingPathComponent("Documentation/WhichDriver.md")
    let page = try String(contentsOf: file, encoding: .utf8)
    let run = try CommandRun(
      ["usb", "drivers", "--from", "founding.txt", "--os", "windows", "--inf", "drivers"],
      in: try Self.workplace())
    #expect(run.status == 0, "\(run.error)")
    let mark = "--inf Examples/drivers -->\n```text\n"
    let start = try #require(page.range(of: mark)).upperBound
    let end = try #require(page.range(of: "```\n", range: start..<page.endIndex)).lowerBound
    if GoldenCase.records {
      let changed = page.replacingCharacters(in: start..<end, with: run.output)
      try changed.write(to: file, atomically: true, encoding: .utf8)
    } else {
      #expect(page[start..<end] == run.output)
    }
  }
}
