internal import Synchronization

/// Something that one task waits for and that happens once.
final class Gate: Sendable {
  private struct State {
    var isOpen = false
    var continuation: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  var isOpen: Bool { state.withLock { $0.isOpen } }

  func open() {
    let continuation = state.withLock { state in
      state.isOpen = true
      defer { state.continuation = nil }
      return state.continuation
    }
    continuation?.resume()
  }

  /// Returns when the gate is open or the task is cancelled.
  func wait() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOpen = state.withLock { state in
          if !state.isOpen { state.continuation = continuation }
          return state.isOpen
        }
        if isOpen { continuation.resume() }
      }
    } onCancel: {
      open()
    }
  }
}
