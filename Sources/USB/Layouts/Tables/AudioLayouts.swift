/// Audio 1.0 and 2.0, and MIDI 1.0.
enum AudioLayouts {
  private typealias Item = DescriptorLayout.Item

  private static func layout(
    _ name: String, _ section: String, _ items: [DescriptorLayout.Item]
  ) -> DescriptorLayout {
    DescriptorLayout(name, section, [.byte("bDescriptorSubtype", .hexadecimal)] + items)
  }

  /// Audio 1.0, table A-? and Universal Serial Bus Terminal Types 1.0.
  static let terminalTypes = FieldKind.choice([
    0x0100: "USB", 0x0101: "USB streaming", 0x01FF: "USB, of the vendor", 0x0200: "input",
    0x0201: "microphone", 0x0202: "desktop microphone", 0x0203: "personal microphone",
    0x0204: "omni-directional microphone", 0x0205: "microphone array",
    0x0206: "processing microphone array", 0x0300: "output", 0x0301: "speaker",
    0x0302: "headphones", 0x0303: "head-mounted display", 0x0304: "desktop speaker",
    0x0305: "room speaker", 0x0306: "communication speaker", 0x0307: "low-frequency speaker",
    0x0400: "bi-directional", 0x0401: "handset", 0x0402: "headset", 0x0403: "speakerphone",
    0x0601: "analog connector", 0x0602: "digital interface", 0x0603: "line connector",
    0x0605: "S/PDIF",
  ])

  // MARK: 1.0

  /// Control interface of audio 1.0, by `bDescriptorSubtype`.
  static let control: LayoutTable = [
    0x01: layout(
      "Audio Control Header", "Audio 1.0, 4.3.2",
      [
        .word("bcdADC", .version), .word("wTotalLength"), .byte("bInCollection"),
        .group(.counted("bInCollection"), [.byte("baInterfaceNr")]),
      ]),
    0x02: layout(
      "Audio Input Terminal", "Audio 1.0, 4.3.2.1",
      [
        .byte("bTerminalID"), .word("wTerminalType", terminalTypes), .byte("bAssocTerminal"),
        .byte("bNrChannels"), .word("wChannelConfig", .hexadecimal),
        .byte("iChannelNames", .string), .byte("iTerminal", .string),
      ]),
    0x03: layout(
      "Audio Output Terminal", "Audio 1.0, 4.3.2.2",
      [
        .byte("bTerminalID"), .word("wTerminalType", terminalTypes), .byte("bAssocTerminal"),
        .byte("bSourceID"), .byte("iTerminal", .string),
      ]),
    0x04: layout(
      "Audio Mixer Unit", "Audio 1.0, 4.3.2.3",
      [
        .byte("bUnitID"), .byte("bNrInPins"),
        .group(.counted("bNrInPins"), [.byte("baSourceID")]), .byte("bNrChannels"),
        .word("wChannelConfig", .hexadecimal), .byte("iChannelNames", .string),
        .rest("bmControls", before: 1), .byte("iMixer", .string),
      ]),
    0x05: layout(
      "Audio Selector Unit", "Audio 1.0, 4.3.2.4",
      [
        .byte("bUnitID"), .byte("bNrInPins"),
        .group(.counted("bNrInPins"), [.byte("baSourceID")]), .byte("iSelector", .string),
      ]),
    0x06: layout(
      "Audio Feature Unit", "Audio 1.0, 4.3.2.5",
      [
        .byte("bUnitID"), .byte("bSourceID"), .byte("bControlSize"),
        .rest("bmaControls", before: 1), .byte("iFeature", .string),
      ]),
    0x07: processing("Audio Processing Unit", "Audio 1.0, 4.3.2.6", "wProcessType"),
    0x08: processing("Audio Extension Unit", "Audio 1.0, 4.3.2.7", "wExtensionCode"),
  ]

