package import USB

/// The dump of USBView with which this project began, made again from its facts: an STM32F4 in its bootloader,
/// whose functional descriptor USBView took for one of HID.
package enum FoundingDump {
  package static let device: [UInt8] = [
    0x12, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00, 0x40, 0x83, 0x04, 0x11, 0xDF, 0x00, 0x22, 0x01, 0x02,
    0x03, 0x01,
  ]
  /// The configuration, as far as the dump has it: its last three bytes are not printed.
  package static let configuration: [UInt8?] =
    [0x09, 0x02, 0x36, 0x00, 0x01, 0x01, 0x00, 0xC0, 0x32]
    + (0..<4).flatMap { setting -> [UInt8?] in
      [0x09, 0x04, 0x00, UInt8(setting), 0x00, 0xFE, 0x01, 0x02, UInt8(4 + setting)]
    } + [0x09, 0x21, 0x0B, 0xFF, 0x00, 0x00, nil, nil, nil]

  package static let strings: [UInt8: String] = [
    1: "STMicroelectronics", 2: "STM32 BOOTLOADER", 3: "339C35543236",
    4: "@Internal Flash /0x08000000/04*016Kg,01*064Kg,01*128Kg",
    5: "@Option Bytes /0x1FFFC000/01*016 e", 6: "@OTP Memory /0x1FFF7800/01*512 e,01*016 e",
    7: "@Device Feature/0xFFFF0000/01*004 e",
  ]

  package static let companionHub =
    "USB#ROOT_HUB30#4&24d2f46c&0&0#{f18a0e88-c30c-11d0-8815-00a0c906bed8}"

  /// What it tells beside the descriptors.
  package static let portFacts = [
    PortFact(.port, "6"), PortFact(.userConnectable, "yes"), PortFact(.debugCapable, "no"),
    PortFact(.companionPort, "14"), PortFact(.companionHub, companionHub),
    PortFact(.powerState, "PowerDeviceD0"), PortFact(.configuration, "1"),
    PortFact(.address, "9"), PortFact(.protocols, "USB 1.1, USB 2.0"),
  ]

  /// The text, as it looks where its leading blanks were lost.
  package static var text: String {
    var lines = [
      "[Port6]  :  STM Device in DFU Mode", "", "", "Is Port User Connectable: yes",
      "Is Port Debug Capable: no", "Companion Port Number: 14",
      "Companion Hub Symbolic Link Name: \(companionHub)", "Protocols Supported:", "USB 1.1: yes",
      "USB 2.0: yes", "USB 3.0: no", "", "Device Power State: PowerDeviceD0", "",
    ]
    lines += [
      "---===>Device Information<===---", "English product name: \"\(strings[2] ?? "")\"", "",
    ]
    lines += [
      "ConnectionStatus:",
      "Current Config Value: 0x01 -> Device Bus Speed: Full (is not SuperSpeed or higher capable)",
      "Device Address: 0x09", "Open Pipes: 0", "*!*ERROR: No open pipes!", "",
    ]
    lines += section(
      "Device Descriptor", device.map { $0 },
      [
        ("bLength", 1), ("bDescriptorType", 1), ("bcdUSB", 2), ("bDeviceClass", 1),
        ("bDeviceSubClass", 1), ("bDeviceProtocol", 1), ("bMaxPacketSize0", 1), ("idVendor", 2),
        ("idProduct", 2), ("bcdDevice", 2), ("iManufacturer", 1), ("iProduct", 1),
        ("iSerialNumber", 1), ("bNumConfigurations", 1),
      ])
    lines += ["---===>Full Configuration Descriptor<===---", ""]
    lines += section(
      "Configuration Descriptor", Array(configuration[..<9]),
      [
        ("bLength", 1), ("bDescriptorType", 1), ("wTotalLength", 2), ("bNumInterfaces", 1),
        ("bConfigurationValue", 1), ("iConfiguration", 1), ("bmAttributes", 1), ("MaxPower", 1),
      ])
    for setting in 0..<4 {
      lines += section(
        "Interface Descriptor", Array(configuration[9 + setting * 9..<18 + setting * 9]),
        [
          ("bLength", 1), ("bDescriptorType", 1), ("bInterfaceNumber", 1),
          ("bAlternateSetting", 1), ("bNumEndpoints", 1), ("bInterfaceClass", 1),
          ("bInterfaceSubClass", 1), ("bInterfaceProtocol", 1), ("iInterface", 1),
        ])
    }
    lines += section(
      "HID Descriptor", Array(configuration[45...]),
      [
        ("bLength", 1), ("bDescriptorType", 1), ("bcdHID", 2), ("bCountryCode", 1),
        ("bNumDescriptors", 1),
      ])
    return lines.joined(separator: "\n")
  }

  private static let words: [String: String] = [
    "bDeviceClass": " -> This is an Interface Class Defined Device",
    "bMaxPacketSize0": " = (64) Bytes", "idVendor": " = STMicroelectronics",
    "wTotalLength": " -> Validated", "MaxPower": " = 100 mA",
    "bmAttributes": " -> Self Powered\n-> Bus Powered",
    "bInterfaceClass":
      " -> This is an Application Specific USB Device Interface Class\n-> This is a Device Firmware "
      + "Application Specific USB Device Interface Class",
  ]

  private static func section(
    _ title: String, _ bytes: [UInt8?], _ fields: [(name: String, size: Int)]
  ) -> [String] {
    var lines = ["===>\(title)<==="]
    var position = 0
    for field in fields {
      let digits = (0..<field.size).reversed()
        .map { (bytes[position + $0].map { hex($0) } ?? "??").uppercased() }.joined()
      lines.append("\(field.name): 0x\(digits)\(words[field.name] ?? "")")
      if field.name.hasPrefix("i"), field.size == 1, let index = bytes[position],
        let text = strings[index]
      {
        lines.append("English (United States) \"\(text)\"")
      }
      position += field.size
    }
    return lines + [""]
  }
}

