public import USB

/// Descriptors in the shape of `lsusb -v` (usbutils 017), from the same tables as every other rendering.
///
/// What `lsusb` asks of the system is not here: bus and device numbers, the status of the device. Where nobody
/// knows bytes, the number is written in digits with `??` in their places, which no `lsusb` does.
public struct LsusbText {
  private let set: DescriptorSet
  private var lines: [String] = []

  /// The text of some descriptors.
  public static func text(of set: DescriptorSet) -> String {
    var writer = LsusbText(set: set)
    writer.write()
    return writer.lines.joined(separator: "\n") + "\n"
  }

  private init(set: DescriptorSet) { self.set = set }

  private mutating func write() {
    writeHead()
    for document in set.documents {
      let tree = set.tree(of: document)
      switch document {
      case .descriptors, .binaryObjectStore, .hub: write(tree)
      case .deviceQualifier: write(tree)
      case .report(let interface) where !writesReports:
        lines.append("Report Descriptor of interface \(interface): (length is \(tree.bytes.count))")
        lines += LsusbReport.lines(of: tree, indent: 2)
      case .report: break
      case .microsoftString, .compatibleIDs, .properties, .microsoftSet:
        // lsusb knows none of them.
        lines.append("\(document.name):")
        write(bytes: tree.bytes.indices.map { pair($0, in: tree) }, indent: 2)
      }
    }
  }

  /// Reports stand with their interfaces, where there are any.
  private var writesReports: Bool { !set.configurations.isEmpty }

  private mutating func writeHead() {
    if set.device.count >= 12 {
      let device = set.device
      let names =
        [device.count > 14 ? set.strings[device[14]] : nil]
        + [device.count > 15 ? set.strings[device[15]] : nil]
      let words = names.compactMap(\.self).map { terminalSafe($0) }
      lines.append(
        (["Device: ID \(hex(device[9]))\(hex(device[8])):\(hex(device[11]))\(hex(device[10]))"]
          + words).joined(separator: " "))
    }
    if let speed = set.speed { lines.append("Negotiated speed: \(Self.words(of: speed))") }
  }

  static func words(of speed: USBSpeed) -> String {
    switch speed {
    case .low: "Low Speed (1Mbps)"
    case .full: "Full Speed (12Mbps)"
    case .high: "High Speed (480Mbps)"
    case .superSpeed: "SuperSpeed (5Gbps)"
    case .superSpeedPlus: "SuperSpeed+ (10Gbps)"
    }
  }

  private func pair(_ index: Int, in tree: DescriptorTree) -> String {
    tree.unknown.contains(index) ? "??" : hex(tree.bytes[index])
  }

  private mutating func write(bytes pairs: [String], indent: Int) {
    for start in stride(from: 0, to: pairs.count, by: 16) {
      let row = pairs[start..<min(start + 16, pairs.count)].joined(separator: " ")
      lines.append(String(repeating: " ", count: indent) + row)
    }
  }

  // MARK: Descriptors

  private mutating func write(_ tree: DescriptorTree) {
    var interface: UInt8?
    var isInEndpoint = false
    for node in tree.nodes {
      let bytes = Array(tree.bytes(of: node))
      if node.type == .interface, bytes.count > 2 { interface = bytes[2] }
      if node.type == .interface || node.type == .configuration { isInEndpoint = false }
      if node.type == .endpoint { isInEndpoint = true }
      guard let shape = shape(of: node, bytes) else {
        let indent = [0, 4, 6, 8][min(node.depth, 3)]
        let isCommunication =
          node.type?.rawValue == 0x24 && node.layout?.name.hasPrefix("CDC") == true
        let title = isCommunication ? "UNRECOGNIZED CDC" : "** UNRECOGNIZED"
        let pairs = bytes.indices.map { pair(node.offset + $0, in: tree) }
        lines.append(
          String(repeating: " ", count: isInEndpoint ? 8 : indent) + "\(title):  "
            + pairs.joined(separator: " "))
        continue
      }
      write(node, shape, tree)
      if node.layout?.name == "HID", let interface { writeReport(of: interface, bytes) }
    }
  }

