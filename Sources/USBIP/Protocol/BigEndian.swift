internal import USB

/// Writes the numbers of USB/IP, most significant byte first.
struct BigEndianBytes {
  private(set) var bytes: [UInt8] = []

  init(reserving capacity: Int = 48) { bytes.reserveCapacity(capacity) }

  mutating func append<Number: FixedWidthInteger>(_ number: Number) {
    withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func append(_ more: [UInt8]) { bytes.append(contentsOf: more) }

  mutating func appendZeros(_ count: Int) {
    bytes.append(contentsOf: repeatElement(0, count: count))
  }

  /// A text in a field of a fixed length, cut so that a NUL follows.
  static func padded(_ text: String, to length: Int) -> [UInt8] {
    let bytes = Array(text.utf8.prefix(length - 1))
    return bytes + Array(repeating: 0, count: length - bytes.count)
  }
}

extension ByteReader {
  /// Reads a 16-bit number, most significant byte first.
  mutating func readBigUInt16(_ field: StaticString) throws(ParseError) -> UInt16 {
    UInt16(try readUInt16(field)).byteSwapped
  }

  /// Reads a 32-bit number, most significant byte first.
  mutating func readBigUInt32(_ field: StaticString) throws(ParseError) -> UInt32 {
    UInt32(try readUInt32(field)).byteSwapped
  }
}
