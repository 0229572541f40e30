internal import Synchronization

/// Something that one task waits for and that happens once.
final class Gate: Sendable {
  private struct State {
    var isOpen = false
    var isCancelled = false
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

  /// Returns when the gate is open or the task is cancelled, which does not open it.
  func wait() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          let isOver = state.isOpen || state.isCancelled
          if !isOver { state.continuation = continuation }
          return isOver
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      let continuation = state.withLock { state in
        state.isCancelled = true
        defer { state.continuation = nil }
        return state.continuation
      }
      continuation?.resume()
    }
    state.withLock { $0.isCancelled = false }
  }
}
