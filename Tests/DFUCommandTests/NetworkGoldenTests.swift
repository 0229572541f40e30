import Testing

/// What the verbs of the network print where they reach nothing and listen to nothing.
@Suite struct NetworkGoldenTests {
  static let cases: [GoldenCase] = [
    GoldenCase("help-share", "share", "--help"),
    GoldenCase("help-usb", "usb", "--help"),
    GoldenCase("help-usb-attach", "usb", "attach", "--help"),
    GoldenCase("help-usb-detach", "usb", "detach", "--help"),

    GoldenCase("bad-emulate-unknown", "emulate", "stm32f4O7"),
    GoldenCase("bad-emulate-two-wishes", "emulate", "stm32f407", "--list"),
    GoldenCase("bad-emulate-instant", "emulate", "stm32f407?speed=instant"),
    GoldenCase("bad-emulate-state", "emulate", "stm32f407", "dfu11", "--state", "board.bin"),
    GoldenCase(
      "bad-emulate-one-state", "emulate", "stm32f407?state=b.bin", "stm32f407?state=b.bin"),
    GoldenCase("bad-emulate-port", "emulate", "stm32f407", "--port", "65536"),
    // An address that is kept for documents, so that no machine has it (RFC 5737).
    GoldenCase(
      "bad-emulate-listen", "emulate", "stm32f407", "--listen", "192.0.2.1", "--port", "0"),
    GoldenCase("bad-share-virtual", "share", "-d", "virtual:stm32f407"),
    GoldenCase("bad-share-allow", "share", "--allow", "192.168.7.0/33"),

    GoldenCase("bad-usbip-port", "list", "-d", "usbip://lab:0/1-1"),
    GoldenCase("bad-usbip-host", "list", "-d", "usbip:///1-1"),
    GoldenCase("bad-usbip-ipv6", "list", "-d", "usbip://::1/1-1"),
    // Nobody listens on port 1 of a machine's own address.
    GoldenCase("bad-usbip-nobody", "list", "-d", "usbip://127.0.0.1:1/1-1"),
    GoldenCase("bad-usbip-nobody-json", "list", "-d", "usbip://127.0.0.1:1/1-1", "--json"),

    GoldenCase("bad-usb-attach", "usb", "attach"),
    GoldenCase("bad-usb-attach-virtual", "usb", "attach", "virtual:stm32f407"),
    GoldenCase("bad-usb-attach-server", "usb", "attach", "usbip://127.0.0.1"),
    GoldenCase("bad-usb-detach", "usb", "detach"),
    GoldenCase("bad-usb-detach-both", "usb", "detach", "0", "--all"),
    GoldenCase("bad-usb-detach-ids", "usb", "detach", "0483:df11"),
  ]

  @Test(arguments: cases)
  func `texts about the network are those of the golden files`(_ golden: GoldenCase) throws {
    try golden.check(in: try Workplace())
  }
}
