/// A cursor over borrowed bytes, for everything that comes from outside.
///
/// Every read checks its length first and throws ``ParseError`` with the offset and the field, so a
/// parser built from it cannot trap. Numbers are little-endian unless the name says otherwise.
public struct ByteReader: ~Escapable {
  private let bytes: RawSpan
  /// The offset of the next byte, counted from the start of the whole document.
  public private(set) var offset: Int
  private let origin: Int

  /// A reader at the first byte of `bytes`.
  ///
  /// - Parameters:
  ///   - bytes: the bytes to read.
  ///   - origin: the offset of the first byte in the document that errors speak of.
  @_lifetime(copy bytes)
  public init(_ bytes: RawSpan, origin: Int = 0) {
    self.bytes = bytes
    self.offset = origin
    self.origin = origin
  }

  /// How many bytes are left.
  public var remaining: Int { bytes.byteCount - (offset - origin) }

  /// Whether every byte has been read.
  public var isAtEnd: Bool { remaining == 0 }

  /// Reads one byte.
  public mutating func readByte(_ field: StaticString) throws(ParseError) -> UInt8 {
    try require(1, field)
    defer { offset += 1 }
    return bytes.unsafeLoadUnaligned(fromByteOffset: offset - origin, as: UInt8.self)
  }

  /// Reads a 16-bit number, least significant byte first.
  public mutating func readUInt16(_ field: StaticString) throws(ParseError) -> UInt16 {
    try require(2, field)
    defer { offset += 2 }
    return UInt16(
      littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset - origin, as: UInt16.self))
  }

  /// Reads a 24-bit number, least significant byte first.
  public mutating func readUInt24(_ field: StaticString) throws(ParseError) -> UInt32 {
    let low = try readUInt16(field)
    let high = try readByte(field)
    return UInt32(low) | UInt32(high) << 16
  }

  /// Reads a 32-bit number, least significant byte first.
  public mutating func readUInt32(_ field: StaticString) throws(ParseError) -> UInt32 {
    try require(4, field)
    defer { offset += 4 }
    return UInt32(
      littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset - origin, as: UInt32.self))
  }

  /// Reads `count` bytes into an array of their own.
  public mutating func readBytes(_ count: Int, _ field: StaticString) throws(ParseError) -> [UInt8]
  {
    try require(count, field)
    let start = offset - origin
    offset += count
    return bytes.extracting(start..<start + count).withUnsafeBytes { Array($0) }
  }

  /// Reads all bytes that are left.
  public mutating func readRest() -> [UInt8] {
    let start = offset - origin
    offset = origin + bytes.byteCount
    return bytes.extracting(start..<bytes.byteCount).withUnsafeBytes { Array($0) }
  }

  /// Passes over `count` bytes.
  public mutating func skip(_ count: Int, _ field: StaticString) throws(ParseError) {
    try require(count, field)
    offset += count
  }

  /// The next byte, without moving; nil at the end.
  public func peek(ahead: Int = 0) -> UInt8? {
    guard ahead >= 0, ahead < remaining else { return nil }
    return bytes.unsafeLoadUnaligned(fromByteOffset: offset - origin + ahead, as: UInt8.self)
  }

  private func require(_ count: Int, _ field: StaticString) throws(ParseError) {
    guard count >= 0, count <= remaining else {
      throw ParseError(
        .truncated(needed: count, available: remaining), field: "\(field)", offset: offset)
    }
  }
}