  private static func processing(
    _ name: String, _ section: String, _ type: String
  ) -> DescriptorLayout {
    layout(
      name, section,
      [
        .byte("bUnitID"), .word(type, .hexadecimal), .byte("bNrInPins"),
        .group(.counted("bNrInPins"), [.byte("baSourceID")]), .byte("bNrChannels"),
        .word("wChannelConfig", .hexadecimal), .byte("iChannelNames", .string),
        .byte("bControlSize"), .counted("bmControls", by: "bControlSize", .bytes),
        .rest("bData", before: 1), .byte("iUnit", .string),
      ])
  }

  /// Streaming interface of audio 1.0, by `bDescriptorSubtype`.
  static let streaming: LayoutTable = [
    0x01: layout(
      "Audio Streaming General", "Audio 1.0, 4.5.2",
      [
        .byte("bTerminalLink"), .byte("bDelay", .scaled(1, "frames")),
        .word(
          "wFormatTag",
          .choice([1: "PCM", 2: "PCM8", 3: "IEEE float", 4: "A-law", 5: "µ-law"])),
      ]),
    0x02: layout(
      "Audio Format Type", "Audio Data Formats 1.0, 2.2.5",
      [
        .byte("bFormatType", .choice([1: "type I", 2: "type II", 3: "type III"])),
        .group(
          .unless("bFormatType", 2),
          [
            .byte("bNrChannels"), .byte("bSubframeSize"),
            .byte("bBitResolution", .scaled(1, "bits")),
          ]),
        .group(
          .when("bFormatType", 2),
          [.word("wMaxBitRate", .scaled(1, "kbit/s")), .word("wSamplesPerFrame")]),
        .byte("bSamFreqType", .choice([0: "continuous"])),
        .group(.rest, [.three("tSamFreq", .scaled(1, "Hz"))]),
      ]),
  ]

  /// Endpoint of audio 1.0: CS_ENDPOINT, EP_GENERAL.
  static let endpoint = layout(
    "Audio Endpoint General", "Audio 1.0, 4.6.1.2",
    [
      .byte(
        "bmAttributes",
        .flags([
          .bit(0, "sampling frequency"), .bit(1, "pitch"), .bit(7, "full packets only"),
        ])),
      .byte("bLockDelayUnits", .choice([1: "ms", 2: "samples"])), .word("wLockDelay"),
    ])

  // MARK: 2.0

