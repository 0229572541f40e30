@testable import Firmware

/// A 32-bit ELF file built field by field, so that each field can be wrong.
struct ELFBuilder {
  struct Segment {
    var type: UInt32 = 1
    var offset: UInt32
    var virtualAddress: UInt32
    var physicalAddress: UInt32
    var fileSize: UInt32
  }

  struct Section {
    var name: UInt32 = 0
    var type: UInt32 = 1
    var flags: UInt32 = 2
    var offset: UInt32
    var size: UInt32
  }

  var type: UInt16 = 2
  var machine: UInt16 = 40
  var entryPoint: UInt32 = 0
  var segments: [Segment] = []
  var sections: [Section] = []
  /// What stands at offset 0x100.
  var contents: [UInt8] = []
  var programEntryLength: UInt16 = 32
  var sectionEntryLength: UInt16 = 40
  var programCount: UInt16?
  var sectionCount: UInt16?
  var nameSection: UInt16 = 0
  /// `sh_size` and `sh_info` of section 0.
  var extendedSectionCount: UInt32 = 0
  var extendedProgramCount: UInt32 = 0

  var bytes: [UInt8] {
    var file: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 1, 1, 1] + Samples.zeros(9)
    file.appendLittleEndian(type)
    file.appendLittleEndian(machine)
    let sectionStart = UInt32(0x100 + contents.count)
    for word in [1, entryPoint, 52, sections.isEmpty ? 0 : sectionStart, 0] {
      file.appendLittleEndian(word)
    }
    let sectionTotal = UInt16(sections.isEmpty ? 0 : sections.count + 1)
    let halves: [UInt16] = [
      52, programEntryLength, programCount ?? UInt16(segments.count), sectionEntryLength,
      sectionCount ?? sectionTotal, nameSection,
    ]
    for half in halves { file.appendLittleEndian(half) }
    for segment in segments {
      for word in [
        segment.type, segment.offset, segment.virtualAddress, segment.physicalAddress,
        segment.fileSize, segment.fileSize, 5, 1,
      ] { file.appendLittleEndian(word) }
    }
    file += Samples.zeros(max(0, 0x100 - file.count))
    file += contents
    guard !sections.isEmpty else { return file }
    for word in [0, 0, 0, 0, 0, extendedSectionCount, 0, extendedProgramCount, 0, 0] {
      file.appendLittleEndian(word as UInt32)
    }
    for section in sections {
      for word in [
        section.name, section.type, section.flags, 0, section.offset, section.size, 0, 0, 1, 0,
      ] { file.appendLittleEndian(word) }
    }
    return file
  }

  /// Code at 0x08000000, and initial values behind it that run at 0x20000000.
  static let program = ELFBuilder(
    entryPoint: 0x0800_0009,
    segments: [
      Segment(
        offset: 0x100, virtualAddress: 0x0800_0000, physicalAddress: 0x0800_0000, fileSize: 12),
      Segment(
        offset: 0x10C, virtualAddress: 0x2000_0000, physicalAddress: 0x0800_000C, fileSize: 4),
    ],
    sections: [
      Section(name: 1, offset: 0x100, size: 12), Section(name: 7, offset: 0x10C, size: 4),
      Section(name: 0, type: 3, flags: 0, offset: 0x110, size: 16),
    ],
    contents: Array(0..<16) + Array("\0.text\0.data\0\0\0\0".utf8), nameSection: 3)
}
