internal import USB

/// What `lsusb -v` has printed; the columns do not matter, so that pasted text that has lost its blanks is read.
struct LsusbReader {
  private var assembler = DumpAssembler()
  private var section: DumpSection?
  /// The report of which interface is being read.
  private var report: UInt8?
  private var expectsJunk = false

  /// What is meant by a title.
  private typealias Kind = (type: UInt8, subtype: UInt8?)

  private static let titles: [String: Kind] = [
    "Device Descriptor": (0x01, nil), "Configuration Descriptor": (0x02, nil),
    "Other Speed Configuration Descriptor": (0x07, nil), "Interface Association": (0x0B, nil),
    "Interface Descriptor": (0x04, nil), "Endpoint Descriptor": (0x05, nil),
    "HID Device Descriptor": (0x21, nil), "ChipCard Interface Descriptor": (0x21, nil),
    "Device Firmware Upgrade Interface Descriptor": (0x21, nil),
    "AudioControl Interface Descriptor": (0x24, nil),
    "AudioStreaming Interface Descriptor": (0x24, nil),
    "MIDIStreaming Interface Descriptor": (0x24, nil),
    "VideoControl Interface Descriptor": (0x24, nil),
    "VideoStreaming Interface Descriptor": (0x24, nil),
    "AudioStreaming Endpoint Descriptor": (0x25, nil),
    "AudioControl Endpoint Descriptor": (0x25, nil),
    "MIDIStreaming Endpoint Descriptor": (0x25, nil),
    "VideoControl Endpoint Descriptor": (0x25, nil), "CDC Header": (0x24, 0x00),
    "CDC Call Management": (0x24, 0x01), "CDC ACM": (0x24, 0x02), "CDC Union": (0x24, 0x06),
    "Country Selection": (0x24, 0x07), "CDC Telephone operations": (0x24, 0x08),
    "Network Channel Terminal": (0x24, 0x0A), "CDC Ethernet": (0x24, 0x0F),
    "CDC WHCM": (0x24, 0x11), "CDC MDLM": (0x24, 0x12), "CDC MDLM detail": (0x24, 0x13),
    "CDC Device Management": (0x24, 0x14), "CDC OBEX": (0x24, 0x15), "CDC NCM": (0x24, 0x1A),
    "CDC MBIM": (0x24, 0x1B), "CDC MBIM Extended": (0x24, 0x1C),
    "Device Qualifier (for other device speed)": (0x06, nil),
    "Binary Object Store Descriptor": (0x0F, nil), "OTG Descriptor": (0x09, nil),
    "Debug descriptor": (0x0A, nil), "Hub Descriptor": (0x29, nil),
    "Billboard Capability": (0x10, 0x0D),
  ]

  /// Lines that end a descriptor and begin nothing that is one.
  private static let ends: Set<String> = ["Hub Port Status", "Device Status"]

  static func isWritten(in lines: [Substring]) -> Bool {
    lines.prefix(4096).contains { line in
      let text = line.trimmed
      return text.hasSuffix(":") && titles[String(text.dropLast())] != nil
    }
  }

  static func read(_ lines: [Substring]) -> DescriptorSet {
    var reader = LsusbReader()
    for (index, line) in lines.enumerated() {
      let text = line.trimmed
      // The text of all devices has one after the other.
      if text == "Device Descriptor:", reader.assembler.hasDevice || reader.section?.type == 0x01 {
        reader.assembler.remark("The text tells of several devices; only the first one is read.")
        break
      }
      reader.read(line, text, number: index + 1)
    }
    reader.finish()
    return reader.assembler.finished()
  }

  private mutating func finish() {
    guard let section else { return }
    self.section = nil
    if section.type == 0x29 || section.type == 0x2A {
      var alone = DumpAssembler()
      alone.add(section)
      let set = alone.finished()
      let own = set.others[.hub] ?? set.bytes
      let unknown = set.unknown[.hub] ?? set.unknown[.descriptors] ?? []
      assembler.placeHub(own.indices.map { unknown.contains($0) ? nil : own[$0] })
    } else {
      assembler.add(section)
    }
  }

