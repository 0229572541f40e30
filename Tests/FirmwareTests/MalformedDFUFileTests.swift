import Testing
import USB

@testable import Firmware

/// One test for each row of the table of malformed DFU and DfuSe files that other programs disagree
/// about.
struct MalformedDFUFileTests {
  private let container = Samples.dfuSeOneTarget

  private func container(_ offset: Int, _ bytes: [UInt8]) throws -> [UInt8] {
    var changed = container
    changed.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    return try Samples.withCRC(changed)
  }

  @Test func `no suffix: accepted as raw, and said`() throws {
    let file = try FirmwareFile(parsing: [1, 2, 3, 4])
    #expect(file.format == .raw)
    #expect(file.onlyBytes == [1, 2, 3, 4])
    #expect(file.noteSlugs == ["assumed-raw"])
    #expect(file.suffix == nil)
  }

  @Test func `wrong CRC: refused, and can be repaired`() throws {
    var bytes = Samples.plain
    bytes[1] ^= 0x10
    let error = #expect(throws: FirmwareError.self) { try FirmwareFile(parsing: bytes) }
    #expect(error?.code == .wrongChecksum)
    #expect(error?.offset == 16)
    #expect(error?.help?.contains("suffix repair") == true)
    let repaired = try DFUSuffix.repairingCRC(of: bytes)
    #expect(try FirmwareFile(parsing: repaired).onlyBytes == [1, 0x12, 3, 4])
  }

  @Test func `CRC with a final inversion: refused by its name`() {
    var bytes = Samples.plain
    for index in 16..<20 { bytes[index] = ~bytes[index] }
    #expect(errorCode(reading: bytes) == .invertedChecksum)
  }

  @Test func `signature DFU instead of UFD: refused by its name`() {
    var bytes = Samples.plain
    bytes.swapAt(12, 14)
    #expect(errorCode(reading: bytes) == .reversedSignature)
  }

  @Test func `bLength 20 with four extension bytes: accepted`() throws {
    let suffix = DFUSuffix(vendor: VendorID(0x1209), extensionBytes: [9, 8, 7, 6])
    let bytes = try suffix.appended(to: [1, 2, 3, 4])
    #expect(bytes.count == 24)
    #expect(bytes[19] == 20)
    let file = try FirmwareFile(parsing: bytes)
    #expect(file.onlyBytes == [1, 2, 3, 4])
    #expect(file.suffix == suffix)
    #expect(file.noteSlugs == ["suffix-extension"])
  }

  @Test(arguments: [0, 8, 15, 21, 255] as [UInt8])
  func `bLength below 16 or beyond the file: refused`(length: UInt8) throws {
    var bytes = Samples.plain
    bytes[15] = length
    // The CRC is right for these bytes, so that the length alone is at fault.
    let body = Array(bytes.dropLast(4))
    var crc = CRC32()
    crc.update(body)
    bytes = body
    bytes.appendLittleEndian(crc.value)
    #expect(errorCode(reading: bytes) == .malformed)
  }

