internal import USB

/// What is known about a memory that was being changed: the truth to tell after a failure.
///
/// ``erased`` and ``written`` are what the device has reported; ``proved`` is what was read.
public struct MemoryCondition: Hashable, Sendable {
  /// Bytes that the plan erases.
  public var toErase: UInt64 = 0
  /// Bytes that the plan writes.
  public var toWrite: UInt64 = 0
  /// Bytes that the plan reads back.
  public var toProve: UInt64 = 0
  /// Whether an erase of everything has been started.
  public var massErased = false
  /// What the device says has been erased, ascending.
  public var erased: [Range<UInt64>] = []
  /// What the device says has been written, ascending.
  public var written: [Range<UInt64>] = []
  /// What has been read back and is right, ascending.
  public var proved: [Range<UInt64>] = []
  /// What was beside the image, was to be kept, and is on the device no more, ascending.
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

  /// What is known, in a few sentences.
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
    // What a device reports it may report wrongly; only what was read is certain.
    var text = "The device reports: " + parts.joined(separator: "; ") + "."
    if !proved.isEmpty || toProve > 0 {
      text += " Read back and right: \(MemoryCondition.words(proved, of: toProve))."
    }
    if let doubtful {
      text +=
        " \(addressText(doubtful.lowerBound)) to \(addressText(doubtful.upperBound - 1)) may be "
        + "half done."
    }
    if !lost.isEmpty {
      text +=
        " \(byteCountText(size(lost))) beside the image, \(MemoryCondition.places(lost)), were to "
        + "be kept and are no longer on the device."
    }
    return text
  }

  private static func words(_ ranges: [Range<UInt64>], of total: UInt64) -> String {
    guard !ranges.isEmpty else { return "nothing yet" }
    let size = ranges.reduce(UInt64(0)) { $0 + ($1.upperBound - $1.lowerBound) }
    return "\(places(ranges)) (\(size) of \(total) bytes)"
  }

  private static func places(_ ranges: [Range<UInt64>]) -> String {
    let shown = ranges.prefix(4).map {
      "\(addressText($0.lowerBound))–\(addressText($0.upperBound - 1))"
    }
    return shown.joined(separator: ", ") + (ranges.count > 4 ? " and \(ranges.count - 4) more" : "")
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
