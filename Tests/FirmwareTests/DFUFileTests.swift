import Testing
import USB

@testable import Firmware

struct DFUFileTests {
  @Test func `the checksum of the digits is JAMCRC's check value`() {
    #expect(CRC32.of(Array("123456789".utf8)[...]) == 0x340B_C6D9)
    var crc = CRC32()
    crc.update(Array("123456789".utf8))
    #expect(crc.inverted == 0xCBF4_3926)
  }

  @Test func `eight bytes at a time give the same checksum as one at a time`() {
    let bytes = (0..<100).map { UInt8($0 * 37 & 0xFF) }
    for start in 0..<16 {
      for end in start..<100 {
        var single = CRC32()
        for index in start..<end { single.update(bytes[index..<index + 1]) }
        #expect(CRC32.of(bytes[start..<end]) == single.value)
      }
    }
  }

  @Test func `a payload with a suffix, both directions`() throws {
    let file = try FirmwareFile(parsing: Samples.plain)
    #expect(file.format == .dfu)
    #expect(file.onlyBytes == [1, 2, 3, 4])
    #expect(file.suffix?.vendor == VendorID(0x1209))
    #expect(file.suffix?.product == ProductID(0xD0D0))
    #expect(file.suffix?.deviceVersion == BCDVersion(0x0100))
    #expect(file.suffix?.dfuVersion == BCDVersion(0x0100))
    #expect(file.notes == [])
    #expect(try file.encoded(as: .dfu) == Samples.plain)
    var suffix = try #require(file.suffix)
    suffix.dfuVersion = BCDVersion(0x0110)
    #expect(try file.encoded(as: .dfu, options: .init(suffix: suffix)) == Samples.plain11)
    #expect(try FirmwareFile(parsing: Samples.plain11).suffix == suffix)
    #expect(try file.encoded(as: .raw) == [1, 2, 3, 4])
  }

  @Test func `a suffix alone is a file with an empty payload, and a note`() throws {
    let file = try FirmwareFile(parsing: Samples.emptyPayload)
    #expect(file.onlyBytes == [])
    #expect(file.noteSlugs == ["empty-payload"])
    #expect(file.allows(vendor: VendorID(1), product: ProductID(2)))
    #expect(try file.encoded(as: .dfu) == Samples.emptyPayload)
  }

  @Test func `a DfuSe file with one target, both directions`() throws {
    #expect(Samples.dfuSeOneTarget.count == 317)
    let file = try FirmwareFile(parsing: Samples.dfuSeOneTarget)
    #expect(file.format == .dfuSe)
    #expect(file.targets.count == 1)
    #expect(file.targets.first?.alternateSetting == 0)
    #expect(file.targets.first?.name == "ST...")
    let segment = try #require(file.onlyImage?.segments.first)
    #expect(segment.address == 0x0800_0000)
    #expect(segment.bytes == [0, 0, 2, 0x20, 0x11, 1, 0, 8])
    #expect(segment.origin == .element(target: 1, element: 1))
    #expect(file.notes == [])
    #expect(try file.encoded(as: .dfuSe) == Samples.dfuSeOneTarget)
  }

  @Test func `a DfuSe file with two targets, both directions`() throws {
    #expect(Samples.dfuSeTwoTargets.count == 610)
    let file = try FirmwareFile(parsing: Samples.dfuSeTwoTargets)
    #expect(file.targets.map(\.alternateSetting) == [0, 1])
    #expect(file.targets.map(\.name) == ["Flash", nil])
    let flash = try Samples.image(
      (0x0800_0000, [0xAA, 0xAA, 0xAA, 0xAA]), (0x0801_0000, [0xBB, 0xBB, 0xBB]))
    let options = try Samples.image((0x1FFF_C000, [0xFF, 0xAA, 0x55, 0]))
    #expect(file.targets.map(\.content) == [.image(flash), .image(options)])
    #expect(file.suffix?.deviceVersion == BCDVersion(0x2200))
    #expect(try file.encoded(as: .dfuSe) == Samples.dfuSeTwoTargets)
    let error = #expect(throws: FirmwareError.self) { try file.encoded(as: .uf2) }
    #expect(error?.code == .notRepresentable)
  }

  @Test func `an LPC prefix, both directions`() throws {
    let file = try FirmwareFile(parsing: Samples.lpc)
    #expect(file.prefix == .lpc())
    #expect(file.onlyBytes == [0x11, 0x22, 0x33, 0x44])
    #expect(file.notes == [])
    #expect(file.plainPayload == Array(Samples.lpc.dropLast(16)))
    #expect(try file.encoded(as: .dfu) == Samples.lpc)
    #expect(try file.encoded(as: .raw) == [0x11, 0x22, 0x33, 0x44])
  }

  @Test func `a TI Stellaris prefix, both directions`() throws {
    let file = try FirmwareFile(parsing: Samples.stellaris)
    #expect(file.prefix == .stellaris(loadAddress: 0x2000))
    #expect(file.onlyBytes == [0x11, 0x22, 0x33, 0x44])
    #expect(try file.encoded(as: .dfu) == Samples.stellaris)
    #expect(file.plainPayload == Array(Samples.stellaris.dropLast(16)))
  }

