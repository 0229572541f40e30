internal import Synchronization
internal import SystemPackage
internal import USB
internal import VirtualDFU
internal import VirtualUSB

/// Keeps what happens to a virtual board in its state file, while it happens and at the end.
///
/// What is kept is always what the part would hold if its power went at that moment: a process that
/// ends, however it ends, pulls the board out.
final class BoardKeeper: Sendable {
  private struct State {
    /// What is in the file, as far as this process knows.
    var known: [UInt8]?
    /// Where the board was when it was looked at last.
    var mark: VirtualBootloader.ChangeMark
    /// Why nothing is kept any more.
    var failure: (any Error)?
  }

  private let file: StateFile
  private let bus: VirtualBus
  private let path: PortPath
  private let state: Mutex<State>

  init(
    _ file: StateFile, known: [UInt8]?, bus: VirtualBus, path: PortPath,
    mark: VirtualBootloader.ChangeMark
  ) {
    self.file = file
    self.bus = bus
    self.path = path
    state = Mutex(State(known: known, mark: mark))
  }

  /// Keeps what has changed, again and again, until the task is cancelled. A failure is told at the
  /// end, by ``save()``.
  func keep(every period: Duration, on clock: AnyClock) async {
    while true {
      do {
        try await clock.sleep(for: period)
      } catch { return }
      state.withLock { state in
        guard state.failure == nil else { return }
        let mark = bus.withDevice(at: path, as: VirtualBootloader.self) { $0.changeMark }
        guard let mark, mark != state.mark else { return }
        state.mark = mark
        write(&state)
      }
    }
  }

  /// Keeps what the board holds now.
  ///
  /// - Throws: ``FileError`` where the file could not be written, now or before; ``BoardError`` where
  ///   another process has changed it.
  func save() throws {
    let failure = state.withLock { state in
      if state.failure == nil { write(&state) }
      return state.failure
    }
    if let failure { throw failure }
  }

  private func write(_ state: inout State) {
    let now = bus.now
    // A copy costs little; what is done with it does not hold up the bus.
    let board = bus.withDevice(at: path, as: VirtualBootloader.self) { $0 }
    guard let bytes = board?.snapshot(withoutPowerAt: now), bytes != state.known else { return }
    do {
      guard try file.replace(state.known, with: bytes) else {
        throw BoardError.stateChanged(file.path.string)
      }
      state.known = bytes
    } catch { state.failure = error }
  }
}