  @Test func `one byte after the suffix: refused by its name`() {
    let error = #expect(throws: FirmwareError.self) {
      try FirmwareFile(parsing: Samples.plain + [0x0A])
    }
    #expect(error?.code == .trailingBytes)
    #expect(error?.offset == 20)
    #expect(errorCode(reading: container + [0x0D, 0x0A]) == .trailingBytes)
  }

  @Test func `two suffixes: accepted with a warning`() throws {
    let bytes = try DFUSuffix().appended(to: Samples.plain)
    let file = try FirmwareFile(parsing: bytes)
    #expect(file.onlyBytes == Samples.plain)
    #expect(file.noteSlugs == ["two-suffixes"])
    #expect(file.notes.first?.severity == .warning)
  }

  @Test func `DFUImageSize that includes the suffix: accepted with a note`() throws {
    let bytes = try container(6, [0x3D, 0x01, 0, 0])
    #expect(bytes[...].littleEndian32(at: 313) == 0x11C4_CCF1)
    let file = try FirmwareFile(parsing: bytes)
    #expect(file.noteSlugs == ["image-size-with-suffix"])
    #expect(try file.encoded(as: .dfuSe) == container)
  }

  @Test func `DFUImageSize that is neither: accepted with a warning`() throws {
    let file = try FirmwareFile(parsing: container(6, [1, 0, 0, 0]))
    #expect(file.noteSlugs == ["image-size"])
    #expect(file.notes.first?.severity == .warning)
  }

  @Test func `container version 2: refused`() throws {
    let bytes = try container(5, [2])
    let error = #expect(throws: FirmwareError.self) { try FirmwareFile(parsing: bytes) }
    #expect(error?.code == .malformed)
    #expect(error?.offset == 5)
  }

  @Test func `more targets than there are: refused`() throws {
    #expect(errorCode(reading: try container(10, [2])) == .countMismatch)
  }

  @Test func `dwTargetSize wrong: accepted with a warning`() throws {
    let file = try FirmwareFile(parsing: container(0x115, [0x11]))
    #expect(file.noteSlugs == ["target-size"])
    #expect(try file.encoded(as: .dfuSe) == container)
  }

  @Test func `dwElementSize past the end: refused`() throws {
    let bytes = try container(0x121, [9])
    let error = #expect(throws: FirmwareError.self) { try FirmwareFile(parsing: bytes) }
    #expect(error?.code == .truncated)
    #expect(error?.offset == 0x121)
    #expect(errorCode(reading: try container(0x121, [0xFF, 0xFF, 0xFF, 0xFF])) == .truncated)
  }

  @Test func `bytes left over before the suffix: accepted with a warning`() throws {
    var bytes = container
    bytes.insert(contentsOf: [0xDE, 0xAD], at: 301)
    let file = try FirmwareFile(parsing: Samples.withCRC(bytes))
    #expect(file.noteSlugs == ["image-size", "bytes-left-over"])
    #expect(file.onlyImage?.byteCount == 8)
  }

  @Test func `no targets, and no elements: refused`() throws {
    #expect(errorCode(reading: try container(10, [0])) == .malformed)
    #expect(errorCode(reading: try container(0x119, [0])) == .noData)
  }

  @Test func `more elements than bytes: refused without work`() throws {
    #expect(errorCode(reading: try container(0x119, [0xFF, 0xFF, 0xFF, 0xFF])) == .truncated)
  }

  @Test func `DfuSe container with bcdDFU 0x0100: accepted with a note, never raw`() throws {
    let bytes = try container(317 - 10, [0x00, 0x01])
    let file = try FirmwareFile(parsing: bytes)
    #expect(file.format == .dfuSe)
    #expect(file.noteSlugs == ["dfuse-version"])
    #expect(try FirmwareFile(parsing: bytes, options: .init(format: .raw)).format == .dfuSe)
    #expect(try FirmwareFile(parsing: bytes, options: .init(format: .dfu)).format == .dfuSe)
  }

  @Test func `a DfuSe container without a suffix: refused, never raw`() {
    let body = Array(container.dropLast(16))
    #expect(errorCode(reading: body) == .truncated)
    #expect(errorCode(reading: body, options: .init(format: .raw)) == .truncated)
    #expect(errorCode(reading: Array("DfuSe".utf8)) == .truncated)
  }

  @Test func `idProduct 0x0000 in a DfuSe file: a wildcard, with a note`() throws {
    let file = try FirmwareFile(parsing: container(317 - 14, [0, 0]))
    #expect(file.noteSlugs == ["product-wildcard"])
    #expect(file.allows(vendor: .stMicroelectronics, product: ProductID(0xDF11)))
    #expect(!file.allows(vendor: VendorID(0x1209), product: ProductID(0xDF11)))
    let plain = try FirmwareFile(
      parsing: DFUSuffix(vendor: .stMicroelectronics, product: ProductID(0)).appended(to: [1]))
    #expect(!plain.allows(vendor: .stMicroelectronics, product: ProductID(0xDF11)))
  }

  @Test func `a file of quite another device is not allowed`() throws {
    let file = try FirmwareFile(parsing: Samples.plain)
    #expect(!file.allows(vendor: .stMicroelectronics, product: ProductID(0xDF11)))
    #expect(file.allows(vendor: VendorID(0x1209), product: ProductID(0xD0D0)))
  }

  @Test func `garbage behind a target's name is neither shown nor written`() throws {
    let file = try FirmwareFile(parsing: container(0x1C, Array("C:\\secret".utf8)))
    #expect(file.targets.first?.name == "ST...")
    #expect(file.noteSlugs == ["name-garbage"])
    #expect(file.notes.allSatisfy { !$0.sentence.contains("secret") })
    #expect(try file.encoded(as: .dfuSe) == container)
  }

  @Test func `the name of an unnamed target is garbage too`() throws {
    let file = try FirmwareFile(parsing: container(0x12, [0]))
    #expect(file.targets.first?.name == nil)
    #expect(file.noteSlugs == ["name-garbage"])
  }

  @Test func `a name cannot move the cursor`() throws {
    let file = try FirmwareFile(parsing: container(0x16, [0x1B, 0x5B, 0x41, 0x0A, 0xE9]))
    #expect(file.targets.first?.name == "\u{FFFD}[A\u{FFFD}\u{E9}")
  }

  @Test func `elements that disagree are refused, and equal ones accepted`() throws {
    func file(_ second: [UInt8]) throws -> [UInt8] {
      var bytes = container
      bytes.replaceSubrange(0x115..<0x11D, with: [0x1A, 0, 0, 0, 2, 0, 0, 0])
      bytes.replaceSubrange(6..<10, with: [0x37, 1, 0, 0])
      bytes.insert(contentsOf: [4, 0, 0, 8, 2, 0, 0, 0] + second, at: 301)
      return try Samples.withCRC(bytes)
    }
    let error = #expect(throws: FirmwareError.self) {
      try FirmwareFile(parsing: file([0x11, 2]))
    }
    #expect(error?.code == .overlap)
    #expect(error?.format == .dfuSe)
    #expect(error?.sentence.contains("target 1, element 1 and target 1, element 2") == true)
    let same = try FirmwareFile(parsing: file([0x11, 1]))
    #expect(same.notes == [])
    #expect(same.onlyImage?.byteCount == 8)
  }

  @Test func `an element beyond 4 GiB is refused`() throws {
    #expect(
      errorCode(reading: try container(0x11D, [0xFC, 0xFF, 0xFF, 0xFF])) == .addressOverflow)
  }

  @Test func `two targets may name the same alternate setting`() throws {
    var bytes = Samples.dfuSeTwoTargets
    bytes[0x134 + 6] = 0
    let file = try FirmwareFile(parsing: Samples.withCRC(bytes))
    #expect(file.targets.map(\.alternateSetting) == [0, 0])
    #expect(file.notes == [])
  }

  @Test func `a truncated file of several targets is refused`() {
    for count in [594, 500, 400, 300, 20] {
      #expect(errorCode(reading: Array(Samples.dfuSeTwoTargets.prefix(count))) == .truncated)
    }
  }

  @Test func `a suffix behind a program of another format is a warning`() throws {
    let file = try FirmwareFile(parsing: DFUSuffix().appended(to: [0x7F, 0x45, 0x4C, 0x46, 1]))
    #expect(file.format == .dfu)
    #expect(file.noteSlugs == ["payload-format"])
    #expect(file.notes.first?.sentence.contains("an ELF file") == true)
  }

  @Test func `an empty file and one beyond the limit are refused`() {
    #expect(errorCode(reading: []) == .empty)
    #expect(errorCode(reading: [1, 2, 3], options: .init(maximumByteCount: 2)) == .tooLarge)
    #expect(throws: FirmwareError.self) { try FirmwareFile.checkSize(5_000_000_000) }
  }
}
