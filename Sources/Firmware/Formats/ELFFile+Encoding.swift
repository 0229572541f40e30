internal import USB

/// Writing a minimal program: one PT_LOAD segment and one section for each contiguous stretch.
extension ELFFile {
  private static let arm: UInt16 = 40
  private static let armEABI5: UInt32 = 0x0500_0000
  // Higher section numbers are reserved (SHN_LORESERVE).
  private static let maximumSections = 0xFF00

  /// The bytes of an executable for Arm.
  ///
  /// - Parameter image: the image; not empty.
  /// - Returns: the file.
  /// - Throws: ``FirmwareError`` where an address does not fit 32 bits, or there are too many
  ///   stretches.
  static func encode(_ image: FirmwareImage) throws(FirmwareError) -> [UInt8] {
    try image.check32Bits(.elf)
    guard !image.isEmpty else { throw FirmwareFile.nothingToWrite(.elf) }
    let extents = image.extents
    guard extents.count + 2 < maximumSections else {
      throw FirmwareError(
        .notRepresentable, format: .elf,
        sentence: "An ELF file of this program holds fewer than \(maximumSections) sections, but "
          + "the image has \(extents.count) separate stretches.")
    }
    guard let entryPoint = UInt32(exactly: image.entryPoint ?? 0) else {
      throw FirmwareError(
        .addressOverflow, format: .elf, sentence: "The entry point does not fit 32 bits.")
    }
    // The layout: header, program headers, contents, names, section headers.
    var contents: [UInt8] = []
    var names: [UInt8] = [0]
    var programHeaders: [UInt8] = []
    var sectionHeaders = [UInt8](repeating: 0, count: sectionHeaderLength)
    let contentStart = headerLength + programHeaderLength * extents.count
    for (index, extent) in extents.enumerated() {
      contents.pad(to: 4)
      let offset = UInt32(truncatingIfNeeded: contentStart + contents.count)
      let address = UInt32(truncatingIfNeeded: extent.lowerBound)
      let size = UInt32(truncatingIfNeeded: extent.upperBound - extent.lowerBound)
      for word in [1, offset, address, address, size, size, 5, 1] {
        programHeaders.appendLittleEndian(word)
      }
      let name = UInt32(truncatingIfNeeded: names.count)
      names += Array(index == 0 ? ".text".utf8 : ".text.\(hex(address))".utf8) + [0]
      // PROGBITS, allocated and executable.
      for word in [name, 1, 6, address, offset, size, 0, 0, 1, 0] {
        sectionHeaders.appendLittleEndian(word)
      }
      contents += image.bytes(in: extent)
    }
    let name = UInt32(truncatingIfNeeded: names.count)
    names += Array(".shstrtab".utf8) + [0]
    let namesStart = UInt32(truncatingIfNeeded: contentStart + contents.count)
    contents += names
    contents.pad(to: 4)
    for word in [name, 3, 0, 0, namesStart, UInt32(names.count), 0, 0, 1, 0] {
      sectionHeaders.appendLittleEndian(word)
    }
    guard let sectionStart = UInt32(exactly: contentStart + contents.count) else {
      throw FirmwareError(
        .tooLarge, format: .elf, sentence: "The image does not fit a 32-bit ELF file.")
    }
    return header(extents.count, entryPoint, sectionStart) + programHeaders + contents
      + sectionHeaders
  }

  private static func header(
    _ segments: Int, _ entryPoint: UInt32, _ sectionStart: UInt32
  ) -> [UInt8] {
    var header = magic + [1, 1, 1] + [UInt8](repeating: 0, count: 9)
    header.appendLittleEndian(UInt16(2))
    header.appendLittleEndian(arm)
    for word in [1, entryPoint, UInt32(headerLength), sectionStart, armEABI5] {
      header.appendLittleEndian(word)
    }
    for half in [
      headerLength, programHeaderLength, segments, sectionHeaderLength, segments + 2, segments + 1,
    ] { header.appendLittleEndian(UInt16(truncatingIfNeeded: half)) }
    return header
  }
}

extension [UInt8] {
  /// Adds zeros up to a multiple of `alignment`.
  fileprivate mutating func pad(to alignment: Int) {
    while count % alignment != 0 { append(0) }
  }
}
