/// USB 2.0, chapter 9, and USB 3.2, chapter 9.
enum StandardLayouts {
  static let device = DescriptorLayout(
    "Device", "USB 2.0, 9.6.1",
    [
      .word("bcdUSB", .version), .byte("bDeviceClass", .classCode),
      .byte("bDeviceSubClass", .subclassCode), .byte("bDeviceProtocol", .protocolCode),
      .byte("bMaxPacketSize0", .packetSize0), .word("idVendor", .vendor),
      .word("idProduct", .product), .word("bcdDevice", .version),
      .byte("iManufacturer", .string), .byte("iProduct", .string),
      .byte("iSerialNumber", .string), .byte("bNumConfigurations"),
    ])

  static let deviceQualifier = DescriptorLayout(
    "Device Qualifier", "USB 2.0, 9.6.2",
    [
      .word("bcdUSB", .version), .byte("bDeviceClass", .classCode),
      .byte("bDeviceSubClass", .subclassCode), .byte("bDeviceProtocol", .protocolCode),
      .byte("bMaxPacketSize0", .packetSize0), .byte("bNumConfigurations"),
      .byte("bReserved", .reserved),
    ])

  private static func configuration(_ name: String, _ section: String) -> DescriptorLayout {
    DescriptorLayout(
      name, section,
      [
        .word("wTotalLength"), .byte("bNumInterfaces"), .byte("bConfigurationValue"),
        .byte("iConfiguration", .string),
        .byte(
          "bmAttributes",
          .flags([
            .bits(7...7, "", [0: "bit 7 is clear"]), .bit(6, "self-powered"),
            .bit(5, "remote wake-up"), .bit(4, "battery-powered"),
          ])),
        .byte("bMaxPower", .maxPower),
      ])
  }

  static let configuration = configuration("Configuration", "USB 2.0, 9.6.3")
  static let otherSpeedConfiguration = configuration(
    "Other Speed Configuration", "USB 2.0, 9.6.4")

  static let interface = DescriptorLayout(
    "Interface", "USB 2.0, 9.6.5",
    [
      .byte("bInterfaceNumber"), .byte("bAlternateSetting"), .byte("bNumEndpoints"),
      .byte("bInterfaceClass", .classCode), .byte("bInterfaceSubClass", .subclassCode),
      .byte("bInterfaceProtocol", .protocolCode), .byte("iInterface", .string),
    ])

  static let endpoint = DescriptorLayout(
    "Endpoint", "USB 2.0, 9.6.6",
    [
      .byte("bEndpointAddress", .endpointAddress), .byte("bmAttributes", .endpointAttributes),
      .word("wMaxPacketSize", .packetSize), .byte("bInterval", .interval),
      .byte("bRefresh", .number, optional: true),
      .byte("bSynchAddress", .hexadecimal, optional: true),
    ])

  static let string = DescriptorLayout("String", "USB 2.0, 9.6.7", [.rest("bString", .text)])

  static let languages = DescriptorLayout(
    "String, languages", "USB 2.0, 9.6.7", [.group(.rest, [.word("wLANGID", .hexadecimal)])])

  static let interfaceAssociation = DescriptorLayout(
    "Interface Association", "USB 3.2, 9.6.4",
    [
      .byte("bFirstInterface"), .byte("bInterfaceCount"), .byte("bFunctionClass", .classCode),
      .byte("bFunctionSubClass", .subclassCode), .byte("bFunctionProtocol", .protocolCode),
      .byte("iFunction", .string),
    ])

  static let onTheGo = DescriptorLayout(
    "OTG", "OTG and EH 2.0, 6.4",
    [
      .byte(
        "bmAttributes", .flags([.bit(0, "SRP"), .bit(1, "HNP"), .bit(2, "ADP")])),
      .word("bcdOTG", .version, optional: true),
    ])

  static let debug = DescriptorLayout(
    "Debug", "USB 2.0 debug device",
    [
      .byte("bDebugInEndpoint", .endpointAddress), .byte("bDebugOutEndpoint", .endpointAddress),
    ])

  static let superSpeedCompanion = DescriptorLayout(
    "SuperSpeed Endpoint Companion", "USB 3.2, 9.6.7",
    [
      .byte("bMaxBurst"), .byte("bmAttributes", .hexadecimal), .word("wBytesPerInterval"),
    ])

  static let isochronousCompanion = DescriptorLayout(
    "SuperSpeedPlus Isochronous Endpoint Companion", "USB 3.2, 9.6.8",
    [.word("wReserved", .reserved), .double("dwBytesPerInterval")])

  private static let hubCharacteristics = FieldKind.flags([
    .bits(
      0...1, "",
      [
        0: "power of all ports together", 1: "power of each port", 2: "power always on",
        3: "power always on",
      ]),
    .bit(2, "compound device"),
    .bits(
      3...4, "",
      [
        0: "over-current of all ports together", 1: "over-current of each port",
        2: "no over-current protection", 3: "no over-current protection",
      ]),
    .bits(
      5...6, "TT think time",
      [0: "TT 8 bit times", 1: "TT 16 bit times", 2: "TT 24 bit times", 3: "TT 32 bit times"]),
    .bit(7, "port indicators"),
  ])

  static let hub = DescriptorLayout(
    "Hub", "USB 2.0, 11.23.2.1",
    [
      .byte("bNbrPorts"), .word("wHubCharacteristics", hubCharacteristics),
      .byte("bPwrOn2PwrGood", .scaled(2, "ms")), .byte("bHubContrCurrent", .scaled(1, "mA")),
      .rest("DeviceRemovable", .ports),
    ])

  static let superSpeedHub = DescriptorLayout(
    "SuperSpeed Hub", "USB 3.2, 10.15.2.1",
    [
      .byte("bNbrPorts"), .word("wHubCharacteristics", hubCharacteristics),
      .byte("bPwrOn2PwrGood", .scaled(2, "ms")), .byte("bHubContrCurrent", .scaled(1, "mA")),
      .byte("bHubHdrDecLat", .number), .word("wHubDelay", .scaled(1, "ns")),
      .word("DeviceRemovable", .ports),
    ])
}
