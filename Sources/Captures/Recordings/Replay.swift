public import USB

/// The device's side of a recording, as a value: it takes what a host does, in the order of the
/// recording, and answers what was answered then. ``ReplayHost`` puts tasks and time around it.
///
/// Strict about the order on each pipe of each handle. The first call that is not the recorded one is
/// the ``difference``, and everything from then on fails with it. A host may end early: it may give
/// an interface back and close a handle where the recording goes on; ``remainder`` tells what was not
/// used. How long a host waits between its calls is not compared: a host that asks a busy device too
/// soon, where the recorded one waited, is not found out, for the answers are the recorded ones.
public struct Replay: Sendable {
  /// The devices that are attached now.
  public private(set) var present: [DeviceInfo] = []
  /// How the host differs from the recording; nil while it does not.
  public private(set) var difference: ReplayDifference?

  private let steps: [ReplayStep]
  /// What happened before the first step.
  private let prelude: [HostEvent]
  private let lastLine: Int
  private let cutLine: Int?
  /// The next step of each order that is kept.
  private var next: [ReplayStep.Order: Int] = [:]
  private var isUsed: [Bool]
  private var words: [DeviceID: CallWords] = [:]
  private var handles: [UInt32: Handle] = [:]
  private var infos: [DeviceID: DeviceInfo] = [:]

  private struct Handle: Sendable {
    var device: DeviceID
    /// The host has given back or closed where the recording has this step instead.
    var stoppedAt: Int?
    var isOpen = true
  }

  /// The device's side of a recording, at its beginning.
  public init(_ document: RecordingDocument) {
    let compiled = ReplayStep.compile(document)
    steps = compiled.steps
    prelude = compiled.prelude
    lastLine = document.lines.last ?? 1
    cutLine = document.cutLine
    isUsed = [Bool](repeating: false, count: steps.count)
    for index in steps.indices.reversed() { next[steps[index].order] = index }
    for event in prelude { apply(event) }
  }

  // MARK: What the host does

  /// What a call brings.
  public struct Answer: Hashable, Sendable {
    /// How it ends.
    public var outcome: CallOutcome
    /// How long it took.
    public var duration: Duration
    /// Names the answer to ``finish(_:)``; nil where there was nothing in the recording for it.
    public var step: Int?
  }

  /// Lists the devices.
  ///
  /// - Returns: those that are attached now. How often a host looks is not compared.
  /// - Throws: the recorded error, where listing failed; or the ``difference``.
  public mutating func list() throws(HostError) -> [DeviceInfo] {
    if let difference { throw HostError(difference) }
    if let index = next[.host], case .failedList(let error) = steps[index].kind {
      use(index)
      throw error
    }
    return present.sorted { $0.path < $1.path }
  }

  /// Opens a device.
  ///
  /// - Parameter id: one of those that are attached.
  /// - Returns: the number of the handle, what is known of the device, and the step.
  /// - Throws: the recorded error, or the ``difference``.
  public mutating func open(
    _ id: DeviceID
  ) throws(HostError) -> (handle: UInt32, info: DeviceInfo, step: Int) {
    if let difference { throw HostError(difference) }
    guard let index = next[.host] else {
      throw HostError(end("opens device \(id.rawValue)"))
    }
    switch steps[index].kind {
    case .open(let recorded, let handle) where recorded == id:
      guard let info = infos[id] else { break }
      use(index)
      handles[handle] = Handle(device: id)
      return (handle, info, index)
    case .failedOpen(let recorded, let error) where recorded == id:
      use(index)
      throw error
    default: break
    }
    throw HostError(
      differ(
        .differs(
          line: steps[index].line, recorded: steps[index].words(nil),
          because: "the host opens device \(id.rawValue)")))
  }

