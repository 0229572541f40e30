internal import USB

/// The clock of a bus: whatever it is, its time counts from the making of the bus.
struct BusClock: Sendable {
  private let clock: AnyClock
  private let simulated: SimulatedClock?
  private let start: Duration

  init(_ clock: AnyClock) {
    self.clock = clock
    simulated = nil
    start = clock.now.elapsed
  }

  init(_ clock: SimulatedClock) {
    self.clock = AnyClock(clock)
    simulated = clock
    start = clock.now.elapsed
  }

  var now: Duration {
    simulated.map { $0.now.elapsed - start } ?? (clock.now.elapsed - start)
  }

  /// Moves simulated time on without suspending, if nothing else can happen before.
  func advanceIfAlone(to time: Duration) -> Bool {
    simulated?.advanceIfAlone(to: start + time) ?? false
  }

  /// Waits until `time`, or until the gate opens, or the task is cancelled.
  func wait(until time: Duration?, or gate: Gate) async {
    guard let time else {
      await gate.wait()
      return
    }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await sleep(until: time) }
      group.addTask { await gate.wait() }
      await group.next()
      group.cancelAll()
    }
  }

  private func sleep(until time: Duration) async {
    if let simulated {
      try? await simulated.sleep(
        until: SimulatedClock.Instant(elapsed: start + time), tolerance: nil)
    } else {
      // AnyClock counts from its own making, which was before `start`.
      try? await clock.sleep(until: AnyClock.Instant(elapsed: start + time), tolerance: nil)
    }
  }
}
