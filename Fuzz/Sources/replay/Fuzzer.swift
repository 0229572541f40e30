import Captures
import DFU
import DFUHost
import FuzzInput
import USB

/// A recording played back to a host: the one that was recorded gets the same answers to the end; any
/// other one is told where it differs, and from then on nothing else. Nothing traps or hangs.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  if input.bool() {
    playEngine(&input)
  } else {
    playAnything(&input)
  }
  return 0
}

// MARK: A host engine

private func engine(_ input: inout FuzzInput) -> ReadEngine? {
  let link = DFULink(
    interface: 0, transferSize: input.one(of: [8, 64, 2048]), window: 1 + input.below(4))
  let address = UInt64(input.number(UInt32.self))
  let length = UInt64(input.one(of: [0, 1, 64, 100, 3000]))
  return try? ReadEngine(
    [.init(address..<address + length), .init(0x2000_0000..<0x2000_0040)], link: link,
    during: .read)
}

private func playEngine(_ input: inout FuzzInput) {
  guard let host = engine(&input) else { return }
  // What the device says is decided while it is recorded.
  var events: [Recording.Event] = opened
  var number: UInt32 = 0
  var time: Int64 = 0
  var recorded = host
  let end = drive(&recorded) { call in
    number += 1
    let outcome = outcome(of: call, &input)
    events.append(Recording.Event(nanoseconds: time, .began(number: number, handle: 1, call)))
    time += 1000
    events.append(Recording.Event(nanoseconds: time, .ended(number: number, outcome)))
    return outcome
  }
  var recording = Recording(events: events)

  var replay = Replay(RecordingDocument(recording))
  open(&replay)
  var repeated = host
  let again = drive(&repeated) { call in answer(call, &replay) }
  require(again == end, "the replay ends as \(again), and the recording ended as \(end)")
  require(replay.difference == nil && replay.remainder == nil, "the same host differs")

  // A recording that was tampered with ends somehow.
  let victim = opened.count + input.below(max(1, recording.events.count - opened.count))
  if recording.events.indices.contains(victim) {
    if input.bool() {
      recording.events.remove(at: victim)
    } else if case .ended(let number, _) = recording.events[victim].kind {
      recording.events[victim].kind = .ended(number: number, .failed(.stall, detail: nil))
    }
  }
  var other = Replay(RecordingDocument(recording))
  open(&other)
  var confused = host
  _ = drive(&confused) { call in answer(call, &other) }
  if let difference = other.difference { checkText(of: difference) }
}

private let opened: [Recording.Event] = {
  let info = DeviceInfo(
    id: DeviceID(rawValue: 1), path: PortPath(bus: 1, ports: [1]), address: 1, speed: .full,
    descriptor: DeviceDescriptor(
      vendor: VendorID(0x1209), product: ProductID(1), deviceVersion: BCDVersion(0)),
    configurations: [], activeConfiguration: nil)
  return [.attached(info), .opened(info.id, handle: 1)].map {
    Recording.Event(nanoseconds: 0, $0)
  }
}()

private func open(_ replay: inout Replay) {
  guard let opened = try? replay.open(DeviceID(rawValue: 1)) else {
    fatalError("it cannot be opened")
  }
  _ = replay.finish(opened.step)
}

private func outcome(of call: DeviceCall, _ input: inout FuzzInput) -> CallOutcome {
  if input.byte() >= 0xFC {
    return .failed(input.one(of: TransferError.Code.allCases), detail: nil)
  }
  guard case .controlIn(let setup) = call else { return .done }
  // Mostly an answer to DFU_GETSTATUS that goes on.
  if setup.length == 6 {
    return .received([0, input.byte() & 3, 0, 0, input.one(of: [2, 5, 9, 4]), 0])
  }
  return .received([UInt8](repeating: input.byte(), count: Int(setup.length)))
}

