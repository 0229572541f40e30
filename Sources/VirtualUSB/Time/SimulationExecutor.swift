internal import Synchronization

/// Runs the tasks of a ``Simulation`` one at a time, in the order in which they became ready.
final class SimulationExecutor: TaskExecutor, Sendable {
  private struct State {
    /// A queue: jobs before `first` have run.
    var ready: [UnownedJob] = []
    var first = 0
    /// Which task runs now.
    var running: UnownedJob?

    var isEmpty: Bool { first == ready.count }

    mutating func next() -> UnownedJob? {
      guard first < ready.count else { return nil }
      defer {
        first += 1
        if first == ready.count {
          ready.removeAll(keepingCapacity: true)
          first = 0
        }
      }
      return ready[first]
    }
  }

  private let state = Mutex(State())

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    state.withLock { $0.ready.append(job) }
  }

  /// Whether the caller is the only task that could do anything now.
  ///
  /// A task that `addImmediateTask` has started runs inside its parent, and the parent goes on when
  /// it suspends: such a task is not alone although no other job is ready. It is told from the
  /// parent by comparing the task that runs with the job that was started.
  var isAlone: Bool {
    let current = withUnsafeCurrentTask { task in
      task.map { unsafeBitCast($0, to: UInt.self) }
    }
    guard let current else { return false }
    return state.withLock { state in
      guard state.isEmpty, let running = state.running else { return false }
      // Both are one pointer to the task's record (Swift ABI: AsyncTask begins with its Job). Were
      // they ever different, nobody would be alone, which costs time and changes nothing else.
      return unsafeBitCast(running, to: UInt.self) == current
    }
  }

  /// Runs one job on this thread; false when none is ready.
  func runOne() -> Bool {
    let job = state.withLock { state -> UnownedJob? in
      state.running = state.next()
      return state.running
    }
    guard let job else { return false }
    job.runSynchronously(on: asUnownedTaskExecutor())
    state.withLock { $0.running = nil }
    return true
  }

  var hasWork: Bool { state.withLock { !$0.isEmpty } }
}
