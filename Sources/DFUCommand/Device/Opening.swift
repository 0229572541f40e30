import DFU
import DFUHost
import Reports
import USB
import Workbench

/// In which mode a verb needs its device.
enum WantedMode {
  /// In any.
  case any
  /// In DFU mode; it is said where it is not.
  case dfu
  /// In DFU mode; a device whose application runs is brought there.
  case dfuByDetaching
}

/// Finds and opens the device, does a job, gives the device back, and keeps what came of it.
///
/// - Parameters:
///   - options: which device.
///   - mode: in which mode it is needed.
///   - console: where is told what is waited for.
///   - body: the job.
/// - Returns: what the job returns.
/// - Throws: what the search, the device or the job throws.
func withSession<Result>(
  _ options: DeviceOptions, in mode: WantedMode = .dfu, on console: Console,
  _ body: (DFUSession, FoundDevice) async throws -> Result
) async throws -> Result {
  let found = try await options.device(for: mode, on: console)
  return try await keeping([found], console) {
    try await withSession(with: found, in: mode, on: console) { session, found in
      defer {
        if found.cameFrom != nil {
          console.note(
            "the device was detached for this and is still in its bootloader; `dfu leave` sends it "
              + "back")
        }
      }
      return try await body(session, found)
    }
  }
}

/// As above, for a device that has been found, and whose keeping somebody else sees to.
func withSession<Result>(
  with found: FoundDevice, in mode: WantedMode = .dfu, on console: Console,
  _ body: (DFUSession, FoundDevice) async throws -> Result
) async throws -> Result {
  var found = found
  var session = try await DFUSession.open(found.info, on: found.host, clock: found.clock)
  do {
    if session.description.mode == .runtime, mode == .dfu {
      throw session.runtimeModeError
    }
    if session.description.mode == .runtime, mode == .dfuByDetaching {
      found.cameFrom = found.info
      found.info = try await session.enterDFUMode(
        on: found.host, progress: ProgressDisplay(console).handler)
      session = try await DFUSession.open(found.info, on: found.host, clock: found.clock)
    }
    let result = try await body(session, found)
    await session.close()
    return result
  } catch {
    await session.close()
    throw error
  }
}
