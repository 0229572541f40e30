internal import Synchronization
internal import USB

/// What is attached, under which ids, and who wants to hear of changes.
///
/// libusb, the clock and those who ask for the list all do the same: they have the list read again
/// and compared with what was known. What differs is told to the listeners.
final class Attachments: Sendable {
  private struct Attachment {
    var info: DeviceInfo
    var device: DeviceReference
    var key: AttachmentKey
  }

  private struct State {
    var attached: [Attachment] = []
    var lastID: UInt64 = 0
    var listeners: [UInt64: AsyncStream<HostEvent>.Continuation] = [:]
    var lastListener: UInt64 = 0
    var thread: EventThread?
    var poll: Task<Void, Never>?
  }

  /// How long a change may remain unnoticed where nobody tells of it.
  static let pollInterval = Duration.milliseconds(250)

  private let clock: AnyClock
  private let sysfs: Sysfs
  private let context: Context
  private let watching: LibUSBHost.Watching
  // Held while the list is read, so that an older list never replaces a newer one.
  private let state = Mutex(State())

  init(context: Context, clock: AnyClock, sysfs: Sysfs, watching: LibUSBHost.Watching) {
    self.context = context
    self.clock = clock
    self.sysfs = sysfs
    self.watching = watching
  }

  /// Ends all streams.
  func end() {
    let (listeners, thread, poll) = state.withLock { state in
      defer {
        state.listeners = [:]
        state.thread = nil
        state.poll = nil
      }
      return (state.listeners.values, state.thread, state.poll)
    }
    thread?.stopListening()
    poll?.cancel()
    for listener in listeners { listener.finish() }
  }

  /// What is attached now, in the order of the paths.
  func current() throws(HostError) -> [DeviceInfo] {
    try state.withLock { (state) throws(HostError) in
      try read(&state)
      return state.attached.map(\.info).sorted { $0.path < $1.path }
    }
  }

  /// The device with an id, if it is attached now.
  func find(_ id: DeviceID) throws(HostError) -> (device: DeviceReference, info: DeviceInfo) {
    try state.withLock { (state) throws(HostError) in
      let last = state.attached.first { $0.info.id == id }?.info
      try read(&state)
      guard let found = state.attached.first(where: { $0.info.id == id }) else {
        throw .gone(last, seen: state.attached.map(\.info).sorted { $0.path < $1.path })
      }
      return (found.device, found.info)
    }
  }

  /// Reads the list again, and tells what has changed.
  private func read(_ state: inout State) throws(HostError) {
    let devices: [DeviceReference]
    switch watching {
    case .events: devices = try context.devices()
    case .polling: devices = try Context().devices()
    }
    // In the order of the paths, so that ids and events do not depend on that of a folder.
    let keyed = devices.map { (device: $0, key: $0.key) }.sorted { $0.key.path < $1.key.path }
    var left = state.attached
    var attached: [Attachment] = []
    var arrived: [DeviceInfo] = []
    for (device, key) in keyed {
      let known = left.firstIndex {
        watching == .events ? $0.device.pointer == device.pointer : $0.key == key
      }
      if let known {
        var attachment = left.remove(at: known)
        attachment.info.activeConfiguration = attachment.device.activeConfiguration(sysfs)
        attached.append(attachment)
      } else {
        state.lastID += 1
        let info = device.info(id: DeviceID(rawValue: state.lastID), sysfs: sysfs)
        attached.append(Attachment(info: info, device: device, key: key))
        arrived.append(info)
      }
    }
    state.attached = attached
    // What has left is told first: the newcomer may be the same device on the same port.
    let events =
      left.map { HostEvent.detached($0.info.id, $0.info.path) } + arrived.map(HostEvent.attached)
    for event in events {
      for listener in state.listeners.values { listener.yield(event) }
    }
  }

  // MARK: Listening

  /// A stream of what happens from now on.
  func events() -> AsyncStream<HostEvent> {
    let (stream, continuation) = AsyncStream.makeStream(of: HostEvent.self)
    let number: UInt64? = state.withLock { state in
      // Before the reading that is compared with, so that nothing falls between the two.
      guard watch(&state), (try? read(&state)) != nil else { return nil }
      state.lastListener += 1
      state.listeners[state.lastListener] = continuation
      return state.lastListener
    }
    guard let number else {
      continuation.finish()
      return stream
    }
    continuation.onTermination = { [weak self] _ in self?.forget(number) }
    return stream
  }

  private func forget(_ listener: UInt64) {
    let (thread, poll) = state.withLock { state -> (EventThread?, Task<Void, Never>?) in
      state.listeners[listener] = nil
      guard state.listeners.isEmpty else { return (nil, nil) }
      defer {
        state.thread = nil
        state.poll = nil
      }
      return (state.thread, state.poll)
    }
    thread?.stopListening()
    poll?.cancel()
  }

  /// Begins to notice changes.
  private func watch(_ state: inout State) -> Bool {
    switch watching {
    case .events:
      guard state.thread == nil else { return true }
      guard let thread = try? context.events(),
        thread.listen({ [weak self] in self?.lookAgain() })
      else { return false }
      state.thread = thread
    case .polling:
      guard state.poll == nil else { return true }
      let clock = clock
      state.poll = Task.detached { [weak self] in
        while (try? await clock.sleep(for: Attachments.pollInterval)) != nil {
          guard let self else { return }
          await onThreadOfItsOwn { self.lookAgain() }
        }
      }
    }
    return true
  }

  private func lookAgain() {
    state.withLock { state in
      // A list that cannot be read now can be read at the next change.
      try? read(&state)
    }
  }
}
