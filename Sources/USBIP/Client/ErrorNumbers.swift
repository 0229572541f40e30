internal import USB

extension LinuxErrorNumber {
  /// The end of a transfer as an error; nil where it is none.
  func transferError(_ setup: SetupPacket?) -> TransferError? {
    switch self {
    // A short transfer is none of ours to complain of: it is never forbidden.
    case .none, .remoteIO: nil
    case .stall: TransferError(.stall, setup: setup)
    case .timedOut: TransferError(.timeout, setup: setup)
    case .overflow: TransferError(.overflow, setup: setup)
    case .protocolError, .illegalSequence, .timerExpired:
      TransferError(.protocolError, setup: setup)
    case .shutDown, .noDevice, .connectionReset, .noEntry:
      TransferError(.disconnected, setup: setup)
    default: TransferError(.other, setup: setup, detail: "the server says error \(rawValue)")
    }
  }

  /// The number for an error, as the kernel of a server would give it.
  init(_ error: TransferError) {
    switch error.code {
    case .stall: self = .stall
    case .timeout: self = .timedOut
    case .disconnected, .closed: self = .shutDown
    case .protocolError: self = .protocolError
    case .overflow: self = .overflow
    case .cancelled: self = .connectionReset
    // What Linux's own server answers for an endpoint that there is not.
    case .unsupported: self = .stall
    case .busy, .permission, .other: self = .invalid
    }
  }

  /// `EILSEQ`: a packet with a wrong checksum.
  static let illegalSequence = LinuxErrorNumber(rawValue: -84)
  /// `ETIME`: no packet within a bus turn-around time.
  static let timerExpired = LinuxErrorNumber(rawValue: -62)
  /// `ENODEV`.
  static let noDevice = LinuxErrorNumber(rawValue: -19)
}
