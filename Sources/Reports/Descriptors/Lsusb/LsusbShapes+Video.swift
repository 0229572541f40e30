internal import USB

extension LsusbShapes {
  private static func control(
    _ subtype: String, _ fields: [String: LsusbField] = [:]
  ) -> LsusbShape {
    named("VideoControl Interface Descriptor:", subtype, index: .roundWide, fields)
  }

  private static func streaming(
    _ subtype: String, _ fields: [String: LsusbField] = [:]
  ) -> LsusbShape {
    named("VideoStreaming Interface Descriptor:", subtype, end: 37, index: .roundWide, fields)
  }

  private static let videoTerminal = LsusbField(
    form: .hexadecimal(4),
    words: LsusbWords.names([
      0x0100: "USB Vendor Specific", 0x0101: "USB Streaming", 0x0200: "Input Vendor Specific",
      0x0201: "Camera Sensor", 0x0202: "Sequential Media", 0x0300: "Output Vendor Specific",
      0x0301: "Generic Display", 0x0302: "Sequential Media", 0x0400: "External Vendor Specific",
      0x0401: "Composite Video", 0x0402: "S-Video", 0x0403: "Component Video",
    ]))

  private static func controls(_ names: [String], end: Int) -> LsusbField {
    LsusbField(form: .hexadecimal(8), end: end, words: LsusbWords.bits(names))
  }

  private static let camera = [
    "Scanning Mode", "Auto-Exposure Mode", "Auto-Exposure Priority", "Exposure Time (Absolute)",
    "Exposure Time (Relative)", "Focus (Absolute)", "Focus (Relative)", "Iris (Absolute)",
    "Iris (Relative)", "Zoom (Absolute)", "Zoom (Relative)", "PanTilt (Absolute)",
    "PanTilt (Relative)", "Roll (Absolute)", "Roll (Relative)", "Reserved", "Reserved",
    "Focus, Auto", "Privacy",
  ]

  private static let processing = [
    "Brightness", "Contrast", "Hue", "Saturation", "Sharpness", "Gamma",
    "White Balance Temperature", "White Balance Component", "Backlight Compensation", "Gain",
    "Power Line Frequency", "Hue, Auto", "White Balance Temperature, Auto",
    "White Balance Component, Auto", "Digital Multiplier", "Digital Multiplier Limit",
    "Analog Video Standard", "Analog Video Lock Status", "Contrast, Auto",
  ]

  private static let encoding = [
    "Select Layer", "Profile and Toolset", "Video Resolution", "Minimum Frame Interval",
    "Slice Mode", "Rate Control Mode", "Average Bit Rate", "CPB Size", "Peak Bit Rate",
    "Quantization Parameter", "Synchronization and Long-Term Reference Frame",
    "Long-Term Buffer", "Picture Long-Term Reference", "LTR Validation", "Level IDC",
    "SEI Message", "QP Range", "Priority ID", "Start or Stop Layer View", "Error Resiliency",
  ]

  private static let interlace = LsusbField(
    form: .hexadecimal(2),
    words: { context in
      let number = context.number
      let patterns = [
        "Field 1 only", "Field 2 only", "Regular pattern of fields 1 and 2",
        "Random pattern of fields 1 and 2",
      ]
      return LsusbWords(below: [
        "Interlaced stream or variable: \(number & 1 == 0 ? "No" : "Yes")",
        "Fields per frame: \(number & 2 == 0 ? 2 : 1) fields",
        "Field 1 first: \(number & 4 == 0 ? "No" : "Yes")",
        "Field pattern: \(patterns[Int(number >> 4 & 3)])",
      ])
    })

  private static let capabilityBits = LsusbField(
    form: .hexadecimal(2),
    words: { context in
      LsusbWords(
        below: ["Still image \(context.number & 1 == 0 ? "unsupported" : "supported")"]
          + (context.number & 2 == 0 ? [] : ["Fixed frame-rate"]))
    })

  private static let frame: [String: LsusbField] = [
    "bmCapabilities": capabilityBits,
    "bFrameIntervalType": LsusbField(form: .decimal),
  ]

  private static let list = LsusbField(form: .decimal, split: (1, "bControlSize"))

  private static func sixteen(_ names: [UInt64: String]) -> LsusbField {
    LsusbField(
      form: .decimal,
      words: { LsusbWords(behind: names[$0.number].map { " (\($0))" } ?? " (unknown)") })
  }