  /// Control interface of audio 2.0, by `bDescriptorSubtype`.
  static let control2: LayoutTable = [
    0x01: layout(
      "Audio 2.0 Control Header", "Audio 2.0, 4.7.2",
      [
        .word("bcdADC", .version),
        .byte(
          "bCategory",
          .choice([
            1: "desktop speaker", 2: "home theater", 3: "microphone", 4: "headset",
            5: "telephone", 6: "converter", 7: "recorder", 8: "I/O box", 9: "instrument",
            10: "pro audio", 11: "audio and video", 12: "control panel", 0xFF: "other",
          ])),
        .word("wTotalLength"), .byte("bmControls", .hexadecimal),
      ]),
    0x02: layout(
      "Audio 2.0 Input Terminal", "Audio 2.0, 4.7.2.4",
      [
        .byte("bTerminalID"), .word("wTerminalType", terminalTypes), .byte("bAssocTerminal"),
        .byte("bCSourceID"), .byte("bNrChannels"), .double("bmChannelConfig", .hexadecimal),
        .byte("iChannelNames", .string), .word("bmControls", .hexadecimal),
        .byte("iTerminal", .string),
      ]),
    0x03: layout(
      "Audio 2.0 Output Terminal", "Audio 2.0, 4.7.2.5",
      [
        .byte("bTerminalID"), .word("wTerminalType", terminalTypes), .byte("bAssocTerminal"),
        .byte("bSourceID"), .byte("bCSourceID"), .word("bmControls", .hexadecimal),
        .byte("iTerminal", .string),
      ]),
    0x04: layout(
      "Audio 2.0 Mixer Unit", "Audio 2.0, 4.7.2.6",
      [
        .byte("bUnitID"), .byte("bNrInPins"),
        .group(.counted("bNrInPins"), [.byte("baSourceID")]), .byte("bNrChannels"),
        .double("bmChannelConfig", .hexadecimal), .byte("iChannelNames", .string),
        .rest("bmMixerControls", before: 2), .byte("bmControls", .hexadecimal),
        .byte("iMixer", .string),
      ]),
    0x05: layout(
      "Audio 2.0 Selector Unit", "Audio 2.0, 4.7.2.7",
      [
        .byte("bUnitID"), .byte("bNrInPins"),
        .group(.counted("bNrInPins"), [.byte("baSourceID")]),
        .byte("bmControls", .hexadecimal), .byte("iSelector", .string),
      ]),
    0x06: layout(
      "Audio 2.0 Feature Unit", "Audio 2.0, 4.7.2.8",
      [
        .byte("bUnitID"), .byte("bSourceID"), .rest("bmaControls", before: 1),
        .byte("iFeature", .string),
      ]),
    0x07: layout(
      "Audio 2.0 Effect Unit", "Audio 2.0, 4.7.2.10",
      [
        .byte("bUnitID"), .word("wEffectType", .hexadecimal), .byte("bSourceID"),
        .rest("bmaControls", before: 1), .byte("iEffects", .string),
      ]),
    0x08: processing2("Audio 2.0 Processing Unit", "Audio 2.0, 4.7.2.11", "wProcessType"),
    0x09: processing2("Audio 2.0 Extension Unit", "Audio 2.0, 4.7.2.12", "wExtensionCode"),
    0x0A: layout(
      "Audio 2.0 Clock Source", "Audio 2.0, 4.7.2.1",
      [
        .byte("bClockID"),
        .byte(
          "bmAttributes",
          .flags([
            .bits(0...1, "", [0: "external", 1: "fixed", 2: "variable", 3: "programmable"]),
            .bit(2, "locked to SOF"),
          ])),
        .byte("bmControls", .hexadecimal), .byte("bAssocTerminal"),
        .byte("iClockSource", .string),
      ]),
    0x0B: layout(
      "Audio 2.0 Clock Selector", "Audio 2.0, 4.7.2.2",
      [
        .byte("bClockID"), .byte("bNrInPins"),
        .group(.counted("bNrInPins"), [.byte("baCSourceID")]),
        .byte("bmControls", .hexadecimal), .byte("iClockSelector", .string),
      ]),
    0x0C: layout(
      "Audio 2.0 Clock Multiplier", "Audio 2.0, 4.7.2.3",
      [
        .byte("bClockID"), .byte("bCSourceID"), .byte("bmControls", .hexadecimal),
        .byte("iClockMultiplier", .string),
      ]),
    0x0D: layout(
      "Audio 2.0 Sampling Rate Converter", "Audio 2.0, 4.7.2.9",
      [
        .byte("bUnitID"), .byte("bSourceID"), .byte("bCSourceInID"), .byte("bCSourceOutID"),
        .byte("iSRC", .string),
      ]),
  ]

  private static func processing2(
    _ name: String, _ section: String, _ type: String
  ) -> DescriptorLayout {
    layout(
      name, section,
      [
        .byte("bUnitID"), .word(type, .hexadecimal), .byte("bNrInPins"),
        .group(.counted("bNrInPins"), [.byte("baSourceID")]), .byte("bNrChannels"),
        .double("bmChannelConfig", .hexadecimal), .byte("iChannelNames", .string),
        .rest("bmControls", before: 1), .byte("iUnit", .string),
      ])
  }

