internal import USB

/// How a file is to be written.
public struct FirmwareWriteOptions: Hashable, Sendable {
  /// Where bytes without an address begin, for formats that need one.
  public var address: UInt64?
  /// The suffix of a DFU or DfuSe file; without it the file's own, or one that allows any device.
  public var suffix: DFUSuffix?
  /// The prefix of a plain DFU file; without it the file's own.
  public var prefix: FirmwarePrefix?
  /// What goes into the holes of formats without addresses; 0xFF is what erased flash holds.
  public var fill: UInt8
  /// Data bytes in a line of Intel HEX or S-record text, 1 to 255 (S-record: to 250).
  public var lineLength: Int
  /// The family of a UF2 file.
  public var family: UF2Family?
  /// The largest file that is made.
  public var maximumByteCount: Int

  /// Options; the defaults write what the file says itself.
  public init(
    address: UInt64? = nil, suffix: DFUSuffix? = nil, prefix: FirmwarePrefix? = nil,
    fill: UInt8 = 0xFF, lineLength: Int = 16, family: UF2Family? = nil,
    maximumByteCount: Int = FirmwareReadOptions.defaultMaximumByteCount
  ) {
    self.address = address
    self.suffix = suffix
    self.prefix = prefix
    self.fill = fill
    self.lineLength = lineLength
    self.family = family
    self.maximumByteCount = maximumByteCount
  }
}

/// Writing a file in another format.
extension FirmwareFile {
  /// The bytes of this file's content in `format`.
  ///
  /// - Parameters:
  ///   - format: the format to write.
  ///   - options: details of it.
  /// - Returns: the whole file.
  /// - Throws: ``FirmwareError``: `addressMissing` where bytes have no address and the format needs
  ///   one, `noData` where there is nothing to write, `notRepresentable` where the format cannot
  ///   hold the content (several targets in a format that has none, for example), `tooLarge` where
  ///   filled holes would make the file larger than the limit.
  public func encoded(
    as format: FirmwareFormat, options: FirmwareWriteOptions = FirmwareWriteOptions()
  ) throws(FirmwareError) -> [UInt8] {
    switch format {
    case .raw: return try plainBytes(format, options)
    case .dfu:
      let bytes = try plainBytes(format, options)
      let header = try (options.prefix ?? prefix)?.encoded(before: bytes.count) ?? []
      return try (options.suffix ?? plainSuffix).appended(to: header + bytes)
    case .dfuSe:
      return try DfuSeFile.encode(
        placedTargets(options), suffix: options.suffix ?? suffix ?? DFUSuffix())
    case .elf: return try ELFFile.encode(onlyImage(format, options))
    case .uf2: return try UF2.encode(onlyImage(format, options), family: options.family)
    case .intelHex:
      return try IntelHEX.encode(onlyImage(format, options), lineLength: options.lineLength)
    case .sRecord:
      return try SRecord.encode(onlyImage(format, options), lineLength: options.lineLength)
    }
  }

  /// The file's own suffix, in the words of a plain DFU file.
  private var plainSuffix: DFUSuffix {
    var plain = suffix ?? DFUSuffix()
    guard format == .dfuSe else { return plain }
    if plain.dfuVersion == .dfuSe { plain.dfuVersion = .plainDFU }
    // Zero is a wildcard in DfuSe files only.
    if plain.product.rawValue == 0 { plain.product = ProductID(DFUSuffix.wildcard) }
    return plain
  }

  private func placedTargets(
    _ options: FirmwareWriteOptions
  ) throws(FirmwareError) -> [(alternateSetting: UInt8, name: String?, image: FirmwareImage)] {
    var placed: [(alternateSetting: UInt8, name: String?, image: FirmwareImage)] = []
    for (index, target) in targets.enumerated() {
      guard let image = try target.image(placingRawAt: options.address) else {
        throw Self.addressMissing(.dfuSe)
      }
      let setting = target.alternateSetting ?? UInt8(truncatingIfNeeded: index)
      placed.append((setting, target.name, image))
    }
    return placed
  }

  /// The only target's content at addresses.
  ///
  /// - Parameters:
  ///   - format: the format it is for, named in errors.
  ///   - options: the address for bytes that have none.
  /// - Returns: the image; never empty.
  /// - Throws: ``FirmwareError`` as ``encoded(as:options:)`` does.
  func onlyImage(
    _ format: FirmwareFormat, _ options: FirmwareWriteOptions
  ) throws(FirmwareError) -> FirmwareImage {
    guard let image = try onlyTarget(format).image(placingRawAt: options.address) else {
      throw Self.addressMissing(format)
    }
    guard !image.isEmpty else { throw Self.nothingToWrite(format) }
    return image
  }

  private func onlyTarget(_ format: FirmwareFormat) throws(FirmwareError) -> FirmwareTarget {
    guard let target = targets.first else { throw Self.nothingToWrite(format) }
    guard targets.count == 1 else {
      throw FirmwareError(
        .notRepresentable, format: format,
        sentence: "The file has \(targets.count) targets, and \(format.name) holds one.",
        help: "Choose a target with --target, or write a DfuSe file.")
    }
    return target
  }

  private func plainBytes(
    _ format: FirmwareFormat, _ options: FirmwareWriteOptions
  ) throws(FirmwareError) -> [UInt8] {
    switch try onlyTarget(format).content {
    case .raw(let bytes):
      guard !bytes.isEmpty || format == .dfu else { throw Self.nothingToWrite(format) }
      return bytes
    case .image(let image):
      guard let range = image.range else { throw Self.nothingToWrite(format) }
      guard range.upperBound - range.lowerBound <= UInt64(max(0, options.maximumByteCount)) else {
        throw FirmwareError(
          .tooLarge, format: format,
          sentence: "From \(addressText(range.lowerBound)) to \(addressText(range.upperBound)) a "
            + "\(format.name) file would have \(range.upperBound - range.lowerBound) bytes, nearly "
            + "all of them filling.",
          help: "Write a format that keeps holes, such as hex or dfuse, or one part of the image.")
      }
      return image.bytes(in: range, fill: options.fill)
    }
  }

  private static func addressMissing(_ format: FirmwareFormat) -> FirmwareError {
    FirmwareError(
      .addressMissing, format: format,
      sentence: "The bytes have no address, and \(format.name) needs one.",
      help: "Give it, for example --address 0x08000000.")
  }

  static func nothingToWrite(_ format: FirmwareFormat) -> FirmwareError {
    FirmwareError(.noData, format: format, sentence: "There are no bytes to write.")
  }
}
