public import DFU
internal import USB

/// Writes one run: Set Address Pointer once, then blocks 2, 3, 4… (rule 6).
public struct WriteEngine: DFUEngine {
  /// Where the engine is.
  public enum Step: Hashable, Sendable {
    /// Set Address Pointer.
    case pointing
    /// A block of data.
    case writing
    /// Every block is written.
    case done
  }

  /// What is certainly written.
  public struct Output: Hashable, Sendable {
    /// Bytes that the device has taken and settled from.
    public var byteCount = 0
    /// The address behind the last byte that is certain; blocks that are left out count.
    public var end: UInt64
    /// `bState` of the last answer.
    public var state: DFUState?
  }

  /// Where the engine is.
  public private(set) var step = Step.pointing
  /// What the engine has brought.
  public private(set) var output: Output
  /// How many requests may be outstanding at once.
  public var window: Int { link.window }

  private let run: WriteRun
  private let link: DFULink
  private let phase: DFUPhase
  /// The address of block 2.
  private var pointer: UInt64
  /// Which stretch of blocks, and which block in it, counted from 0.
  private var stretch = 0
  private var position: Int
  private var exchange: Exchange
  private var tokens = TokenSource()
  private var isCancelled = false
  /// Option bytes: the part resets once it has them.
  private let mayDisappear: Bool
  /// Whether it did.
  public private(set) var hasDisappeared = false

  /// The highest block number that may be used: the next would be 65 535, and past it the counter
  /// wraps into block 0, the command channel.
  public static let lastBlock = 65_534

  /// An engine for `run`.
  ///
  /// - Parameters:
  ///   - run: what is written; its blocks are no longer than the link's.
  ///   - link: the way to the device.
  ///   - phase: what errors say was being done; `.optionBytes` takes the loss of the device after
  ///     the block as success (rule 13).
  /// - Throws: ``DFUError`` with `.badAddress` where an address does not fit the wire.
  public init(_ run: WriteRun, link: DFULink, during phase: DFUPhase = .write) throws(DFUError) {
    _ = try wire(run.range.isEmpty ? run.address : run.range.upperBound - 1, phase)
    guard run.transferSize <= link.transferSize else {
      // Rule 9.
      throw DFUError(
        .internalFault, during: phase, address: run.address,
        sentence: "A block of \(run.transferSize) bytes is longer than the \(link.transferSize) "
          + "that the device takes.")
    }
    self.run = run
    self.link = link
    self.phase = phase
    mayDisappear = phase == .optionBytes && HostRule.expectsReset.isKept
    pointer = run.address
    position = run.sent.first?.lowerBound ?? 0
    output = Output(end: run.address)
    exchange = try Exchange(settingAddress: run.address, phase: phase, link: link)
    if run.sent.allSatisfy(\.isEmpty) { step = .done }
  }

  private var address: UInt64 { run.address + UInt64(position * run.transferSize) }

  /// The block that is on its way, or next.
  public var current: Range<UInt64>? {
    guard step != .done else { return nil }
    let end = min(run.bytes.count, (position + 1) * run.transferSize)
    return address..<run.address + UInt64(end)
  }

  /// How far it is.
  public var progress: EngineProgress {
    EngineProgress(done: UInt64(output.byteCount), address: step == .done ? nil : address)
  }

  /// The next action; nil while an event must come first.
  public mutating func next() -> DFUAction? {
    step == .done ? .finish : exchange.next(&tokens)
  }

  /// Takes what became of an action.
  public mutating func handle(_ event: DFUEvent) throws(DFUError) {
    if event == .cancelRequested {
      isCancelled = true
      return
    }
    do throws(DFUError) {
      guard let answer = try exchange.handle(event) else { return }
      output.state = answer.state
      try advance(answer)
    } catch {
      guard mayDisappear, step == .writing, error.isLoss else { throw error }
      hasDisappeared = true
      output.byteCount = run.bytes.count
      output.end = run.range.upperBound
      step = .done
    }
  }

  private mutating func advance(_ answer: GetStatusResponse) throws(DFUError) {
    switch step {
    case .pointing:
      step = .writing
    case .writing:
      let start = position * run.transferSize
      let end = min(start + run.transferSize, run.bytes.count)
      output.byteCount += end - start
      output.end = run.address + UInt64(end)
      move()
    case .done: return
    }
    guard step != .done else { return }
    if isCancelled {
      throw DFUError(.cancelled, during: phase, address: address, state: answer.state)
    }
    let number = (address - pointer) / UInt64(run.transferSize) + 2
    if number > UInt64(WriteEngine.lastBlock), HostRule.setsAddressInTime.isKept {
      pointer = address
      step = .pointing
      exchange = try Exchange(settingAddress: pointer, phase: phase, link: link)
      return
    }
    let start = position * run.transferSize
    exchange = Exchange(
      block: UInt16(truncatingIfNeeded: number),
      data: Array(run.bytes[start..<min(start + run.transferSize, run.bytes.count)]),
      address: address, phase: phase, patience: .block, link: link)
  }

  private mutating func move() {
    position += 1
    while stretch < run.sent.count, position >= run.sent[stretch].upperBound {
      stretch += 1
      if stretch < run.sent.count { position = run.sent[stretch].lowerBound }
    }
    if stretch >= run.sent.count || position * run.transferSize >= run.bytes.count { step = .done }
  }
}
