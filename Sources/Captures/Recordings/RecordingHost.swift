internal import Synchronization
public import USB

/// A host that records everything that passes through it to another one.
///
/// Nothing else changes: every call reaches the host behind it as it is, and before the caller first
/// suspends, so that transfers keep the order in which they were started. Two tasks that call one
/// device at the same moment from different threads have no order, in the recording either.
///
/// Attachments and detachments are recorded when the program gets to know of them: it lists the
/// devices, opens one, or takes an event. Nothing listens on its own account, because
/// waiting lets simulated time pass.
public final class RecordingHost: USBHost {
  private let base: any USBHost
  private let recorder: Recorder

  /// Records what passes to and from `base`.
  ///
  /// - Parameters:
  ///   - base: where the devices are.
  ///   - clock: the time in which they live; the recording begins now.
  ///   - sink: takes each event, in order and one at a time. It must not call this host, and it should
  ///     be quick: the call that it is about waits for it.
  public init(
    _ base: any USBHost, clock: AnyClock, sink: @escaping @Sendable (Recording.Event) -> Void
  ) {
    self.base = base
    recorder = Recorder(clock: clock, sink: sink)
  }

  /// The devices of the other host.
  public func devices() async throws(HostError) -> [DeviceInfo] {
    do throws(HostError) {
      let devices = try await base.devices()
      recorder.list(devices)
      return devices
    } catch {
      recorder.note(.listingFailed(error))
      throw error
    }
  }

  /// Opens a device of the other host; what is done with it is recorded.
  public func open(_ id: DeviceID) async throws(HostError) -> any USBDevice {
    do throws(HostError) {
      let device = try await base.open(id)
      return RecordingDevice(device, handle: recorder.opened(device.info), recorder: recorder)
    } catch {
      recorder.note(.openingFailed(id, error))
      throw error
    }
  }

  /// The events of the other host; those that are taken are recorded.
  public func events() -> AsyncStream<HostEvent> {
    let events = base.events()
    let recorder = recorder
    return AsyncStream {
      // Iterators of one stream share what they iterate over.
      var iterator = events.makeAsyncIterator()
      guard let event = await iterator.next() else { return nil }
      recorder.heard(event)
      return event
    }
  }

  /// Listens as the other host does, which knows what its time is; what is heard is recorded.
  public func listen(clock: AnyClock) -> any HostListener {
    RecordingListener(base: base.listen(clock: clock), recorder: recorder)
  }
}

/// A listener that records what it hears.
private struct RecordingListener: HostListener {
  let base: any HostListener
  let recorder: Recorder

  func next(within limit: Duration) async -> HostEvent? {
    let event = await base.next(within: limit)
    if let event { recorder.heard(event) }
    return event
  }
}

/// Puts what happens in order, numbers it and gives it its time.
final class Recorder: Sendable {
  private struct State {
    /// The devices as they were recorded last.
    var known: [DeviceInfo] = []
    var handles: UInt32 = 0
    var calls: UInt32 = 0
  }

  private let clock: AnyClock
  private let start: AnyClock.Instant
  private let sink: @Sendable (Recording.Event) -> Void
  private let state = Mutex(State())

  init(clock: AnyClock, sink: @escaping @Sendable (Recording.Event) -> Void) {
    self.clock = clock
    self.sink = sink
    start = clock.now
  }

  // Only under the lock, so that the times are in order.
  private func tell(_ kind: Recording.Kind) {
    let (seconds, attoseconds) = start.duration(to: clock.now).components
    let limit = Recording.maximumNanoseconds / 1_000_000_000
    let nanoseconds = min(max(seconds, 0), limit) * 1_000_000_000 + attoseconds / 1_000_000_000
    sink(Recording.Event(nanoseconds: max(0, nanoseconds), kind))
  }

  func note(_ kind: Recording.Kind) { state.withLock { _ in tell(kind) } }

  func began(_ call: DeviceCall, on handle: UInt32) -> UInt32 {
    state.withLock { state in
      state.calls += 1
      tell(.began(number: state.calls, handle: handle, call))
      return state.calls
    }
  }

  func list(_ devices: [DeviceInfo]) {
    state.withLock { state in
      for gone in state.known where !devices.contains(where: { $0.id == gone.id }) {
        tell(.detached(gone.id, gone.path))
      }
      for device in devices where !state.known.contains(device) { tell(.attached(device)) }
      state.known = devices
      tell(.listed(devices.map(\.id)))
    }
  }

  func opened(_ info: DeviceInfo) -> UInt32 {
    state.withLock { state in
      learn(info, &state)
      state.handles += 1
      tell(.opened(info.id, handle: state.handles))
      return state.handles
    }
  }

  func heard(_ event: HostEvent) {
    state.withLock { state in
      switch event {
      case .attached(let info): learn(info, &state)
      case .detached(let id, let path):
        guard let index = state.known.firstIndex(where: { $0.id == id }) else { return }
        state.known.remove(at: index)
        tell(.detached(id, path))
      }
    }
  }

  private func learn(_ info: DeviceInfo, _ state: inout State) {
    guard !state.known.contains(info) else { return }
    state.known.removeAll { $0.id == info.id }
    state.known.append(info)
    tell(.attached(info))
  }
}
