public import USB

/// The class-specific requests of DFU (DFU 1.1, table 3.2).
public enum DFURequest: UInt8, Hashable, Sendable, CaseIterable {
  /// DFU_DETACH.
  case detach = 0
  /// DFU_DNLOAD.
  case download = 1
  /// DFU_UPLOAD.
  case upload = 2
  /// DFU_GETSTATUS.
  case getStatus = 3
  /// DFU_CLRSTATUS.
  case clearStatus = 4
  /// DFU_GETSTATE.
  case getState = 5
  /// DFU_ABORT.
  case abort = 6

  /// The name as the specification spells it.
  public var specificationName: String {
    switch self {
    case .detach: "DFU_DETACH"
    case .download: "DFU_DNLOAD"
    case .upload: "DFU_UPLOAD"
    case .getStatus: "DFU_GETSTATUS"
    case .clearStatus: "DFU_CLRSTATUS"
    case .getState: "DFU_GETSTATE"
    case .abort: "DFU_ABORT"
    }
  }

  /// Whether the data stage goes to the host.
  public var isIn: Bool {
    switch self {
    case .upload, .getStatus, .getState: true
    case .detach, .download, .clearStatus, .abort: false
    }
  }

  /// The request of a setup packet; nil when it is not a DFU class request to an interface.
  public init?(_ setup: SetupPacket) {
    guard setup.requestType.kind == .class, setup.requestType.recipient == .interface,
      let request = DFURequest(rawValue: setup.request),
      request.isIn == (setup.requestType.direction == .in)
    else { return nil }
    self = request
  }

  /// The setup packet of this request (DFU 1.1, table 3.2).
  ///
  /// - Parameters:
  ///   - value: `wValue`: the block number, or the time-out of DFU_DETACH in milliseconds.
  ///   - interface: `wIndex`: the number of the DFU interface.
  ///   - length: `wLength`.
  /// - Returns: the setup packet.
  public func setup(value: UInt16 = 0, interface: UInt8, length: UInt16 = 0) -> SetupPacket {
    SetupPacket(
      RequestType(isIn ? .in : .out, .class, .interface), request: rawValue, value: value,
      index: UInt16(interface), length: length)
  }

  /// DFU_GETSTATUS: six bytes come back.
  public static func getStatus(interface: UInt8) -> SetupPacket {
    DFURequest.getStatus.setup(interface: interface, length: 6)
  }
}
