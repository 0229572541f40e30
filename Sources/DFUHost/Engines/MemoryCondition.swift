internal import USB

/// What is certain about a memory that was being changed: the truth to tell after a failure.
public struct MemoryCondition: Hashable, Sendable {
  /// Bytes that the plan erases.
  public var toErase: UInt64 = 0
  /// Bytes that the plan writes.
  public var toWrite: UInt64 = 0
  /// Bytes that the plan reads back.
  public var toProve: UInt64 = 0
  /// Whether an erase of everything has been started.
  public var massErased = false
  /// What has certainly been erased, ascending.
  public var erased: [Range<UInt64>] = []
  /// What the device says has been written, ascending.
  public var written: [Range<UInt64>] = []
  /// What has been read back and is right, ascending.
  public var proved: [Range<UInt64>] = []
  /// What stood beside the image in sectors that have been erased, was to be written back, and has not
  /// been: nobody has it any more. Ascending.
  public var lost: [Range<UInt64>] = []
  /// Where the last thing was begun whose end is not known: it may be half done.
  public var doubtful: Range<UInt64>?

  /// Nothing has been changed.
  public init() {}

  /// Whether the memory is certainly as it was before.
  public var isUntouched: Bool {
    !massErased && erased.isEmpty && written.isEmpty && doubtful == nil
  }

  /// Whether something that was to be done is not certainly done.
  public var isIncomplete: Bool {
    !isUntouched
      && (size(erased) < toErase || size(written) < toWrite || size(proved) < toProve
        || doubtful != nil)
  }

  private func size(_ ranges: [Range<UInt64>]) -> UInt64 {
    ranges.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) }
  }

  /// What is certain, in one sentence or two.
  public var sentence: String {
    if isUntouched { return "Nothing has been changed." }
    var parts: [String] = []
    if massErased { parts.append("the whole memory was told to erase itself") }
    if !erased.isEmpty || toErase > 0 {
      parts.append("erased \(MemoryCondition.words(erased, of: toErase))")
    }
    if !written.isEmpty || toWrite > 0 {
      parts.append("written \(MemoryCondition.words(written, of: toWrite))")
    }
    if !proved.isEmpty || toProve > 0 {
      parts.append("proved \(MemoryCondition.words(proved, of: toProve))")
    }
    var text = "What is certain: " + parts.joined(separator: "; ") + "."
    if let doubtful {
      text +=
        " \(addressText(doubtful.lowerBound)) to \(addressText(doubtful.upperBound - 1)) may be "
        + "half done."
    }
    if !lost.isEmpty {
      text +=
        " What shared a sector with the image and had not been written back yet is lost: "
        + "\(MemoryCondition.words(lost)) (\(size(lost)) bytes)."
    }
    return text
  }

  private static func words(_ ranges: [Range<UInt64>], of total: UInt64) -> String {
    guard !ranges.isEmpty else { return "nothing yet" }
    let size = ranges.reduce(UInt64(0)) { $0 + ($1.upperBound - $1.lowerBound) }
    return "\(words(ranges)) (\(size) of \(total) bytes)"
  }

  private static func words(_ ranges: [Range<UInt64>]) -> String {
    let shown = ranges.prefix(4).map {
      "\(addressText($0.lowerBound))–\(addressText($0.upperBound - 1))"
    }
    let more = ranges.count > 4 ? " and \(ranges.count - 4) more" : ""
    return shown.joined(separator: ", ") + more
  }

  /// Notes what is lost of `kept`, which was to survive.
  mutating func noteLoss(of kept: [Range<UInt64>]) {
    for keep in kept {
      for sector in erased where sector.overlaps(keep) {
        var rest = sector.clamped(to: keep)
        // Ascending, so that what remains is always behind.
        for range in written where range.overlaps(rest) {
          MemoryCondition.add(
            rest.lowerBound..<max(range.lowerBound, rest.lowerBound), to: &lost)
          rest = min(range.upperBound, rest.upperBound)..<rest.upperBound
        }
        MemoryCondition.add(rest, to: &lost)
      }
    }
  }

  /// Adds a range to an ascending list, joining it to a neighbour it touches.
  static func add(_ range: Range<UInt64>, to ranges: inout [Range<UInt64>]) {
    guard !range.isEmpty else { return }
    if let last = ranges.last {
      if last.upperBound == range.lowerBound {
        ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
        return
      }
      if last.upperBound > range.lowerBound {
        // Out of order: parts of another alternate setting, or the same range again.
        ranges.append(range)
        ranges.sort { $0.lowerBound < $1.lowerBound }
        var joined: [Range<UInt64>] = []
        for range in ranges {
          if let last = joined.last, last.upperBound >= range.lowerBound {
            joined[joined.count - 1] =
              last.lowerBound..<max(last.upperBound, range.upperBound)
          } else {
            joined.append(range)
          }
        }
        ranges = joined
        return
      }
    }
    ranges.append(range)
  }
}
