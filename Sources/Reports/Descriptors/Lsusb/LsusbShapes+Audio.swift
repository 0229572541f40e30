internal import USB

extension LsusbShapes {
  /// A descriptor whose subtype has a name.
  static func named(
    _ title: String, _ subtype: String, end: Int = 25, index: LsusbIndex = .round,
    _ fields: [String: LsusbField] = [:]
  ) -> LsusbShape {
    var fields = fields
    fields["bDescriptorSubtype"] = LsusbField(
      form: .decimal, words: { _ in LsusbWords(behind: " (\(subtype))") })
    return LsusbShape(title: title, end: end, index: index, fields: fields)
  }

  private static func control(
    _ subtype: String, _ fields: [String: LsusbField] = [:]
  ) -> LsusbShape {
    named("AudioControl Interface Descriptor:", subtype, fields)
  }

  private static func streaming(
    _ subtype: String, _ fields: [String: LsusbField] = [:]
  ) -> LsusbShape {
    named("AudioStreaming Interface Descriptor:", subtype, fields)
  }

  private static let midiTitle = "MIDIStreaming Interface Descriptor:"

  static let terminalNames: [UInt64: String] = [
    0x0100: "USB Undefined", 0x0101: "USB Streaming", 0x01FF: "USB Vendor Specific",
    0x0200: "Input Undefined", 0x0201: "Microphone", 0x0202: "Desktop Microphone",
    0x0203: "Personal Microphone", 0x0204: "Omni-directional Microphone",
    0x0205: "Microphone Array", 0x0206: "Processing Microphone Array",
    0x0300: "Output Undefined", 0x0301: "Speaker", 0x0302: "Headphones",
    0x0303: "Head Mounted Display Audio", 0x0304: "Desktop Speaker", 0x0305: "Room Speaker",
    0x0306: "Communication Speaker", 0x0307: "Low Frequency Effects Speaker",
    0x0400: "Bidirectional Undefined", 0x0401: "Handset", 0x0402: "Headset",
    0x0403: "Speakerphone, no echo reduction", 0x0404: "Speakerphone, echo suppression",
    0x0405: "Speakerphone, echo cancellation", 0x0500: "Telephony Undefined",
    0x0501: "Phone Line", 0x0502: "Telephone", 0x0503: "Down Line Phone",
    0x0600: "External Undefined", 0x0601: "Analog Connector", 0x0602: "Digital Audio Interface",
    0x0603: "Line Connector", 0x0604: "Legacy Audio Connector", 0x0605: "SPDIF interface",
    0x0606: "1394 DA stream", 0x0607: "1394 DV stream soundtrack", 0x0700: "Embedded Undefined",
    0x0701: "Level Calibration Noise Source", 0x0702: "Equalization Noise",
    0x0703: "CD Player", 0x0704: "DAT", 0x0705: "DCC", 0x0706: "MiniDisc", 0x0707: "Analog Tape",
    0x0708: "Phonograph", 0x0709: "VCR Audio", 0x070A: "Video Disc Audio", 0x070B: "DVD Audio",
    0x070C: "TV Tuner Audio", 0x070D: "Satellite Receiver Audio", 0x070E: "Cable Tuner Audio",
    0x070F: "DSS Audio", 0x0710: "Radio Receiver", 0x0711: "Radio Transmitter",
    0x0712: "Multi-track Recorder", 0x0713: "Synthesizer",
  ]

  private static let terminal = LsusbField(
    form: .hexadecimal(4), words: LsusbWords.names(terminalNames, otherwise: "(unknown)"))

  private static let channels = LsusbField(
    words: LsusbWords.bits([
      "Left Front (L)", "Right Front (R)", "Center Front (C)", "Low Frequency Enhancement (LFE)",
      "Left Surround (LS)", "Right Surround (RS)", "Left of Center (LC)", "Right of Center (RC)",
      "Surround (S)", "Side Left (SL)", "Side Right (SR)", "Top (T)",
    ]))

