internal import USB

/// Linked programs: the loadable bytes of a 32-bit little-endian ELF file.
///
/// Bytes come from PT_LOAD program headers and go to `p_paddr`, the load address; `p_vaddr` is where
/// the program will see them. Only what allocated sections cover is taken, because linkers put the
/// file's own headers into the first segment.
enum ELFFile {
  static let magic: [UInt8] = [0x7F, 0x45, 0x4C, 0x46]
  static let headerLength = 52
  static let programHeaderLength = 32
  static let sectionHeaderLength = 40

  /// Where loadable bytes are RAM contents: core-coupled memory, and the SRAM region of Armv7-M,
  /// where RISC-V microcontrollers have theirs too.
  static let ramRanges: [Range<UInt64>] = [0x1000_0000..<0x1008_0000, 0x2000_0000..<0x4000_0000]

  /// Whether `bytes` begin with the magic number.
  static func looksLike(_ bytes: ArraySlice<UInt8>) -> Bool { bytes.starts(with: magic) }

  /// Reads the loadable bytes of a program.
  ///
  /// - Parameters:
  ///   - bytes: the file.
  ///   - keepsRAM: takes segments that are loaded to RAM too.
  /// - Returns: the image, with its entry point, and what was left out or assumed.
  /// - Throws: ``FirmwareError`` where the file is damaged, or not a program for such a chip.
  static func decode(
    _ bytes: [UInt8], keepsRAM: Bool = false
  ) throws(FirmwareError) -> (image: FirmwareImage, notes: [FirmwareNote]) {
    let header = try ELFHeader(bytes)
    var notes = header.notes
    let sections = try header.loadableSections(bytes)
    var segments = try header.loadableSegments(bytes)
    if segments.allSatisfy({ $0.physicalAddress == 0 }),
      segments.contains(where: { $0.virtualAddress != 0 })
    {
      for index in segments.indices {
        segments[index].physicalAddress = segments[index].virtualAddress
      }
      notes.append(
        FirmwareNote(
          "physical-addresses-zero", .warning,
          "Every load address (p_paddr) is zero; the run addresses (p_vaddr) are taken instead."))
    }
    var left = LeftOut()
    var image = FirmwareImage()
    // A segment's bytes belong to it alone in every real file; twice the file is room enough, and
    // keeps a hostile one from asking for gigabytes.
    var budget = bytes.count * 2
    for segment in segments {
      if !keepsRAM, ramRanges.contains(where: { $0.contains(segment.loadAddress) }) {
        left.addRAM(segment)
        continue
      }
      budget -= segment.fileSize
      guard budget >= 0 else {
        throw FirmwareError(
          .malformed, format: .elf, place: .offset(header.programHeaders.offset),
          sentence: "The segments together claim more than twice the bytes of the file.",
          help: "The file is damaged: link it again.")
      }
      try load(segment, sections, header, bytes, into: &image, &left)
    }
    notes += left.notes
    image.entryPoint = header.entryPoint == 0 ? nil : UInt64(header.entryPoint)
    guard !image.isEmpty else {
      throw FirmwareError(
        .noData, format: .elf,
        sentence: left.ramSegments > 0
          ? "Every loadable segment of the program goes to RAM, none to flash."
          : "The program has no loadable bytes.",
        help: left.ramSegments > 0
          ? "Such a program is loaded by a debugger. For flash, link it at the flash's address."
          : nil)
    }
    return (image, notes)
  }

  private static func load(
    _ segment: ELFSegment, _ sections: [ELFSection]?, _ header: ELFHeader, _ bytes: [UInt8],
    into image: inout FirmwareImage, _ left: inout LeftOut
  ) throws(FirmwareError) {
    let whole = segment.offset..<segment.offset + segment.fileSize
    var parts: [ELFSection] = []
    if let sections {
      var index = sections.partitioningIndex { $0.range.upperBound > whole.lowerBound }
      while index < sections.count, sections[index].range.lowerBound < whole.upperBound {
        let range = sections[index].range.clamped(to: whole)
        parts.append(ELFSection(range: range, name: sections[index].name))
        index += 1
      }
    } else {
      // Without sections nothing says where the headers end, except the headers themselves.
      let start = segment.offset == 0 ? min(header.end, whole.upperBound) : whole.lowerBound
      if start < whole.upperBound {
        parts = [ELFSection(range: start..<whole.upperBound, name: nil)]
      }
    }
    left.outside += segment.fileSize
    for part in parts {
      left.outside -= part.range.count
      let address = segment.loadAddress + UInt64(part.range.lowerBound - segment.offset)
      do {
        try image.insert(
          bytes[part.range], at: address,
          origin: .elfSegment(index: segment.index, section: part.name))
      } catch { throw error.inFormat(.elf) }
    }
  }
}

/// What was not taken from the file, for one note each however many segments there are.
private struct LeftOut {
  var ramSegments = 0
  var ramBytes = 0
  var firstRAMAddress: UInt64 = 0
  var outside = 0

  mutating func addRAM(_ segment: ELFSegment) {
    if ramSegments == 0 { firstRAMAddress = segment.loadAddress }
    ramSegments += 1
    ramBytes += segment.fileSize
  }

  var notes: [FirmwareNote] {
    var notes: [FirmwareNote] = []
    if ramSegments > 0 {
      let what = ramSegments == 1 ? "A segment" : "\(ramSegments) segments"
      notes.append(
        FirmwareNote(
          "ram-segment", .warning,
          "\(what) with \(ramBytes) bytes for RAM, at \(addressText(firstRAMAddress)), "
            + "\(ramSegments == 1 ? "is" : "are") left out.",
          help:
            "If these are initial values of variables, the linker script lacks `AT> flash`. If they "
            + "belong to the image, as on chips with flash at 0x10000000, --keep-ram keeps them."))
    }
    if outside > 0 {
      notes.append(
        FirmwareNote(
          "bytes-outside-sections", .info,
          "\(outside) bytes of segments belong to no section (the file's own headers, padding) and "
            + "are left out."))
    }
    return notes
  }
}

/// A loadable segment: the fields of its program header that matter here.
struct ELFSegment {
  var index: Int
  var offset: Int
  var virtualAddress: UInt32
  var physicalAddress: UInt32
  var fileSize: Int

  var loadAddress: UInt64 { UInt64(physicalAddress) }
}

/// A stretch of the file that belongs to an allocated section.
struct ELFSection {
  var range: Range<Int>
  var name: String?
}
