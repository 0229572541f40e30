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

  /// A transfer from its parts.
  public init(
    number: Int, path: PortPath, endpoint: UInt8, setup: SetupPacket?, data: [UInt8],
    time: Duration
  ) {
    self.number = number
    self.path = path
    self.endpoint = endpoint
    self.setup = setup
    self.data = data
    self.time = time
  }
}

/// What happens to a transfer on its way.
///
/// A cable that is pulled takes the power with it: what the device was doing to its memory is half
/// done. With a duration the cable is put back so much later, without one it stays out.
public enum TransferFault: Sendable {
  /// Nothing: it reaches the device and comes back.
  case pass
  /// The host sees a stall; the device has seen nothing.
  case stall
  /// No answer comes; the device has seen nothing.
  case timeout
  /// The wire breaks the packets; the device has seen nothing.
  case broken
  /// The cable is pulled before the device sees the transfer.
  case disconnect(comesBackAfter: Duration?)
  /// The device does what it is told, and the cable is pulled before the host sees the answer.
  case disconnectInside(comesBackAfter: Duration?)
  /// The transfer ends well, and then the cable is pulled.
  case disconnectAfter(comesBackAfter: Duration?)
  /// Power goes in the middle of the work that the device has in hand when the transfer is over
  /// (``VirtualDevice/workUnderWay``), or at once where it has none.
  case cutPower(comesBackAfter: Duration?)
  /// The transfer ends well, and then the host loses sight of the device for a while, as behind a
  /// hub that trips: it keeps its power, and is enumerated anew, under another address.
  case reconnect(after: Duration)
  /// The device answers so much later.
  case delay(Duration)
  /// The bytes change on the way, in whichever direction they go.
  case corrupt(@Sendable (inout [UInt8]) -> Void)
  /// The bytes of the answer change on the way; those to the device do not.
  case corruptAnswer(@Sendable (inout [UInt8]) -> Void)
  /// Another device is plugged into the first free port at the moment at which the transfer starts.
  case plugIn(any VirtualDevice)
  /// All of them; where two decide how the transfer ends, the first does.
  case together([TransferFault])

  /// The faults one by one.
  var parts: [TransferFault] {
    if case .together(let faults) = self { faults.flatMap(\.parts) } else { [self] }
  }
}

/// Decides about each transfer of a bus, in the order in which they start. It must not call the bus.
public typealias TransferInterceptor = @Sendable (InterceptedTransfer) -> TransferFault
