/// A string descriptor (USB 2.0, 9.6.7): UTF-16, least significant byte first, no terminator.
public struct StringDescriptor: Hashable, Sendable {
  /// The text; unpaired surrogates have become U+FFFD.
  public var text: String
  /// Whether the bytes were not UTF-16 and were read as UTF-8 instead.
  public var isRepaired: Bool

  /// A descriptor of `text`.
  public init(_ text: String) {
    self.text = text
    self.isRepaired = false
  }

  /// Reads a string descriptor.
  ///
  /// Accepts what real devices send: a `bLength` larger than what came (the text ends there), and
  /// an odd number of bytes (read as UTF-8).
  ///
  /// - Parameters:
  ///   - reader: a cursor at `bLength`.
  ///   - singleBytes: read the text as UTF-8 whatever its length; a quirk of GD32VF103.
  /// - Throws: ``ParseError`` where there is no string descriptor.
  public init(parsing reader: inout ByteReader, singleBytes: Bool = false) throws(ParseError) {
    let start = reader.offset
    let length = try reader.readByte("bLength")
    guard length >= 2 else {
      throw ParseError(
        .invalid(value: "\(length)", rule: "a string descriptor has at least 2 bytes (9.6.7)"),
        field: "bLength", offset: start)
    }
    let type = try reader.readByte("bDescriptorType")
    guard type == DescriptorType.string.rawValue else {
      throw ParseError(
        .invalid(value: "0x\(hex(type))", rule: "a string descriptor has type 0x03"),
        field: "bDescriptorType", offset: start + 1)
    }
    var bytes = try reader.readBytes(min(Int(length) - 2, reader.remaining), "bString")
    let isOdd = !bytes.count.isMultiple(of: 2)
    isRepaired = singleBytes || isOdd
    // A string that was cut in the middle of a unit shows the zeros of its other units.
    let isCutUTF16 =
      isOdd && bytes.count > 1
      && stride(from: 1, to: bytes.count, by: 2).allSatisfy { bytes[$0] == 0 }
    if isCutUTF16, !singleBytes {
      bytes.removeLast()
    }
    if singleBytes || isOdd && !isCutUTF16 {
      text = String(decoding: bytes, as: UTF8.self)
    } else {
      let units = stride(from: 0, to: bytes.count - 1, by: 2).map {
        UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8
      }
      text = String(decoding: units, as: UTF16.self)
    }
  }

  /// The bytes as a device sends them; the text is cut at 126 UTF-16 units, the most that fit.
  public var bytes: [UInt8] {
    let units = Array(text.utf16.prefix(126))
    return [UInt8(2 + 2 * units.count), DescriptorType.string.rawValue]
      + units.flatMap(\.littleEndianBytes)
  }
}
