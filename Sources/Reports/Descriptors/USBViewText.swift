public import USB

/// Descriptors in the shape of USBView's right pane: names and numbers in columns, annotations behind arrows, and
/// what is wrong as `*!*ERROR:` where USBView checks it too, and as `*!*CAUTION:` where only this program does.
///
/// USBView knows no DFU: it shows the functional descriptor raw or takes it for HID's. Here it is decoded, with a
/// line that says so.
public struct USBViewText {
  private let set: DescriptorSet
  private var lines: [String] = []
  private var interface: ClassTriple?

  /// The text of some descriptors.
  public static func text(of set: DescriptorSet) -> String {
    var writer = USBViewText(set: set)
    writer.write()
    return writer.lines.joined(separator: "\n") + "\n"
  }

  private init(set: DescriptorSet) { self.set = set }

  private mutating func write() {
    writeHead()
    for document in set.documents {
      let tree = set.tree(of: document)
      switch document {
      case .descriptors, .binaryObjectStore, .deviceQualifier, .hub: write(tree)
      case .report, .microsoftString, .compatibleIDs, .properties, .microsoftSet:
        title(document.name)
        write(
          pairs: tree.bytes.indices.map { tree.unknown.contains($0) ? "??" : hex(tree.bytes[$0]) })
      }
    }
  }

  private func told(_ subject: PortFact.Subject) -> String? {
    set.portFacts.first { $0.subject == subject }.map { terminalSafe($0.value) }
  }

  private mutating func writePort() {
    let product = set.device.count > 15 ? set.strings[set.device[15]] : nil
    if let port = told(.port) {
      lines += ["[Port\(port)]  :  \(product.map { terminalSafe($0) } ?? "")", ""]
    }
    let named: [(String, PortFact.Subject)] = [
      ("Is Port User Connectable", .userConnectable), ("Is Port Debug Capable", .debugCapable),
      ("Companion Port Number", .companionPort),
      ("Companion Hub Symbolic Link Name", .companionHub),
    ]
    for (name, subject) in named {
      if let value = told(subject) { lines.append(Self.portLine(name, value)) }
    }
    if let protocols = told(.protocols) {
      lines.append("Protocols Supported:")
      for name in ["USB 1.1", "USB 2.0", "USB 3.0"] {
        lines.append(Self.portLine(" " + name, protocols.contains(name) ? "yes" : "no"))
      }
    }
    if let state = told(.powerState) { lines += ["", Self.portLine("Device Power State", state)] }
    if !lines.isEmpty { lines.append("") }
  }

  private static func portLine(_ label: String, _ value: String) -> String {
    "\(label):" + String(repeating: " ", count: max(1, 33 - label.count)) + value
  }

  private func number(_ subject: PortFact.Subject) -> String? {
    told(subject).flatMap { UInt8($0) }.map { "0x" + hex($0).uppercased() }
  }

  private mutating func writeHead() {
    writePort()
    if !set.device.isEmpty { lines.append("       ---===>Device Information<===---") }
    if set.device.count > 15, let product = set.strings[set.device[15]] {
      lines.append("English product name: \"\(terminalSafe(product))\"")
    }
    guard let speed = set.speed else { return }
    lines += ["", "ConnectionStatus:"]
    let isFast = speed == .superSpeed || speed == .superSpeedPlus
    // Which configuration is set is not among the descriptors; another dump may have told it.
    lines.append(
      line(
        "Current Config Value", number(.configuration) ?? "0x??",
        "  -> Device Bus Speed: \(Self.words(of: speed)) (is \(isFast ? "" : "not ")SuperSpeed or higher capable)"
      ))
    if let address = number(.address) { lines.append(line("Device Address", address)) }
    let hasPipes = set.tree.nodes.contains { $0.type == .endpoint }
    if !hasPipes, !set.configurations.isEmpty {
      lines.append(line("Open Pipes", "0"))
      lines.append("*!*ERROR:  No open pipes!")
    }
  }

  private static func words(of speed: USBSpeed) -> String {
    switch speed {
    case .low: "Low"
    case .full: "Full"
    case .high: "High"
    case .superSpeed: "Super"
    case .superSpeedPlus: "SuperSpeedPlus"
    }
  }

  // MARK: Descriptors

  private mutating func write(_ tree: DescriptorTree) {
    var faults = tree.faults[...]
    for node in tree.nodes {
      if node.type == .configuration, node.depth == 0 {
        lines += ["", "       ---===>Full Configuration Descriptor<===---"]
      }
      let own = faults.prefix { $0.offset < node.offset + node.length }
      faults = faults.dropFirst(own.count)
      write(node, tree, Array(own))
    }
    for fault in faults { lines.append(Self.line(for: fault)) }
  }

