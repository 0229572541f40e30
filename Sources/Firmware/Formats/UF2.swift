internal import USB

/// USB Flashing Format: blocks of 512 bytes, each with the address of its payload.
///
/// Block: magic (4), magic (4), flags (4), address (4), payload size (4), block number (4), number
/// of blocks (4), family or file size (4), data (476), magic (4), little-endian.
enum UF2 {
  static let blockLength = 512
  private static let dataOffset = 32
  private static let dataLength = 476
  private static let magics: [(offset: Int, value: UInt32)] = [
    (0, 0x0A32_4655), (4, 0x9E5D_5157), (508, 0x0AB1_6F30),
  ]

  private struct Flags: OptionSet {
    var rawValue: UInt32
    static let notMainFlash = Flags(rawValue: 0x0000_0001)
    static let fileContainer = Flags(rawValue: 0x0000_1000)
    static let familyID = Flags(rawValue: 0x0000_2000)
    static let md5 = Flags(rawValue: 0x0000_4000)
    static let extensionTags = Flags(rawValue: 0x0000_8000)
  }

  private struct Block {
    var index: Int
    var flags: Flags
    var address: UInt32
    var payloadSize: Int
    var number: UInt32
    var total: UInt32
    var family: UF2Family?

    var isForMainFlash: Bool { flags.isDisjoint(with: [.notMainFlash, .fileContainer]) }
    /// Where the payload, and the tags behind it, must end: an MD5 takes the last 24 data bytes.
    var dataLimit: Int { flags.contains(.md5) ? dataLength - 24 : dataLength }
  }

  /// Whether `bytes` begin with the first magic number.
  static func looksLike(_ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.starts(with: Array("UF2\n".utf8))
  }

  /// Reads the blocks of one family into an image.
  ///
  /// - Parameters:
  ///   - bytes: the file.
  ///   - chosen: the family wanted; needed only where the file has several.
  /// - Returns: the image and what was accepted leniently.
  /// - Throws: ``FirmwareError`` where a block is damaged or missing, or the family is not clear.
  static func decode(
    _ bytes: [UInt8], family chosen: UF2Family? = nil
  ) throws(FirmwareError) -> (image: FirmwareImage, notes: [FirmwareNote]) {
    let blocks = try readBlocks(bytes)
    var notes: [FirmwareNote] = []
    let family = try chooseFamily(of: blocks, chosen)
    let used = blocks.filter { $0.family == nil || family == nil || $0.family == family }
    if used.count < blocks.count {
      notes.append(
        FirmwareNote(
          "other-families", .info,
          "\(blocks.count - used.count) blocks are for other families and are left out."))
    }
    if let family {
      notes.append(FirmwareNote("family", .info, "The file is for \(family)."))
    }
    try checkNumbers(of: used, fileCount: bytes.count, &notes)
    var image = FirmwareImage()
    var skipped = 0
    for block in used {
      guard block.isForMainFlash else {
        skipped += 1
        continue
      }
      let start = block.index * blockLength + dataOffset
      do {
        try image.insert(
          bytes[start..<start + block.payloadSize], at: UInt64(block.address),
          origin: .block(block.index))
      } catch { throw error.inFormat(.uf2) }
    }
    if skipped > 0 {
      notes.append(
        FirmwareNote(
          "blocks-skipped", .info,
          "\(skipped) blocks are not for the main flash (files or comments) and are left out."))
    }
    notes += tagNotes(used, bytes)
    guard !image.isEmpty else {
      throw FirmwareError(
        .noData, format: .uf2, sentence: "No block of the file has bytes for the main flash.")
    }
    return (image, notes)
  }

  private static func readBlocks(_ bytes: [UInt8]) throws(FirmwareError) -> [Block] {
    let count = bytes.count / blockLength
    guard count > 0 else {
      throw FirmwareError(
        .truncated, format: .uf2, place: .offset(bytes.count),
        sentence: "A UF2 block has 512 bytes, but the file has only \(bytes.count).",
        help: "The file is cut short: fetch it again.")
    }
    var blocks: [Block] = []
    blocks.reserveCapacity(count)
    for index in 0..<count { blocks.append(try readBlock(bytes[...], index)) }
    return blocks
  }

