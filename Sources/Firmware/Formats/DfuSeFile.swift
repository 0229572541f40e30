internal import USB

/// ST's container (UM0391): a prefix, targets of elements, and a DFU suffix.
///
/// Prefix, 11 bytes: "DfuSe", version 1 (1), DFUImageSize (4), bTargets (1). Target, 274 bytes:
/// "Target", bAlternateSetting (1), bTargetNamed (4), szTargetName (255), dwTargetSize (4),
/// dwNbElements (4). Element: address (4), size (4), data. Nothing is aligned or padded.
enum DfuSeFile {
  static let signature = Array("DfuSe".utf8)
  private static let targetSignature = Array("Target".utf8)
  private static let nameLength = 255
  private static let prefixLength = 11
  private static let targetLength = 274

  /// Whether `bytes` begin with "DfuSe"; such a file is never anything else.
  static func looksLike(_ bytes: ArraySlice<UInt8>) -> Bool { bytes.starts(with: signature) }

  /// Reads a whole container, and checks it to its end before anything is returned.
  ///
  /// - Parameter bytes: the file.
  /// - Returns: the file, elements merged into one image for each target.
  /// - Throws: ``FirmwareError`` where the file is damaged or contradicts itself.
  static func decode(_ bytes: [UInt8]) throws(FirmwareError) -> FirmwareFile {
    guard let suffix = try DFUSuffix.find(in: bytes) else {
      throw FirmwareError(
        .truncated, format: .dfuSe, place: .offset(bytes.count),
        sentence: "The file begins as a DfuSe file but does not end with a DFU suffix.",
        help: "It is cut short, or bytes were added: fetch it again.")
    }
    let body = bytes.dropLast(suffix.length)
    var reader = ByteReader(body.span.bytes)
    let header = try read(&reader, Header.init)
    var file = FirmwareFile(format: .dfuSe, targets: [], suffix: suffix, notes: suffix.notes)
    file.notes += try header.notes(fileCount: bytes.count, suffix: suffix)
    for number in 1...Int(header.targetCount) {
      guard !reader.isAtEnd else {
        throw FirmwareError(
          .countMismatch, format: .dfuSe, place: .offset(reader.offset),
          sentence:
            "bTargets says \(header.targetCount) targets, but only \(number - 1) are there.",
          help: "The file is incomplete: fetch or build it again.")
      }
      file.targets.append(try readTarget(&reader, number, &file.notes))
    }
    if !reader.isAtEnd {
      file.notes.append(
        FirmwareNote(
          "bytes-left-over", .warning,
          "\(reader.remaining) bytes behind the last target, at offset \(reader.offset), belong to "
            + "nothing and are left out."))
    }
    return file
  }

  private static func readTarget(
    _ reader: inout ByteReader, _ number: Int, _ notes: inout [FirmwareNote]
  ) throws(FirmwareError) -> FirmwareTarget {
    let header = try read(&reader, TargetHeader.init)
    if header.hasNameGarbage {
      notes.append(
        FirmwareNote(
          "name-garbage", .warning,
          "Behind the name of target \(number) stand bytes that are not part of it; file makers "
            + "leave pieces of their own memory there.",
          help: "Writing the file again cleans it: `dfu file convert`."))
    }
    guard header.elementCount > 0 else {
      throw FirmwareError(
        .noData, format: .dfuSe, place: .offset(reader.offset - 4),
        sentence: "Target \(number) has no elements.")
    }
    guard Int(header.elementCount) <= reader.remaining / 8 else {
      throw FirmwareError(
        .truncated, format: .dfuSe, place: .offset(reader.offset - 4),
        sentence: "Target \(number) counts \(header.elementCount) elements, but only "
          + "\(reader.remaining) bytes are left.",
        help: "The file is cut short or damaged: fetch or build it again.")
    }
    let start = reader.offset
    var image = FirmwareImage()
    var emptyElements = 0
    for element in 1...Int(header.elementCount) {
      let origin = FirmwareImage.Origin.element(target: number, element: element)
      let (address, data) = try readElement(&reader, origin)
      if data.isEmpty { emptyElements += 1 }
      do { try image.insert(data, at: UInt64(address), origin: origin) } catch {
        throw error.inFormat(.dfuSe)
      }
    }
    if emptyElements > 0 {
      notes.append(
        FirmwareNote(
          "empty-element", .warning,
          "Target \(number) has \(emptyElements) elements without bytes, which do nothing."))
    }
    if reader.offset - start != Int(header.size) {
      notes.append(
        FirmwareNote(
          "target-size", .warning,
          "dwTargetSize of target \(number) is \(header.size), but its elements take "
            + "\(reader.offset - start) bytes."))
    }
    return FirmwareTarget(
      alternateSetting: header.alternateSetting, name: header.name, content: .image(image))
  }

