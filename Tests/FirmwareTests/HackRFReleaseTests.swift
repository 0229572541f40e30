import Testing

@testable import Firmware

/// HackRF's release files: the suffix is put behind the bare image, and then an LPC prefix whose hash
/// and AES switches are all ones in front of it. `dfu-suffix` calls them damaged.
@Suite struct HackRFReleaseTests {
  let prefix: [UInt8] = [0xDA, 0xFF, 0x01, 0x00] + [UInt8](repeating: 0xFF, count: 12)
  let image: [UInt8] = [0x11, 0x22, 0x33, 0x44]

  @Test func `a prefix in front of a finished file is read, and said`() throws {
    let file = try FirmwareFile(parsing: prefix + DFUSuffix().appended(to: image))
    #expect(file.prefix == .lpc(kind: 0xDA, flags: 0xFF, hash: 0xFF))
    #expect(file.targets.map(\.content) == [.raw(image)])
    #expect(file.notes.map(\.slug) == ["crc-without-prefix"])
    #expect(file.plainPayload == prefix + image)
  }

  @Test func `written again the file has the same prefix and a CRC over all`() throws {
    let file = try FirmwareFile(parsing: prefix + DFUSuffix().appended(to: image))
    let written = try file.encoded(as: .dfu)
    #expect(written == (try DFUSuffix().appended(to: prefix + image)))
    #expect(try FirmwareFile(parsing: written).notes.isEmpty)
  }

  @Test func `a damaged byte behind the prefix is still found`() throws {
    var bytes = try prefix + DFUSuffix().appended(to: image)
    bytes[17] ^= 1
    let error = #expect(throws: FirmwareError.self) { try FirmwareFile(parsing: bytes) }
    #expect(error?.code == .wrongChecksum)
  }
}
