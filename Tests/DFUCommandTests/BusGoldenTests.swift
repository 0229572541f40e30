import Testing

/// What `dfu usb tree`, `enumerate` and `watch` print.
@Suite struct BusGoldenTests {
  static let cases: [GoldenCase] = [
    GoldenCase("help-usb-tree", "usb", "tree", "--help"),
    GoldenCase("help-usb-enumerate", "usb", "enumerate", "--help"),
    GoldenCase("help-usb-watch", "usb", "watch", "--help"),
    GoldenCase("tree", "usb", "tree", "-d", "virtual:stm32f407?speed=instant"),
    GoldenCase(
      "tree-verbose", "usb", "tree", "-v", "-d", "virtual:stm32f407?speed=instant", "-d",
      "virtual:runtime?speed=instant"),
    GoldenCase(
      "tree-json", "usb", "tree", "--json", "--mask-serials", "-d", "virtual:dfu11?speed=instant"),
    GoldenCase("tree-from", "usb", "tree", "--from", "tree.json"),
    GoldenCase("tree-from-verbose", "usb", "tree", "--from", "tree.json", "-v", "--mask-serials"),
    GoldenCase("tree-from-color", "usb", "tree", "--from", "tree.json", "--color", "always"),
    GoldenCase("bad-tree-from", "usb", "tree", "--from", "broken.json"),
    GoldenCase("bad-tree-missing", "usb", "tree", "--from", "nothing.json"),
    GoldenCase("bad-tree-both", "usb", "tree", "--from", "tree.json", "-d", "virtual:dfu11"),
    GoldenCase("enumerate", "usb", "enumerate"),
    GoldenCase("enumerate-windows", "usb", "enumerate", "--like", "windows"),
    GoldenCase(
      "enumerate-old", "usb", "enumerate", "--like", "linux-old", "-d", "virtual:runtime"),
    GoldenCase("enumerate-hub", "usb", "enumerate", "--behind", "1", "--trace", "1-1"),
    GoldenCase("enumerate-many", "usb", "enumerate", "--count", "40"),
    GoldenCase("enumerate-full", "usb", "enumerate", "--count", "130", "--like", "windows"),
    GoldenCase("enumerate-json", "usb", "enumerate", "-d", "virtual:dfu11", "--json"),
    GoldenCase("enumerate-silent", "usb", "enumerate", "--faults", "timeout@device:all"),
    GoldenCase("enumerate-once", "usb", "enumerate", "--faults", "broken@device"),
    GoldenCase(
      "enumerate-windows-43", "usb", "enumerate", "--like", "windows", "--faults",
      "stall@configuration:all"),
    GoldenCase(
      "enumerate-color", "usb", "enumerate", "--faults", "stall@set-address", "--color", "always"),
    GoldenCase("bad-enumerate-real", "usb", "enumerate", "-d", "0483:df11"),
    GoldenCase("bad-enumerate-faults", "usb", "enumerate", "--faults", "stall@lunch"),
    GoldenCase("bad-enumerate-room", "usb", "enumerate", "--behind", "5", "--count", "9"),
    GoldenCase("bad-enumerate-behind", "usb", "enumerate", "--behind", "6"),
    GoldenCase("bad-enumerate-trace", "usb", "enumerate", "--trace", "1-7"),
    GoldenCase(
      "watch", "usb", "watch", "--for", "5", "-d", "virtual:stm32f407?speed=instant&plugged-after=2"
    ),
    GoldenCase(
      "watch-json", "usb", "watch", "--json", "--count", "1", "-d",
      "virtual:stm32f407?speed=instant&plugged-after=2"),
    GoldenCase(
      "bad-watch-kernel", "usb", "watch", "--kernel", "no/such/log", "--for", "1", "-d",
      "virtual:dfu11?speed=instant"),
    GoldenCase("bad-watch-count", "usb", "watch", "--count", "0"),
  ]

  /// Somebody's machine, made up.
  static let tree = """
    {"schema": "dfu.tree/1", "knowsDrivers": true, "roots": [
      {"path": "usb1", "address": 1, "vendor": "1d6b", "product": "0002", "version": "6.12", "usb": "2.00",
       "speed": "high", "class": "hub", "vendorName": "Linux Foundation", "productName": "2.0 root hub",
       "driver": "xhci_hcd", "configuration": 1,
       "interfaces": [{"number": 0, "classCodes": "09/00/00", "class": "hub", "settings": 1, "driver": "hub",
         "endpoints": [{"address": "81", "kind": "interrupt", "packetSize": 4}]}],
       "ports": [{"number": 1, "connectType": "hotplug", "overCurrentCount": 0, "companion": "usb2-port1"},
         {"number": 2, "connectType": "hardwired", "overCurrentCount": 1}],
       "children": [
         {"path": "1-1", "address": 2, "vendor": "0483", "product": "df11", "version": "22.00", "usb": "1.00",
          "speed": "full", "class": "DFU", "dfu": "dfu", "vendorName": "STMicroelectronics",
          "productName": "STM Device in DFU Mode", "productText": "STM32  BOOTLOADER", "serialNumber": "3363",
          "milliamperes": 100, "isSelfPowered": true, "configuration": 1, "driver": "usb", "removable": "removable",
          "interfaces": [{"number": 0, "classCodes": "fe/01/02", "class": "DFU", "settings": 4, "endpoints": []}],
          "ports": [], "children": []},
         {"path": "1-2", "address": 3, "vendor": "8087", "product": "0026", "version": "0.02", "usb": "2.01",
          "speed": "full", "class": "Bluetooth", "milliamperes": 100, "isSelfPowered": true, "configuration": 1,
          "driver": "usb", "removable": "fixed", "powerState": "suspended",
          "interfaces": [{"number": 0, "classCodes": "e0/01/01", "class": "Bluetooth", "settings": 1,
            "driver": "btusb", "endpoints": []}],
          "ports": [], "children": []}]}]}
    """

  @Test(arguments: cases)
  func `texts about buses are those of the golden files`(_ golden: GoldenCase) throws {
    let folder = try Workplace()
    try folder.write(Self.tree, to: "tree.json")
    try folder.write(String(Self.tree.prefix(300)), to: "broken.json")
    try golden.check(in: folder)
  }
}
