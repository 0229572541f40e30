internal import USB

/// From numbers to words, and back.
extension OptionBytes {
  /// What a number in a field means, beside what the other fields hold.
  func words(for number: UInt32, of field: OptionField) -> String {
    switch field.kind {
    case .readProtection(let keys): keys.words(number)
    case .choice(let choices):
      choices.first { $0.value == number }?.words ?? "reserved"
    case .number: field.digits(number)
    case .protection(let bits): words(for: number, of: field, bits)
    case .areaStart(let end): areaWords(number, value(of: end), "from")
    case .areaEnd(let start): areaWords(value(of: start), number, "to")
    case .address(let shift): "boots from \(addressText(UInt64(number) << UInt64(shift)))"
    }
  }

  /// What an area covers; where one of its ends is not shown, no more than the other one.
  private func areaWords(_ first: UInt32?, _ last: UInt32?, _ preposition: String) -> String {
    guard let first, let last else { return "\(preposition) page \(first ?? last ?? 0)" }
    if first > last { return "the area is empty, nothing is protected" }
    return first == last ? "page \(first) is protected" : "pages \(first)-\(last) are protected"
  }

  /// The sectors behind the bits that protect, for example `sectors 2-3, 7 protected`.
  private func words(for number: UInt32, of field: OptionField, _ bits: SectorBits) -> String {
    let isInverted = isInverted(bits)
    let protecting = isInverted ? 1 - bits.protecting : bits.protecting
    var stretches: [ClosedRange<Int>] = []
    for bit in 0..<Int(field.width) where number >> UInt32(bit) & 1 == protecting {
      let first = firstSector(bits) + bit * sectorsPerBit(bits)
      let last = first + sectorsPerBit(bits) - 1
      if let before = stretches.last, before.upperBound + 1 == first {
        stretches[stretches.count - 1] = before.lowerBound...last
      } else {
        stretches.append(first...last)
      }
    }
    let what = isInverted ? "protected, reading included (PCROP)" : "protected"
    guard !stretches.isEmpty else { return isInverted ? "none \(what)" : "none protected" }
    let coversRest = bits.lastCoversRest && number >> (field.width - 1) & 1 == protecting
    let isOne = stretches.count == 1 && stretches[0].count == 1 && !coversRest
    let list = stretches.map {
      $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
    }
    var text = "\(bits.noun)\(isOne ? "" : "s") \(list.joined(separator: ", "))"
    if coversRest { text += " and above" }
    return "\(text) \(what)"
  }

  // MARK: From words to numbers

  /// The number that a text means for a field; nil where it means none, or one that does not exist.
  func number(for text: String, of field: OptionField) -> UInt32? {
    let text = text.trimmed.lowercased()
    switch field.kind {
    case .readProtection(let keys): return level(text, keys, field)
    case .choice(let choices):
      if let number = Self.number(text) {
        return choices.contains { $0.value == number } ? number : nil
      }
      return Self.only(choices, text)
    case .protection(let bits):
      return plain(text, field) ?? sectors(text, field, bits)
    case .address(let shift):
      let place = text.without(prefix: "boots from ")
      guard let number = Self.number(place) else { return nil }
      // An address is a large number; a small one is the field itself.
      if number <= field.largest && place == text { return number }
      let value = number >> shift
      return value << shift == number && value <= field.largest ? value : nil
    case .areaStart: return page(text, field) { $0.first }
    case .areaEnd: return page(text, field) { $0.last }
    case .number: return plain(text, field)
    }
  }

  /// `7`, `page 7`, or its end of `pages 2-7`, with or without `are protected` behind it.
  private func page(
    _ text: String, _ field: OptionField, _ end: ([Substring]) -> Substring?
  ) -> UInt32? {
    var text = text
    for ending in [" is protected", " are protected"] where text.hasSuffix(ending) {
      text = String(text.dropLast(ending.count))
    }
    guard text.hasPrefix("pages ") else { return plain(text.without(prefix: "page "), field) }
    let ends = text.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count == 2 else { return nil }
    return end(ends).flatMap { plain(String($0), field) }
  }

  private func plain(_ text: String, _ field: OptionField) -> UInt32? {
    Self.number(text).flatMap { $0 <= field.largest ? $0 : nil }
  }

  /// 0, 1 and 2 are levels here, never bytes: 0 for level 1 would be a trap.
  private func level(_ text: String, _ keys: ReadProtectionKeys, _ field: OptionField) -> UInt32? {
    for level in ReadProtectionLevel.allCases {
      guard text == "\(level.rawValue)" || text == "level \(level.rawValue)" else { continue }
      // Any byte of level 1 is as good as another: the one that is there stays.
      if let now = value(of: field), keys.level(now) == level { return now }
      return keys.value(level)
    }
    if let number = plain(text, field) { return number }
    let known = ReadProtectionLevel.allCases.compactMap { level in
      keys.value(level).map { OptionChoice($0, keys.words($0)) }
    }
    return Self.only(known, text)
  }

