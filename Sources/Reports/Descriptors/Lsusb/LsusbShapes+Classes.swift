internal import USB

extension LsusbShapes {
  static let otherClasses: [String: LsusbShape] = [
    "HID": LsusbShape(
      title: "HID Device Descriptor:", indent: 8,
      fields: [
        "bCountryCode": LsusbField(words: LsusbWords.names(LsusbClassNames.countries)),
        "bDescriptorType": LsusbField(
          form: .decimal,
          words: { context in
            guard context.field.index != nil else { return LsusbWords() }
            return LsusbWords(
              behind: context.number == 0x22
                ? " Report" : context.number == 0x23 ? " Physical" : " "
            )
          }),
      ]),
    "DFU Functional": LsusbShape(
      title: "Device Firmware Upgrade Interface Descriptor:", end: 37,
      fields: [
        "bmAttributes": LsusbField(form: .decimal, words: dfuWords),
        "wDetachTimeOut": LsusbField(label: "wDetachTimeout", unit: " milliseconds"),
        "wTransferSize": LsusbField(unit: " bytes"),
        "bcdDFUVersion": LsusbField(end: 36),
      ]),
    "Smart Card Device": LsusbShape(
      title: "ChipCard Interface Descriptor:",
      fields: [
        "bcdCCID": LsusbField(
          words: { context in
            LsusbWords(
              behind: context.number == 0x0100 ? "" : "  (Warning: Only accurate for version 1.0)")
          }),
        "bMaxSlotIndex": LsusbField(label: "nMaxSlotIndex"),
        "bVoltageSupport": LsusbField(form: .decimal, words: row(["5.0V", "3.0V", "1.8V"], " ")),
        "dwProtocols": LsusbField(form: .decimal, words: row(["T=0", "T=1"])),
        "dwMaximumClock": LsusbField(label: "dwMaxiumumClock"),
        "dwDataRate": LsusbField(unit: " bps", end: 25),
        "dwMaxDataRate": LsusbField(unit: " bps", end: 25),
        "bNumDataRatesSupported": LsusbField(label: "bNumDataRatesSupp."),
        "dwSynchProtocols": LsusbField(label: "dwSyncProtocols", form: .bare(8), words: row([])),
        "dwMechanical": LsusbField(
          form: .bare(8), words: row(["accept", "eject", "capture", "lock"])),
        "dwFeatures": LsusbField(form: .bare(8), words: cardFeatures),
        "dwMaxCCIDMessageLength": LsusbField(label: "dwMaxCCIDMsgLen"),
        "bClassGetResponse": LsusbField(form: .bare(2), instead: [0xFF: "echo"]),
        // usbutils has the number of bClassGetResponse in its place.
        "bClassEnvelope": LsusbField(form: .hexadecimal(2), instead: [0xFF: "echo"]),
        "wLcdLayout": LsusbField(
          label: "wlcdLayout", form: .hexadecimal(4), instead: [0: "none"]),
        "bPINSupport": LsusbField(form: .decimal, words: row(["verification", "modification"])),
      ]),
    "Pipe Usage": LsusbShape(
      title: "", indent: 8,
      fields: [
        "bLength": .hidden, "bDescriptorType": .hidden, "Reserved": .hidden,
        "bPipeID": LsusbField(
          form: .hexadecimal(2),
          title: { number in
            let names: [UInt64: String] = [
              1: "Command", 2: "Status", 3: "Data-in", 4: "Data-out",
            ]
            return names[number].map { "\($0) pipe" }
          }),
      ]),
  ]

  private static let dfuWords: @Sendable (LsusbContext) -> LsusbWords = { context in
    let number = context.number
    return LsusbWords(
      below: (number & 0xF0 != 0 ? ["(unknown attributes!)"] : []) + [
        "Will \(number & 8 == 0 ? "Not " : "")Detach",
        "Manifestation \(number & 4 == 0 ? "Intolerant" : "Tolerant")",
        "Upload \(number & 2 == 0 ? "Unsupported" : "Supported")",
        "Download \(number & 1 == 0 ? "Unsupported" : "Supported")",
      ])
  }

  /// The names of the bits that are set, behind the number.
  private static func row(
    _ names: [String], _ end: String = ""
  ) -> @Sendable (LsusbContext) -> LsusbWords {
    { context in
      let set = names.indices.filter { context.number >> UInt64($0) & 1 == 1 }.map { names[$0] }
      return LsusbWords(behind: set.isEmpty ? " " : "  " + set.joined(separator: " ") + end)
    }
  }

