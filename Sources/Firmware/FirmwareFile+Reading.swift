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
    let format: FirmwareFormat
    if let asked = options.format { format = asked } else { format = try Self.recognise(bytes) }
    switch format {
    case .dfu, .raw: try self.init(plain: bytes, format: format)
    case .intelHex: try self.init(records: try IntelHEX.decode(bytes), format: format)
    case .sRecord: try self.init(records: try SRecord.decode(bytes), format: format)
    default:
      throw FirmwareError(
        .unsupported, format: format, sentence: "\(format.name) files cannot be read yet.")
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
    if DFUSuffix.isIntact(bytes[...]) { return .dfu }
    if IntelHEX.looksLike(bytes) { return .intelHex }
    if SRecord.looksLike(bytes) { return .sRecord }
    return try DFUSuffix.find(in: bytes) == nil ? .raw : .dfu
  }

  private init(
    records: (image: FirmwareImage, notes: [FirmwareNote]), format: FirmwareFormat
  ) throws(FirmwareError) {
    guard !records.image.isEmpty else {
      throw FirmwareError(
        .noData, format: format, sentence: "This \(format.name) file holds no data.",
        help: "Was it made from a program that is empty at the addresses that were asked for?")
    }
    self.init(
      format: format, targets: [FirmwareTarget(content: .image(records.image))],
      notes: records.notes)
  }

  private init(plain bytes: [UInt8], format: FirmwareFormat) throws(FirmwareError) {
    let suffix = format == .dfu ? try DFUSuffix.find(in: bytes) : nil
    var payload = bytes[...]
    payload.removeLast(suffix?.length ?? 0)
    self.init(format: format, targets: [], suffix: suffix)
    prefix = FirmwarePrefix.find(in: payload)
    payload.removeFirst(prefix?.length ?? 0)
    targets = [FirmwareTarget(content: .raw(Array(payload)))]
  }
}
