import Testing
import USB

@testable import Captures

@Suite struct DescriptorDumpTests {
  @Test(arguments: [
    "12 01 00 02", "12010002", "0x12, 0x01, 0x00, 0x02", "12 01 # device\n00 02",
    "00000000: 1201 0002                                ....", "0000: 12 01\n0002: 00 02",
    "00000000  12 01 00 02                                       |....|\n00000004\n",
    "1201\t0002\r\n",
  ])
  func `digits are read however people write them`(_ text: String) throws {
    let (set, format) = try DescriptorDump.read(Array(text.utf8))
    // The last line of hexdump is the offset of the end.
    #expect(Array(set.bytes.prefix(4)) == [0x12, 0x01, 0x00, 0x02])
    #expect(format == .hexadecimal)
  }

  @Test func `bytes that are no text are bytes`() throws {
    let (set, format) = try DescriptorDump.read([0x12, 0x01, 0x00])
    #expect(set.bytes == [0x12, 0x01, 0x00])
    #expect(format == .raw)
  }

  @Test(arguments: [
    "", "\n\n", "# nothing", "12 1", "xy", "12 0x", "Device: 12", "12 ?1", "12 01 zz",
  ])
  func `anything else is told with its line`(_ text: String) {
    let error = #expect(throws: DescriptorDumpError.self) {
      try DescriptorDump.read(Array(text.utf8))
    }
    #expect(error?.sentence.hasSuffix(".") == true)
  }

  @Test func `more than a device says is refused`() {
    #expect(throws: DescriptorDumpError.self) {
      try DescriptorDump.read([UInt8](repeating: 0x20, count: DescriptorDump.sizeLimit + 1))
    }
  }
}