  private static let cardFeatures: @Sendable (LsusbContext) -> LsusbWords = { context in
    let names: [(UInt64, String)] = [
      (0x02, "Auto configuration based on ATR"), (0x04, "Auto activation on insert"),
      (0x08, "Auto voltage selection"), (0x10, "Auto clock change"),
      (0x20, "Auto baud rate change"),
      (0x40, "Auto parameter negotiation made by CCID"), (0x80, "Auto PPS made by CCID"),
      (0x100, "CCID can set ICC in clock stop mode"), (0x200, "NAD value other than 0x00 accepted"),
      (0x400, "Auto IFSD exchange"),
    ]
    var lines = names.filter { context.number & $0.0 != 0 }.map(\.1)
    let levels: [UInt64: String] = [
      1: "TPDU level exchange", 2: "Short APDU level exchange",
      4: "Short and extended APDU level exchange",
    ]
    if let level = levels[context.number >> 16 & 7] { lines.append(level) }
    return LsusbWords(below: lines)
  }

  // MARK: Communications

  private static func functional(
    _ title: String, end: Int = 25, _ fields: [String: LsusbField] = [:]
  ) -> LsusbShape {
    LsusbShape(title: title, end: end, fields: fields, hidesHead: true)
  }

  static let communication: [String: LsusbShape] = [
    "CDC Header": functional("CDC Header:"),
    "CDC Call Management": functional(
      "CDC Call Management:",
      [
        "bmCapabilities": LsusbField(
          words: LsusbWords.bits(["call management", "use DataInterface"]))
      ]),
    "CDC ACM": functional(
      "CDC ACM:",
      [
        "bmCapabilities": LsusbField(
          words: LsusbWords.bits([
            (8, "connection notifications"), (4, "sends break"),
            (2, "line coding and serial state"), (1, "get/set/clear comm features"),
          ]))
      ]),
    "CDC Union": functional(
      "CDC Union:",
      [
        "bControlInterface": LsusbField(label: "bMasterInterface"),
        "bSubordinateInterface": LsusbField(label: "bSlaveInterface", joins: true),
      ]),
    "CDC Country Selection": functional(
      "Country Selection:", end: 28, ["wCountryCode": LsusbField(form: .inOrder)]),
    "CDC Telephone Operational Modes": functional(
      "CDC Telephone operations:",
      [
        "bmCapabilities": LsusbField(
          words: LsusbWords.bits([
            (4, "computer centric mode"), (2, "standalone mode"), (1, "simple mode"),
          ]))
      ]),
    "CDC Network Channel Terminal": functional("Network Channel Terminal:", end: 27),
    "CDC Ethernet Networking": functional(
      "CDC Ethernet:", end: 34, ["iMACAddress": LsusbField(label: "iMacAddress")]),
    "CDC Wireless Handset Control": functional("CDC WHCM:"),
    "CDC Mobile Direct Line Model": functional(
      "CDC MDLM:", ["bcdVersion": LsusbField(label: "bcdCDC"), "bGUID": LsusbField(end: 20)]),
    "CDC MDLM Detail": functional(
      "CDC MDLM detail:",
      [
        "bGuidDescriptorType": LsusbField(form: .bare(2), end: 23),
        "bDetailData": LsusbField(form: .pairs, end: 21),
      ]),
    "CDC Device Management": functional("CDC Device Management:"),
    "CDC OBEX": functional("CDC OBEX:"),
    "CDC NCM": functional("CDC NCM:", ["bmNetworkCapabilities": LsusbField(words: network)]),
    "CDC MBIM": functional("CDC MBIM:", ["bmNetworkCapabilities": LsusbField(words: network)]),
    "CDC MBIM Extended": functional("CDC MBIM Extended:", end: 37),
  ]

  private static let network = LsusbWords.bits([
    (0x20, "8-byte ntb input size"), (0x10, "crc mode"), (0x08, "max datagram size"),
    (0x04, "encapsulated commands"), (0x02, "net address"), (0x01, "packet filter"),
  ])

  // MARK: Capabilities