/// Reports in the shape of USBTreeView, for tests: this program reads them and writes none.
package enum TreeViewReport {
  /// A report of a device.
  ///
  /// - Parameters:
  ///   - set: what the device says of itself.
  ///   - hasDigits: whether each descriptor ends with its bytes.
  /// - Returns: its text.
  package static func text(of set: DescriptorSet, hasDigits: Bool) -> String {
    var lines = [
      "    =========================== USB Port2 ===========================", "",
      "Connection Status        : 0x01 (Device is connected)", "Port Chain               : 1-2", "",
      "      ========================== Summary =========================",
      "Vendor ID                : 0x0483 (Unknown Vendor)",
    ]
    if let speed = set.speed { lines.append("Device Connection Speed  : \(words(of: speed))") }
    lines += [
      "", "        +++++++++++++++++ Device Information ++++++++++++++++++",
      "Device Description       : Some Device",
      "Hardware IDs             : USB\\VID_0483&PID_DF11",
      "Data (HexDump)           : ff ff ff ff                                         ....", "",
    ]
    for document in [DescriptorSet.Document.descriptors, .deviceQualifier, .binaryObjectStore] {
      let tree = set.tree(of: document)
      for node in tree.nodes { lines += section(node, tree, set, hasDigits) }
    }
    lines += [
      "    ---------------------- Device Qualifier Descriptor ----------------------",
      "Error                    : ERROR_GEN_FAILURE",
    ]
    return lines.joined(separator: "\r\n")
  }

  private static func words(of speed: USBSpeed) -> String {
    switch speed {
    case .low: "Low-Speed"
    case .full: "Full-Speed"
    case .high: "High-Speed"
    case .superSpeed: "Super-Speed"
    case .superSpeedPlus: "Super-SpeedPlus"
    }
  }

  private static func section(
    _ node: DescriptorTree.Node, _ tree: DescriptorTree, _ set: DescriptorSet, _ hasDigits: Bool
  ) -> [String] {
    let name = node.layout?.name ?? "Unknown"
    var lines = ["    ------------------ \(name) Descriptor ------------------"]
    for field in tree.fields(of: node) {
      let label = padded(field.name == "bMaxPower" ? "MaxPower" : field.name)
      let value =
        field.size > 8 ? field.pairs.joined(separator: " ") : "0x\(field.digits.uppercased())"
      lines.append("\(label): \(value) (in words)")
      if field.kind == .string, let index = field.bytes.first, let text = set.strings[index] {
        lines.append("\(padded(" Language 0x0409")): \"\(text)\"")
      }
    }
    guard hasDigits else { return lines + [""] }
    let pairs = tree.bytes(of: node).map { hex($0).uppercased() }
    for start in stride(from: 0, to: pairs.count, by: 16) {
      let row = pairs[start..<min(start + 16, pairs.count)]
      let head = start == 0 ? padded("Data (HexDump)") + ": " : String(repeating: " ", count: 27)
      // What looks like pairs stands behind the digits.
      lines.append(head + row.joined(separator: " ") + "   ab cd")
    }
    return lines + [""]
  }

  private static func padded(_ name: String) -> String {
    name + String(repeating: " ", count: max(0, 25 - name.count))
  }
}
