internal import USB

/// Motorola S-record: text records with a type, an address and a checksum (Motorola, M68000 Family
/// Programmer's Reference Manual, appendix C).
///
/// A record is `S`, a type digit, a count byte, an address of 2 to 4 bytes, the data and a checksum:
/// the ones' complement of the sum of the bytes before it. S0 is a header, S1, S2 and S3 carry data,
/// S5 and S6 count the data records, S7, S8 and S9 end the file with the entry point. S4 is reserved.
public enum SRecord {
  /// Whether the first line that is not empty and not a comment begins like a record.
  public static func looksLike(_ bytes: [UInt8]) -> Bool {
    let text = bytes.span.bytes
    guard let line = text.firstRecordLine(), line.content.count >= 4 else { return false }
    let start = line.content.lowerBound
    return text.character(at: start) | 0x20 == UInt8(ascii: "s")
      && (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text.character(at: start + 1))
      && HexDigits.value(text.character(at: start + 2)) != nil
      && HexDigits.value(text.character(at: start + 3)) != nil
  }

  /// Reads a file.
  ///
  /// Records may come in any order, with addresses of any length, in either case, with any line ends;
  /// the same bytes may be said twice. Comments, blanks, a byte order mark, a missing end and a
  /// complete second file behind the first are accepted and noted.
  ///
  /// - Parameter bytes: the whole text.
  /// - Returns: the image, whose origins are lines, and what was accepted although the format does
  ///   not have it. An end record with address 0 gives no entry point: writers put 0 there when
  ///   they know none.
  /// - Throws: ``FirmwareError`` with the line, the column and the rule.
  public static func decode(
    _ bytes: [UInt8]
  ) throws(FirmwareError) -> (image: FirmwareImage, notes: [FirmwareNote]) {
    do throws(RecordFault) {
      var decoder = SRecordDecoder()
      let store = try decoder.run(over: bytes)
      var image: FirmwareImage
      do throws(RecordCollector.Conflict) {
        image = try decoder.collector.image(taking: store)
      } catch {
        let lines = try SRecordDecoder.lines(of: error.indices, in: bytes)
        throw RecordFault(
          line: lines.1, column: 1, rule: .conflict(address: error.address, otherLine: lines.0))
      }
      image.entryPoint = decoder.entryPoint
      return (image, decoder.remarks.notes(format: .sRecord))
    } catch {
      throw FirmwareError(error, format: .sRecord)
    }
  }
}

/// Walks over the lines of an S-record text.
struct SRecordDecoder {
  var collector = RecordCollector()
  var remarks = RecordRemarks()
  var entryPoint: UInt64?

