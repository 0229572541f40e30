extension Substring {
  /// Without the blanks around it.
  var trimmed: Substring {
    var text = trimmedStart
    while let last = text.last, last.isWhitespace { text = text.dropLast() }
    return text
  }

  var trimmedStart: Substring { drop(while: \.isWhitespace) }
}

/// The lines of a text that somebody has saved or pasted.
enum DumpLines {
  /// The lines, without what ends them; nil for bytes that are no text.
  ///
  /// A text is UTF-8, or UTF-16 that says so in its first two bytes, as programs for Windows save it.
  static func lines(of content: [UInt8]) -> [Substring]? {
    guard let text = text(of: content) else { return nil }
    return text.split(omittingEmptySubsequences: false) { $0.isNewline }
  }

  private static func text(of content: [UInt8]) -> String? {
    if content.starts(with: [0xFF, 0xFE]) {
      let units = stride(from: 2, to: content.count - 1, by: 2).map {
        UInt16(content[$0]) | UInt16(content[$0 + 1]) << 8
      }
      let text = String(decoding: units, as: UTF16.self)
      return text.unicodeScalars.allSatisfy(isPrintable) ? text : nil
    }
    let body = content.starts(with: [0xEF, 0xBB, 0xBF]) ? content.dropFirst(3) : content[...]
    // Text of an older code page has letters that are no UTF-8; no descriptor begins as a text does.
    guard !body.contains(where: { $0 < 0x20 && !(0x09...0x0D).contains($0) || $0 == 0x7F }) else {
      return nil
    }
    return String(decoding: body, as: UTF8.self)
  }

  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value >= 0x20 || (0x09...0x0D).contains(scalar.value)
  }
}