  private static func capability(
    _ title: String, _ fields: [String: LsusbField] = [:]
  ) -> LsusbShape {
    LsusbShape(title: title, indent: 2, index: .square, fields: fields)
  }

  static let capabilities: [String: LsusbShape] = [
    "Binary Object Store": LsusbShape(title: "Binary Object Store Descriptor:", indent: 0),
    "Wireless USB Capability": capability("Wireless USB Device Capability:"),
    "USB 2.0 Extension": capability(
      "USB 2.0 Extension Device Capability:",
      [
        "bDevCapabilityType": LsusbField(form: .decimal),
        "bmAttributes": LsusbField(words: linkPower),
      ]),
    "SuperSpeed USB Capability": capability(
      "SuperSpeed USB Device Capability:",
      [
        "bDevCapabilityType": LsusbField(form: .decimal),
        "bmAttributes": LsusbField(
          words: LsusbWords.bits([(2, "Latency Tolerance Messages (LTM) Supported")])),
        "wSpeedsSupported": LsusbField(
          words: LsusbWords.bits([
            "Device can operate at Low Speed (1Mbps)", "Device can operate at Full Speed (12Mbps)",
            "Device can operate at High Speed (480Mbps)",
            "Device can operate at SuperSpeed (5Gbps)",
          ])),
        "bFunctionalitySupport": LsusbField(
          form: .decimal,
          words: { context in
            let speeds = [
              "Low Speed (1Mbps)", "Full Speed (12Mbps)", "High Speed (480Mbps)",
              "SuperSpeed (5Gbps)",
            ]
            let name = context.number < 4 ? speeds[Int(context.number)] : "unknown"
            return LsusbWords(below: ["Lowest fully-functional device speed is \(name)"])
          }),
        "bU1DevExitLat": LsusbField(unit: " micro seconds"),
        "wU2DevExitLat": LsusbField(label: "bU2DevExitLat", unit: " micro seconds"),
      ]),
    "Container ID": capability(
      "Container ID Device Capability:",
      ["bDevCapabilityType": LsusbField(form: .decimal), "ContainerID": LsusbField(end: 24)]),
    "Platform Capability": capability("Platform Device Capability:", platform),
    "WebUSB Platform Capability": capability("Platform Device Capability:", platform),
    "Microsoft OS 2.0 Platform Capability": capability("Platform Device Capability:", platform),
    "Precision Time Measurement": capability(
      "Precision Time Measurement Device Capability:",
      ["bDevCapabilityType": LsusbField(form: .decimal)]),
    "SuperSpeedPlus USB Capability": capability(
      "SuperSpeedPlus USB Device Capability:",
      ["bDevCapabilityType": LsusbField(form: .decimal)]),
    "Configuration Summary": capability(
      "Configuration Summary Device Capability:",
      [
        "bDevCapabilityType": LsusbField(form: .decimal), "bClass": LsusbField(form: .decimal),
        "bSubClass": LsusbField(form: .decimal), "bProtocol": LsusbField(form: .decimal),
      ]),
    "Billboard Capability": capability(
      "Billboard Capability:",
      [
        "bDevCapabilityType": LsusbField(form: .decimal),
        "bmConfigured": LsusbField(form: .pairs),
      ]),
  ]

  private static let platform: [String: LsusbField] = [
    "bDevCapabilityType": LsusbField(form: .decimal),
    "PlatformCapabilityUUID": LsusbField(end: 26),
    "CapabilityData": LsusbField(form: .hexadecimal(2), index: .square, split: (1, nil)),
    "dwWindowsVersion": LsusbField(form: .hexadecimal(8)),
    "bMS_VendorCode": LsusbField(form: .hexadecimal(2)),
    "wMSOSDescriptorSetTotalLength": LsusbField(form: .decimal),
  ]

  private static let linkPower: @Sendable (LsusbContext) -> LsusbWords = { context in
    let number = context.number
    var lines: [String] = []
    if number & 2 != 0 {
      lines.append(
        number & 4 == 0
          ? "HIRD Link Power Management (LPM) Supported"
          : "BESL Link Power Management (LPM) Supported")
    }
    if number & 8 != 0 { lines.append("BESL value \(String(number & 0xF00, radix: 10)) us ") }
    if number & 16 != 0 {
      lines.append("Deep BESL value \(String(number & 0xF000, radix: 10)) us ")
    }
    return LsusbWords(below: lines)
  }
}
