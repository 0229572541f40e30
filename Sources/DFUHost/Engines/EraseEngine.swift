public import DFU
internal import USB

/// Erases sectors, ascending, each once, by its true start (rule 5).
public struct EraseEngine: DFUEngine {
  /// The sectors that are certainly erased, and where the device is.
  public struct Output: Hashable, Sendable {
    /// How many of the sectors, from the first on, are done.
    public var erased = 0
    /// `bState` of the last answer.
    public var state: DFUState?
  }

  /// What the engine has brought.
  public private(set) var output = Output()
  /// How many requests may be outstanding at once.
  public var window: Int { link.window }

  private let sectors: [Range<UInt64>]
  private let link: DFULink
  private let phase: DFUPhase
  private var exchange: Exchange?
  private var tokens = TokenSource()
  private var isCancelled = false

  /// An engine for sectors.
  ///
  /// - Parameters:
  ///   - sectors: their addresses; sorted here, doubles removed.
  ///   - link: the way to the device.
  ///   - phase: what errors say was being done.
  /// - Throws: ``DFUError`` with `.badAddress` where an address does not fit the wire.
  public init(
    _ sectors: [Range<UInt64>], link: DFULink, during phase: DFUPhase = .erase
  )
    throws(DFUError)
  {
    var sorted = sectors.sorted { $0.lowerBound < $1.lowerBound }
    var previous: UInt64?
    sorted.removeAll { range in
      defer { previous = range.lowerBound }
      return range.lowerBound == previous
    }
    for sector in sorted { _ = try wire(sector.lowerBound, phase) }
    self.sectors = sorted
    self.link = link
    self.phase = phase
    exchange = nil
    begin()
  }

  private mutating func begin() {
    guard output.erased < sectors.count else {
      exchange = nil
      return
    }
    let start = sectors[output.erased].lowerBound
    var hasRescue = false
    if let stuck = link.stuckEraseFrom { hasRescue = start >= stuck }
    exchange = Exchange(
      block: 0, data: DfuSeCommand.erase(UInt32(truncatingIfNeeded: start)).bytes,
      address: start, phase: phase, patience: .erase, link: link, hasRescue: hasRescue)
  }

  /// The sector that is being erased.
  public var current: Range<UInt64>? {
    output.erased < sectors.count ? sectors[output.erased] : nil
  }

  /// How far it is.
  public var progress: EngineProgress {
    EngineProgress(done: UInt64(output.erased), address: current?.lowerBound)
  }

  /// The next action; nil while an event must come first.
  public mutating func next() -> DFUAction? {
    guard exchange != nil else { return .finish }
    return exchange?.next(&tokens)
  }

  /// Takes what became of an action.
  public mutating func handle(_ event: DFUEvent) throws(DFUError) {
    if event == .cancelRequested {
      isCancelled = true
      return
    }
    guard let answer = try exchange?.handle(event) else { return }
    output.erased += 1
    output.state = answer.state
    begin()
    if isCancelled, exchange != nil {
      throw DFUError(.cancelled, during: phase, address: current?.lowerBound, state: answer.state)
    }
  }
}
