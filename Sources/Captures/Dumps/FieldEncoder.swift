internal import USB

/// The bytes of a descriptor from the fields that a text tells, by the same layouts that decode it.
struct FieldEncoder {
  private(set) var bytes: [UInt8?] = []
  private(set) var strings: [UInt8: String] = [:]
  private var section: DumpSection
  private let length: Int?
  /// What `bMaxPower` is counted in.
  private let unit: UInt64
  private var numbers: [String: UInt64] = [:]

  /// No descriptor has more; of Microsoft's, none is read from such a text.
  private static let mostBytes = 255

  /// The bytes of one descriptor.
  ///
  /// - Parameters:
  ///   - section: what the text tells of it.
  ///   - layout: how its bytes are laid out.
  ///   - length: its `bLength`; nil where the text does not tell it, and its fields do.
  ///   - type: its `bDescriptorType`.
  ///   - subtype: its subtype; nil where its layout has none.
  ///   - unit: what `bMaxPower` is counted in.
  /// - Returns: its bytes, nil for each that is not known, and the strings that stand behind their indices.
  static func encode(
    _ section: DumpSection, _ layout: DescriptorLayout, length: Int?, type: UInt8, subtype: UInt8?,
    unit: UInt64
  ) -> (bytes: [UInt8?], strings: [UInt8: String]) {
    var encoder = FieldEncoder(section: section, length: length, unit: unit)
    var items = layout.items.dropFirst(2)
    _ = encoder.section.next("bLength")
    _ = encoder.section.next("bDescriptorType")
    encoder.bytes = [length.map { UInt8(clamping: $0) }, type]
    if let subtype, case .field(let field)? = items.first,
      field.name == "bDescriptorSubtype" || field.name == "bDevCapabilityType"
    {
      _ = encoder.section.next(field.name)
      encoder.bytes.append(subtype)
      items = items.dropFirst()
    }
    encoder.encode(Array(items))
    encoder.bytes += section.junk
    if let length {
      encoder.bytes += DumpNumber.unknown(length - encoder.bytes.count)
      encoder.bytes = Array(encoder.bytes.prefix(length))
    } else {
      encoder.bytes[0] = UInt8(clamping: encoder.bytes.count)
    }
    return (encoder.bytes, encoder.strings)
  }

  private init(section: DumpSection, length: Int?, unit: UInt64) {
    self.section = section
    self.length = length
    self.unit = unit
  }

  private var isFull: Bool { bytes.count >= min(length ?? Self.mostBytes, Self.mostBytes) }
  private var room: Int { max(0, (length ?? Self.mostBytes) - bytes.count) }

  private mutating func encode(_ items: [DescriptorLayout.Item]) {
    for item in items where !isFull {
      switch item {
      case .field(let field): encode(field)
      case .group(let repetition, let items): encode(repetition, items)
      }
    }
  }

  private mutating func encode(_ field: DescriptorLayout.Field) {
    let size: Int
    switch field.size {
    case .fixed(let fixed): size = fixed
    case .counted(let name): size = Int(clamping: numbers[name] ?? 0)
    case .rest(let before):
      if length != nil {
        // What a text calls junk stands behind the fields.
        size = max(0, room - before - section.junk.count)
      } else {
        size = section.peek(field.name)?.split(separator: " ").count ?? 0
      }
    }
    // A descriptor without a length ends where the text stops telling its fields.
    if length == nil, field.isOptional, !section.has(field.name) { return }
    guard size > 0 else { return }
    let own = value(of: field, size: min(size, room))
    if case .string = field.kind { note(field.name, own) }
    let known = own.compactMap(\.self)
    if known.count == own.count, own.count <= 8 {
      numbers[field.name] = known.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    } else {
      numbers[field.name] = nil
    }
    bytes += own
  }

  /// The bytes of a field; of one that the text shows in parts, those of all its lines.
  private mutating func value(of field: DescriptorLayout.Field, size: Int) -> [UInt8?] {
    guard let first = section.next(field.name) else { return DumpNumber.unknown(size) }
    lastText = first
    guard case .bytes = field.kind, size > 1 else {
      let own = DumpNumber.bytes(
        first, name: field.name, size: size, kind: field.kind, unit: unit)
      // The one number that lsusb prints with its bytes in their order.
      return section.program == .lsusb && field.name == "wCountryCode" ? own.reversed() : own
    }
    var own: [UInt8?] = []
    var text = first
    while true {
      let left = size - own.count
      let width = Self.width(of: text)
      guard let width, width < left, section.has(field.name) else {
        own += DumpNumber.bytes(text, name: field.name, size: left, kind: field.kind, unit: unit)
        return own
      }
      own += DumpNumber.bytes(text, name: field.name, size: width, kind: field.kind, unit: unit)
      guard let next = section.next(field.name) else {
        return own + DumpNumber.unknown(left - width)
      }
      text = next
    }
  }

  private var lastText = ""

  /// How many bytes the digits of a number have; nil for what is written in another way.
  private static func width(of text: String) -> Int? {
    guard let token = text.split(separator: " ").first, token.hasPrefix("0x") else { return nil }
    return max(1, (token.count - 2) / 2)
  }

  /// The string that stands behind its index.
  private mutating func note(_ name: String, _ own: [UInt8?]) {
    guard let index = own.first ?? nil, index > 0 else { return }
    if let text = section.text(of: name) {
      strings[index] = text
      return
    }
    guard section.program == .lsusb else { return }
    let rest = lastText.drop { $0 == " " }.drop { $0 != " " }.dropFirst()
    let text = rest.last == " " ? rest.dropLast() : rest
    if !text.isEmpty, text != "(error)" { strings[index] = String(text) }
  }

  private mutating func encode(
    _ repetition: DescriptorLayout.Repetition, _ items: [DescriptorLayout.Item]
  ) {
    let times: Int
    switch repetition {
    case .counted(let name, let plus):
      times = numbers[name].map { Int(clamping: $0) + plus } ?? .max
    case .rest: times = .max
    case .when(let name, let value):
      if numbers[name] == value { encode(items) }
      return
    case .unless(let name, let value):
      if numbers[name] != value { encode(items) }
      return
    }
    var count = 0
    while count < times, !isFull {
      // What the text does not tell is unknown, and no other element of a list.
      guard times < .max || tells(items) else { return }
      let before = bytes.count
      encode(items)
      if bytes.count == before { return }
      count += 1
    }
  }

  /// Whether the text goes on with the first field of a group.
  private func tells(_ items: [DescriptorLayout.Item]) -> Bool {
    guard case .field(let field)? = items.first else { return false }
    return section.has(field.name)
  }
}
