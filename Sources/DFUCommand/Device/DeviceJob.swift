import Captures
import DFUHost
import USB
import Workbench

/// Finds the device, does a job with it, and keeps what came of it.
///
/// - Parameters:
///   - options: which device, and where it is recorded.
///   - console: is told what went wrong beside the work.
///   - body: the job.
/// - Returns: what the job returns.
/// - Throws: what the job throws; how it differs from the recording that is played back; why the
///   memories of a virtual board could not be kept.
func withDevice<Result>(
  _ options: DeviceOptions, _ console: Console, _ body: (FoundDevice) async throws -> Result
) async throws -> Result {
  let found = try await DeviceSearch.device(
    options.selectors, waits: options.wait, record: try options.recordingRequest)
  return try await keeping([found], console) { try await body(found) }
}

/// As above, with the device opened, and given back.
func withSession<Result>(
  _ options: DeviceOptions, _ console: Console,
  _ body: (DFUSession, FoundDevice) async throws -> Result
) async throws -> Result {
  try await withDevice(options, console) { found in try await withSession(on: found, body) }
}

/// Opens a device that has been found, does a job with it, and gives it back.
func withSession<Result>(
  on found: FoundDevice, _ body: (DFUSession, FoundDevice) async throws -> Result
) async throws -> Result {
  let session = try await DFUSession.open(found.info, on: found.host, clock: found.clock)
  do {
    let result = try await body(session, found)
    await session.close()
    return result
  } catch {
    await session.close()
    throw error
  }
}

/// Does a job with devices that have been found, and keeps what came of it: the memories of virtual
/// boards, while it works and at the end, for whatever happened to them, happened; the recording; and
/// how the job differs from the recording that is played back.
func keeping<Result>(
  _ found: [FoundDevice], _ console: Console, _ body: () async throws -> Result
) async throws -> Result {
  let replays = found.compactMap(\.replay)
  for replay in replays.prefix(1) {
    guard let line = replay.cutLine else { continue }
    console.note("the recording was cut off in line \(line); what is before it is played back")
  }
  let boards = found.compactMap(\.board)
  // Real time, whatever the time of the board: what kills a process does not know the other one.
  let clock = AnyClock(ContinuousClock())
  let saving = boards.map { board in Task { await board.keepSaving(on: clock) } }
  defer { for task in saving { task.cancel() } }
  let result: Result
  do {
    result = try await body()
  } catch {
    // The first failure is the one to tell.
    for board in boards { try? board.save() }
    endRecording(of: found, console)
    throw replays.lazy.compactMap(\.host.difference).first ?? error
  }
  endRecording(of: found, console)
  for board in boards { try board.save() }
  if let difference = replays.lazy.compactMap(\.host.difference).first { throw difference }
  tellRemainder(of: replays.first, console)
  return result
}

private func endRecording(of found: [FoundDevice], _ console: Console) {
  guard let recording = found.first?.recording else { return }
  recording.end()
  guard let failure = recording.failure else { return }
  console.warn("\(failure.sentence) What was done is done; only its recording is not whole.")
  console.shortfall.note(ExitStatus(for: failure))
}

private func tellRemainder(of replay: FoundDevice.Replayed?, _ console: Console) {
  guard let rest = replay?.host.remainder else { return }
  console.note(
    "\(rest.transfers) of the \(rest.total) transfers of the recording were not used, from line "
      + "\(rest.line) on")
}
