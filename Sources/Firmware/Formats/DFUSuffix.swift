public import USB

/// The DFU suffix: the last 16 bytes of a DFU file (DFU 1.1, appendix B).
///
/// From its start: bcdDevice (2), idProduct (2), idVendor (2), bcdDFU (2), "UFD" (3), bLength (1),
/// dwCRC (4), little-endian. A longer bLength means extension bytes in front of bcdDevice.
public struct DFUSuffix: Hashable, Sendable {
  /// `idVendor`: whose device the file is for; 0xFFFF is any.
  public var vendor: VendorID
  /// `idProduct`: which device the file is for; 0xFFFF is any, and 0x0000 is any in DfuSe files.
  public var product: ProductID
  /// `bcdDevice`: the version of the firmware; 0xFFFF is not said.
  public var deviceVersion: BCDVersion
  /// `bcdDFU`: 0x0100 for DFU 1.0 and 1.1, 0x0110 from some writers, 0x011A for DfuSe.
  public var dfuVersion: BCDVersion
  /// Bytes between the payload and bcdDevice, at most 239; their meaning is the writer's.
  public var extensionBytes: [UInt8]

  /// The number of bytes of a suffix without extension.
  public static let minimumLength = 16
  /// The value of an id that stands for any device.
  public static let wildcard: UInt16 = 0xFFFF

  /// A suffix; the defaults allow any device.
  public init(
    vendor: VendorID = VendorID(wildcard), product: ProductID = ProductID(wildcard),
    deviceVersion: BCDVersion = BCDVersion(wildcard),
    dfuVersion: BCDVersion = BCDVersion(0x0100), extensionBytes: [UInt8] = []
  ) {
    self.vendor = vendor
    self.product = product
    self.deviceVersion = deviceVersion
    self.dfuVersion = dfuVersion
    self.extensionBytes = extensionBytes
  }

  /// `bLength`: the bytes of the suffix, its extension included.
  public var length: Int { Self.minimumLength + extensionBytes.count }

  /// Whether the ids of this suffix allow a device with the given ids.
  ///
  /// - Parameters:
  ///   - vendor: the device's vendor.
  ///   - product: the device's product.
  ///   - zeroProductIsWildcard: true for DfuSe files, where ST's maker writes 0x0000 for any.
  /// - Returns: true when each id is the same or a wildcard.
  public func allows(
    vendor: VendorID, product: ProductID, zeroProductIsWildcard: Bool
  ) -> Bool {
    let vendorFits = self.vendor.rawValue == Self.wildcard || self.vendor == vendor
    let productFits =
      self.product.rawValue == Self.wildcard || self.product == product
      || (zeroProductIsWildcard && self.product.rawValue == 0)
    return vendorFits && productFits
  }

  /// `body` with this suffix behind it and the right CRC.
  ///
  /// - Parameter body: everything in front of the suffix.
  /// - Returns: the whole file.
  /// - Throws: ``FirmwareError`` with the code `notRepresentable` where the extension is longer than
  ///   the 239 bytes that bLength can count.
  public func appended(to body: [UInt8]) throws(FirmwareError) -> [UInt8] {
    guard let length = UInt8(exactly: length) else {
      throw FirmwareError(
        .notRepresentable, format: .dfu,
        sentence: "A suffix with \(extensionBytes.count) extension bytes is too long; "
          + "bLength is one byte, which leaves 239.")
    }
    var file = body
    file += extensionBytes
    file.appendLittleEndian(deviceVersion.rawValue)
    file.appendLittleEndian(product.rawValue)
    file.appendLittleEndian(vendor.rawValue)
    file.appendLittleEndian(dfuVersion.rawValue)
    file += Self.signature
    file.append(length)
    file.appendLittleEndian(CRC32.of(file[...]))
    return file
  }
}

/// Finding and checking the suffix of a file.
extension DFUSuffix {
  static let signature: [UInt8] = [0x55, 0x46, 0x44]

  /// The suffix at the end of `file`.
  ///
  /// - Parameter file: the whole file.
  /// - Returns: the suffix, or nil when the file does not end with one or something like one.
  /// - Throws: ``FirmwareError``: `wrongChecksum` or `invertedChecksum` where dwCRC does not fit,
  ///   `reversedSignature` for "DFU" where "UFD" belongs, `trailingBytes` where a whole suffix is
  ///   followed by a few more bytes, `malformed` for an impossible bLength.
  public static func find(in file: [UInt8]) throws(FirmwareError) -> DFUSuffix? {
    guard file.count >= minimumLength else { return nil }
    guard hasSignature(file[...]) else {
      try refuseReversedSignature(file)
      try refuseBytesBehindSuffix(file)
      return nil
    }
    let length = Int(file[file.count - 5])
    guard length >= minimumLength, length <= file.count else {
      throw FirmwareError(
        .malformed, format: .dfu, place: .offset(file.count - 5),
        sentence: "bLength of the DFU suffix at offset \(file.count - 5) is \(length); "
          + "it counts the suffix itself and is 16 or more, at most the \(file.count) bytes of the "
          + "file.",
        help: "The end of the file is damaged: fetch it again, or write a new suffix.")
    }
    try checkCRC(file)
    return DFUSuffix(fields: file[...], length: length)
  }

