/// What `$kernel`, `%k` and their like stand for (udev(7), "Substitutions").
enum UdevSubstitution: String, CaseIterable {
  case node = "devnode"
  case temporaryNode = "tempnode"
  case attribute = "attr"
  case oldAttribute = "sysfs"
  case environment = "env"
  case kernel
  case number
  case driver
  case devpath
  case id
  case major
  case minor
  case result
  case parent
  case name
  case links
  case root
  case sys

  private var letter: UInt8 {
    switch self {
    case .node, .temporaryNode: UInt8(ascii: "N")
    case .attribute, .oldAttribute: UInt8(ascii: "s")
    case .environment: UInt8(ascii: "E")
    case .kernel: UInt8(ascii: "k")
    case .number: UInt8(ascii: "n")
    case .driver: UInt8(ascii: "d")
    case .devpath: UInt8(ascii: "p")
    case .id: UInt8(ascii: "b")
    case .major: UInt8(ascii: "M")
    case .minor: UInt8(ascii: "m")
    case .result: UInt8(ascii: "c")
    case .parent: UInt8(ascii: "P")
    case .name: UInt8(ascii: "D")
    case .links: UInt8(ascii: "L")
    case .root: UInt8(ascii: "r")
    case .sys: UInt8(ascii: "S")
    }
  }

  /// A substitution in a text.
  struct Reading {
    var kind: UdevSubstitution
    /// What stands in its braces.
    var braces: String?
    /// How many bytes it has.
    var length: Int
    /// Whether its brace does not end: udev then cuts the text off here.
    var isUnclosed = false
  }

  /// The substitution at the start of a text.
  static func read(_ rest: ArraySlice<UInt8>) -> Reading? {
    guard let sign = rest.first else { return nil }
    var found: Reading?
    if sign == UInt8(ascii: "$") {
      let word = rest.dropFirst()
      found = allCases.first { word.starts(with: $0.rawValue.utf8) }
        .map { Reading(kind: $0, length: 1 + $0.rawValue.utf8.count) }
    } else if sign == UInt8(ascii: "%"), let letter = rest.dropFirst().first {
      found = allCases.first { $0.letter == letter }.map { Reading(kind: $0, length: 2) }
    }
    guard var reading = found else { return nil }
    let behind = rest.dropFirst(reading.length)
    guard behind.first == UInt8(ascii: "{") else { return reading }
    guard let end = behind.firstIndex(of: UInt8(ascii: "}")) else {
      reading.isUnclosed = true
      return reading
    }
    reading.braces = behind[(behind.startIndex + 1)..<end].text
    reading.length += behind.distance(from: behind.startIndex, to: end) + 1
    return reading
  }
}

extension UdevEvent {
  /// Texts that udev makes are cut here (`UDEV_LINE_SIZE`).
  static let textLimit = 16_384

  /// Puts in what a value's substitutions stand for.
  ///
  /// - Parameters:
  ///   - text: the value.
  ///   - joinsBlanks: whether blanks in what is put in become `_`, as in links.
  /// - Returns: the text, and why it is not known where that is so.
  func formatted(_ text: String, joinsBlanks: Bool = false) -> (text: String, unknown: String?) {
    let bytes = Array(text.utf8)
    guard bytes.contains(where: { $0 == UInt8(ascii: "$") || $0 == UInt8(ascii: "%") }) else {
      return (text, nil)
    }
    var result: [UInt8] = []
    var unknown: String?
    var at = 0
    while at < bytes.count, result.count < Self.textLimit {
      let byte = bytes[at]
      guard byte == UInt8(ascii: "$") || byte == UInt8(ascii: "%") else {
        result.append(byte)
        at += 1
        continue
      }
      if at + 1 < bytes.count, bytes[at + 1] == byte {
        result.append(byte)
        at += 2
        continue
      }
      guard let reading = UdevSubstitution.read(bytes[at...]) else {
        result.append(byte)
        at += 1
        continue
      }
      if reading.isUnclosed { break }
      at += reading.length
      guard var value = value(of: reading.kind, reading.braces) else {
        unknown = "the result of a program is not known"
        continue
      }
      if joinsBlanks { value = UdevText.replacingWhitespace(value) }
      result += value.utf8.prefix(Self.textLimit)
    }
    return (String(decoding: result.prefix(Self.textLimit), as: UTF8.self), unknown)
  }

  /// What a substitution stands for; nil where only a program knows.
  private func value(of kind: UdevSubstitution, _ braces: String?) -> String? {
    switch kind {
    case .node, .temporaryNode: return device.node ?? ""
    case .attribute, .oldAttribute: return attributeText(braces ?? "")
    case .environment: return outcome.properties[braces ?? ""]?.value ?? ""
    case .kernel: return device.name
    case .number:
      let digits = device.name.utf8.reversed().prefix { (0x30...0x39).contains($0) }.reversed()
      return String(decoding: Array(digits), as: UTF8.self)
    case .driver: return parent?.driver ?? ""
    case .devpath: return device.devpath
    case .id: return parent?.name ?? ""
    case .major: return String(device.number?.major ?? 0)
    case .minor: return String(device.number?.minor ?? 0)
    case .result: return isResultKnown ? "" : nil
    case .parent: return device.parents.first?.node.map(Self.withoutDev) ?? ""
    case .name: return name ?? device.node.map(Self.withoutDev) ?? device.name
    case .links: return outcome.symlinks.map(\.value).joined(separator: " ")
    case .root: return "/dev"
    case .sys: return "/sys"
    }
  }

  private static func withoutDev(_ node: String) -> String {
    node.hasPrefix("/dev/") ? String(node.dropFirst(5)) : node
  }

  /// An attribute of the device, else of the parent that the rule has matched.
  private func attributeText(_ name: String) -> String {
    let text = device.attributes[name] ?? parent?.attributes[name] ?? ""
    return UdevText.replacingCharacters(UdevText.trimmedAtEnd(Self.page(text)), allowing: "/ $%?,")
  }
}
