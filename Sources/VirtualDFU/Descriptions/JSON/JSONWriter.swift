/// Writes JSON for people: what fits on a line and is no section stands on one.
enum JSONWriter {
  private static let width = 96

  /// A value as a text, with a line end behind it.
  static func text(_ value: JSONValue) -> String { lines(value, depth: 0, behind: 0) + "\n" }

  // `used`: the columns of what stands before it on its line, behind the indent.
  private static func lines(_ value: JSONValue, depth: Int, behind used: Int) -> String {
    let flat = flat(value)
    let indent = String(repeating: "  ", count: depth)
    // A comma may follow.
    if depth >= 2, indent.utf8.count + used + flat.utf8.count + 1 <= width { return flat }
    let inner = indent + "  "
    switch value.content {
    case .object(let members) where !members.isEmpty:
      let parts = members.map {
        let name = quoted($0.name) + ": "
        return inner + name + lines($0.value, depth: depth + 1, behind: name.utf8.count)
      }
      return "{\n\(parts.joined(separator: ",\n"))\n\(indent)}"
    case .array(let values) where !values.isEmpty:
      let parts = values.map { inner + lines($0, depth: depth + 1, behind: 0) }
      return "[\n\(parts.joined(separator: ",\n"))\n\(indent)]"
    default: return flat
    }
  }

  private static func flat(_ value: JSONValue) -> String {
    switch value.content {
    case .null: return "null"
    case .flag(let flag): return flag ? "true" : "false"
    case .number(let number): return number.text
    case .text(let text): return quoted(text)
    case .array(let values):
      return "[\(values.map(flat).joined(separator: ", "))]"
    case .object(let members):
      guard !members.isEmpty else { return "{}" }
      let parts = members.map { "\(quoted($0.name)): \(flat($0.value))" }
      return "{ \(parts.joined(separator: ", ")) }"
    }
  }

  /// A text in quotes. Everything that has to be escaped is, and nothing else (RFC 8259, 7).
  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u00" + (digits.count == 1 ? "0" : "") + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}

extension JSONValue {
  /// A text, or null where there is none.
  static func text(_ text: String?) -> JSONValue { JSONValue(text.map { .text($0) } ?? .null) }

  static func flag(_ flag: Bool) -> JSONValue { JSONValue(.flag(flag)) }

  static func number(_ number: UInt64) -> JSONValue { JSONValue(.number(JSONNumber(number))) }

  static func array(_ values: [JSONValue]) -> JSONValue { JSONValue(.array(values)) }

  /// An object of these members, in this order.
  static func object(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
    JSONValue(.object(members.map { JSONMember($0.key, $0.value) }))
  }
}
