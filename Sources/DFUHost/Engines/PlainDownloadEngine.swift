internal import DFU
internal import USB

/// Sends a payload to a device without addresses: blocks 0, 1, 2… with DFU_GETSTATUS after each, an
/// empty block, and manifestation (DFU 1.1, chapter 6.1 and annex A).
public struct PlainDownloadEngine: DFUEngine {
  /// What was sent and how it ended.
  public struct Output: Hashable, Sendable {
    /// Bytes that the device has taken.
    public var byteCount = 0
    /// How manifestation ended; nil before it did.
    public var ending: Ending?
  }

  /// How manifestation ended.
  public enum Ending: String, Hashable, Sendable {
    /// The device is back in dfuIDLE.
    case idle
    /// The device went away by itself.
    case vanished
    /// The device was given the USB reset that it waits for.
    case reset
  }

  /// Where the engine is.
  public enum Step: Hashable, Sendable {
    /// A block of data.
    case writing
    /// The empty DFU_DNLOAD.
    case closing
    /// DFU_GETSTATUS of manifestation.
    case asking
    /// A pause while the device manifests.
    case pausing(Duration)
    /// The pause is under way.
    case waiting
    /// The USB reset.
    case resetting
    /// It has ended.
    case done
  }

  /// Where the engine is.
  public private(set) var step: Step
  /// What the engine has brought.
  public private(set) var output = Output()
  /// How many requests may be outstanding at once.
  public var window: Int { link.window }

  private let download: PlainDownload
  private let link: DFULink
  private let isTolerant: Bool
  private var index = 0
  private var exchange: Exchange?
  private var token: Token?
  private var tokens = TokenSource()
  private var isCancelled = false
  private var hasClosed = false
  private var closingFailure: TransferError?
  private var lastState: DFUState?
  private var waited = Duration.zero
  private var allowance = Patience.manifest.total
  private var answers = 0
  private var stalls = 0

  /// An engine for `download`.
  ///
  /// - Parameters:
  ///   - download: the payload.
  ///   - link: the way to the device.
  ///   - manifestationTolerant: `bitManifestationTolerant`.
  /// - Throws: ``DFUError`` where a block is longer than the device takes (rule 9).
  public init(
    _ download: PlainDownload, link: DFULink, manifestationTolerant: Bool
  ) throws(DFUError) {
    guard download.transferSize <= link.transferSize else {
      throw DFUError(
        .internalFault, during: .download,
        sentence: "A block of \(download.transferSize) bytes is longer than the "
          + "\(link.transferSize) that the device takes.")
    }
    self.download = download
    self.link = link
    isTolerant = manifestationTolerant
    step = .writing
    begin()
  }

  private mutating func begin() {
    guard let data = download.block(index) else {
      exchange = nil
      step = .closing
      return
    }
    // Block numbers wrap at 65 536 (DFU 1.1, 6.1.1).
    exchange = Exchange(
      block: UInt16(truncatingIfNeeded: index), data: Array(data), address: nil, phase: .download,
      patience: .block, link: link)
  }

  /// How far it is.
  public var progress: EngineProgress {
    EngineProgress(done: UInt64(output.byteCount), address: nil)
  }

  /// The next action; nil while an event must come first.
  public mutating func next() -> DFUAction? {
    switch step {
    case .writing: return exchange?.next(&tokens)
    case .closing:
      guard token == nil else { return nil }
      return link.download(take(), block: UInt16(truncatingIfNeeded: index), [])
    case .asking:
      guard token == nil else { return nil }
      // Once it has said how long it needs, a device that does not tolerate manifestation is not expected
      // to answer any more: it waits for the reset in silence (annex A, state 8).
      return link.getStatus(take(), busy: isTolerant || answers == 0)
    case .pausing(let duration):
      step = .waiting
      return .wait(duration)
    case .waiting: return nil
    case .resetting:
      guard token == nil else { return nil }
      return .reset(take())
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
    case .cancelRequested: isCancelled = true
    case .waited where step == .waiting: step = .asking
    case .sent(let token) where token == self.token:
      self.token = nil
      if step == .resetting {
        finish(.reset)
      } else {
        hasClosed = true
        step = .asking
      }
    case .received(let token, let bytes) where token == self.token:
      self.token = nil
      try manifest(try response(bytes, .manifest))
    case .failed(let token, let error) where token == self.token:
      self.token = nil
      try take(error)
    default:
      guard step == .writing, let answer = try exchange?.handle(event) else { return }
      output.byteCount += download.block(index)?.count ?? 0
      index += 1
      begin()
      if isCancelled { throw DFUError(.cancelled, during: .download, state: answer.state) }
    }
  }

  private mutating func manifest(_ answer: GetStatusResponse) throws(DFUError) {
    lastState = answer.state
    answers += 1
    switch answer.state {
    case .dfuError: throw DFUError(refusal: answer, during: .manifest)
    case .dfuIdle:
      if let closingFailure { throw DFUError(closingFailure, during: .manifest, state: .dfuIdle) }
      finish(.idle)
    case .appIdle, .appDetach: finish(.vanished)
    case .dfuManifestWaitReset: step = .resetting
    // dfuDNBUSY is not in the table here; a device that says so is given the time it asks for.
    case .dfuManifestSync, .dfuManifest, .dfuDnBusy:
      if answers == 1 { allowance += link.pause(answer) }
      guard waited < allowance, answers < Patience.manifest.answers else {
        throw DFUError(.stillBusy, during: .manifest, status: answer.status, state: answer.state)
      }
      let pause = max(link.pause(answer), answers > 3 ? .milliseconds(100) : .zero)
      waited += pause
      step = pause > .zero ? .pausing(pause) : .asking
    default:
      throw DFUError(
        .unexpectedState, during: .manifest, status: answer.status, state: answer.state,
        stringIndex: answer.stringIndex)
    }
  }

  private mutating func take(_ error: TransferError) throws(DFUError) {
    if step == .resetting {
      // A reset after which the device is something else throws as well; one that this system cannot
      // give ends it all the same.
      finish(error.code == .disconnected || error.code == .closed ? .reset : .vanished)
      return
    }
    if step == .closing, error.code == .stall {
      // The device wants more, or dislikes the file: DFU_GETSTATUS tells.
      closingFailure = error
      step = .asking
      return
    }
    guard hasClosed || step == .closing, closingFailure == nil else {
      throw DFUError(error, during: .manifest, state: lastState)
    }
    if isTolerant {
      // dfuMANIFEST may stall a request that comes early; anything else is a loss.
      stalls += 1
      guard error.code == .stall, stalls <= 3 else {
        throw DFUError(
          DFUError(error, during: .manifest).code, during: .manifest, state: lastState,
          transfer: error,
          sentence: "The device took the whole file and was then lost, although it promises to "
            + "stay: whether the file is in place is not known.",
          help: "Put the board in bootloader mode again and read it back with `dfu verify`.")
      }
      step = .pausing(.milliseconds(100))
      return
    }
    // Facts 1.9: for a device that does not tolerate manifestation, loss is success; one that is
    // silent waits for the reset.
    if error.code == .disconnected || error.code == .closed {
      finish(.vanished)
    } else {
      step = .resetting
    }
  }

  private mutating func finish(_ ending: Ending) {
    output.ending = ending
    step = .done
  }
}
