public import USB

/// The device's answer to DFU_GETSTATUS, six bytes (DFU 1.1, 6.1.2).
public struct GetStatusResponse: Hashable, Sendable {
  /// `bStatus`.
  public var status: DFUStatus
  /// `bwPollTimeout`, in milliseconds: the least time to wait before the next DFU_GETSTATUS.
  /// 24 bits on the wire, so at most 4 h 39 min; whoever waits sets a limit.
  public var pollTimeout: UInt32
  /// `bState`: the state that the device enters right after this answer.
  public var state: DFUState
  /// `iString`: a string index for a message, 0 for none.
  public var stringIndex: UInt8

  /// An answer from its fields; `pollTimeout` is cut to 24 bits.
  public init(
    status: DFUStatus = .ok, pollTimeout: UInt32 = 0, state: DFUState, stringIndex: UInt8 = 0
  ) {
    self.status = status
    self.pollTimeout = pollTimeout & 0xFF_FFFF
    self.state = state
    self.stringIndex = stringIndex
  }

  /// Reads the six bytes; more are left alone.
  public init(parsing reader: inout ByteReader) throws(ParseError) {
    status = DFUStatus(rawValue: try reader.readByte("bStatus"))
    pollTimeout = try reader.readUInt24("bwPollTimeout")
    state = DFUState(rawValue: try reader.readByte("bState"))
    stringIndex = try reader.readByte("iString")
  }

  /// The six bytes as a device sends them.
  public var bytes: [UInt8] {
    [
      status.rawValue, UInt8(truncatingIfNeeded: pollTimeout),
      UInt8(truncatingIfNeeded: pollTimeout >> 8), UInt8(truncatingIfNeeded: pollTimeout >> 16),
      state.rawValue, stringIndex,
    ]
  }
}
