internal import Synchronization

/// A piece of simulated time in which tasks run one after the other.
///
///     let duration = try await Simulation().run { clock in
///       try await clock.sleep(for: .seconds(9))
///       return clock.now.elapsed
///     }
///
/// The tasks that the body starts as children run on the simulation's one executor, and so does the
/// body. Time advances only when every one of them waits; whoever waits for the earliest moment goes
/// first, and among equals whoever asked first. So a run has the same result every time, whatever
/// else the machine does. A task made with `Task { … }` is no child and runs elsewhere: give it the
/// clock's ``SimulatedClock/executorPreference``.
public struct Simulation: Sendable {
  /// No task sleeps beyond this moment: the run ends with ``SimulationError/Code/deadline``.
  public var deadline: Duration
  /// How many jobs may run without the time moving on.
  public var jobsPerMoment: Int

  /// A simulation.
  ///
  /// - Parameters:
  ///   - deadline: the longest the simulation may take, in simulated time.
  ///   - jobsPerMoment: the most jobs that may run while time stands still; a loop that never waits
  ///     ends there.
  public init(deadline: Duration = .seconds(24 * 3600), jobsPerMoment: Int = 50_000_000) {
    self.deadline = deadline
    self.jobsPerMoment = jobsPerMoment
  }

  /// Runs `body` from time zero to its end.
  ///
  /// - Parameter body: gets the clock of the simulation.
  /// - Returns: what `body` returns.
  /// - Throws: what `body` throws, or ``SimulationError`` when it never would have ended; then it
  ///   has been cancelled.
  public func run<Result: Sendable>(
    _ body: @escaping @Sendable (SimulatedClock) async throws -> Result
  ) async throws -> Result {
    let executor = SimulationExecutor()
    let time = SimulatedTime(executor: executor, limit: deadline)
    let clock = SimulatedClock(time: time)
    let end = Ending<Result>()
    let task = Task(executorPreference: executor) {
      do {
        let result = try await body(clock)
        end.set(.success(result))
      } catch {
        end.set(.failure(error))
      }
    }
    let verdict = await withTaskCancellationHandler {
      await drive(executor, time) { end.isSet }
    } onCancel: {
      task.cancel()
    }
    guard let code = verdict else { return try end.get() }
    // Nothing will wake the tasks that still wait; those that can be cancelled end here. The others
    // stay as they are, and with them the executor that they would run on.
    task.cancel()
    while executor.runOne() {}
    _ = Unmanaged.passRetained(executor)
    throw SimulationError(code, at: time.now)
  }

  /// Runs jobs and moves the time until `isDone`; says what is wrong when that cannot be.
  @concurrent
  private func drive(
    _ executor: SimulationExecutor, _ time: SimulatedTime, until isDone: @Sendable () -> Bool
  ) async -> SimulationError.Code? {
    var jobs = 0
    var patience = Simulation.patience
    while !isDone() {
      if executor.runOne() {
        jobs += 1
        patience = Simulation.patience
        if jobs > jobsPerMoment { return .endless }
        continue
      }
      switch time.wakeNext() {
      case .woke: jobs = 0
      case .beyondLimit: return .deadline
      case .nobodyWaits:
        // A task may be on another executor (a main actor, a detached task) and come back.
        guard patience > 0 else { return .deadlock }
        patience -= 1
        try? await Task.sleep(for: .milliseconds(5))
        if Task.isCancelled { await Task.yield() }
      }
    }
    // What the body left behind, a task that it cancelled, say, ends as well.
    while executor.runOne() {}
    return nil
  }

  /// How often the driver looks, 5 ms apart, whether other executors hand something back, before it
  /// says that nothing will ever happen.
  private static let patience = 20
}

extension SimulatedClock {
  /// The executor of the simulation, for tasks that are not children; nil outside a simulation.
  public var executorPreference: (any TaskExecutor)? { time.preference }
}

extension SimulatedTime {
  var preference: (any TaskExecutor)? { executor }
}

/// Why a simulation ended before its body did.
public struct SimulationError: Error, Hashable, CustomStringConvertible {
  /// What kind of ending it is.
  public enum Code: String, Hashable, Sendable {
    /// Every task waits, and nothing is scheduled that would wake one.
    case deadlock
    /// The next thing to happen lies beyond ``Simulation/deadline``.
    case deadline
    /// Tasks run for ever while time stands still.
    case endless
  }

  /// What kind of ending it is.
  public var code: Code
  /// When it was noticed, in simulated time.
  public var time: Duration

  init(_ code: Code, at time: Duration) {
    self.code = code
    self.time = time
  }

  /// What happened, in a sentence.
  public var description: String {
    let what =
      switch code {
      case .deadlock: "every task waits and nothing is scheduled that would wake one"
      case .deadline: "the next thing to happen lies beyond the simulation's deadline"
      case .endless: "tasks run for ever while time stands still"
      }
    return "At \(time) of simulated time \(what)."
  }
}

/// The result of the body, for the one who drives it.
private final class Ending<Value: Sendable>: Sendable {
  private let result = Mutex<Result<Value, any Error>?>(nil)

  var isSet: Bool { result.withLock { $0 != nil } }

  func set(_ value: Result<Value, any Error>) { result.withLock { $0 = value } }

  func get() throws -> Value {
    guard let value = result.withLock({ $0 }) else { throw CancellationError() }
    return try value.get()
  }
}
