/// Hears what happens on a host's buses, from its making on.
///
/// One task listens to it at a time.
public protocol HostListener: Sendable {
  /// The next event, in order.
  ///
  /// - Parameter limit: how long to wait for one.
  /// - Returns: nil where none comes within the limit, the task is cancelled, or the host has gone away
  ///   or tells no events. A listener that has answered nil need not hear anything more.
  func next(within limit: Duration) async -> HostEvent?
}

extension USBHost {
  /// Begins to listen: a race between ``events()`` and the clock.
  public func listen(clock: AnyClock) -> any HostListener {
    RacingListener(events: events(), clock: clock)
  }
}

/// A listener over a stream of events.
private struct RacingListener: HostListener {
  let events: AsyncStream<HostEvent>
  let clock: AnyClock

  func next(within limit: Duration) async -> HostEvent? {
    let (events, clock) = (events, clock)
    let deadline = clock.now.advanced(by: limit)
    return await withTaskGroup(of: HostEvent?.self) { group in
      group.addTask {
        for await event in events { return event }
        return nil
      }
      group.addTask {
        try? await clock.sleep(until: deadline, tolerance: nil)
        return nil
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      return first
    }
  }
}
