internal import Synchronization
public import USB

/// A host on which a recording is played back: the devices, their answers, and what came and went.
///
/// Each call takes the time that it took, on a clock that is handed in: on a simulated one a replay
/// costs nothing and measures the recorded durations again. The order of calls is compared strictly
/// (see ``Replay``), pauses are not: a host that waits too short where the recorded device was busy
/// cannot be noticed.
public final class ReplayHost: USBHost {
  private struct State {
    var replay: Replay
    /// When each pipe is free again.
    var busyUntil: [ReplayStep.Order: Duration] = [:]
    var listeners: [UInt64: AsyncStream<HostEvent>.Continuation] = [:]
    var nextListener: UInt64 = 0
    var queues: [WeakQueue] = []

    struct WeakQueue: Sendable { weak let queue: ReplayQueue? }
  }

  private let clock: AnyClock
  private let state: Mutex<State>

  /// A host with the devices of a recording.
  ///
  /// - Parameters:
  ///   - document: the recording.
  ///   - clock: the time in which it is played.
  public init(_ document: RecordingDocument, clock: AnyClock) {
    self.clock = clock
    state = Mutex(State(replay: Replay(document)))
  }

  /// How the host differs from the recording; nil while it does not.
  public var difference: ReplayDifference? { state.withLock { $0.replay.difference } }

  /// What of the recording has not been used; nil where every transfer has been made.
  public var remainder: Replay.Remainder? { state.withLock { $0.replay.remainder } }

  /// The devices that were attached at this point of the recording.
  public func devices() async throws(HostError) -> [DeviceInfo] {
    defer { settle([]) }
    return try state.withLock { (state) throws(HostError) in try state.replay.list() }
  }

  /// Opens a device, if that is what comes next.
  public func open(_ id: DeviceID) async throws(HostError) -> any USBDevice {
    defer { settle([]) }
    let (handle, info, events) = try state.withLock {
      (state) throws(HostError) -> (UInt32, DeviceInfo, [Replay.Occurrence]) in
      let opened = try state.replay.open(id)
      return (opened.handle, opened.info, state.replay.finish(opened.step))
    }
    settle(events)
    return ReplayDevice(info: info, handle: handle, host: self)
  }

  /// Attachments and detachments, each when the call that it followed has ended. The stream ends when
  /// none can follow any more.
  public func events() -> AsyncStream<HostEvent> {
    let (stream, continuation) = AsyncStream<HostEvent>.makeStream()
    let number = state.withLock { state in
      state.nextListener += 1
      state.listeners[state.nextListener] = continuation
      return state.nextListener
    }
    continuation.onTermination = { [weak self] _ in
      self?.state.withLock { _ = $0.listeners.removeValue(forKey: number) }
    }
    settle([])
    return stream
  }

  /// Listens in the time of the replay: an event is heard as long after its call as it was recorded,
  /// also where a sleep takes no time.
  public func listen(clock: AnyClock) -> any HostListener {
    let queue = ReplayQueue()
    state.withLock { state in
      state.queues.removeAll { $0.queue == nil }
      state.queues.append(State.WeakQueue(queue: queue))
    }
    settle([])
    return ReplayListener(queue: queue, clock: self.clock)
  }

  /// Tells the listeners, and sends them home when nothing can come any more.
  private func settle(_ occurrences: [Replay.Occurrence]) {
    let now = clock.now
    let (listeners, queues, isOver) = state.withLock {
      ($0.listeners.values.map(\.self), $0.queues.compactMap(\.queue), $0.replay.isOver)
    }
    for listener in listeners {
      for occurrence in occurrences { listener.yield(occurrence.event) }
      if isOver { listener.finish() }
    }
    for queue in queues { queue.append(occurrences, at: now, isOver: isOver) }
  }

  // MARK: Calls of an open device

  /// A call that has found its place in the recording.
  struct Flight: Sendable {
    var answer: Replay.Answer
    var end: Duration
  }

