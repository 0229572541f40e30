public import USB

/// Names one request that an engine has handed out, until its event comes back.
public struct Token: RawRepresentable, Hashable, Sendable {
  /// A number that is not used twice.
  public var rawValue: UInt32

  /// A token from its number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// What an engine wants done next. Whoever drives it does it and hands the outcome back.
public enum DFUAction: Hashable, Sendable {
  /// A control transfer to the device; the outcome is ``DFUEvent/sent(_:)``.
  case controlOut(Token, SetupPacket, [UInt8], timeout: Duration)
  /// A control transfer from the device; the outcome is ``DFUEvent/received(_:_:)``.
  case controlIn(Token, SetupPacket, timeout: Duration)
  /// SET_INTERFACE; the outcome is ``DFUEvent/sent(_:)``.
  case setAlternateSetting(Token, interface: UInt8, setting: UInt8)
  /// A pause; the outcome is ``DFUEvent/waited``. Handed out only while nothing is outstanding.
  case wait(Duration)
  /// A USB reset of the port; the outcome is ``DFUEvent/sent(_:)``. Handed out alone.
  case reset(Token)
  /// All is done: the engine's output is there.
  case finish
}

/// What became of an action. Events may come in any order.
public enum DFUEvent: Hashable, Sendable {
  /// A transfer to the device, a change of the alternate setting or a reset has ended well.
  case sent(Token)
  /// A transfer from the device has brought these bytes.
  case received(Token, [UInt8])
  /// The action has failed.
  case failed(Token, TransferError)
  /// The pause is over.
  case waited
  /// Somebody wants this to end: the engine finishes the block it is at and throws `.cancelled`.
  case cancelRequested
}

/// One thing a DFU host does, as a value without input or output of its own.
///
/// ``next()`` hands out actions until it answers nil, which means that an event must come first;
/// ``handle(_:)`` takes the events. An engine never hands out more than its window allows, so the same
/// value serves a local bus, a slow one, a recorder, a replayer and a test.
public protocol DFUEngine: Sendable {
  /// What the engine brings.
  associatedtype Output: Sendable

  /// The next action; nil while an event must come first.
  mutating func next() -> DFUAction?

  /// Takes what became of an action.
  ///
  /// - Throws: ``DFUError`` when it cannot go on; the engine is of no more use then.
  mutating func handle(_ event: DFUEvent) throws(DFUError)

  /// What the engine has brought, once it has answered ``DFUAction/finish``.
  var output: Output { get }

  /// How many requests may be outstanding at once; at least 1.
  var window: Int { get }

  /// How far it is, in the unit of what it does (bytes or pieces), and where.
  var progress: EngineProgress { get }
}

extension DFUEngine {
  /// Nothing to report on the way.
  public var progress: EngineProgress { EngineProgress(done: 0, address: nil) }
}

/// How far an engine is.
public struct EngineProgress: Hashable, Sendable {
  /// Bytes, or pieces, that are done.
  public var done: UInt64
  /// The address that is worked at.
  public var address: UInt64?

  /// A point on the way.
  public init(done: UInt64, address: UInt64?) {
    self.done = done
    self.address = address
  }
}

/// Hands out tokens, each only once.
struct TokenSource: Hashable, Sendable {
  private var last: UInt32 = 0

  mutating func take() -> Token {
    last &+= 1
    return Token(rawValue: last)
  }
}
