/// A cursor over a part of a capture, in the byte order of whoever wrote that part.
struct CaptureCursor {
  private let bytes: [UInt8]
  var isBigEndian: Bool
  private(set) var offset: Int
  /// Where the part ends.
  private(set) var end: Int

  init(_ bytes: [UInt8], _ range: Range<Int>, isBigEndian: Bool = false) {
    self.bytes = bytes
    self.isBigEndian = isBigEndian
    offset = range.lowerBound
    end = range.upperBound
  }

  var remaining: Int { end - offset }

  mutating func number<Number: FixedWidthInteger>(
    _ field: String, as type: Number.Type = Number.self
  ) throws(CaptureError) -> Number {
    try require(Number.bitWidth / 8, field)
    var value: Number = 0
    for index in 0..<Number.bitWidth / 8 {
      let place = isBigEndian ? Number.bitWidth / 8 - 1 - index : index
      value |= Number(truncatingIfNeeded: bytes[offset + index]) << Number(place * 8)
    }
    offset += Number.bitWidth / 8
    return value
  }

  mutating func take(_ count: Int, _ field: String) throws(CaptureError) -> [UInt8] {
    try require(count, field)
    defer { offset += count }
    return Array(bytes[offset..<offset + count])
  }

  mutating func takeRest(atMost limit: Int = .max) -> [UInt8] {
    let count = min(remaining, max(0, limit))
    defer { offset += count }
    return Array(bytes[offset..<offset + count])
  }

  mutating func skip(_ count: Int, _ field: String) throws(CaptureError) {
    try require(count, field)
    offset += count
  }

  /// A cursor over the next bytes, which this one passes over.
  mutating func part(_ count: Int, _ field: String) throws(CaptureError) -> CaptureCursor {
    try require(count, field)
    defer { offset += count }
    return CaptureCursor(bytes, offset..<offset + count, isBigEndian: isBigEndian)
  }

  private func require(_ count: Int, _ field: String) throws(CaptureError) {
    guard count >= 0, count <= remaining else {
      throw CaptureError(
        .malformed, at: offset, "\(field) needs \(count) bytes, and \(remaining) are left")
    }
  }
}
