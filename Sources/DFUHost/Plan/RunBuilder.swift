/// Collects the bytes that memory must hold, ascending, and cuts them into runs and blocks.
///
/// In blank memory (erased, or found blank) a run begins and ends with a block that has something to
/// write, and blank blocks between are skipped through the block number. In other memory every byte
/// is sent.
struct RunBuilder {
  /// Bytes of a full block.
  let transferSize: Int
  /// The smallest unit that the chip programs; runs in blank memory begin and end at multiples of it.
  let granularity: UInt64
  /// What a byte of blank memory holds.
  let erasedByte: UInt8
  /// The runs that are complete.
  private(set) var runs: [WriteRun] = []

  private let mostBlocks = HostRule.setsAddressInTime.isKept ? WriteRun.maximumBlocks : 1 << 24
  private var start: UInt64 = 0
  private var bytes: [UInt8] = []
  private var isBlank = false

  init(transferSize: Int, granularity: Int, erasedByte: UInt8 = 0xFF) {
    self.transferSize = transferSize
    self.erasedByte = erasedByte
    self.granularity = UInt64(max(granularity, 1))
  }

  /// Adds bytes above all others. In blank memory whole sectors come, so that alignment finds room.
  mutating func append(_ new: some Collection<UInt8>, at address: UInt64, intoBlank: Bool) {
    if address != start + UInt64(bytes.count) || intoBlank != isBlank || bytes.isEmpty {
      flush()
      start = address
      isBlank = intoBlank
    }
    bytes += new
  }

  /// Completes the run under way.
  mutating func flush() {
    defer { bytes = [] }
    guard !bytes.isEmpty else { return }
    var position = 0
    while position < bytes.count {
      guard isBlank else {
        let end = min(position + mostBlocks * transferSize, bytes.count)
        add(position..<end, sent: nil)
        position = end
        continue
      }
      guard let first = firstWritten(from: position) else { return }
      let begin = max(position, alignedDown(first))
      let end = min(begin + mostBlocks * transferSize, bytes.count)
      addTrimmed(begin..<end)
      position = end
    }
  }

  private mutating func addTrimmed(_ range: Range<Int>) {
    var end = range.upperBound
    while end > range.lowerBound, bytes[end - 1] == erasedByte { end -= 1 }
    end = min(alignedUp(end), range.upperBound)
    var sent: [Range<Int>] = []
    var block = 0
    var position = range.lowerBound
    while position < end {
      let next = min(position + transferSize, end)
      if !holdsOnly(erasedByte, bytes[position..<next]) {
        if let last = sent.last, last.upperBound == block {
          sent[sent.count - 1] = last.lowerBound..<block + 1
        } else {
          sent.append(block..<block + 1)
        }
      }
      block += 1
      position = next
    }
    guard let last = sent.last else { return }
    // Padding may have made a last block of its own that has nothing to write.
    add(
      range.lowerBound..<min(range.lowerBound + last.upperBound * transferSize, end), sent: sent)
  }

  private mutating func add(_ range: Range<Int>, sent: [Range<Int>]?) {
    runs.append(
      WriteRun(
        address: start + UInt64(range.lowerBound), bytes: Array(bytes[range]),
        transferSize: transferSize, sent: sent))
  }

  private func firstWritten(from position: Int) -> Int? {
    bytes[position...].firstIndex { $0 != erasedByte }
  }

  private func alignedDown(_ index: Int) -> Int {
    index - Int((start + UInt64(index)) % granularity)
  }

  private func alignedUp(_ index: Int) -> Int {
    let over = (start + UInt64(index)) % granularity
    return over == 0 ? index : index + Int(granularity - over)
  }
}