  private mutating func begin(_ kind: Kind, _ number: Int) {
    finish()
    report = nil
    section = DumpSection(
      type: kind.type, subtype: kind.subtype, line: number, program: .lsusb)
  }

  private mutating func read(_ line: Substring, _ text: Substring, number: Int) {
    guard !text.isEmpty else { return }
    if expectsJunk {
      expectsJunk = false
      if let bytes = Self.pairs(text) { section?.junk += bytes }
      return
    }
    if text.hasSuffix(":") {
      let title = String(text.dropLast())
      if let kind = Self.titles[title] { return begin(kind, number) }
      if title.hasSuffix("Device Capability") { return begin((0x10, nil), number) }
      if title.hasPrefix("Warning: Junk at end of descriptor") {
        expectsJunk = true
        return
      }
      if let document = DescriptorSet.Document(name: title) {
        finish()
        microsoft = document
        return
      }
    }
    if let colon = text.firstIndex(of: ":") {
      let title = text[..<colon]
      let rest = text[text.index(after: colon)...]
      if read(title, rest, number) { return }
    }
    if let document = microsoft, let bytes = Self.pairs(text) {
      assembler.place(bytes, as: document)
      return
    }
    readField(line, text, number)
  }

  private var microsoft: DescriptorSet.Document?

  /// A line with a colon in it; false where it is a field all the same.
  private mutating func read(_ title: Substring, _ rest: Substring, _ number: Int) -> Bool {
    switch title {
    case "Negotiated speed":
      assembler.speed = Self.speed(rest.trimmed)
      return true
    case "junk at descriptor end":
      if let bytes = Self.pairs(rest) { section?.junk += bytes }
      return true
    case _ where Self.ends.contains(String(title)):
      finish()
      return true
    case _
    where title.contains("UNRECOGNIZED") || title == "INTERFACE CLASS"
      || title == "DEVICE CLASS" || title == "ENDPOINT CLASS":
      guard let bytes = Self.pairs(rest) else { return false }
      finish()
      var raw = DumpSection(type: nil, line: number, program: .lsusb)
      raw.raw = bytes
      assembler.add(raw)
      return true
    case "Report Descriptor":
      // It belongs to the interface, and its descriptor is at an end.
      finish()
      report = assembler.interfaceNumber
      return true
    case _ where title.hasPrefix("Report Descriptor of interface"):
      finish()
      report = title.split(separator: " ").last.flatMap { UInt8($0) }
      return true
    case _ where title.hasPrefix("Item("):
      if let report, let bytes = ReportItemText.bytes(title, rest) {
        assembler.place(bytes, as: .report(interface: report))
      }
      return true
    default: return false
    }
  }

  private mutating func readField(_ line: Substring, _ text: Substring, _ number: Int) {
    // The name goes as far as the number of a list behind it.
    var name = text.prefix { $0 != " " && $0 != "\t" }
    if let open = name.firstIndex(where: { $0 == "(" || $0 == "[" }) {
      let closing: Character = text[open] == "(" ? ")" : "]"
      guard let close = text[open...].firstIndex(of: closing) else { return }
      name = text[...close]
    }
    let rest = line.trimmedStart.dropFirst(name.count).trimmedStart
    let value = rest.last == "\r" ? rest.dropLast() : rest
    switch name {
    case "bMaxBurst" where section?.type == 0x05:
      begin((0x30, nil), number)
      section?.add("bLength", "6")
    case "bPipeID" where section?.type == 0x05:
      begin((0x24, nil), number)
      section?.add("bLength", "4")
      section?.add("bPipeID", String(value))
      return
    case "Command", "Status", "Data-in", "Data-out":
      guard section?.type == 0x05, value.hasPrefix("pipe ("), value.hasSuffix(")") else { break }
      begin((0x24, nil), number)
      section?.add("bLength", "4")
      section?.add("bPipeID", String(value.dropFirst(6).dropLast()))
      return
    case "bDescriptorSubtype":
      if let junk = value.firstRange(of: "Invalid desc subtype:") {
        if let bytes = Self.pairs(value[junk.upperBound...]) { section?.junk += bytes }
      }
    case "bmAttributes" where section?.type == 0x30 && section?.has("bmAttributes") == true: return
    default: break
    }
    section?.add(String(name), String(value))
  }

