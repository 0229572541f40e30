internal import DFU
internal import USB

/// One DFU_DNLOAD and the DFU_GETSTATUS requests that make it happen (AN3156, section 4; facts 2.4).
///
/// The download only stores the bytes; the first DFU_GETSTATUS starts the work and announces how long
/// it takes, and a later one says how it went. A part of the engines: it has no end of its own.
public struct Exchange: Hashable, Sendable {
  /// Where the exchange is.
  public enum Step: Hashable, Sendable {
    /// Nothing has been sent.
    case ready
    /// DFU_DNLOAD is outstanding, perhaps with the first DFU_GETSTATUS behind it.
    case downloading
    /// DFU_GETSTATUS is next, or outstanding.
    case asking
    /// A pause is next.
    case pausing(Duration)
    /// The pause is under way.
    case waiting
    /// DFU_CLRSTATUS is next, or outstanding; once or twice already (STM32H7, bank 2).
    case rescuing(Int)
    /// The device has settled.
    case settled
  }

  /// Where the exchange is.
  public private(set) var step = Step.ready
  /// Whether the device has said that it works at it.
  var hasBegun: Bool { busy != nil }

  private let link: DFULink
  private let phase: DFUPhase
  private let block: UInt16
  private let data: [UInt8]
  private let address: UInt64?
  private let patience: Patience
  /// Whether this is an erase that may get stuck and has a cure.
  private let hasRescue: Bool
  private var isSettingAddress = false

  private var downloadToken: Token?
  private var statusToken: Token?
  private var clearToken: Token?
  private var hasAsked = false
  /// An answer that came before the download it belongs to was reported as sent.
  private var early: GetStatusResponse?
  private var downloadFailure: TransferError?
  /// The last answer that said busy.
  private var busy: GetStatusResponse?
  private var busyAnswers = 0
  private var waited = Duration.zero
  private var allowance: Duration
  private var stallsForgiven = 0
  private var hasPausedIdly = false
  /// The first status that was not OK: some devices report it once only (facts 1.4).
  private var firstBad: GetStatusResponse?

  init(
    block: UInt16, data: [UInt8], address: UInt64?, phase: DFUPhase, patience: Patience,
    link: DFULink, hasRescue: Bool = false
  ) {
    self.block = block
    self.data = data
    self.address = address
    self.phase = phase
    self.patience = patience
    self.link = link
    self.hasRescue = hasRescue
    self.allowance = patience.total
  }

  /// Set Address Pointer.
  init(settingAddress address: UInt64, phase: DFUPhase, link: DFULink) throws(DFUError) {
    self.init(
      block: 0, data: DfuSeCommand.setAddressPointer(try wire(address, phase)).bytes,
      address: address, phase: phase, patience: .block, link: link)
    isSettingAddress = true
  }

  mutating func next(_ tokens: inout TokenSource) -> DFUAction? {
    switch step {
    case .ready:
      let token = tokens.take()
      downloadToken = token
      step = .downloading
      return link.download(token, block: block, data)
    case .downloading:
      guard link.window >= 2, !hasAsked else { return nil }
      return ask(&tokens)
    case .asking:
      guard statusToken == nil else { return nil }
      return ask(&tokens)
    case .pausing(let duration):
      step = .waiting
      return .wait(duration)
    case .rescuing:
      guard clearToken == nil else { return nil }
      let token = tokens.take()
      clearToken = token
      return link.bare(.clearStatus, token)
    case .waiting, .settled: return nil
    }
  }

  private mutating func ask(_ tokens: inout TokenSource) -> DFUAction {
    let token = tokens.take()
    statusToken = token
    hasAsked = true
    return link.getStatus(token, busy: HostRule.waitsForSlowStatus.isKept)
  }

  /// Takes an event; the last answer of the device once it has settled without error.
  mutating func handle(_ event: DFUEvent) throws(DFUError) -> GetStatusResponse? {
    switch event {
    case .sent(let token) where token == downloadToken:
      downloadToken = nil
      if let early { return try take(early) }
      step = .asking
    case .failed(let token, let error) where token == downloadToken:
      downloadToken = nil
      // After a stall the device knows why (facts 1.7); everything else leaves nothing to ask.
      guard error.code == .stall else { throw failure(error) }
      downloadFailure = error
      if let early { return try take(early) }
      step = .asking
    case .received(let token, let bytes) where token == statusToken:
      statusToken = nil
      let answer = try response(bytes, phase, block: block, address: address)
      if downloadToken != nil {
        early = answer
      } else {
        return try take(answer)
      }
    case .failed(let token, let error) where token == statusToken:
      statusToken = nil
      try forgive(error)
    case .sent(let token) where token == clearToken:
      clearToken = nil
      step = .asking
    case .failed(let token, let error) where token == clearToken:
      clearToken = nil
      throw failure(error)
    case .waited where step == .waiting:
      step = .asking
    default: break
    }
    return nil
  }

  /// Rule 8: a stalled DFU_GETSTATUS in dfuDNBUSY (STM32L4) waits the last time-out again, longer and
  /// longer, three times at most; more often where the whole memory is erased.
  private mutating func forgive(_ error: TransferError) throws(DFUError) {
    if let downloadFailure { throw failure(downloadFailure) }
    guard error.code == .stall, let busy, stallsForgiven < patience.stalls, waited < allowance,
      HostRule.waitsForSlowStatus.isKept
    else { throw failure(error) }
    let shortest = max(link.pause(busy), .milliseconds(10))
    let pause = min(shortest * (1 << stallsForgiven), .seconds(10))
    stallsForgiven += 1
    waited += pause
    step = .pausing(pause)
  }

