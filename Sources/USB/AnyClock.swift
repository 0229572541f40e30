/// A clock without a type: whatever measures and waits, behind one name.
///
/// Code that waits takes one of these, so that a test hands in simulated time and a program the real
/// one. Its instants count from the moment at which it was made.
public struct AnyClock: Clock, Sendable {
  /// A moment: the time since the clock was made.
  public struct Instant: InstantProtocol, Hashable, Sendable {
    /// The time since the clock was made.
    public var elapsed: Duration

    /// A moment `elapsed` after the clock was made.
    public init(elapsed: Duration) { self.elapsed = elapsed }

    /// The moment `duration` later.
    public func advanced(by duration: Duration) -> Instant {
      Instant(elapsed: elapsed + duration)
    }

    /// The time from this moment to another.
    public func duration(to other: Instant) -> Duration { other.elapsed - elapsed }

    /// Whether the left one comes before the right one.
    public static func < (left: Instant, right: Instant) -> Bool { left.elapsed < right.elapsed }
  }

  private let read: @Sendable () -> Duration
  private let wait: nonisolated(nonsending) @Sendable (Duration, Duration?) async throws -> Void

  /// The least difference between two moments that the clock can tell.
  public let minimumResolution: Duration

  /// Hides the type of `clock`.
  public init<Base: Clock>(_ clock: Base) where Base.Duration == Duration, Base: Sendable {
    let start = clock.now
    read = { start.duration(to: clock.now) }
    wait = { (deadline, tolerance) in
      try await clock.sleep(until: start.advanced(by: deadline), tolerance: tolerance)
    }
    minimumResolution = clock.minimumResolution
  }

  /// The time since the clock was made.
  public var now: Instant { Instant(elapsed: read()) }

  /// Waits until `deadline`; throws `CancellationError` when the task is cancelled.
  public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    try await wait(deadline.elapsed, tolerance)
  }
}
