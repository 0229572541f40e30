internal import USB

/// The bytes of a memory in a snapshot: pairs of a run of blank bytes and a run of others, each with
/// its length in 32 bits, until all bytes are told.
extension SparseBytes {
  func encode(into bytes: inout [UInt8]) {
    var offset = 0
    while offset < count {
      let start = nextContent(from: offset)
      let end = contentEnd(from: start)
      bytes += UInt32(start - offset).littleEndianBytes
      bytes += UInt32(end - start).littleEndianBytes
      bytes += read(start..<end)
      offset = end
    }
  }

  /// The first byte at or behind `offset` on a page that has content and is not blank itself.
  private func nextContent(from offset: Int) -> Int {
    var offset = offset
    while offset < count {
      let page = offset / SparseBytes.pageSize
      let pageEnd = min((page + 1) * SparseBytes.pageSize, count)
      if hasPage(page), let first = firstNonBlank(in: offset..<pageEnd) { return first }
      offset = pageEnd
    }
    return count
  }

  /// The end of the content that begins at `start`: where eight bytes in a row are blank.
  private func contentEnd(from start: Int) -> Int {
    var offset = start
    while offset < count {
      let page = offset / SparseBytes.pageSize
      let pageEnd = min((page + 1) * SparseBytes.pageSize, count)
      guard hasPage(page) else { return offset }
      if let end = firstBlankWord(in: offset..<pageEnd) { return end }
      offset = pageEnd
    }
    return count
  }

  /// Where eight blank bytes begin, looked for in steps of eight.
  private func firstBlankWord(in range: Range<Int>) -> Int? {
    let content = read(range)
    let bytes = content.span.bytes
    let word = blankWord
    var offset = 0
    while offset + 8 <= content.count {
      if bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self) == word {
        return range.lowerBound + offset
      }
      offset += 8
    }
    return nil
  }

  private func firstNonBlank(in range: Range<Int>) -> Int? {
    let content = read(range)
    return firstNonBlank(in: content.span.bytes, 0..<content.count)
      .map { range.lowerBound + $0 }
  }

  init(count: Int, blank: UInt8, decoding reader: inout ByteReader) throws(ParseError) {
    self.init(count: count, blank: blank)
    var offset = 0
    while offset < count {
      let place = reader.offset
      let blank = Int(try reader.readUInt32("blank bytes"))
      let content = Int(try reader.readUInt32("content bytes"))
      guard blank <= count - offset, content <= count - offset - blank, blank + content > 0 else {
        throw ParseError(
          .invalid(
            value: "\(blank) and \(content)", rule: "\(count - offset) bytes are left to tell"),
          field: "run lengths", offset: place)
      }
      write(try reader.readBytes(content, "content"), at: offset + blank)
      offset += blank + content
    }
  }
}
