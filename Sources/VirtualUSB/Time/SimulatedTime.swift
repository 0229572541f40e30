internal import Synchronization

/// What the copies of one ``SimulatedClock`` share: the time, and who waits for which moment.
final class SimulatedTime: Sendable {
  /// Somebody who waits.
  struct Sleeper {
    var deadline: Duration
    /// The order of asking: it settles ties.
    var sequence: UInt64
    var continuation: CheckedContinuation<Void, any Error>
  }

  struct State {
    var now = Duration.zero
    var nextSequence: UInt64 = 0
    /// Descending, so that the next to wake is the last. Few tasks ever wait at the same time.
    var sleepers: [Sleeper] = []
    /// Those cancelled before they came to wait.
    var cancelled: Set<UInt64> = []
    /// No sleep ends after this.
    var limit: Duration?
  }

  private let state = Mutex(State())
  /// The executor of the simulation; nil for a clock on its own.
  let executor: SimulationExecutor?

  init(executor: SimulationExecutor?, limit: Duration? = nil) {
    self.executor = executor
    state.withLock { $0.limit = limit }
  }

  var now: Duration { state.withLock { $0.now } }

  /// The way to wait that costs least: nobody else can run before `deadline`, so it is now.
  func advanceIfAlone(to deadline: Duration) -> Bool {
    guard let executor else {
      state.withLock { $0.now = max($0.now, deadline) }
      return true
    }
    guard executor.isAlone else { return false }
    return state.withLock { state in
      if let limit = state.limit, deadline > limit { return false }
      // A sleeper of the same moment asked earlier and goes first.
      if let next = state.sleepers.last, next.deadline <= deadline { return false }
      state.now = max(state.now, deadline)
      return true
    }
  }

  func sleep(until deadline: Duration) async throws {
    let sequence = state.withLock { state in
      defer { state.nextSequence += 1 }
      return state.nextSequence
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let isCancelled = state.withLock { state in
          if state.cancelled.remove(sequence) != nil { return true }
          let sleeper = Sleeper(
            deadline: max(deadline, state.now), sequence: sequence, continuation: continuation)
          let place = state.sleepers.firstIndex {
            ($0.deadline, $0.sequence) < (sleeper.deadline, sequence)
          }
          state.sleepers.insert(sleeper, at: place ?? state.sleepers.count)
          return false
        }
        if isCancelled { continuation.resume(throwing: CancellationError()) }
      }
    } onCancel: {
      let sleeper = state.withLock { state -> Sleeper? in
        guard let place = state.sleepers.firstIndex(where: { $0.sequence == sequence }) else {
          state.cancelled.insert(sequence)
          return nil
        }
        return state.sleepers.remove(at: place)
      }
      sleeper?.continuation.resume(throwing: CancellationError())
    }
    // A cancellation that came after the awakening has left its mark.
    state.withLock { _ = $0.cancelled.remove(sequence) }
  }

  /// What ``wakeNext()`` found.
  enum Awakening {
    case woke
    case nobodyWaits
    case beyondLimit
  }

  /// Moves the time to the earliest moment that somebody waits for, and wakes that one.
  func wakeNext() -> Awakening {
    let (awakening, sleeper) = state.withLock { state -> (Awakening, Sleeper?) in
      guard let next = state.sleepers.last else { return (.nobodyWaits, nil) }
      if let limit = state.limit, next.deadline > limit { return (.beyondLimit, nil) }
      state.now = max(state.now, next.deadline)
      state.sleepers.removeLast()
      return (.woke, next)
    }
    sleeper?.continuation.resume()
    return awakening
  }
}