  private static let channels2 = LsusbField(
    words: LsusbWords.bits([
      "Front Left (FL)", "Front Right (FR)", "Front Center (FC)", "Low Frequency Effects (LFE)",
      "Back Left (BL)", "Back Right (BR)", "Front Left of Center (FLC)",
      "Front Right of Center (FRC)", "Back Center (BC)", "Side Left (SL)", "Side Right (SR)",
      "Top Center (TC)", "Top Front Left (TFL)", "Top Front Center (TFC)",
      "Top Front Right (TFR)", "Top Back Left (TBL)", "Top Back Center (TBC)",
      "Top Back Right (TBR)", "Top Front Left of Center (TFLC)",
      "Top Front Right of Center (TFRC)", "Left Low Frequency Effects (LLFE)",
      "Right Low Frequency Effects (RLFE)", "Top Side Left (TSL)", "Top Side Right (TSR)",
      "Bottom Center (BC)", "Back Left of Center (BLC)", "Back Right of Center (BRC)", "", "", "",
      "", "Raw Data (RD)",
    ]))

  private static let features = [
    "Mute", "Volume", "Bass", "Mid", "Treble", "Graphic Equalizer", "Automatic Gain", "Delay",
    "Bass Boost", "Loudness", "Input gain", "Input gain pad", "Phase inverter",
  ]

  private static func bytewise(_ end: Int = 25) -> LsusbField {
    LsusbField(form: .hexadecimal(2), end: end, split: (1, nil))
  }

  private static func controls(_ names: [String], _ digits: Int = 2) -> LsusbField {
    LsusbField(form: .hexadecimal(digits), words: LsusbWords.controls(names))
  }

  private static let processTypes = LsusbField(
    form: .hexadecimal(4),
    words: LsusbWords.names(
      [
        0: "Undefined", 1: "Up/Down-mix", 2: "Dolby Prologic", 3: "3D Stereo Extender",
        4: "Reverberation", 5: "Chorus", 6: "Dyn Range Comp",
      ], otherwise: ""))

  private static let formatTags: [UInt64: String] = [
    0x0000: "TYPE_I_UNDEFINED", 0x0001: "PCM", 0x0002: "PCM8", 0x0003: "IEEE_FLOAT",
    0x0004: "ALAW", 0x0005: "MULAW", 0x1000: "TYPE_II_UNDEFINED", 0x1001: "MPEG",
    0x1002: "AC-3", 0x2000: "TYPE_III_UNDEFINED", 0x2001: "IEC1937_AC-3",
    0x2002: "IEC1937_MPEG-1_Layer1", 0x2003: "IEC1937_MPEG-Layer2/3/NOEXT",
    0x2004: "IEC1937_MPEG-2_EXT", 0x2005: "IEC1937_MPEG-2_Layer1_LS",
    0x2006: "IEC1937_MPEG-2_Layer2/3_LS",
  ]

  private static let formatType = LsusbField(
    form: .decimal,
    words: { context in
      let names = [
        "FORMAT_TYPE_UNDEFINED", "FORMAT_TYPE_I", "FORMAT_TYPE_II", "FORMAT_TYPE_III",
        "FORMAT_TYPE_IV",
      ]
      return LsusbWords(
        behind: context.number < 5 ? " (\(names[Int(context.number)]))" : " (invalid)")
    })

  private static let lockUnits = LsusbField(
    form: .decimal,
    words: LsusbWords.names(
      [0: "Undefined", 1: "Milliseconds", 2: "Decoded PCM samples"], otherwise: "Reserved"))

  private static func endpoint(_ fields: [String: LsusbField]) -> LsusbShape {
    var fields = fields
    fields["bLockDelayUnits"] = lockUnits
    fields["wLockDelay"] = LsusbField(form: .hexadecimal(4))
    return named("AudioStreaming Endpoint Descriptor:", "EP_GENERAL", fields)
  }