  @Test func `a TI prefix whose length is not what follows is no prefix`() throws {
    var bytes = Array(Samples.stellaris.dropLast(16))
    bytes[4] = 5
    let file = try FirmwareFile(parsing: bytes)
    #expect(file.prefix == nil)
    #expect(file.format == .raw)
  }

  @Test func `the length in an LPC prefix counts the prefix and rounds up`() throws {
    // The release of HackRF's firmware: 45540 bytes with prefix and suffix begin 1a 3f 59 00.
    #expect(
      try FirmwarePrefix.lpc().encoded(before: 45540 - 32).prefix(4) == [0x1A, 0x3F, 0x59, 0])
    #expect(try FirmwarePrefix.lpc().encoded(before: 496)[2] == 1)
    #expect(try FirmwarePrefix.lpc().encoded(before: 497)[2] == 2)
    var wrong = Samples.lpc
    wrong[2] = 7
    #expect(
      try FirmwareFile(parsing: Samples.withCRC(wrong)).noteSlugs == ["prefix-length"])
  }

  @Test func `prefixes that do not fit their fields are refused`() {
    #expect(throws: FirmwareError.self) { try FirmwarePrefix.lpc().encoded(before: 512 * 65535) }
    #expect(throws: FirmwareError.self) {
      try FirmwarePrefix.stellaris(loadAddress: 0x2001).encoded(before: 4)
    }
    #expect(throws: FirmwareError.self) {
      try FirmwarePrefix.stellaris(loadAddress: 0x0400_0000).encoded(before: 4)
    }
  }

  @Test func `a prefix without a suffix is recognised, with a note`() throws {
    let file = try FirmwareFile(parsing: Array(Samples.lpc.dropLast(16)))
    #expect(file.format == .dfu)
    #expect(file.prefix == .lpc())
    #expect(file.suffix == nil)
    #expect(file.noteSlugs == ["no-suffix"])
  }

  @Test func `ids match exactly, or through a wildcard`() {
    let suffix = DFUSuffix(vendor: VendorID(0x0483), product: ProductID(0))
    let vendor = VendorID(0x0483)
    let product = ProductID(0xDF11)
    #expect(!suffix.allows(vendor: vendor, product: product, zeroProductIsWildcard: false))
    #expect(suffix.allows(vendor: vendor, product: product, zeroProductIsWildcard: true))
    #expect(!suffix.allows(vendor: VendorID(1), product: product, zeroProductIsWildcard: true))
    let any = DFUSuffix(vendor: VendorID(0xFFFF), product: product)
    #expect(any.allows(vendor: VendorID(1), product: product, zeroProductIsWildcard: false))
    #expect(!any.allows(vendor: VendorID(1), product: ProductID(1), zeroProductIsWildcard: true))
  }

  @Test func `a DfuSe file as plain DFU says any product in the words of plain DFU`() throws {
    var container = Samples.dfuSeOneTarget
    container[container.count - 14] = 0
    container[container.count - 13] = 0
    let file = try FirmwareFile(parsing: Samples.withCRC(container))
    let plain = try FirmwareFile(parsing: file.encoded(as: .dfu))
    #expect(plain.format == .dfu)
    #expect(plain.suffix?.product == ProductID(0xFFFF))
    #expect(plain.suffix?.dfuVersion == BCDVersion(0x0100))
    #expect(plain.onlyBytes == [0, 0, 2, 0x20, 0x11, 1, 0, 8])
  }

  @Test func `a suffix can be as long as its length byte, and no longer`() throws {
    let longest = DFUSuffix(extensionBytes: [UInt8](repeating: 7, count: 239))
    let file = try FirmwareFile(parsing: longest.appended(to: [1, 2]))
    #expect(file.suffix == longest)
    #expect(file.onlyBytes == [1, 2])
    let tooLong = DFUSuffix(extensionBytes: [UInt8](repeating: 7, count: 240))
    #expect(throws: FirmwareError.self) { try tooLong.appended(to: [1, 2]) }
  }

  @Test func `names and counts that a DfuSe file cannot hold are refused`() throws {
    let image = try Samples.image((0x0800_0000, [1]))
    let named = FirmwareFile(image: image, name: String(repeating: "x", count: 255))
    #expect(throws: FirmwareError.self) { try named.encoded(as: .dfuSe) }
    let fits = FirmwareFile(image: image, name: String(repeating: "x", count: 254))
    #expect(try FirmwareFile(parsing: fits.encoded(as: .dfuSe)).targets.first?.name?.count == 254)
    let many = FirmwareFile(
      format: .raw,
      targets: [FirmwareTarget](repeating: FirmwareTarget(content: .image(image)), count: 256))
    #expect(throws: FirmwareError.self) { try many.encoded(as: .dfuSe) }
    let high = FirmwareFile(image: try Samples.image((0xFFFF_FFFF, [1, 2])))
    for format in [FirmwareFormat.dfuSe, .elf, .uf2] {
      let error = #expect(throws: FirmwareError.self) { try high.encoded(as: format) }
      #expect(error?.code == .addressOverflow)
    }
  }
}
