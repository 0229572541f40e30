import FuzzInput
import USB
import VirtualDFU
import VirtualUSB

/// Any text as a schedule of faults: it is read or refused with words, is printed as it was read, and
/// strikes at transfers without ever trapping.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  // A zero ends the text; what follows are transfers.
  let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
  let text = String(decoding: parts[0], as: UTF8.self)
  do throws(FaultScheduleError) {
    let schedule = try FaultSchedule(text)
    let printed = schedule.description
    let again = try FaultSchedule(printed)
    require(again == schedule, "\(text) is printed as \(printed)")
    var input = FuzzInput(parts.count == 2 ? Array(parts[1]) : [])
    strike(schedule, &input)
  } catch {
    checkText(of: error)
  }
  return 0
}

private func strike(_ schedule: FaultSchedule, _ input: inout FuzzInput) {
  let profile = input.one(of: Profile.all)
  let path = PortPath(bus: 1, ports: [1])
  let intercept = schedule.interceptor(for: profile, at: path)
  for number in 0..<64 {
    let type = input.one(of: [0x21, 0xA1, 0x80, 0x01] as [UInt8])
    let data = input.bytes(Int(input.byte() % 6))
    let setup = SetupPacket(
      RequestType(rawValue: type), request: input.byte() % 12, value: input.number(UInt16.self),
      index: 0, length: UInt16(data.count))
    let fault = intercept(
      InterceptedTransfer(
        number: number, path: path, endpoint: 0, setup: setup, data: data,
        time: .milliseconds(number)))
    apply(fault, &input)
  }
}

private func apply(_ fault: TransferFault, _ input: inout FuzzInput) {
  switch fault {
  case .corrupt(let change), .corruptAnswer(let change):
    var answer = input.bytes(Int(input.byte() % 8))
    change(&answer)
  case .together(let faults): for fault in faults { apply(fault, &input) }
  default: break
  }
}
