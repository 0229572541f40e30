import DFU
import DFUHost
import FuzzInput
import USB

/// Every engine of the host against any device: it comes to an end, never traps, never forgets a
/// request, never sends more than the device takes.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  let kind = input.below(9)
  let flags = input.byte()
  let link = DFULink(
    interface: 0, transferSize: input.one(of: [1, 8, 64, 2048]),
    window: 1 + input.below(4), ignoresPollTimeout: flags & 1 != 0,
    noStatusWhileUploading: flags & 2 != 0, leavesWithoutStatus: flags & 8 != 0,
    stuckEraseFrom: flags & 4 != 0 ? 0x0810_0000 : nil)
  do throws(DFUError) {
    try run(kind, link, &input)
  } catch {
    checkText(of: error)
  }
  return 0
}

private func run(_ kind: Int, _ link: DFULink, _ input: inout FuzzInput) throws(DFUError) {
  let address = UInt64(input.number(UInt32.self))
  let length = UInt64(input.one(of: [0, 1, 3, 64, 100, 10 * link.transferSize]))
  let bytes = (0..<Int(length)).map { UInt8(truncatingIfNeeded: $0 / 64) }
  let range = address..<address + length
  switch kind {
  case 0:
    let expected = input.bool() ? bytes : nil
    var engine = try ReadEngine(
      [
        .init(range, expected: expected, erased: input.bool() ? 0x00 : 0xFF),
        .init(0x2000_0000..<0x2000_0040),
      ], link: link,
      during: .survey)
    try drive(&engine, link, &input)
    require(engine.output.count == 2, "pieces were lost")
    require(engine.output[0].bytes.count <= bytes.count, "more bytes than were asked for")
  case 1:
    var engine = try PlainDownloadEngine(
      PlainDownload(bytes: bytes, transferSize: link.transferSize), link: link,
      manifestationTolerant: input.bool())
    try drive(&engine, link, &input)
  case 2:
    var engine = try LeaveEngine(for: address, link: link)
    try drive(&engine, link, &input)
  case 3:
    let run = WriteRun(address: address, bytes: bytes, transferSize: link.transferSize)
    var engine = try WriteEngine(run, link: link)
    try drive(&engine, link, &input)
  case 4:
    let place = UInt32(truncatingIfNeeded: address)
    let command = input.one(of: [
      DfuSeCommand.setAddressPointer(place), .erase(place), .massErase, .readUnprotect,
    ])
    var engine = try CommandEngine(command, link: link)
    try drive(&engine, link, &input)
  case 5:
    var engine = PlainUploadEngine(limit: Int(length), stopsAtLimit: input.bool(), link: link)
    try drive(&engine, link, &input)
  case 6:
    var engine = try EraseEngine([range, 0x0800_0000..<0x0800_4000], link: link)
    try drive(&engine, link, &input)
  case 7:
    var engine = SelectEngine(
      setting: input.bool() ? input.byte() : nil, isOnlySetting: input.bool(), link: link)
    try drive(&engine, link, &input)
  default:
    let willDetach = input.bool()
    let way = input.one(of: [
      DetachEngine.Way.intoDFUMode(timeout: input.number(), willDetach: willDetach), .byReset,
      .byDetach,
    ])
    var engine = DetachEngine(way, link: link, during: .detach)
    try drive(&engine, link, &input, mayReset: way.resets)
    require(engine.output != .pending, "it has ended and nothing has happened")
  }
}

/// A device that behaves, except where the input says otherwise.
private struct Device {
  var state: UInt8 = 2
  var isPending = false

  mutating func take(_ setup: SetupPacket, _ data: [UInt8]) {
    switch setup.request {
    case 1:
      isPending = true
      state = data.isEmpty ? 6 : 3
    case 4, 6: state = 2
    default: break
    }
  }

