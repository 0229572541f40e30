internal import USB

/// How `lsusb -v` shows what, by the names of the layouts.
enum LsusbShapes {
  static let all: [String: LsusbShape] =
    standard
    .merging(communication) { $1 }.merging(audio) { $1 }.merging(video) { $1 }
    .merging(otherClasses) { $1 }.merging(capabilities) { $1 }

  /// Fields that look alike wherever they stand.
  static let usual: [String: LsusbField] = [
    "bDescriptorType": LsusbField(form: .decimal),
    "bDescriptorSubtype": LsusbField(form: .decimal),
    "iSerialNumber": LsusbField(label: "iSerial"),
    "wTotalLength": LsusbField(form: .hexadecimal(4)),
    "bDeviceClass": LsusbField(form: .decimal, words: classWords),
    "bDeviceSubClass": LsusbField(form: .decimal, words: subclassWords),
    "bDeviceProtocol": LsusbField(form: .decimal, words: protocolWords),
    "bInterfaceClass": LsusbField(form: .decimal, words: classWords),
    "bInterfaceSubClass": LsusbField(form: .decimal, words: subclassWords),
    "bInterfaceProtocol": LsusbField(form: .decimal, words: protocolWords),
    "bFunctionClass": LsusbField(form: .decimal, words: classWords),
    "bFunctionSubClass": LsusbField(form: .decimal, words: subclassWords),
    "bFunctionProtocol": LsusbField(form: .decimal, words: protocolWords),
    "bEndpointAddress": LsusbField(words: endpointWords),
    "bReserved": LsusbField(form: .decimal),
  ]

  private static let classWords: @Sendable (LsusbContext) -> LsusbWords = { context in
    let name = LsusbClassNames.classes[UInt8(truncatingIfNeeded: context.number)]
    return LsusbWords(behind: " " + (name ?? "[unknown]"))
  }

  private static let subclassWords: @Sendable (LsusbContext) -> LsusbWords = { context in
    let own = UInt16(truncatingIfNeeded: context.number)
    let name = context.byte(behind: -1).flatMap {
      LsusbClassNames.subclasses[UInt16($0) << 8 | own]
    }
    return LsusbWords(behind: " " + (name ?? "[unknown]"))
  }

  private static let protocolWords: @Sendable (LsusbContext) -> LsusbWords = { context in
    guard let code = context.byte(behind: -2), let sub = context.byte(behind: -1) else {
      return LsusbWords(behind: " ")
    }
    let triple = UInt32(code) << 16 | UInt32(sub) << 8 | UInt32(truncatingIfNeeded: context.number)
    return LsusbWords(behind: " " + (LsusbClassNames.protocols[triple] ?? ""))
  }

  private static let endpointWords: @Sendable (LsusbContext) -> LsusbWords = { context in
    LsusbWords(
      behind: "  EP \(context.number & 0x0F) \(context.number & 0x80 == 0 ? "OUT" : "IN")")
  }

  private static let transferWords: @Sendable (LsusbContext) -> LsusbWords = { context in
    let number = Int(context.number)
    let kind = ["Control", "Isochronous", "Bulk", "Interrupt"][number & 3]
    let synch = ["None", "Asynchronous", "Adaptive", "Synchronous"][number >> 2 & 3]
    let usage = ["Data", "Feedback", "Implicit feedback Data", "(reserved)"][number >> 4 & 3]
    return LsusbWords(below: [
      "Transfer Type            \(kind)", "Synch Type               \(synch)",
      "Usage Type               \(usage)",
    ])
  }

  private static let attributes: @Sendable (LsusbContext) -> LsusbWords = { context in
    let number = context.number
    var lines: [String] = []
    if number & 0x80 == 0 { lines.append("(Missing must-be-set bit!)") }
    lines.append(number & 0x40 == 0 ? "(Bus Powered)" : "Self Powered")
    if number & 0x20 != 0 { lines.append("Remote Wakeup") }
    if number & 0x10 != 0 { lines.append("Battery Powered") }
    return LsusbWords(below: lines)
  }

  private static func configuration(_ title: String) -> LsusbShape {
    LsusbShape(
      title: title, indent: 2,
      fields: [
        "bmAttributes": LsusbField(form: .hexadecimal(2), words: attributes),
        "bMaxPower": LsusbField(label: "MaxPower", form: .power, unit: "mA"),
      ])
  }

