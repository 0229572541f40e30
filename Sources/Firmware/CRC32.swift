/// The CRC-32 of DFU suffixes: reflected, polynomial 0xEDB88320, first value 0xFFFFFFFF.
///
/// DFU 1.1 appendix B takes the register as it is (known as JAMCRC); zlib inverts it at the end.
public struct CRC32: Hashable, Sendable {
  /// The register: the checksum as DFU files hold it.
  public private(set) var value: UInt32 = 0xFFFF_FFFF

  /// The checksum of no bytes.
  public init() {}

  /// The checksum as zlib, PNG and Ethernet give it.
  public var inverted: UInt32 { ~value }

  /// Takes in more bytes.
  public mutating func update(_ bytes: [UInt8]) { update(bytes[...]) }

  /// Takes in more bytes.
  public mutating func update(_ bytes: ArraySlice<UInt8>) {
    var register = value
    let span = bytes.span.bytes
    let table = Self.table.span
    var offset = 0
    let end = span.byteCount
    while end - offset >= 8 {
      let word = UInt64(
        littleEndian: span.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
      let mixed = word ^ UInt64(register)
      var next: UInt32 = 0
      next ^= table[7 << 8 | Int(truncatingIfNeeded: mixed & 0xFF)]
      next ^= table[6 << 8 | Int(truncatingIfNeeded: mixed >> 8 & 0xFF)]
      next ^= table[5 << 8 | Int(truncatingIfNeeded: mixed >> 16 & 0xFF)]
      next ^= table[4 << 8 | Int(truncatingIfNeeded: mixed >> 24 & 0xFF)]
      next ^= table[3 << 8 | Int(truncatingIfNeeded: mixed >> 32 & 0xFF)]
      next ^= table[2 << 8 | Int(truncatingIfNeeded: mixed >> 40 & 0xFF)]
      next ^= table[1 << 8 | Int(truncatingIfNeeded: mixed >> 48 & 0xFF)]
      next ^= table[Int(truncatingIfNeeded: mixed >> 56)]
      register = next
      offset += 8
    }
    while offset < end {
      let byte = span.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
      register = table[Int((register ^ UInt32(byte)) & 0xFF)] ^ register >> 8
      offset += 1
    }
    value = register
  }

  /// The checksum of `bytes` as DFU files hold it.
  public static func of(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var crc = CRC32()
    crc.update(bytes)
    return crc.value
  }

  // Row k holds the effect of a byte that k further bytes follow, so that eight go in one step.
  private static let table: [UInt32] = {
    var table = [UInt32](repeating: 0, count: 8 * 256)
    for index in 0..<256 {
      var register = UInt32(index)
      for _ in 0..<8 { register = register >> 1 ^ (register & 1 == 1 ? 0xEDB8_8320 : 0) }
      table[index] = register
    }
    for index in 256..<2048 {
      let previous = table[index - 256]
      table[index] = table[Int(previous & 0xFF)] ^ previous >> 8
    }
    return table
  }()
}
