internal import Synchronization
internal import USB

/// The events that one listener has not taken yet.
final class EventQueue: Sendable {
  private struct State {
    var events: [HostEvent] = []
    var bell = Gate()
  }

  private let state = Mutex(State())

  func append(_ event: HostEvent) {
    let bell = state.withLock { state in
      state.events.append(event)
      return state.bell
    }
    bell.open()
  }

  /// Lets the listener look again at what comes next.
  func wake() { state.withLock { $0.bell }.open() }

  /// The next event, or the bell that rings when there is one.
  func next() -> Result<HostEvent, Silence> {
    state.withLock { state in
      if !state.events.isEmpty { return .success(state.events.removeFirst()) }
      if state.bell.isOpen { state.bell = Gate() }
      return .failure(Silence(bell: state.bell))
    }
  }

  struct Silence: Error { var bell: Gate }
}
