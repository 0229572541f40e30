internal import Synchronization
public import USB

/// A USB bus in memory: a host with ports, on which ``VirtualDevice``s are enumerated by the bytes
/// of their descriptors and spoken to as any other device.
///
/// A transfer takes the time that it would on a wire, on the clock of the bus: simulated or real.
/// As on Linux, a control transfer carries at most 4096 bytes, interfaces are claimed before use,
/// and a configuration is not changed under a claim. Transfers of one endpoint run one after the
/// other in the order in which they were started; what a device answers, it decides when the
/// transfer's turn comes. A transfer's timeout counts from its start by the host; one whose turn
/// comes too late fails then, unseen by the device.
public final class VirtualBus: USBHost {
  /// The number of the bus in its devices' paths.
  public let number: Int
  let timing: BusClock
  let state: Mutex<BusState>

  /// A bus without devices.
  ///
  /// - Parameters:
  ///   - clock: the time in which its devices live.
  ///   - number: the number of the bus in paths.
  ///   - wire: how long transfers take.
  public init(clock: AnyClock, number: Int = 1, wire: WireTime = .standard) {
    self.number = number
    timing = BusClock(clock)
    state = Mutex(BusState(number: number, wire: wire))
  }

  /// A bus without devices, in simulated time. Transfers cost less than through an `AnyClock`.
  public init(clock: SimulatedClock, number: Int = 1, wire: WireTime = .standard) {
    self.number = number
    timing = BusClock(clock)
    state = Mutex(BusState(number: number, wire: wire))
  }

  /// The time of the bus, since it was made.
  public var now: Duration { timing.now }

  /// Changes the state at the present time, then tells those who wait for it.
  func update<Result, Failure: Error>(
    _ body: (inout BusState, Duration) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let now = timing.now
    var effects: [BusEffect] = []
    defer { for effect in effects { effect.happen() } }
    return try state.withLock { (state) throws(Failure) -> Result in
      // The mutex orders the callers; a clock read before it may be a little behind.
      let now = max(now, state.latest)
      state.latest = now
      state.pump(to: now)
      defer {
        if !state.listeners.isEmpty { state.announceNextEvent() }
        if !state.effects.isEmpty { swap(&effects, &state.effects) }
      }
      return try body(&state, now)
    }
  }

  /// Plugs a device into a port. It is enumerated at once.
  ///
  /// - Parameters:
  ///   - device: the device; it gets power now.
  ///   - path: the port; nil for the first free one of the root hub. What is plugged in there
  ///     already is pulled out first.
  /// - Returns: the device's name on the bus. A device that does not answer its enumeration has one
  ///   as well, but is not listed and cannot be opened.
  @discardableResult
  public func attach(_ device: any VirtualDevice, path: PortPath? = nil) -> DeviceID {
    update { state, now in state.plugIn(device, path: path, at: now) }
  }

  /// Plugs a device into a port at a later time.
  ///
  /// - Parameters:
  ///   - device: the device; it gets power when it is plugged in.
  ///   - path: the port. What is plugged in there already is pulled out now.
  ///   - delay: how long after now.
  public func attach(_ device: any VirtualDevice, path: PortPath, after delay: Duration) {
    update { state, now in state.plugIn(device, path: path, after: delay, at: now) }
  }

  /// Pulls a device out. Transfers that are under way end with `.disconnected`.
  ///
  /// - Returns: the device, without power, as it was at that moment; nil if the port was empty.
  @discardableResult
  public func detach(_ path: PortPath) -> (any VirtualDevice)? {
    update { state, now in state.pullOut(path, at: now) }
  }

  /// Looks into a device, past the bus, or changes it. It must not call the bus.
  ///
  /// - Parameters:
  ///   - path: the port in which it is plugged, whether the bus sees it now or not.
  ///   - type: what it is.
  ///   - body: gets the device at the present time.
  /// - Returns: what `body` returns; nil when there is no such device.
  public func withDevice<Device: VirtualDevice, Result>(
    at path: PortPath, as type: Device.Type, _ body: (inout Device) throws -> Result
  ) rethrows -> Result? {
    try update { state, now in try state.inspect(path, at: now, body) }
  }

  /// Puts something between host and devices that decides about every transfer; nil takes it away.
  public func intercept(_ interceptor: TransferInterceptor?) {
    update { state, _ in state.interceptor = interceptor }
  }

  /// The devices that have been enumerated, in the order of their paths.
  public func devices() async throws(HostError) -> [DeviceInfo] {
    update { state, _ in
      state.ports.compactMap(\.attachment?.info).sorted { $0.path < $1.path }
    }
  }

  /// Opens a device; several handles may be open at a time.
  ///
  /// - Throws: `HostError` with `.notFound` when no device has this id any more.
  public func open(_ id: DeviceID) async throws(HostError) -> any USBDevice {
    let (handle, info) = try update { (state, _) throws(HostError) in
      guard let port = state.portIndex(of: id), let info = state.ports[port].attachment?.info else {
        throw HostError(
          .notFound, "The device is no longer on virtual bus \(number).",
          help: "List the devices again.")
      }
      state.nextHandle += 1
      return (state.nextHandle, info)
    }
    return VirtualUSBDevice(bus: self, info: info, handle: handle)
  }

  /// Attachments and detachments from now on. Waiting for one lets simulated time pass.
  public func events() -> AsyncStream<HostEvent> {
    let queue = listenerQueue()
    return AsyncStream { [self] in await nextEvent(of: queue, until: nil) }
  }

  /// Begins to listen. Limits are measured in the time of the bus: also where a sleep on its clock
  /// takes no time, an event that comes before the limit is heard before it.
  public func listen(clock: AnyClock) -> any HostListener {
    BusListener(bus: self, queue: listenerQueue())
  }

  private func listenerQueue() -> EventQueue {
    let queue = EventQueue()
    update { state, _ in state.listeners.append(WeakListener(queue)) }
    return queue
  }

  /// The next event; nil when the task is cancelled or `deadline` is past.
  func nextEvent(of queue: EventQueue, until deadline: Duration?) async -> HostEvent? {
    while !Task.isCancelled {
      switch queue.next() {
      case .success(let event): return event
      case .failure(let silence):
        let next = update { state, _ in state.nextEvent }
        if silence.bell.isOpen { continue }
        if let deadline, now >= deadline { return nil }
        let target = deadline.map { min($0, next ?? $0) } ?? next
        await timing.wait(until: target, or: silence.bell)
        update { _, _ in }
      }
    }
    return nil
  }
}

/// Hears the events of a bus.
private struct BusListener: HostListener {
  let bus: VirtualBus
  let queue: EventQueue

  func next(within limit: Duration) async -> HostEvent? {
    await bus.nextEvent(of: queue, until: bus.now + limit)
  }
}

/// A listener that goes when nobody holds its stream any more.
struct WeakListener: Sendable {
  weak let queue: EventQueue?

  init(_ queue: EventQueue) { self.queue = queue }
}

/// What has to be told to others after a change, when the lock is no longer held.
enum BusEffect {
  case open(Gate)
  case tell([EventQueue], HostEvent)
  case wake([EventQueue])

  func happen() {
    switch self {
    case .open(let gate): gate.open()
    case .tell(let listeners, let event): for listener in listeners { listener.append(event) }
    case .wake(let listeners): for listener in listeners { listener.wake() }
    }
  }
}
