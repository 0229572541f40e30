import Testing

@testable import Firmware

private func image(_ address: UInt64, _ bytes: [UInt8]) throws -> FirmwareImage {
  try FirmwareImage([.init(address: address, bytes: bytes, origin: .offset(0))])
}

private func text(_ image: FirmwareImage, lineLength: Int = 16) throws -> String {
  String(decoding: try IntelHEX.encode(image, lineLength: lineLength), as: UTF8.self)
}

struct IntelHEXEncodingTests {
  @Test func `a small image gives the records of the specification`() throws {
    var image = try image(0x0800_FFFE, [0xDE, 0xAD, 0xBE, 0xEF, 0x00])
    image.entryPoint = 0x0800_0189
    #expect(
      try text(image) == """
        :020000040800F2
        :02FFFE00DEAD76
        :020000040801F1
        :03000000BEEF0050
        :040000050800018965
        :00000001FF

        """)
  }

  @Test func `an address in the first 64 KiB needs no base`() throws {
    #expect(try text(image(0x10, [1])) == ":0100100001EE\n:00000001FF\n")
  }

  @Test func `no image is an end of file record`() throws {
    #expect(try text(FirmwareImage()) == ":00000001FF\n")
  }

  @Test(arguments: [-1, 0, 1, 3, 4, 5, 16, 32, 254, 255, 256, Int.max])
  func `every line length gives the image back`(lineLength: Int) throws {
    for count in [1, 2, 3, 4, 5, 255, 256, 1000] {
      let image = try image(0x0800_FF80, (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) })
      let text = try IntelHEX.encode(image, lineLength: lineLength)
      let back = try IntelHEX.decode(text)
      #expect(back.image.hasSameBytes(as: image))
      #expect(back.notes.isEmpty)
      let longest = text.split(separator: 0x0A).map(\.count).max() ?? 0
      #expect(longest <= 11 + 2 * min(max(lineLength, 1), 255) || longest == 15)
    }
  }

  @Test func `the highest address can be written, and the one above it not`() throws {
    let top = try image(0xFFFF_FFFF, [1])
    #expect(try IntelHEX.decode(IntelHEX.encode(top)).image.hasSameBytes(as: top))
    let error = try #require(throws: FirmwareError.self) {
      try IntelHEX.encode(image(0xFFFF_FFFF, [1, 2]))
    }
    #expect(error.code == .addressOverflow)
    var far = top
    far.entryPoint = 1 << 32
    #expect(throws: FirmwareError.self) { try IntelHEX.encode(far) }
  }

  @Test func `many pieces in many segments come back as they were`() throws {
    let pieces = (0..<300).map { number in
      FirmwareImage.Segment(
        address: UInt64(number) * 0x10_0003,
        bytes: (0...(number % 40)).map { UInt8(truncatingIfNeeded: number + $0) }, origin: .device)
    }
    let image = try FirmwareImage(pieces)
    #expect(try IntelHEX.decode(IntelHEX.encode(image)).image.hasSameBytes(as: image))
  }

  @Test func `a file is recognised by its content and written through the same door`() throws {
    let text = Array("\n; comment\n:0100100001EE\n:00000001FF\n".utf8)
    let file = try FirmwareFile(parsing: text)
    #expect(file.format == .intelHex)
    #expect(file.notes.map(\.slug) == ["comment-line"])
    #expect(
      String(decoding: try file.encoded(as: .intelHex), as: UTF8.self)
        == ":0100100001EE\n:00000001FF\n")
  }
}
