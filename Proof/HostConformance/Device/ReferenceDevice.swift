public import USB
public import VirtualUSB

/// A device that a host's promises are tried on.
///
/// It is written from USB 2.0: its descriptors and its standard requests are its own, so that a host
/// and the device of a check have no mistake in common. What it can be asked is a
/// ``ReferenceRequest``; its endpoints give back what they took (``Loopback``).
public struct ReferenceDevice: VirtualDevice {
  /// Which of its two selves it is: both are the same but for `idProduct` and `iProduct`.
  public enum Identity: UInt8, Sendable, CaseIterable {
    /// 1209:0001.
    case usual = 0
    /// 1209:0002.
    case other = 1
  }

  /// Full or high.
  public let speed: USBSpeed
  /// Who it is now.
  public private(set) var identity = Identity.usual
  /// Whether its pull-up resistor is on.
  public private(set) var isConnected = true
  /// What it has counted.
  public private(set) var tally = ReferenceTally()
  var chapter9: Chapter9
  private var kept: [UInt8] = []
  private var log: [UInt16] = []
  private var pipes: [UInt8: Loopback] = [:]
  private var becomes: Identity?
  /// To leave when the status stage is over.
  private var plan: Departure?
  private var leavesAt: (time: Duration, departure: Departure)?
  private var returnsAt: Duration?

  private struct Departure: Sendable {
    var delay: Duration
    /// nil: it stays away.
    var absence: Duration?
    var identity: Identity
  }

  /// The longest answer and the longest echo: the longest control transfer of Linux's usbfs.
  public static let maximumLength = 4096
  /// Entries of the log beyond these are dropped.
  static let maximumLogLength = 1024

  /// A device that has not been used.
  public init(speed: USBSpeed = .full) {
    self.speed = speed
    chapter9 = Chapter9(ReferenceDescriptors(speed: speed))
  }

  // MARK: Its life on the bus

  /// When it leaves or returns.
  public var nextEvent: Duration? { leavesAt?.time ?? returnsAt }

  /// Leaves and returns when it is time.
  public mutating func advance(to now: Duration) {
    if let leaving = leavesAt, leaving.time <= now {
      leavesAt = nil
      isConnected = false
      become(leaving.departure.identity)
      returnsAt = leaving.departure.absence.map { leaving.time + $0 }
      // However late the bus looks, and however short the absence is: it is seen.
      return
    }
    if let time = returnsAt, time <= now {
      returnsAt = nil
      isConnected = true
    }
  }

  /// It begins anew, as who it is.
  public mutating func powerOn(at now: Duration) {
    isConnected = true
    (plan, leavesAt, returnsAt, becomes) = (nil, nil, nil, nil)
    chapter9.reset()
    restore()
  }

  /// A reset on its port.
  public mutating func busReset(at now: Duration) {
    if let becomes { become(becomes) }
    becomes = nil
    chapter9.reset()
    pipes = [:]
    tally.resets += 1
  }

  private mutating func become(_ identity: Identity) {
    self.identity = identity
    chapter9 = Chapter9(ReferenceDescriptors(identity, speed: speed))
    pipes = [:]
  }

  private mutating func restore() {
    tally = ReferenceTally()
    (kept, log, pipes, becomes) = ([], [], [:], nil)
    chapter9.halted = []
  }

  // MARK: Endpoint 0

  /// Answers a control transfer.
  public mutating func respond(
    to setup: SetupPacket, data: [UInt8], at now: Duration
  ) -> VirtualResponse {
    guard setup.requestType.kind != .standard else {
      tally.requests += 1
      return standard(setup)
    }
    guard setup.requestType.kind == .vendor, setup.requestType.recipient == .device,
      let request = ReferenceRequest(rawValue: setup.request)
    else {
      tally.requests += 1
      return .stall
    }
    if ![.tally, .log, .restore].contains(request) { tally.requests += 1 }
    return setup.requestType.direction == .in
      ? give(request, setup, at: now) : take(request, setup, data, at: now)
  }

