internal import USB

/// A sparse picture of memory: bytes at addresses, each piece knowing where it came from.
///
/// Segments are in ascending order of address, are never empty and never overlap. Pieces that arrive
/// in ascending order and touch are joined when their origins continue one another (lines with lines,
/// blocks with blocks); pieces that arrive out of order stay apart until ``joinTouchingSegments()``.
/// A hole costs nothing, however large. Two images are equal when they put the same bytes at the same
/// addresses and have the same entry point; where the bytes came from does not count.
public struct FirmwareImage: Sendable {
  /// Bytes at an address.
  public struct Segment: Hashable, Sendable {
    /// The address of the first byte.
    public var address: UInt64
    /// The bytes; never empty inside an image.
    public var bytes: [UInt8]
    /// Where they came from.
    public var origin: Origin

    /// A segment.
    public init(address: UInt64, bytes: [UInt8], origin: Origin) {
      self.address = address
      self.bytes = bytes
      self.origin = origin
    }

    /// The address behind the last byte; inside an image it never overflows.
    public var end: UInt64 {
      let (end, overflow) = address.addingReportingOverflow(UInt64(bytes.count))
      return overflow ? .max : end
    }

    /// The addresses of the bytes.
    public var range: Range<UInt64> { address..<end }

    /// The part of this segment inside `range`, or nil when they do not meet.
    func clipped(to range: Range<UInt64>) -> Segment? {
      let common = self.range.clamped(to: range)
      guard !common.isEmpty else { return nil }
      if common == self.range { return self }
      return Segment(
        address: common.lowerBound, bytes: Array(slice(common)),
        origin: origin.advanced(by: Int(common.lowerBound - address)))
    }

    /// The bytes at `range`, which lies inside this segment.
    func slice(_ range: Range<UInt64>) -> ArraySlice<UInt8> {
      bytes[Int(range.lowerBound - address)..<Int(range.upperBound - address)]
    }
  }

  private(set) var store = SegmentStore()
  /// Where execution begins, as the file says it; bit 0 is the Thumb bit on Arm.
  public var entryPoint: UInt64?

  /// An empty image.
  public init() {}

  /// An image of `segments`, in any order.
  ///
  /// - Parameter segments: the pieces; empty ones are ignored, overlapping ones must agree.
  /// - Throws: ``FirmwareError`` with the code `overlap` where two pieces put different bytes at one
  ///   address, or `addressOverflow` where a piece runs beyond 2^64.
  public init(_ segments: [Segment]) throws(FirmwareError) {
    for segment in segments { try insert(segment) }
    joinTouchingSegments()
  }

  /// The pieces, ascending, never overlapping.
  ///
  /// Reading this is free up to 1024 pieces, and a copy of the list of pieces beyond.
  public var segments: [Segment] { store.flattened }

  /// Puts `segment` into the image.
  ///
  /// Bytes that are there already and equal are accepted. A piece behind all others costs time in
  /// proportion to its own bytes only.
  ///
  /// - Parameter segment: the piece to add.
  /// - Throws: ``FirmwareError`` with the code `overlap`, naming both origins, where other bytes are
  ///   at one of its addresses already; `addressOverflow` where it runs beyond 2^64. The image is
  ///   unchanged then.
  public mutating func insert(_ segment: Segment) throws(FirmwareError) {
    try insert(segment.bytes, at: segment.address, origin: segment.origin)
  }

  /// Puts `bytes` into the image, with the rules of ``insert(_:)``.
  ///
  /// - Parameters:
  ///   - bytes: the bytes; none is no change.
  ///   - address: the address of the first.
  ///   - origin: where they came from.
  /// - Throws: ``FirmwareError`` as ``insert(_:)`` does.
  public mutating func insert(
    _ bytes: some RandomAccessCollection<UInt8>, at address: UInt64, origin: Origin
  ) throws(FirmwareError) {
    guard !bytes.isEmpty else { return }
    let (end, overflow) = address.addingReportingOverflow(UInt64(bytes.count))
    guard !overflow else {
      throw FirmwareError(
        .addressOverflow, place: origin.place,
        sentence:
          "\(bytes.count) bytes at \(addressText(address)) (\(origin)) run beyond the last address."
      )
    }
    if (store.lastEnd ?? 0) <= address {
      place(bytes, at: address, origin: origin, before: store.endIndex)
      return
    }
    let index = store.firstIndex(endingAfter: address)
    if index == store.endIndex || store[index].address >= end {
      place(bytes, at: address, origin: origin, before: index)
      return
    }
    try checkAgreement(of: bytes, at: address, origin: origin, from: index)
    for gap in store.gaps(in: address..<end, from: index) {
      let skipped = Int(gap.lowerBound - address)
      let slice = bytes.dropFirst(skipped).prefix(Int(gap.upperBound - gap.lowerBound))
      place(
        slice, at: gap.lowerBound, origin: origin.advanced(by: skipped),
        before: store.firstIndex(endingAfter: gap.lowerBound))
    }
  }

  /// Joins all touching segments whose origins continue one another.
  public mutating func joinTouchingSegments() {
    var joined = SegmentStore()
    for segment in store {
      joined.append(segment.bytes, at: segment.address, origin: segment.origin)
    }
    store = joined
  }

  /// Adds a segment that begins at or behind the end of all others.
  mutating func appendBehind(_ segment: Segment) {
    store.append(segment.bytes, at: segment.address, origin: segment.origin)
  }

  private mutating func place(
    _ bytes: some RandomAccessCollection<UInt8>, at address: UInt64, origin: Origin,
    before index: SegmentStore.Index
  ) {
    if index != store.startIndex {
      let previous = store.index(before: index)
      if store[previous].end == address,
        let joined = store[previous].origin.continued(
          by: origin, after: store[previous].bytes.count)
      {
        store.extend(previous, with: bytes, origin: joined)
        return
      }
    }
    store.insert(Segment(address: address, bytes: Array(bytes), origin: origin), before: index)
  }

  private func checkAgreement(
    of bytes: some RandomAccessCollection<UInt8>, at address: UInt64, origin: Origin,
    from start: SegmentStore.Index
  ) throws(FirmwareError) {
    let range = address..<address + UInt64(bytes.count)
    var index = start
    while index != store.endIndex, store[index].address < range.upperBound {
      let segment = store[index]
      let common = segment.range.clamped(to: range)
      let skipped = Int(common.lowerBound - address)
      let ours = bytes.dropFirst(skipped).prefix(Int(common.upperBound - common.lowerBound))
      let theirs = segment.slice(common)
      for (offset, pair) in zip(ours, theirs).enumerated() where pair.0 != pair.1 {
        let place = addressText(common.lowerBound + UInt64(offset))
        throw FirmwareError(
          .overlap, place: origin.place,
          sentence: "\(segment.origin) and \(origin) put different bytes at \(place): "
            + "0x\(hex(pair.1)) and 0x\(hex(pair.0)).",
          help: "Which of the two is meant cannot be known: make the file again from one of them.")
      }
      index = store.index(after: index)
    }
  }
}

extension FirmwareImage: Hashable {
  /// Whether both put the same bytes at the same addresses and begin at the same entry point.
  public static func == (left: Self, right: Self) -> Bool {
    left.entryPoint == right.entryPoint && left.hasSameBytes(as: right)
  }

  /// Whether both put the same bytes at the same addresses.
  public func hasSameBytes(as other: FirmwareImage) -> Bool {
    extents == other.extents && differences(from: other).isEmpty
  }

  /// Takes in what ``==(_:_:)`` compares, the bytes themselves excepted.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(entryPoint)
    hasher.combine(extents)
  }
}
