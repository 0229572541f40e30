extension DescriptorTree {
  /// What a field says, in words.
  ///
  /// - Parameters:
  ///   - field: one of the fields of `node`.
  ///   - node: the descriptor.
  ///   - strings: the strings of the device by their indices, as far as they are known.
  /// - Returns: nil where its number is all that there is to say.
  public func meaning(
    of field: DecodedField, in node: Node, strings: [UInt8: String] = [:]
  ) -> String? {
    guard field.bytes.count == field.size else {
      return "\(field.bytes.count) of its \(field.size) bytes are there"
    }
    guard field.unknown.isEmpty else {
      let count = field.unknown.count
      if field.size == 1 { return "not known" }
      return count == field.size
        ? "none of its bytes is known"
        : "\(count) of its \(field.size) bytes \(count == 1 ? "is" : "are") not known"
    }
    switch field.kind {
    case .guid: return guid(field.bytes)
    case .ascii: return quoted(field.bytes.prefix { $0 != 0 }.map { UInt16($0) })
    case .text: return quoted(utf16(field.bytes))
    case .ports: return ports(field.bytes)
    case .bytes, .number, .hexadecimal, .product: return nil
    default: break
    }
    guard let number = field.number else { return nil }
    switch field.kind {
    case .version: return BCDVersion(UInt16(truncatingIfNeeded: number)).description
    case .string:
      return number == 0 ? "none" : strings[UInt8(truncatingIfNeeded: number)].map { "“\($0)”" }
    case .descriptorType: return typeWords(UInt8(truncatingIfNeeded: number), node)
    case .classCode: return classWords(field, node)
    case .endpointAddress: return endpointWords(number)
    case .endpointAttributes: return attributeWords(UInt8(truncatingIfNeeded: number))
    case .packetSize: return packetWords(number)
    case .packetSize0: return number == 9 ? "512 bytes, an exponent of 2" : "\(number) bytes"
    case .interval: return intervalWords(number, node)
    case .maxPower:
      if let speed {
        return "\(number * (speed == .superSpeed || speed == .superSpeedPlus ? 8 : 2)) mA"
      }
      return "\(number * 2) mA; at SuperSpeed \(number * 8) mA"
    case .scaled(let factor, let unit):
      let (value, overflow) = number.multipliedReportingOverflow(by: UInt64(factor))
      return overflow ? nil : "\(value) \(unit)"
    case .flags(let flags): return flagWords(flags, number)
    case .choice(let choices): return choices[number]
    case .reserved: return number == 0 ? nil : "reserved, and not 0"
    default: return nil
    }
  }

  private func typeWords(_ type: UInt8, _ node: Node) -> String? {
    switch type {
    case 0x01: "DEVICE"
    case 0x02: "CONFIGURATION"
    case 0x03: "STRING"
    case 0x04: "INTERFACE"
    case 0x05: "ENDPOINT"
    case 0x06: "DEVICE_QUALIFIER"
    case 0x07: "OTHER_SPEED_CONFIGURATION"
    case 0x08: "INTERFACE_POWER"
    case 0x09: "OTG"
    case 0x0A: "DEBUG"
    case 0x0B: "INTERFACE_ASSOCIATION"
    case 0x0F: "BOS"
    case 0x10: "DEVICE CAPABILITY"
    case 0x21: node.layout?.name.uppercased()
    case 0x22: node.interface?.classCode == 3 ? "REPORT" : nil
    case 0x23: node.interface?.classCode == 3 ? "PHYSICAL" : nil
    case 0x24: "CS_INTERFACE"
    case 0x25: "CS_ENDPOINT"
    case 0x29: "HUB"
    case 0x2A: "SUPERSPEED HUB"
    case 0x30: "SUPERSPEED_USB_ENDPOINT_COMPANION"
    case 0x31: "SUPERSPEEDPLUS_ISOCHRONOUS_ENDPOINT_COMPANION"
    default: nil
    }
  }

  /// Class, subclass and protocol stand behind each other everywhere.
  private func classWords(_ field: DecodedField, _ node: Node) -> String? {
    let at = node.offset + field.offset
    guard field.offset + 2 < node.length else { return nil }
    let triple = ClassTriple(bytes[at], bytes[at + 1], bytes[at + 2])
    if triple == .perInterface { return "each interface has its own" }
    if triple == ClassTriple(0xEF, 0x02, 0x01) { return "interface associations" }
    return triple.words
  }

  private func endpointWords(_ number: UInt64) -> String {
    "endpoint \(number & 0x0F) \(number & 0x80 == 0 ? "OUT" : "IN")"
  }

  private func attributeWords(_ attributes: UInt8) -> String {
    let kind = TransferKind(attributes: attributes)
    var words = [kind.words]
    if kind == .isochronous {
      words.append(
        ["no synchronisation", "asynchronous", "adaptive", "synchronous"][Int(attributes >> 2 & 3)])
      words.append(
        ["data", "feedback", "implicit feedback data", "usage 3"][Int(attributes >> 4 & 3)])
    }
    return words.joined(separator: ", ")
  }

  private func packetWords(_ number: UInt64) -> String {
    let size = number & 0x7FF
    let extra = number >> 11 & 3
    guard extra > 0, speed != .low, speed != .full else { return "\(size) bytes" }
    return "\(extra + 1) × \(size) bytes"
  }

  private func intervalWords(_ number: UInt64, _ node: Node) -> String? {
    guard node.length > 3, let speed else { return nil }
    let kind = TransferKind(attributes: bytes[node.offset + 3])
    switch (kind, speed) {
    case (.interrupt, .low), (.interrupt, .full): return number == 0 ? nil : "\(number) ms"
    case (.isochronous, .low), (.isochronous, .full):
      return (1...16).contains(number) ? "\(1 << (number - 1)) ms" : nil
    case (.interrupt, _), (.isochronous, _):
      guard (1...16).contains(number) else { return nil }
      let microseconds = (1 << (number - 1)) * 125
      return microseconds % 1000 == 0 ? "\(microseconds / 1000) ms" : "\(microseconds) µs"
    default: return nil
    }
  }

  private func flagWords(_ flags: [FieldKind.Flag], _ number: UInt64) -> String? {
    let words: [String] = flags.compactMap { flag in
      let value = flag.value(in: number)
      if !flag.values.isEmpty {
        return flag.values[value] ?? (flag.name.isEmpty ? nil : "\(flag.name) \(value)")
      }
      if flag.width == 1 { return value == 1 ? flag.name : nil }
      return value == 0 ? nil : "\(flag.name) \(value)"
    }
    return words.isEmpty ? nil : words.joined(separator: ", ")
  }

  private func guid(_ bytes: [UInt8]) -> String? {
    guard bytes.count == 16 else { return nil }
    func digits(_ indices: [Int]) -> String { indices.map { hex(bytes[$0]) }.joined() }
    return
      "{\(digits([3, 2, 1, 0]))-\(digits([5, 4]))-\(digits([7, 6]))-\(digits([8, 9]))-\(digits([10, 11, 12, 13, 14, 15]))}"
  }

  private func utf16(_ bytes: [UInt8]) -> [UInt16] {
    stride(from: 0, to: bytes.count - 1, by: 2).map {
      UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8
    }
  }

  private func quoted(_ units: some Sequence<UInt16>) -> String {
    "“\(String(decoding: Array(units), as: UTF16.self))”"
  }

  private func ports(_ bytes: [UInt8]) -> String? {
    var ports: [Int] = []
    for (index, byte) in bytes.enumerated() {
      for bit in 0..<8 where byte & 1 << UInt8(bit) != 0 { ports.append(index * 8 + bit) }
    }
    let set = ports.filter { $0 > 0 }.map { "\($0)" }
    return set.isEmpty ? nil : "ports \(set.joined(separator: ", "))"
  }
}
