import DriverMatching
import FuzzInput
import USB

private let profiles: [WindowsProfile] = [
  .windows11, .windows10, .windows7, WindowsProfile(build: 10240, architecture: .arm64),
]

/// The lines of a kernel in small: classes, products, wildcards inside, and what is of another bus.
private let aliases = Array(
  """
  alias pci:v00008086d* other
  alias usb:v*p*d*dc*dsc*dp*ic03isc*ip*in* usbhid
  alias usb:v*p*d*dc*dsc*dp*ic02isc02ip0[0-6]in* cdc-acm
  alias usb:v*p*d*dc*dsc*dp*ic02isc06ip00in* cdc_ether
  alias usb:v*p*d*dc*dsc*dp*ic01isc01ip*in* snd_usb_audio
  alias usb:v*p*d*dc*dsc*dp*ic01isc03ip*in* snd_usb_audio
  alias usb:v*p*d*dc*dsc*dp*ic08isc06ip50in* usb_storage
  alias usb:v*p*d*dc*dsc*dp*ic08isc06ip50in* uas
  alias usb:v*p*d*dc*dsc*dp*icFFisc*ip*in* anything
  alias usb:v0483p*d*dc*dsc*dp*ic*isc*ip*in* maker
  alias usb:v0483pDF11d2[0-2]0*dc*dsc*dp*ic*isc*ip*in* product
  alias usb:v0403p6001d*dc*dsc*dp*ic*isc*ip*in* ftdi_sio
  """.utf8)

/// The bytes of a device and its configurations, and what is known of the two systems: both decide, about each
/// interface and each function once, with words for everything.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  let choice = input.byte()
  let profile = input.one(of: profiles)
  let bytes = input.remaining()
  guard bytes.count <= 4096 else { return 0 }
  var reader = ByteReader(bytes.span.bytes)
  guard let device = try? DeviceDescriptor(parsing: &reader) else { return 0 }
  let behind = Array(bytes.dropFirst(18))
  var rest = ByteReader(behind.span.bytes)
  let configurations = ConfigurationDescriptor.all(parsing: &rest)
  checkLinux(device, configurations, choice)
  checkWindows(device, configurations, choice, profile)
  checkUdev(device, configurations, choice)
  return 0
}

private func check(_ decision: DriverDecision) {
  require(!decision.outcome.sentence.isEmpty && !decision.subject.isEmpty, "no outcome")
  for step in decision.steps + decision.changes + decision.candidates.flatMap(\.steps) {
    require(!step.rule.isEmpty && !step.sentence.isEmpty, "a step without words")
    require(!step.evidence.source.isEmpty, "a step without a source")
  }
}

private func checkLinux(
  _ device: DeviceDescriptor, _ configurations: [ConfigurationDescriptor], _ choice: UInt8
) {
  let whole = ModuleAliases(aliases)
  let own = ModuleAliases(aliases, only: (device.vendor, device.product))
  let target = LinuxDriverMatcher.Target(
    device: device, configurations: configurations, speed: choice & 1 == 0 ? .high : .superSpeed,
    activeConfiguration: choice & 2 == 0 ? nil : 1, boundDrivers: choice & 4 == 0 ? nil : [:])
  let ids = choice & 8 == 0 ? [] : DynamicID("0483 df11").map { [("ours", $0)] } ?? []
  func decisions(_ table: ModuleAliases) -> [DriverDecision] {
    LinuxDriverMatcher(
      modules: KernelModules(aliases: table), registeredDrivers: ["usb_storage"], dynamicIDs: ids
    ).decisions(for: target)
  }
  let all = decisions(whole)
  all.forEach(check)
  require(all.first?.subject == "device", "nothing about the device")
  require(Set(all.map(\.subject)).count == all.count, "two decisions about one interface")
  require(decisions(own) == all, "the lines of one product decide otherwise")
}

private func checkWindows(
  _ device: DeviceDescriptor, _ configurations: [ConfigurationDescriptor], _ choice: UInt8,
  _ profile: WindowsProfile
) {
  // A vendor's package for the device that has usbccgp group by union descriptors.
  let ids = [device.vendor.rawValue, device.product.rawValue].map {
    let digits = String($0, radix: 16)
    return String(repeating: "0", count: 4 - digits.count) + digits
  }
  let text = """
    [Version]
    Signature = "$Windows NT$"
    Class = USB
    ClassGuid = {36fc9e60-c465-11cf-8056-444553540000}
    Provider = Us
    CatalogFile = a.cat
    DriverVer = 01/02/2024,1.0.0.0
    [Manufacturer]
    Us = Board,NTamd64,NTarm64
    [Board.NTamd64]
    Whole = Whole,USB\\VID_\(ids[0])&PID_\(ids[1])
    Port = Port,USB\\Vid_\(ids[0])&Pid_\(ids[1])&Cdc_02
    [Board.NTarm64]
    Whole = Whole,USB\\VID_\(ids[0])&PID_\(ids[1])
    [Whole.NT]
    Include = usb.inf
    Needs = Composite.Dev.NT
    AddReg = Keys
    [Whole.NT.Services]
    Include = usb.inf
    Needs = Composite.Dev.NT.Services
    [Keys]
    HKR,,EnumeratorClass,0x00000001,02,00,00
    [Port.NT]
    [Port.NT.Services]
    AddService = ourport,2,Service
    [Service]
    ServiceType = 1
    """
  let files =
    choice & 16 == 0 ? [] : (try? INF(text: text, name: "oem1.inf")).map { [StoredINF($0)] }
  let store = DriverStore(files ?? [], on: profile)
  var flags = UsbFlags()
  flags.skipsBinaryObjectStore = choice & 32 != 0
  flags.isWithoutMicrosoftString = choice & 64 != 0
  let microsoft = MicrosoftIDs(version: 1, entries: [MicrosoftIDs.Entry(compatible: "WINUSB")])
  let names = WindowsNames(
    device, configurations, microsoft: choice & 128 == 0 ? [] : [microsoft], flags: flags,
    on: profile)
  let decisions = store.decisions(for: names, product: "a device", serialNumber: "1")
  for decision in decisions {
    check(decision.decision)
    require(!decision.deviceID.isEmpty, "a device without a name")
  }
  require(
    Set(decisions.map(\.decision.subject)).count == decisions.count, "two functions of one name")
  let groups = names.divided(by: decisions.first?.binding?.node.composite).functions
  let interfaces = groups.flatMap(\.interfaces)
  require(Set(interfaces).count == interfaces.count, "an interface in two functions")
  require(decisions.count == 1 || decisions.count == 1 + groups.count, "a function is lost")
}

private func checkUdev(
  _ device: DeviceDescriptor, _ configurations: [ConfigurationDescriptor], _ choice: UInt8
) {
  let node = UdevDevice.usb(
    device: device, configurations: configurations, path: PortPath(bus: 1, ports: [choice & 7]),
    address: choice)
  let plugging = UdevPlugging(of: node, under: UdevRuleSet(UdevRuleSet.standIns))
  require(plugging.events.count == 2, "a device that is plugged in has two events")
  require(plugging.access.mode.value == 0o664, "not the mode of the usual rules")
}
