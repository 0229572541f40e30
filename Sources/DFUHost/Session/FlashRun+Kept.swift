internal import DFU
internal import Firmware
internal import USB

/// Bytes beside the image, which are erased with their sectors and written back.
extension FlashRun {
  /// Reads a second time what is to be kept, while nothing has been changed.
  ///
  /// From the erase on these bytes are in the host only, and nothing could tell afterwards that
  /// they were read wrong: what is written and read back is what was read.
  mutating func confirmKept(_ operation: inout Operation) async throws(DFUError) {
    for part in plan.parts where !part.kept.isEmpty {
      guard let contents = part.target.contents, part.target.canRead else { continue }
      try await operation.ensure(part.target.alternateSetting)
      let pieces = part.kept.map { ReadEngine.Piece($0) }
      let results = try await operation.read(
        pieces, of: part.target.alternateSetting, .survey,
        total: UInt64(part.kept.byteCount))
      for (range, result) in zip(part.kept, results) {
        let first = contents.bytes(in: range, fill: 0xFF)
        guard let index = first.indices.first(where: { first[$0] != result.bytes[$0] }) else {
          continue
        }
        let address = range.lowerBound + UInt64(index)
        throw DFUError(
          .differs, during: .survey, address: address,
          sentence: "While reading what is to be kept, the byte at \(addressText(address)) was "
            + "0x\(hex(first[index])) the first time and 0x\(hex(result.bytes[index])) the second. "
            + "Nothing has been changed.",
          help: "Check the cable, try another port, and repeat.")
      }
    }
  }
}

extension MemoryCondition {
  /// Notes what of `kept`, which was to survive, is certainly in its place no more: its sector has been
  /// erased, or may have been, and it has not been written back.
  mutating func noteLoss(of kept: [Range<UInt64>]) {
    for keep in kept {
      for range in erased + (doubtful.map { [$0] } ?? []) {
        for piece in range.clamped(to: keep).subtracting(written) {
          MemoryCondition.add(piece, to: &lost)
        }
      }
    }
  }
}

extension Range<UInt64> {
  /// What is left of the range without `others`, ascending.
  func subtracting(_ others: [Range<UInt64>]) -> [Range<UInt64>] {
    var rest: [Range<UInt64>] = []
    var start = lowerBound
    for other in others.sorted(by: { $0.lowerBound < $1.lowerBound }) where other.overlaps(self) {
      if other.lowerBound > start { rest.append(start..<other.lowerBound) }
      start = Swift.max(start, other.upperBound)
    }
    if start < upperBound { rest.append(start..<upperBound) }
    return rest
  }
}