  static let audio: [String: LsusbShape] = [
    "Audio Control Header": control("HEADER"),
    "Audio Input Terminal": control(
      "INPUT_TERMINAL", ["wTerminalType": terminal, "wChannelConfig": channels]),
    "Audio Output Terminal": control("OUTPUT_TERMINAL", ["wTerminalType": terminal]),
    "Audio Mixer Unit": control(
      "MIXER_UNIT", ["wChannelConfig": channels, "bmControls": bytewise()]),
    "Audio Selector Unit": control("SELECTOR_UNIT"),
    "Audio Feature Unit": control(
      "FEATURE_UNIT",
      [
        "bmaControls": LsusbField(
          split: (1, "bControlSize"),
          words: LsusbWords.bits(features.prefix(10).map { "\($0) Control" }))
      ]),
    "Audio Processing Unit": control(
      "PROCESSING_UNIT",
      [
        "wProcessType": processTypes, "wChannelConfig": channels, "bmControls": bytewise(),
        "iUnit": LsusbField(label: "iProcessing"), "bData": bytewise(),
      ]),
    "Audio Extension Unit": control(
      "EXTENSION_UNIT",
      [
        "wChannelConfig": channels, "bmControls": bytewise(),
        "iUnit": LsusbField(label: "iExtension"), "bData": bytewise(),
      ]),
    "Audio Streaming General": streaming(
      "AS_GENERAL",
      [
        "bDelay": LsusbField(unit: " frames"),
        "wFormatTag": LsusbField(
          form: .hexadecimal(4), words: LsusbWords.names(formatTags, otherwise: "undefined")),
      ]),
    "Audio Format Type": streaming(
      "FORMAT_TYPE",
      [
        "bFormatType": formatType,
        "bSamFreqType": LsusbField(
          form: .decimal,
          words: { LsusbWords(behind: $0.number == 0 ? " Continuous" : " Discrete") }),
        "tSamFreq": LsusbField(index: .squareWide),
      ]),
    "Audio Endpoint General": endpoint([
      "bmAttributes": LsusbField(
        form: .hexadecimal(2),
        words: LsusbWords.bits([(1, "Sampling Frequency"), (2, "Pitch"), (128, "MaxPacketsOnly")]))
    ]),
    "Audio 2.0 Control Header": control("HEADER", ["bCategory": LsusbField(form: .decimal)]),
    "Audio 2.0 Input Terminal": control(
      "INPUT_TERMINAL",
      [
        "wTerminalType": terminal, "bmChannelConfig": channels2,
        "bmControls": controls(
          ["Copy Protect", "Connector", "Overload", "Cluster", "Underflow", "Overflow"], 4),
      ]),
    "Audio 2.0 Output Terminal": control(
      "OUTPUT_TERMINAL",
      [
        "wTerminalType": terminal,
        "bmControls": controls(
          ["Copy Protect", "Connector", "Overload", "Underflow", "Overflow"], 4),
      ]),
    "Audio 2.0 Mixer Unit": control(
      "MIXER_UNIT",
      [
        "bmChannelConfig": channels2, "bmMixerControls": bytewise(),
        "bmControls": controls(["Cluster", "Underflow", "Overflow"]),
      ]),
    "Audio 2.0 Selector Unit": control(
      "SELECTOR_UNIT", ["bmControls": controls(["Selector"])]),
    "Audio 2.0 Feature Unit": control(
      "FEATURE_UNIT",
      [
        "bmaControls": LsusbField(
          form: .hexadecimal(8), split: (4, nil),
          words: LsusbWords.controls(features + ["Underflow", "Overflow"]))
      ]),
    "Audio 2.0 Effect Unit": control(
      "EFFECT_UNIT", ["bmaControls": LsusbField(form: .hexadecimal(8), split: (4, nil))]),
    "Audio 2.0 Processing Unit": control(
      "PROCESSING_UNIT",
      [
        "wProcessType": processTypes, "bmChannelConfig": channels2,
        "bmControls": LsusbField(), "iUnit": LsusbField(label: "iProcessing"),
      ]),
    "Audio 2.0 Extension Unit": control(
      "EXTENSION_UNIT",
      [
        "bmChannelConfig": channels2,
        "bmControls": controls(["Enable", "Cluster", "Underflow", "Overflow"]),
        "iUnit": LsusbField(label: "iExtension"),
      ]),
    "Audio 2.0 Clock Source": control(
      "CLOCK_SOURCE",
      [
        "bmAttributes": LsusbField(
          form: .decimal,
          words: { context in
            let kinds = [
              "External", "Internal fixed", "Internal variable", "Internal programmable",
            ]
            return LsusbWords(
              behind: " \(kinds[Int(context.number & 3)]) clock "
                + (context.number & 4 == 0 ? "" : "(synced to SOF)"))
          }),
        "bmControls": controls(["Clock Frequency", "Clock Validity"]),
      ]),
    "Audio 2.0 Clock Selector": control(
      "CLOCK_SELECTOR", ["bmControls": controls(["Clock Selector"])]),
    "Audio 2.0 Clock Multiplier": control(
      "CLOCK_MULTIPLIER", ["bmControls": controls(["Clock Numerator", "Clock Denominator"])]),
    "Audio 2.0 Sampling Rate Converter": control("SAMPLING_RATE_CONVERTER"),
    "Audio 2.0 Streaming General": streaming(
      "AS_GENERAL",
      [
        "bmControls": controls(["Active Alternate Setting", "Valid Alternate Setting"]),
        "bFormatType": LsusbField(form: .decimal),
        "bmFormats": LsusbField(
          words: LsusbWords.bits([
            (1, "PCM"), (2, "PCM8"), (4, "IEEE_FLOAT"), (8, "ALAW"), (16, "MULAW"),
            (1 << 31, "TYPE_I_RAW_DATA"),
          ])),
        "bmChannelConfig": channels2,
      ]),
    "Audio 2.0 Format Type": streaming("FORMAT_TYPE", ["bFormatType": formatType]),
    "Audio 2.0 Endpoint General": endpoint([
      "bmAttributes": LsusbField(
        form: .hexadecimal(2), words: LsusbWords.bits([(128, "MaxPacketsOnly")])),
      "bmControls": controls(["Pitch", "Data Overrun", "Data Underrun"]),
    ]),
    "MIDI Streaming Header": named(midiTitle, "HEADER"),
    "MIDI IN Jack": named(midiTitle, "MIDI_IN_JACK", ["bJackType": jackType]),
    "MIDI OUT Jack": named(
      midiTitle, "MIDI_OUT_JACK", ["bJackType": jackType, "baSource": source]),
    "MIDI Element": named(
      midiTitle, "ELEMENT",
      [
        "baSource": source,
        "bmElementCaps": LsusbField(
          form: .hexadecimal(8),
          words: LsusbWords.bits([
            "Undefined", "MIDI Clock", "MTC (MIDI Time Code)", "MMC (MIDI Machine Control)",
            "GM1 (General MIDI v.1)", "GM2 (General MIDI v.2)", "GS MIDI Extension",
            "XG MIDI Extension", "EFX", "MIDI Patch Bay", "DLS1 (Downloadable Sounds Level 1)",
            "DLS2 (Downloadable Sounds Level 2)",
          ])),
      ]),
    "MIDI Endpoint General": named("MIDIStreaming Endpoint Descriptor:", "GENERAL"),
  ]

  private static let jackType = LsusbField(
    form: .decimal,
    words: LsusbWords.names([0: "Undefined", 1: "Embedded", 2: "External"], otherwise: "Invalid"))

  // The number and the pin are shown as one.
  private static let source = LsusbField(
    form: .hexadecimal(4),
    words: { LsusbWords(behind: " (ID \($0.number & 0xFF), Pin \($0.number >> 8))") })
}
