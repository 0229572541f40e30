internal import DFU

/// What a bootloader says in bwPollTimeout.
///
/// In words, as ``description`` writes and ``init(_:)`` reads them: `exact`, `zero`, `constant:50`,
/// `rounded:50`, `at-most:10`, `bogus:65280`, `by-kind:104+100+104`. A bare number is a constant.
public enum PollPolicy: Hashable, Sendable {
  /// The time that the work takes, rounded up to whole milliseconds.
  case exact
  /// The exact time, rounded up to a multiple of this number of milliseconds, which is at least 1.
  case rounded(UInt32)
  /// Always this number of milliseconds; 0 where the machine is idle.
  case constant(UInt32)
  /// The exact time, but never more than this: too short for what takes longer.
  case atMost(UInt32)
  /// This number in every answer, idle or not: nothing to rely on.
  case bogus(UInt32)
  /// A number for each kind of work: Set Address, erases, blocks of data.
  case byKind(command: UInt32, erase: UInt32, write: UInt32)

  /// The largest that bwPollTimeout holds: 24 bits.
  public static let largest: UInt32 = 0xFF_FFFF

  /// The kinds of work that may be announced differently.
  enum Kind: Hashable, Sendable {
    case command
    case erase
    case write
  }

  /// The announcement for work that takes `duration`.
  func milliseconds(_ duration: Duration, for kind: Kind) -> UInt32 {
    let (seconds, attoseconds) = duration.components
    let rest = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    // Cut before it is multiplied: no duration is too long.
    let exact = min(seconds, Int64(PollPolicy.largest)) * 1000 + rest
    let bounded = UInt32(clamping: min(exact, Int64(PollPolicy.largest)))
    switch self {
    case .exact: return bounded
    case .rounded(let step):
      let step = max(step, 1)
      // Both have 24 bits at the most.
      return min((bounded + min(step, PollPolicy.largest) - 1) / step * step, PollPolicy.largest)
    case .constant(let value), .bogus(let value): return value
    case .atMost(let limit): return min(bounded, limit)
    case .byKind(let command, let erase, let write):
      switch kind {
      case .command: return command
      case .erase: return erase
      case .write: return write
      }
    }
  }

  /// The announcement where there is nothing to wait for.
  var idleMilliseconds: UInt32 {
    if case .bogus(let value) = self { return value }
    return 0
  }
}

extension PollPolicy: CustomStringConvertible {
  /// The policy in words that ``init(_:)`` reads.
  public var description: String {
    switch self {
    case .exact: "exact"
    case .constant(0): "zero"
    case .constant(let value): "constant:\(value)"
    case .rounded(let step): "rounded:\(step)"
    case .atMost(let limit): "at-most:\(limit)"
    case .bogus(let value): "bogus:\(value)"
    case .byKind(let command, let erase, let write): "by-kind:\(command)+\(erase)+\(write)"
    }
  }

  /// The words that there are, for help and errors.
  public static let words =
    "exact, zero, constant:N, rounded:N, at-most:N, bogus:N or by-kind:N+N+N (for Set Address, "
    + "erases and blocks), N being milliseconds up to 16777215"

  /// Reads a policy; nil for what is none.
  public init?(_ text: String) {
    func number(_ digits: Substring) -> UInt32? {
      guard !digits.isEmpty, digits.allSatisfy({ ("0"..."9").contains($0) }),
        let value = UInt32(digits), value <= PollPolicy.largest
      else { return nil }
      return value
    }
    switch text {
    case "exact": self = .exact
    case "zero": self = .constant(0)
    default:
      let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else {
        guard let value = number(text[...]) else { return nil }
        self = .constant(value)
        return
      }
      if parts[0] == "by-kind" {
        let numbers = parts[1].split(separator: "+", omittingEmptySubsequences: false).map(number)
        guard numbers.count == 3, let command = numbers[0], let erase = numbers[1],
          let write = numbers[2]
        else { return nil }
        self = .byKind(command: command, erase: erase, write: write)
        return
      }
      guard let value = number(parts[1]) else { return nil }
      switch parts[0] {
      case "constant": self = .constant(value)
      case "rounded" where value > 0: self = .rounded(value)
      case "at-most": self = .atMost(value)
      case "bogus": self = .bogus(value)
      default: return nil
      }
    }
  }
}

/// How a bootloader answers while it works.
public enum BusyBehaviour: String, Hashable, Sendable, CaseIterable {
  /// At once, with dfuDNBUSY.
  case answers
  /// Not until the work is done: every DFU request is held by NAK.
  case holds
  /// GETSTATUS with a stall; the state stays as it is (L4).
  case stalls
  /// GETSTATUS with a stall, and dfuERROR: annex A by the letter.
  case fails
}

/// When a bootloader disappears after the end of a download.
public enum LeaveVariant: String, Hashable, Sendable, CaseIterable {
  /// As soon as the DNLOAD of length 0 is acknowledged.
  case afterDownload = "a"
  /// Inside the GETSTATUS that follows: no answer comes.
  case insideGetStatus = "b"
  /// After that GETSTATUS has been answered.
  case afterGetStatus = "c"
  /// 200 ms after that.
  case later = "d"
}