  /// Streaming interface of audio 2.0, by `bDescriptorSubtype`.
  static let streaming2: LayoutTable = [
    0x01: layout(
      "Audio 2.0 Streaming General", "Audio 2.0, 4.9.2",
      [
        .byte("bTerminalLink"), .byte("bmControls", .hexadecimal), .byte("bFormatType"),
        .double(
          "bmFormats",
          .flags([
            .bit(0, "PCM"), .bit(1, "PCM8"), .bit(2, "IEEE float"), .bit(3, "A-law"),
            .bit(4, "µ-law"), .bit(31, "raw data"),
          ])),
        .byte("bNrChannels"), .double("bmChannelConfig", .hexadecimal),
        .byte("iChannelNames", .string),
      ]),
    0x02: layout(
      "Audio 2.0 Format Type", "Audio Data Formats 2.0, 2.3.1.6",
      [
        .byte("bFormatType", .choice([1: "type I", 2: "type II", 3: "type III", 4: "type IV"])),
        // Coded streams have a rate, and type IV has no more than its name.
        .group(
          .when("bFormatType", 2),
          [.word("wMaxBitRate", .scaled(1, "kbit/s")), .word("wSlotsPerFrame")]),
        .group(
          .unless("bFormatType", 2),
          [
            .byte("bSubslotSize", optional: true),
            .byte("bBitResolution", .scaled(1, "bits"), optional: true),
          ]),
      ]),
  ]

  /// Endpoint of audio 2.0: CS_ENDPOINT, EP_GENERAL.
  static let endpoint2 = layout(
    "Audio 2.0 Endpoint General", "Audio 2.0, 4.10.1.2",
    [
      .byte("bmAttributes", .flags([.bit(7, "full packets only")])),
      .byte("bmControls", .hexadecimal),
      .byte("bLockDelayUnits", .choice([1: "ms", 2: "samples"])), .word("wLockDelay"),
    ])

  // MARK: MIDI

  private static let jackTypes = FieldKind.choice([1: "embedded", 2: "external"])

  /// MIDI streaming interface, by `bDescriptorSubtype`.
  static let midi: LayoutTable = [
    0x01: layout(
      "MIDI Streaming Header", "MIDI 1.0, 6.1.2.1",
      [.word("bcdMSC", .version), .word("wTotalLength")]),
    0x02: layout(
      "MIDI IN Jack", "MIDI 1.0, 6.1.2.2",
      [.byte("bJackType", jackTypes), .byte("bJackID"), .byte("iJack", .string)]),
    0x03: layout(
      "MIDI OUT Jack", "MIDI 1.0, 6.1.2.3",
      [
        .byte("bJackType", jackTypes), .byte("bJackID"), .byte("bNrInputPins"),
        .group(.counted("bNrInputPins"), [.byte("baSourceID"), .byte("baSourcePin")]),
        .byte("iJack", .string),
      ]),
    0x04: layout(
      "MIDI Element", "MIDI 1.0, 6.1.2.4",
      [
        .byte("bElementID"), .byte("bNrInputPins"),
        .group(.counted("bNrInputPins"), [.byte("baSourceID"), .byte("baSourcePin")]),
        .byte("bNrOutputPins"), .byte("bInTerminalLink"), .byte("bOutTerminalLink"),
        .byte("bElCapsSize"), .counted("bmElementCaps", by: "bElCapsSize", .bytes),
        .byte("iElement", .string),
      ]),
  ]

  /// Endpoint of MIDI: CS_ENDPOINT, MS_GENERAL.
  static let midiEndpoint = layout(
    "MIDI Endpoint General", "MIDI 1.0, 6.2.2",
    [
      .byte("bNumEmbMIDIJack"),
      .group(.counted("bNumEmbMIDIJack"), [.byte("baAssocJackID")]),
    ])

  /// CS_GR_TRM_BLOCK of MIDI 2.0.
  static let groupTerminalBlock = layout(
    "MIDI Group Terminal Block", "MIDI 2.0, 5.4", [.rest("bData")])
}
