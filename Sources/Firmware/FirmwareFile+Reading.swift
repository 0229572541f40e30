internal import USB

/// Recognising and reading a file. The content decides, never the name.
extension FirmwareFile {
  /// Reads a firmware file and checks all of it.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - options: how to read it; the defaults recognise the format.
  /// - Throws: ``FirmwareError`` for everything that is damaged or contradictory.
  public init(
    parsing bytes: [UInt8], options: FirmwareReadOptions = FirmwareReadOptions()
  ) throws(FirmwareError) {
    guard !bytes.isEmpty else {
      throw FirmwareError(
        .empty, sentence: "The file is empty.", help: "Build it or fetch it again.")
    }
    try Self.checkSize(bytes.count, options)
    switch try Self.format(of: bytes, options) {
    case .dfuSe: self = try DfuSeFile.decode(bytes)
    case .elf:
      try self.init(.elf, ELFFile.decode(bytes, keepsRAM: options.keepsRAM))
    case .uf2: try self.init(.uf2, UF2.decode(bytes, family: options.family))
    case .dfu: self = try PlainDFU.decode(bytes, as: .dfu)
    case .raw: self = try PlainDFU.decode(bytes, as: .raw)
    case .intelHex: try self.init(.intelHex, IntelHEX.decode(bytes))
    case .sRecord: try self.init(.sRecord, SRecord.decode(bytes))
    }
    for index in targets.indices {
      guard case .image(var image) = targets[index].content else { continue }
      image.joinTouchingSegments()
      targets[index].content = .image(image)
    }
  }

  /// Refuses a file, or an amount of memory, beyond the limit, before any of it is copied.
  ///
  /// - Parameters:
  ///   - count: the bytes.
  ///   - options: the limit.
  /// - Throws: ``FirmwareError`` with the code `tooLarge`.
  public static func checkSize(
    _ count: Int, _ options: FirmwareReadOptions = FirmwareReadOptions()
  ) throws(FirmwareError) {
    guard count > options.maximumByteCount else { return }
    throw FirmwareError(
      .tooLarge,
      sentence: "\(count) bytes are more than the \(options.maximumByteCount) that are accepted as "
        + "firmware.",
      help: "Is this the right file? An image of a whole disk cannot be written with DFU.")
  }

  /// The format of a file, by its content.
  ///
  /// - Parameter bytes: the whole file.
  /// - Returns: the format; ``FirmwareFormat/raw`` where nothing else fits.
  /// - Throws: ``FirmwareError`` where the file ends with a damaged DFU suffix.
  public static func recognise(_ bytes: [UInt8]) throws(FirmwareError) -> FirmwareFormat {
    if DfuSeFile.looksLike(bytes[...]) { return .dfuSe }
    // An intact suffix says more than the first bytes do: the ELF magic, say, can begin a payload.
    if DFUSuffix.isIntact(bytes[...]) { return .dfu }
    if let format = magicFormat(bytes[...]) { return format }
    if IntelHEX.looksLike(bytes) { return .intelHex }
    if SRecord.looksLike(bytes) { return .sRecord }
    let hasSuffix = try DFUSuffix.find(in: bytes) != nil
    return hasSuffix || FirmwarePrefix.find(in: bytes[...]) != nil ? .dfu : .raw
  }

  /// The format that the first bytes speak for, of those that have something to recognise there.
  static func magicFormat(_ bytes: ArraySlice<UInt8>) -> FirmwareFormat? {
    if DfuSeFile.looksLike(bytes) { return .dfuSe }
    if ELFFile.looksLike(bytes) { return .elf }
    if UF2.looksLike(bytes) { return .uf2 }
    return nil
  }

  private static func format(
    of bytes: [UInt8], _ options: FirmwareReadOptions
  ) throws(FirmwareError) -> FirmwareFormat {
    // Written raw, a container would put its own headers where the vector table belongs.
    if DfuSeFile.looksLike(bytes[...]) { return .dfuSe }
    guard let asked = options.format else { return try recognise(bytes) }
    let hasMagic =
      switch asked {
      case .elf: ELFFile.looksLike(bytes[...])
      case .uf2: UF2.looksLike(bytes[...])
      case .dfuSe: false
      case .raw, .dfu, .intelHex, .sRecord: true
      }
    guard hasMagic else {
      throw FirmwareError(
        .malformed, format: asked, place: .offset(0),
        sentence: "The file does not begin as \(asked.article) \(asked.name) file does.",
        help: "Leave the format away, and it is recognised.")
    }
    return asked
  }

  private init(
    _ format: FirmwareFormat, _ decoded: (image: FirmwareImage, notes: [FirmwareNote])
  ) throws(FirmwareError) {
    guard !decoded.image.isEmpty else {
      throw FirmwareError(
        .noData, format: format, sentence: "This \(format.name) file holds no data.",
        help: "Was it made from a program that is empty at the addresses that were asked for?")
    }
    self.init(
      format: format, targets: [FirmwareTarget(content: .image(decoded.image))],
      notes: decoded.notes)
  }
}