  /// Takes a call to an open device.
  ///
  /// - Parameters:
  ///   - call: what the host asks.
  ///   - handle: the number of the handle.
  /// - Returns: what comes of it.
  /// - Throws: ``ReplayDifference`` where it is not what was recorded; it is in ``difference`` then.
  public mutating func answer(
    _ call: DeviceCall, on handle: UInt32
  ) throws(ReplayDifference) -> Answer {
    if let difference { throw difference }
    let words = words(of: handle)
    let order = ReplayStep.Order.pipe(handle: handle, call.pipe)
    if let stopped = handles[handle]?.stoppedAt, call != .close {
      // It gave back what the recording goes on with, and goes on itself.
      throw differ(
        .differs(
          line: steps[stopped].line, recorded: steps[stopped].words(words),
          because: "the host gave the device back before it, and goes on with "
            + ReplayStep.words(call, words)))
    }
    guard let index = next[order] else {
      if let ended = endEarly(call, handle, at: nil) { return ended }
      throw end(ReplayStep.words(call, words))
    }
    guard case .call(let recorded, let outcome) = steps[index].kind, recorded == call else {
      if let ended = endEarly(call, handle, at: index) { return ended }
      throw differ(steps[index].difference(from: call, words))
    }
    guard let outcome else {
      throw differ(.unanswered(line: steps[index].line, recorded: steps[index].words(words)))
    }
    use(index)
    if call == .close { handles[handle]?.isOpen = false }
    return Answer(outcome: outcome, duration: .nanoseconds(steps[index].nanoseconds), step: index)
  }

  /// Something that came or went.
  public struct Occurrence: Hashable, Sendable {
    /// What.
    public var event: HostEvent
    /// How long after the end of the step.
    public var pause: Duration
  }

  /// A call has ended: lets happen what happened after it.
  ///
  /// - Parameter step: the step of its answer.
  /// - Returns: the attachments and detachments.
  public mutating func finish(_ step: Int?) -> [Occurrence] {
    guard let step, steps.indices.contains(step) else { return [] }
    return steps[step].events.filter { apply($0.event) }
  }

  // MARK: How far it is

  /// What of a recording a host has not used.
  public struct Remainder: Hashable, Sendable {
    /// Transfers that the host has not made.
    public var transfers: Int
    /// Transfers that there are.
    public var total: Int
    /// The line of the first of them.
    public var line: Int

    /// A remainder from its parts.
    public init(transfers: Int, total: Int, line: Int) {
      self.transfers = transfers
      self.total = total
      self.line = line
    }
  }

  /// What has not been used; nil where every transfer has been made.
  public var remainder: Remainder? {
    let transfers = steps.indices.filter { steps[$0].isTransfer }
    let rest = transfers.filter { !isUsed[$0] }
    guard let first = rest.first else { return nil }
    return Remainder(transfers: rest.count, total: transfers.count, line: steps[first].line)
  }

  /// Whether no device can come or go any more, whatever the host does.
  public var isOver: Bool {
    if difference != nil || next.isEmpty { return true }
    return present.isEmpty && !handles.values.contains(where: \.isOpen)
  }

  // MARK: Inside

  private mutating func use(_ index: Int) {
    isUsed[index] = true
    let order = steps[index].order
    next[order] = steps[index].successor
  }

  @discardableResult
  private mutating func apply(_ event: HostEvent) -> Bool {
    switch event {
    case .attached(let info):
      let isNew = !present.contains { $0.id == info.id }
      present.removeAll { $0.id == info.id }
      present.append(info)
      infos[info.id] = info
      words[info.id] = CallWords(info)
      return isNew
    case .detached(let id, _):
      present.removeAll { $0.id == id }
      return true
    }
  }

  private func words(of handle: UInt32) -> CallWords? {
    handles[handle].flatMap { words[$0.device] }
  }

  /// A host that gives back or closes where the recording has something else has seen enough.
  private mutating func endEarly(
    _ call: DeviceCall, _ handle: UInt32, at index: Int?
  ) -> Answer? {
    switch call {
    case .close:
      handles[handle]?.isOpen = false
      // What the handle would still have done is not waited for.
      return Answer(outcome: .done, duration: .zero, step: nil)
    case .release:
      if handles[handle]?.stoppedAt == nil { handles[handle]?.stoppedAt = index }
      return Answer(outcome: .done, duration: .zero, step: nil)
    default: return nil
    }
  }

  private mutating func differ(_ kind: ReplayDifference.Kind) -> ReplayDifference {
    let new = ReplayDifference(kind)
    difference = new
    return new
  }

  private mutating func end(_ what: String) -> ReplayDifference {
    if let cutLine { return differ(.unanswered(line: cutLine, recorded: what)) }
    return differ(.ended(line: lastLine, sent: what))
  }
}