  private static func readBlock(
    _ bytes: ArraySlice<UInt8>, _ index: Int
  ) throws(FirmwareError) -> Block {
    let start = index * blockLength
    func word(_ offset: Int) -> UInt32 { bytes.littleEndian32(at: start + offset) }
    func refuse(_ code: FirmwareError.Code, _ offset: Int, _ sentence: String) -> FirmwareError {
      FirmwareError(
        code, format: .uf2, place: .offset(start + offset),
        sentence: "Block \(index) at offset \(start): \(sentence).",
        help: "The file is damaged: fetch or build it again.")
    }
    for magic in magics where word(magic.offset) != magic.value {
      throw refuse(
        .malformed, magic.offset,
        "the word at \(magic.offset) is 0x\(hex(word(magic.offset))), not 0x\(hex(magic.value))")
    }
    let flags = Flags(rawValue: word(8))
    let block = Block(
      index: index, flags: flags, address: word(12), payloadSize: Int(word(16)), number: word(20),
      total: word(24), family: flags.contains(.familyID) ? UF2Family(word(28)) : nil)
    guard block.payloadSize <= block.dataLimit else {
      throw refuse(
        .malformed, 16,
        "the payload size is \(block.payloadSize), but at most \(block.dataLimit) bytes fit")
    }
    guard UInt64(block.address) + UInt64(block.payloadSize) <= 1 << 32 else {
      throw refuse(
        .addressOverflow, 12,
        "\(block.payloadSize) bytes at \(addressText(UInt64(block.address))) run beyond 0xFFFFFFFF")
    }
    return block
  }

  private static func chooseFamily(
    of blocks: [Block], _ chosen: UF2Family?
  ) throws(FirmwareError) -> UF2Family? {
    var families: [UF2Family] = []
    // Families are few in real files; a set keeps a hostile one with thousands cheap.
    var seen: Set<UF2Family> = []
    for block in blocks where block.isForMainFlash {
      if let family = block.family, seen.insert(family).inserted { families.append(family) }
    }
    let list = families.prefix(8).map(\.description).joined(separator: ", ")
    if let chosen {
      guard families.isEmpty || seen.contains(chosen) else {
        throw FirmwareError(
          .unknownFamily, format: .uf2,
          sentence: "The file has no blocks for \(chosen), only for \(list).")
      }
      return families.isEmpty ? nil : chosen
    }
    if families.count > 1 { families.removeAll { $0 == .absolute } }
    guard families.count <= 1 else {
      throw FirmwareError(
        .ambiguousFamily, format: .uf2,
        sentence: "The file is for \(families.count) families: \(list).",
        help: "Choose one with --family.")
    }
    return families.first
  }

  private static func checkNumbers(
    of blocks: [Block], fileCount: Int, _ notes: inout [FirmwareNote]
  ) throws(FirmwareError) {
    let rest = fileCount % blockLength
    let totals = Set(blocks.map(\.total))
    let total = totals.first ?? 0
    if totals.count == 1 {
      var next: UInt32 = 0
      for number in Set(blocks.map(\.number)).sorted() where number < total {
        guard number == next else { break }
        next += 1
      }
      guard next >= total else {
        throw FirmwareError(
          .truncated, format: .uf2, place: .offset(fileCount),
          sentence: "Block number \(next) of \(total) is missing.",
          help: "The file is cut short: fetch it again.")
      }
    } else {
      notes.append(
        FirmwareNote(
          "block-totals", .warning,
          "The blocks do not agree on their number, so nothing says whether all are there."))
    }
    if blocks.contains(where: { $0.number >= $0.total }) {
      notes.append(
        FirmwareNote(
          "block-number", .warning, "Some block numbers are not below the number of blocks."))
    }
    guard rest != 0 else { return }
    guard totals.count == 1 else {
      throw FirmwareError(
        .truncated, format: .uf2, place: .offset(fileCount - rest),
        sentence: "The last block has only \(rest) of its 512 bytes.",
        help: "The file is cut short: fetch it again.")
    }
    notes.append(
      FirmwareNote(
        "trailing-bytes", .warning,
        "\(rest) bytes behind the last block, at offset \(fileCount - rest), are left out."))
  }
}

