import Testing

@testable import Captures

@Suite struct DescriptorDumpTests {
  @Test(arguments: [
    "12 01 00 02", "12010002", "0x12, 0x01, 0x00, 0x02", "12 01 # device\n00 02",
    "00000000: 1201 0002                                ....", "0000: 12 01\n0002: 00 02",
    "00000000  12 01 00 02                                       |....|\n00000004\n",
    "1201\t0002\r\n",
  ])
  func `digits are read however people write them`(_ text: String) throws {
    let (bytes, format) = try DescriptorDump.bytes(of: Array(text.utf8))
    // The last line of hexdump is the offset of the end.
    #expect(Array(bytes.prefix(4)) == [0x12, 0x01, 0x00, 0x02])
    #expect(format == .hexadecimal)
  }

  @Test func `bytes that are no text are bytes`() throws {
    let (bytes, format) = try DescriptorDump.bytes(of: [0x12, 0x01, 0x00])
    #expect(bytes == [0x12, 0x01, 0x00])
    #expect(format == .raw)
  }

  @Test(arguments: ["", "\n\n", "# nothing", "12 1", "xy", "12 0x", "Device: 12", "12 01 zz"])
  func `anything else is told with its line`(_ text: String) {
    let error = #expect(throws: DescriptorDumpError.self) {
      try DescriptorDump.bytes(of: Array(text.utf8))
    }
    #expect(error?.sentence.hasSuffix(".") == true)
  }

  @Test func `more than a device says is refused`() {
    #expect(throws: DescriptorDumpError.self) {
      try DescriptorDump.bytes(of: [UInt8](repeating: 0x20, count: DescriptorDump.sizeLimit + 1))
    }
  }
}
