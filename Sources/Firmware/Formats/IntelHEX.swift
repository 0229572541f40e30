internal import USB

/// Intel HEX: text records with a type, an address and a checksum (Intel, Hexadecimal Object File
/// Format Specification, revision A, 1988).
///
/// A record is `:`, a count byte, a 16-bit address, a type, the data and a checksum that makes the
/// bytes add up to 0 modulo 256. Types 02 and 04 set the base for the records behind them, and each
/// replaces the other; types 03 and 05 give the entry point and nothing else.
public enum IntelHEX {
  /// Whether the first line that is not empty and not a comment begins like a record.
  public static func looksLike(_ bytes: [UInt8]) -> Bool {
    let text = bytes.span.bytes
    guard let line = text.firstRecordLine(), line.content.count >= 3 else { return false }
    let start = line.content.lowerBound
    return text.character(at: start) == UInt8(ascii: ":")
      && HexDigits.value(text.character(at: start + 1)) != nil
      && HexDigits.value(text.character(at: start + 2)) != nil
  }

  /// Reads a file.
  ///
  /// Records may come in any order, in either case, with any line ends; the same bytes may be said
  /// twice. Comments, blanks, a byte order mark, a missing end and a complete second file behind the
  /// first are accepted and noted.
  ///
  /// - Parameter bytes: the whole text.
  /// - Returns: the image, whose origins are lines, and what was accepted although the format does
  ///   not have it.
  /// - Throws: ``FirmwareError`` with the line, the column and the rule.
  public static func decode(
    _ bytes: [UInt8]
  ) throws(FirmwareError) -> (image: FirmwareImage, notes: [FirmwareNote]) {
    do throws(RecordFault) {
      var decoder = IntelHEXDecoder()
      let store = try decoder.run(over: bytes)
      var image: FirmwareImage
      do throws(RecordCollector.Conflict) {
        image = try decoder.collector.image(taking: store)
      } catch {
        let lines = try IntelHEXDecoder.lines(of: error.indices, in: bytes)
        throw RecordFault(
          line: lines.1, column: 1, rule: .conflict(address: error.address, otherLine: lines.0))
      }
      image.entryPoint = decoder.entryPoint
      return (image, decoder.remarks.notes(format: .intelHex))
    } catch {
      throw FirmwareError(error, format: .intelHex)
    }
  }
}

/// Walks over the lines of an Intel HEX text.
struct IntelHEXDecoder {
  var collector = RecordCollector()
  var remarks = RecordRemarks()
  var entryPoint: UInt64?

  private var base: Base = .linear(0)
  private var position = 0
  private var line = 1
  /// The line of the last end of file record.
  private var endLine: Int?
  /// The first line behind `endLine` that holds a record.
  private var lineBehindEnd: RecordLine?
  /// Only while looking for the line of a byte.
  private var isSlow = false

  /// How the 16-bit address of a record becomes 32 bits.
  private enum Base {
    /// Type 04, or nothing yet.
    case linear(UInt64)
    /// Type 02: offsets wrap inside 64 KiB.
    case segmented(UInt64)

    var address: UInt64 {
      switch self {
      case .linear(let address), .segmented(let address): address
      }
    }

    var isSegmented: Bool {
      if case .segmented = self { true } else { false }
    }
  }

  /// Reads the whole text.
  ///
  /// - Parameter bytes: the text.
  /// - Returns: the data of all records, in file order; the collector knows how many bytes count.
  /// - Throws: a fault of a line.
  mutating func run(over bytes: [UInt8]) throws(RecordFault) -> [UInt8] {
    // A record takes two characters per byte, and the fast path writes up to 3 bytes too many.
    var store = [UInt8](repeating: 0, count: bytes.count / 2 + 8)
    let text = bytes.span.bytes
    begin(text)
    while position < text.byteCount {
      var span = store.mutableSpan
      var output = span.mutableBytes
      if !isSlow { readCleanRecords(of: text, into: &output) }
      guard position < text.byteCount else { break }
      try readLine(of: text, into: &output)
    }
    try end()
    return store
  }

  /// The lines that two bytes came from, which are counted in the order of the file.
  ///
  /// - Parameters:
  ///   - indices: the bytes, ascending.
  ///   - bytes: the text, which has been read without a fault before.
  /// - Returns: two line numbers.
  /// - Throws: nothing, if the text is the same.
  static func lines(
    of indices: (Int, Int), in bytes: [UInt8]
  ) throws(RecordFault) -> (Int, Int) {
    var decoder = IntelHEXDecoder()
    decoder.isSlow = true
    var store = [UInt8](repeating: 0, count: bytes.count / 2 + 8)
    let text = bytes.span.bytes
    decoder.begin(text)
    var found = (0, 0)
    while decoder.position < text.byteCount {
      var span = store.mutableSpan
      var output = span.mutableBytes
      let line = decoder.line
      let before = decoder.collector.used
      try decoder.readLine(of: text, into: &output)
      if (before..<decoder.collector.used).contains(indices.0) { found.0 = line }
      if (before..<decoder.collector.used).contains(indices.1) { found.1 = line }
    }
    return found
  }

  private mutating func begin(_ text: RawSpan) {
    position = text.byteOrderMarkLength
    if position > 0 { remarks.add(.byteOrderMark, line: 1) }
  }

