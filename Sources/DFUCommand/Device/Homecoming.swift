import DFU
import DFUHost
import Reports
import USB
import Workbench

/// A device followed through its absence, for a verb.
struct Following {
  private let follower: DeviceFollower
  private let clock: AnyClock

  /// Begins to listen; before the act that makes the device go.
  init(_ found: FoundDevice) {
    follower = DeviceFollower(found.info, on: found.host, clock: found.clock)
    clock = found.clock
  }

  /// Waits until the device is back.
  func returned(
    _ wanted: DeviceFollower.Wanted, within limit: Duration, _ progress: DFUProgress.Handler
  ) async throws -> (Returned, ReturnedDocument) {
    try await Following.measured(clock, at: follower.before.path) {
      progress(DFUProgress(phase: .follow, done: 0, total: 0))
      return try await follower.returned(wanted, within: limit)
    }
  }

  /// Waits for a device that has left its bootloader.
  func home(
    _ session: DFUSession, on found: FoundDevice, within limit: Duration?,
    _ progress: DFUProgress.Handler
  ) async throws -> (Returned, ReturnedDocument) {
    try await Following.measured(clock, at: follower.before.path) {
      progress(DFUProgress(phase: .follow, done: 0, total: 0))
      return try await session.followHome(follower, on: found.host, within: limit)
    }
  }

  /// What a wait brought, with its duration.
  static func measured(
    _ clock: AnyClock, at path: PortPath, _ wait: () async throws -> Returned
  ) async throws -> (Returned, ReturnedDocument) {
    let start = clock.now
    let returned = try await wait()
    return (
      returned,
      ReturnedDocument(returned, at: "\(path)", after: start.duration(to: clock.now))
    )
  }
}

/// What became of a device after it was flashed.
struct Homecoming {
  /// What came back; nil where nothing was waited for.
  private(set) var returned: ReturnedDocument?
  /// Why it could not be sent back or followed. The file is on the device all the same, and that has to
  /// be told first.
  private(set) var failure: (any Error)?
  private let departure: FlashReport.Departure

  /// Sends a device without addresses back to its application where the plan says so, and waits for what
  /// has left.
  ///
  /// - Parameters:
  ///   - departure: where the device went when it was flashed; `.sentHome` where it is to go now.
  ///   - session: the session with it.
  ///   - found: the device.
  ///   - follower: made before it was flashed; nil where nobody waits.
  ///   - limit: how long to wait; nil for what suits the device.
  ///   - progress: is told when the wait begins.
  init(
    after departure: FlashReport.Departure, _ session: DFUSession, _ found: FoundDevice,
    _ follower: Following?, within limit: Duration?, _ progress: @escaping DFUProgress.Handler
  ) async {
    self.departure = departure
    do {
      switch departure {
      case .sentHome:
        (_, returned) = try await Following.measured(found.clock, at: found.info.path) {
          try await session.leaveForApplication(on: found.host, within: limit, progress: progress)
        }
      case .left, .manifested(.vanished), .manifested(.reset), .reset:
        guard let follower else { return }
        (_, returned) = try await follower.home(session, on: found, within: limit, progress)
      case .manifested(.idle), .stays: break
      }
    } catch {
      failure = error
    }
  }

  /// With which status a flash ends that has done its work.
  var status: ExitStatus {
    if let failure { return ExitStatus(for: failure) }
    guard let returned else { return .done }
    // After option bytes it may be either; after leaving, only an application will do.
    let isHome = departure == .reset ? returned.kind != "nothing" : returned.isApplication
    return isHome ? .done : .tryAgain
  }
}

/// Sends a device back to the work from which it was taken, because nothing will be done to it after all.
func sendBack(
  _ found: FoundDevice, _ session: DFUSession, _ progress: @escaping DFUProgress.Handler,
  _ console: Console
) async {
  guard found.cameFrom != nil else { return }
  var isBack = false
  do {
    if session.description.dialect == .dfuSe {
      let following = Following(found)
      _ = try await session.leave(for: session.targets.first?.map?.runs.first?.start ?? 0)
      isBack = try await following.home(session, on: found, within: nil, progress).1.isApplication
    } else {
      isBack = try await session.leaveForApplication(on: found.host, progress: progress)
        .runsApplication
    }
  } catch {
    // The failure that led here is the one to tell.
  }
  console.note(
    isBack
      ? "nothing has been changed, and the device is back in its application"
      : "nothing has been changed, but the device is not back in its application: `dfu list` shows "
        + "where it is")
}
