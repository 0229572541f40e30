import DriverMatching
import FuzzInput
import USB

/// A text of rules, and of a hardware database, for a device of which one attribute is anything: reading and working
/// through them ends, every result has its line, and what is passed over is told.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  let choice = input.byte()
  let product = String(decoding: input.bytes(Int(input.byte()) % 32), as: UTF8.self)
  let text = input.remaining()
  guard text.count <= 1 << 15 else { return 0 }
  let name = choice & 1 == 0 ? "10-a.rules" : "99-z.rules"
  let set = UdevRuleSet(
    UdevRuleSet.standIns
      + [ConfigurationFile(directory: "/etc/udev/rules.d", name: name, bytes: text)],
    groups: choice & 2 == 0 ? nil : ["root"])
  for finding in set.findings + set.advice { checkText(of: finding) }
  let lines = 1 + text.count { $0 == 0x0A || $0 == 0x0D || $0 == 0 }
  require(set.rules.allSatisfy { $0.line > 0 && $0.line <= max(lines, 2) }, "a rule without a line")
  for rule in set.rules {
    require(rule.tokens.allSatisfy { !$0.text.isEmpty }, "a token without a text")
  }
  var device = UdevDevice.usb(
    action: choice & 4 == 0 ? "add" : "change",
    device: DeviceDescriptor(
      vendor: .stMicroelectronics, product: ProductID(0xDF11), deviceVersion: BCDVersion(0x2200)),
    configurations: [
      ConfigurationDescriptor(interfaces: [InterfaceDescriptor(number: 0, interfaceClass: .dfuMode)]
      )
    ], strings: .init(manufacturer: product, product: product, serialNumber: product),
    path: PortPath(bus: 1, ports: [2]), address: 4)
  device.hasAllAttributes = choice & 8 == 0
  let database = UdevHardwareDatabase([
    ConfigurationFile(directory: "/etc/udev/hwdb.d", name: "a.hwdb", bytes: text)
  ])
  let environment = UdevEnvironment(
    groups: ["root"], hardwareDatabase: choice & 16 == 0 ? database : nil)
  let outcome = set.evaluate(device, in: environment)
  let places = Set(set.rules.map(\.place))
  require(outcome.applied.allSatisfy(places.contains), "a rule from nowhere")
  require(
    outcome.uncertain.allSatisfy { places.contains($0.place) && !$0.reason.isEmpty }, "no reason")
  require(outcome.mode.map { $0.value <= 0o7777 } ?? true, "a mode that is none")
  require(outcome.symlinks.allSatisfy { !$0.value.isEmpty }, "an empty link")
  for finding in outcome.findings { checkText(of: finding) }
  let access = UdevAccess(outcome, device)
  for id in [UInt32(0), 1000] {
    let user = UdevAccess.User(name: "a", id: id, groups: ["root"], isAtSeat: choice & 32 == 0)
    require(!access.verdict(for: user).step.sentence.isEmpty, "a verdict without words")
    require(id != 0 || access.verdict(for: user).canWrite, "root is kept out")
  }
  return 0
}