  /// Compares a call with the recording, before the caller first suspends.
  func start(_ call: DeviceCall, on handle: UInt32) throws(TransferError) -> Flight {
    let now = clock.now.elapsed
    do throws(ReplayDifference) {
      return try state.withLock { (state) throws(ReplayDifference) in
        let answer = try state.replay.answer(call, on: handle)
        // What waited behind another one did not end before it.
        let order = ReplayStep.Order.pipe(handle: handle, call.pipe)
        let end = max(now + answer.duration, state.busyUntil[order] ?? now)
        state.busyUntil[order] = end
        return Flight(answer: answer, end: end)
      }
    } catch {
      settle([])
      throw TransferError(.other, setup: call.setup, detail: error.sentence)
    }
  }

  /// Lets the time of a call pass, and what followed it happen.
  func finish(_ flight: Flight) async {
    if flight.end > clock.now.elapsed {
      try? await clock.sleep(until: AnyClock.Instant(elapsed: flight.end), tolerance: nil)
    }
    settle(state.withLock { $0.replay.finish(flight.answer.step) })
  }
}

/// An open device of a recording.
final class ReplayDevice: USBDevice {
  let info: DeviceInfo
  private let handle: UInt32
  private let host: ReplayHost

  init(info: DeviceInfo, handle: UInt32, host: ReplayHost) {
    self.info = info
    self.handle = handle
    self.host = host
  }

  @discardableResult
  private func perform(_ call: DeviceCall) async throws(TransferError) -> CallOutcome {
    let flight = try host.start(call, on: handle)
    await host.finish(flight)
    if Task.isCancelled { throw TransferError(.cancelled, setup: call.setup) }
    if case .failed(let code, let detail) = flight.answer.outcome {
      throw TransferError(code, setup: call.setup, detail: detail)
    }
    return flight.answer.outcome
  }

  private func bytes(_ call: DeviceCall) async throws(TransferError) -> [UInt8] {
    if case .received(let bytes) = try await perform(call) { bytes } else { [] }
  }

  private func count(_ call: DeviceCall) async throws(TransferError) -> Int {
    if case .sent(let count) = try await perform(call) { count } else { 0 }
  }

  func controlIn(_ setup: SetupPacket, timeout: Duration) async throws(TransferError) -> [UInt8] {
    try await bytes(.controlIn(setup))
  }

  func controlOut(
    _ setup: SetupPacket, data: [UInt8], timeout: Duration
  ) async throws(TransferError) {
    try await perform(.controlOut(setup, data))
  }

  func bulkIn(
    endpoint: UInt8, length: Int, timeout: Duration
  ) async throws(TransferError) -> [UInt8] {
    try await bytes(.bulkIn(endpoint, length: length))
  }

  func bulkOut(
    endpoint: UInt8, data: [UInt8], timeout: Duration
  ) async throws(TransferError) -> Int {
    try await count(.bulkOut(endpoint, data))
  }

  func interruptIn(
    endpoint: UInt8, length: Int, timeout: Duration
  ) async throws(TransferError) -> [UInt8] {
    try await bytes(.interruptIn(endpoint, length: length))
  }

  func interruptOut(
    endpoint: UInt8, data: [UInt8], timeout: Duration
  ) async throws(TransferError) -> Int {
    try await count(.interruptOut(endpoint, data))
  }

  func setConfiguration(_ value: UInt8) async throws(TransferError) {
    try await perform(.setConfiguration(value))
  }

  func claimInterface(_ number: UInt8) async throws(TransferError) {
    try await perform(.claim(number))
  }

  func releaseInterface(_ number: UInt8) async throws(TransferError) {
    try await perform(.release(number))
  }

  func setAlternateSetting(
    _ setting: UInt8, interface number: UInt8
  ) async throws(TransferError) {
    try await perform(.setAlternateSetting(setting, interface: number))
  }

  func clearHalt(endpoint: UInt8) async throws(TransferError) {
    try await perform(.clearHalt(endpoint))
  }

  func reset() async throws(TransferError) { try await perform(.reset) }

  func close() async { _ = try? await perform(.close) }
}
