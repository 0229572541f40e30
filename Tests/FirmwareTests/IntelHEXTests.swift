import Testing
import USB

@testable import Firmware

private let data16 = "00112233445566778899AABBCCDDEEFF"

/// A record with the right checksum.
func hexRecord(_ type: UInt8, _ address: UInt16, _ data: [UInt8]) -> String {
  let bytes = [UInt8(data.count), UInt8(address >> 8), UInt8(address & 0xFF), type] + data
  let checksum = 0 &- bytes.reduce(0, &+)
  return ":" + (bytes + [checksum]).map { hex($0).uppercased() }.joined() + "\n"
}

private func decode(_ text: String) throws(FirmwareError) -> FirmwareImage {
  try IntelHEX.decode(Array(text.utf8)).image
}

private func notes(_ text: String) throws(FirmwareError) -> [String] {
  try IntelHEX.decode(Array(text.utf8)).notes.map(\.slug)
}

private func bytes(_ image: FirmwareImage, _ range: Range<UInt64>) -> [UInt8] {
  image.bytes(in: range, fill: 0xEE)
}

private let end = ":00000001FF\n"
private let base0800 = ":020000040800F2\n"

struct IntelHEXTests {
  @Test func `the typical file of an STM32 gives one segment and an entry point`() throws {
    let text =
      base0800 + ":10000000" + data16 + "F8\n" + hexRecord(0, 0x10, [1, 2, 3])
      + ":04000005080001892D".dropLast(2) + "65\n" + end
    let (image, notes) = try IntelHEX.decode(Array(text.utf8))
    #expect(image.extents == [0x0800_0000..<0x0800_0013])
    #expect(image.entryPoint == 0x0800_0189)
    #expect(bytes(image, 0x0800_000E..<0x0800_0014) == [0xEE, 0xFF, 1, 2, 3, 0xEE])
    #expect(image.segments.map(\.origin) == [.lines(2...3)])
    #expect(notes.isEmpty)
  }

  @Test func `a gap between records leaves two pieces`() throws {
    let image = try decode(hexRecord(0, 0, [1]) + hexRecord(0, 0x100, [2]) + end)
    #expect(image.extents == [0..<1, 0x100..<0x101])
    #expect(image.segments.map(\.origin) == [.line(1), .line(2)])
  }

  @Test func `a gap of more than 1 MiB is a gap like any other`() throws {
    let image = try decode(
      base0800 + hexRecord(0, 0, [1]) + hexRecord(4, 0, [0x1F, 0xFF])
        + hexRecord(0, 0xC000, [2]) + end)
    #expect(image.extents == [0x0800_0000..<0x0800_0001, 0x1FFF_C000..<0x1FFF_C001])
  }