  private static func name(of node: DescriptorTree.Node) -> String {
    if node.isMisplaced { return "Unknown" }
    return switch node.layout?.name {
    case nil: "Unknown"
    case "Binary Object Store": "BOS"
    case "Interface Association": "IAD"
    case let name?: name
    }
  }

  private mutating func title(_ title: String) {
    if !lines.isEmpty { lines.append("") }
    lines.append("          ===>\(title)<===")
  }

  private mutating func write(
    _ node: DescriptorTree.Node, _ tree: DescriptorTree, _ faults: [DescriptorFault]
  ) {
    title("\(Self.name(of: node)) Descriptor")
    if node.layout?.name == "DFU Functional" {
      lines.append("-> USBView does not decode this descriptor; this program does.")
    }
    var faults = faults
    for field in tree.fields(of: node) {
      if node.isMisplaced, field.offset >= 2 {
        write(pairs: field.pairs)
      } else {
        write(field, node, tree)
      }
      let end = node.offset + field.offset + max(1, field.bytes.count)
      let own = faults.prefix { $0.offset < end }
      faults.removeFirst(own.count)
      lines += own.flatMap(Self.lines)
    }
    lines += faults.flatMap(Self.lines)
  }

  private static let checkedByUSBView: Set<String> = [
    "bMaxPacketSize0", "bNumConfigurations", "wTotalLength", "bDeviceClass", "wMaxPacketSize",
    "bLength", "bInterval",
  ]

  private static func line(for fault: DescriptorFault) -> String {
    let isKnown = checkedByUSBView.contains(fault.field)
    return "*!*\(isKnown ? "ERROR" : "CAUTION"):  \(fault.sentence)"
  }

  private static func lines(for fault: DescriptorFault) -> [String] {
    if fault.field == "bDeviceClass" {
      // USBView has a line for each number of the three.
      return ["bDeviceClass 0xEF", "bDeviceSubClass 0x02", "bDeviceProtocol 0x01"].map {
        "*!*ERROR:  With interface associations, \($0) is expected. \(fault.sentence)"
      }
    }
    return [line(for: fault)] + (fault.windows.map { ["*!*WARNING:  \($0)"] } ?? [])
  }

  private mutating func write(
    _ field: DecodedField, _ node: DescriptorTree.Node, _ tree: DescriptorTree
  ) {
    if field.name == "bNumConfigurations", node.type == .device, let number = field.number,
      number > 1
    {
      lines.append(line(field.name, "0x\(digits(of: field))"))
      lines.append("*!*ERROR:  bNumConfigurations is \(number); USBView expects 1.")
      return
    }
    if field.name == "extra" || node.type == nil || (node.layout == nil && field.name == "data") {
      return write(pairs: field.pairs)
    }
    let name = field.name == "bMaxPower" ? "MaxPower" : field.name
    let label = field.index.map { "\(name)[\($0)]" } ?? name
    guard field.size <= 8 else {
      var text = field.pairs.joined(separator: " ")
      if case .guid = field.kind, field.unknown.isEmpty {
        text = tree.meaning(of: field, in: node) ?? text
      }
      lines.append(line(label, text))
      return
    }
    let words = annotation(of: field, node, tree)
    lines.append(line(label, "0x\(digits(of: field))", words.first ?? ""))
    lines += words.dropFirst().map { String(repeating: " ", count: 39) + $0 }
    if field.kind == .string, field.unknown.isEmpty, let index = field.bytes.first,
      let text = set.strings[index]
    {
      lines.append("     English (United States)  \"\(terminalSafe(text))\"")
    }
  }

  private func digits(of field: DecodedField) -> String {
    // A number that is cut shows what is there.
    field.digits.uppercasedDigits
  }

  private mutating func write(pairs: [String]) {
    for start in stride(from: 0, to: pairs.count, by: 16) {
      lines.append(
        pairs[start..<min(start + 16, pairs.count)].joined(separator: " ").uppercasedDigits)
    }
  }

  /// Numbers end in one column, whatever their size.
  private func line(_ label: String, _ value: String, _ words: String = "") -> String {
    let gap = value.hasPrefix("0x") || value.count < 4 ? max(1, 38 - label.count - value.count) : 1
    return "\(label):\(String(repeating: " ", count: gap))\(value)\(words)"
  }

  // MARK: Annotations

  private func annotation(
    of field: DecodedField, _ node: DescriptorTree.Node, _ tree: DescriptorTree
  ) -> [String] {
    guard field.unknown.isEmpty, field.bytes.count == field.size, let number = field.number else {
      return tree.meaning(of: field, in: node).map { ["  -> \($0)"] } ?? []
    }
    let arrows = USBViewWords.words(field.name, number, node, tree)
    if let arrows { return arrows.map { $0.hasPrefix(" =") ? $0 : "  -> \($0)" } }
    switch field.kind {
    case .string, .descriptorType, .number, .reserved, .vendor, .product: return []
    case .version where field.name == "bcdUSB" || field.name == "bcdDevice": return []
    default: break
    }
    guard let meaning = tree.meaning(of: field, in: node) else { return [] }
    return ["  -> \(terminalSafe(meaning))"]
  }
}

