public import DFU
internal import USB

/// Carries out one DfuSe command: an erase, a mass erase, taking read-out protection away.
public struct CommandEngine: DFUEngine {
  /// How the command ended.
  public enum Output: Hashable, Sendable {
    /// It has not.
    case pending
    /// The device has done it and is in this state.
    case done(DFUState)
    /// The device is gone, which is how Read Unprotect ends.
    case disappeared
  }

  /// What the engine has brought.
  public private(set) var output = Output.pending
  /// How many requests may be outstanding at once.
  public var window: Int { link.window }

  /// Where the exchange with the device is.
  public var step: Exchange.Step { exchange.step }

  private let link: DFULink
  private let phase: DFUPhase
  private let mayDisappear: Bool
  private var exchange: Exchange
  private var tokens = TokenSource()
  private var isCancelled = false

  /// An engine for `command`.
  ///
  /// - Throws: ``DFUError`` with `.badAddress` where an address does not fit the wire.
  public init(
    _ command: DfuSeCommand, link: DFULink, during phase: DFUPhase? = nil
  )
    throws(DFUError)
  {
    self.link = link
    let patience: Patience
    var address: UInt64?
    var usual: DFUPhase
    var hasRescue = false
    switch command {
    case .setAddressPointer(let pointer):
      (patience, usual, address) = (.block, .select, UInt64(pointer))
    case .erase(let start):
      (patience, usual, address) = (.erase, .erase, UInt64(start))
      if let stuck = link.stuckEraseFrom { hasRescue = UInt64(start) >= stuck }
    case .massErase:
      (patience, usual) = (.massErase, .massErase)
    case .readUnprotect:
      (patience, usual) = (.unprotect, .unprotect)
    }
    usual = phase ?? usual
    self.phase = usual
    mayDisappear = command == .readUnprotect
    exchange = Exchange(
      block: 0, data: command.bytes, address: address, phase: usual, patience: patience,
      link: link, hasRescue: hasRescue)
  }

  /// The next action; nil while an event must come first.
  public mutating func next() -> DFUAction? {
    output == .pending ? exchange.next(&tokens) : .finish
  }

  /// Takes what became of an action.
  public mutating func handle(_ event: DFUEvent) throws(DFUError) {
    if event == .cancelRequested {
      isCancelled = true
      return
    }
    do throws(DFUError) {
      if let answer = try exchange.handle(event) {
        output = .done(answer.state)
        if isCancelled { throw DFUError(.cancelled, during: phase, state: answer.state) }
      }
    } catch {
      // The part resets itself: any loss after the command is its success (facts 2.6, 2.7).
      // A stall before the device has begun is a refusal.
      guard mayDisappear, error.isLoss, exchange.hasBegun || error.code != .stalled else {
        throw error
      }
      output = .disappeared
    }
  }
}

extension DFUError {
  /// Whether this is how a device that has gone away looks: gone, silent, refusing, or broken off.
  var isLoss: Bool {
    switch code {
    case .lost, .timeout, .stalled, .transferFailed: true
    default: false
    }
  }
}
