internal import USB

/// How single things are written in a recording.
enum RecordingNotation {
  static let magic = "dfu-recording"

  private static let digits = Array("0123456789abcdef".utf8)

  /// Seconds with nine decimals: every nanosecond, and columns that stand below each other.
  static func append(time nanoseconds: Int64, to text: inout [UInt8]) {
    let fraction = String(nanoseconds % 1_000_000_000)
    text += String(nanoseconds / 1_000_000_000).utf8
    text.append(UInt8(ascii: "."))
    for _ in fraction.utf8.count..<9 { text.append(UInt8(ascii: "0")) }
    text += fraction.utf8
  }

  /// Bytes apart, as one reads short answers; long data in groups of sixteen.
  static func append(hex bytes: [UInt8], to text: inout [UInt8]) {
    let group = bytes.count <= 32 ? 1 : 16
    text.reserveCapacity(text.count + 3 * bytes.count + 64)
    for (index, byte) in bytes.enumerated() {
      if index.isMultiple(of: group) { text.append(UInt8(ascii: " ")) }
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 0xF)])
    }
  }

  /// A text in quotation marks; what a terminal would not show as itself is escaped.
  static func append(quoted string: String, to text: inout [UInt8]) {
    text.append(UInt8(ascii: "\""))
    for scalar in string.unicodeScalars.prefix(Recording.maximumTextLength) {
      switch scalar {
      case "\"", "\\":
        text.append(UInt8(ascii: "\\"))
        text += String(scalar).utf8
      case _ where isPlain(scalar):
        text += String(scalar).utf8
      default:
        text += "\\u{\(String(scalar.value, radix: 16))}".utf8
      }
    }
    text.append(UInt8(ascii: "\""))
  }

  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator:
      false
    case .spaceSeparator: scalar == " "
    default: true
    }
  }
}