private func answer(_ call: DeviceCall, _ replay: inout Replay) -> CallOutcome {
  do throws(ReplayDifference) {
    let answer = try replay.answer(call, on: 1)
    _ = replay.finish(answer.step)
    return answer.outcome
  } catch {
    require(replay.difference == error, "a difference that is not kept")
    return .failed(.other, detail: error.sentence)
  }
}

/// Runs an engine to its end, one request after the other; how it ended.
private func drive(
  _ engine: inout ReadEngine, _ answer: (DeviceCall) -> CallOutcome
) -> String {
  do throws(DFUError) {
    for _ in 0..<100_000 {
      guard let action = engine.next() else { fatalError("neither an action nor an end") }
      if action == .finish { return "\(engine.output)" }
      try engine.handle(event(action, answer))
    }
    fatalError("the engine does not come to an end")
  } catch { return "\(error)" }
}

private func event(_ action: DFUAction, _ answer: (DeviceCall) -> CallOutcome) -> DFUEvent {
  func event(_ token: Token, _ call: DeviceCall) -> DFUEvent {
    switch answer(call) {
    case .failed(let code, let detail):
      .failed(token, TransferError(code, setup: call.setup, detail: detail))
    case .received(let bytes): .received(token, bytes)
    case .done, .sent: .sent(token)
    }
  }
  switch action {
  case .controlIn(let token, let setup, _): return event(token, .controlIn(setup))
  case .controlOut(let token, let setup, let data, _):
    return event(token, .controlOut(setup, data))
  case .setAlternateSetting(let token, let interface, let setting):
    return event(token, .setAlternateSetting(setting, interface: interface))
  case .reset(let token): return event(token, .reset)
  case .wait, .finish: return .waited
  }
}

// MARK: Anything

/// Any recording, and a host that does anything.
private func playAnything(_ input: inout FuzzInput) {
  var script = FuzzInput(input.bytes(48))
  guard let document = try? RecordingDocument(parsing: input.remaining()) else { return }
  var replay = Replay(document)
  let total = replay.remainder?.total ?? 0
  var difference: ReplayDifference?
  while !script.isEmpty {
    step(&replay, &script)
    require(difference == nil || replay.difference == difference, "a difference was forgotten")
    difference = replay.difference
    if let rest = replay.remainder {
      require(rest.transfers <= total && rest.total == total && rest.line > 0, "transfers appear")
    }
  }
  if let difference { checkText(of: difference) }
}

private func step(_ replay: inout Replay, _ script: inout FuzzInput) {
  let handle = UInt32(script.below(3))
  switch script.below(10) {
  case 0: _ = try? replay.list()
  case 1:
    if let opened = try? replay.open(DeviceID(rawValue: UInt64(script.below(3)))) {
      _ = replay.finish(opened.step)
    }
  case 2: call(.claim(0), handle, &replay)
  case 3: call(.release(0), handle, &replay)
  case 4: call(.setAlternateSetting(script.byte(), interface: 0), handle, &replay)
  case 5: call(.controlIn(DFURequest.getStatus(interface: 0)), handle, &replay)
  case 6:
    let data = script.bytes(script.below(6))
    let setup = DFURequest.download.setup(
      value: UInt16(script.byte()), interface: 0, length: UInt16(data.count))
    call(.controlOut(setup, data), handle, &replay)
  case 7: call(.bulkOut(2, script.bytes(3)), handle, &replay)
  case 8: call(.close, handle, &replay)
  default: _ = replay.finish(Int(script.byte()) - 3)
  }
  _ = replay.isOver
}

private func call(_ call: DeviceCall, _ handle: UInt32, _ replay: inout Replay) {
  let before = replay.difference
  do throws(ReplayDifference) {
    let answer = try replay.answer(call, on: handle)
    require(before == nil, "an answer after a difference")
    require(answer.duration >= .zero, "a negative duration")
    _ = replay.finish(answer.step)
  } catch {
    require(before == nil || before == error, "another difference")
  }
}
