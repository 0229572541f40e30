/// The BOS and the device capabilities in it (USB 3.2, 9.6.2; USB Power Delivery; USB Type-C Billboard).
enum CapabilityLayouts {
  static let binaryObjectStore = DescriptorLayout(
    "Binary Object Store", "USB 3.2, 9.6.2",
    [.word("wTotalLength"), .byte("bNumDeviceCaps")])

  private static func capability(
    _ name: String, _ section: String, _ items: [DescriptorLayout.Item]
  ) -> DescriptorLayout {
    DescriptorLayout(name, section, [.byte("bDevCapabilityType", .hexadecimal)] + items)
  }

  /// The capabilities by `bDevCapabilityType`.
  static let all: LayoutTable = [
    0x01: capability(
      "Wireless USB Capability", "Wireless USB 1.1, 7.4.1",
      [
        .byte("bmAttributes", .hexadecimal), .word("wPHYRates", .hexadecimal),
        .byte("bmTFITXPowerInfo", .hexadecimal), .byte("bmFFITXPowerInfo", .hexadecimal),
        .word("bmBandGroup", .hexadecimal), .byte("bReserved", .reserved),
      ]),
    0x02: capability(
      "USB 2.0 Extension", "USB 3.2, 9.6.2.1",
      [
        .double(
          "bmAttributes",
          .flags([
            .bit(1, "link power management"), .bit(2, "BESL and alternate HIRD"),
            .bit(3, "baseline BESL valid"), .bit(4, "deep BESL valid"),
            .bits(8...11, "baseline BESL"), .bits(12...15, "deep BESL"),
          ]))
      ]),
    0x03: capability(
      "SuperSpeed USB Capability", "USB 3.2, 9.6.2.2",
      [
        .byte("bmAttributes", .flags([.bit(1, "latency tolerance messages")])),
        .word(
          "wSpeedsSupported",
          .flags([
            .bit(0, "low speed"), .bit(1, "full speed"), .bit(2, "high speed"),
            .bit(3, "5 Gbit/s"),
          ])),
        .byte(
          "bFunctionalitySupport",
          .choice([
            0: "all of it from low speed on", 1: "all of it from full speed on",
            2: "all of it from high speed on", 3: "all of it from 5 Gbit/s on",
          ])),
        .byte("bU1DevExitLat", .scaled(1, "µs")), .word("wU2DevExitLat", .scaled(1, "µs")),
      ]),
    0x04: capability(
      "Container ID", "USB 3.2, 9.6.2.3",
      [.byte("bReserved", .reserved), .fixed("ContainerID", 16, .guid)]),
    0x05: capability(
      "Platform Capability", "USB 3.2, 9.6.2.4",
      [
        .byte("bReserved", .reserved), .fixed("PlatformCapabilityUUID", 16, .guid),
        .rest("CapabilityData"),
      ]),
    0x06: capability(
      "Power Delivery Capability", "USB PD 3.1, 9.3.1",
      [
        .byte("bReserved", .reserved),
        .double(
          "bmAttributes",
          .flags([
            .bit(1, "battery charging"), .bit(2, "power delivery"), .bit(3, "provider"),
            .bit(4, "consumer"), .bit(5, "charging policy"), .bit(6, "Type-C current"),
            .bit(8, "mains"), .bit(9, "battery"), .bit(14, "uses VBUS"),
          ])),
        .word("bmProviderPorts", .hexadecimal), .word("bmConsumerPorts", .hexadecimal),
        .word("bcdBCVersion", .version), .word("bcdPDVersion", .version),
        .word("bcdUSBTypeCVersion", .version),
      ]),
    0x07: capability(
      "Battery Info Capability", "USB PD 3.1, 9.3.2",
      [
        .byte("iBattery", .string), .byte("iSerial", .string), .byte("iManufacturer", .string),
        .byte("bBatteryId"), .byte("bReserved", .reserved), .double("dwChargedThreshold"),
        .double("dwWeakThreshold"), .double("dwBatteryDesignCapacity"),
        .double("dwBatteryLastFullchargeCapacity"),
      ]),
    0x08: capability(
      "PD Consumer Port Capability", "USB PD 3.1, 9.3.3",
      [
        .byte("bReserved", .reserved), .word("bmCapabilities", portCapabilities),
        .word("wMinVoltage", .scaled(50, "mV")), .word("wMaxVoltage", .scaled(50, "mV")),
        .word("wReserved", .reserved), .double("dwMaxOperatingPower", .scaled(10, "mW")),
        .double("dwMaxPeakPower", .scaled(10, "mW")), .double("dwMaxPeakPowerTime"),
      ]),
    0x09: capability(
      "PD Provider Port Capability", "USB PD 3.1, 9.3.4",
      [
        .byte("bReserved1", .reserved), .word("bmCapabilities", portCapabilities),
        .byte("bNumOfPDObjects"), .byte("bReserved2", .reserved),
        .group(.counted("bNumOfPDObjects"), [.double("wPowerDataObject", .hexadecimal)]),
      ]),
    0x0A: capability(
      "SuperSpeedPlus USB Capability", "USB 3.2, 9.6.2.5",
      [
        .byte("bReserved", .reserved),
        .double(
          "bmAttributes",
          .flags([
            .bits(0...4, "sublink speed attributes beyond the first"),
            .bits(5...8, "sublink speed ids beyond the first"),
          ])),
        .word(
          "wFunctionalitySupport",
          .flags([
            .bits(0...3, "least speed id"), .bits(8...11, "least receive lanes"),
            .bits(12...15, "least transmit lanes"),
          ])),
        .word("wReserved", .reserved),
        .group(
          .rest,
          [
            .double(
              "bmSublinkSpeedAttr",
              .flags([
                .bits(0...3, "speed id"),
                .bits(4...5, "", [0: "bit/s", 1: "kbit/s", 2: "Mbit/s", 3: "Gbit/s"]),
                .bits(
                  6...7, "",
                  [
                    0: "symmetric, receive", 1: "asymmetric, receive", 2: "symmetric, transmit",
                    3: "asymmetric, transmit",
                  ]),
                .bits(14...15, "", [0: "SuperSpeed", 1: "SuperSpeedPlus"]),
                .bits(16...31, "mantissa"),
              ]))
          ]),
      ]),
    0x0B: capability("Precision Time Measurement", "USB 3.2, 9.6.2.6", []),
    0x0D: capability(
      "Billboard Capability", "USB Billboard 1.2, 3.1.6.2",
      [
        .byte("iAddtionalInfoURL", .string), .byte("bNumberOfAlternateOrUSB4Modes"),
        .byte("bPreferredAlternateOrUSB4Mode"), .word("VCONNPower", .hexadecimal),
        .fixed("bmConfigured", 32, .bytes), .word("bcdVersion", .version),
        .byte(
          "bAdditionalFailureInfo",
          .flags([.bit(0, "too little power"), .bit(1, "no power delivery")])),
        .byte("bReserved", .reserved),
        .group(
          .counted("bNumberOfAlternateOrUSB4Modes"),
          [
            .word("wSVID", .hexadecimal), .byte("bAlternateOrUSB4Mode"),
            .byte("iAlternateOrUSB4ModeString", .string),
          ]),
      ]),
    0x0E: capability(
      "Authentication Capability", "USB Authentication 1.0, 5.1",
      [
        .byte("bmAttributes", .hexadecimal), .byte("bcdProtocolVersion", .hexadecimal),
        .byte("bcdCapability", .hexadecimal),
      ]),
    0x0F: capability(
      "Billboard Alternate Mode", "USB Billboard 1.2, 3.1.6.3",
      [.byte("bIndex"), .double("dwAlternateModeVdo", .hexadecimal)]),
    0x10: capability(
      "Configuration Summary", "USB 3.2, 9.6.2.7",
      [
        .word("bcdVersion", .version), .byte("bConfigurationValue"), .byte("bMaxPower"),
        .byte("bNumFunctions"),
        .group(
          .counted("bNumFunctions"),
          [
            .byte("bClass", .classCode), .byte("bSubClass", .subclassCode),
            .byte("bProtocol", .protocolCode),
          ]),
      ]),
  ]