  private var position = 0
  private var line = 1
  /// How many S1, S2 and S3 records there were since the beginning of the file.
  private var dataRecords = 0
  /// The line of the last S7, S8 or S9 record.
  private var endLine: Int?
  /// The first line behind `endLine` that holds a record.
  private var lineBehindEnd: RecordLine?
  /// Only while looking for the line of a byte.
  private var isSlow = false

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
    var decoder = SRecordDecoder()
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
    // The last records are left to `readLine`, because whole words are loaded here.
    let limit = text.byteCount - 8
    var position = position
    var line = line
    while position + 12 <= limit, text.character(at: position) == UInt8(ascii: "S") {
      let width = Int(text.character(at: position + 1)) - 0x30 + 1
      guard (2...4).contains(width) else { break }
      let head = HexDigits.decode(HexDigits.first(2, of: text.word(at: position + 2)))
      let place = HexDigits.decode(HexDigits.first(width * 2, of: text.word(at: position + 4)))
      let counted = Int(truncatingIfNeeded: head.lanes)
      let count = counted - width - 1
      guard head.faults | place.faults == 0, count > 0 else { break }
      var next = position + 4 + 2 * counted
      guard next <= limit else { break }
      var sum = head.lanes &+ place.lanes
      let isWhole = text.decodeHexDigits(
        from: position + 4 + 2 * width, count: count + 1, into: &output, at: collector.used,
        sum: &sum)
      guard isWhole, HexDigits.total(sum) == 0xFF else { break }
      switch text.character(at: next) {
      case 0x0A: next += 1
      case 0x0D: next += text.character(at: next + 1) == 0x0A ? 2 : 1
      default:
        self.position = position
        self.line = line
        return
      }
      let bigEndian = UInt64(HexDigits.pack(place.lanes).byteSwapped)
      let address = bigEndian >> UInt64(8 * (4 - width))
      guard address + UInt64(count) <= 1 << 32 else { break }
      collector.add(address: address, count: count, line: line)
      dataRecords += 1
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
    let letter = text.character(at: start)
    guard letter | 0x20 == UInt8(ascii: "s"), record.content.count >= 2 else {
      throw record.fault(at: start, .notARecord(begins: "the letter S and a digit"))
    }
    let type = text.character(at: start + 1)
    guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(type) else {
      throw record.fault(at: start + 1, .notARecord(begins: "the letter S and a digit"))
    }
    let name = "S\(type - UInt8(ascii: "0"))"
    guard type != UInt8(ascii: "4") else {
      throw record.fault(at: start + 1, .unknownType("\(name), which is reserved,"))
    }
    let bytes = try record.bytes(of: text, from: start + 2, uncounted: 1, residue: 0xFF)
    if record.hasBlanks { remarks.add(.blanks, line: line) }
    if letter != UInt8(ascii: "S") { remarks.add(.lowerCaseLetter, line: line) }
    if endLine != nil, lineBehindEnd == nil { beginSecondFile(record) }
    let counted = Int(bytes[0])
    /// The address of `width` bytes; `exactly` where nothing but the checksum may follow it.
    func address(_ width: Int, exactly: Bool) throws(RecordFault) -> UInt64 {
      guard exactly ? counted == width + 1 : counted > width else {
        let rule = "such a record counts \(width + 1) bytes\(exactly ? "" : " at least")"
        throw record.fault(at: start + 2, .wrongCount(type: name, count: counted, rule: rule))
      }
      return bytes[1...width].reduce(0) { $0 << 8 | UInt64($1) }
    }
    switch type {
    case UInt8(ascii: "0"):
      _ = try address(2, exactly: false)
      setHeader(bytes[3..<counted])
    case UInt8(ascii: "1")...UInt8(ascii: "3"):
      let width = Int(type - UInt8(ascii: "0")) + 1
      try readData(bytes, at: address(width, exactly: false), width: width, record, into: &output)
    case UInt8(ascii: "5"), UInt8(ascii: "6"):
      let width = type == UInt8(ascii: "5") ? 2 : 3
      let said = Int(try address(width, exactly: true))
      // More records than the field can hold: its low bits are all that can be compared.
      guard said == dataRecords & (1 << (8 * width) - 1) else {
        throw record.fault(at: start + 4, .recordCount(said: said, found: dataRecords))
      }
    default:
      let entry = try address(4 - Int(type - UInt8(ascii: "7")), exactly: true)
      endLine = line
      lineBehindEnd = nil
      if entry != 0 { setEntryPoint(entry) }
    }
  }

  private mutating func readData(
    _ bytes: [UInt8], at address: UInt64, width: Int, _ record: RecordLine,
    into output: inout MutableRawSpan
  ) throws(RecordFault) {
    dataRecords += 1
    let data = bytes[(1 + width)..<(bytes.count - 1)]
    guard address + UInt64(data.count) <= 1 << 32 else {
      let rule = RecordFault.Rule.addressOverflow(address: address, count: data.count)
      throw record.fault(at: record.content.lowerBound + 4, rule)
    }
    if data.isEmpty { remarks.add(.emptyRecord, line: line) }
    for (index, byte) in data.enumerated() {
      output.storeBytes(of: byte, toByteOffset: collector.used + index, as: UInt8.self)
    }
    collector.add(address: address, count: data.count, line: line)
  }

  /// What follows an end must be a whole file, with a count of its own and an end of its own.
  private mutating func beginSecondFile(_ record: RecordLine) {
    lineBehindEnd = record
    dataRecords = 0
    remarks.add(.secondFile, line: line)
  }

  private mutating func setEntryPoint(_ value: UInt64) {
    if let entryPoint, entryPoint != value { remarks.add(.entryPointChanged, line: line) }
    entryPoint = value
  }

  /// Keeps the header where it is plain text, as far as zeros that fill it up.
  private mutating func setHeader(_ bytes: ArraySlice<UInt8>) {
    let text = bytes.prefix { $0 != 0 }
    guard remarks.header == nil, !text.isEmpty, text.allSatisfy({ (0x20...0x7E).contains($0) })
    else { return }
    remarks.header = String(decoding: text, as: Unicode.ASCII.self)
  }
}
