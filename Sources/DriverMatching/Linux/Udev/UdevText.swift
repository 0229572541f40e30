/// What udev does to texts before they become names and properties (systemd 252, `src/shared/udev-util.c`).
enum UdevText {
  /// Letters, digits and signs that may stand in a name below `/dev`.
  private static func isPlain(_ byte: UInt8, _ allowed: [UInt8]) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      || "#+-.:=@_".utf8.contains(byte) || allowed.contains(byte)
  }

  /// Replaces bytes that are not for names by `_`; `\xNN` and letters of UTF-8 stay (`udev_replace_chars`).
  static func replacingCharacters(_ text: String, allowing allowed: String = "") -> String {
    let allowed = Array(allowed.utf8)
    var result: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if isPlain(byte, allowed) {
        result.append(byte)
      } else if byte == UInt8(ascii: "\\"), rest.first == UInt8(ascii: "x") {
        result.append(byte)
      } else if byte >= 0x80 {
        // The text is valid UTF-8: Swift has seen to that.
        result.append(byte)
      } else if isSpace(byte), allowed.contains(0x20) {
        result.append(0x20)
      } else {
        result.append(UInt8(ascii: "_"))
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Takes blanks off both ends, and makes one `_` of those between (`udev_replace_whitespace`).
  static func replacingWhitespace(_ text: String, limit: Int = .max) -> String {
    var bytes = Array(text.utf8.prefix(limit))
    // What is left of a letter that is cut in two is no UTF-8, and becomes `_` byte by byte.
    if bytes.count < text.utf8.count,
      let end = text.utf8.index(
        text.utf8.startIndex, offsetBy: limit, limitedBy: text.utf8.endIndex)
    {
      var whole = end
      while whole > text.utf8.startIndex, whole.samePosition(in: text.unicodeScalars) == nil {
        whole = text.utf8.index(before: whole)
      }
      let left = text.utf8.distance(from: whole, to: end)
      bytes.replaceSubrange(
        (bytes.count - left)..., with: Array(repeating: UInt8(ascii: "_"), count: left))
    }
    let words = bytes.split(whereSeparator: isSpace)
    return words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "_")
  }

  /// Writes bytes that are not for names as `\xNN` (`encode_devnode_name`).
  static func encoded(_ text: String) -> String {
    var result: [UInt8] = []
    for byte in text.utf8 {
      if byte >= 0x80 || (byte != UInt8(ascii: "\\") && isPlain(byte, [])) {
        result.append(byte)
      } else {
        let digits = Array("0123456789abcdef".utf8)
        result += [0x5C, 0x78, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Takes blanks off the end.
  static func trimmedAtEnd(_ text: String) -> String {
    var bytes = Array(text.utf8)[...]
    while let last = bytes.last, isSpace(last) { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