  /// The one choice whose words are the text, or begin with it.
  private static func only(_ choices: [OptionChoice], _ text: String) -> UInt32? {
    guard !text.isEmpty else { return nil }
    if let exact = choices.first(where: { $0.words.lowercased() == text }) { return exact.value }
    let near = choices.filter { $0.words.lowercased().hasPrefix(text) }
    return near.count == 1 ? near[0].value : nil
  }

  /// `none`, `all`, or numbers: `sectors 2-3, 7`, with or without `protected` behind them.
  private func sectors(_ text: String, _ field: OptionField, _ bits: SectorBits) -> UInt32? {
    let protecting = isInverted(bits) ? 1 - bits.protecting : bits.protecting
    var words = text
    for end in [" protected", " protected, reading included (pcrop)"] where words.hasSuffix(end) {
      words = String(words.dropLast(end.count))
    }
    let all = field.largest
    if words == "none" { return protecting == 1 ? 0 : all }
    if words == "all" { return protecting == 1 ? all : 0 }
    let noun = bits.noun.lowercased()
    guard words.hasPrefix(noun) else { return nil }
    words = words.without(prefix: noun).without(prefix: "s").without(prefix: " ")
    if words.hasSuffix(" and above") { words = String(words.dropLast(10)) }
    var chosen: UInt32 = 0
    for part in words.split(omittingEmptySubsequences: false, whereSeparator: { ",+".contains($0) })
    {
      guard let set = self.bits(for: String(part).trimmed, field, bits) else { return nil }
      chosen |= set
    }
    return protecting == 1 ? chosen : all & ~chosen
  }

  /// The bits for `7` or `2-3`; nil where a bit stands for more than that, or for nothing.
  private func bits(for text: String, _ field: OptionField, _ bits: SectorBits) -> UInt32? {
    let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt32($0) }
    guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first <= last
    else { return nil }
    let each = UInt32(sectorsPerBit(bits))
    let start = UInt32(firstSector(bits))
    guard first >= start, (first - start) % each == 0, (last - start) % each == each - 1 else {
      return nil
    }
    let low = (first - start) / each
    let high = (last - start) / each
    guard high < field.width else { return nil }
    return (UInt32.max >> (31 - (high - low))) << low
  }

  /// A number in decimal, hexadecimal (`0x`) or binary digits (`0b`).
  static func number(_ text: String) -> UInt32? {
    for (prefix, radix) in [("0x", 16), ("0b", 2)] where text.hasPrefix(prefix) {
      let digits = text.dropFirst(2)
      return digits.allSatisfy(\.isHexDigit) ? UInt32(digits, radix: radix) : nil
    }
    return text.allSatisfy(\.isNumber) ? UInt32(text) : nil
  }
}

extension SectorBits {
  /// What one bit covers, as a noun.
  var noun: String {
    switch unit {
    case .sectors: "sector"
    case .bytes(let size): "\(byteCountText(size)) block"
    }
  }
}

extension OptionField {
  /// A number in as many hexadecimal digits as the field has, for example `0xFF3`.
  public func digits(_ number: UInt32) -> String {
    "0x" + hex(number, digits: Int(width + 3) / 4).uppercased()
  }

  /// The values that it takes, for an error or for help.
  public var possibleValues: String {
    let last = digits(largest)
    switch kind {
    case .readProtection(.f1): return "level 0, level 1, or a byte"
    case .readProtection: return "level 0, level 1, level 2, or a byte"
    case .choice(let choices):
      return choices.map { "\($0.value) (\($0.words))" }.joined(separator: ", ")
    case .protection(let bits):
      let first = bits.first
      return
        "none, all, “\(bits.noun)s \(first), \(first + 1)-\(first + 2)”, or a number to \(last)"
    case .areaStart, .areaEnd: return "the number of a page, to \(last)"
    case .address(let shift):
      return "a number to \(last), or an address that \(byteCountText(1 << UInt64(shift))) divide"
    case .number: return "a number to \(last)"
    }
  }
}

extension String {
  /// Without blanks at both ends.
  fileprivate var trimmed: String {
    let blank: (Character) -> Bool = { $0 == " " }
    let head = drop(while: blank)
    return String(head.reversed().drop(while: blank).reversed())
  }

  fileprivate func without(prefix: String) -> String {
    hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self
  }
}
