import Captures
import DFUHost
import USB
import Workbench

/// Does a job with devices that have been found, and keeps what came of it: the memories of virtual
/// boards, while it works and at the end, for whatever happened to them, happened; the recording and the
/// capture; and how the job differs from the recording that is played back.
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
  if let capture = found.first?.capture {
    capture.end()
    if let failure = capture.failure {
      console.warn("\(failure.sentence) What was done is done; only its capture is not whole.")
      console.shortfall.note(ExitStatus(for: failure))
    }
  }
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