  private mutating func take(_ answer: GetStatusResponse) throws(DFUError) -> GetStatusResponse? {
    early = nil
    if case .rescued(let times) = rescue {
      return try takeAfterClearing(answer, times: times)
    }
    if answer.status != .ok, firstBad == nil { firstBad = answer }
    if let downloadFailure {
      throw answer.state == .dfuError
        ? refusal(answer) : failure(downloadFailure, state: answer.state)
    }
    if answer.state == .dfuError { throw refusal(firstBad ?? answer) }
    // Rule 7: a pause only after 3, 4, 6 and 7.
    guard answer.state.isBusy else {
      if let firstBad { throw refusal(firstBad) }
      guard answer.state == .dfuDnloadIdle || answer.state == .dfuIdle else {
        throw DFUError(
          .unexpectedState, during: phase, block: block, address: address, status: answer.status,
          state: answer.state, stringIndex: answer.stringIndex)
      }
      // Without rule 7 the announced time is waited for although nothing goes on.
      if !HostRule.pausesOnlyWhenBusy.isKept, !hasPausedIdly, link.pause(answer) > .zero {
        hasPausedIdly = true
        step = .pausing(link.pause(answer))
        return nil
      }
      step = .settled
      return answer
    }
    try takeBusy(answer)
    return nil
  }

  private mutating func takeBusy(_ answer: GetStatusResponse) throws(DFUError) {
    if busy == nil { allowance += link.pause(answer) }
    busy = answer
    busyAnswers += 1
    stallsForgiven = 0
    if isStuck {
      rescue = .rescued(1)
      step = .rescuing(1)
      return
    }
    guard waited < allowance, busyAnswers <= patience.answers else {
      throw DFUError(
        .stillBusy, during: phase, block: block, address: address, status: answer.status,
        state: answer.state, stringIndex: answer.stringIndex)
    }
    // bwPollTimeout is the least wait, and zero is legal; a device that says so for ever is asked
    // more and more slowly, up to ten times a second.
    let pause = max(link.pause(answer), Exchange.backoff(busyAnswers))
    waited += pause
    step = pause > .zero ? .pausing(pause) : .asking
  }

  /// The least pause before the next DFU_GETSTATUS, after so many busy answers.
  static func backoff(_ answers: Int) -> Duration {
    guard answers > 3 else { return .zero }
    return answers > 10 ? .milliseconds(100) : .milliseconds(1 << (answers - 4))
  }

  // The STM32H7 ROM stays in dfuDNBUSY for ever after it has erased a sector of bank 2; two
  // DFU_CLRSTATUS bring it back, and the erase counts as done (facts 2.10; rule 3). Not before the
  // announced time has passed three times, and the data sheet's 2.2 s with it.
  private enum Rescue: Hashable { case none, rescued(Int) }
  private var rescue = Rescue.none

  private var isStuck: Bool {
    guard hasRescue, let busy, busyAnswers > 3 else { return false }
    return waited >= max(link.pause(busy) * 3, .seconds(3))
  }

  private mutating func takeAfterClearing(
    _ answer: GetStatusResponse, times: Int
  ) throws(DFUError) -> GetStatusResponse? {
    if answer.state == .dfuIdle || answer.state == .dfuDnloadIdle {
      step = .settled
      return answer
    }
    guard times < 2, answer.state == .dfuError else { throw refusal(answer) }
    rescue = .rescued(times + 1)
    step = .rescuing(times + 1)
    return nil
  }

  private func failure(_ error: TransferError, state: DFUState? = nil) -> DFUError {
    DFUError(error, during: phase, block: block, address: address, state: state ?? busy?.state)
  }

  private func refusal(_ answer: GetStatusResponse) -> DFUError {
    var error = DFUError(refusal: answer, during: phase, block: block, address: address)
    // Real ROMs refuse even this with errVENDOR while read-out protection is on (facts 2.7).
    if isSettingAddress, answer.status == .errVendor { error.code = .readProtected }
    return error
  }
}

extension DFUError {
  /// The error of an answer whose status is not OK.
  init(
    refusal answer: GetStatusResponse, during phase: DFUPhase, block: UInt16? = nil,
    address: UInt64? = nil
  ) {
    self.init(
      .refused, during: phase, block: block, address: address, status: answer.status,
      state: answer.state, stringIndex: answer.stringIndex)
  }
}

/// An address as the wire carries it.
func wire(_ address: UInt64, _ phase: DFUPhase) throws(DFUError) -> UInt32 {
  guard let small = UInt32(exactly: address) else {
    throw DFUError(
      .badAddress, during: phase, address: address,
      sentence: "\(addressText(address)) lies beyond the 32 bits that DfuSe has for an address.")
  }
  return small
}

/// The six bytes of an answer to DFU_GETSTATUS.
func response(
  _ bytes: [UInt8], _ phase: DFUPhase, block: UInt16? = nil, address: UInt64? = nil
) throws(DFUError) -> GetStatusResponse {
  var reader = ByteReader(bytes.span.bytes)
  do {
    return try GetStatusResponse(parsing: &reader)
  } catch {
    let place = address.map { " at \(addressText($0))" } ?? ""
    throw DFUError(
      .malformedAnswer, during: phase, block: block, address: address,
      sentence: "While \(phase.words)\(place) the answer to DFU_GETSTATUS had \(bytes.count) bytes "
        + "instead of 6.",
      help: "Put the board in bootloader mode again and repeat.")
  }
}
