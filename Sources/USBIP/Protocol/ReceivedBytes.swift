/// What has come over a connection and is not yet a message.
struct ReceivedBytes: Sendable {
  private var bytes: [UInt8] = []
  private var start = 0

  /// How many bytes there are.
  var count: Int { bytes.count - start }

  mutating func append(_ more: some Collection<UInt8>) {
    // What has been taken goes before the array has to grow, so that it stays as long as a message.
    if start > 0, start == bytes.count || start >= 1 << 16 {
      bytes.removeFirst(start)
      start = 0
    }
    bytes.append(contentsOf: more)
  }

  /// A 32-bit number, most significant byte first; nil where it has not come yet.
  func number(at offset: Int) -> UInt32? {
    guard count >= offset + 4 else { return nil }
    return bytes[(start + offset)..<(start + offset + 4)].reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// Takes the first `length` bytes; nil, and nothing is taken, where they have not come yet.
  mutating func take(_ length: Int) -> [UInt8]? {
    guard count >= length else { return nil }
    defer { start += length }
    return Array(bytes[start..<(start + length)])
  }

  /// A copy of the first `length` bytes; nil where they have not come yet.
  func peek(_ length: Int) -> [UInt8]? {
    guard count >= length else { return nil }
    return Array(bytes[start..<(start + length)])
  }
}
