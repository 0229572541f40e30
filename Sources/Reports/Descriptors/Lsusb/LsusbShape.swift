internal import USB

/// How `lsusb -v` shows a kind of descriptor.
struct LsusbShape: Sendable {
  /// The line above its fields; empty for one whose fields stand with those of the descriptor before.
  var title: String
  /// How far the title is indented; nil for a descriptor of a class, which stands with its interface or endpoint.
  var indent: Int?
  /// Where numbers end, counted from the label's first column.
  var end = 25
  /// How the number of a repeated field is written.
  var index: LsusbIndex?
  /// The fields that differ from what their kinds say.
  var fields: [String: LsusbField] = [:]
  /// Whether length and type are left away.
  var hidesHead = false

  func rule(for name: String) -> LsusbField {
    if let own = fields[name] { return own }
    if hidesHead, ["bLength", "bDescriptorType", "bDescriptorSubtype"].contains(name) {
      return .hidden
    }
    return LsusbShapes.usual[name] ?? LsusbField()
  }
}

/// How the number of a repeated field is written.
enum LsusbIndex: Sendable {
  case round, roundWide, squareWide, square

  func text(_ number: Int) -> String {
    let wide = number < 10 ? " \(number)" : "\(number)"
    return switch self {
    case .round: "(\(number))"
    case .roundWide: "(\(wide))"
    case .square: "[\(number)]"
    case .squareWide: "[\(wide)]"
    }
  }
}

/// How one field is shown.
struct LsusbField: Sendable {
  /// How a number is written.
  enum Form: Hashable, Sendable {
    case automatic
    case decimal
    case hexadecimal(Int)
    case bare(Int)
    case bytes
    case pairs
    /// The bytes in their order behind one `0x`, as `lsusb` writes country codes.
    case inOrder
    case times(UInt64)
    case power
    case clock
  }

  /// Its name, where `lsusb` has another one.
  var label: String?
  var form = Form.automatic
  /// What is written in place of some numbers.
  var instead: [UInt64: String] = [:]
  /// What stands right behind the number.
  var unit = ""
  /// Where its number ends.
  var end: Int?
  var index: LsusbIndex?
  var isHidden = false
  /// Whether all of a group stand on one line.
  var joins = false
  /// Bytes that are shown in parts: of a size, or of the size that another field says.
  var split: (size: Int, counter: String?)?
  /// What is written in place of the name, with the number in brackets behind it.
  var title: (@Sendable (UInt64) -> String?)?
  /// What the number says.
  var words: (@Sendable (LsusbContext) -> LsusbWords)?

  static let hidden = LsusbField(isHidden: true)

  /// The number of a field of bytes, as far as it fits.
  func wide(_ field: DecodedField) -> UInt64? {
    guard field.unknown.isEmpty, (1...8).contains(field.bytes.count) else { return nil }
    return field.bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}

/// What stands around a number.
struct LsusbContext {
  var number: UInt64
  var field: DecodedField
  var fields: [DecodedField]
  var speed: USBSpeed?
  var node: DescriptorTree.Node
  var tree: DescriptorTree

  /// Another field of the descriptor.
  func number(of name: String) -> UInt64? { fields.first { $0.name == name }?.number }

  /// The byte that stands some places behind the field.
  func byte(behind distance: Int) -> UInt8? {
    let at = field.offset + distance
    guard at < node.length, !tree.unknown.contains(node.offset + at) else { return nil }
    return tree.bytes[node.offset + at]
  }
}

/// What a number says: behind it, in lines below it, and in lines beside it.
struct LsusbWords {
  var behind = ""
  var below: [String] = []
  var beside: [String] = []

  /// A name for each number.
  static func names(
    _ names: [UInt64: String], otherwise: String = ""
  ) -> @Sendable (LsusbContext) -> LsusbWords {
    { context in LsusbWords(behind: " " + (names[context.number] ?? otherwise)) }
  }

  /// A line for each bit that is set.
  static func bits(_ bits: [(UInt64, String)]) -> @Sendable (LsusbContext) -> LsusbWords {
    { context in
      LsusbWords(below: bits.filter { context.number & $0.0 == $0.0 }.map(\.1))
    }
  }

  /// A line for each bit that is set, from the lowest.
  static func bits(_ names: [String]) -> @Sendable (LsusbContext) -> LsusbWords {
    { context in
      LsusbWords(
        below: names.indices.filter { $0 < 64 && context.number >> UInt64($0) & 1 == 1 }
          .map { names[$0] }.filter { !$0.isEmpty })
    }
  }

  /// Two bits for each control, as audio 2.0 has them.
  static func controls(_ names: [String]) -> @Sendable (LsusbContext) -> LsusbWords {
    { context in
      let kinds = ["", "read-only", "ILLEGAL VALUE (0b10)", "read/write"]
      return LsusbWords(
        below: names.enumerated().compactMap { index, name in
          let kind = Int(context.number >> UInt64(index * 2) & 3)
          return kind == 0 ? nil : "\(name) Control (\(kinds[kind]))"
        })
    }
  }
}
