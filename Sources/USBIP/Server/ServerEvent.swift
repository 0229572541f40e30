public import USB

/// Something that happens at a server, for its log.
public enum ServerEvent: Hashable, Sendable {
  /// A client has imported a device.
  case imported(BusID, DeviceInfo, client: String)
  /// A client was refused.
  case refused(BusID, OperationStatus, client: String, reason: String)
  /// A device is free again.
  case freed(BusID, client: String, reason: FreeReason)
  /// A device was reset, and has come back as something else for the same client.
  case followed(BusID, DeviceInfo)
  /// A client broke the protocol, was too slow, or one too many; its connection was closed.
  case dropped(client: String, reason: String)

  /// Why a device is free again.
  public enum FreeReason: Hashable, Sendable {
    /// The client has closed its connection.
    case clientLeft
    /// The device has left its bus.
    case deviceLeft
    /// The connection broke, or the client broke the protocol.
    case broken(String)
    /// The server ends.
    case serverEnds
  }
}
