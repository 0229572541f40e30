/// Bytes that are written behind one Set Address Pointer (facts of DfuSe: UM0391; AN3156, section 4).
///
/// Block `n` of a run goes to `address + (n - 2) * transferSize`. Blocks that would write nothing but
/// what erased memory holds are left out; the numbers of the others stay as they are. A run is never so
/// long that a block number beyond 65 534 would be needed.
public struct WriteRun: Hashable, Sendable {
  /// One DFU_DNLOAD.
  public struct Block: Hashable, Sendable {
    /// `wValue`: 2 and up.
    public var number: UInt16
    /// Where its bytes go.
    public var address: UInt64
    /// Its bytes, at most the transfer size.
    public var bytes: ArraySlice<UInt8>
  }

  /// The most blocks of a run: numbers 2 to 65 534. Past them the counter would wrap into block 0,
  /// which is the command channel.
  public static let maximumBlocks = 65_533

  /// The address that is set; block 2 goes there.
  public let address: UInt64
  /// The bytes from the first to the last, those that are left out included.
  public let bytes: [UInt8]
  /// The bytes of a full block.
  public let transferSize: Int
  /// The blocks that are sent, counted from 0, ascending; all others are blank.
  public let sent: [Range<Int>]

  /// A run of which every block is sent, or only `sent`.
  ///
  /// `bytes` are at most ``maximumBlocks`` blocks, `transferSize` is at least 1; `sent` is ascending and
  /// inside the run.
  public init(address: UInt64, bytes: [UInt8], transferSize: Int, sent: [Range<Int>]? = nil) {
    self.address = address
    self.bytes = bytes
    self.transferSize = max(transferSize, 1)
    self.sent = sent ?? [0..<(bytes.count + self.transferSize - 1) / self.transferSize]
  }

  /// The addresses from the first byte to the last.
  public var range: Range<UInt64> { address..<address + UInt64(bytes.count) }

  /// How many blocks are sent.
  public var blockCount: Int { sent.reduce(0) { $0 + $1.count } }

  /// How many bytes are sent.
  public var byteCount: Int {
    sent.reduce(0) {
      $0 + min($1.upperBound * transferSize, bytes.count) - $1.lowerBound * transferSize
    }
  }

  /// The `index`-th block that is sent, counted from 0; nil past the last one.
  public func block(_ index: Int) -> Block? {
    var left = index
    for stretch in sent {
      if left < stretch.count { return block(at: stretch.lowerBound + left) }
      left -= stretch.count
    }
    return nil
  }

  /// All blocks that are sent, in order.
  public var blocks: some Sequence<Block> {
    sent.lazy.joined().map { block(at: $0) }
  }

  private func block(at position: Int) -> Block {
    let start = position * transferSize
    return Block(
      number: UInt16(truncatingIfNeeded: position + 2), address: address + UInt64(start),
      bytes: bytes[start..<min(start + transferSize, bytes.count)])
  }
}

/// A whole payload for a device without addresses (DFU 1.0 and 1.1): blocks 0, 1, 2… and an empty one.
public struct PlainDownload: Hashable, Sendable {
  /// What is sent: the payload, its prefix included.
  public let bytes: [UInt8]
  /// The bytes of a full block.
  public let transferSize: Int

  /// A download.
  public init(bytes: [UInt8], transferSize: Int) {
    self.bytes = bytes
    self.transferSize = max(transferSize, 1)
  }

  /// How many blocks there are, without the empty one that ends the download.
  public var blockCount: Int { (bytes.count + transferSize - 1) / transferSize }

  /// The bytes of a block counted from 0; its number on the wire is `index` modulo 65 536.
  public func block(_ index: Int) -> ArraySlice<UInt8>? {
    guard index >= 0, index < blockCount else { return nil }
    let start = index * transferSize
    return bytes[start..<min(start + transferSize, bytes.count)]
  }
}
