import Testing

/// Small files of our own, byte by byte from the specifications.
enum Fixtures {
  /// A plain DFU file: payload 01 02 03 04 for 1209:D0D0, version 1.00, CRC 0xF0E2E1AC.
  static let plain: [UInt8] = [
    0x01, 0x02, 0x03, 0x04, 0x00, 0x01, 0xd0, 0xd0, 0x09, 0x12, 0x00, 0x01,
    0x55, 0x46, 0x44, 0x10, 0xac, 0xe1, 0xe2, 0xf0,
  ]

  /// A DFU file with an LPC prefix on 11 22 33 44, for 1FC9:000C.
  static let lpc: [UInt8] = [
    0x1a, 0x3f, 0x01, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
    0x11, 0x22, 0x33, 0x44, 0xff, 0xff, 0x0c, 0x00, 0xc9, 0x1f, 0x00, 0x01,
    0x55, 0x46, 0x44, 0x10, 0x51, 0x82, 0xa5, 0x66,
  ]

  /// A DFU file with a TI Stellaris prefix, load address 0x2000, for 1CBE:00FF.
  static let stellaris: [UInt8] = [
    0x01, 0x00, 0x08, 0x00, 0x04, 0x00, 0x00, 0x00, 0x11, 0x22, 0x33, 0x44,
    0x00, 0x00, 0xff, 0x00, 0xbe, 0x1c, 0x00, 0x01, 0x55, 0x46, 0x44, 0x10,
    0xff, 0x7f, 0x79, 0x56,
  ]

  /// A DfuSe file: one target, one element of 8 bytes at 0x08000000 that is a vector table.
  static let dfuSe: [UInt8] =
    bytes("DfuSe") + [0x01, 0x2d, 0x01, 0, 0, 1]
    + bytes("Target") + [0, 1, 0, 0, 0] + bytes("ST...", padded: 255)
    + [0x10, 0, 0, 0, 1, 0, 0, 0]
    + [0x00, 0x00, 0x00, 0x08, 8, 0, 0, 0]
    + [0x00, 0x00, 0x02, 0x20, 0x11, 0x01, 0x00, 0x08]
    + [
      0x00, 0x00, 0x11, 0xdf, 0x83, 0x04, 0x1a, 0x01, 0x55, 0x46, 0x44, 0x10,
      0x09, 0xa9, 0x64, 0xea,
    ]

  /// A DfuSe file with two targets: "Flash" with elements at 0x08000000 and 0x08010000, and an
  /// unnamed one at 0x1FFFC000.
  static let twoTargets: [UInt8] =
    bytes("DfuSe") + [0x01, 0x52, 0x02, 0, 0, 2]
    + bytes("Target") + [0, 1, 0, 0, 0] + bytes("Flash", padded: 255)
    + [23, 0, 0, 0, 2, 0, 0, 0]
    + [0x00, 0x00, 0x00, 0x08, 4, 0, 0, 0, 0xaa, 0xaa, 0xaa, 0xaa]
    + [0x00, 0x00, 0x01, 0x08, 3, 0, 0, 0, 0xbb, 0xbb, 0xbb]
    + bytes("Target") + [1, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 255)
    + [12, 0, 0, 0, 1, 0, 0, 0]
    + [0x00, 0xc0, 0xff, 0x1f, 4, 0, 0, 0, 0xff, 0xaa, 0x55, 0x00]
    + [
      0x00, 0x22, 0x11, 0xdf, 0x83, 0x04, 0x1a, 0x01, 0x55, 0x46, 0x44, 0x10,
      0x7e, 0x5f, 0x1d, 0xa6,
    ]

  /// A program for an STM32F4, 0x4400 bytes at 0x08000000: vector table, code, a stretch of 0xFF.
  static let program: [UInt8] = {
    var bytes: [UInt8] = [0x00, 0x00, 0x02, 0x20, 0x89, 0x01, 0x00, 0x08]
    for index in bytes.count..<0x3000 {
      bytes.append(UInt8(truncatingIfNeeded: index &* 7 &+ index >> 8))
    }
    bytes += [UInt8](repeating: 0xFF, count: 0x1000)
    for index in 0..<0x400 { bytes.append(UInt8(truncatingIfNeeded: index)) }
    return bytes
  }()

  /// An Intel HEX file of 16 bytes at 0x08000000 and 4 bytes at 0x08010000, entry 0x08000111.
  static let hex = """
    :020000040800F2
    :100000000000022011010008010203040506070890
    :020000040801F1
    :04000000AABBCCDDEE
    :0400000508000111DD
    :00000001FF

    """

  /// An S-record file of the same bytes.
  static let sRecord = """
    S00600004844521B
    S315080000000000022011010008010203040506070882
    S30908010000AABBCCDDDF
    S70508000111E0

    """

  static func bytes(_ text: String, padded: Int? = nil) -> [UInt8] {
    let bytes = Array(text.utf8)
    return bytes + [UInt8](repeating: 0, count: max(0, (padded ?? 0) - bytes.count))
  }
}

extension Fixtures {
  /// A folder with all of them, good and bad.
  static func workplace() throws -> Workplace {
    let folder = try Workplace()
    try folder.write(plain, to: "plain.dfu")
    try folder.write(lpc, to: "lpc.dfu")
    try folder.write(stellaris, to: "stellaris.dfu")
    try folder.write(dfuSe, to: "dfuse.dfu")
    try folder.write(twoTargets, to: "two.dfu")
    try folder.write(hex, to: "app.hex")
    try folder.write(sRecord, to: "app.s19")
    try folder.write(program, to: "program.bin")
    try folder.write([0xDE, 0xAD, 0xBE, 0xEF], to: "data.bin")
    try folder.write([], to: "empty.bin")

    var damaged = plain
    damaged[1] = 0xFF
    try folder.write(damaged, to: "crc.dfu")
    try folder.write(Array(twoTargets.prefix(400)), to: "truncated.dfu")
    try folder.write(
      hex.replacing("DDEE", with: "DDEF"), to: "checksum.hex")
    try folder.write(sRecord.replacing("DDDF", with: "DDDE"), to: "checksum.s19")
    // 04 03 02 01 at 0x08000002, where the first line has other bytes.
    try folder.write(
      hex.replacing(":00000001FF", with: ":020000040800F2\n:0400020004030201F0\n:00000001FF"),
      to: "overlap.hex")
    // 01 at 0x0A000000, 32 MiB above the rest.
    try folder.write(
      hex.replacing(":00000001FF", with: ":020000040A00F0\n:0100000001FE\n:00000001FF"),
      to: "holes.hex")
    // 05 06 becomes 15 16 at 0x0800000C, and the last byte at 0x08010003 is missing.
    try folder.write(
      hex.replacing("0506070890", with: "1516070870")
        .replacing(":04000000AABBCCDDEE", with: ":03000000AABBCCCC"),
      to: "changed.hex")
    try folder.writeSparse(byteCount: 5_000_000_000, to: "huge.bin")
    return folder
  }
}
