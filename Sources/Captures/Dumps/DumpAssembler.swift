internal import USB

/// Puts the sections of a text together to what a device says of itself.
struct DumpAssembler {
  private(set) var set = DescriptorSet(device: [], configurations: [])
  private(set) var language: LanguageID?
  private var bytes: [DescriptorSet.Document: [UInt8?]] = [:]
  private var device: [UInt8?] = []
  private var configurations: [[UInt8?]] = []
  /// What stands in front of the configuration in the text and belongs into it.
  private var early: [UInt8?] = []
  private var interface: ClassTriple?
  /// The interface of the last section, by its number.
  private(set) var interfaceNumber: UInt8?
  private var isInStore = false
  private var remarks: [String] = []
  private var portFacts: [PortFact] = []

  /// More than any text tells.
  private static let mostBytes = 1 << 16

  /// What `bMaxPower` is counted in where a text gives milliamperes.
  var powerUnit: UInt64 {
    let isFast = self.set.speed == .superSpeed || self.set.speed == .superSpeedPlus
    // Versions that do not print the speed count in 8 mA all the same; only SuperSpeed has a packet size of 9.
    let looksFast = self.set.speed == nil && device.count > 7 && device[7] == 9
    return isFast || looksFast ? 8 : 2
  }

  var speed: USBSpeed? {
    get { self.set.speed }
    set(new) { self.set.speed = new }
  }

  var hasDevice: Bool { !device.isEmpty }
  var hasConfiguration: Bool { !configurations.isEmpty }

  mutating func remark(_ sentence: String) {
    if !remarks.contains(sentence) { remarks.append(sentence) }
  }

  /// A fact of the port; the first that is told of each subject holds.
  mutating func note(_ subject: PortFact.Subject, _ value: some StringProtocol) {
    guard !value.isEmpty, !portFacts.contains(where: { $0.subject == subject }) else { return }
    portFacts.append(PortFact(subject, String(value.prefix(400))))
  }

  mutating func note(language: LanguageID) { if self.language == nil { self.language = language } }

  mutating func merge(strings: [UInt8: String]) {
    set.strings.merge(strings) { old, _ in old }
  }

  // MARK: Sections

  mutating func add(_ section: DumpSection) {
    guard
      bytes.values.reduce(0, { $0 + $1.count }) + configurations.reduce(0, { $0 + $1.count })
        < Self.mostBytes
    else { return }
    if let raw = section.raw {
      // What lsusb does not know is a part of what it stands in, whatever its type says.
      if section.program == .lsusb, hasConfiguration || isInStore {
        append(raw)
      } else {
        place(raw)
      }
      return
    }
    var section = section
    let length = section.peek("bLength").flatMap { number($0, "bLength") }.map(Int.init)
    let type =
      section.type
      ?? section.peek("bDescriptorType").flatMap { number($0, "bDescriptorType") }
    guard let type else {
      // Bytes that no length leads to.
      if length == nil, !section.junk.isEmpty { append(section.junk) }
      return
    }
    let subtypeName = type == 0x10 ? "bDevCapabilityType" : "bDescriptorSubtype"
    let subtype =
      section.peek(subtypeName).flatMap { number($0, subtypeName) } ?? section.subtype
    if section.type != nil, section.type != type { section.type = type }
    let layout = layout(of: section, length: length, type: type, subtype: subtype)
    let head: [DescriptorLayout.Item] = subtype == nil ? [] : [.byte("bDescriptorSubtype")]
    let known = layout ?? DescriptorLayout("Unknown", "none", head + [.rest("data")])
    let (own, strings) = FieldEncoder.encode(
      section, known, length: length, type: type, subtype: subtype, unit: powerUnit)
    // A title alone tells nothing.
    guard length != nil || own.dropFirst(2).contains(where: { $0 != nil }) else { return }
    set.strings.merge(strings) { old, _ in old }
    if section.program == .usbView, type == 0x21, section.layoutClass?.classCode == 0x03,
      interface?.isDFU == true
    {
      tellMisreading(own)
    }
    if section.staysInPlace, hasConfiguration || isInStore { append(own) } else { place(own) }
  }

  private func number(_ text: String, _ name: String) -> UInt8? {
    let bytes = DumpNumber.bytes(text, name: name, size: 1, kind: .number, unit: 2)
    return bytes.first ?? nil
  }

