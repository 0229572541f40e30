/// The segments of an image, ascending and never overlapping, in chunks of bounded size.
///
/// One flat array would make a hundred thousand pieces in random order cost seconds of moving; with
/// chunks an insertion moves at most ``chunkLimit`` pieces. Images of ordinary size are one chunk.
struct SegmentStore: Sendable, BidirectionalCollection {
  typealias Element = FirmwareImage.Segment

  struct Index: Comparable {
    var chunk: Int
    var item: Int

    static func < (left: Self, right: Self) -> Bool {
      (left.chunk, left.item) < (right.chunk, right.item)
    }
  }

  static let chunkLimit = 1024

  // No chunk is ever empty.
  private var chunks: [[Element]] = []

  var flattened: [Element] {
    switch chunks.count {
    case 0: []
    case 1: chunks[0]
    default: Array(chunks.joined())
    }
  }

  var startIndex: Index { Index(chunk: 0, item: 0) }
  var endIndex: Index { Index(chunk: chunks.count, item: 0) }
  var count: Int { chunks.reduce(0) { $0 + $1.count } }

  subscript(index: Index) -> Element { chunks[index.chunk][index.item] }

  func index(after index: Index) -> Index {
    index.item + 1 < chunks[index.chunk].count
      ? Index(chunk: index.chunk, item: index.item + 1) : Index(chunk: index.chunk + 1, item: 0)
  }

  func index(before index: Index) -> Index {
    index.item > 0
      ? Index(chunk: index.chunk, item: index.item - 1)
      : Index(chunk: index.chunk - 1, item: chunks[index.chunk - 1].count - 1)
  }

  /// The address behind the last byte of all; nil when there is none.
  var lastEnd: UInt64? { chunks.last?.last?.end }

  /// The first segment that ends after `address`: the one that contains it, or the next one.
  func firstIndex(endingAfter address: UInt64) -> Index {
    let chunk = chunks.partitioningIndex { ($0.last?.end ?? 0) > address }
    guard chunk < chunks.count else { return endIndex }
    return Index(chunk: chunk, item: chunks[chunk].partitioningIndex { $0.end > address })
  }

  /// The stretches of `range` without bytes, where `start` is the first segment ending after its
  /// beginning.
  func gaps(in range: Range<UInt64>, from start: Index) -> [Range<UInt64>] {
    var gaps: [Range<UInt64>] = []
    var cursor = range.lowerBound
    var index = start
    while index != endIndex, self[index].address < range.upperBound {
      if self[index].address > cursor { gaps.append(cursor..<self[index].address) }
      cursor = Swift.max(cursor, self[index].end)
      index = self.index(after: index)
    }
    if cursor < range.upperBound { gaps.append(cursor..<range.upperBound) }
    return gaps
  }

  /// Inserts a segment that overlaps no other before `index`.
  mutating func insert(_ segment: Element, before index: Index) {
    guard index.chunk < chunks.count else {
      if let last = chunks.indices.last, chunks[last].count < Self.chunkLimit {
        chunks[last].append(segment)
      } else {
        chunks.append([segment])
      }
      return
    }
    chunks[index.chunk].insert(segment, at: index.item)
    if chunks[index.chunk].count > Self.chunkLimit {
      let half = chunks[index.chunk].count / 2
      let tail = Array(chunks[index.chunk][half...])
      chunks[index.chunk].removeSubrange(half...)
      chunks.insert(tail, at: index.chunk + 1)
    }
  }

  /// Adds bytes to the end of a segment; the next one must not begin before their end.
  mutating func extend(
    _ index: Index, with bytes: some Collection<UInt8>, origin: FirmwareImage.Origin
  ) {
    chunks[index.chunk][index.item].bytes.append(contentsOf: bytes)
    chunks[index.chunk][index.item].origin = origin
  }

  /// Adds bytes behind all others, joined with the last segment where it continues it.
  mutating func append(_ bytes: [UInt8], at address: UInt64, origin: FirmwareImage.Origin) {
    if lastEnd == address {
      let last = index(before: endIndex)
      if let joined = self[last].origin.continued(by: origin, after: self[last].bytes.count) {
        extend(last, with: bytes, origin: joined)
        return
      }
    }
    insert(Element(address: address, bytes: bytes, origin: origin), before: endIndex)
  }
}

extension Array {
  /// The index of the first element for which `predicate` holds, where it holds for all behind it.
  func partitioningIndex(where predicate: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = low + (high - low) / 2
      if predicate(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
