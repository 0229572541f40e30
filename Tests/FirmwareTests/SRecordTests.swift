import Testing
import USB

@testable import Firmware

/// A record with the right checksum.
private func record(_ type: Int, _ address: UInt32, _ data: [UInt8] = []) -> String {
  let widths = [2, 2, 3, 4, 2, 2, 3, 4, 3, 2]
  let width = widths[type]
  let place = address.bigEndian.littleEndianBytes.suffix(width)
  let bytes = [UInt8(width + data.count + 1)] + place + data
  let checksum = ~bytes.reduce(0, &+)
  return "S\(type)" + (bytes + [checksum]).map { hex($0).uppercased() }.joined() + "\n"
}

private func decode(_ text: String) throws(FirmwareError) -> FirmwareImage {
  try SRecord.decode(Array(text.utf8)).image
}

private func notes(_ text: String) throws(FirmwareError) -> [String] {
  try SRecord.decode(Array(text.utf8)).notes.map(\.slug)
}

private let header = "S00600004844521B\n"
private let end = "S70500000000FA\n"

struct SRecordTests {
  @Test func `a typical file gives one segment, an entry point and the header's text`() throws {
    let text =
      header + record(3, 0x0800_0000, Array(0..<16)) + record(3, 0x0800_0010, [1, 2, 3])
      + record(5, 2) + record(7, 0x0800_0189)
    let (image, notes) = try SRecord.decode(Array(text.utf8))
    #expect(image.extents == [0x0800_0000..<0x0800_0013])
    #expect(image.entryPoint == 0x0800_0189)
    #expect(image.segments.map(\.origin) == [.lines(2...3)])
    #expect(notes.map(\.sentence) == ["The header record says “HDR”."])
  }

  @Test func `a header that is no text is not shown`() throws {
    #expect(try notes(record(0, 0, [0x1B, 0x5B, 0x41]) + record(1, 0, [1]) + record(9, 0)) == [])
  }

  @Test func `a missing S0 is nothing to speak of`() throws {
    #expect(try notes(record(1, 0, [1]) + record(9, 0)) == [])
  }

  @Test func `a missing terminator is noted`() throws {
    #expect(try notes(record(1, 0, [1])) == ["end-missing"])
  }

  @Test func `a count instead of a terminator is noted too`() throws {
    #expect(try notes(record(1, 0, [1]) + record(5, 1)) == ["end-missing"])
  }

  @Test(arguments: [5, 6]) func `a wrong count is refused`(type: Int) throws {
    let text = record(1, 0, [1]) + record(1, 1, [2]) + record(type, 3) + record(9, 0)
    let error = try #require(throws: FirmwareError.self) { try decode(text) }
    #expect(error.code == .countMismatch)
    #expect(error.line == 3)
    #expect(error.sentence.contains("3 data records came before this line, but there are 2"))
  }

