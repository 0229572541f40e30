/// A clock whose time passes only when somebody waits.
///
/// Inside a ``Simulation`` time advances when every task waits, to the earliest moment that somebody
/// waits for; moments that are equal go in the order in which they were asked for. Outside of one, as
/// made by ``init()``, a sleep simply moves the time on and returns.
public struct SimulatedClock: Clock, Sendable {
  /// A moment: the time since the clock was made.
  public struct Instant: InstantProtocol, Hashable, Sendable {
    /// The time since the clock was made.
    public var elapsed: Duration

    /// A moment `elapsed` after the clock was made.
    public init(elapsed: Duration) { self.elapsed = elapsed }

    /// A moment `duration` later.
    public func advanced(by duration: Duration) -> Instant {
      Instant(elapsed: elapsed + duration)
    }

    /// The time from this moment to `other`.
    public func duration(to other: Instant) -> Duration { other.elapsed - elapsed }

    /// Whether `left` is earlier.
    public static func < (left: Instant, right: Instant) -> Bool { left.elapsed < right.elapsed }
  }

  let time: SimulatedTime

  /// A clock of its own, without a simulation: a sleep moves the time on and returns at once.
  public init() { time = SimulatedTime(executor: nil) }

  init(time: SimulatedTime) { self.time = time }

  /// One nanosecond; sleeps are exact.
  public var minimumResolution: Duration { .nanoseconds(1) }

  /// The time since the clock was made.
  public var now: Instant { Instant(elapsed: time.now) }

  /// Waits until `deadline`, in simulated time.
  ///
  /// - Throws: `CancellationError` when the task is cancelled before.
  public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    if Task.isCancelled { throw CancellationError() }
    if time.advanceIfAlone(to: deadline.elapsed) { return }
    try await time.sleep(until: deadline.elapsed)
  }

  /// Moves the time to `deadline` if nothing else can happen before it, without suspending.
  ///
  /// - Returns: false where the caller has to ``sleep(until:tolerance:)`` like everybody else.
  func advanceIfAlone(to deadline: Duration) -> Bool { time.advanceIfAlone(to: deadline) }
}
