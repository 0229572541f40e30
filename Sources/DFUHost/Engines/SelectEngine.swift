public import DFU
internal import USB

/// Selects an alternate setting and brings the device to dfuIDLE, from whatever it was doing.
///
/// Rules 3 and 4: SET_INTERFACE even where there is one setting only, then DFU_GETSTATUS; dfuERROR is
/// cleared (errFIRMWARE is how a blank part greets), a transfer under way is aborted. DFU_CLRSTATUS is
/// sent in dfuERROR and in no other state.
public struct SelectEngine: DFUEngine {
  /// Where the engine is.
  public enum Step: Hashable, Sendable {
    /// SET_INTERFACE.
    case selecting
    /// DFU_GETSTATUS.
    case asking
    /// A pause, because the device is busy.
    case pausing(Duration)
    /// The pause is under way.
    case waiting
    /// DFU_CLRSTATUS.
    case clearing
    /// DFU_ABORT.
    case aborting
    /// dfuIDLE.
    case done
  }

  /// What was found.
  public struct Output: Hashable, Sendable {
    /// The first answer to DFU_GETSTATUS, before anything was put right.
    public var first: GetStatusResponse?
    /// The last one.
    public var last: GetStatusResponse?
  }

  /// Where the engine is.
  public private(set) var step: Step
  /// What the engine has brought.
  public private(set) var output = Output()
  /// How many requests may be outstanding at once.
  public var window: Int { 1 }

  private let link: DFULink
  private let setting: UInt8?
  /// A stalled SET_INTERFACE does not matter where there is one setting only.
  private let isOnlySetting: Bool
  private let phase: DFUPhase
  private var tokens = TokenSource()
  private var outstanding: Token?
  private var rounds = 0
  private var waited = Duration.zero
  private var stalls = 0

  /// An engine for one alternate setting.
  ///
  /// - Parameters:
  ///   - setting: `bAlternateSetting`; nil leaves the setting and only brings the device to dfuIDLE.
  ///   - isOnlySetting: whether the interface has no other.
  ///   - link: the way to the device.
  ///   - phase: what errors say was being done.
  public init(
    setting: UInt8?, isOnlySetting: Bool = false, link: DFULink, during phase: DFUPhase = .select
  ) {
    self.link = link
    self.setting = setting
    self.isOnlySetting = isOnlySetting
    self.phase = phase
    step = setting == nil || !HostRule.selectsSetting.isKept ? .asking : .selecting
  }

  /// The next action; nil while an event must come first.
  public mutating func next() -> DFUAction? {
    guard outstanding == nil else { return nil }
    switch step {
    case .done: return .finish
    case .waiting: return nil
    case .pausing(let duration):
      step = .waiting
      return .wait(duration)
    case .selecting:
      return .setAlternateSetting(take(), interface: link.interface, setting: setting ?? 0)
    case .asking: return link.getStatus(take())
    case .clearing: return link.bare(.clearStatus, take())
    case .aborting: return link.bare(.abort, take())
    }
  }

  private mutating func take() -> Token {
    let token = tokens.take()
    outstanding = token
    return token
  }

  /// Takes what became of an action.
  public mutating func handle(_ event: DFUEvent) throws(DFUError) {
    switch event {
    case .sent(let token) where token == outstanding:
      outstanding = nil
      step = .asking
    case .received(let token, let bytes) where token == outstanding:
      outstanding = nil
      try take(try response(bytes, phase))
    case .failed(let token, let error) where token == outstanding:
      outstanding = nil
      try take(error)
    case .waited where step == .waiting: step = .asking
    default: break
    }
  }

  private mutating func take(_ error: TransferError) throws(DFUError) {
    guard error.code == .stall else {
      throw DFUError(error, during: phase, state: output.last?.state)
    }
    if step == .selecting {
      guard isOnlySetting else { throw DFUError(error, during: phase) }
    } else {
      // A stall is how a device reports a request it did not like; what it says afterwards counts.
      stalls += 1
      guard stalls <= 2 else { throw DFUError(error, during: phase, state: output.last?.state) }
    }
    step = .asking
  }

  private mutating func take(_ answer: GetStatusResponse) throws(DFUError) {
    if output.first == nil { output.first = answer }
    output.last = answer
    rounds += 1
    guard rounds <= 40, waited < .seconds(60) else {
      throw DFUError(
        .stillBusy, during: phase, status: answer.status, state: answer.state,
        stringIndex: answer.stringIndex,
        sentence: "The device does not come to dfuIDLE; it was last in \(answer.state).",
        help: "Put the board in bootloader mode again and repeat.")
    }
    guard HostRule.comesToIdle.isKept else {
      step = .done
      return
    }
    switch answer.state {
    case .dfuIdle: step = .done
    case .dfuError: step = .clearing
    case .dfuDnloadIdle, .dfuUploadIdle: step = .aborting
    case .dfuDnloadSync, .dfuDnBusy, .dfuManifestSync, .dfuManifest:
      let pause = max(link.pause(answer), rounds > 3 ? .milliseconds(100) : .zero)
      waited += pause
      step = pause > .zero ? .pausing(pause) : .asking
    case .dfuManifestWaitReset:
      throw DFUError(.waitsForReset, during: phase, state: answer.state)
    case .appIdle, .appDetach:
      throw DFUError(.runtimeMode, during: phase, state: answer.state)
    default:
      throw DFUError(
        .unexpectedState, during: phase, status: answer.status, state: answer.state,
        stringIndex: answer.stringIndex)
    }
  }
}