  private func shape(of node: DescriptorTree.Node, _ bytes: [UInt8]) -> LsusbShape? {
    guard let layout = node.layout else { return nil }
    // One that stands where it does not belong, and one that is cut inside of its first numbers.
    if node.isMisplaced { return nil }
    if bytes.count < 3, layout.minimumLength > bytes.count { return nil }
    guard var shape = LsusbShapes.all[layout.name] else { return nil }
    if shape.indent == nil { shape.indent = node.depth == 3 ? 8 : 6 }
    return shape
  }

  private mutating func write(
    _ node: DescriptorTree.Node, _ shape: LsusbShape, _ tree: DescriptorTree
  ) {
    let indent = shape.indent ?? 6
    let fields = tree.fields(of: node)
    if !shape.title.isEmpty {
      lines.append(String(repeating: " ", count: indent) + shape.title)
    }
    let inner = shape.title.isEmpty ? indent : indent + 2
    var writer = LsusbFields(
      shape: shape, fields: joinedSources(fields), indent: inner, tree: tree, node: node,
      strings: set.strings,
      canReadStrings: !set.strings.isEmpty)
    writer.write()
    lines += writer.lines
    if let minimum = node.layout?.minimumLength, node.length < minimum {
      lines.append(String(repeating: " ", count: indent) + "Warning: Descriptor too short")
    }
  }

  /// An input pin of MIDI is one number: the id, and the pin above it.
  private func joinedSources(_ fields: [DecodedField]) -> [DecodedField] {
    var joined: [DecodedField] = []
    for field in fields {
      guard field.name == "baSourcePin", let last = joined.last, last.name == "baSourceID" else {
        joined.append(field)
        continue
      }
      joined[joined.count - 1] = DecodedField(
        name: "baSource", index: last.index, offset: last.offset, bytes: last.bytes + field.bytes,
        size: 2, kind: .hexadecimal, unknown: last.unknown.union(field.unknown.map { $0 + 1 }))
    }
    return joined
  }

  private mutating func writeReport(of interface: UInt8, _ bytes: [UInt8]) {
    guard bytes.count > 6, bytes[6] == 0x22 else { return }
    if set.others[.report(interface: interface)] != nil {
      let tree = set.tree(of: .report(interface: interface))
      lines.append("          Report Descriptor: (length is \(tree.bytes.count))")
      lines += LsusbReport.lines(of: tree, indent: 12)
    } else {
      lines += ["          Report Descriptors: ", "            ** UNAVAILABLE **"]
    }
  }
}

/// The fields of one descriptor, as lines.
private struct LsusbFields {
  let shape: LsusbShape
  let fields: [DecodedField]
  let indent: Int
  let tree: DescriptorTree
  let node: DescriptorTree.Node
  let strings: [UInt8: String]
  let canReadStrings: Bool
  var lines: [String] = []

  private var blanks: String { String(repeating: " ", count: indent) }

  private func number(of name: String) -> Int? {
    fields.first { $0.name == name }?.number.map { Int(clamping: $0) }
  }