  @Test func `an overlap with different data is refused, naming both lines and the address`() throws
  {
    let text =
      base0800 + hexRecord(0, 0, [1, 2, 3, 4]) + hexRecord(0, 4, [5, 6, 7, 8])
      + hexRecord(0, 6, [7, 9]) + end
    let error = try #require(throws: FirmwareError.self) { try decode(text) }
    #expect(error.code == .overlap)
    #expect(error.place == .line(4))
    #expect(
      error.sentence
        == "Line 4, column 1: this record and the one in line 3 put different bytes at 0x08000007.")
  }

  @Test func `an overlap with the same data is one piece`() throws {
    let image = try decode(
      hexRecord(0, 0, [1, 2, 3, 4]) + hexRecord(0, 2, [3, 4, 5]) + hexRecord(0, 1, [2])
        + hexRecord(0, 3, [4, 5, 6]) + end)
    #expect(image.extents == [0..<6])
    #expect(bytes(image, 0..<6) == [1, 2, 3, 4, 5, 6])
  }

  @Test func `records may come in any order`() throws {
    let image = try decode(
      hexRecord(0, 8, [9]) + hexRecord(0, 0, [1, 2]) + hexRecord(0, 4, [5]) + end)
    #expect(image.extents == [0..<2, 4..<5, 8..<9])
    #expect(bytes(image, 0..<9) == [1, 2, 0xEE, 0xEE, 5, 0xEE, 0xEE, 0xEE, 9])
  }

  @Test func `a missing end of file record is noted`() throws {
    let text = hexRecord(0, 0, [1]) + hexRecord(0, 1, [2])
    #expect(try decode(text).byteCount == 2)
    #expect(try notes(text) == ["end-missing"])
  }

  @Test func `data after the end of file is refused`() throws {
    let text = hexRecord(0, 0, [1]) + end + hexRecord(0, 1, [2])
    let error = try #require(throws: FirmwareError.self) { try decode(text) }
    #expect(error.code == .trailingBytes)
    #expect(error.line == 3)
    #expect(error.sentence.contains("line 2"))
  }

  @Test func `two complete files behind each other are both read, and noted`() throws {
    let text = base0800 + hexRecord(0, 0, [1]) + end + hexRecord(0, 4, [2]) + end
    // The second file begins without a base of its own.
    #expect(try decode(text).extents == [4..<5, 0x0800_0000..<0x0800_0001])
    #expect(try notes(text) == ["second-file"])
  }

  @Test func `digits may be lower case`() throws {
    let text = (hexRecord(0, 0xABCD, [0xDE, 0xAD]) + end).lowercased()
    #expect(bytes(try decode(text), 0xABCD..<0xABCF) == [0xDE, 0xAD])
    #expect(try notes(text).isEmpty)
  }

  @Test(arguments: ["; made by hand\n", "# made by hand\n", "// made by hand\n"])
  func `a comment is passed over and noted`(comment: String) throws {
    let text = comment + hexRecord(0, 0, [1]) + comment + end
    #expect(try decode(text).byteCount == 1)
    #expect(try notes(text) == ["comment-line"])
  }

  @Test func `a line of text that is no comment is refused`() throws {
    let text = hexRecord(0, 0, [1]) + "hello\n" + end
    let error = try #require(throws: FirmwareError.self) { try decode(text) }
    #expect(error.code == .malformed)
    #expect(error.place == .line(2))
  }

  @Test func `a byte order mark loses nothing`() throws {
    let text = "\u{FEFF}" + base0800 + hexRecord(0, 0, [1]) + end
    #expect(try decode(text).extents == [0x0800_0000..<0x0800_0001])
    #expect(try notes(text) == ["byte-order-mark"])
    #expect(IntelHEX.looksLike(Array(text.utf8)))
  }

  @Test func `blanks around a record are noted`() throws {
    let text = base0800.dropLast() + " \t\n" + " " + hexRecord(0, 0, [1]) + end
    #expect(try decode(text).extents == [0x0800_0000..<0x0800_0001])
    #expect(try notes(text) == ["blanks-around-record"])
  }

  @Test func `digits after the checksum are refused`() throws {
    let text = hexRecord(0, 0, [1]).dropLast() + "00\n" + end
    let error = try #require(throws: FirmwareError.self) { try decode(text) }
    #expect(error.code == .trailingBytes)
    #expect(error.sentence.hasPrefix("Line 1, column 14: "))
  }

  @Test(arguments: ["\n", "\r\n", "\r"])
  func `lines may end with LF, CR LF or CR`(lineEnd: String) throws {
    var text = base0800
    for row in 0..<8 { text += hexRecord(0, UInt16(row * 4), [1, 2, 3, 4]) }
    text += end
    let image = try decode(text.split(separator: "\n").joined(separator: lineEnd))
    #expect(image.extents == [0x0800_0000..<0x0800_0020])
    #expect(image.segments.map(\.origin) == [.lines(2...9)])
  }

  @Test func `a wrong checksum is refused with the right one`() throws {
    let text = base0800 + ":0100000001FF\n" + end
    let error = try #require(throws: FirmwareError.self) { try decode(text) }
    #expect(error.code == .wrongChecksum)
    #expect(
      error.sentence
        == "Line 2, column 12: the checksum is 0xff, but the bytes of the record give 0xfe.")
  }

  @Test func `a data record without data is passed over and noted`() throws {
    let text = hexRecord(0, 0x20, []) + hexRecord(0, 0, [1]) + end
    #expect(try decode(text).extents == [0..<1])
    #expect(try notes(text) == ["empty-record"])
  }

  @Test func `type 02 replaces type 04, and type 04 replaces type 02`() throws {
    let segment = hexRecord(2, 0, [0x10, 0x00])
    let image = try decode(
      base0800 + segment + hexRecord(0, 0, [1]) + base0800 + hexRecord(0, 0, [2]) + end)
    #expect(image.extents == [0x1_0000..<0x1_0001, 0x0800_0000..<0x0800_0001])
  }

  @Test func `a record across the end of a type 02 segment is refused as ambiguous`() throws {
    let text = hexRecord(2, 0, [0x10, 0x00]) + hexRecord(0, 0xFFFE, [1, 2, 3]) + end
    let error = try #require(throws: FirmwareError.self) { try decode(text) }
    #expect(error.code == .addressOverflow)
    #expect(error.place == .line(2))
    #expect(
      try decode(hexRecord(2, 0, [0x10, 0x00]) + hexRecord(0, 0xFFFE, [1, 2]) + end).extents
        == [0x1_FFFE..<0x2_0000])
  }

  @Test func `a record across 64 KiB under type 04 runs on`() throws {
    let image = try decode(base0800 + hexRecord(0, 0xFFFE, [1, 2, 3]) + end)
    #expect(image.extents == [0x0800_FFFE..<0x0801_0001])
  }

  @Test func `a record across 4 GiB is refused`() throws {
    let top = hexRecord(4, 0, [0xFF, 0xFF])
    let error = try #require(throws: FirmwareError.self) {
      try decode(top + hexRecord(0, 0xFFFE, [1, 2, 3]) + end)
    }
    #expect(error.code == .addressOverflow)
    #expect(error.sentence.hasPrefix("Line 2, column 4: "))
    #expect(
      try decode(top + hexRecord(0, 0xFFFE, [1, 2]) + end).extents
        == [0xFFFF_FFFE..<0x1_0000_0000])
  }

  @Test func `type 05 in the middle is the entry point and no base`() throws {
    let image = try decode(
      base0800 + hexRecord(0, 0, [1]) + hexRecord(5, 0, [0x20, 0, 0, 0x41])
        + hexRecord(0, 1, [2]) + end)
    #expect(image.extents == [0x0800_0000..<0x0800_0002])
    #expect(image.entryPoint == 0x2000_0041)
  }

  @Test func `type 03 is the entry point as segment and offset`() throws {
    let image = try decode(hexRecord(3, 0, [0x12, 0x34, 0x00, 0x10]) + hexRecord(0, 0, [1]) + end)
    #expect(image.entryPoint == 0x1_2350)
  }

  @Test func `two different entry points are noted and the last one counts`() throws {
    let text =
      hexRecord(5, 0, [0, 0, 0, 1]) + hexRecord(5, 0, [0, 0, 0, 2]) + hexRecord(0, 0, [1]) + end
    #expect(try decode(text).entryPoint == 2)
    #expect(try notes(text) == ["entry-point-changed"])
  }

  @Test func `an unknown type is refused`() throws {
    let error = try #require(throws: FirmwareError.self) {
      try decode(hexRecord(0, 0, [1]) + hexRecord(9, 0, [1]) + end)
    }
    #expect(error.code == .unknownRecord)
    #expect(error.sentence.hasPrefix("Line 2, column 8: 0x09 "))
  }

  @Test(arguments: [(2, 1), (2, 3), (4, 4), (3, 2), (5, 2), (1, 1)])
  func `an address, start or end record of the wrong length is refused`(
    type: UInt8, count: Int
  ) throws {
    let bad = hexRecord(type, 0, Array(repeating: 0, count: count))
    let error = try #require(throws: FirmwareError.self) { try decode(bad + end) }
    #expect(error.code == .malformed)
    #expect(error.sentence.hasPrefix("Line 1, column 2: "))
  }

  @Test func `a record that is cut short is refused at every length`() throws {
    let whole = hexRecord(0, 0, [1, 2, 3, 4]).dropLast()
    for length in 1..<whole.count {
      let text = base0800 + whole.prefix(length)
      let error = try #require(throws: FirmwareError.self) { try decode(text) }
      #expect(error.code == .truncated)
      #expect(error.place == .line(2))
    }
  }

  @Test func `a character that is no digit is refused at its column, wherever it is`() throws {
    let whole = Array(hexRecord(0, 0, Array(0..<20)).utf8.dropLast())
    let padding = String(repeating: hexRecord(0, 0x100, [1]), count: 4)
    for column in 1..<whole.count {
      for character in Array("/:@G`g \u{7F}".utf8) + [0x00, 0x80, 0xB0, 0xC1, 0xFF] {
        var line = whole
        line[column] = character
        if column == whole.count - 1, character == 0x20 { continue }
        let error = try #require(throws: FirmwareError.self) {
          _ = try IntelHEX.decode(line + [0x0A] + Array(padding.utf8))
        }
        #expect(error.code == .malformed)
        #expect(error.sentence.hasPrefix("Line 1, column \(column + 1): "), "\(error.sentence)")
      }
    }
  }

  @Test func `an end of file alone is an image without bytes, which is noted`() throws {
    #expect(try decode(end).isEmpty)
    #expect(try notes(end) == ["no-data"])
    #expect(try notes(end + "\u{1A}") == ["no-data"])
    let error = try #require(throws: FirmwareError.self) {
      try FirmwareFile(parsing: Array(end.utf8))
    }
    #expect(error.code == .noData)
  }

  @Test func `a million comments make one note`() throws {
    let text = String(repeating: ";\n", count: 1_000_000) + hexRecord(0, 0, [1]) + end
    let result = try IntelHEX.decode(Array(text.utf8))
    #expect(
      result.notes.map(\.sentence)
        == ["Line 1 (and 999999 more) is a comment, which the format does not have."])
  }
}