  /// `file` with the CRC of its suffix computed anew; nothing else is changed.
  ///
  /// - Parameter file: a file that ends with a suffix, of which only dwCRC may be wrong.
  /// - Returns: the repaired file; the same bytes when nothing was wrong.
  /// - Throws: ``FirmwareError`` with the code `malformed` where there is no suffix to repair.
  public static func repairingCRC(of file: [UInt8]) throws(FirmwareError) -> [UInt8] {
    guard file.count >= minimumLength, hasSignature(file[...]),
      (minimumLength...file.count).contains(Int(file[file.count - 5]))
    else {
      throw FirmwareError(
        .malformed, format: .dfu, sentence: "The file does not end with a DFU suffix.",
        help: "Add one instead of repairing it.")
    }
    var repaired = Array(file.dropLast(4))
    repaired.appendLittleEndian(CRC32.of(repaired[...]))
    return repaired
  }

  /// The fields of a suffix whose signature and length were checked; the CRC is not looked at.
  private init(fields file: ArraySlice<UInt8>, length: Int) {
    let start = file.endIndex - Self.minimumLength
    self.init(
      vendor: VendorID(file.littleEndian16(at: start + 4)),
      product: ProductID(file.littleEndian16(at: start + 2)),
      deviceVersion: BCDVersion(file.littleEndian16(at: start)),
      dfuVersion: BCDVersion(file.littleEndian16(at: start + 6)),
      extensionBytes: Array(file[file.endIndex - length..<start]))
  }

  /// Whether `file` ends with the signature of a suffix, eight bytes before its end.
  static func hasSignature(_ file: ArraySlice<UInt8>) -> Bool {
    file.count >= minimumLength && file.dropLast(5).suffix(3).elementsEqual(signature)
  }

  /// Whether `file` ends with a whole suffix whose CRC is right.
  static func isIntact(_ file: ArraySlice<UInt8>) -> Bool {
    hasSignature(file) && (minimumLength...file.count).contains(Int(file[file.endIndex - 5]))
      && CRC32.of(file.dropLast(4)) == file.littleEndian32(at: file.endIndex - 4)
  }

  /// Whether the CRC is right, but of the bytes behind the prefix only: the prefix was put in front of
  /// a finished DFU file. HackRF's build does so.
  static func coversOnlyBehindPrefix(_ file: [UInt8]) -> Bool {
    guard hasSignature(file[...]), let length = file.dropLast(4).last,
      (minimumLength...file.count).contains(Int(length)),
      let prefix = FirmwarePrefix.find(in: file.dropLast(Int(length)))
    else { return false }
    let stored = file[...].littleEndian32(at: file.count - 4)
    return CRC32.of(file.dropFirst(prefix.length).dropLast(4)) == stored
      && CRC32.of(file.dropLast(4)) != stored
  }

  private static func checkCRC(_ file: [UInt8]) throws(FirmwareError) {
    var crc = CRC32()
    crc.update(file.dropLast(4))
    let stored = file[...].littleEndian32(at: file.count - 4)
    guard stored != crc.value, !coversOnlyBehindPrefix(file) else { return }
    if stored == crc.inverted {
      throw FirmwareError(
        .invertedChecksum, format: .dfu, place: .offset(file.count - 4),
        sentence: "The CRC of the DFU suffix, 0x\(hex(stored)), was inverted at the end as zlib "
          + "does it; DFU files hold 0x\(hex(crc.value)).",
        help: "The bytes are intact, the writer is wrong: `dfu file suffix repair` writes the "
          + "right one.")
    }
    throw FirmwareError(
      .wrongChecksum, format: .dfu, place: .offset(file.count - 4),
      sentence: "The CRC of the DFU suffix is 0x\(hex(stored)), but the bytes of the file have "
        + "0x\(hex(crc.value)): the file is damaged.",
      help: "Fetch it again. If it was edited on purpose, `dfu file suffix repair` writes the "
        + "right one.")
  }

  private static func refuseReversedSignature(_ file: [UInt8]) throws(FirmwareError) {
    let place = file.count - 8
    guard file[place..<place + 3].elementsEqual(signature.reversed()), file[place + 3] == 16 else {
      return
    }
    throw FirmwareError(
      .reversedSignature, format: .dfu, place: .offset(place),
      sentence: "The signature of the DFU suffix at offset \(place) is \"DFU\"; in the file it "
        + "stands backwards, \"UFD\".",
      help: "The program that wrote this file is wrong: remove the last 16 bytes and add a new "
        + "suffix with `dfu file suffix add`.")
  }

  // A newline or a few bytes of padding behind a suffix is what text tools and downloads add.
  private static func refuseBytesBehindSuffix(_ file: [UInt8]) throws(FirmwareError) {
    for extra in 1...64 where file.count - extra >= minimumLength {
      guard isIntact(file.dropLast(extra)) else { continue }
      throw FirmwareError(
        .trailingBytes, format: .dfu, place: .offset(file.count - extra),
        sentence: "A whole DFU suffix ends at offset \(file.count - extra), but "
          + (extra == 1 ? "one more byte follows it." : "\(extra) more bytes follow it."),
        help: "Cut the file to its first \(file.count - extra) bytes.")
    }
  }
}
