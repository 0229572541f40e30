/// Bytes of which most are blank (0xFF): only pages that are not cost memory.
struct SparseBytes: Sendable {
  static let pageSize = 16384
  static let blank: UInt8 = 0xFF
  private static let blankPage = [UInt8](repeating: blank, count: pageSize)

  /// How many bytes there are.
  let count: Int
  private var pages: [[UInt8]?]

  init(count: Int) {
    self.count = count
    pages = Array(
      repeating: nil, count: (count + SparseBytes.pageSize - 1) / SparseBytes.pageSize)
  }

  func read(_ range: Range<Int>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(range.count)
    SparseBytes.forEachPage(of: range) { page, part in
      if let content = pages[page] {
        bytes.append(contentsOf: content[part])
      } else {
        bytes.append(contentsOf: SparseBytes.blankPage[part])
      }
    }
    return bytes
  }

  func hasPage(_ page: Int) -> Bool { pages[page] != nil }

  /// Whether every byte of the range is 0xFF.
  func isBlank(_ range: Range<Int>) -> Bool {
    var isBlank = true
    SparseBytes.forEachPage(of: range) { page, part in
      if isBlank, let content = pages[page] {
        isBlank = SparseBytes.firstNonBlank(in: content.span.bytes, part) == nil
      }
    }
    return isBlank
  }

  /// The offset of the first byte that is not blank: eight at a time, since most are.
  static func firstNonBlank(in bytes: RawSpan, _ range: Range<Int>) -> Int? {
    var offset = range.lowerBound
    while offset + 8 <= range.upperBound,
      bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self) == .max
    {
      offset += 8
    }
    while offset < range.upperBound {
      if bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self) != blank {
        return offset
      }
      offset += 1
    }
    return nil
  }

  mutating func write(_ bytes: [UInt8], at offset: Int) {
    forEachPart(of: bytes, at: offset) { content, part, source in
      content.replaceSubrange(part, with: source)
    }
  }

  /// Clears the bits that are 0 in `bytes`: all that programming can do to flash.
  ///
  /// - Returns: whether a bit that was 0 should have become 1, and did not.
  mutating func clearBits(_ bytes: [UInt8], at offset: Int) -> Bool {
    if isBlank(offset..<offset + bytes.count) {
      write(bytes, at: offset)
      return false
    }
    var failed: UInt8 = 0
    forEachPart(of: bytes, at: offset) { content, part, source in
      for (target, byte) in zip(part, source) {
        failed |= byte & ~content[target]
        content[target] &= byte
      }
    }
    return failed != 0
  }

  /// Hands out the pages that `bytes` fall on, but those that are blank and stay so.
  private mutating func forEachPart(
    of bytes: [UInt8], at offset: Int,
    _ body: (inout [UInt8], Range<Int>, ArraySlice<UInt8>) -> Void
  ) {
    var next = 0
    SparseBytes.forEachPage(of: offset..<offset + bytes.count) { page, part in
      let source = bytes[next..<next + part.count]
      next += part.count
      if pages[page] == nil,
        SparseBytes.firstNonBlank(in: source.span.bytes, 0..<source.count) == nil
      {
        return
      }
      // Taken out, so that it is not copied.
      var content =
        pages[page] ?? SparseBytes.blankPage
      pages[page] = nil
      body(&content, part, source)
      pages[page] = content
    }
  }

  mutating func fill(_ range: Range<Int>) {
    SparseBytes.forEachPage(of: range) { page, part in
      if part.count == SparseBytes.pageSize {
        pages[page] = nil
      } else if pages[page] != nil {
        for index in part { pages[page]?[index] = SparseBytes.blank }
      }
    }
  }

  /// Sets the bits of `mask` in every byte of the range; a blank page stays as it is.
  mutating func setBits(_ mask: UInt8, in range: Range<Int>) {
    SparseBytes.forEachPage(of: range) { page, part in
      guard var content = pages[page] else { return }
      // Taken out, so that it is not copied.
      pages[page] = nil
      for index in part { content[index] |= mask }
      pages[page] = content
    }
  }

  // Static, so that a body that changes the pages finds them unshared.
  private static func forEachPage(of range: Range<Int>, _ body: (Int, Range<Int>) -> Void) {
    var start = range.lowerBound
    while start < range.upperBound {
      let page = start / SparseBytes.pageSize
      let base = page * SparseBytes.pageSize
      let end = min(range.upperBound, base + SparseBytes.pageSize)
      body(page, start - base..<end - base)
      start = end
    }
  }
}
