import USB

@testable import Firmware

/// Small files whose bytes are known from the formats' own documents or from other programs.
enum Samples {
  static func hexBytes(_ text: String) -> [UInt8] {
    let digits = text.compactMap { $0.hexDigitValue }
    return stride(from: 0, to: digits.count - 1, by: 2).map {
      UInt8(digits[$0] << 4 | digits[$0 + 1])
    }
  }

  static let plain = hexBytes("01020304 0001d0d009120001 55464410ace1e2f0")
  static let plain11 = hexBytes("01020304 0001d0d009121001 5546441037e334f3")
  static let emptyPayload = hexBytes("ffffffffffff0001 55464410e1f17b88")

  /// One target with one element, a vector table of eight bytes.
  static let dfuSeOneTarget =
    hexBytes("4466755365 01 2d010000 01  546172676574 00 01000000 53542e2e2e")
    + zeros(250) + hexBytes("10000000 01000000 00000008 08000000 0000022011010008")
    + hexBytes("000011df83041a01 5546441009a964ea")

  /// Two targets: "Flash" with two elements, and an unnamed one.
  static let dfuSeTwoTargets =
    hexBytes("4466755365 01 52020000 02  546172676574 00 01000000") + Array("Flash".utf8)
    + zeros(250) + hexBytes("17000000 02000000 00000008 04000000 aaaaaaaa")
    + hexBytes("00000108 03000000 bbbbbb  546172676574 01 00000000") + zeros(255)
    + hexBytes("0c000000 01000000 00c0ff1f 04000000 ffaa5500")
    + hexBytes("002211df83041a01 554644107e5f1da6")

  static let lpc = hexBytes(
    "1a3f010000000000 00000000ffffffff 11223344 ffff0c00c91f0001 554644105182a566")
  static let stellaris = hexBytes("0100080004000000 11223344 0000ff00be1c0001 55464410ff7f7956")

  static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

  /// `bytes` with the suffix's CRC made right again after a change.
  static func withCRC(_ bytes: [UInt8]) throws -> [UInt8] {
    try DFUSuffix.repairingCRC(of: bytes)
  }

  static func image(
    _ pieces: (UInt64, [UInt8])..., entryPoint: UInt64? = nil
  ) throws
    -> FirmwareImage
  {
    var image = try FirmwareImage(
      pieces.map { FirmwareImage.Segment(address: $0.0, bytes: $0.1, origin: .device) })
    image.entryPoint = entryPoint
    return image
  }
}

extension FirmwareFile {
  var noteSlugs: [String] { notes.map(\.slug) }

  var onlyImage: FirmwareImage? {
    guard targets.count == 1, case .image(let image) = targets[0].content else { return nil }
    return image
  }

  var onlyBytes: [UInt8]? {
    guard targets.count == 1, case .raw(let bytes) = targets[0].content else { return nil }
    return bytes
  }
}

/// The code of the error that reading `bytes` throws; nil when it throws none.
func errorCode(
  reading bytes: [UInt8], options: FirmwareReadOptions = .init()
) -> FirmwareError.Code? {
  do {
    _ = try FirmwareFile(parsing: bytes, options: options)
    return nil
  } catch { return error.code }
}