  private mutating func standard(_ setup: SetupPacket) -> VirtualResponse {
    switch (setup.request, setup.requestType.direction) {
    case (Chapter9.setConfiguration, .out): tally.configurations += 1
    case (Chapter9.setInterface, .out): tally.settings += 1
    default: break
    }
    let answer = chapter9.respond(to: setup)
    // What was in an endpoint is gone when it is set up again (9.1.1.5).
    for endpoint in chapter9.takeRefreshed() { pipes[endpoint & 0x0F] = nil }
    return answer
  }

  private mutating func give(
    _ request: ReferenceRequest, _ setup: SetupPacket, at now: Duration
  ) -> VirtualResponse {
    let length = Int(setup.length)
    let limit = min(length, ReferenceDevice.maximumLength)
    switch request {
    case .echo: return .data(Array(kept.prefix(length)))
    case .pattern:
      return .data(referencePattern(min(Int(setup.value), limit), seed: setup.index))
    case .late:
      return .data(
        referencePattern(limit, seed: setup.index),
        readyAt: now + .milliseconds(Int64(setup.value)))
    case .silent: return .noAnswer
    case .babble:
      return .data([UInt8](repeating: 0xBB, count: length + Int(setup.value)))
    case .tally: return .data(Array(tally.bytes.prefix(length)))
    case .log: return .data(Array(log.flatMap(\.littleEndianBytes).prefix(length)))
    case .stall, .leave, .restore, .note, .halt, .become: return .stall
    }
  }

  private mutating func take(
    _ request: ReferenceRequest, _ setup: SetupPacket, _ data: [UInt8], at now: Duration
  ) -> VirtualResponse {
    let identity = Identity(rawValue: UInt8(truncatingIfNeeded: setup.index))
    switch request {
    case .echo:
      guard data.count <= ReferenceDevice.maximumLength else { return .stall }
      kept = data
    case .note:
      if log.count < ReferenceDevice.maximumLogLength { log.append(setup.value) }
    case .restore: restore()
    case .halt:
      let endpoint = UInt8(truncatingIfNeeded: setup.index)
      guard chapter9.endpoint(endpoint) != nil else { return .stall }
      chapter9.halted.insert(endpoint)
    case .leave:
      guard let identity else { return .stall }
      plan = Departure(
        delay: .milliseconds(10 * Int64(setup.index >> 8)),
        absence: setup.value == 0xFFFF ? nil : .milliseconds(Int64(setup.value)),
        identity: identity)
    case .become:
      guard let identity else { return .stall }
      becomes = identity
    case .late: return .acknowledged(readyAt: now + .milliseconds(Int64(setup.value)))
    case .silent: return .noAnswer
    case .stall, .pattern, .babble, .tally, .log: return .stall
    }
    return .acknowledged
  }

  /// The status stage is over.
  public mutating func completed(_ setup: SetupPacket, at now: Duration) {
    guard let departure = plan else { return }
    plan = nil
    leavesAt = (now + departure.delay, departure)
  }

  // MARK: Its other endpoints

  /// Takes or gives on a bulk or interrupt endpoint.
  public mutating func respond(
    onEndpoint endpoint: UInt8, data: [UInt8], length: Int, at now: Duration
  ) -> VirtualResponse {
    guard let size = chapter9.endpoint(endpoint), !chapter9.halted.contains(endpoint) else {
      return .stall
    }
    let pair = endpoint & 0x0F
    var pipe = pipes[pair] ?? Loopback(packetSize: size)
    defer { pipes[pair] = pipe }
    if endpoint & 0x80 == 0 {
      guard pipe.take(data) else { return .nak }
      tally.streamsOut += 1
      return .acknowledged
    }
    guard let bytes = pipe.give(length) else { return .nak }
    tally.streamsIn += 1
    return .data(bytes)
  }
}
