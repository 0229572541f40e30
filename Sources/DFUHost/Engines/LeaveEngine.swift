public import DFU
internal import USB

/// Leaves the bootloader: Set Address Pointer to the vector table, an empty DFU_DNLOAD, DFU_GETSTATUS
/// (rule 12; facts 2.6). Whatever is lost after the empty DFU_DNLOAD is success.
public struct LeaveEngine: DFUEngine {
  /// How the device left.
  public enum Output: Hashable, Sendable {
    /// It has not.
    case pending
    /// It answered the last DFU_GETSTATUS, with this state.
    case answered(DFUState)
    /// It was gone, or silent, before it answered.
    case vanished
    /// It took the empty DFU_DNLOAD, and is known to leave without being asked for its status.
    case unasked
  }

  /// Where the engine is.
  public enum Step: Hashable, Sendable {
    /// Set Address Pointer.
    case pointing
    /// The empty DFU_DNLOAD.
    case sending
    /// DFU_GETSTATUS, at which the device leaves.
    case asking
    /// It has left.
    case done
  }

  /// Where the engine is.
  public private(set) var step = Step.pointing
  /// What the engine has brought.
  public private(set) var output = Output.pending
  /// How many requests may be outstanding at once.
  public var window: Int { 1 }

  private let link: DFULink
  private let address: UInt64
  private var exchange: Exchange
  private var token: Token?
  private var tokens = TokenSource()
  private var stalled: TransferError?

  /// An engine that leaves for the program whose vector table is at `address`.
  ///
  /// - Throws: ``DFUError`` with `.badAddress` where the address does not fit the wire.
  public init(for address: UInt64, link: DFULink) throws(DFUError) {
    self.address = address
    self.link = link
    exchange = try Exchange(settingAddress: address, phase: .leave, link: link)
    if !HostRule.leavesFromTheStart.isKept { step = .sending }
  }

  /// The next action; nil while an event must come first.
  public mutating func next() -> DFUAction? {
    switch step {
    case .pointing: return exchange.next(&tokens)
    case .sending:
      guard token == nil else { return nil }
      return link.download(take(), block: 0, [])
    case .asking:
      guard token == nil else { return nil }
      return link.getStatus(take())
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
      if link.leavesWithoutStatus {
        finish(.unasked)
      } else {
        step = .asking
      }
    case .received(let token, let bytes) where token == self.token:
      self.token = nil
      try take(bytes)
    case .failed(let token, let error) where token == self.token:
      self.token = nil
      if step == .sending, error.code == .stall {
        // Refused, or gone so quickly that the host saw a stall: DFU_GETSTATUS tells.
        stalled = error
        step = .asking
      } else {
        finish(.vanished)
      }
    default:
      if step == .pointing, try exchange.handle(event) != nil { step = .sending }
    }
  }

  private mutating func take(_ bytes: [UInt8]) throws(DFUError) {
    // A garbled answer of a device that is on its way out proves nothing against it.
    guard let answer = try? response(bytes, .leave) else { return finish(.vanished) }
    if answer.state == .dfuError {
      throw DFUError(refusal: answer, during: .leave, address: address)
    }
    if let stalled {
      throw DFUError(stalled, during: .leave, address: address, state: answer.state)
    }
    finish(.answered(answer.state))
  }

  private mutating func finish(_ output: Output) {
    self.output = output
    step = .done
  }
}
