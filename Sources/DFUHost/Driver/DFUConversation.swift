internal import DFU
internal import Synchronization
public import USB

/// Runs engines over an open device: the thin part that really sends and waits.
///
/// A conversation has one owner, so that two tasks cannot interleave the transfers of one device.
///
/// Cancelling the task that runs it would cut a transfer short and leave the device anywhere. A
/// ``DFUSession`` therefore runs it in a task of its own and passes the wish on as
/// ``DFUEvent/cancelRequested``: the engine finishes the block it is at, and throws `.cancelled` with
/// the state in which the device is.
public struct DFUConversation: ~Copyable, Sendable {
  /// The device.
  public let device: any USBDevice
  /// Measures pauses.
  public let clock: AnyClock
  /// Says when it is to end; shared with whoever may want that.
  let cancellation: Cancellation
  /// `bState` of the last answer to DFU_GETSTATUS that has passed.
  private(set) var lastState: DFUState?

  /// A conversation with `device`.
  public init(with device: any USBDevice, clock: AnyClock) {
    self.init(with: device, clock: clock, cancellation: Cancellation())
  }

  init(with device: any USBDevice, clock: AnyClock, cancellation: Cancellation) {
    self.device = device
    self.clock = clock
    self.cancellation = cancellation
  }

  /// Runs `engine` to its end.
  ///
  /// - Parameters:
  ///   - engine: what is done; afterwards it holds how far it came, even where it threw.
  ///   - progress: is told whenever the engine has come further.
  /// - Returns: the engine's output.
  /// - Throws: ``DFUError``, of the engine or `.cancelled`.
  public mutating func run<Engine: DFUEngine>(
    _ engine: inout Engine, progress: (EngineProgress) -> Void = { _ in }
  ) async throws(DFUError) -> Engine.Output {
    // Asked for once and not for each transfer, because asking a task costs more than a flag.
    if Task.isCancelled { cancellation.request() }
    if engine.window > 1 {
      try await runWindow(&engine, progress)
    } else {
      try await runOneByOne(&engine, progress)
    }
    return engine.output
  }

  // The way for local buses: no task, no queue, one transfer after the other.
  private mutating func runOneByOne<Engine: DFUEngine>(
    _ engine: inout Engine, _ progress: (EngineProgress) -> Void
  ) async throws(DFUError) {
    var done: UInt64 = 0
    var isTold = false
    while let action = engine.next() {
      if case .finish = action { return }
      let event = await DFUConversation.perform(action, device, clock)
      if let state = DFUConversation.state(in: event, of: action) { lastState = state }
      if !isTold, cancellation.isRequested {
        isTold = true
        try engine.handle(.cancelRequested)
      }
      try engine.handle(event)
      let now = engine.progress
      if now.done != done {
        done = now.done
        progress(now)
      }
    }
    throw DFUError(.internalFault, during: .describe)
  }

  // Several requests under way: each is started in order, as far as its first suspension, by which
  // a transport has queued it; their events come as they come.
  private mutating func runWindow<Engine: DFUEngine>(
    _ engine: inout Engine, _ progress: (EngineProgress) -> Void
  ) async throws(DFUError) {
    let device = self.device
    let clock = self.clock
    let cancellation = self.cancellation
    var runner = engine
    var seen = lastState
    let failure = await withTaskGroup(of: DFUEvent.self) { group -> DFUError? in
      var done: UInt64 = 0
      var isTold = false
      var outstanding = 0
      var questions: [Token: DFUAction] = [:]
      do throws(DFUError) {
        while true {
          while outstanding < runner.window, let action = runner.next() {
            if case .finish = action { return nil }
            outstanding += 1
            if case .controlIn(let token, _, _) = action { questions[token] = action }
            group.addImmediateTask { await DFUConversation.perform(action, device, clock) }
          }
          guard outstanding > 0, let event = await group.next() else {
            throw DFUError(.internalFault, during: .describe)
          }
          outstanding -= 1
          if case .received(let token, _) = event,
            let action = questions.removeValue(forKey: token),
            let state = DFUConversation.state(in: event, of: action)
          {
            seen = state
          }
          if !isTold, cancellation.isRequested {
            isTold = true
            try runner.handle(.cancelRequested)
          }
          try runner.handle(event)
          let now = runner.progress
          if now.done != done {
            done = now.done
            progress(now)
          }
        }
      } catch {
        // What is still outstanding comes back before the next request goes out.
        await group.waitForAll()
        return error
      }
    }
    engine = runner
    lastState = seen
    if let failure { throw failure }
  }

  /// `bState`, where an event is an answer to DFU_GETSTATUS.
  private static func state(in event: DFUEvent, of action: DFUAction) -> DFUState? {
    guard case .received(_, let bytes) = event, bytes.count == 6,
      case .controlIn(_, let setup, _) = action, DFURequest(setup) == .getStatus
    else { return nil }
    return DFUState(rawValue: bytes[4])
  }

  private static func perform(
    _ action: DFUAction, _ device: any USBDevice, _ clock: AnyClock
  ) async -> DFUEvent {
    switch action {
    case .controlOut(let token, let setup, let data, let timeout):
      do throws(TransferError) {
        try await device.controlOut(setup, data: data, timeout: timeout)
        return .sent(token)
      } catch { return .failed(token, error) }
    case .controlIn(let token, let setup, let timeout):
      do throws(TransferError) {
        return .received(token, try await device.controlIn(setup, timeout: timeout))
      } catch { return .failed(token, error) }
    case .setAlternateSetting(let token, let interface, let setting):
      do throws(TransferError) {
        try await device.setAlternateSetting(setting, interface: interface)
        return .sent(token)
      } catch { return .failed(token, error) }
    case .reset(let token):
      do throws(TransferError) {
        try await device.reset()
        return .sent(token)
      } catch { return .failed(token, error) }
    case .wait(let duration):
      // A pause that is cut short is no harm to the protocol only if the device is asked again
      // after the rest of it; the engine does ask again, and gives up in its own order.
      try? await clock.sleep(for: duration)
      return .waited
    case .finish: return .waited
    }
  }
}

/// A request to end, from another task.
final class Cancellation: Sendable {
  private let requested = Atomic<Bool>(false)

  var isRequested: Bool { requested.load(ordering: .relaxed) }

  func request() { requested.store(true, ordering: .relaxed) }
}
