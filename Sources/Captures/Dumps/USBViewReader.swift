internal import USB

/// What USBView has shown of a port; blanks and columns do not matter.
struct USBViewReader {
  private var assembler = DumpAssembler()
  private var section: DumpSection?
  private var lastString: String?
  /// A document of bytes that is being read.
  private var document: DescriptorSet.Document?
  private var hasDeviceSection = false
  private var protocols: [String] = []

  private typealias Kind = (type: UInt8?, layoutClass: ClassTriple?)

  /// What is meant by a title between arrows.
  private static func kind(of title: String) -> Kind? {
    switch title {
    case "Device Descriptor": (0x01, nil)
    case "Configuration Descriptor": (0x02, nil)
    case "Other Speed Configuration Descriptor": (0x07, nil)
    case "Interface Descriptor": (0x04, nil)
    case "Endpoint Descriptor": (0x05, nil)
    case "HID Descriptor": (0x21, ClassTriple(0x03, 0, 0))
    case "Device Qualifier Descriptor": (0x06, nil)
    case "BOS Descriptor": (0x0F, nil)
    case _ where title.hasPrefix("IAD") || title.hasPrefix("Interface Association"): (0x0B, nil)
    case _ where title.contains("SuperSpeed Endpoint Companion"): (0x30, nil)
    case _ where title.contains("Capability Descriptor"): (0x10, nil)
    case _
    where title.contains("Descriptor") && !title.hasPrefix("Full Configuration")
      && !title.hasPrefix("String"):
      // The fields say what it is.
      (nil, nil)
    default: nil
    }
  }

  static func isWritten(in lines: [Substring]) -> Bool {
    lines.prefix(4096).contains { $0.contains("===>") && $0.contains("<===") }
  }

  static func read(_ lines: [Substring]) -> DescriptorSet {
    var reader = USBViewReader()
    for (index, line) in lines.enumerated() {
      let text = line.trimmed
      if text.hasPrefix("[Port"), reader.hasDeviceSection {
        reader.assembler.remark("The text tells of several devices; only the first one is read.")
        break
      }
      reader.read(text, number: index + 1)
    }
    reader.finish()
    reader.assembler.note(.protocols, reader.protocols.joined(separator: ", "))
    return reader.assembler.finished()
  }

  private mutating func finish() {
    lastString = nil
    guard let section else { return }
    self.section = nil
    assembler.add(section)
  }

  private mutating func read(_ text: Substring, number: Int) {
    if let open = text.firstRange(of: "===>"), let close = text.firstRange(of: "<==="),
      open.upperBound <= close.lowerBound
    {
      finish()
      let title = String(text[open.upperBound..<close.lowerBound].trimmed)
      document = DescriptorSet.Document(name: title)
      guard let kind = Self.kind(of: title) else { return }
      // The open pipes repeat endpoints that stand in the configuration too.
      if kind.type == 0x05, !assembler.hasConfiguration { return }
      if kind.type == 0x01 { hasDeviceSection = true }
      section = DumpSection(type: kind.type, line: number, program: .usbView)
      section?.layoutClass = kind.layoutClass
      section?.staysInPlace = title == "Unknown Descriptor"
      return
    }
    guard !text.hasPrefix("*!*"), !text.hasPrefix("->") else { return }
    if let quoted = Self.quoted(text) {
      if let lastString { section?.addText(quoted.text, to: lastString) }
      if quoted.language.hasPrefix("English (United States)") {
        assembler.note(language: .englishUnitedStates)
      }
      return
    }
    guard let colon = text.firstIndex(of: ":") else {
      guard let bytes = LsusbReader.pairs(text) else { return }
      if let document { assembler.place(bytes, as: document) } else { section?.junk += bytes }
      return
    }
    let name = text[..<colon].trimmed
    let value = text[text.index(after: colon)...].trimmed
    if let speed = value.firstRange(of: "Device Bus Speed:") {
      assembler.speed = Self.speed(value[speed.upperBound...].trimmed)
    }
    notePort(name, value)
    guard !name.contains(" ") || name.hasSuffix("]") || name.hasSuffix(")") else { return }
    lastString = name.hasPrefix("i") ? String(name) : nil
    // A number ends where it is explained.
    let end = value.firstRange(of: "->")?.lowerBound ?? value.endIndex
    section?.add(String(name), String(value[..<end].trimmed))
  }

  /// What stands in front of the descriptors.
  private mutating func notePort(_ name: Substring, _ value: Substring) {
    // A number ends where it is explained.
    let plain = value[..<(value.firstRange(of: "->")?.lowerBound ?? value.endIndex)].trimmed
    switch name {
    case "Is Port User Connectable": assembler.note(.userConnectable, value)
    case "Is Port Debug Capable": assembler.note(.debugCapable, value)
    case "Companion Port Number": assembler.note(.companionPort, value)
    case "Companion Hub Symbolic Link Name": assembler.note(.companionHub, value)
    case "USB 1.1", "USB 2.0", "USB 3.0":
      if value == "yes", !protocols.contains(String(name)) { protocols.append(String(name)) }
    case "Device Power State": assembler.note(.powerState, value)
    case "Current Config Value": noteNumber(.configuration, plain)
    case "Device Address": noteNumber(.address, plain)
    case _ where name.hasPrefix("[Port") && name.hasSuffix("]"):
      assembler.note(.port, name.dropFirst("[Port".count).dropLast())
    default: break
    }
  }

  private mutating func noteNumber(_ subject: PortFact.Subject, _ value: Substring) {
    guard let number = UInt8(value.dropFirst(value.hasPrefix("0x") ? 2 : 0), radix: 16) else {
      return
    }
    assembler.note(subject, "\(number)")
  }

  /// `English (United States)  "text"`: a line that ends in a quoted text and has no number.
  private static func quoted(_ text: Substring) -> (language: Substring, text: String)? {
    guard text.last == "\"", let open = text.firstIndex(of: "\"") else { return nil }
    let body = text[text.index(after: open)...]
    let language = text[..<open]
    guard !body.isEmpty, !language.contains(":") else { return nil }
    return (language, String(body.dropLast()))
  }

  private static func speed(_ text: Substring) -> USBSpeed? {
    if text.hasPrefix("Low") { return .low }
    if text.hasPrefix("Full") { return .full }
    if text.hasPrefix("High") { return .high }
    if text.hasPrefix("SuperSpeedPlus") { return .superSpeedPlus }
    return text.hasPrefix("Super") ? .superSpeed : nil
  }
}
