import DFU
import FuzzInput
import USB
import VirtualDFU
import VirtualUSB

/// Descriptions of devices: what is wrong is told with its place; what is taken can be written and read
/// back, and makes a device that no request can break.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  switch input.below(3) {
  case 0:
    let requests = input.bytes(64)
    check(input.remaining(), requests)
  case 1:
    // A whole description with values of it exchanged for others: a fuzzer writes no JSON.
    let text = texts[input.below(texts.count)]
    var pieces = text.split(separator: "\u{0}", omittingEmptySubsequences: false).map(String.init)
    for _ in 0..<input.below(8) {
      pieces[input.below(pieces.count)] = input.one(of: tokens)
    }
    check(Array(pieces.joined().utf8), input.remaining())
  default:
    // A whole description with bytes of it changed.
    var bytes = Array(texts[input.below(texts.count)].filter { $0 != "\u{0}" }.utf8)
    for _ in 0..<input.below(4) { bytes[input.below(bytes.count)] = input.byte() }
    check(bytes, input.remaining())
  }
  return 0
}

/// Built-in profiles as descriptions; every value stands between zeros.
private let texts: [String] = Profile.all.compactMap { profile in
  guard let text = try? ProfileDescription.text(of: profile) else { return nil }
  var marked = ""
  var isText = false
  for (before, character) in zip(" " + text, text) {
    if character == "\"" {
      marked += isText ? "\"\u{0}" : "\u{0}\""
      isText.toggle()
    } else if !isText, character.isNumber != before.isNumber, before != "\"" {
      marked += "\u{0}\(character)"
    } else {
      marked.append(character)
    }
  }
  return marked
}

private let tokens = [
  "0", "1", "3", "64", "65535", "65536", "4294967295", "-1", "1e3", "null", "true", "[]", "{}",
  "\"0\"", "\"0x08000000\"", "\"0xFFFFFFFF\"", "\"4096M\"", "\"1 ms\"", "\"60 min\"", "\"flash\"",
  "\"ram\"", "\"option-bytes\"", "\"write-once\"", "\"refused\"", "\"lpc-rom\"", "\"tinyusb\"",
  "\"openmoko\"", "\"st-rom\"", "\"holds\"", "\"stalls\"", "\"low\"", "\"high\"",
  "\"in-configuration\"", "\"nowhere\"", "\"bogus:0\"", "\"FLASH\"", "\"RAM\"",
  "\"Internal Flash\"", ",", "",
]

private func check(_ bytes: [UInt8], _ requests: [UInt8]) {
  let profile: Profile
  do throws(ProfileDescriptionError) {
    let description = try ProfileDescription(parsing: bytes, file: "device.json")
    for note in description.notes { require(!note.sentence.isEmpty, "an empty note") }
    profile = description.profile
  } catch {
    checkText(of: error)
    require(!error.faults.isEmpty, "an error without a fault")
    for fault in error.faults {
      require(!fault.sentence.isEmpty, "a fault without words")
      require(fault.place.line >= 1 && fault.place.column >= 1, "a fault without a place")
    }
    return
  }
  do throws(ProfileDescriptionError) {
    let text = try ProfileDescription.text(of: profile)
    let back = try ProfileDescription(parsing: Array(text.utf8), file: "back").profile
    require(back == profile, "what was read cannot be written")
  } catch { fatalError("what was read cannot be written: \(error)") }
  use(VirtualBootloader(profile), FuzzInput(requests))
}

/// Requests as a fuzzer wants them, and a state that comes back.
private func use(_ device: VirtualBootloader, _ requests: FuzzInput) {
  var device = device
  var requests = requests
  var now = Duration.zero
  device.powerOn(at: now)
  let start = device.profile.memories[0].range.lowerBound
  send(.setConfiguration(1), [], to: &device, at: &now)
  for _ in 0..<32 where !requests.isEmpty {
    switch requests.below(8) {
    case 0...2: send(DFURequest.getStatus(interface: 0), [], to: &device, at: &now)
    case 3:
      let data = requests.bytes(requests.one(of: [0, 1, 8, 16, 64]))
      let setup = DFURequest.download.setup(
        value: UInt16(requests.below(4)), interface: 0, length: UInt16(data.count))
      send(setup, data, to: &device, at: &now)
    case 4:
      let address = UInt32(truncatingIfNeeded: start) &+ UInt32(requests.byte())
      let command = requests.bool() ? DfuSeCommand.erase(address) : .setAddressPointer(address)
      let setup = DFURequest.download.setup(
        value: 0, interface: 0, length: UInt16(command.bytes.count))
      send(setup, command.bytes, to: &device, at: &now)
    case 5:
      let setup = DFURequest.upload.setup(
        value: UInt16(requests.below(4)), interface: 0, length: UInt16(requests.below(4097)))
      send(setup, [], to: &device, at: &now)
    case 6:
      let request = requests.one(of: [DFURequest.clearStatus, .abort, .getState])
      send(
        request.setup(interface: 0, length: request == .getState ? 1 : 0), [], to: &device, at: &now
      )
    default:
      if requests.bool() { now += .seconds(1) } else { device.powerOff(at: now) }
      device.advance(to: now)
      if !device.isConnected { device.powerOn(at: now) }
      let setting = UInt8(requests.below(3))
      send(.setConfiguration(1), [], to: &device, at: &now)
      send(.setInterface(0, alternateSetting: setting), [], to: &device, at: &now)
    }
  }
  device.powerOff(at: now)
  device.powerOn(at: now)
  let snapshot = device.snapshot()
  var copy = VirtualBootloader(device.profile)
  do throws(SnapshotError) { try copy.restore(snapshot) } catch { fatalError("\(error)") }
  require(copy.snapshot() == snapshot, "the state was changed")
}

private func send(
  _ setup: SetupPacket, _ data: [UInt8], to device: inout VirtualBootloader, at now: inout Duration
) {
  device.advance(to: now)
  guard device.isConnected else { return }
  var setup = setup
  if setup.requestType.direction == .out { setup.length = UInt16(data.count) }
  let response = device.respond(to: setup, data: data, at: now)
  if let ready = response.readyAt {
    require(ready >= now, "an answer before the question")
    now = ready
    device.advance(to: now)
  }
  now += .microseconds(100)
  device.advance(to: now)
  if response.outcome != .stall, response.outcome != .noAnswer, device.isConnected {
    device.completed(setup, at: now)
  }
}
