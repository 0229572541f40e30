public import USB

/// Watches a host's devices: by its events, and by looking where a host tells none.
///
/// It listens from its making on.
public struct HostWatch: Sendable {
  /// What is seen next.
  public enum Sighting: Hashable, Sendable {
    /// Something has been plugged in, or has come back.
    case attached(DeviceInfo)
    /// The device with this id, at this place, is gone.
    case detached(DeviceID, PortPath)
    /// What there is now: the time is over, or the host tells no events.
    case present([DeviceInfo], isOver: Bool)
  }

  /// The pause between two looks at a host that tells no events.
  public static let pollInterval = Duration.milliseconds(200)

  private let host: any USBHost
  private let clock: AnyClock
  private let listener: any HostListener

  /// Begins to listen.
  ///
  /// - Parameters:
  ///   - host: whose devices are watched.
  ///   - clock: measures the time.
  public init(_ host: any USBHost, clock: AnyClock) {
    self.host = host
    self.clock = clock
    listener = host.listen(clock: clock)
  }

  /// What is seen next.
  ///
  /// - Parameter deadline: when to give up; what is there then is the last sighting.
  /// - Returns: nil where the task was cancelled.
  /// - Throws: `HostError` where the host cannot list its devices.
  public func next(until deadline: AnyClock.Instant) async throws(HostError) -> Sighting? {
    let start = clock.now
    let left = start.duration(to: deadline)
    // What is there counts when the time is over, however many events are still untold.
    let event = left > .zero ? await listener.next(within: left) : nil
    if Task.isCancelled { return nil }
    switch event {
    case .attached(let info)?: return .attached(info)
    case .detached(let id, let path)?: return .detached(id, path)
    case nil: break
    }
    if clock.now < deadline {
      // A host that tells no events is asked, and not more often than this.
      let pause = HostWatch.pollInterval - start.duration(to: clock.now)
      if pause > .zero { try? await clock.sleep(for: min(pause, left)) }
      if Task.isCancelled { return nil }
    }
    let isOver = clock.now >= deadline
    return .present(try await host.devices(), isOver: isOver)
  }
}
