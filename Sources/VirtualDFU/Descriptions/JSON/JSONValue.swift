/// A place in a text, as an editor shows it.
public struct TextPlace: Hashable, Sendable, Comparable {
  /// The line, from 1. Lines end with LF, CR or both.
  public var line: Int
  /// The character in the line, from 1, counted in Unicode scalars; a tab is one.
  public var column: Int

  /// A place.
  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  /// The first character of a text.
  public static let start = TextPlace(line: 1, column: 1)

  /// Whether the left one comes first.
  public static func < (left: Self, right: Self) -> Bool {
    (left.line, left.column) < (right.line, right.column)
  }
}

/// A value of a JSON text (RFC 8259), with the place of its first character.
struct JSONValue: Hashable, Sendable {
  enum Content: Hashable, Sendable {
    case null
    case flag(Bool)
    case number(JSONNumber)
    case text(String)
    case array([JSONValue])
    /// In the order of the text; no two have one name.
    case object([JSONMember])
  }

  var content: Content
  var place: TextPlace

  init(_ content: Content, at place: TextPlace = .start) {
    self.content = content
    self.place = place
  }

  /// What kind of value it is, in words.
  var kindInWords: String {
    switch content {
    case .null: "null"
    case .flag(let flag): "\(flag)"
    case .number: "a number"
    case .text: "a text"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

/// A name and its value in an object.
struct JSONMember: Hashable, Sendable {
  var name: String
  var namePlace: TextPlace
  var value: JSONValue

  init(_ name: String, _ value: JSONValue, at place: TextPlace = .start) {
    self.name = name
    self.namePlace = place
    self.value = value
  }
}

/// A number as it stands in the text: digits and a power of ten. Nothing is rounded.
struct JSONNumber: Hashable, Sendable {
  /// As it was written.
  var text: String
  var isNegative = false
  /// All its digits as one number; nil where they need more than 64 bits.
  var digits: UInt64? = 0
  /// The power of ten that the digits are multiplied with.
  var exponent = 0

  /// A number that is not negative.
  init(_ value: UInt64) {
    text = "\(value)"
    digits = value
  }

  init(text: String, isNegative: Bool, digits: UInt64?, exponent: Int) {
    self.text = text
    self.isNegative = isNegative
    self.digits = digits
    self.exponent = exponent
  }

  /// The number where it is whole, not negative, and has at most 64 bits: `4096`, `4.096e3`.
  var integer: UInt64? {
    guard var value = digits else { return nil }
    guard value != 0 else { return 0 }
    guard !isNegative, (-19...19).contains(exponent) else { return nil }
    for _ in 0..<abs(exponent) {
      if exponent > 0 {
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        guard !overflow else { return nil }
        value = product
      } else {
        guard value.isMultiple(of: 10) else { return nil }
        value /= 10
      }
    }
    return value
  }
}
