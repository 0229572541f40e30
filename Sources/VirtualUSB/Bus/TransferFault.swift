public import USB

/// A transfer as it is about to happen: what an interceptor decides upon.
public struct InterceptedTransfer: Hashable, Sendable {
  /// Which transfer of this bus it is, from 0; enumeration does not count.
  public var number: Int
  /// Where the device is.
  public var path: PortPath
  /// The endpoint: 0 for control, else the address with bit 7 set for IN.
  public var endpoint: UInt8
  /// The setup packet of a control transfer.
  public var setup: SetupPacket?
  /// The bytes to the device.
  public var data: [UInt8]
  /// When it starts.
  public var time: Duration
}

/// What happens to a transfer on its way.
public enum TransferFault: Sendable {
  /// Nothing: it reaches the device and comes back.
  case pass
  /// The host sees a stall; the device has seen nothing.
  case stall
  /// No answer comes; the device has seen nothing.
  case timeout
  /// The wire breaks the packets; the device has seen nothing.
  case broken
  /// The cable is pulled before the device sees the transfer. With a duration it is put back later.
  case disconnect(comesBackAfter: Duration?)
  /// The device does what it is told, and the cable is pulled before the host sees the answer.
  case disconnectAfterwards(comesBackAfter: Duration?)
  /// The device answers so much later.
  case delay(Duration)
  /// The bytes change on the way, in whichever direction they go.
  case corrupt(@Sendable (inout [UInt8]) -> Void)
}

/// Decides about each transfer of a bus, in the order in which they start. It must not call the bus.
public typealias TransferInterceptor = @Sendable (InterceptedTransfer) -> TransferFault