  private static let standard: [String: LsusbShape] = [
    "Device": LsusbShape(title: "Device Descriptor:", indent: 0),
    "Configuration": configuration("Configuration Descriptor:"),
    "Other Speed Configuration": configuration("Other Speed Configuration Descriptor:"),
    "Device Qualifier": LsusbShape(
      title: "Device Qualifier (for other device speed):", indent: 0,
      fields: ["bReserved": .hidden]),
    "Interface Association": LsusbShape(title: "Interface Association:", indent: 4),
    "Interface": LsusbShape(title: "Interface Descriptor:", indent: 4),
    "Endpoint": LsusbShape(
      title: "Endpoint Descriptor:", indent: 6,
      fields: [
        "bmAttributes": LsusbField(form: .decimal, words: transferWords),
        "wMaxPacketSize": LsusbField(
          unit: "",
          words: { context in
            let extra = context.number >> 11 & 3
            return LsusbWords(
              behind: extra == 3
                ? "  bytes" : "  \(extra + 1)x \(context.number & 0x7FF) bytes")
          }),
        "bSynchAddress": LsusbField(form: .decimal),
      ]),
    "OTG": LsusbShape(
      title: "OTG Descriptor:", indent: 0,
      fields: [
        "bmAttributes": LsusbField(
          form: .hexadecimal(2),
          words: LsusbWords.bits([
            (1, "SRP (Session Request Protocol)"), (2, "HNP (Host Negotiation Protocol)"),
          ]))
      ]),
    "Debug": LsusbShape(
      title: "Debug descriptor:", indent: 0,
      fields: [
        "bDebugInEndpoint": LsusbField(form: .hexadecimal(2)),
        "bDebugOutEndpoint": LsusbField(form: .hexadecimal(2)),
      ]),
    "SuperSpeed Endpoint Companion": LsusbShape(
      title: "", indent: 8,
      fields: [
        "bLength": .hidden, "bDescriptorType": .hidden,
        "bmAttributes": LsusbField(form: .hexadecimal(2), words: streamWords),
      ]),
    "Hub": hub("Hub Descriptor:"),
    "SuperSpeed Hub": hub("Hub Descriptor:"),
  ]

  /// What the companion's attributes say depends on the endpoint in front of it.
  private static let streamWords: @Sendable (LsusbContext) -> LsusbWords = { context in
    let nodes = context.tree.nodes.prefix { $0.offset < context.node.offset }
    guard let endpoint = nodes.last(where: { $0.type == .endpoint }), endpoint.length > 3 else {
      return LsusbWords()
    }
    let low = context.number & 0x1F
    func line(_ name: String, _ value: UInt64) -> LsusbWords {
      let number = "\(value)"
      let gap = String(repeating: " ", count: max(1, 25 - name.count - number.count))
      return LsusbWords(beside: [name + gap + number])
    }
    switch TransferKind(attributes: context.tree.bytes[endpoint.offset + 3]) {
    case .bulk where low > 0: return line("MaxStreams", 1 << min(low, 16))
    case .isochronous where low & 3 > 0: return line("Mult", low & 3)
    default: return LsusbWords()
    }
  }

  private static func hub(_ title: String) -> LsusbShape {
    LsusbShape(
      title: title, indent: 0, end: 23,
      fields: [
        "bNbrPorts": LsusbField(label: "nNbrPorts"),
        "wHubCharacteristics": LsusbField(
          label: "wHubCharacteristic", form: .hexadecimal(4), words: hubWords),
        "bPwrOn2PwrGood": LsusbField(unit: " * 2 milli seconds"),
        "bHubContrCurrent": LsusbField(unit: " milli Ampere"),
        "bHubHdrDecLat": LsusbField(unit: " micro seconds / 10"),
        "wHubDelay": LsusbField(unit: " nano seconds"),
        "DeviceRemovable": LsusbField(form: .bytes),
      ])
  }

  private static let hubWords: @Sendable (LsusbContext) -> LsusbWords = { context in
    let number = Int(context.number)
    var lines = [
      ["Ganged power switching", "Per-port power switching"]
        .dropFirst(number & 3).first ?? "No power switching (usb 1.0)"
    ]
    if number & 4 != 0 { lines.append("Compound device") }
    lines.append(
      ["Ganged overcurrent protection", "Per-port overcurrent protection"]
        .dropFirst(number >> 3 & 3).first ?? "No overcurrent protection")
    if context.field.offset == 3, context.node.layout?.name == "Hub" {
      lines.append("TT think time \(((number >> 5 & 3) + 1) * 8) FS bits")
    }
    if number & 0x80 != 0 { lines.append("Port indicators are supported") }
    return LsusbWords(below: lines)
  }
}