  /// Pairs of digits, and `??`; nil where anything else is among them.
  static func pairs(_ text: Substring) -> [UInt8?]? {
    var bytes: [UInt8?] = []
    for token in text.split(whereSeparator: \.isWhitespace) {
      guard let byte = DumpNumber.pair(token) else { return nil }
      bytes.append(byte)
    }
    return bytes.isEmpty ? nil : bytes
  }

  private static func speed(_ text: Substring) -> USBSpeed? {
    if text.hasPrefix("Low Speed") { return .low }
    if text.hasPrefix("Full Speed") { return .full }
    if text.hasPrefix("High Speed") { return .high }
    if text.hasPrefix("SuperSpeed+") || text.hasPrefix("SuperSpeed Plus") { return .superSpeedPlus }
    return text.hasPrefix("SuperSpeed") || text.hasPrefix("Super Speed") ? .superSpeed : nil
  }
}

/// One item of a HID report descriptor, as `lsusb` prints it.
enum ReportItemText {
  private static let names: [[String: UInt8]] = [
    ["Input": 8, "Output": 9, "Feature": 11, "Collection": 10, "End Collection": 12],
    [
      "Usage Page": 0, "Logical Minimum": 1, "Logical Maximum": 2, "Physical Minimum": 3,
      "Physical Maximum": 4, "Unit Exponent": 5, "Unit": 6, "Report Size": 7, "Report ID": 8,
      "Report Count": 9, "Push": 10, "Pop": 11,
    ],
    [
      "Usage": 0, "Usage Minimum": 1, "Usage Maximum": 2, "Designator Index": 3,
      "Designator Minimum": 4, "Designator Maximum": 5, "String Index": 7, "String Minimum": 8,
      "String Maximum": 9, "Delimiter": 10,
    ],
  ]

  static func bytes(_ title: Substring, _ rest: Substring) -> [UInt8?]? {
    let kind = title.dropFirst("Item(".count).prefix { $0 != ")" && $0 != " " }
    if kind == "Raw" { return raw(rest) }
    guard let type = ["Main", "Global", "Local"].firstIndex(of: String(kind)),
      let comma = rest.firstIndex(of: ",")
    else { return nil }
    let name = rest[..<comma].trimmed
    guard let tag = names[type][String(name)] else { return nil }
    var data: [UInt8?] = []
    if let open = rest.firstIndex(of: "["), let close = rest[open...].firstIndex(of: "]") {
      for token in rest[rest.index(after: open)..<close].split(separator: " ").prefix(4) {
        let digits = token.hasPrefix("0x") ? token.dropFirst(2) : token
        guard let byte = DumpNumber.pair(digits) else { return nil }
        data.append(byte)
      }
    }
    guard let size = [0: 0, 1: 1, 2: 2, 4: 3][data.count] else { return nil }
    return [tag << 4 | UInt8(type) << 2 | UInt8(size)] + data
  }

  /// All bytes of an item that has no name.
  private static func raw(_ rest: Substring) -> [UInt8?]? {
    guard let open = rest.firstIndex(of: "["), let close = rest[open...].firstIndex(of: "]") else {
      return nil
    }
    return LsusbReader.pairs(rest[rest.index(after: open)..<close])
  }
}