  mutating func answer(_ setup: SetupPacket, _ input: inout FuzzInput) -> [UInt8] {
    switch setup.request {
    case 3:
      let manifests = state == 6 || state == 7
      if manifests {
        state = state == 6 ? 7 : input.isEmpty ? 2 : input.one(of: [2, 7, 8])
      } else if isPending {
        state = 4
      } else if state == 4 {
        state = 5
      }
      isPending = false
      return [0, input.byte(), 0, 0, state, 0]
    case 2:
      state = 9
      return (0..<Int(setup.length)).map { UInt8(truncatingIfNeeded: $0 / 64) }
    case 5: return [state]
    default: return Array(repeating: 0, count: Int(setup.length))
    }
  }
}

private func drive<Engine: DFUEngine>(
  _ engine: inout Engine, _ link: DFULink, _ input: inout FuzzInput, mayReset: Bool = true
) throws(DFUError) {
  require(engine.window >= 1, "no window")
  var device = Device()
  var outstanding: [DFUAction] = []
  var done: UInt64 = 0
  var hasFailed = false
  // 10 000 busy answers are patience; then there are pauses between them, and blocks of one byte.
  for _ in 0..<100_000 {
    while outstanding.count < engine.window, let action = engine.next() {
      if action == .finish {
        // A device that goes away when it should takes what was asked of it along.
        require(outstanding.isEmpty || hasFailed, "finished with requests outstanding")
        _ = engine.output
        return
      }
      check(action, link, isAlone: outstanding.isEmpty)
      if case .reset = action { require(mayReset, "a reset that the device must not get") }
      outstanding.append(action)
    }
    require(!outstanding.isEmpty, "neither an action nor an end")
    if outstanding.count < engine.window {
      require(engine.next() == nil, "asked again, it answers")
    }
    if input.byte() == 0xC0 { try engine.handle(.cancelRequested) }
    let index = outstanding.count > 1 ? input.below(outstanding.count) : 0
    let event = event(outstanding.remove(at: index), &device, &input)
    if case .failed = event { hasFailed = true }
    try engine.handle(event)
    require(engine.progress.done >= done, "it goes backwards")
    done = engine.progress.done
  }
  fatalError("the engine does not come to an end")
}

private func check(_ action: DFUAction, _ link: DFULink, isAlone: Bool) {
  switch action {
  case .controlOut(_, let setup, let data, _):
    let isDetach = setup.request == DFURequest.detach.rawValue
    require(!isDetach || setup.value <= 10_000, "a detach time-out beyond all sense")
    require(Int(setup.length) == data.count, "wLength is not the length")
    // A command of DfuSe has 5 bytes, however small the blocks are.
    require(data.count <= max(link.transferSize, 5), "a block that is too long")
  case .controlIn(_, let setup, _):
    require(Int(setup.length) <= max(link.transferSize, 6), "asks for too much")
  case .wait(let duration):
    require(isAlone, "a pause while something is outstanding")
    require(duration >= .zero && duration <= DFULink.maximumWait, "a pause of \(duration)")
  case .reset: require(isAlone, "a reset while something is outstanding")
  case .setAlternateSetting, .finish: break
  }
}

private func event(
  _ action: DFUAction, _ device: inout Device, _ input: inout FuzzInput
) -> DFUEvent {
  // What is far off makes the fuzzer's life easy: most bytes are good behaviour.
  let behaviour = input.byte()
  func failure(_ token: Token) -> DFUEvent {
    .failed(token, TransferError(input.one(of: TransferError.Code.allCases)))
  }
  switch action {
  case .controlOut(let token, let setup, let data, _):
    if behaviour == 0xFF { return failure(token) }
    device.take(setup, data)
    return .sent(token)
  case .controlIn(let token, let setup, _):
    switch behaviour {
    case 0xFF: return failure(token)
    case 0xFE: return .received(token, input.bytes(Int(setup.length)))
    case 0xFD: return .received(token, [input.byte(), 0, 0, 0, input.byte(), 0])
    case 0xFC: return .received(token, [0, 0, 0, 0, input.byte(), 0])
    default: return .received(token, device.answer(setup, &input))
    }
  case .setAlternateSetting(let token, _, _):
    return behaviour == 0xFF ? failure(token) : .sent(token)
  case .reset(let token): return behaviour == 0xFF ? failure(token) : .sent(token)
  case .wait, .finish: return .waited
  }
}
