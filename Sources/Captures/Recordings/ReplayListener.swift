internal import Synchronization
internal import USB

/// What one listener of a replay has not heard yet, each with the moment from which it can be heard.
final class ReplayQueue: Sendable {
  private struct State {
    var pending: [(event: HostEvent, due: AnyClock.Instant)] = []
    var isOver = false
  }

  enum Next {
    case event(HostEvent)
    /// There is one, and not before this moment.
    case later(AnyClock.Instant)
    case nothing
    case over
  }

  private let state = Mutex(State())
  /// Rings when something has been put in.
  let bell: AsyncStream<Void>
  private let ringer: AsyncStream<Void>.Continuation

  init() {
    (bell, ringer) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  func append(_ occurrences: [Replay.Occurrence], at now: AnyClock.Instant, isOver: Bool) {
    state.withLock { state in
      for occurrence in occurrences {
        state.pending.append((occurrence.event, now.advanced(by: occurrence.pause)))
      }
      state.isOver = isOver
    }
    ringer.yield()
  }

  func next(at now: AnyClock.Instant) -> Next {
    state.withLock { state in
      guard let first = state.pending.first else { return state.isOver ? .over : .nothing }
      guard first.due <= now else { return .later(first.due) }
      state.pending.removeFirst()
      return .event(first.event)
    }
  }
}

/// Hears the events of a replay.
struct ReplayListener: HostListener {
  let queue: ReplayQueue
  let clock: AnyClock

  func next(within limit: Duration) async -> HostEvent? {
    let deadline = clock.now.advanced(by: limit)
    while !Task.isCancelled {
      let now = clock.now
      switch queue.next(at: now) {
      case .event(let event): return event
      case .over: return nil
      case .later(let due):
        guard now < deadline else { return nil }
        try? await clock.sleep(until: min(due, deadline), tolerance: nil)
      case .nothing:
        guard now < deadline else { return nil }
        await wait(until: deadline)
      }
    }
    return nil
  }

  /// Waits for the bell, or for the deadline.
  private func wait(until deadline: AnyClock.Instant) async {
    let (bell, clock) = (queue.bell, clock)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { for await _ in bell { return } }
      group.addTask { try? await clock.sleep(until: deadline, tolerance: nil) }
      await group.next()
      group.cancelAll()
    }
  }
}