/// Extension tags: size (1, itself included), type (3), data, padded to 4 bytes; size 0 ends.
extension UF2 {
  private static let textTags: [UInt32: String] = [0x9FC7BC: "version", 0x650D9D: "description"]

  private static func tagNotes(_ blocks: [Block], _ bytes: [UInt8]) -> [FirmwareNote] {
    var notes: [FirmwareNote] = []
    func add(_ note: FirmwareNote) {
      if notes.count < 8, !notes.contains(note) { notes.append(note) }
    }
    for block in blocks where block.flags.contains(.extensionTags) {
      let start = block.index * blockLength + dataOffset
      let end = start + block.dataLimit
      var offset = start + (block.payloadSize + 3) / 4 * 4
      while offset + 4 <= end {
        let word = bytes[...].littleEndian32(at: offset)
        let size = Int(word & 0xFF)
        if size == 0 { break }
        guard size >= 4, offset + size <= end else {
          add(
            FirmwareNote(
              "extension-tag", .warning, "Block \(block.index) has an extension tag that is cut."))
          break
        }
        if let name = textTags[word >> 8] {
          let text = printableText(bytes[offset + 4..<offset + size])
          add(FirmwareNote("uf2-\(name)", .info, "The file's \(name): \(text)"))
        }
        offset += (size + 3) / 4 * 4
      }
    }
    if blocks.contains(where: { $0.flags.contains(.md5) }) {
      add(
        FirmwareNote(
          "md5-not-checked", .info,
          "Blocks carry MD5 sums of flash regions, which are for the device and were not checked."))
    }
    return notes
  }
}

extension UF2 {
  /// The most payload that all loaders take, and the page that they align it to.
  private static let payloadSize: UInt64 = 256

  /// The bytes of a UF2 file.
  ///
  /// Blocks begin at multiples of 256, except where the image begins between two; a block that the
  /// image does not fill is short and not padded.
  ///
  /// - Parameters:
  ///   - image: the image; not empty.
  ///   - family: the family to write; without it blocks carry none.
  /// - Returns: the file.
  /// - Throws: ``FirmwareError`` where an address does not fit 32 bits.
  static func encode(
    _ image: FirmwareImage, family: UF2Family? = nil
  ) throws(FirmwareError) -> [UInt8] {
    try image.check32Bits(.uf2)
    guard !image.isEmpty else { throw FirmwareFile.nothingToWrite(.uf2) }
    var payloads: [Range<UInt64>] = []
    for extent in image.extents {
      var start = extent.lowerBound
      while start < extent.upperBound {
        let end = min(extent.upperBound, (start / payloadSize + 1) * payloadSize)
        payloads.append(start..<end)
        start = end
      }
    }
    var file: [UInt8] = []
    file.reserveCapacity(payloads.count * blockLength)
    for (number, range) in payloads.enumerated() {
      let payload = image.bytes(in: range)
      let flags: Flags = family == nil ? [] : [.familyID]
      for word in [
        magics[0].value, magics[1].value, flags.rawValue,
        UInt32(truncatingIfNeeded: range.lowerBound),
        UInt32(payload.count), UInt32(truncatingIfNeeded: number),
        UInt32(truncatingIfNeeded: payloads.count), family?.rawValue ?? 0,
      ] { file.appendLittleEndian(word) }
      file += payload
      file += repeatElement(0, count: dataLength - payload.count)
      file.appendLittleEndian(magics[2].value)
    }
    return file
  }
}