  private static func readElement(
    _ reader: inout ByteReader, _ origin: FirmwareImage.Origin
  ) throws(FirmwareError) -> (address: UInt32, data: [UInt8]) {
    let start = reader.offset
    let address: UInt32
    let size: UInt32
    do {
      address = try reader.readUInt32("dwElementAddress")
      size = try reader.readUInt32("dwElementSize")
    } catch { throw FirmwareError(error, format: .dfuSe) }
    guard Int(size) <= reader.remaining else {
      throw FirmwareError(
        .truncated, format: .dfuSe, place: .offset(start + 4),
        sentence: "dwElementSize of \(origin) at offset \(start + 4) is \(size), but only "
          + "\(reader.remaining) bytes are left.",
        help: "The file is cut short or damaged: fetch or build it again.")
    }
    guard UInt64(address) + UInt64(size) <= 1 << 32 else {
      throw FirmwareError(
        .addressOverflow, format: .dfuSe, place: .offset(start),
        sentence: "\(origin), \(size) bytes at \(addressText(UInt64(address))), runs beyond the "
          + "last address, 0xFFFFFFFF.")
    }
    do { return (address, try reader.readBytes(Int(size), "element data")) } catch {
      throw FirmwareError(error, format: .dfuSe)
    }
  }

  private static func read<Value>(
    _ reader: inout ByteReader, _ body: (inout ByteReader) throws(ParseError) -> Value
  ) throws(FirmwareError) -> Value {
    do { return try body(&reader) } catch { throw FirmwareError(error, format: .dfuSe) }
  }
}

extension DfuSeFile {
  /// The 11 bytes in front of the targets.
  private struct Header {
    var imageSize: UInt32
    var targetCount: UInt8

    init(parsing reader: inout ByteReader) throws(ParseError) {
      try reader.skip(signature.count, "szSignature")
      let place = reader.offset
      let version = try reader.readByte("bVersion")
      guard version == 1 else {
        throw ParseError(
          .invalid(value: "\(version)", rule: "only version 1 of the DfuSe format is known"),
          field: "bVersion", offset: place)
      }
      imageSize = try reader.readUInt32("DFUImageSize")
      let countPlace = reader.offset
      targetCount = try reader.readByte("bTargets")
      guard targetCount > 0 else {
        throw ParseError(
          .invalid(value: "0", rule: "a DfuSe file has at least one target"), field: "bTargets",
          offset: countPlace)
      }
    }

    func notes(fileCount: Int, suffix: DFUSuffix) throws(FirmwareError) -> [FirmwareNote] {
      var notes: [FirmwareNote] = []
      if Int(imageSize) == fileCount {
        notes.append(
          FirmwareNote(
            "image-size-with-suffix", .info,
            "DFUImageSize counts the DFU suffix too; ST's own files do not, and some programs "
              + "refuse it.", help: "Writing the file again corrects it."))
      } else if Int(imageSize) != fileCount - 16, Int(imageSize) != fileCount - suffix.length {
        notes.append(
          FirmwareNote(
            "image-size", .warning,
            "DFUImageSize is \(imageSize), but the file has \(fileCount - suffix.length) bytes in "
              + "front of its suffix."))
      }
      if suffix.dfuVersion != .dfuSe {
        notes.append(
          FirmwareNote(
            "dfuse-version", .warning,
            "bcdDFU of a DfuSe file should be 1.1a, but is \(suffix.dfuVersion).",
            help: "Writing the file again corrects it."))
      }
      if suffix.product.rawValue == 0 {
        notes.append(
          FirmwareNote(
            "product-wildcard", .info,
            "idProduct is 0000, as ST's file maker writes it: taken as any product of vendor "
              + "\(suffix.vendor)."))
      }
      return notes
    }
  }

