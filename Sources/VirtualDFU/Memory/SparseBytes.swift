/// Bytes of which most are blank (0xFF): only pages that are not cost memory.
struct SparseBytes: Sendable {
  static let pageSize = 16384
  static let blank: UInt8 = 0xFF

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
    forEachPage(of: range) { page, part in
      if let content = pages[page] {
        bytes.append(contentsOf: content[part])
      } else {
        bytes.append(contentsOf: repeatElement(SparseBytes.blank, count: part.count))
      }
    }
    return bytes
  }

  func hasPage(_ page: Int) -> Bool { pages[page] != nil }

  /// Whether every byte of the range is 0xFF.
  func isBlank(_ range: Range<Int>) -> Bool {
    var isBlank = true
    forEachPage(of: range) { page, part in
      if let content = pages[page], isBlank {
        isBlank = content[part].allSatisfy { $0 == SparseBytes.blank }
      }
    }
    return isBlank
  }

  mutating func write(_ bytes: [UInt8], at offset: Int) {
    change(bytes, at: offset) { _, new in new }
  }

  /// Clears the bits that are 0 in `bytes`: all that programming can do to flash.
  ///
  /// - Returns: whether a bit that was 0 should have become 1, and did not.
  mutating func clearBits(_ bytes: [UInt8], at offset: Int) -> Bool {
    var failed: UInt8 = 0
    change(bytes, at: offset) { old, new in
      failed |= new & ~old
      return old & new
    }
    return failed != 0
  }

  private mutating func change(
    _ bytes: [UInt8], at offset: Int, _ change: (UInt8, UInt8) -> UInt8
  ) {
    var next = 0
    forEachPage(of: offset..<offset + bytes.count) { page, part in
      let source = bytes[next..<next + part.count]
      next += part.count
      if pages[page] == nil {
        if source.allSatisfy({ $0 == SparseBytes.blank }) { return }
        pages[page] = Array(repeating: SparseBytes.blank, count: SparseBytes.pageSize)
      }
      // Taken out, so that it is not copied.
      var content = pages[page] ?? []
      pages[page] = nil
      var target = part.lowerBound
      for byte in source {
        content[target] = change(content[target], byte)
        target += 1
      }
      pages[page] = content
    }
  }

  mutating func fill(_ range: Range<Int>) {
    forEachPage(of: range) { page, part in
      if part.count == SparseBytes.pageSize {
        pages[page] = nil
      } else if pages[page] != nil {
        for index in part { pages[page]?[index] = SparseBytes.blank }
      }
    }
  }

  private func forEachPage(of range: Range<Int>, _ body: (Int, Range<Int>) -> Void) {
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