/// The words that USBView has for numbers.
private enum USBViewWords {
  static func words(
    _ name: String, _ number: UInt64, _ node: DescriptorTree.Node, _ tree: DescriptorTree
  ) -> [String]? {
    switch name {
    case "bDeviceClass": return deviceClass(number).map { [$0] } ?? nil
    case "bDeviceSubClass", "bDeviceProtocol": return association(name, node, tree)
    case "bInterfaceClass":
      guard let interface = node.interface else { return nil }
      return interfaceClass(interface)
    case "bMaxPacketSize0":
      return [" = (\(number == 9 ? 512 : number)) Bytes"]
    case "wTotalLength" where node.type == .configuration:
      let isSaid = tree.faults.contains { $0.field == "wTotalLength" }
      return isSaid ? [] : ["Validated"]
    case "bmAttributes" where node.type == .configuration:
      return [(0x40, "Self Powered"), (0x80, "Bus Powered"), (0x20, "Remote Wakeup")]
        .filter { number & $0.0 != 0 }.map(\.1)
    case "bMaxPower":
      let isFast = tree.speed == .superSpeed || tree.speed == .superSpeedPlus
      return [" = \(number * (isFast ? 8 : 2)) mA"]
    case "bEndpointAddress":
      return [
        "Direction: \(number & 0x80 == 0 ? "OUT" : "IN") - EndpointID: \(number & 0x0F)"
      ]
    case "bmAttributes" where node.type == .endpoint:
      let kind = ["Control", "Isochronous", "Bulk", "Interrupt"][Int(number & 3)]
      return ["\(kind) Transfer Type"]
    case "wMaxPacketSize":
      let extra = number >> 11 & 3
      return [
        extra == 0
          ? " = 0x\(String(number & 0x7FF, radix: 16).uppercasedDigits) bytes"
          : " = \(extra + 1) transactions per microframe, 0x\(String(number & 0x7FF, radix: 16).uppercasedDigits) max bytes"
      ]
    default: return nil
    }
  }

  private static func deviceClass(_ number: UInt64) -> String? {
    switch number {
    case 0x00: "This is an Interface Class Defined Device"
    case 0x02: "This is a Communication Device"
    case 0x09: "This is a HUB Device"
    case 0xDC: "This is a Diagnostic Device"
    case 0xE0: "This is a Wireless Controller Device"
    case 0xEF: "This is a Multi-interface Function Code Device"
    case 0xFF: "This is a Vendor Specific Device"
    default: nil
    }
  }

  private static func association(
    _ name: String, _ node: DescriptorTree.Node, _ tree: DescriptorTree
  ) -> [String]? {
    let bytes = Array(tree.bytes(of: node))
    guard bytes.count > 6, bytes[4] == 0xEF, bytes[5] == 2, bytes[6] == 1 else { return nil }
    return [
      name == "bDeviceSubClass"
        ? "This is the Common Class Sub Class"
        : "This is the Interface Association Descriptor protocol"
    ]
  }

  private static func interfaceClass(_ triple: ClassTriple) -> [String]? {
    let names: [UInt8: String] = [
      0x01: "an Audio", 0x02: "a Communications (CDC Control)", 0x03: "a HID", 0x05: "a Physical",
      0x06: "an Image", 0x07: "a Printer", 0x08: "a Mass Storage", 0x09: "a HUB",
      0x0A: "a CDC Data", 0x0B: "a Smart Card", 0x0D: "a Content Security", 0x0E: "a Video",
      0x0F: "a Personal Healthcare", 0x10: "an Audio/Video", 0xDC: "a Diagnostic",
      0xE0: "a Wireless Controller", 0xEF: "a Miscellaneous", 0xFE: "an Application Specific",
      0xFF: "a Vendor Specific",
    ]
    guard let name = names[triple.classCode] else { return nil }
    let first = "This is \(name) USB Device Interface Class"
    let inner: [UInt8: String] = [1: "Device Firmware", 2: "IrDA Bridge", 3: "Test & Measurement"]
    guard triple.classCode == 0xFE, let second = inner[triple.subclass] else { return [first] }
    return [first, "This is a \(second) Application Specific USB Device Interface Class"]
  }
}

extension String {
  /// Digits in capital letters, as programs for Windows write them; `0x` stays.
  fileprivate var uppercasedDigits: String {
    String(map { $0.isHexDigit ? Character($0.uppercased()) : $0 })
  }
}