  mutating func write() {
    var counts: [String: Int] = [:]
    var joined: [String] = []
    for (index, field) in fields.enumerated() {
      let rule = shape.rule(for: field.name)
      if rule.isHidden { continue }
      if field.name == "extra" {
        lines.append(blanks + "junk at descriptor end: " + field.pairs.joined(separator: " "))
        continue
      }
      let label = rule.label ?? field.name
      if field.name == "DeviceRemovable", node.layout?.name == "Hub", field.bytes.count > 1 {
        // The second half of the bits is the mask of ports whose power is switched.
        let half = (field.bytes.count + 1) / 2
        for (name, pairs) in [
          ("DeviceRemovable", field.pairs.prefix(half)),
          ("PortPwrCtrlMask", field.pairs.dropFirst(half)),
        ] {
          lines.append(line(name, pairs.map { "0x\($0)" }.joined(separator: " "), rule))
        }
        continue
      }
      if let name = limitName(of: field) {
        write(field, name, rule)
        continue
      }
      if rule.joins {
        // All of a group stand on one line.
        joined.append(value(of: field, rule))
        let isLast = index + 1 == fields.count || fields[index + 1].name != field.name
        if isLast {
          let first = joined.removeFirst()
          lines.append(
            line(label, first, rule) + " " + joined.map { $0 + " " }.joined())
        }
        continue
      }
      if let split = rule.split, field.bytes.count > 0 {
        let size = max(1, split.counter.flatMap { number(of: $0) } ?? split.size)
        write(field, label, rule, inPartsOf: size, &counts)
        continue
      }
      let numbered: String
      if field.index != nil, let form = rule.index ?? shape.index {
        let count = counts[label, default: 0]
        counts[label] = count + 1
        numbered = label + form.text(count)
      } else {
        numbered = label
      }
      write(field, numbered, rule)
    }
  }

  /// Rates and intervals that are limits and no list have names of their own.
  private func limitName(of field: DecodedField) -> String? {
    let names: [String]
    switch field.name {
    case "tSamFreq" where number(of: "bSamFreqType") == 0:
      names = ["tLowerSamFreq", "tUpperSamFreq"]
    case "dwFrameInterval" where number(of: "bFrameIntervalType") == 0:
      names = ["dwMinFrameInterval", "dwMaxFrameInterval", "dwFrameIntervalStep"]
    default: return nil
    }
    return names.dropFirst(field.index ?? 0).first
  }

  private mutating func write(
    _ field: DecodedField, _ label: String, _ rule: LsusbField, inPartsOf size: Int,
    _ counts: inout [String: Int]
  ) {
    for start in stride(from: 0, to: field.bytes.count, by: size) {
      let end = min(start + size, field.bytes.count)
      var part = field
      part.bytes = Array(field.bytes[start..<end])
      part.size = end - start
      part.unknown = Set(field.unknown.filter { start <= $0 && $0 < end }.map { $0 - start })
      let count = counts[label, default: 0]
      counts[label] = count + 1
      write(part, label + (rule.index ?? shape.index ?? .round).text(count), rule)
    }
  }

  private mutating func write(_ field: DecodedField, _ label: String, _ rule: LsusbField) {
    if let title = rule.title, let number = field.number, let words = title(number) {
      lines.append("\(blanks)\(words) (\(value(of: field, rule)))")
      return
    }
    var text = line(label, value(of: field, rule), rule)
    guard field.unknown.isEmpty, field.bytes.count == field.size else {
      lines.append(text)
      return
    }
    if field.kind == .string, let index = field.bytes.first {
      let known = strings[index].map { terminalSafe($0) }
      text += " " + (index == 0 ? "" : known ?? (canReadStrings ? "(error)" : ""))
      lines.append(text)
      return
    }
    guard let number = field.number ?? rule.wide(field) else {
      lines.append(text)
      return
    }
    let context = LsusbContext(
      number: number, field: field, fields: fields, speed: tree.speed, node: node, tree: tree)
    let words = rule.words?(context) ?? LsusbWords()
    lines.append(text + rule.unit + words.behind)
    lines += words.below.map { blanks + "  " + $0 }
    lines += words.beside.map { blanks + $0 }
  }

  /// Numbers end in one column.
  private func line(_ label: String, _ value: String, _ rule: LsusbField) -> String {
    let end = rule.end ?? shape.end
    let isText = value.hasPrefix("{") || value.contains(" ")
    let gap = isText ? max(1, end - label.count) : max(1, end - label.count - value.count)
    return blanks + label + String(repeating: " ", count: gap) + value
  }

