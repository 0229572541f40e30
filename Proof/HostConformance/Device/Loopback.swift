/// A pair of endpoints that gives back what it took: each transfer as one of its own, ended by a short
/// packet, which is an empty one where its length is a multiple of the packet's (USB 2.0, 5.8.3).
struct Loopback: Sendable {
  let packetSize: Int
  private var messages: [[UInt8]] = []
  private var count = 0

  /// What it keeps at most; it takes nothing more (NAK) until something was read.
  static let capacity = 1 << 16

  init(packetSize: Int) { self.packetSize = max(1, packetSize) }

  /// - Returns: false where there is no room now.
  mutating func take(_ bytes: [UInt8]) -> Bool {
    guard messages.isEmpty || count + bytes.count <= Loopback.capacity, messages.count < 256 else {
      return false
    }
    messages.append(bytes)
    count += bytes.count
    return true
  }

  /// The packets that answer a read of `length` bytes.
  ///
  /// - Returns: nil where there is nothing; more than `length` bytes where the last packet does not
  ///   fit.
  mutating func give(_ length: Int) -> [UInt8]? {
    guard let message = messages.first else { return nil }
    if message.count < length || (message.count == length && length % packetSize != 0) {
      messages.removeFirst()
      count -= message.count
      return message
    }
    // The host stops when it has its bytes; what is left, be it an empty packet, it gets next.
    let packets = (length + packetSize - 1) / packetSize
    let bytes = Array(message.prefix(packets * packetSize))
    messages[0].removeFirst(bytes.count)
    count -= bytes.count
    return bytes
  }
}
