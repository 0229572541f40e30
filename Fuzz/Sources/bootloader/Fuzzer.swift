import DFU
import FuzzInput
import USB
import VirtualDFU
import VirtualUSB

/// Every virtual bootloader against any sequence of requests, times, resets and power cuts.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  var profile = input.one(of: profiles)
  // Its own peculiarities, or others as well.
  for _ in 0..<input.below(4) {
    profile.quirks.formUnion(input.one(of: BootloaderQuirks.named).quirk)
    profile.busy = input.one(of: BusyBehaviour.allCases)
    profile.leave = input.one(of: LeaveVariant.allCases)
  }
  var device = VirtualBootloader(profile)
  var now = Duration.zero
  device.powerOn(at: now)
  // Most requests make sense only to a configured device.
  send(.setConfiguration(1), [], to: &device, at: &now)
  for _ in 0..<200 where !input.isEmpty { step(&device, &input, &now) }
  device.powerOff(at: now)
  require(device.contents(0x0800_0000..<0x0800_0100).count == 0x100, "contents of another length")
  return 0
}

/// All of them, and other ways between application and bootloader.
private let profiles: [Profile] =
  Profile.all
  + [
    ["will-detach=no"], ["will-detach=no", "return-time=0", "tolerant=no"], ["detour=yes"],
    ["way-back=second-reset", "runtime-status=stalls"], ["way-back=detach", "return-time=never"],
  ].map { options in
    options.reduce(Profile.runtime) { profile, option in
      let pair = option.split(separator: "=").map(String.init)
      guard let changed = try? profile.setting(pair[0], to: pair[1]) else {
        fatalError("\(option) is no option")
      }
      return changed
    }
  }

private func step(
  _ device: inout VirtualBootloader, _ input: inout FuzzInput, _ now: inout Duration
) {
  let wasConnected = device.isConnected
  defer {
    // What the bus does with a device that has come by itself: it is enumerated.
    if device.isConnected, !wasConnected {
      device.busReset(at: now)
      send(.setConfiguration(1), [], to: &device, at: &now)
    }
  }
  // The DFU interface of the application has another number.
  let number: UInt8 = device.runsApplication ? 1 : 0
  switch input.below(16) {
  case 0...3: send(DFURequest.getStatus(interface: number), [], to: &device, at: &now)
  case 4...6:
    let data = input.bytes(input.one(of: [0, 1, 4, 5, 8, 64, 255]))
    let setup = DFURequest.download.setup(
      value: UInt16(input.one(of: [0, 1, 2, 3, 0xFFFE, 0xFFFF])), interface: 0,
      length: UInt16(data.count))
    send(setup, data, to: &device, at: &now)
  case 7:
    let address = UInt32(
      input.one(of: [
        0x0800_0000, 0x0800_C000, 0x0801_8000, 0x0802_0000, 0x1FFF_7800, 0x1FFF_C000, 0x2000_0000,
        0x5200_201C, 0x9000_0000, 0xFFFF_0000,
      ]))
    let command =
      input.bool()
      ? DfuSeCommand.erase(address + UInt32(input.number(UInt16.self)))
      : .setAddressPointer(address + UInt32(input.number(UInt16.self)))
    let setup = DFURequest.download.setup(
      value: 0, interface: 0, length: UInt16(command.bytes.count))
    send(setup, command.bytes, to: &device, at: &now)
  case 8:
    let setup = DFURequest.upload.setup(
      value: UInt16(input.byte()), interface: 0, length: input.number(UInt16.self) % 4097)
    send(setup, [], to: &device, at: &now)
  case 9:
    let request = input.one(of: [DFURequest.clearStatus, .abort, .getState, .detach])
    let length = request == .getState ? 1 : 0
    let value = request == .detach ? UInt16(input.byte()) * 16 : 0
    send(
      request.setup(value: value, interface: number, length: UInt16(length)), [], to: &device,
      at: &now)
  case 10:
    let setting = UInt8(input.below(4))
    send(.setInterface(0, alternateSetting: setting), [], to: &device, at: &now)
  case 11:
    let setup = SetupPacket(
      RequestType(rawValue: input.byte()), request: input.byte(), value: input.number(),
      index: input.number(), length: input.number())
    send(setup, setup.requestType.direction == .out ? input.bytes(16) : [], to: &device, at: &now)
  case 12: now += .microseconds(Int64(input.number(UInt32.self)))
  case 13:
    device.advance(to: now)
    device.busReset(at: now)
    if input.bool() { send(.setConfiguration(1), [], to: &device, at: &now) }
  case 14:
    device.advance(to: now)
    device.powerOff(at: now)
    now += .milliseconds(Int64(input.byte()))
    device.advance(to: now)
    device.powerOn(at: now)
    send(.setConfiguration(1), [], to: &device, at: &now)
  default:
    // What the bus does: it wakes the device when it says so.
    if let next = device.nextEvent, next >= now { now = next }
    device.advance(to: now)
  }
  require(device.nextEvent.map { $0 >= .zero } ?? true, "an event before all time")
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
    guard ready - now <= .seconds(60) else { return }
    now = ready
    device.advance(to: now)
  }
  now += .microseconds(100)
  device.advance(to: now)
  if response.outcome != .stall, response.outcome != .noAnswer, device.isConnected {
    device.completed(setup, at: now)
  }
}
