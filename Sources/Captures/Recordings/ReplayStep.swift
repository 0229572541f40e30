internal import USB

/// One thing that a host did in a recording, with what came of it.
struct ReplayStep: Hashable, Sendable {
  /// Where order is kept: what is asked of the host, and each pipe of each handle.
  enum Order: Hashable, Sendable {
    case host
    case pipe(handle: UInt32, UInt8)
  }

  enum Kind: Hashable, Sendable {
    case failedList(HostError)
    case open(DeviceID, handle: UInt32)
    case failedOpen(DeviceID, HostError)
    case call(DeviceCall, CallOutcome?)
  }

  var kind: Kind
  var order: Order
  var line: Int
  var nanoseconds: Int64 = 0
  /// What came and went after it, before the next thing ended.
  var events: [Replay.Occurrence] = []
  /// The next step of the same order.
  var successor: Int?

  /// The steps of a recording, in the order in which they began, and what happened before the first.
  static func compile(
    _ document: RecordingDocument
  ) -> (steps: [ReplayStep], prelude: [HostEvent]) {
    var steps: [ReplayStep] = []
    var prelude: [HostEvent] = []
    var began: [UInt32: (index: Int, call: DeviceCall, time: Int64)] = [:]
    var lastEnded: Int? { didSet { end = now } }
    var (now, end): (Int64, Int64) = (0, 0)
    func happen(_ event: HostEvent) {
      guard let lastEnded else { return prelude.append(event) }
      let pause = Duration.nanoseconds(max(0, now - end))
      steps[lastEnded].events.append(Replay.Occurrence(event: event, pause: pause))
    }
    for (event, line) in zip(document.recording.events, document.lines) {
      now = event.nanoseconds
      switch event.kind {
      case .attached(let info): happen(.attached(info))
      case .detached(let id, let path): happen(.detached(id, path))
      case .listed: break
      case .listingFailed(let error):
        lastEnded = steps.count
        steps.append(ReplayStep(kind: .failedList(error), order: .host, line: line))
      case .opened(let id, let handle):
        lastEnded = steps.count
        steps.append(ReplayStep(kind: .open(id, handle: handle), order: .host, line: line))
      case .openingFailed(let id, let error):
        lastEnded = steps.count
        steps.append(ReplayStep(kind: .failedOpen(id, error), order: .host, line: line))
      case .began(let number, let handle, let call):
        began[number] = (steps.count, call, event.nanoseconds)
        steps.append(
          ReplayStep(
            kind: .call(call, nil), order: .pipe(handle: handle, call.pipe), line: line))
      case .ended(let number, let outcome):
        guard let (index, call, time) = began.removeValue(forKey: number) else { continue }
        steps[index].kind = .call(call, outcome)
        steps[index].nanoseconds = max(0, event.nanoseconds - time)
        lastEnded = index
      }
    }
    var following: [Order: Int] = [:]
    for index in steps.indices.reversed() {
      steps[index].successor = following.updateValue(index, forKey: steps[index].order)
    }
    return (steps, prelude)
  }

  var isTransfer: Bool {
    if case .call(let call, _) = kind { call.isTransfer } else { false }
  }

  // MARK: Words

  /// What it is, for a person.
  func words(_ words: CallWords?) -> String {
    switch kind {
    case .failedList: "a list of the devices that fails"
    case .open(let id, _), .failedOpen(let id, _): "the opening of device \(id.rawValue)"
    case .call(let call, _): ReplayStep.words(call, words)
    }
  }

  static func words(_ call: DeviceCall, _ words: CallWords?) -> String {
    let text = (words ?? CallWords(isDfuSe: false)).words(call)
    switch call {
    case .controlIn(let setup), .controlOut(let setup, _): return "\(text) (\(setup))"
    default: return text
    }
  }

  /// How a call differs from this step.
  func difference(from call: DeviceCall, _ words: CallWords?) -> ReplayDifference.Kind {
    guard case .call(let recorded, _) = kind, let place = ReplayStep.place(call, recorded) else {
      return .differs(
        line: line, recorded: self.words(words),
        because: "the host sends \(ReplayStep.words(call, words))")
    }
    return .differs(line: line, recorded: self.words(words), because: place)
  }

  /// Where two calls of one kind differ first; nil where they are of different kinds.
  private static func place(_ call: DeviceCall, _ recorded: DeviceCall) -> String? {
    switch (call, recorded) {
    case (.controlIn(let setup), .controlIn(let other)): return place(setup, other)
    case (.controlOut(let setup, let data), .controlOut(let other, let bytes)):
      return place(setup, other, data, bytes)
    case (.bulkOut(let endpoint, let data), .bulkOut(let other, let bytes)),
      (.interruptOut(let endpoint, let data), .interruptOut(let other, let bytes)):
      guard endpoint == other else { return nil }
      return place(data, bytes)
    default: return nil
    }
  }

  private static func place(
    _ setup: SetupPacket, _ recorded: SetupPacket, _ data: [UInt8] = [], _ bytes: [UInt8] = []
  ) -> String? {
    let (sent, there) = (setup.bytes, recorded.bytes)
    guard let byte = sent.indices.first(where: { sent[$0] != there[$0] }) else {
      return place(data, bytes)
    }
    let fields = ["bmRequestType", "bRequest", "wValue", "wIndex", "wLength"]
    return "byte \(byte) of its setup packet (\(fields[byte < 2 ? byte : byte / 2 + 1])) is "
      + "0x\(hex(there[byte])), and the host sends 0x\(hex(sent[byte])) (\(setup))"
  }

  private static func place(_ data: [UInt8], _ recorded: [UInt8]) -> String? {
    if let byte = zip(data, recorded).enumerated().first(where: { $0.element.0 != $0.element.1 })?
      .offset
    {
      return "byte \(byte) of its data is 0x\(hex(recorded[byte])), and the host sends "
        + "0x\(hex(data[byte]))"
    }
    guard data.count != recorded.count else { return nil }
    return "it has \(recorded.count) bytes of data, and the host sends \(data.count)"
  }
}
