internal import USB

/// The header of an ELF file, and the tables it points to, checked against the length of the file.
struct ELFHeader {
  /// A table of equal entries inside the file.
  struct Table {
    var offset: Int
    var entryLength: Int
    var count: Int
    var end: Int { offset + entryLength * count }
  }

  var machine: UInt16
  var entryPoint: UInt32
  var length: Int
  var programHeaders: Table
  var sectionHeaders: Table
  var nameSection: Int

  private enum SectionType {
    static let null: UInt32 = 0
    static let noBits: UInt32 = 8
  }
  private static let allocated: UInt32 = 2
  private static let loadable: UInt32 = 1

  init(_ bytes: [UInt8]) throws(FirmwareError) {
    guard bytes.count >= ELFFile.headerLength else {
      throw Self.cut("The ELF header has 52 bytes, but the file only \(bytes.count)", bytes.count)
    }
    guard bytes[4] == 1 else {
      throw Self.unsupported(4, "EI_CLASS is \(bytes[4]): only 32-bit programs (1) are read")
    }
    guard bytes[5] == 1 else {
      throw Self.unsupported(5, "EI_DATA is \(bytes[5]): only little-endian programs (1) are read")
    }
    let header = bytes[...]
    let type = header.littleEndian16(at: 16)
    guard type == 2 || type == 3 else {
      throw Self.unsupported(
        16,
        type == 1
          ? "e_type is 1: an object file, which has no addresses yet. Link it first"
          : "e_type is \(type): only programs (2, 3) are read")
    }
    machine = header.littleEndian16(at: 18)
    entryPoint = header.littleEndian32(at: 24)
    length = max(ELFFile.headerLength, Int(header.littleEndian16(at: 40)))
    sectionHeaders = Table(
      offset: Int(header.littleEndian32(at: 32)), entryLength: Int(header.littleEndian16(at: 46)),
      count: Int(header.littleEndian16(at: 48)))
    programHeaders = Table(
      offset: Int(header.littleEndian32(at: 28)), entryLength: Int(header.littleEndian16(at: 42)),
      count: Int(header.littleEndian16(at: 44)))
    nameSection = Int(header.littleEndian16(at: 50))
    try readExtendedCounts(bytes)
    try Self.check(programHeaders, "e_ph", ELFFile.programHeaderLength, bytes.count)
    try Self.check(sectionHeaders, "e_sh", ELFFile.sectionHeaderLength, bytes.count)
  }

  // Counts that do not fit 16 bits are in section 0 (ELF specification, "Sections").
  private mutating func readExtendedCounts(_ bytes: [UInt8]) throws(FirmwareError) {
    if sectionHeaders.offset == 0 {
      sectionHeaders.count = 0
      return
    }
    let isExtended = sectionHeaders.count == 0 || programHeaders.count == 0xFFFF
    guard isExtended || nameSection == 0xFFFF else { return }
    var first = sectionHeaders
    first.count = 1
    try Self.check(first, "e_sh", ELFFile.sectionHeaderLength, bytes.count)
    func word(_ offset: Int) -> Int { Int(bytes[...].littleEndian32(at: first.offset + offset)) }
    if sectionHeaders.count == 0 { sectionHeaders.count = word(20) }
    if nameSection == 0xFFFF { nameSection = word(24) }
    if programHeaders.count == 0xFFFF { programHeaders.count = word(28) }
  }

  /// Behind the file header, and behind the program headers where they follow it.
  var end: Int {
    let follows = programHeaders.count > 0 && programHeaders.offset <= (length + 15) / 16 * 16
    return follows ? max(length, programHeaders.end) : length
  }

  var notes: [FirmwareNote] {
    let known: [UInt16: String] = [40: "Arm", 243: "RISC-V"]
    guard known[machine] == nil else { return [] }
    return [
      FirmwareNote(
        "machine-unknown", .warning,
        "e_machine is \(machine), neither Arm (40) nor RISC-V (243): is this program for a "
          + "microcontroller?")
    ]
  }

