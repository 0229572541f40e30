internal import DFU
internal import Synchronization
internal import USB

/// One operation of a session under way: the conversation, and what is known of the device meanwhile.
struct Operation: ~Copyable {
  let session: DFUSession
  let progress: DFUProgress.Handler?
  /// The alternate setting that the device has, waiting in dfuIDLE or dfuDNLOAD-IDLE; nil when that is
  /// not certain.
  var selected: UInt8?
  /// `bState` as it was last seen.
  var lastState: DFUState?
  var hasLeft = false
  private var conversation: DFUConversation
  private let cancellation: Cancellation
  private var durations: [DFUPhase: Duration] = [:]

  init(
    _ session: DFUSession, selected: UInt8?, progress: DFUProgress.Handler?,
    cancellation: Cancellation
  ) {
    self.session = session
    self.selected = selected
    self.progress = progress
    self.cancellation = cancellation
    lastState = session.state.withLock { $0.lastState }
    conversation = DFUConversation(
      with: session.meter, clock: session.clock, cancellation: cancellation)
  }

  var link: DFULink { session.link }

  /// Runs an engine in `phase`; not even begins where somebody wants an end.
  mutating func run<Engine: DFUEngine>(
    _ engine: inout Engine, _ phase: DFUPhase, _ report: (EngineProgress) -> Void = { _ in }
  ) async throws(DFUError) -> Engine.Output {
    if cancellation.isRequested {
      throw DFUError(.cancelled, during: phase, state: lastState)
    }
    let start = session.clock.now
    defer { durations[phase, default: .zero] += start.duration(to: session.clock.now) }
    do throws(DFUError) {
      let output = try await conversation.run(&engine, progress: report)
      lastState = conversation.lastState ?? lastState
      return output
    } catch {
      var error = error
      lastState = conversation.lastState ?? lastState
      error.state = error.state ?? lastState
      throw error
    }
  }

  /// Rules 3 and 4: the alternate setting, and dfuIDLE.
  mutating func select(_ setting: UInt8) async throws(DFUError) {
    guard let target = session.description.target(setting) else {
      throw DFUError(
        .noSuchTarget, during: .select,
        sentence: "The device has no alternate setting \(setting).")
    }
    selected = nil
    var engine = SelectEngine(
      setting: target.alternateSetting, isOnlySetting: session.targets.count == 1, link: link)
    _ = try await run(&engine, .select)
    selected = setting
  }

  /// Selects only where it is not certain that it is selected.
  mutating func ensure(_ setting: UInt8) async throws(DFUError) {
    if selected != setting { try await select(setting) }
  }

  /// Reads pieces of the selected target.
  mutating func read(
    _ pieces: [ReadEngine.Piece], of setting: UInt8, _ phase: DFUPhase, done: UInt64 = 0,
    total: UInt64
  ) async throws(DFUError) -> [ReadEngine.Result] {
    var engine = try ReadEngine(pieces, link: link, during: phase)
    let progress = self.progress
    let results = try await run(&engine, phase) { now in
      progress?(
        DFUProgress(
          phase: phase, done: done + now.done, total: total, address: now.address,
          alternateSetting: setting))
    }
    // The last request was DFU_ABORT.
    if engine.endsUncertain { selected = nil } else { lastState = .dfuIdle }
    return results
  }

  /// Adds what the device says of an error in words, and whether protection is behind it.
  mutating func completed(_ error: DFUError) async -> DFUError {
    var error = error
    if error.stringIndex != 0, !error.isLoss, error.deviceText == nil {
      // Facts 1.4: the text belongs to the answer that was the first to tell of the error.
      error.deviceText = try? await session.meter.string(error.stringIndex)
    }
    return error
  }

  func store() {
    let durations = self.durations
    let selected = self.selected
    let hasLeft = self.hasLeft
    let lastState = self.lastState
    session.state.withLock {
      $0.durations.merge(durations) { $0 + $1 }
      $0.selected = selected
      $0.lastState = lastState
      $0.hasLeft = $0.hasLeft || hasLeft
      $0.isInUse = false
    }
  }
}