  private mutating func end() throws(RecordFault) {
    if let stray = lineBehindEnd, let endLine {
      throw stray.fault(at: stray.content.lowerBound, .dataAfterEnd(endLine: endLine))
    }
    if endLine == nil { remarks.add(.missingEnd, line: max(1, line - 1)) }
    if collector.used == 0 { remarks.add(.noData, line: 1) }
  }

  /// Reads data records without anything unusual for as long as there are such; the rest of the
  /// grammar, and every complaint, is `readLine`'s.
  private mutating func readCleanRecords(of text: RawSpan, into output: inout MutableRawSpan) {
    guard lineBehindEnd != nil || endLine == nil else { return }
    let base = self.base.address
    let isSegmented = self.base.isSegmented
    // The last records are left to `readLine`, because whole words are loaded here.
    let limit = text.byteCount - 8
    var position = position
    var line = line
    while position + 11 <= limit, text.character(at: position) == UInt8(ascii: ":") {
      let header = HexDigits.decode(text.word(at: position + 1))
      let lanes = header.lanes
      let count = Int(truncatingIfNeeded: lanes & 0xFF)
      // Type 00, which is the last lane.
      guard header.faults == 0, lanes >> 48 == 0, count > 0 else { break }
      var next = position + 11 + 2 * count
      guard next <= limit else { break }
      var sum = lanes
      let isWhole = text.decodeHexDigits(
        from: position + 9, count: count + 1, into: &output, at: collector.used, sum: &sum)
      guard isWhole, HexDigits.total(sum) == 0 else { break }
      switch text.character(at: next) {
      case 0x0A: next += 1
      case 0x0D: next += text.character(at: next + 1) == 0x0A ? 2 : 1
      default:
        self.position = position
        self.line = line
        return
      }
      let offset = (lanes >> 16 & 0xFF) << 8 | lanes >> 32 & 0xFF
      let address = base + offset
      guard address + UInt64(count) <= 1 << 32, !isSegmented || offset + UInt64(count) <= 1 << 16
      else { break }
      collector.add(address: address, count: count, line: line)
      position = next
      line += 1
    }
    self.position = position
    self.line = line
  }

  /// Reads one line of any kind.
  private mutating func readLine(
    of text: RawSpan, into output: inout MutableRawSpan
  ) throws(RecordFault) {
    let record = RecordLine(of: text, from: position, number: line)
    switch record.kind(in: text) {
    case .empty: break
    case .comment: remarks.add(.comment, line: line)
    case .record: try readRecord(record, of: text, into: &output)
    }
    position = record.next
    line += 1
  }

  private mutating func readRecord(
    _ record: RecordLine, of text: RawSpan, into output: inout MutableRawSpan
  ) throws(RecordFault) {
    let start = record.content.lowerBound
    guard text.character(at: start) == UInt8(ascii: ":") else {
      throw record.fault(at: start, .notARecord(begins: "a colon"))
    }
    let bytes = try record.bytes(of: text, from: start + 1, uncounted: 5, residue: 0)
    if record.hasBlanks { remarks.add(.blanks, line: line) }
    if endLine != nil, lineBehindEnd == nil { beginSecondFile(record) }
    let count = Int(bytes[0])
    let offset = UInt64(bytes[1]) << 8 | UInt64(bytes[2])
    let value = bytes[4..<4 + count].prefix(4).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    func require(_ expected: Int, _ type: String) throws(RecordFault) {
      guard count == expected else {
        let rule = "such a record has \(expected) bytes of data"
        throw record.fault(at: start + 1, .wrongCount(type: type, count: count, rule: rule))
      }
    }
    switch bytes[3] {
    case 0x00:
      let address = try address(offset, count: count, in: record)
      if count == 0 { remarks.add(.emptyRecord, line: line) }
      for index in 0..<count {
        output.storeBytes(
          of: bytes[4 + index], toByteOffset: collector.used + index, as: UInt8.self)
      }
      collector.add(address: address, count: count, line: line)
    case 0x01:
      try require(0, "end of file")
      endLine = line
      lineBehindEnd = nil
    case 0x02:
      try require(2, "extended segment address")
      base = .segmented(value << 4)
    case 0x03:
      try require(4, "start segment address")
      setEntryPoint((value >> 16) << 4 + (value & 0xFFFF))
    case 0x04:
      try require(2, "extended linear address")
      base = .linear(value << 16)
    case 0x05:
      try require(4, "start linear address")
      setEntryPoint(value)
    default:
      throw record.fault(at: start + 7, .unknownType("0x\(hex(bytes[3]))"))
    }
  }

  private func address(
    _ offset: UInt64, count: Int, in record: RecordLine
  ) throws(RecordFault) -> UInt64 {
    let address = base.address + offset
    if case .segmented(let base) = base, offset + UInt64(count) > 1 << 16 {
      let rule = RecordFault.Rule.segmentOverflow(base: base, offset: offset, count: count)
      throw record.fault(at: record.content.lowerBound + 3, rule)
    }
    guard address + UInt64(count) <= 1 << 32 else {
      let rule = RecordFault.Rule.addressOverflow(address: address, count: count)
      throw record.fault(at: record.content.lowerBound + 3, rule)
    }
    return address
  }

  /// What follows an end must be a whole file: with a base of its own and an end of its own.
  private mutating func beginSecondFile(_ record: RecordLine) {
    lineBehindEnd = record
    base = .linear(0)
    remarks.add(.secondFile, line: line)
  }

  private mutating func setEntryPoint(_ value: UInt64) {
    if let entryPoint, entryPoint != value { remarks.add(.entryPointChanged, line: line) }
    entryPoint = value
  }
}
