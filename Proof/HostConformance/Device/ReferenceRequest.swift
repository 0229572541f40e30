internal import USB

/// What the ``ReferenceDevice`` can be asked on endpoint 0: `bRequest` of a vendor request to the
/// device.
public enum ReferenceRequest: UInt8, Sendable, CaseIterable {
  /// OUT keeps the data, IN gives back what was kept last.
  case echo = 1
  /// IN: `wValue` bytes of a pattern that `wIndex` chooses, no more than were asked for.
  case pattern = 2
  /// Refused.
  case stall = 3
  /// As ``pattern``, with as many bytes as were asked for, given after `wValue` milliseconds.
  case late = 4
  /// Never answered.
  case silent = 5
  /// OUT: the device leaves the bus `wIndex >> 8` hundredths of a second after the status stage. It
  /// comes back `wValue` milliseconds later as the self that the low byte of `wIndex` says; with
  /// `wValue` 0xFFFF it stays away.
  case leave = 6
  /// IN: the ``ReferenceTally``.
  case tally = 7
  /// OUT: all is as it was at first, but for the device's self and the host's choices.
  case restore = 8
  /// OUT: `wValue` is added to the log.
  case note = 9
  /// IN: the log, two bytes for each entry.
  case log = 10
  /// OUT: halts the endpoint `wIndex`.
  case halt = 11
  /// IN: `wValue` bytes more than were asked for.
  case babble = 12
  /// OUT: with the next reset it becomes the self that `wIndex` says.
  case become = 13
}

/// What a ``ReferenceDevice`` has counted since it was restored last.
public struct ReferenceTally: Hashable, Sendable {
  /// Requests on endpoint 0, standard ones included; those for the tally, the log, and the restoring
  /// are not counted.
  public var requests: UInt32 = 0
  /// Resets on the port.
  public var resets: UInt32 = 0
  /// SET_CONFIGURATION.
  public var configurations: UInt32 = 0
  /// SET_INTERFACE.
  public var settings: UInt32 = 0
  /// Transfers that it has given on bulk and interrupt endpoints.
  public var streamsIn: UInt32 = 0
  /// Transfers that it has taken there.
  public var streamsOut: UInt32 = 0

  /// Nothing yet.
  public init() {}

  static let length = 24

  var bytes: [UInt8] {
    [requests, resets, configurations, settings, streamsIn, streamsOut].flatMap { number in
      (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }
  }

  /// Reads the answer to ``ReferenceRequest/tally``; nil where it is not 24 bytes long.
  init?(_ bytes: [UInt8]) {
    guard bytes.count == ReferenceTally.length else { return nil }
    let numbers = (0..<6).map { place in
      (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[place * 4 + $1]) << ($1 * 8) }
    }
    (requests, resets, configurations) = (numbers[0], numbers[1], numbers[2])
    (settings, streamsIn, streamsOut) = (numbers[3], numbers[4], numbers[5])
  }
}

/// Bytes that tell their place, and which pattern they are of.
///
/// - Parameters:
///   - count: how many.
///   - seed: which pattern.
/// - Returns: the bytes.
public func referencePattern(_ count: Int, seed: UInt16) -> [UInt8] {
  (0..<count).map { place in
    UInt8(truncatingIfNeeded: place &* 7 &+ place >> 8 &+ Int(seed) &* 31 &+ 1)
  }
}
