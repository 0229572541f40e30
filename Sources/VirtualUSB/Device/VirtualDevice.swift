public import USB

/// A USB device that exists in memory: a synchronous, deterministic function of requests and time.
///
/// A device starts no tasks and reads no clock. The bus tells it the time with every call, in order;
/// it calls ``advance(to:)`` before every other call, and at each ``nextEvent``, so that a device
/// changes by itself exactly when it says it will. Times count from the making of the bus.
public protocol VirtualDevice: Sendable {
  /// The speed at which it runs.
  var speed: USBSpeed { get }

  /// Whether its pull-up resistor is on: whether the bus sees it. It may go away and come back by
  /// itself (DFU devices do), while it stays plugged in.
  var isConnected: Bool { get }

  /// When it next does something that the bus can see; nil when it only waits for requests.
  var nextEvent: Duration? { get }

  /// From when until when it changes its memory; nil while it does not. A power cut that is to hurt
  /// comes in the middle of it.
  var workUnderWay: Range<Duration>? { get }

  /// Time passes: does what was to be done until `now`.
  mutating func advance(to now: Duration)

  /// It is plugged in, and gets power.
  mutating func powerOn(at now: Duration)

  /// It is pulled out, and loses power, whatever it was doing.
  mutating func powerOff(at now: Duration)

  /// A reset on its port (USB 2.0, 7.1.7.5): address 0, not configured.
  mutating func busReset(at now: Duration)

  /// Answers a control transfer, standard requests included.
  ///
  /// - Parameters:
  ///   - setup: the setup packet.
  ///   - data: the bytes of an OUT data stage; empty for IN.
  ///   - now: when the transfer starts. Transfers of one endpoint never overlap.
  /// - Returns: the answer, and from when on the device gives it.
  mutating func respond(
    to setup: SetupPacket, data: [UInt8], at now: Duration
  ) -> VirtualResponse

  /// The answer to a control transfer has reached the host: the status stage is over.
  mutating func completed(_ setup: SetupPacket, at now: Duration)

  /// Answers a bulk or interrupt transfer.
  ///
  /// - Parameters:
  ///   - endpoint: the endpoint's address; bit 7 set for IN.
  ///   - data: the bytes for an OUT endpoint; empty for IN.
  ///   - length: the most bytes that the host takes from an IN endpoint.
  ///   - now: when the transfer starts.
  /// - Returns: the answer, and from when on the device gives it.
  mutating func respond(
    onEndpoint endpoint: UInt8, data: [UInt8], length: Int, at now: Duration
  ) -> VirtualResponse
}

extension VirtualDevice {
  /// Full speed, as most microcontrollers have it.
  public var speed: USBSpeed { .full }
  /// Always there.
  public var isConnected: Bool { true }
  /// Nothing by itself.
  public var nextEvent: Duration? { nil }
  /// Nothing that power could be cut in.
  public var workUnderWay: Range<Duration>? { nil }
  /// Nothing by itself.
  public mutating func advance(to now: Duration) {}
  /// Nothing to start.
  public mutating func powerOn(at now: Duration) {}
  /// Nothing to lose.
  public mutating func powerOff(at now: Duration) {}
  /// Nothing that waits for the end of a transfer.
  public mutating func completed(_ setup: SetupPacket, at now: Duration) {}
  /// No endpoint but the default control pipe.
  public mutating func respond(
    onEndpoint endpoint: UInt8, data: [UInt8], length: Int, at now: Duration
  ) -> VirtualResponse { .stall }
}

/// What a virtual device does with a transfer.
public struct VirtualResponse: Hashable, Sendable {
  /// How the transfer ends.
  public enum Outcome: Hashable, Sendable {
    /// IN: these bytes. More than were asked for is an overflow at the host.
    case data([UInt8])
    /// OUT: all bytes taken.
    case acknowledged
    /// The pipe is stalled: refused.
    case stall
    /// Never: the host's timeout ends it.
    case noAnswer
    /// Nothing yet: an IN endpoint without data, an OUT endpoint without room. The transfer waits,
    /// and the device is asked again whenever something else has happened to it.
    case nak
  }

  /// How the transfer ends.
  public var outcome: Outcome
  /// Until when the device holds the transfer by NAK; nil when it answers at once.
  public var readyAt: Duration?

  /// A response.
  public init(_ outcome: Outcome, readyAt: Duration? = nil) {
    self.outcome = outcome
    self.readyAt = readyAt
  }

  /// The answer to an IN transfer.
  public static func data(_ bytes: [UInt8], readyAt: Duration? = nil) -> VirtualResponse {
    VirtualResponse(.data(bytes), readyAt: readyAt)
  }

  /// The end of an OUT transfer.
  public static func acknowledged(readyAt: Duration) -> VirtualResponse {
    VirtualResponse(.acknowledged, readyAt: readyAt)
  }

  /// The end of an OUT transfer, at once.
  public static let acknowledged = VirtualResponse(.acknowledged)
  /// A stall, at once.
  public static let stall = VirtualResponse(.stall)
  /// No answer at all.
  public static let noAnswer = VirtualResponse(.noAnswer)
  /// Nothing yet.
  public static let nak = VirtualResponse(.nak)
}