  private static let portCapabilities = FieldKind.flags([
    .bit(0, "battery charging"), .bit(1, "power delivery"), .bit(2, "Type-C current"),
  ])

  /// `PlatformCapabilityUUID` of WebUSB, as it stands in the bytes.
  static let webUSBIdentifier: [UInt8] = [
    0x38, 0xB6, 0x08, 0x34, 0xA9, 0x09, 0xA0, 0x47, 0x8B, 0xFD, 0xA0, 0x76, 0x88, 0x15, 0xB6, 0x65,
  ]
  /// `PlatformCapabilityUUID` of Microsoft OS 2.0, as it stands in the bytes.
  static let microsoftIdentifier: [UInt8] = [
    0xDF, 0x60, 0xDD, 0xD8, 0x89, 0x45, 0xC7, 0x4C, 0x9C, 0xD2, 0x65, 0x9D, 0x9E, 0x64, 0x8A, 0x9F,
  ]

  static let webUSB = capability(
    "WebUSB Platform Capability", "WebUSB, 4.1",
    [
      .byte("bReserved", .reserved), .fixed("PlatformCapabilityUUID", 16, .guid),
      .word("bcdVersion", .version), .byte("bVendorCode", .hexadecimal), .byte("iLandingPage"),
    ])

  static let microsoft = capability(
    "Microsoft OS 2.0 Platform Capability", "Microsoft OS 2.0 Descriptors, table 4",
    [
      .byte("bReserved", .reserved), .fixed("PlatformCapabilityUUID", 16, .guid),
      .group(
        .rest,
        [
          .double(
            "dwWindowsVersion", .choice([0x0603_0000: "Windows 8.1", 0x0A00_0000: "Windows 10"])),
          .word("wMSOSDescriptorSetTotalLength"), .byte("bMS_VendorCode", .hexadecimal),
          .byte("bAltEnumCode"),
        ]),
    ])
}
