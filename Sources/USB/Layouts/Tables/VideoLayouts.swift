/// Video 1.0 to 1.5.
enum VideoLayouts {
  private static func layout(
    _ name: String, _ section: String, _ items: [DescriptorLayout.Item]
  ) -> DescriptorLayout {
    DescriptorLayout(
      "Video \(name)", "Video 1.5, \(section)",
      [.byte("bDescriptorSubtype", .hexadecimal)] + items)
  }

  private static let terminalTypes = FieldKind.choice([
    0x0100: "USB, of the vendor", 0x0101: "USB streaming", 0x0200: "input, of the vendor",
    0x0201: "camera", 0x0202: "media transport, input", 0x0300: "output, of the vendor",
    0x0301: "display", 0x0302: "media transport, output", 0x0400: "external, of the vendor",
    0x0401: "composite connector", 0x0402: "S-video connector", 0x0403: "component connector",
  ])

  /// Control interface, by `bDescriptorSubtype`.
  static let control: LayoutTable = [
    0x01: layout(
      "Control Header", "3.7.2",
      [
        .word("bcdUVC", .version), .word("wTotalLength"),
        .double("dwClockFrequency", .scaled(1, "Hz")), .byte("bInCollection"),
        .group(.counted("bInCollection"), [.byte("baInterfaceNr")]),
      ]),
    0x02: layout(
      "Input Terminal", "3.7.2.1",
      [
        .byte("bTerminalID"), .word("wTerminalType", terminalTypes), .byte("bAssocTerminal"),
        .byte("iTerminal", .string),
        .group(
          .when("wTerminalType", 0x0201),
          [
            .word("wObjectiveFocalLengthMin"), .word("wObjectiveFocalLengthMax"),
            .word("wOcularFocalLength"), .byte("bControlSize"),
            .counted("bmControls", by: "bControlSize", .bytes),
          ]),
      ]),
    0x03: layout(
      "Output Terminal", "3.7.2.2",
      [
        .byte("bTerminalID"), .word("wTerminalType", terminalTypes), .byte("bAssocTerminal"),
        .byte("bSourceID"), .byte("iTerminal", .string),
      ]),
    0x04: layout(
      "Selector Unit", "3.7.2.4",
      [
        .byte("bUnitID"), .byte("bNrInPins"),
        .group(.counted("bNrInPins"), [.byte("baSourceID")]), .byte("iSelector", .string),
      ]),
    // `bmVideoStandards` came with 1.1.
    0x05: layout(
      "Processing Unit", "3.7.2.5",
      [
        .byte("bUnitID"), .byte("bSourceID"), .word("wMaxMultiplier"), .byte("bControlSize"),
        .counted("bmControls", by: "bControlSize", .bytes), .byte("iProcessing", .string),
        .byte("bmVideoStandards", .hexadecimal, optional: true),
      ]),
    0x06: layout(
      "Extension Unit", "3.7.2.7",
      [
        .byte("bUnitID"), .fixed("guidExtensionCode", 16, .guid), .byte("bNumControls"),
        .byte("bNrInPins"), .group(.counted("bNrInPins"), [.byte("baSourceID")]),
        .byte("bControlSize"), .counted("bmControls", by: "bControlSize", .bytes),
        .byte("iExtension", .string),
      ]),
    0x07: layout(
      "Encoding Unit", "3.7.2.6",
      [
        .byte("bUnitID"), .byte("bSourceID"), .byte("iEncoding", .string),
        .byte("bControlSize"), .counted("bmControls", by: "bControlSize", .bytes),
        .counted("bmControlsRuntime", by: "bControlSize", .bytes),
      ]),
  ]

  /// Endpoint: CS_ENDPOINT, EP_INTERRUPT.
  static let endpoint = layout("Interrupt Endpoint", "3.8.2.2", [.word("wMaxTransferSize")])

