internal import DFU
internal import USB

/// Reads a device without addresses: DFU_UPLOAD 0, 1, 2… until a short block ends it (DFU 1.1, 6.2),
/// or until there are enough bytes.
public struct PlainUploadEngine: DFUEngine {
  /// What came.
  public struct Output: Hashable, Sendable {
    /// The bytes.
    public var bytes: [UInt8] = []
    /// Whether the device said that this is all it has.
    public var isComplete = false
  }

  /// Where the engine is.
  public enum Step: Hashable, Sendable {
    /// DFU_UPLOAD.
    case uploading
    /// DFU_GETSTATUS, to learn why an upload was refused.
    case diagnosing
    /// DFU_ABORT, because there are enough bytes.
    case ending
    /// Everything is read.
    case done
  }

  /// Where the engine is.
  public private(set) var step = Step.uploading
  /// What the engine has brought.
  public private(set) var output = Output()
  /// How many requests may be outstanding at once.
  public var window: Int { 1 }

  private let limit: Int
  private let stopsAtLimit: Bool
  private let link: DFULink
  private let phase: DFUPhase
  private var index = 0
  private var token: Token?
  private var tokens = TokenSource()
  private var failure: DFUError?
  private var isCancelled = false

  /// An engine that reads.
  ///
  /// - Parameters:
  ///   - limit: the most bytes that are read; nothing else bounds an upload.
  ///   - stopsAtLimit: whether reaching the limit is a good end, or the error `.endlessUpload`.
  ///   - link: the way to the device.
  ///   - phase: what errors say was being done.
  public init(
    limit: Int, stopsAtLimit: Bool, link: DFULink, during phase: DFUPhase = .read
  ) {
    self.limit = max(limit, 0)
    self.stopsAtLimit = stopsAtLimit
    self.link = link
    self.phase = phase
    if limit <= 0 { step = .done }
  }

  /// How far it is.
  public var progress: EngineProgress {
    EngineProgress(done: UInt64(output.bytes.count), address: nil)
  }

  /// The next action; nil while an event must come first.
  public mutating func next() -> DFUAction? {
    if step == .done { return .finish }
    guard token == nil else { return nil }
    let token = tokens.take()
    self.token = token
    switch step {
    case .uploading:
      return link.upload(
        token, block: UInt16(truncatingIfNeeded: index), length: link.transferSize)
    case .diagnosing: return link.getStatus(token)
    case .ending, .done: return link.bare(.abort, token)
    }
  }

  /// Takes what became of an action.
  public mutating func handle(_ event: DFUEvent) throws(DFUError) {
    switch event {
    case .cancelRequested: isCancelled = true
    case .received(let token, let bytes) where token == self.token:
      self.token = nil
      step == .diagnosing ? try diagnose(bytes) : take(bytes)
    case .sent(let token) where token == self.token:
      self.token = nil
      step = .done
      if let failure { throw failure }
    case .failed(let token, let error) where token == self.token:
      self.token = nil
      switch step {
      case .uploading where error.code == .stall:
        failure = DFUError(error, during: phase, block: UInt16(truncatingIfNeeded: index))
        step = .diagnosing
      case .ending where error.code == .stall:
        step = .done
        if let failure { throw failure }
      default: throw failure ?? DFUError(error, during: phase)
      }
    default: break
    }
  }

  private mutating func diagnose(_ bytes: [UInt8]) throws(DFUError) {
    let answer = try response(bytes, phase)
    guard answer.state == .dfuError else { throw failure ?? DFUError(.stalled, during: phase) }
    throw DFUError(
      refusal: answer, during: phase, block: UInt16(truncatingIfNeeded: index))
  }

  private mutating func take(_ bytes: [UInt8]) {
    index += 1
    output.bytes += bytes.prefix(limit - output.bytes.count)
    if bytes.count < link.transferSize {
      output.isComplete = true
      step = .done
    } else if output.bytes.count >= limit {
      if !stopsAtLimit {
        failure = DFUError(
          .endlessUpload, during: phase, state: .dfuIdle,
          sentence: "The device has sent \(limit) bytes and does not end its upload.",
          help: "Say how many bytes to read.")
      }
      step = .ending
    } else if isCancelled {
      failure = DFUError(.cancelled, during: phase, state: .dfuIdle)
      step = .ending
    }
  }
}
