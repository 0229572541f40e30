import Testing
import USB

@Suite struct `String descriptors` {
  private func read(
    _ bytes: [UInt8], singleBytes: Bool = false
  ) throws(ParseError)
    -> StringDescriptor
  {
    var reader = ByteReader(bytes.span.bytes)
    return try StringDescriptor(parsing: &reader, singleBytes: singleBytes)
  }

  @Test(arguments: ["", "STM32  BOOTLOADER", "Größe 漢字", "😀", String(repeating: "x", count: 126)])
  func `a text comes back as it was`(text: String) throws {
    let descriptor = StringDescriptor(text)
    #expect(try read(descriptor.bytes) == descriptor)
    #expect(descriptor.bytes.count == 2 + 2 * text.utf16.count)
    #expect(Int(descriptor.bytes[0]) == descriptor.bytes.count)
  }

  @Test func `a text that is too long is cut`() throws {
    let bytes = StringDescriptor(String(repeating: "x", count: 127)).bytes
    #expect(bytes.count == 254)
    #expect(try read(bytes).text.count == 126)
  }

  @Test func `a length beyond what came ends with what came`() throws {
    let read = try read([26, 3, 0x41, 0, 0x42, 0])
    #expect(read.text == "AB")
    #expect(!read.isRepaired)
  }

  @Test func `bytes beyond the length are not part of it`() throws {
    #expect(try read([4, 3, 0x41, 0, 0x42, 0]).text == "A")
  }

  @Test func `a text cut inside a unit loses that unit`() throws {
    let read = try read([26, 3, 0x41, 0, 0x42, 0, 0x43])
    #expect(read.text == "AB")
    #expect(read.isRepaired)
  }

  @Test func `an odd number of single bytes is read as UTF-8`() throws {
    let read = try read([5, 3, 0x33, 0x43, 0x42])
    #expect(read.text == "3CB")
    #expect(read.isRepaired)
    #expect(try self.read([3, 3, 0x41]).text == "A")
  }

  @Test func `the serial number of a GD32VF103 is single bytes`() throws {
    let bytes: [UInt8] = [6, 3, 0x33, 0x43, 0x42, 0x4A]
    #expect(try read(bytes, singleBytes: true).text == "3CBJ")
    #expect(try read(bytes, singleBytes: true).isRepaired)
    #expect(try read(bytes).text != "3CBJ")
  }

  @Test func `half a surrogate pair becomes a replacement character`() throws {
    #expect(try read([4, 3, 0x3D, 0xD8]).text == "\u{FFFD}")
    #expect(try read([6, 3, 0x3D, 0xD8, 0x41, 0]).text == "\u{FFFD}A")
  }

  @Test func `what is no string is refused`() throws {
    for bytes: [UInt8] in [[], [0], [1], [0, 3], [1, 3], [4], [4, 2, 0x41, 0]] {
      #expect(throws: ParseError.self) { try read(bytes) }
    }
    #expect(try read([2, 3]).text.isEmpty)
  }
}
