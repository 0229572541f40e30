/// Looking at an image, and cutting and laying images over one another.
extension FirmwareImage {
  /// Whether there are no bytes.
  public var isEmpty: Bool { store.isEmpty }

  /// How many bytes there are; holes do not count.
  public var byteCount: Int { store.reduce(0) { $0 + $1.bytes.count } }

  /// From the lowest address to behind the highest; nil for an empty image.
  public var range: Range<UInt64>? {
    guard let first = store.first, let end = store.lastEnd else { return nil }
    return first.address..<end
  }

  /// The contiguous stretches, ascending, touching segments joined.
  public var extents: [Range<UInt64>] {
    var extents: [Range<UInt64>] = []
    for segment in store { extents.appendJoining(segment.range) }
    return extents
  }

  /// Whether every address of `range` has a byte; true for an empty range.
  public func covers(_ range: Range<UInt64>) -> Bool {
    range.isEmpty
      || store.gaps(in: range, from: store.firstIndex(endingAfter: range.lowerBound)).isEmpty
  }

  /// Whether any address of `range` has a byte.
  public func intersects(_ range: Range<UInt64>) -> Bool {
    guard !range.isEmpty else { return false }
    let index = store.firstIndex(endingAfter: range.lowerBound)
    return index != store.endIndex && store[index].address < range.upperBound
  }

  /// The segment that has a byte at `address`.
  public func segment(containing address: UInt64) -> Segment? {
    let index = store.firstIndex(endingAfter: address)
    guard index != store.endIndex, store[index].address <= address else { return nil }
    return store[index]
  }

  /// The byte at `address`.
  public subscript(address: UInt64) -> UInt8? {
    segment(containing: address).map { $0.bytes[Int(address - $0.address)] }
  }

  /// The bytes of `range`, gaps filled with `fill`.
  ///
  /// The result is as long as the range: ask for no more than fits in memory.
  ///
  /// - Parameters:
  ///   - range: the addresses wanted.
  ///   - fill: the byte for addresses without one; 0xFF is what erased flash holds.
  /// - Returns: one byte for each address.
  public func bytes(in range: Range<UInt64>, fill: UInt8 = 0xFF) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(Int(clamping: range.upperBound - range.lowerBound))
    var cursor = range.lowerBound
    for piece in pieces(in: range) {
      result.append(
        contentsOf: repeatElement(fill, count: Int(clamping: piece.address - cursor)))
      result.append(contentsOf: piece.bytes)
      cursor = piece.address + UInt64(piece.bytes.count)
    }
    result.append(contentsOf: repeatElement(fill, count: Int(clamping: range.upperBound - cursor)))
    return result
  }

  /// The parts of segments inside `range`, ascending, without a copy of their bytes.
  public func pieces(in range: Range<UInt64>) -> [(address: UInt64, bytes: ArraySlice<UInt8>)] {
    var pieces: [(address: UInt64, bytes: ArraySlice<UInt8>)] = []
    visit(range) { segment in
      let common = segment.range.clamped(to: range)
      if !common.isEmpty { pieces.append((common.lowerBound, segment.slice(common))) }
    }
    return pieces
  }

  /// The part of this image inside `range`, with its entry point.
  public func clipped(to range: Range<UInt64>) -> FirmwareImage {
    var result = FirmwareImage()
    result.entryPoint = entryPoint
    visit(range) { segment in
      if let part = segment.clipped(to: range) { result.appendBehind(part) }
    }
    return result
  }

  /// This image with `other` laid over it: where both have bytes, those of `other` win, and so does
  /// its entry point if it has one.
  public func overlaying(_ other: FirmwareImage) -> FirmwareImage {
    var result = FirmwareImage()
    result.entryPoint = other.entryPoint ?? entryPoint
    var cursor: UInt64 = 0
    for segment in other.store {
      for part in clipped(to: cursor..<segment.address).store { result.appendBehind(part) }
      result.appendBehind(segment)
      cursor = segment.end
    }
    for part in clipped(to: cursor..<UInt64.max).store { result.appendBehind(part) }
    return result
  }

  /// Where the two images differ, ascending, touching stretches joined: where both have bytes and
  /// they are not the same, and where only one has bytes.
  public func differences(from other: FirmwareImage) -> [Range<UInt64>] {
    var result: [Range<UInt64>] = []
    var here = store.startIndex
    var there = other.store.startIndex
    var cursor: UInt64 = 0
    while true {
      let ours = here == store.endIndex ? nil : store[here]
      let theirs = there == other.store.endIndex ? nil : other.store[there]
      guard ours != nil || theirs != nil else { return result }
      let ourStart = max(ours?.address ?? .max, cursor)
      let theirStart = max(theirs?.address ?? .max, cursor)
      if let ours, let theirs, ourStart == theirStart {
        let common = ourStart..<min(ours.end, theirs.end)
        Self.compare(ours.slice(common), theirs.slice(common), at: ourStart, into: &result)
        cursor = common.upperBound
      } else if let ours, theirs == nil || ourStart < theirStart {
        cursor = min(ours.end, theirs == nil ? .max : theirStart)
        result.appendJoining(ourStart..<cursor)
      } else if let theirs {
        cursor = min(theirs.end, ours == nil ? .max : ourStart)
        result.appendJoining(theirStart..<cursor)
      }
      if let ours, ours.end <= cursor { here = store.index(after: here) }
      if let theirs, theirs.end <= cursor { there = other.store.index(after: there) }
    }
  }

  private static func compare(
    _ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>, at address: UInt64,
    into result: inout [Range<UInt64>]
  ) {
    guard left != right else { return }
    var run = 0
    var length = 0
    for (offset, pair) in zip(left, right).enumerated() {
      if pair.0 != pair.1 {
        if length == 0 { run = offset }
        length += 1
      } else if length > 0 {
        result.appendJoining(address + UInt64(run)..<address + UInt64(run + length))
        length = 0
      }
    }
    if length > 0 { result.appendJoining(address + UInt64(run)..<address + UInt64(run + length)) }
  }

  private func visit(_ range: Range<UInt64>, _ body: (Segment) -> Void) {
    guard !range.isEmpty else { return }
    var index = store.firstIndex(endingAfter: range.lowerBound)
    while index != store.endIndex, store[index].address < range.upperBound {
      body(store[index])
      index = store.index(after: index)
    }
  }
}

extension [Range<UInt64>] {
  /// Adds a range behind the others, joined with the last one where they touch.
  fileprivate mutating func appendJoining(_ range: Range<UInt64>) {
    guard !range.isEmpty else { return }
    if let last = indices.last, self[last].upperBound == range.lowerBound {
      self[last] = self[last].lowerBound..<range.upperBound
    } else {
      append(range)
    }
  }
}
