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

  /// Bytes apart, as one reads short answers; long data in groups of sixteen, and what is the same for
  /// long, as blank memory is, as one byte with a count.
  static func append(hex bytes: [UInt8], to text: inout [UInt8]) {
    let group = bytes.count <= 32 ? 1 : 16
    text.reserveCapacity(text.count + 3 * bytes.count + 64)
    var index = 0
    var place = 0
    while index < bytes.count {
      let run = run(in: bytes, from: index)
      if run > 32 {
        append(bytes[index], isFirst: true, to: &text)
        text += "*\(run)".utf8
        index += run
        place = 0
        continue
      }
      for byte in bytes[index..<index + run] {
        append(byte, isFirst: place == 0, to: &text)
        place = (place + 1) % group
      }
      index += run
    }
  }

  private static func append(_ byte: UInt8, isFirst: Bool, to text: inout [UInt8]) {
    if isFirst { text.append(UInt8(ascii: " ")) }
    text.append(digits[Int(byte >> 4)])
    text.append(digits[Int(byte & 0xF)])
  }

  /// How many bytes from `index` on are the same.
  private static func run(in bytes: [UInt8], from index: Int) -> Int {
    var end = index + 1
    while end < bytes.count, bytes[end] == bytes[index] { end += 1 }
    return end - index
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
