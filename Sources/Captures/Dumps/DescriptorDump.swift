public import USB

/// Descriptors in a file: raw, as sysfs has them, or as hexadecimal digits that somebody has written down.
public enum DescriptorDump {
  /// How the bytes are written.
  public enum Format: String, Hashable, Sendable {
    /// Byte by byte, as in `/sys/bus/usb/devices/1-1/descriptors`.
    case raw
    /// In hexadecimal digits.
    case hexadecimal
  }

  /// More than any device says.
  public static let sizeLimit = 1 << 20

  /// Reads the descriptors in a file.
  ///
  /// Digits stand in pairs or longer even groups, `0x` and commas are passed over, a `#` begins a comment, and an
  /// offset in front of a line (`0010:`, or eight digits before pairs) and the text behind it are none of the
  /// bytes, as `xxd` and `hexdump -C` print them.
  ///
  /// - Parameter content: the file.
  /// - Returns: the bytes, and how they were written.
  /// - Throws: ``DescriptorDumpError`` with the line.
  public static func bytes(
    of content: [UInt8]
  ) throws(DescriptorDumpError) -> (bytes: [UInt8], format: Format) {
    guard !content.isEmpty else { throw DescriptorDumpError(nil, "the file is empty") }
    guard content.count <= sizeLimit else {
      throw DescriptorDumpError(nil, "it has more than 1 MiB, which no device says of itself")
    }
    // A descriptor begins with its length and a small type; no text has such a second character.
    let isText = content.allSatisfy { (0x20...0x7E).contains($0) || (0x09...0x0D).contains($0) }
    guard isText else { return (content, .raw) }
    var bytes: [UInt8] = []
    let lines = content.split(omittingEmptySubsequences: false) { $0 == 0x0A }
    for (index, line) in lines.enumerated() {
      try append(String(decoding: line, as: UTF8.self), number: index + 1, to: &bytes)
    }
    guard !bytes.isEmpty else { throw DescriptorDumpError(nil, "there are no bytes in it") }
    return (bytes, .hexadecimal)
  }

  private static func append(
    _ line: String, number: Int, to bytes: inout [UInt8]
  ) throws(DescriptorDumpError) {
    var text = line.prefix { $0 != "#" && $0 != "|" }
    if let colon = text.firstIndex(of: ":") {
      guard text[..<colon].allSatisfy({ $0.isHexDigit || $0 == " " }) else {
        throw DescriptorDumpError(
          number, "“\(text.prefix(20))” is neither an offset nor hexadecimal digits")
      }
      text = text[text.index(after: colon)...]
      // What xxd writes behind two blanks is the same as text.
      let body = text.drop { $0 == " " }
      if let gap = body.firstRange(of: "  ") { text = body[..<gap.lowerBound] } else { text = body }
    }
    var words = text.split { $0.isWhitespace || $0 == "," }
    // The offset of `hexdump -C`: the one long word before pairs.
    if words.count > 1, words[0].count == 8, words[1].count == 2 { words.removeFirst() }
    for word in words {
      let digits = word.lowercased().hasPrefix("0x") ? word.dropFirst(2) : word
      guard digits.count.isMultiple(of: 2), !digits.isEmpty, digits.allSatisfy(\.isHexDigit) else {
        throw DescriptorDumpError(
          number, "“\(word.prefix(20))” is no pair of hexadecimal digits, and no row of them")
      }
      var rest = digits[...]
      while !rest.isEmpty {
        if let byte = UInt8(rest.prefix(2), radix: 16) { bytes.append(byte) }
        rest = rest.dropFirst(2)
      }
    }
  }
}

/// A file that has no descriptors in it.
public struct DescriptorDumpError: ExplainedError, Hashable {
  /// The line, from 1; nil where it is about all of it.
  public var line: Int?
  /// What is wrong, as a part of a sentence.
  public var reason: String

  init(_ line: Int?, _ reason: String) {
    self.line = line
    self.reason = reason
  }

  /// `descriptor-dump`.
  public var slug: String { "descriptor-dump" }

  /// What is wrong.
  public var sentence: String {
    "There are no descriptors in the file: \(line.map { "in line \($0), " } ?? "")\(reason)."
  }

  /// What can be read.
  public var help: String? {
    "What can be read: the file `descriptors` of a device in /sys/bus/usb/devices, or its bytes in hexadecimal "
      + "digits."
  }
}