  /// The PT_LOAD segments that have bytes in the file, in their order.
  func loadableSegments(_ bytes: [UInt8]) throws(FirmwareError) -> [ELFSegment] {
    var segments: [ELFSegment] = []
    for index in 0..<programHeaders.count {
      let place = programHeaders.offset + index * programHeaders.entryLength
      func word(_ offset: Int) -> UInt32 { bytes[...].littleEndian32(at: place + offset) }
      guard word(0) == Self.loadable, word(16) > 0 else { continue }
      let segment = ELFSegment(
        index: index, offset: Int(word(4)), virtualAddress: word(8), physicalAddress: word(12),
        fileSize: Int(word(16)))
      guard segment.offset + segment.fileSize <= bytes.count else {
        throw Self.cut(
          "Segment \(index) needs \(segment.fileSize) bytes at offset \(segment.offset), but the "
            + "file has only \(bytes.count)", place + 4)
      }
      guard
        max(segment.loadAddress, UInt64(segment.virtualAddress)) + UInt64(segment.fileSize)
          <= 1 << 32
      else {
        throw FirmwareError(
          .addressOverflow, format: .elf, place: .offset(place + 8),
          sentence: "Segment \(index), \(segment.fileSize) bytes at "
            + "\(addressText(segment.loadAddress)), runs beyond the last address, 0xFFFFFFFF.")
      }
      segments.append(segment)
    }
    return segments
  }

  /// The stretches of the file that allocated sections with bytes cover, ascending and disjoint;
  /// nil where the sections were stripped.
  func loadableSections(_ bytes: [UInt8]) throws(FirmwareError) -> [ELFSection]? {
    var found: [(range: Range<Int>, name: Int)] = []
    for index in 0..<sectionHeaders.count {
      let place = sectionHeaders.offset + index * sectionHeaders.entryLength
      func word(_ offset: Int) -> UInt32 { bytes[...].littleEndian32(at: place + offset) }
      let type = word(4)
      guard type != SectionType.null, type != SectionType.noBits, word(8) & Self.allocated != 0,
        word(20) > 0
      else { continue }
      let start = Int(word(16))
      guard start + Int(word(20)) <= bytes.count else {
        throw Self.cut(
          "Section \(index) needs \(word(20)) bytes at offset \(start), but the file has only "
            + "\(bytes.count)", place + 16)
      }
      found.append((start..<start + Int(word(20)), Int(word(0))))
    }
    guard !found.isEmpty else { return nil }
    found.sort {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    let names = nameTable(bytes)
    var sections: [ELFSection] = []
    for (range, nameOffset) in found {
      let start = max(range.lowerBound, sections.last?.range.upperBound ?? 0)
      guard start < range.upperBound else { continue }
      sections.append(
        ELFSection(range: start..<range.upperBound, name: Self.name(at: nameOffset, in: names)))
    }
    return sections
  }

  /// The bytes of the section that holds the names; none where it is damaged, since names are only
  /// for people.
  private func nameTable(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
    guard nameSection < sectionHeaders.count else { return [] }
    let place = sectionHeaders.offset + nameSection * sectionHeaders.entryLength
    let start = Int(bytes[...].littleEndian32(at: place + 16))
    let size = Int(bytes[...].littleEndian32(at: place + 20))
    guard start + size <= bytes.count else { return [] }
    return bytes[start..<start + size]
  }

  private static func name(at offset: Int, in names: ArraySlice<UInt8>) -> String? {
    guard offset < names.count else { return nil }
    let text = names[(names.startIndex + offset)...].prefix(64).prefix { $0 != 0 }
    return text.isEmpty ? nil : printableText(text)
  }

  private static func check(
    _ table: Table, _ field: String, _ minimum: Int, _ fileCount: Int
  ) throws(FirmwareError) {
    guard table.count > 0 else { return }
    guard table.entryLength >= minimum else {
      throw FirmwareError(
        .malformed, format: .elf, place: .offset(field == "e_ph" ? 42 : 46),
        sentence:
          "\(field)entsize is \(table.entryLength); an entry has at least \(minimum) bytes.",
        help: "The file is damaged: link it again.")
    }
    guard table.offset <= fileCount, table.count <= (fileCount - table.offset) / table.entryLength
    else {
      throw cut(
        "\(table.count) entries at offset \(table.offset) (\(field)off, \(field)num) do not fit a "
          + "file of \(fileCount) bytes", field == "e_ph" ? 28 : 32)
    }
  }

  private static func cut(_ sentence: String, _ offset: Int) -> FirmwareError {
    FirmwareError(
      .truncated, format: .elf, place: .offset(offset), sentence: sentence + ".",
      help: "The file is cut short or damaged: link or fetch it again.")
  }

  private static func unsupported(_ offset: Int, _ sentence: String) -> FirmwareError {
    FirmwareError(
      .unsupported, format: .elf, place: .offset(offset), sentence: sentence + ".")
  }
}