  /// The 274 bytes in front of the elements of a target.
  private struct TargetHeader {
    var alternateSetting: UInt8
    var name: String?
    var hasNameGarbage: Bool
    var size: UInt32
    var elementCount: UInt32

    init(parsing reader: inout ByteReader) throws(ParseError) {
      let place = reader.offset
      guard try reader.readBytes(targetSignature.count, "target signature") == targetSignature
      else {
        throw ParseError(
          .invalid(value: "something else", rule: "every target begins with \"Target\""),
          field: "target signature", offset: place)
      }
      alternateSetting = try reader.readByte("bAlternateSetting")
      let isNamed = try reader.readUInt32("bTargetNamed") != 0
      let field = try reader.readBytes(nameLength, "szTargetName")
      let end = isNamed ? field.firstIndex(of: 0) ?? nameLength : 0
      name = end > 0 ? printableText(field[..<end]) : nil
      hasNameGarbage = field[end...].contains { $0 != 0 }
      size = try reader.readUInt32("dwTargetSize")
      elementCount = try reader.readUInt32("dwNbElements")
    }
  }

  /// The bytes of a container.
  ///
  /// - Parameters:
  ///   - targets: the targets, each with its image; elements are its contiguous stretches.
  ///   - suffix: the suffix; its version is 1.1a whatever it says.
  /// - Returns: the whole file.
  /// - Throws: ``FirmwareError`` where a name, a count or an address does not fit its field.
  static func encode(
    _ targets: [(alternateSetting: UInt8, name: String?, image: FirmwareImage)], suffix: DFUSuffix
  ) throws(FirmwareError) -> [UInt8] {
    guard !targets.isEmpty else { throw FirmwareFile.nothingToWrite(.dfuSe) }
    guard let count = UInt8(exactly: targets.count) else {
      throw FirmwareError(
        .notRepresentable, format: .dfuSe,
        sentence: "A DfuSe file holds at most 255 targets, not \(targets.count).")
    }
    var body: [UInt8] = []
    for target in targets { try append(target, to: &body) }
    guard let size = UInt32(exactly: body.count + prefixLength) else {
      throw FirmwareError(
        .tooLarge, format: .dfuSe,
        sentence: "\(body.count) bytes do not fit a DfuSe file, whose size has 32 bits.")
    }
    var file = signature
    file.append(1)
    file.appendLittleEndian(size)
    file.append(count)
    file += body
    var suffix = suffix
    suffix.dfuVersion = .dfuSe
    return try suffix.appended(to: file)
  }

  private static func append(
    _ target: (alternateSetting: UInt8, name: String?, image: FirmwareImage),
    to body: inout [UInt8]
  ) throws(FirmwareError) {
    try target.image.check32Bits(.dfuSe)
    guard !target.image.isEmpty else { throw FirmwareFile.nothingToWrite(.dfuSe) }
    let name = Array((target.name ?? "").utf8)
    guard name.count < nameLength, !name.contains(0) else {
      throw FirmwareError(
        .notRepresentable, format: .dfuSe,
        sentence: "The name of a target has at most 254 bytes and no NUL, but this one has "
          + "\(name.count).")
    }
    let extents = target.image.extents
    body += targetSignature
    body.append(target.alternateSetting)
    body.appendLittleEndian(UInt32(target.name == nil ? 0 : 1))
    body += name + [UInt8](repeating: 0, count: nameLength - name.count)
    body.appendLittleEndian(
      UInt32(truncatingIfNeeded: target.image.byteCount + 8 * extents.count))
    body.appendLittleEndian(UInt32(truncatingIfNeeded: extents.count))
    for extent in extents {
      body.appendLittleEndian(UInt32(truncatingIfNeeded: extent.lowerBound))
      body.appendLittleEndian(UInt32(truncatingIfNeeded: extent.upperBound - extent.lowerBound))
      body += target.image.bytes(in: extent)
    }
  }
}

extension FirmwareImage {
  /// Refuses an image beyond 32-bit addresses.
  func check32Bits(_ format: FirmwareFormat) throws(FirmwareError) {
    guard let range, range.upperBound > 1 << 32 else { return }
    throw FirmwareError(
      .addressOverflow, format: format,
      sentence: "The image reaches \(addressText(range.upperBound - 1)), but \(format.name) "
        + "addresses have 32 bits.")
  }
}
