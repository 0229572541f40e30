/// A set of bytes that asks for no memory.
struct ByteSet: Sendable {
  private var words: InlineArray<4, UInt64> = [0, 0, 0, 0]

  func contains(_ byte: UInt8) -> Bool {
    words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 == 1
  }

  /// Puts a byte in, and tells whether it was not there before.
  mutating func insert(_ byte: UInt8) -> Bool {
    guard !contains(byte) else { return false }
    words[Int(byte >> 6)] |= 1 << UInt64(byte & 63)
    return true
  }

  var count: Int { (0..<4).reduce(0) { $0 + words[$1].nonzeroBitCount } }

  /// How many numbers from 0 on are in it without a gap.
  var run: Int {
    for index in 0..<4 where words[index] != .max {
      return index * 64 + (~words[index]).trailingZeroBitCount
    }
    return 256
  }

  /// The bytes in it, in their order.
  var sorted: [UInt8] { (0...UInt8.max).filter(contains) }
}
