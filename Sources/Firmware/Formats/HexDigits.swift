/// Hexadecimal digits, eight at a time.
///
/// Eight characters are loaded as one little-endian word and become four *lanes* of 16 bits, each with
/// one byte in its low half. Lanes can be added to a checksum without unpacking them: 255 bytes of one
/// record cannot overflow 16 bits.
enum HexDigits {
  private static let ones: UInt64 = 0x0101_0101_0101_0101

  /// Decodes eight digits into four lanes; `faults` is not 0 where a character is not a digit.
  @inline(__always)
  static func decode(_ text: UInt64) -> (lanes: UInt64, faults: UInt64) {
    let high: UInt64 = 0x80 &* ones
    // The top bits are cleared first, so that no addition carries into the neighbour.
    let low = text & ~high
    let letters = low | 0x20 &* ones
    let isNumber = (low &+ (0x80 - 0x30) &* ones) & ~(low &+ (0x80 - 0x3A) &* ones)
    let isLetter = (letters &+ (0x80 - 0x61) &* ones) & ~(letters &+ (0x80 - 0x67) &* ones)
    let faults = (~(isNumber | isLetter) | text) & high
    // A letter has bit 6 set, and its low bits count from 1 instead of 10.
    let nibbles = (low & (0x0F &* ones)) &+ 9 &* (low >> 6 & ones)
    return ((nibbles << 4 | nibbles >> 8) & 0x00FF_00FF_00FF_00FF, faults)
  }

  /// The four bytes of `lanes`, the first in the lowest place.
  @inline(__always)
  static func pack(_ lanes: UInt64) -> UInt32 {
    let pairs = (lanes | lanes >> 8) & 0x0000_FFFF_0000_FFFF
    return UInt32(truncatingIfNeeded: pairs | pairs >> 16)
  }

  /// Four bytes, the first in the lowest place, as lanes.
  @inline(__always)
  static func unpack(_ bytes: UInt32) -> UInt64 {
    let wide = UInt64(bytes)
    let pairs = (wide | wide << 16) & 0x0000_FFFF_0000_FFFF
    return (pairs | pairs << 8) & 0x00FF_00FF_00FF_00FF
  }

  /// Eight upper-case digits for four lanes.
  @inline(__always)
  static func encode(_ lanes: UInt64) -> UInt64 {
    let nibbles = (lanes >> 4 & 0x000F_000F_000F_000F) | (lanes & 0x000F_000F_000F_000F) << 8
    let isLetter = (nibbles &+ 6 &* ones) >> 4 & ones
    return nibbles &+ 0x30 &* ones &+ 7 &* isLetter
  }

  /// The sum of the four lanes, of which only the low eight bits mean anything.
  @inline(__always)
  static func total(_ lanes: UInt64) -> UInt8 {
    let pairs = lanes &+ lanes >> 32
    return UInt8(truncatingIfNeeded: pairs &+ pairs >> 16)
  }

  /// The first `count` digits (0 to 8) of `text`, and `0` in place of the others.
  @inline(__always)
  static func first(_ count: Int, of text: UInt64) -> UInt64 {
    // All of them for 8, because a shift by the whole width gives 0.
    let kept = (1 as UInt64) << UInt64(count * 8) &- 1
    return text & kept | (0x30 &* ones) & ~kept
  }

  /// The value of one digit, or nil.
  static func value(_ character: UInt8) -> UInt8? {
    switch character {
    case 0x30...0x39: character - 0x30
    case 0x41...0x46: character - 0x41 + 10
    case 0x61...0x66: character - 0x61 + 10
    default: nil
    }
  }
}

extension RawSpan {
  /// Eight characters from `offset`; the caller has checked that they are there, and this does again.
  @inline(__always)
  func word(at offset: Int) -> UInt64 {
    UInt64(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// The character at `offset`.
  @inline(__always)
  func character(at offset: Int) -> UInt8 {
    unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
  }

  /// Decodes the digits of `count` bytes, up to 256, from `offset` into `output`, and adds the bytes to `sum`.
  ///
  /// Reads up to 8 characters and writes up to 3 bytes behind the last byte, which the caller has
  /// made room for.
  ///
  /// - Returns: whether every character was a digit.
  @inline(__always)
  func decodeHexDigits(
    from offset: Int, count: Int, into output: inout MutableRawSpan, at place: Int,
    sum: inout UInt64
  ) -> Bool {
    var offset = offset
    var place = place
    var remaining = count
    var faults: UInt64 = 0
    while remaining >= 4 {
      let group = HexDigits.decode(word(at: offset))
      faults |= group.faults
      sum &+= group.lanes
      output.storeBytes(
        of: HexDigits.pack(group.lanes).littleEndian, toByteOffset: place, as: UInt32.self)
      offset &+= 8
      place &+= 4
      remaining &-= 4
    }
    if remaining > 0 {
      let group = HexDigits.decode(HexDigits.first(remaining &* 2, of: word(at: offset)))
      faults |= group.faults
      sum &+= group.lanes
      output.storeBytes(
        of: HexDigits.pack(group.lanes).littleEndian, toByteOffset: place, as: UInt32.self)
    }
    return faults == 0
  }
}
