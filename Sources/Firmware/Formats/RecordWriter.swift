internal import USB

/// Writes records (Intel HEX, S-record) into text of a size that is known to be enough before the
/// first one is written.
struct RecordWriter: ~Copyable, ~Escapable {
  private var output: MutableRawSpan
  /// How many characters have been written.
  private(set) var used = 0
  private var sum: UInt64 = 0

  /// A writer to the beginning of `output`, which needs 8 characters more than will be written.
  @_lifetime(copy output)
  init(_ output: consuming MutableRawSpan) { self.output = output }

  /// Writes characters as they are, up to 8 of them, the first in the lowest byte.
  @inline(__always)
  mutating func write(characters: UInt64, count: Int) {
    output.storeBytes(of: characters.littleEndian, toByteOffset: used, as: UInt64.self)
    used &+= count
  }

  /// Writes up to 4 bytes as digits, the first in the lowest byte of `bytes`; the others are 0.
  @inline(__always)
  mutating func write(_ bytes: UInt32, count: Int) {
    let lanes = HexDigits.unpack(bytes)
    sum &+= lanes
    write(characters: HexDigits.encode(lanes), count: count &* 2)
  }

  /// Writes `count` bytes of `source` as digits.
  @inline(__always)
  mutating func write(_ source: RawSpan, from start: Int, count: Int) {
    var offset = start
    let end = start &+ count
    while offset &+ 4 <= end {
      write(
        UInt32(littleEndian: source.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)),
        count: 4)
      offset &+= 4
    }
    while offset < end {
      write(UInt32(source.character(at: offset)), count: 1)
      offset &+= 1
    }
  }

  /// Ends a record with the byte that makes its bytes add up to `residue`, and a line feed.
  @inline(__always)
  mutating func endRecord(residue: UInt8) {
    let checksum = residue &- HexDigits.total(sum)
    let digits = HexDigits.encode(UInt64(checksum)) & 0xFFFF
    write(characters: digits | 0x0A << 16, count: 3)
    sum = 0
  }

  /// Checks that every byte of `image`, and its entry point, has a 32-bit address.
  static func check(_ image: FirmwareImage, format: FirmwareFormat) throws(FirmwareError) {
    if let end = image.range?.upperBound, end > 1 << 32 {
      throw FirmwareError(
        .addressOverflow, format: format,
        sentence: "The image reaches to \(addressText(end - 1)), and \(format.name) has 32-bit "
          + "addresses.")
    }
    if let entryPoint = image.entryPoint, entryPoint >= 1 << 32 {
      throw FirmwareError(
        .addressOverflow, format: format,
        sentence: "The entry point \(addressText(entryPoint)) has more than 32 bits, and "
          + "\(format.name) has no room for it.")
    }
  }
}