  private static func frame(_ name: String, _ section: String) -> DescriptorLayout {
    layout(
      name, section,
      [
        .byte("bFrameIndex"), .byte("bmCapabilities", .hexadecimal), .word("wWidth"),
        .word("wHeight"), .double("dwMinBitRate", .scaled(1, "bit/s")),
        .double("dwMaxBitRate", .scaled(1, "bit/s")), .double("dwMaxVideoFrameBufferSize"),
        .double("dwDefaultFrameInterval", .scaled(100, "ns")),
        .byte("bFrameIntervalType", .choice([0: "continuous"])),
        .group(.rest, [.double("dwFrameInterval", .scaled(100, "ns"))]),
      ])
  }

  private static func format(
    _ name: String, _ section: String, _ middle: [DescriptorLayout.Item],
    _ end: [DescriptorLayout.Item] = []
  ) -> DescriptorLayout {
    layout(
      name, section,
      [.byte("bFormatIndex"), .byte("bNumFrameDescriptors")] + middle + [
        .byte("bDefaultFrameIndex"), .byte("bAspectRatioX"), .byte("bAspectRatioY"),
        .byte("bmInterlaceFlags", .hexadecimal), .byte("bCopyProtect"),
      ] + end)
  }

  private static let uncompressed: [DescriptorLayout.Item] = [
    .fixed("guidFormat", 16, .guid), .byte("bBitsPerPixel"),
  ]

  /// Streaming interface, by `bDescriptorSubtype`.
  static let streaming: LayoutTable = [
    0x01: layout(
      "Input Header", "3.9.2.1",
      [
        .byte("bNumFormats"), .word("wTotalLength"), .byte("bEndpointAddress", .endpointAddress),
        .byte("bmInfo", .hexadecimal), .byte("bTerminalLink"), .byte("bStillCaptureMethod"),
        .byte("bTriggerSupport"), .byte("bTriggerUsage"), .byte("bControlSize"),
        .group(.counted("bNumFormats"), [.counted("bmaControls", by: "bControlSize", .bytes)]),
      ]),
    0x02: layout(
      "Output Header", "3.9.2.2",
      [
        .byte("bNumFormats"), .word("wTotalLength"), .byte("bEndpointAddress", .endpointAddress),
        .byte("bTerminalLink"), .byte("bControlSize"),
        .group(.counted("bNumFormats"), [.counted("bmaControls", by: "bControlSize", .bytes)]),
      ]),
    0x03: layout(
      "Still Image Frame", "3.9.2.5",
      [
        .byte("bEndpointAddress", .hexadecimal), .byte("bNumImageSizePatterns"),
        .group(.counted("bNumImageSizePatterns"), [.word("wWidth"), .word("wHeight")]),
        .byte("bNumCompressionPattern"),
        .group(.counted("bNumCompressionPattern"), [.byte("bCompression")]),
      ]),
    0x04: format("Format Uncompressed", "Uncompressed payload, 3.1.1", uncompressed),
    0x05: frame("Frame Uncompressed", "Uncompressed payload, 3.1.2"),
    0x06: format(
      "Format MJPEG", "MJPEG payload, 3.1.1",
      [.byte("bmFlags", .flags([.bit(0, "fixed size samples")]))]),
    0x07: frame("Frame MJPEG", "MJPEG payload, 3.1.2"),
    0x0D: layout(
      "Color Matching", "3.9.2.6",
      [.byte("bColorPrimaries"), .byte("bTransferCharacteristics"), .byte("bMatrixCoefficients")]),
    0x10: format(
      "Format Frame-Based", "Frame-based payload, 3.1.1", uncompressed, [.byte("bVariableSize")]),
    0x11: layout(
      "Frame Frame-Based", "Frame-based payload, 3.1.2",
      [
        .byte("bFrameIndex"), .byte("bmCapabilities", .hexadecimal), .word("wWidth"),
        .word("wHeight"), .double("dwMinBitRate", .scaled(1, "bit/s")),
        .double("dwMaxBitRate", .scaled(1, "bit/s")),
        .double("dwDefaultFrameInterval", .scaled(100, "ns")),
        .byte("bFrameIntervalType", .choice([0: "continuous"])), .double("dwBytesPerLine"),
        .group(.rest, [.double("dwFrameInterval", .scaled(100, "ns"))]),
      ]),
    0x13: layout("Format H.264", "H.264 payload, 3.1", [.rest("bData")]),
    0x14: layout("Frame H.264", "H.264 payload, 3.2", [.rest("bData")]),
  ]
}