  static let video: [String: LsusbShape] = [
    "Video Control Header": control(
      "HEADER", ["dwClockFrequency": LsusbField(form: .clock, end: 36)]),
    "Video Input Terminal": control(
      "INPUT_TERMINAL",
      [
        "wTerminalType": videoTerminal, "wObjectiveFocalLengthMin": LsusbField(end: 31),
        "wObjectiveFocalLengthMax": LsusbField(end: 31), "wOcularFocalLength": LsusbField(end: 31),
        "bControlSize": LsusbField(end: 31), "bmControls": controls(camera, end: 31),
      ]),
    "Video Output Terminal": control("OUTPUT_TERMINAL", ["wTerminalType": videoTerminal]),
    "Video Selector Unit": control(
      "SELECTOR_UNIT", ["baSourceID": LsusbField(label: "baSource")]),
    "Video Processing Unit": control(
      "PROCESSING_UNIT",
      [
        "bmControls": controls(processing, end: 25),
        "bmVideoStandards": LsusbField(
          words: LsusbWords.bits([
            "None", "NTSC - 525/60", "PAL - 625/50", "SECAM - 625/50", "NTSC - 625/50",
            "PAL - 525/60",
          ])),
      ]),
    "Video Extension Unit": control(
      "EXTENSION_UNIT",
      ["bmControls": LsusbField(form: .hexadecimal(2), split: (1, nil))]),
    "Video Encoding Unit": control(
      "ENCODING UNIT",
      ["bmControls": controls(encoding, end: 34), "bmControlsRuntime": controls(encoding, end: 34)]),
    "Video Interrupt Endpoint": named(
      "VideoControl Endpoint Descriptor:", "EP_INTERRUPT"),
    "Video Input Header": streaming(
      "INPUT_HEADER", ["bmInfo": LsusbField(form: .decimal), "bmaControls": list]),
    "Video Output Header": streaming("OUTPUT_HEADER", ["bmaControls": list]),
    "Video Still Image Frame": streaming(
      "STILL_IMAGE_FRAME",
      [
        "bEndpointAddress": usual["bEndpointAddress"] ?? LsusbField(),
        "bNumCompressionPattern": LsusbField(label: "bNumCompressionPatterns"),
      ]),
    "Video Format Uncompressed": streaming(
      "FORMAT_UNCOMPRESSED", ["bmInterlaceFlags": interlace, "guidFormat": LsusbField(end: 38)]),
    "Video Frame Uncompressed": streaming("FRAME_UNCOMPRESSED", frame),
    "Video Format MJPEG": streaming(
      "FORMAT_MJPEG",
      [
        "bmFlags": LsusbField(
          label: "bFlags", form: .decimal,
          words: {
            LsusbWords(below: ["Fixed-size samples: \($0.number & 1 == 0 ? "No" : "Yes")"])
          }),
        "bmInterlaceFlags": interlace,
      ]),
    "Video Frame MJPEG": streaming("FRAME_MJPEG", frame),
    "Video Color Matching": streaming(
      "COLORFORMAT",
      [
        "bColorPrimaries": sixteen([
          0: "Unspecified", 1: "BT.709,sRGB", 2: "BT.470-2 (M)", 3: "BT.470-2 (B,G)",
          4: "SMPTE 170M", 5: "SMPTE 240M",
        ]),
        "bTransferCharacteristics": sixteen([
          0: "Unspecified", 1: "BT.709", 2: "BT.470-2 (M)", 3: "BT.470-2 (B,G)", 4: "SMPTE 170M",
          5: "SMPTE 240M", 6: "Linear", 7: "sRGB",
        ]),
        "bMatrixCoefficients": sixteen([
          0: "Unspecified", 1: "BT.709", 2: "FCC", 3: "BT.470-2 (B,G)",
          4: "SMPTE 170M (BT.601)", 5: "SMPTE 240M",
        ]),
      ]),
    "Video Format Frame-Based": streaming(
      "FORMAT_FRAME_BASED",
      [
        "bmInterlaceFlags": interlace, "guidFormat": LsusbField(end: 38),
        "bVariableSize": LsusbField(end: 35),
      ]),
    "Video Frame Frame-Based": streaming("FRAME_FRAME_BASED", frame),
  ]
}
