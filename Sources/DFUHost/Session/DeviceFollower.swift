internal import DFU
public import USB

/// Follows a device that goes away and comes back: through detach, leave, unprotect and the writing of
/// option bytes.
///
/// What comes back may have another address, other ids and another serial number; it is known by its
/// place (`PortPath`) alone. What is plugged in elsewhere at that moment is never taken for it, be it
/// the same in everything else.
///
///     let follower = DeviceFollower(info, on: host, clock: clock)
///     _ = try await session.unprotect()
///     let back = try await follower.returned(.bootloader)
///
/// It listens from its making on, so make it before the act that makes the device go.
public struct DeviceFollower: Sendable {
  /// What is waited for.
  public enum Wanted: Hashable, Sendable {
    /// A device in DFU mode; anything else that comes in between may be on its way to that.
    case bootloader
    /// The first thing that comes.
    case anything
  }

  /// How long most devices are waited for. Boards are back within a second or two.
  public static let usualLimit = Duration.seconds(30)
  /// How long a device is waited for that is known to take its time (cameras: up to 180 s).
  public static let patientLimit = Duration.seconds(180)

  /// The device as it was.
  public let before: DeviceInfo
  private let host: any USBHost
  private let clock: AnyClock
  private let watch: HostWatch

  /// Begins to listen.
  ///
  /// - Parameters:
  ///   - info: the device, as it is now.
  ///   - host: where it is.
  ///   - clock: measures the time that it is given.
  public init(_ info: DeviceInfo, on host: any USBHost, clock: AnyClock) {
    before = info
    self.host = host
    self.clock = clock
    watch = HostWatch(host, clock: clock)
  }

  /// Waits until the device is back.
  ///
  /// A device that comes back as something that is not wanted is waited for until the time is over,
  /// for it may come back once more; then what is there last is the answer.
  ///
  /// - Parameters:
  ///   - wanted: what ends the wait.
  ///   - limit: how long it may take, from now on.
  /// - Returns: what is there.
  /// - Throws: ``DFUError``: `.cancelled`, or what the host says when it cannot list its devices.
  public func returned(
    _ wanted: Wanted = .anything, within limit: Duration = usualLimit
  ) async throws(DFUError) -> Returned {
    let deadline = clock.now.advanced(by: limit)
    var last: Returned?
    while true {
      var arrived: DeviceInfo?
      var isOver = false
      var present: DeviceInfo?
      switch try await sighting(until: deadline) {
      case .attached(let info): arrived = info
      case .detached(let id, _):
        if last?.info?.id == id { last = nil }
      case .present(let devices, let over):
        isOver = over
        present = devices.first { $0.path == before.path }
        arrived = present
      }
      if let arrived, arrived.path == before.path, arrived.id != before.id,
        arrived.id != last?.info?.id
      {
        // One that has gone again while it was asked is no answer.
        last = await Returned(arrived, on: host, clock: clock)
        if let last, last.satisfies(wanted) { return last }
      }
      guard isOver else { continue }
      guard let present else { return .nothing }
      return present.id == before.id ? .stayed(present) : last ?? .nothing
    }
  }

  private func sighting(
    until deadline: AnyClock.Instant
  ) async throws(DFUError) -> HostWatch.Sighting {
    let sighting: HostWatch.Sighting?
    do throws(HostError) {
      sighting = try await watch.next(until: deadline)
    } catch {
      throw DFUError(error)
    }
    guard let sighting else { throw stopped }
    return sighting
  }

  private var stopped: DFUError {
    DFUError(
      .cancelled, during: .follow,
      sentence:
        "Stopped while waiting for the device at \(before.path) to come back; what it does now "
        + "is not known from here.", help: "`dfu list` shows what is there.")
  }
}

extension Returned {
  fileprivate func satisfies(_ wanted: DeviceFollower.Wanted) -> Bool {
    switch (wanted, self) {
    case (.anything, _), (.bootloader, .bootloader), (.bootloader, .unclear): true
    case (.bootloader, _): false
    }
  }
}
