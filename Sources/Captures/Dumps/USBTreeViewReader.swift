internal import USB

/// What USBTreeView has reported of a port: its digits where it has them, and else its fields.
struct USBTreeViewReader {
  private var assembler = DumpAssembler()
  private var section: DumpSection?
  private var digits: [UInt8?]?
  private var isInDigits = false
  private var lastString: String?
  /// Whether the configuration has come as one row of digits, so that its parts are known.
  private var hasWholeConfiguration = false
  private var hasDeviceSection = false

  private static let types: [String: UInt8] = [
    "Device Descriptor": 0x01, "Configuration Descriptor": 0x02,
    "Other Speed Configuration Descriptor": 0x07, "Interface Descriptor": 0x04,
    "Endpoint Descriptor": 0x05, "Interface Association Descriptor": 0x0B,
    "Device Qualifier Descriptor": 0x06, "Binary Object Store Descriptor": 0x0F,
    "BOS Descriptor": 0x0F, "SuperSpeed Endpoint Companion Descriptor": 0x30,
  ]

  /// The text between two runs of signs: `------ Device Descriptor ------`.
  private static func title(of text: Substring) -> (sign: Character, text: String)? {
    guard let sign = text.first, "-=+".contains(sign), text.last == sign else { return nil }
    let inner = text.drop { $0 == sign }
    guard text.count - inner.count >= 5 else { return nil }
    var body = inner
    while body.last == sign { body = body.dropLast() }
    guard inner.count - body.count >= 5, !body.isEmpty else { return nil }
    return (sign, String(body.trimmed))
  }

  static func isWritten(in lines: [Substring]) -> Bool {
    lines.prefix(4096).contains { line in
      guard let title = title(of: line.trimmed) else { return false }
      return title.text.hasPrefix("USB Port") || title.text.hasSuffix("Descriptor")
        || title.text == "Device Information"
    }
  }

  static func read(_ lines: [Substring]) -> DescriptorSet {
    var reader = USBTreeViewReader()
    for (index, line) in lines.enumerated() {
      let text = line.trimmed
      if let title = title(of: text) {
        if title.text.hasPrefix("USB Port"), reader.hasDeviceSection {
          reader.assembler.remark("The text tells of several devices; only the first one is read.")
          break
        }
        reader.begin(title.text, number: index + 1)
      } else {
        reader.read(text)
      }
    }
    reader.finish()
    return reader.assembler.finished()
  }

  private mutating func finish() {
    defer { (section, digits, isInDigits, lastString) = (nil, nil, false, nil) }
    guard let section else { return }
    guard let digits = digits.map(Self.bounded), digits.count >= 2 else {
      // A refused one has a title and no fields.
      guard section.has("bLength") else { return }
      if hasWholeConfiguration, Self.isPart(section) { return }
      assembler.add(section)
      return
    }
    if hasWholeConfiguration, let type = digits[1], ![0x01, 0x02, 0x06, 0x07, 0x0F].contains(type) {
      return
    }
    if digits[1] == 0x02 || digits[1] == 0x07, let length = digits[0] {
      hasWholeConfiguration = digits.count > Int(length)
    }
    var raw = section
    raw.raw = digits
    assembler.add(raw)
    // The strings stand with the fields.
    var alone = DumpAssembler()
    alone.add(section)
    assembler.merge(strings: alone.finished().strings)
  }

  private static func isPart(_ section: DumpSection) -> Bool {
    guard let type = section.type else { return true }
    return ![0x01, 0x02, 0x06, 0x07, 0x0F].contains(type)
  }

  private mutating func begin(_ title: String, number: Int) {
    finish()
    if title == "Device Descriptor" { hasDeviceSection = true }
    let type = Self.types[title]
    guard type != nil || title.hasSuffix("Descriptor") && !title.hasPrefix("String") else { return }
    section = DumpSection(type: type, line: number, program: .usbTreeView)
    if title == "HID Descriptor" { section?.layoutClass = ClassTriple(0x03, 0, 0) }
  }

  private mutating func read(_ text: Substring) {
    guard !text.isEmpty else {
      isInDigits = false
      return
    }
    if isInDigits, !text.contains(":") || text.first == ":" {
      appendDigits(text.first == ":" ? text.dropFirst() : text)
      return
    }
    isInDigits = false
    guard let colon = text.firstIndex(of: ":") else { return }
    let name = text[..<colon].trimmed
    let value = text[text.index(after: colon)...].trimmed
    if name == "Data (HexDump)" {
      digits = []
      isInDigits = true
      appendDigits(value)
      return
    }
    if name == "Device Connection Speed" { assembler.speed = Self.speed(value) }
    if name.hasPrefix("Language 0x") {
      guard value.first == "\"", value.last == "\"", value.count >= 2 else { return }
      if let lastString { section?.addText(String(value.dropFirst().dropLast()), to: lastString) }
      if let number = UInt16(name.dropFirst("Language 0x".count), radix: 16) {
        assembler.note(language: LanguageID(rawValue: number))
      }
      return
    }
    notePort(name, value)
    guard !name.contains(" ") else { return }
    lastString = name.hasPrefix("i") ? String(name) : nil
    let end = value.firstIndex(of: "(") ?? value.endIndex
    section?.add(String(name), String(value[..<end].trimmed))
  }

  private mutating func notePort(_ name: Substring, _ value: Substring) {
    switch name {
    case "Connection Status":
      // `0x01 (Device is connected)`
      let open = value.firstIndex(of: "(").map(value.index(after:)) ?? value.startIndex
      assembler.note(.connection, value[open...].prefix { $0 != ")" })
    case "Port Chain": assembler.note(.chain, value)
    case "Port maximum Speed": assembler.note(.portSpeed, value)
    case "Hardware IDs": assembler.note(.hardwareIDs, value)
    case "Service": assembler.note(.service, value)
    case "Driver Inf": assembler.note(.driverFile, value)
    case "Problem Code": assembler.note(.problem, value)
    case "Power State": assembler.note(.powerState, value)
    default: break
    }
  }

  /// The pairs at the beginning of a line: at most 16, and none behind a gap, where the text of the bytes stands.
  private mutating func appendDigits(_ text: Substring) {
    for token in text.split(separator: " ", maxSplits: 16, omittingEmptySubsequences: false).prefix(
      16)
    {
      guard let byte = DumpNumber.pair(token) else { return }
      digits?.append(byte)
    }
  }

  /// The digits without what a text behind them may have added: a descriptor says how long it is.
  private static func bounded(_ digits: [UInt8?]) -> [UInt8?] {
    guard digits.count >= 4, let length = digits[0], let type = digits[1] else { return digits }
    var limit = Int(length)
    if [0x02, 0x07, 0x0F].contains(type), let low = digits[2], let high = digits[3] {
      limit = max(limit, Int(low) | Int(high) << 8)
    }
    return Array(digits.prefix(max(limit, 2)))
  }

  private static func speed(_ text: Substring) -> USBSpeed? {
    if text.hasPrefix("Low") { return .low }
    if text.hasPrefix("Full") { return .full }
    if text.hasPrefix("High") { return .high }
    if text.hasPrefix("SuperSpeedPlus") || text.hasPrefix("Super-SpeedPlus") {
      return .superSpeedPlus
    }
    return text.hasPrefix("Super") ? .superSpeed : nil
  }
}
