/// Gathers the data of records (Intel HEX, S-record) into an image.
///
/// The decoder stores every byte once, in file order, in one array; this keeps where each unbroken
/// run of addresses began in it. A file in ascending order without gaps is one run, and its array
/// becomes the segment as it is.
struct RecordCollector {
  private struct Run {
    var address: UInt64
    var start: Int
    var lines: ClosedRange<Int>
  }

  /// Two records that put different bytes at one address.
  struct Conflict: Error {
    var address: UInt64
    /// Which bytes of the file, counted in the order of its records.
    var indices: (Int, Int)
  }

  private var runs: [Run] = []
  private var nextAddress: UInt64 = 0
  private var lastLine = 0
  /// How many bytes have been gathered: where the next record's go.
  private(set) var used = 0

  /// Says that the next `count` bytes of the array belong at `address`, and come from `line`.
  @inline(__always)
  mutating func add(address: UInt64, count: Int, line: Int) {
    if address != nextAddress || runs.isEmpty {
      guard count > 0 else { return }
      closeRun()
      runs.append(Run(address: address, start: used, lines: line...line))
    }
    lastLine = line
    nextAddress = address &+ UInt64(count)
    used &+= count
  }

  private mutating func closeRun() {
    guard let first = runs.last?.lines.lowerBound else { return }
    runs[runs.count - 1].lines = first...max(first, lastLine)
  }

  /// The image of everything that was gathered; what was said twice in the same words is there once.
  ///
  /// - Parameter bytes: the array that the records were decoded into.
  /// - Returns: the image.
  /// - Throws: ``Conflict`` where two records contradict each other.
  mutating func image(taking bytes: consuming [UInt8]) throws(Conflict) -> FirmwareImage {
    var image = FirmwareImage()
    guard let first = runs.first else { return image }
    closeRun()
    if runs.count == 1 {
      bytes.removeLast(bytes.count - used)
      image.appendBehind(
        .init(address: first.address, bytes: bytes, origin: Self.origin(runs[0].lines)))
      return image
    }
    var pieces: [Piece] = []
    pieces.reserveCapacity(runs.count)
    for index in runs.indices {
      let run = runs[index]
      let end = index + 1 < runs.count ? runs[index + 1].start : used
      pieces.append(Piece(address: run.address, indices: run.start..<end, lines: run.lines))
    }
    if !zip(pieces, pieces.dropFirst()).allSatisfy({ $0.end <= $1.address }) {
      pieces.sort { ($0.address, $0.indices.lowerBound) < ($1.address, $1.indices.lowerBound) }
      pieces = try Self.merged(pieces, of: bytes)
    }
    for piece in pieces {
      image.appendBehind(
        .init(
          address: piece.address, bytes: Array(bytes[piece.indices]),
          origin: Self.origin(piece.lines)))
    }
    return image
  }

  private static func origin(_ lines: ClosedRange<Int>) -> FirmwareImage.Origin {
    lines.count == 1 ? .line(lines.lowerBound) : .lines(lines)
  }

  private struct Piece {
    var address: UInt64
    var indices: Range<Int>
    var lines: ClosedRange<Int>
    var end: UInt64 { address + UInt64(indices.count) }
  }

  /// Removes from every piece what earlier ones already said, in time proportional to the bytes.
  private static func merged(
    _ sorted: [Piece], of bytes: [UInt8]
  ) throws(Conflict) -> [Piece] {
    var kept: [Piece] = []
    kept.reserveCapacity(sorted.count)
    for piece in sorted {
      guard let last = kept.last, last.end > piece.address else {
        kept.append(piece)
        continue
      }
      try compare(piece, with: kept, of: bytes)
      guard piece.end > last.end else { continue }
      let repeated = Int(last.end - piece.address)
      kept.append(
        Piece(
          address: last.end, indices: piece.indices.dropFirst(repeated), lines: piece.lines))
    }
    return kept
  }

  /// Checks that `piece` agrees with `kept`, which ends behind its first byte and has no gap there.
  private static func compare(
    _ piece: Piece, with kept: [Piece], of bytes: [UInt8]
  ) throws(Conflict) {
    // `kept` is sorted, but only the pieces at its end can reach this far: they follow each other
    // without a gap from the one that holds the first byte.
    var low = 0
    var high = kept.count
    while low < high {
      let middle = (low + high) / 2
      if kept[middle].end <= piece.address { low = middle + 1 } else { high = middle }
    }
    for other in kept[low...] {
      let start = max(piece.address, other.address)
      let end = min(piece.end, other.end)
      guard start < end else { return }
      for step in 0..<Int(end - start) {
        let mine = piece.indices.lowerBound + Int(start - piece.address) + step
        let theirs = other.indices.lowerBound + Int(start - other.address) + step
        guard bytes[mine] == bytes[theirs] else {
          throw Conflict(
            address: start + UInt64(step), indices: (min(mine, theirs), max(mine, theirs)))
        }
      }
    }
  }
}
