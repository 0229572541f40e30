/// Classes with one or two descriptors of their own.
enum OtherClassLayouts {
  private static func humanInterface(_ name: String) -> DescriptorLayout {
    DescriptorLayout(
      name, "HID 1.11, 6.2.1",
      [
        .word("bcdHID", .version), .byte("bCountryCode"), .byte("bNumDescriptors"),
        .group(
          .counted("bNumDescriptors"),
          [.byte("bDescriptorType", .descriptorType), .word("wDescriptorLength")]),
      ])
  }

  static let humanInterface = humanInterface("HID")
  /// In an interface of a vendor: it looks like HID's, and nobody has said that it is.
  static let humanInterfaceShaped = humanInterface("HID-shaped")

  static let dfuFunctional = DescriptorLayout(
    "DFU Functional", "DFU 1.1, 4.1.3",
    [
      .byte(
        "bmAttributes",
        .flags([
          .bit(0, "download"), .bit(1, "upload"), .bit(2, "manifestation tolerant"),
          .bit(3, "will detach"), .bit(7, "can accelerate (DfuSe)"),
        ])),
      .word("wDetachTimeOut", .scaled(1, "ms")), .word("wTransferSize", .scaled(1, "bytes")),
      .word("bcdDFUVersion", .version, optional: true),
    ])

  static let smartCard = DescriptorLayout(
    "Smart Card Device", "CCID 1.1, 5.1",
    [
      .word("bcdCCID", .version), .byte("bMaxSlotIndex"),
      .byte("bVoltageSupport", .flags([.bit(0, "5 V"), .bit(1, "3 V"), .bit(2, "1.8 V")])),
      .double("dwProtocols", .flags([.bit(0, "T=0"), .bit(1, "T=1")])),
      .double("dwDefaultClock", .scaled(1, "kHz")),
      .double("dwMaximumClock", .scaled(1, "kHz")), .byte("bNumClockSupported"),
      .double("dwDataRate", .scaled(1, "bit/s")), .double("dwMaxDataRate", .scaled(1, "bit/s")),
      .byte("bNumDataRatesSupported"), .double("dwMaxIFSD"),
      .double("dwSynchProtocols", .hexadecimal), .double("dwMechanical", .hexadecimal),
      .double("dwFeatures", .hexadecimal), .double("dwMaxCCIDMessageLength"),
      .byte("bClassGetResponse", .hexadecimal), .byte("bClassEnvelope", .hexadecimal),
      .word("wLcdLayout", .hexadecimal),
      .byte("bPINSupport", .flags([.bit(0, "verification"), .bit(1, "modification")])),
      .byte("bMaxCCIDBusySlots"),
    ])

  static let pipeUsage = DescriptorLayout(
    "Pipe Usage", "USB Attached SCSI, 5.3.3.5",
    [
      .byte(
        "bPipeID", .choice([1: "command", 2: "status", 3: "data in", 4: "data out"])),
      .byte("Reserved", .reserved, optional: true),
    ])

  static let microsoftString = DescriptorLayout(
    "Microsoft OS String", "Microsoft OS 1.0 Descriptors, 1",
    [
      .fixed("qwSignature", 14, .text), .byte("bMS_VendorCode", .hexadecimal),
      .byte("bPad", .flags([.bit(1, "container id")])),
    ])

  static let printer = DescriptorLayout(
    "Printer Class", "IPP over USB 1.0", [.rest("bData")])
}

/// Microsoft OS 1.0 and 2.0: what a vendor request answers.
enum MicrosoftLayouts {
  private static let specification = "Microsoft OS 2.0 Descriptors"

  private static func part(
    _ name: String, _ table: Int, _ items: [DescriptorLayout.Item]
  ) -> DescriptorLayout {
    DescriptorLayout(
      bare: name, "\(specification), table \(table)",
      [.word("wLength"), .word("wDescriptorType", .hexadecimal)] + items)
  }

  static let propertyTypes: FieldKind = .choice([
    1: "REG_SZ", 2: "REG_EXPAND_SZ", 3: "REG_BINARY", 4: "REG_DWORD", 5: "REG_DWORD_BIG_ENDIAN",
    6: "REG_LINK", 7: "REG_MULTI_SZ",
  ])

  /// The parts of a descriptor set by `wDescriptorType`.
  static let parts: [UInt16: DescriptorLayout] = [
    0: part(
      "Set Header", 10,
      [
        .double(
          "dwWindowsVersion", .choice([0x0603_0000: "Windows 8.1", 0x0A00_0000: "Windows 10"])),
        .word("wTotalLength"),
      ]),
    1: part(
      "Configuration Subset Header", 11,
      [.byte("bConfigurationValue"), .byte("bReserved", .reserved), .word("wTotalLength")]),
    2: part(
      "Function Subset Header", 12,
      [.byte("bFirstInterface"), .byte("bReserved", .reserved), .word("wSubsetLength")]),
    3: part(
      "Compatible ID", 13,
      [.fixed("CompatibleID", 8, .ascii), .fixed("SubCompatibleID", 8, .ascii)]),
    4: part(
      "Registry Property", 14,
      [
        .word("wPropertyDataType", propertyTypes), .word("wPropertyNameLength"),
        .counted("PropertyName", by: "wPropertyNameLength", .text),
        .word("wPropertyDataLength", .number, optional: true),
        .counted("PropertyData", by: "wPropertyDataLength", .text),
      ]),
    5: part(
      "Minimum Resume Time", 15,
      [
        .byte("bResumeRecoveryTime", .scaled(1, "ms")),
        .byte("bResumeSignalingTime", .scaled(1, "ms")),
      ]),
    6: part("Model ID", 16, [.fixed("ModelID", 16, .guid)]),
    7: part("CCGP Device", 17, []),
    8: part("Vendor Revision", 18, [.word("VendorRevision")]),
  ]

  static let unknownPart = part("Unknown Part", 9, [.rest("data")])

  static let compatibleHeader = DescriptorLayout(
    bare: "Extended Compat ID", "Microsoft OS 1.0 Descriptors, extended compat id",
    [
      .double("dwLength"), .word("bcdVersion", .version), .word("wIndex"), .byte("bCount"),
      .fixed("bReserved", 7, .reserved),
      .group(
        .counted("bCount"),
        [
          .byte("bFirstInterfaceNumber"), .byte("bReserved", .reserved),
          .fixed("compatibleID", 8, .ascii), .fixed("subCompatibleID", 8, .ascii),
          .fixed("bReserved", 6, .reserved),
        ]),
    ])

  static let propertiesHeader = DescriptorLayout(
    bare: "Extended Properties", "Microsoft OS 1.0 Descriptors, extended properties",
    [
      .double("dwLength"), .word("bcdVersion", .version), .word("wIndex"), .word("wCount"),
      .group(
        .counted("wCount"),
        [
          .double("dwSize"), .double("dwPropertyDataType", propertyTypes),
          .word("wPropertyNameLength"), .counted("bPropertyName", by: "wPropertyNameLength", .text),
          .double("dwPropertyDataLength"),
          .counted("bPropertyData", by: "dwPropertyDataLength", .text),
        ]),
    ])
}
