public import USB

/// What a device says of itself, in a file: raw, as digits, or as one of the programs prints it that show
/// descriptors. Files are recognised by what is in them.
public enum DescriptorDump {
  /// How the descriptors are written.
  public enum Format: String, Hashable, Sendable {
    /// Byte by byte, as in `/sys/bus/usb/devices/1-1/descriptors`.
    case raw
    /// In hexadecimal digits.
    case hexadecimal
    /// As `lsusb -v` prints them.
    case lsusb
    /// As USBView shows them.
    case usbView
    /// As USBTreeView reports them.
    case usbTreeView
  }

  /// More than any device says.
  public static let sizeLimit = 1 << 20

  /// Reads the descriptors in a file.
  ///
  /// Bytes that the file does not tell are unknown in the set (`DescriptorSet.unknown`), and never made up.
  ///
  /// Digits stand in pairs or longer even groups, `0x` and commas are passed over, `??` is a byte that nobody
  /// knows, and a `#` begins a comment; one that is the name of a document (`# binary object store`) says what the
  /// digits below it are. An offset in front of a line (`0010:`, or eight digits before pairs) and the text behind
  /// it are none of the bytes, as `xxd` and `hexdump -C` print them.
  ///
  /// - Parameters:
  ///   - content: the file.
  ///   - speed: the speed of the device; nil where only the file may tell it.
  /// - Returns: what the device says of itself, and how it was written.
  /// - Throws: ``DescriptorDumpError`` with the line.
  public static func read(
    _ content: [UInt8], speed: USBSpeed? = nil
  ) throws(DescriptorDumpError) -> (set: DescriptorSet, format: Format) {
    guard !content.isEmpty else { throw DescriptorDumpError(nil, "the file is empty") }
    guard content.count <= sizeLimit else {
      throw DescriptorDumpError(nil, "it has more than 1 MiB, which no device says of itself")
    }
    // A descriptor begins with its length and a small type; no text has such a second character.
    guard let lines = DumpLines.lines(of: content) else {
      return (DescriptorSet(parsing: content, speed: speed), .raw)
    }
    var (set, format) = try read(lines, speed)
    if let speed, set.speed != speed { set.speed = speed }
    guard !set.documents.isEmpty else {
      throw DescriptorDumpError(
        nil,
        format == .hexadecimal
          ? "there are no bytes in it" : "it has titles of descriptors, and no numbers below them")
    }
    return (set, format)
  }

  private static func read(
    _ lines: [Substring], _ speed: USBSpeed?
  ) throws(DescriptorDumpError) -> (set: DescriptorSet, format: Format) {
    if USBViewReader.isWritten(in: lines) { return (USBViewReader.read(lines), .usbView) }
    if USBTreeViewReader.isWritten(in: lines) {
      return (USBTreeViewReader.read(lines), .usbTreeView)
    }
    if LsusbReader.isWritten(in: lines) { return (LsusbReader.read(lines), .lsusb) }
    var reader = DigitReader()
    for (index, line) in lines.enumerated() { try reader.read(line, number: index + 1) }
    return (reader.set(speed), .hexadecimal)
  }
}

/// Digits, document by document.
private struct DigitReader {
  private var documents: [DescriptorSet.Document: [UInt8?]] = [:]
  private var document = DescriptorSet.Document.descriptors

  func set(_ speed: USBSpeed?) -> DescriptorSet {
    DescriptorSet(documents: documents, speed: speed)
  }

  mutating func read(_ line: Substring, number: Int) throws(DescriptorDumpError) {
    var text = line.prefix { $0 != "#" && $0 != "|" }
    if text.trimmed.isEmpty,
      let named = DescriptorSet.Document(name: line.dropFirst(text.count + 1).trimmed)
    {
      document = named
      return
    }
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
      guard digits.count.isMultiple(of: 2), !digits.isEmpty else { throw noPair(word, number) }
      var rest = digits[...]
      while !rest.isEmpty {
        guard let byte = DumpNumber.pair(rest.prefix(2)) else { throw noPair(word, number) }
        documents[document, default: []].append(byte)
        rest = rest.dropFirst(2)
      }
    }
  }

  private func noPair(_ word: Substring, _ number: Int) -> DescriptorDumpError {
    DescriptorDumpError(
      number, "“\(word.prefix(20))” is no pair of hexadecimal digits, and no row of them")
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
    "What can be read: the file `descriptors` of a device in /sys/bus/usb/devices, its bytes in hexadecimal digits, "
      + "and the texts of `lsusb -v`, USBView and USBTreeView."
  }
}
