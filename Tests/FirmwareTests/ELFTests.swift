import Testing
import USB

@testable import Firmware

struct ELFTests {
  private let program = ELFBuilder.program

  @Test func `bytes go to the load address, not to where they run`() throws {
    let file = try FirmwareFile(parsing: program.bytes)
    #expect(file.format == .elf)
    let image = try #require(file.onlyImage)
    #expect(image.extents == [0x0800_0000..<0x0800_0010])
    #expect(image.bytes(in: 0x0800_0000..<0x0800_0010) == Array(0..<16))
    #expect(
      image.segments.map(\.origin) == [
        .elfSegment(index: 0, section: ".text"), .elfSegment(index: 1, section: ".data"),
      ])
    #expect(file.entryPoint == 0x0800_0009)
    #expect(file.notes == [])
  }

  @Test func `headers in the first segment are dropped`() throws {
    var elf = program
    elf.segments[0] = .init(
      offset: 0, virtualAddress: 0x07FF_FF00, physicalAddress: 0x07FF_FF00, fileSize: 0x10C)
    let file = try FirmwareFile(parsing: elf.bytes)
    #expect(file.onlyImage?.extents == [0x0800_0000..<0x0800_0010])
    #expect(file.noteSlugs == ["bytes-outside-sections"])
  }

  @Test func `a segment of nothing but headers is dropped`() throws {
    var elf = program
    elf.segments.append(
      .init(offset: 0, virtualAddress: 0x07FF_0000, physicalAddress: 0x07FF_0000, fileSize: 0x94))
    #expect(
      try FirmwareFile(parsing: elf.bytes).onlyImage?.extents == [0x0800_0000..<0x0800_0010])
  }

  @Test func `without sections the segment counts, minus the headers at offset 0`() throws {
    var elf = program
    elf.sections = []
    #expect(
      try FirmwareFile(parsing: elf.bytes).onlyImage?.extents == [0x0800_0000..<0x0800_0010])
    elf.segments = [
      .init(offset: 0, virtualAddress: 0x0800_0000, physicalAddress: 0x0800_0000, fileSize: 0x110)
    ]
    let file = try FirmwareFile(parsing: elf.bytes)
    // 52 bytes of file header and 32 of the one program header.
    #expect(file.onlyImage?.range == 0x0800_0054..<0x0800_0110)
    #expect(file.noteSlugs == ["bytes-outside-sections"])
  }

  @Test func `zero-initialised memory and other segments are not loaded`() throws {
    var elf = program
    elf.segments.append(
      .init(offset: 0x110, virtualAddress: 0x2000_0004, physicalAddress: 0x2000_0004, fileSize: 0))
    elf.segments.append(
      .init(
        type: 4, offset: 0x100, virtualAddress: 0x0900_0000, physicalAddress: 0x0900_0000,
        fileSize: 4))
    elf.sections.append(.init(type: 8, offset: 0x110, size: 0xFFFF))
    let file = try FirmwareFile(parsing: elf.bytes)
    #expect(file.onlyImage?.extents == [0x0800_0000..<0x0800_0010])
    #expect(file.notes == [])
  }

  @Test(arguments: [0x2000_0000, 0x1000_0000, 0x2400_0000, 0x3000_0000] as [UInt32])
  func `a segment for RAM is left out, with a note`(address: UInt32) throws {
    var elf = program
    elf.segments[1].physicalAddress = address
    let file = try FirmwareFile(parsing: elf.bytes)
    #expect(file.onlyImage?.extents == [0x0800_0000..<0x0800_000C])
    #expect(file.noteSlugs == ["ram-segment"])
    let all = try FirmwareFile(parsing: elf.bytes, options: .init(keepsRAM: true))
    #expect(all.onlyImage?.byteCount == 16)
  }

  @Test func `a program for RAM alone is refused`() {
    var elf = program
    elf.segments = [elf.segments[1]]
    elf.segments[0].physicalAddress = 0x2000_0000
    #expect(errorCode(reading: elf.bytes) == .noData)
  }

  @Test func `load addresses that are all zero fall back to run addresses`() throws {
    var elf = program
    elf.segments[0].physicalAddress = 0
    elf.segments[1].physicalAddress = 0
    let file = try FirmwareFile(parsing: elf.bytes)
    #expect(file.onlyImage?.extents == [0x0800_0000..<0x0800_000C])
    #expect(file.noteSlugs == ["physical-addresses-zero", "ram-segment"])
  }

  @Test func `RISC-V is known, another machine is noted`() throws {
    var elf = program
    elf.machine = 243
    #expect(try FirmwareFile(parsing: elf.bytes).notes == [])
    elf.machine = 62
    #expect(try FirmwareFile(parsing: elf.bytes).noteSlugs == ["machine-unknown"])
  }

  @Test func `object files, 64 bits and big-endian files are refused`() {
    var object = program
    object.type = 1
    #expect(errorCode(reading: object.bytes) == .unsupported)
    for offset in [4, 5] {
      var bytes = program.bytes
      bytes[offset] = 2
      #expect(errorCode(reading: bytes) == .unsupported)
    }
  }

  @Test func `tables and segments beyond the file are refused`() {
    var bytes = program.bytes
    for offset in [28, 32] {
      bytes = program.bytes
      bytes.replaceSubrange(offset..<offset + 4, with: [0xF0, 0xFF, 0xFF, 0xFF])
      #expect(errorCode(reading: bytes) == .truncated)
    }
    var elf = program
    elf.segments[0].fileSize = 0xFFFF_FFFF
    #expect(errorCode(reading: elf.bytes) == .truncated)
    elf = program
    elf.segments[0].offset = 0xFFFF_FFFF
    #expect(errorCode(reading: elf.bytes) == .truncated)
    elf = program
    elf.sections[0].size = 0xFFFF_FFFF
    #expect(errorCode(reading: elf.bytes) == .truncated)
    elf = program
    elf.segments[0].physicalAddress = 0xFFFF_FFF8
    #expect(errorCode(reading: elf.bytes) == .addressOverflow)
  }

  @Test func `entry sizes below the specification's are refused`() {
    for length: UInt16 in [0, 31] {
      var elf = program
      elf.programEntryLength = length
      #expect(errorCode(reading: elf.bytes) == .malformed)
    }
    for length: UInt16 in [0, 39] {
      var elf = program
      elf.sectionEntryLength = length
      #expect(errorCode(reading: elf.bytes) == .malformed)
    }
  }

  @Test func `counts that do not fit 16 bits are in section 0`() throws {
    var elf = program
    elf.sectionCount = 0
    elf.extendedSectionCount = 4
    elf.programCount = 0xFFFF
    elf.extendedProgramCount = 2
    let file = try FirmwareFile(parsing: elf.bytes)
    #expect(file.onlyImage?.byteCount == 16)
    elf.extendedSectionCount = 0xFFFF_FFFF
    #expect(errorCode(reading: elf.bytes) == .truncated)
    elf.extendedSectionCount = 4
    elf.extendedProgramCount = 0xFFFF_FFFF
    #expect(errorCode(reading: elf.bytes) == .truncated)
  }

  @Test func `segments that disagree are refused, and many that claim the same bytes`() {
    var elf = program
    elf.segments[1].physicalAddress = 0x0800_0008
    #expect(errorCode(reading: elf.bytes) == .overlap)
    elf = program
    // Each of the segments claims the whole file for an address of its own.
    elf.segments = (0..<4).map {
      .init(
        offset: 0, virtualAddress: $0 << 20, physicalAddress: $0 << 20,
        fileSize: UInt32(program.bytes.count))
    }
    #expect(errorCode(reading: elf.bytes) == .malformed)
  }

  @Test func `overlapping sections give each byte once`() throws {
    var elf = program
    elf.sections.append(.init(name: 1, offset: 0x104, size: 10))
    let file = try FirmwareFile(parsing: elf.bytes)
    #expect(file.onlyImage?.bytes(in: 0x0800_0000..<0x0800_0010) == Array(0..<16))
  }

  @Test func `a section's name cannot move the cursor and has a limit`() throws {
    var elf = program
    elf.contents[0x17] = 0x1B
    let origin = try FirmwareFile(parsing: elf.bytes).onlyImage?.segments.last?.origin
    #expect(origin == .elfSegment(index: 1, section: "\u{FFFD}data"))
    elf.nameSection = 77
    let unnamed = try FirmwareFile(parsing: elf.bytes).onlyImage?.segments.last?.origin
    #expect(unnamed == .elfSegment(index: 1, section: nil))
  }

  @Test func `what is written reads back`() throws {
    let image = try Samples.image(
      (0x0800_0000, [1, 2, 3]), (0x0801_0000, [4]), (0x9000_0000, [5, 6]), entryPoint: 0x0800_0001)
    let bytes = try FirmwareFile(image: image).encoded(as: .elf)
    let back = try FirmwareFile(parsing: bytes)
    #expect(back.onlyImage == image)
    #expect(back.notes == [])
    #expect(
      back.onlyImage?.segments.map(\.origin) == [
        .elfSegment(index: 0, section: ".text"), .elfSegment(index: 1, section: ".text.08010000"),
        .elfSegment(index: 2, section: ".text.90000000"),
      ])
  }
}
