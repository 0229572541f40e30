public import DFU
internal import USB

/// Switches a device between its application and its bootloader: DFU_DETACH, a USB reset, or both (DFU
/// 1.1, chapter 5.1 and annex A; facts 1.9).
///
/// It ends as soon as the device has been told; whether it comes back, and as what, is seen on the bus
/// and not here (``DeviceFollower``).
public struct DetachEngine: DFUEngine {
  /// What is done to the device.
  public struct Way: Hashable, Sendable {
    /// `wValue` of DFU_DETACH, in milliseconds; nil sends none.
    public var detachTimeout: UInt16?
    /// Whether the host resets the device.
    public var resets: Bool

    /// From the application into DFU mode.
    ///
    /// - Parameters:
    ///   - timeout: `wDetachTimeOut`: more must not be asked for (DFU 1.1, 5.1).
    ///   - willDetach: `bitWillDetach`: the device goes by itself, and must not be reset (4.1.3).
    /// - Returns: DFU_DETACH, and a reset where it is needed.
    public static func intoDFUMode(timeout: UInt16, willDetach: Bool) -> Way {
      Way(detachTimeout: min(timeout, DFUFunction.longestDetachTimeout), resets: !willDetach)
    }

    /// From DFU mode to the application: a reset, by annex A.
    public static let byReset = Way(detachTimeout: nil, resets: true)

    /// From DFU mode to the application of a device that wants DFU_DETACH for that (facts 1.9).
    public static let byDetach = Way(detachTimeout: 1000, resets: false)
  }

  /// How the device took it.
  public enum Output: Hashable, Sendable {
    /// It has not been told yet.
    case pending
    /// It has taken the request, and goes by itself.
    case goesByItself
    /// It was gone before it answered, or before the reset was over.
    case gone
    /// It has been reset and is the same on the bus as before, in this state.
    case reset(DFUState)
    /// It has been reset, is the same on the bus as before, and does not tell its state.
    case resetInSilence
    /// This system cannot reset a device; some go by themselves all the same.
    case notReset
  }

  /// Where the engine is.
  public enum Step: Hashable, Sendable {
    /// DFU_DETACH.
    case detaching
    /// The USB reset.
    case resetting
    /// DFU_GETSTATUS, because nothing has changed on the bus.
    case asking
    /// The device has been told.
    case done
  }

  /// Where the engine is.
  public private(set) var step: Step
  /// What the engine has brought.
  public private(set) var output = Output.pending
  /// How many requests may be outstanding at once.
  public var window: Int { 1 }

  private let link: DFULink
  private let way: Way
  private let phase: DFUPhase
  private var token: Token?
  private var tokens = TokenSource()

  /// An engine that tells a device to change its mode.
  ///
  /// - Parameters:
  ///   - way: how.
  ///   - link: the way to the device.
  ///   - phase: what errors say was being done.
  public init(_ way: Way, link: DFULink, during phase: DFUPhase) {
    self.way = way
    self.link = link
    self.phase = phase
    step = way.detachTimeout != nil ? .detaching : way.resets ? .resetting : .asking
  }

  /// The next action; nil while an event must come first.
  public mutating func next() -> DFUAction? {
    guard token == nil else { return nil }
    switch step {
    case .detaching:
      let setup = DFURequest.detach.setup(
        value: way.detachTimeout ?? 0, interface: link.interface)
      return .controlOut(take(), setup, [], timeout: link.timeout)
    case .resetting: return .reset(take())
    case .asking: return link.getStatus(take())
    case .done: return .finish
    }
  }

  private mutating func take() -> Token {
    let token = tokens.take()
    self.token = token
    return token
  }

  /// Takes what became of an action.
  public mutating func handle(_ event: DFUEvent) throws(DFUError) {
    switch event {
    case .sent(let token) where token == self.token:
      self.token = nil
      switch step {
      // At once: the device waits for the reset no longer than the time that it was given.
      case .detaching where way.resets: step = .resetting
      case .detaching: finish(.goesByItself)
      default: step = .asking
      }
    case .received(let token, let bytes) where token == self.token:
      self.token = nil
      guard let answer = try? response(bytes, phase) else { return finish(.resetInSilence) }
      finish(.reset(answer.state))
    case .failed(let token, let error) where token == self.token:
      self.token = nil
      try take(error)
    default: break
    }
  }

  private mutating func take(_ error: TransferError) throws(DFUError) {
    switch (step, error.code) {
    case (_, .disconnected), (_, .closed): finish(.gone)
    case (_, .permission), (_, .cancelled), (.detaching, .busy):
      throw DFUError(error, during: phase)
    case (.detaching, .stall):
      throw DFUError(
        .stalled, during: phase, transfer: error,
        sentence: "The device refused DFU_DETACH (stall).",
        help: "Put it in bootloader mode by its button or jumper.")
    // Lost on the way, or gone too quickly to answer: the bus tells which.
    case (.detaching, _) where way.resets: step = .resetting
    case (.detaching, _): finish(.gone)
    case (.resetting, .unsupported): finish(.notReset)
    case (.resetting, _): finish(.gone)
    default: finish(.resetInSilence)
    }
  }

  private mutating func finish(_ output: Output) {
    self.output = output
    step = .done
  }
}
