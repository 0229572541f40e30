/// One line of a text of records, without its line end and the blanks around it.
struct RecordLine {
  /// Counted from 1.
  var number: Int
  /// The offset of the line's first character.
  var start: Int
  /// The offsets of what is left without blanks.
  var content: Range<Int>
  /// Where the next line begins.
  var next: Int
  /// Whether blanks stood around the content.
  var hasBlanks: Bool

  /// The line that begins at `start`; LF, CR LF and CR alone end lines.
  init(of text: RawSpan, from start: Int, number: Int) {
    self.number = number
    self.start = start
    var end = start
    while end < text.byteCount, !Self.endsLine(text.character(at: end)) { end += 1 }
    next = end
    if next < text.byteCount {
      let isCarriageReturn = text.character(at: next) == 0x0D
      next += 1
      if isCarriageReturn, next < text.byteCount, text.character(at: next) == 0x0A { next += 1 }
    }
    var first = start
    while first < end, Self.isBlank(text.character(at: first)) { first += 1 }
    var last = end
    while last > first, Self.isBlank(text.character(at: last - 1)) { last -= 1 }
    content = first..<last
    hasBlanks = first < last && (first > start || last < end)
  }

  /// The column of `offset`, counted from 1.
  func column(of offset: Int) -> Int { offset - start + 1 }

  /// Whether the line says nothing: it is empty, a comment, or the Ctrl-Z with which DOS ended texts.
  func kind(in text: RawSpan) -> Kind {
    guard !content.isEmpty else { return .empty }
    switch text.character(at: content.lowerBound) {
    case UInt8(ascii: ";"), UInt8(ascii: "#"): return .comment
    case UInt8(ascii: "/")
    where content.count > 1 && text.character(at: content.lowerBound + 1) == UInt8(ascii: "/"):
      return .comment
    case 0x1A where content.count == 1: return .empty
    default: return .record
    }
  }

  /// What a line can be.
  enum Kind { case empty, comment, record }

  private static func endsLine(_ character: UInt8) -> Bool {
    character == 0x0A || character == 0x0D
  }

  private static func isBlank(_ character: UInt8) -> Bool { character == 0x20 || character == 0x09 }
}

extension RawSpan {
  /// How many bytes a UTF-8 byte order mark takes at the start: 3 or none.
  var byteOrderMarkLength: Int {
    guard byteCount >= 3, character(at: 0) == 0xEF, character(at: 1) == 0xBB,
      character(at: 2) == 0xBF
    else { return 0 }
    return 3
  }

  /// The first line that is a record or pretends to be one; looks at 64 lines at most, so that a binary file
  /// is not read to its end.
  func firstRecordLine() -> RecordLine? {
    var start = byteOrderMarkLength
    for number in 1...64 where start < byteCount {
      let line = RecordLine(
        of: extracting(0..<Swift.min(byteCount, start + 1024)), from: start, number: number)
      if line.kind(in: self) == .record { return line }
      start = line.next
    }
    return nil
  }
}