  @Test func `a wrong checksum is refused with the right one`() throws {
    let error = try #require(throws: FirmwareError.self) { try decode("S104000001FF\n" + end) }
    #expect(error.code == .wrongChecksum)
    #expect(
      error.sentence
        == "Line 1, column 11: the checksum is 0xff, but the bytes of the record give 0xfa.")
  }

  @Test func `records may come in any order`() throws {
    let image = try decode(
      record(1, 8, [9]) + record(1, 0, [1, 2]) + record(1, 4, [5]) + record(9, 0))
    #expect(image.extents == [0..<2, 4..<5, 8..<9])
  }

  @Test func `an overlap with the same data is one piece`() throws {
    let image = try decode(record(1, 0, [1, 2, 3]) + record(1, 1, [2, 3, 4]) + record(9, 0))
    #expect(image.extents == [0..<4])
    #expect(image.bytes(in: 0..<4, fill: 0) == [1, 2, 3, 4])
  }

  @Test func `an overlap with different data is refused, naming both lines`() throws {
    let text =
      header + record(2, 0x10, [1]) + record(2, 0, [1, 2, 3]) + record(1, 2, [4]) + record(8, 0)
    let error = try #require(throws: FirmwareError.self) { try decode(text) }
    #expect(error.code == .overlap)
    #expect(
      error.sentence
        == "Line 4, column 1: this record and the one in line 3 put different bytes at 0x00000002.")
  }

  @Test(arguments: [7, 8, 9]) func `data after the end is refused`(type: Int) throws {
    let text = record(1, 0, [1]) + record(type, 0) + record(1, 1, [2])
    let error = try #require(throws: FirmwareError.self) { try decode(text) }
    #expect(error.code == .trailingBytes)
    #expect(error.line == 3)
  }

  @Test func `two complete files behind each other are both read, each with its own count`() throws
  {
    let text =
      record(1, 0, [1]) + record(5, 1) + record(9, 0) + header + record(2, 0x1_0000, [2])
      + record(5, 1) + record(8, 0)
    #expect(try decode(text).extents == [0..<1, 0x1_0000..<0x1_0001])
    #expect(try notes(text) == ["header-text", "second-file"])
  }

  @Test func `S1, S2 and S3 may be mixed`() throws {
    let image = try decode(
      record(1, 0xFFFF, [1]) + record(2, 0x1_0000, [2]) + record(3, 0x1_0001, [3]) + record(7, 0))
    #expect(image.extents == [0xFFFF..<0x1_0002])
    #expect(image.bytes(in: 0xFFFF..<0x1_0002, fill: 0) == [1, 2, 3])
  }

  @Test func `a lower-case letter is accepted and noted`() throws {
    let text = (record(3, 0xABCD, [0xEF]) + end).replacing("S3", with: "s3")
    #expect(try decode(text).extents == [0xABCD..<0xABCE])
    #expect(try notes(text) == ["lower-case-record"])
    #expect(SRecord.looksLike(Array(text.utf8)))
  }

  @Test func `digits may be lower case`() throws {
    let text = "S" + record(1, 0xABCD, [0xEF]).dropFirst().lowercased() + record(9, 0)
    #expect(try decode(text).extents == [0xABCD..<0xABCE])
    #expect(try notes(text) == [])
  }

  @Test func `trailing blanks are noted`() throws {
    let text = record(1, 0, [1]).dropLast() + " \t\n" + record(9, 0)
    #expect(try decode(text).byteCount == 1)
    #expect(try notes(text) == ["blanks-around-record"])
  }

  @Test func `S4 is refused as reserved`() throws {
    let error = try #require(throws: FirmwareError.self) {
      try decode(record(1, 0, [1]) + record(4, 0, [1]) + record(9, 0))
    }
    #expect(error.code == .unknownRecord)
    #expect(error.sentence.hasPrefix("Line 2, column 2: S4, which is reserved"))
  }

  @Test func `a record across 4 GiB is refused`() throws {
    let error = try #require(throws: FirmwareError.self) {
      try decode(record(3, 0xFFFF_FFFE, [1, 2, 3]) + end)
    }
    #expect(error.code == .addressOverflow)
    #expect(try decode(record(3, 0xFFFF_FFFE, [1, 2]) + end).byteCount == 2)
  }

  @Test func `a short address is only a short way to write it, so S1 runs on behind 64 KiB`() throws
  {
    let image = try decode(record(1, 0xFFFE, [1, 2, 3]) + record(9, 0))
    #expect(image.extents == [0xFFFE..<0x1_0001])
  }

  @Test(arguments: ["hello\n", "S\n", "SA0400000001\n", ":00000001FF\n"])
  func `a line that is no record is refused`(line: String) throws {
    let error = try #require(throws: FirmwareError.self) { try decode(record(1, 0, [1]) + line) }
    #expect(error.code == .malformed)
    #expect(error.line == 2)
  }

  @Test(arguments: ["S1020000FD\n".dropLast(3) + "FD\n", "S30400000000FB\n".dropLast(5) + "FB\n"])
  func `a count too small for the address is refused`(line: Substring) throws {
    #expect(throws: FirmwareError.self) { try decode(line + end) }
  }

  @Test func `a record that is cut short is refused at every length`() throws {
    let whole = record(2, 0x12_3456, [1, 2, 3, 4]).dropLast()
    for length in 2..<whole.count {
      let error = try #require(throws: FirmwareError.self) {
        try decode(record(1, 0, [1]) + whole.prefix(length))
      }
      #expect(error.code == .truncated)
      #expect(error.line == 2)
    }
  }

  @Test(arguments: ["\n", "\r\n", "\r"])
  func `lines may end with LF, CR LF or CR, behind a byte order mark`(lineEnd: String) throws {
    var text = "\u{FEFF}"
    for row in 0..<8 { text += record(3, 0x0800_0000 + UInt32(row) * 4, [1, 2, 3, 4]) }
    let all = (text + end).split(separator: "\n").joined(separator: lineEnd)
    #expect(try decode(all).extents == [0x0800_0000..<0x0800_0020])
    #expect(try notes(all) == ["byte-order-mark"])
  }

  @Test func `a comment is passed over and noted, and an empty record too`() throws {
    let text = "; by hand\n" + record(1, 0x40) + record(1, 0, [1]) + record(9, 0)
    #expect(try decode(text).extents == [0..<1])
    #expect(try notes(text) == ["comment-line", "empty-record"])
  }

  @Test func `every single change of a character is judged alike by both paths`() throws {
    var image = FirmwareImage()
    try image.insert((0..<70).map { UInt8($0 &* 3) }, at: 0x0800_0000, origin: .device)
    let text = try SRecord.encode(image)
    for index in text.indices {
      for replacement in Array("09afAF:\n\r ;S\u{0}".utf8) + [0xFF] {
        var changed = text
        changed[index] = replacement
        let blank = withBlanks(changed)
        let slow = Result { () throws(FirmwareError) in try SRecord.decode(blank).image }
        let fast = Result { () throws(FirmwareError) in try SRecord.decode(changed).image }
        #expect(slow == fast, "at \(index)")
      }
    }
  }
}
