/// The items of HID report descriptors (HID 1.11, 6.2.2).
enum ReportItems {
  private static let main: [UInt8: String] = [
    0x8: "Input", 0x9: "Output", 0xB: "Feature", 0xA: "Collection", 0xC: "End Collection",
  ]
  private static let global: [UInt8: String] = [
    0x0: "Usage Page", 0x1: "Logical Minimum", 0x2: "Logical Maximum", 0x3: "Physical Minimum",
    0x4: "Physical Maximum", 0x5: "Unit Exponent", 0x6: "Unit", 0x7: "Report Size",
    0x8: "Report ID", 0x9: "Report Count", 0xA: "Push", 0xB: "Pop",
  ]
  private static let local: [UInt8: String] = [
    0x0: "Usage", 0x1: "Usage Minimum", 0x2: "Usage Maximum", 0x3: "Designator Index",
    0x4: "Designator Minimum", 0x5: "Designator Maximum", 0x7: "String Index",
    0x8: "String Minimum", 0x9: "String Maximum", 0xA: "Delimiter",
  ]

  /// The first byte of a long item.
  static let long: UInt8 = 0xFE

  /// How many bytes of data follow the first byte of a short item.
  static func dataLength(_ prefix: UInt8) -> Int { [0, 1, 2, 4][Int(prefix & 3)] }

  /// The layout of an item by its first byte.
  static func layout(_ prefix: UInt8) -> DescriptorLayout {
    if prefix == long {
      return DescriptorLayout(
        bare: "Long Item", "HID 1.11, 6.2.2.3",
        [
          .byte("bPrefix", .hexadecimal), .byte("bDataSize"), .byte("bLongItemTag", .hexadecimal),
          .rest("data"),
        ])
    }
    let names = [main, global, local, [:]][Int(prefix >> 2 & 3)]
    let name = names[prefix >> 4] ?? "Reserved Item"
    let length = dataLength(prefix)
    let section = ["6.2.2.4", "6.2.2.7", "6.2.2.8", "6.2.2.2"][Int(prefix >> 2 & 3)]
    return DescriptorLayout(
      bare: name, "HID 1.11, \(section)",
      [.byte("bPrefix", .hexadecimal)]
        + (length == 0 ? [] : [.fixed("data", length, kind(of: name))]))
  }

  private static func kind(of name: String) -> FieldKind {
    switch name {
    case "Usage Page": .choice(usagePages)
    case "Collection":
      .choice([
        0: "physical", 1: "application", 2: "logical", 3: "report", 4: "named array",
        5: "usage switch", 6: "usage modifier",
      ])
    case "Input", "Output", "Feature":
      .flags([
        .bits(0...0, "", [0: "data", 1: "constant"]),
        .bits(1...1, "", [0: "array", 1: "variable"]),
        .bits(2...2, "", [0: "absolute", 1: "relative"]), .bit(3, "wrap"), .bit(4, "non linear"),
        .bit(5, "no preferred state"), .bit(6, "null state"),
      ])
    case "Report Size", "Report ID", "Report Count": .number
    default: .hexadecimal
    }
  }

  private static let usagePages: [UInt64: String] = [
    0x01: "generic desktop", 0x02: "simulation", 0x03: "virtual reality", 0x04: "sport",
    0x05: "game", 0x06: "generic device", 0x07: "keyboard", 0x08: "LEDs", 0x09: "buttons",
    0x0A: "ordinals", 0x0B: "telephony", 0x0C: "consumer", 0x0D: "digitizer", 0x0E: "haptics",
    0x14: "alphanumeric display", 0x20: "sensors", 0x84: "power device", 0x85: "battery system",
    0x8C: "bar code scanner", 0x8D: "scale", 0xF1D0: "FIDO alliance",
  ]
}

extension DescriptorTree {
  /// The items of a HID report descriptor, collections indented.
  ///
  /// - Parameters:
  ///   - bytes: the descriptor.
  ///   - unknown: which of the bytes nobody knows.
  init(report bytes: [UInt8], unknown: Set<Int>) {
    var nodes: [Node] = []
    var faults: [DescriptorFault] = []
    var position = 0
    var depth = 0
    while position < bytes.count {
      let prefix = bytes[position]
      let left = bytes.count - position
      var length = 1 + ReportItems.dataLength(prefix)
      if prefix == ReportItems.long { length = left < 2 ? .max : 3 + Int(bytes[position + 1]) }
      if length > left {
        faults.append(
          DescriptorFault(
            position, "bPrefix", "The item has more bytes than the \(left) that are left."))
        length = left
      }
      let layout = ReportItems.layout(prefix)
      if layout.name == "End Collection" { depth = max(0, depth - 1) }
      nodes.append(
        Node(
          // A descriptor may open as many collections as it has bytes.
          offset: position, length: length, depth: min(depth, 8), type: DescriptorType(rawValue: 0),
          layout: layout, interface: nil))
      if layout.name == "Collection" { depth += 1 }
      position += length
    }
    self.init(bytes: bytes, nodes: nodes, faults: faults, unknown: unknown)
  }
}
