/// How the bytes of one kind of descriptor are laid out, as data: the decoder, every rendering and the rules of
/// length read it from here.
///
/// A reference, so that thousands of descriptors name theirs without copying it.
public final class DescriptorLayout: Hashable, Sendable {
  /// What the specification calls it: `Configuration`, `CDC Union`.
  public let name: String
  /// Where it is specified: document and section.
  public let section: String
  /// What follows each other, from the first byte.
  public let items: [Item]
  /// How many bytes the least of these descriptors has: what is neither optional nor repeated.
  public let minimumLength: Int
  /// Every field of the items, groups opened: what a ``FieldPlace`` counts in.
  public var fields: [Field] { program.fields }
  /// The items in the form that is decoded.
  let program: LayoutProgram

  /// A field, or fields that are repeated.
  public indirect enum Item: Hashable, Sendable {
    /// One field.
    case field(Field)
    /// Fields that come together, as often as the repetition says.
    case group(Repetition, [Item])
  }

  /// One field.
  public struct Field: Hashable, Sendable {
    /// Its name, as the specification spells it.
    public var name: String
    /// How many bytes it has.
    public var size: Size
    /// What its number says.
    public var kind: FieldKind
    /// Whether a descriptor that ends before it is a whole one.
    public var isOptional: Bool
  }

  /// How many bytes a field has.
  public enum Size: Hashable, Sendable {
    /// Always as many.
    case fixed(Int)
    /// As many as an earlier field says.
    case counted(String)
    /// All that are left but so many, which later fields need.
    case rest(before: Int)
  }

  /// How often fields come.
  public enum Repetition: Hashable, Sendable {
    /// As often as an earlier field says, and so many times more.
    case counted(String, plus: Int = 0)
    /// As often as they fit.
    case rest
    /// Only where an earlier field has this value.
    case when(String, UInt64)
    /// Only where an earlier field has another value.
    case unless(String, UInt64)
  }

  /// A layout; `bLength` and `bDescriptorType` stand before the items.
  public convenience init(_ name: String, _ section: String, _ items: [Item]) {
    self.init(
      bare: name, section, [.byte("bLength"), .byte("bDescriptorType", .descriptorType)] + items)
  }

  /// A layout that has its own first bytes.
  public init(bare name: String, _ section: String, _ items: [Item]) {
    self.name = name
    self.section = section
    self.items = items
    minimumLength = Self.minimumLength(items)
    program = LayoutProgram(items)
  }

  /// Whether two say the same of the same descriptors.
  public static func == (left: DescriptorLayout, right: DescriptorLayout) -> Bool {
    left === right
      || left.name == right.name && left.section == right.section && left.items == right.items
  }

  /// Feeds what makes it out.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(section)
  }

  private static func minimumLength(_ items: [Item]) -> Int {
    items.reduce(0) { sum, item in
      guard case .field(let field) = item, case .fixed(let size) = field.size, !field.isOptional
      else { return sum }
      return sum + size
    }
  }
}

/// What the number in a field says.
public enum FieldKind: Hashable, Sendable {
  /// A number, no more.
  case number
  /// A number that is written in hexadecimal digits.
  case hexadecimal
  /// A version, binary-coded decimal.
  case version
  /// `idVendor`.
  case vendor
  /// `idProduct`.
  case product
  /// The index of a string descriptor; 0 is none.
  case string
  /// `bDescriptorType`.
  case descriptorType
  /// A class, its subclass, its protocol: what they say together is told at the first of them.
  case classCode
  /// A subclass.
  case subclassCode
  /// A protocol.
  case protocolCode
  /// An endpoint: bit 7 is the direction, bits 3 to 0 the number.
  case endpointAddress
  /// `bmAttributes` of an endpoint.
  case endpointAttributes
  /// `wMaxPacketSize`.
  case packetSize
  /// `bInterval` of an endpoint.
  case interval
  /// `bMaxPower` of a configuration: in 2 mA, or 8 mA on SuperSpeed.
  case maxPower
  /// `bMaxPacketSize0`; an exponent on SuperSpeed.
  case packetSize0
  /// So many of a unit.
  case scaled(Int, String)
  /// Bits that each say something.
  case flags([Flag])
  /// One of some values.
  case choice([UInt64: String])
  /// A GUID in the order of the wire: its first three parts least significant byte first.
  case guid
  /// Text of one byte a character, padded with zeros.
  case ascii
  /// Text in UTF-16, least significant byte first.
  case text
  /// Ports: bit 0 is the hub, bit n port n.
  case ports
  /// Bytes without a meaning here.
  case bytes
  /// Zeros, for later.
  case reserved

  /// Some bits of a field.
  public struct Flag: Hashable, Sendable {
    /// The lowest of them.
    public var lowBit: Int
    /// How many there are.
    public var width: Int
    /// What they are, where they are not 0.
    public var name: String
    /// What each value says, 0 too; a bit without values says its name when it is set.
    public var values: [UInt64: String]

    /// A bit that says something when it is set.
    public static func bit(_ bit: Int, _ name: String) -> Flag {
      Flag(lowBit: bit, width: 1, name: name, values: [:])
    }

    /// Bits that hold one of some values.
    public static func bits(
      _ bits: ClosedRange<Int>, _ name: String = "", _ values: [UInt64: String] = [:]
    ) -> Flag {
      Flag(lowBit: bits.lowerBound, width: bits.count, name: name, values: values)
    }

    /// What the bits of `number` hold.
    public func value(in number: UInt64) -> UInt64 {
      number >> UInt64(lowBit) & (1 << UInt64(width) - 1)
    }
  }
}

// The words in which the tables are written.
extension DescriptorLayout.Item {
  package static func byte(
    _ name: String, _ kind: FieldKind = .number, optional: Bool = false
  ) -> DescriptorLayout.Item {
    .field(.init(name: name, size: .fixed(1), kind: kind, isOptional: optional))
  }

  static func word(
    _ name: String, _ kind: FieldKind = .number, optional: Bool = false
  ) -> DescriptorLayout.Item {
    .field(.init(name: name, size: .fixed(2), kind: kind, isOptional: optional))
  }

  static func three(_ name: String, _ kind: FieldKind = .number) -> DescriptorLayout.Item {
    .field(.init(name: name, size: .fixed(3), kind: kind, isOptional: false))
  }

  static func double(
    _ name: String, _ kind: FieldKind = .number, optional: Bool = false
  ) -> DescriptorLayout.Item {
    .field(.init(name: name, size: .fixed(4), kind: kind, isOptional: optional))
  }

  static func fixed(
    _ name: String, _ size: Int, _ kind: FieldKind, optional: Bool = false
  ) -> DescriptorLayout.Item {
    .field(.init(name: name, size: .fixed(size), kind: kind, isOptional: optional))
  }

  static func counted(
    _ name: String, by counter: String, _ kind: FieldKind
  ) -> DescriptorLayout.Item {
    .field(.init(name: name, size: .counted(counter), kind: kind, isOptional: true))
  }

  package static func rest(
    _ name: String, _ kind: FieldKind = .bytes, before: Int = 0
  ) -> DescriptorLayout.Item {
    .field(.init(name: name, size: .rest(before: before), kind: kind, isOptional: true))
  }
}
