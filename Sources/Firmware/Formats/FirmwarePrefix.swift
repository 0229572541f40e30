internal import USB

/// A header in front of a plain DFU image, which the device's boot ROM wants to see.
public enum FirmwarePrefix: Hashable, Sendable {
  /// NXP LPC43xx, 16 bytes: `1a` or `da`, flags, length in 512-byte units rounded up with the prefix
  /// itself (2), eight bytes of a hash that is not used (00 or ff), `ff ff ff ff`. The first two
  /// bytes are 0x1A and 0x3F after masking with 0x3F; their upper bits are switches of the hash and
  /// of AES, which are kept as they are.
  case lpc(kind: UInt8 = 0x1A, flags: UInt8 = 0x3F, hash: UInt8 = 0)
  /// TI Stellaris and Tiva, 8 bytes: `01 00`, load address / 1024 (2), payload length (4).
  case stellaris(loadAddress: UInt32)

  /// The bytes of the prefix itself.
  public var length: Int {
    switch self {
    case .lpc: 16
    case .stellaris: 8
    }
  }

  /// The prefix in words, for a sentence.
  public var name: String {
    switch self {
    case .lpc: "NXP LPC"
    case .stellaris: "TI Stellaris"
    }
  }

  /// The prefix that `payload` begins with.
  ///
  /// - Parameter payload: a plain DFU image without its suffix.
  /// - Returns: the prefix, or nil when there is none. The length in an LPC prefix is not compared;
  ///   that of a TI prefix must equal the bytes that follow.
  public static func find(in payload: ArraySlice<UInt8>) -> FirmwarePrefix? {
    let start = payload.startIndex
    if payload.count >= 16, payload[start] & 0x3F == 0x1A, payload[start + 1] & 0x3F == 0x3F,
      [0, 0xFF].contains(payload[start + 4]),
      payload[start + 5..<start + 12].allSatisfy({ $0 == payload[start + 4] }),
      payload[start + 12..<start + 16].allSatisfy({ $0 == 0xFF })
    {
      return .lpc(
        kind: payload[start], flags: payload[start + 1], hash: payload[start + 4])
    }
    if payload.count >= 8, payload[start] == 0x01, payload[start + 1] == 0,
      Int(payload.littleEndian32(at: start + 4)) == payload.count - 8
    {
      return .stellaris(loadAddress: UInt32(payload.littleEndian16(at: start + 2)) << 10)
    }
    return nil
  }

  /// The length that an LPC prefix at the start of `payload` gives, in 512-byte units, and the right
  /// one.
  static func lpcUnits(in payload: ArraySlice<UInt8>) -> (stored: Int, actual: Int) {
    (Int(payload.littleEndian16(at: payload.startIndex + 2)), units(for: payload.count))
  }

  /// The bytes of this prefix for an image of `count` bytes.
  ///
  /// - Parameter count: the bytes of the image behind the prefix.
  /// - Returns: the prefix's bytes.
  /// - Throws: ``FirmwareError`` with the code `notRepresentable` where the length or the load
  ///   address does not fit its field.
  public func encoded(before count: Int) throws(FirmwareError) -> [UInt8] {
    var bytes: [UInt8] = []
    switch self {
    case .lpc(let kind, let flags, let hash):
      guard let units = UInt16(exactly: Self.units(for: count + 16)) else {
        throw Self.unfit(
          "An LPC prefix counts at most 65535 units of 512 bytes, not \(count) bytes")
      }
      bytes = [kind & 0xC0 | 0x1A, flags | 0x3F]
      bytes.appendLittleEndian(units)
      bytes += [UInt8](repeating: hash, count: 8)
      bytes += [UInt8](repeating: 0xFF, count: 4)
    case .stellaris(let address):
      guard address % 1024 == 0, let units = UInt16(exactly: address / 1024),
        let length = UInt32(exactly: count)
      else {
        throw Self.unfit(
          "A TI prefix holds a load address that is a multiple of 1024 below 64 MiB, not "
            + addressText(UInt64(address)))
      }
      bytes = [0x01, 0x00]
      bytes.appendLittleEndian(units)
      bytes.appendLittleEndian(length)
    }
    return bytes
  }

  private static func units(for count: Int) -> Int { count / 512 + (count % 512 == 0 ? 0 : 1) }

  private static func unfit(_ sentence: String) -> FirmwareError {
    FirmwareError(.notRepresentable, format: .dfu, sentence: sentence + ".")
  }
}