  private func value(of field: DecodedField, _ rule: LsusbField) -> String {
    if !field.unknown.isEmpty || field.bytes.count < field.size {
      return field.size > 8 ? field.pairs.joined(separator: " ") : "0x\(field.digits)"
    }
    switch field.kind {
    case .guid: return tree.meaning(of: field, in: node) ?? ""
    case .version where rule.form == .automatic: return field.number.map(version) ?? ""
    default: break
    }
    if rule.form == .bytes { return field.pairs.map { "0x\($0)" }.joined(separator: " ") }
    if rule.form == .inOrder { return "0x" + field.pairs.joined() }
    if let text = field.number.flatMap({ rule.instead[$0] }) { return text }
    if rule.form == .pairs { return field.pairs.joined(separator: " ") }
    guard let number = field.number else { return field.pairs.joined(separator: " ") }
    switch rule.form {
    case .decimal: return "\(number)"
    case .hexadecimal(let digits): return "0x\(hex(number, digits: digits))"
    case .bare(let digits): return hex(number, digits: digits)
    case .times(let factor):
      let (product, overflow) = number.multipliedReportingOverflow(by: factor)
      return overflow ? "\(number)" : "\(product)"
    case .power: return "\(number * (isSuper ? 8 : 2))"
    case .clock:
      let fraction = "\(number % 1_000_000)"
      return
        "\(number / 1_000_000).\(String(repeating: "0", count: 6 - fraction.count))\(fraction)MHz"
    case .automatic, .bytes, .pairs, .inOrder:
      switch field.kind {
      case .hexadecimal, .vendor, .product, .endpointAddress, .packetSize, .flags, .bytes:
        return "0x\(hex(number, digits: field.size * 2))"
      default: return "\(number)"
      }
    }
  }

  private var isSuper: Bool {
    guard let speed = tree.speed else {
      // Only SuperSpeed has a packet size of 9.
      return tree.bytes.count > 7 && tree.bytes[1] == 0x01 && tree.bytes[7] == 9
    }
    return speed == .superSpeed || speed == .superSpeedPlus
  }

  private func version(_ number: UInt64) -> String {
    BCDVersion(UInt16(truncatingIfNeeded: number)).description
  }
}

extension DescriptorTree.Node {
  /// Whether it stands inside of something, and belongs beside it.
  var isMisplaced: Bool {
    guard depth > 0, let type else { return false }
    return [
      .device, .configuration, .otherSpeedConfiguration, .deviceQualifier, .binaryObjectStore, .hub,
      DescriptorType(rawValue: 0x2A),
    ].contains(type) || type == .deviceCapability && depth > 1
  }
}

/// The items of a HID report descriptor, each on a line.
enum LsusbReport {
  static func lines(of tree: DescriptorTree, indent: Int) -> [String] {
    tree.nodes.map { node in
      let bytes = Array(tree.bytes(of: node))
      let prefix = bytes.first ?? 0
      let kind = ["Main  ", "Global", "Local ", "Reserved"][Int(prefix >> 2 & 3)]
      let data = bytes.indices.dropFirst().map {
        tree.unknown.contains(node.offset + $0) ? "??" : hex(bytes[$0])
      }
      let blanks = String(repeating: " ", count: indent)
      let isWhole = bytes.count - 1 == [0, 1, 2, 4][Int(prefix & 3)]
      guard prefix != 0xFE, isWhole, node.layout?.name != "Reserved Item" else {
        return blanks + "Item(Raw   ): data= [ \(hex(prefix)) \(data.map { $0 + " " }.joined())]"
      }
      let name = node.layout?.name ?? "Item"
      let numbers = data.isEmpty ? "none" : "[ " + data.map { "0x\($0) " }.joined() + "]"
      var text = blanks + "Item(\(kind)): \(name), data= \(numbers)"
      if !data.contains("??"), !data.isEmpty {
        let value = bytes.dropFirst().reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        text += " \(value)"
      }
      return text
    }
  }
}