  private func layout(
    of section: DumpSection, length: Int?, type: UInt8, subtype: UInt8?
  ) -> DescriptorLayout? {
    // One whose bytes are told and whose fields are not.
    if let length, subtype == nil, length > 2, section.junk.count >= length - 2 { return nil }
    var head = [UInt8](repeating: 0, count: max(3, length ?? 28))
    head[0] = UInt8(clamping: head.count)
    head[1] = type
    head[2] = subtype ?? 0
    if type == 0x10, head.count >= 20, !section.has("CapabilityData"),
      let text = section.peek("PlatformCapabilityUUID")
    {
      let uuid = DumpNumber.bytes(
        text, name: "PlatformCapabilityUUID", size: 16, kind: .guid, unit: 2)
      for (index, byte) in uuid.enumerated() { head[4 + index] = byte ?? 0 }
    }
    // An interface of a vendor with the shape of HID's: the shape is what the text tells.
    if type == 0x21, head.count > 6 { head[6] = 0x22 }
    return DescriptorLayout.layout(
      of: head[...], interface: section.layoutClass ?? interface,
      isInStore: isInStore || type == 0x10)
  }

  private mutating func tellMisreading(_ own: [UInt8?]) {
    func words(_ index: Int) -> String {
      index < own.count ? own[index].map { hex($0) } ?? "??" : "??"
    }
    let missing = own.indices.filter { own[$0] == nil }
    var sentence =
      "USBView has taken the functional descriptor of DFU for one of HID, because both have type 0x21: what it "
      + "shows as bcdHID 0x\(words(3))\(words(2)) is bmAttributes 0x\(words(2)) and the low byte 0x\(words(3)) of "
      + "wDetachTimeOut, bCountryCode 0x\(words(4)) is the high byte of that, and bNumDescriptors 0x\(words(5)) is "
      + "the low byte of wTransferSize."
    if let first = missing.first, let last = missing.last {
      sentence +=
        first == last
        ? " It has not printed byte \(first)." : " It has not printed bytes \(first) to \(last)."
    }
    remark(sentence)
  }

  // MARK: Places

  /// Puts the bytes of a descriptor, or of some, where they belong.
  mutating func place(_ own: [UInt8?]) {
    guard own.count >= 2 else { return append(own) }
    switch own[1] {
    case 0x01 where device.isEmpty && configurations.isEmpty: device = own
    case 0x02, 0x07:
      configurations.append(own + early)
      early = []
      (isInStore, interface, interfaceNumber) = (false, nil, nil)
    case 0x06 where own.count >= 10 || interface == nil:
      if bytes[.deviceQualifier] == nil { bytes[.deviceQualifier] = own }
    case 0x0F:
      isInStore = true
      if bytes[.binaryObjectStore] == nil { bytes[.binaryObjectStore] = own }
    case 0x10: bytes[.binaryObjectStore, default: []] += own
    case 0x29, 0x2A: if bytes[.hub] == nil { bytes[.hub] = own }
    default:
      if own[1] == 0x04, own.count >= 8 {
        interface = ClassTriple(own[5] ?? 0, own[6] ?? 0, own[7] ?? 0)
        interfaceNumber = own[2]
      }
      append(own)
    }
  }

  mutating func placeHub(_ own: [UInt8?]) { bytes[.hub] = own }

  private mutating func append(_ own: [UInt8?]) {
    if isInStore {
      bytes[.binaryObjectStore, default: []] += own
    } else if configurations.isEmpty, hasDevice {
      early += own
    } else if configurations.isEmpty {
      configurations.append(own)
    } else {
      configurations[configurations.count - 1] += own
    }
  }

  mutating func place(_ own: [UInt8?], as document: DescriptorSet.Document) {
    bytes[document, default: []] += own
  }

  // MARK: The end

  /// The set of all that was added.
  func finished() -> DescriptorSet {
    var set = set
    var configurations = configurations
    if !early.isEmpty { configurations.append(early) }
    let main = device + configurations.flatMap(\.self)
    set.device = device.map { $0 ?? 0 }
    set.configurations = configurations.map { $0.map { $0 ?? 0 } }
    note(main, as: .descriptors, in: &set)
    for (document, own) in bytes {
      let plain = own.map { $0 ?? 0 }
      switch document {
      case .binaryObjectStore: set.binaryObjectStore = plain
      case .deviceQualifier: set.deviceQualifier = plain
      case .descriptors: continue
      default: set.others[document] = plain
      }
      note(own, as: document, in: &set)
    }
    set.language = language
    set.remarks = remarks
    set.portFacts = portFacts
    return set
  }

  private func note(
    _ own: [UInt8?], as document: DescriptorSet.Document, in set: inout DescriptorSet
  ) {
    let unknown = Set(own.indices.filter { own[$0] == nil })
    if !unknown.isEmpty { set.unknown[document] = unknown }
  }
}
