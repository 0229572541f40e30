import Testing

@testable import Firmware

private func image(_ address: UInt64, _ bytes: [UInt8]) throws -> FirmwareImage {
  try FirmwareImage([.init(address: address, bytes: bytes, origin: .offset(0))])
}

private func text(_ image: FirmwareImage) throws -> String {
  String(decoding: try SRecord.encode(image), as: UTF8.self)
}

struct SRecordEncodingTests {
  @Test func `a small image gives the records of the specification`() throws {
    var image = try image(0x0800_0000, [0xDE, 0xAD, 0xBE, 0xEF, 0x00])
    image.entryPoint = 0x0800_0189
    #expect(
      try text(image) == """
        S0030000FC
        S30A08000000DEADBEEF00B5
        S5030001FB
        S7050800018968

        """)
  }

  @Test func `addresses are as long as the highest one needs`() throws {
    #expect(try text(image(0xFFFF, [1])).hasSuffix("S104FFFF01FC\nS5030001FB\nS9030000FC\n"))
    #expect(try text(image(0x1_0000, [1])).hasSuffix("S20501000001F8\nS5030001FB\nS804000000FB\n"))
    #expect(try text(image(0xFFFF, [1, 2])).contains("S206"))
    #expect(try text(image(0x100_0000, [1])).hasSuffix("S70500000000FA\n"))
  }

  @Test func `more than 65535 records are counted by S6`() throws {
    let big = try image(0, Array(repeating: 0x5A, count: 70_000))
    let text = try SRecord.encode(big, lineLength: 1)
    let count = text.suffix(26).prefix(13)
    #expect(String(decoding: count, as: UTF8.self) == "S60401117079\n")
    #expect(try SRecord.decode(text).image.hasSameBytes(as: big))
  }

  @Test(arguments: [-1, 0, 1, 3, 4, 5, 16, 32, 249, 250, 251, Int.max])
  func `every line length gives the image back`(lineLength: Int) throws {
    for address: UInt64 in [0, 0xFFF0, 0xFF_FFF0, 0xFFFF_0000] {
      for count in [1, 2, 3, 4, 5, 255, 256, 1000] {
        let image = try image(address, (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) })
        let back = try SRecord.decode(SRecord.encode(image, lineLength: lineLength))
        #expect(back.image.hasSameBytes(as: image))
        #expect(back.notes.isEmpty)
      }
    }
  }

  @Test func `an address above 32 bits cannot be written`() throws {
    let error = try #require(throws: FirmwareError.self) {
      try SRecord.encode(image(0xFFFF_FFFF, [1, 2]))
    }
    #expect(error.code == .addressOverflow)
  }

  @Test func `a file is recognised by its content and written through the same door`() throws {
    let file = try FirmwareFile(parsing: Array("S104FFFF01FC\nS9030000FC\n".utf8))
    #expect(file.format == .sRecord)
    #expect(
      String(decoding: try file.encoded(as: .sRecord), as: UTF8.self)
        == "S0030000FC\nS104FFFF01FC\nS5030001FB\nS9030000FC\n")
  }
}
