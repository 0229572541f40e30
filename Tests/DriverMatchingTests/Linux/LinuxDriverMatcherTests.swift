import DriverMatching
import Testing
import USB

@Suite("Linux binds drivers") struct LinuxDriverMatcherTests {
  static func device(
    _ vendor: UInt16 = 0x1209, _ product: UInt16 = 1, _ triple: ClassTriple = .perInterface
  ) -> DeviceDescriptor {
    DeviceDescriptor(
      deviceClass: triple, vendor: VendorID(vendor), product: ProductID(product),
      deviceVersion: BCDVersion(0x0100))
  }

  static func interface(
    _ number: UInt8, _ code: UInt8, _ subclass: UInt8, _ protocolCode: UInt8, setting: UInt8 = 0,
    pipes: Int = 0,
    extra: [[UInt8]] = []
  ) -> InterfaceDescriptor {
    InterfaceDescriptor(
      number: number, alternateSetting: setting,
      interfaceClass: ClassTriple(code, subclass, protocolCode),
      extra: extra.map { RawDescriptor(bytes: $0, offset: 0) },
      endpoints: (0..<pipes).map {
        EndpointDescriptor(address: UInt8($0 + 1), attributes: 2, maxPacketSize: 512, interval: 0)
      })
  }

  static func decide(
    _ matcher: LinuxDriverMatcher = LinuxDriverMatcher(), _ device: DeviceDescriptor = device(),
    _ interfaces: InterfaceDescriptor..., bound: [UInt8: String]? = nil
  ) -> [DriverDecision] {
    matcher.decisions(
      for: .init(
        device: device, configurations: [ConfigurationDescriptor(interfaces: interfaces)],
        path: PortPath(bus: 1, ports: [2]), boundDrivers: bound))
  }

  static func aliases(_ lines: String...) -> KernelModules {
    KernelModules(aliases: ModuleAliases(Array(lines.map { "alias \($0)\n" }.joined().utf8)))
  }

  struct Usual: CustomTestStringConvertible, Sendable {
    var triple: ClassTriple
    var drivers: [String]
    var testDescription: String { "\(triple)" }
  }

  @Test(arguments: [
    Usual(triple: .dfuRuntime, drivers: []), Usual(triple: .dfuMode, drivers: []),
    Usual(triple: ClassTriple(3, 0, 0), drivers: ["usbhid"]),
    Usual(triple: ClassTriple(3, 1, 2), drivers: ["usbhid"]),
    Usual(triple: ClassTriple(8, 6, 0x50), drivers: ["usb_storage"]),
    Usual(triple: ClassTriple(2, 2, 0), drivers: ["cdc_acm"]),
    Usual(triple: ClassTriple(2, 2, 6), drivers: ["cdc_acm"]),
    Usual(triple: ClassTriple(2, 2, 7), drivers: []),
    Usual(triple: ClassTriple(0xE0, 1, 3), drivers: ["rndis_host"]),
    Usual(triple: ClassTriple(0xEF, 4, 1), drivers: ["rndis_host"]),
    Usual(triple: ClassTriple(2, 2, 0xFF), drivers: ["rndis_host", "rndis_wlan"]),
    Usual(triple: ClassTriple(2, 6, 0), drivers: ["cdc_ether"]),
    Usual(triple: ClassTriple(2, 0x0D, 0), drivers: ["cdc_ncm"]),
    Usual(triple: ClassTriple(2, 0x0E, 0), drivers: ["cdc_mbim"]),
    Usual(triple: ClassTriple(7, 1, 2), drivers: ["usblp"]),
    Usual(triple: ClassTriple(9, 0, 0), drivers: ["usbcore"]),
    Usual(triple: ClassTriple(0x0E, 1, 0), drivers: ["uvcvideo"]),
    Usual(triple: ClassTriple(0x0E, 2, 0), drivers: []),
    Usual(triple: ClassTriple(1, 1, 0), drivers: ["snd_usb_audio"]),
    Usual(triple: ClassTriple(1, 2, 0), drivers: []),
    Usual(triple: ClassTriple(0xE0, 1, 1), drivers: ["btusb"]),
    Usual(triple: ClassTriple(0xFE, 3, 1), drivers: ["usbtmc"]),
    Usual(triple: ClassTriple(0xFF, 0xFF, 0xFF), drivers: []),
    Usual(triple: ClassTriple(0x0B, 0, 0), drivers: []),
    Usual(triple: ClassTriple(6, 1, 1), drivers: []),
    Usual(triple: ClassTriple(0x11, 0, 0), drivers: []),
    Usual(triple: ClassTriple(0xDC, 1, 1), drivers: []),
    Usual(triple: ClassTriple(0x0A, 0, 0), drivers: []),
  ])
  func `to the usual classes without a modules.alias, and says that it was not asked`(
    _ usual: Usual
  ) {
    let decisions = Self.decide(
      LinuxDriverMatcher(), Self.device(),
      InterfaceDescriptor(number: 0, interfaceClass: usual.triple))
    #expect(decisions.count == 2)
    let interface = decisions[1]
    #expect(Set(interface.drivers) == Set(usual.drivers))
    #expect(interface.steps.first?.rule == "built-in-table")
    #expect(
      interface.outcome.rule
        == (usual.drivers.isEmpty ? "nothing" : usual.drivers.count > 1 ? "one-of" : "binds"))
  }

  @Test func `nothing to DFU, which is the good case`() {
    let decision = Self.decide(LinuxDriverMatcher(), Self.device(), Self.interface(0, 0xFE, 1, 2))[
      1]
    #expect(decision.outcome.sentence.contains("good case"))
    #expect(decision.names == ["usb:v1209p0001d0100dc00dsc00dp00icFEisc01ip02in00"])
    #expect(decision.changes.map(\.rule) == ["new-id"])
  }

  @Test func `no class driver to a device of class FF, though modprobe names it`() {
    let device = Self.device(0x1209, 1, ClassTriple(0xFF, 0, 0))
    let decision = Self.decide(LinuxDriverMatcher(), device, Self.interface(0, 3, 1, 1))[1]
    #expect(decision.drivers.isEmpty)
    #expect(decision.candidates.map(\.driver) == ["usbhid"])
    #expect(decision.candidates.first?.verdict == .dropped)
    #expect(decision.candidates.first?.steps.last?.rule == "vendor-class")
    // A line that names the vendor is not meant by that rule.
    let modules = Self.aliases("usb:v1209p0001d*dc*dsc*dp*ic03isc*ip*in* mine")
    #expect(
      Self.decide(LinuxDriverMatcher(modules: modules), device, Self.interface(0, 3, 1, 1))[1]
        .drivers == ["mine"])
  }

  @Test func `the data interface is claimed with its control interface`() {
    let union: [UInt8] = [5, 0x24, 6, 0, 1]
    let decisions = Self.decide(
      LinuxDriverMatcher(), Self.device(), Self.interface(0, 2, 2, 1, extra: [union]),
      Self.interface(1, 0x0A, 0, 0), Self.interface(2, 0xFE, 1, 1))
    #expect(decisions.map(\.drivers) == [["usb"], ["cdc_acm"], ["cdc_acm"], []])
    #expect(decisions[2].outcome.sentence == "cdc_acm has this interface along with interface 0.")
  }

  @Test
  func
    `a driver that lists the ids may take the data interface first, and then nothing binds the other`()
  {
    let lines = [
      "usb:v*p*d*dc*dsc*dp*icEFisc04ip01in* rndis_host",
      "usb:v1209p0001d*dc*dsc*dp*ic0Aisc*ip*in* subset",
    ]
    let modules = Self.aliases(lines[0], lines[1])
    let control = Self.interface(0, 0xEF, 4, 1, extra: [[5, 0x24, 6, 0, 1]])
    let data = Self.interface(1, 0x0A, 0, 0)
    let race = Self.decide(LinuxDriverMatcher(modules: modules), Self.device(), control, data)
    #expect(Set(race[2].drivers) == ["rndis_host", "subset"])
    #expect(race[2].outcome.rule == "one-of")
    #expect(race[1].drivers == ["rndis_host"])
    #expect(race[1].outcome.rule == "claim-race")
    #expect(race[1].outcome.sentence.contains("unless subset has taken interface 1"))
    // One that is there already has both before anything is loaded.
    let early = LinuxDriverMatcher(modules: modules, registeredDrivers: ["rndis_host"])
    let decided = Self.decide(early, Self.device(), control, data)
    #expect(decided.dropFirst().map(\.drivers) == [["rndis_host"], ["rndis_host"]])
    #expect(decided[1].outcome.rule == "binds")
    #expect(decided[2].candidates.last?.verdict == .outranked)
  }

  @Test func `streaming interfaces are claimed with theirs, by the header or the association`() {
    let header: [UInt8] = [10, 0x24, 1, 0, 1, 30, 0, 2, 1, 2]
    let audio = Self.decide(
      LinuxDriverMatcher(), Self.device(), Self.interface(0, 1, 1, 0, extra: [header]),
      Self.interface(1, 1, 2, 0), Self.interface(2, 1, 3, 0))
    #expect(
      audio.dropFirst().map(\.drivers) == [["snd_usb_audio"], ["snd_usb_audio"], ["snd_usb_audio"]])
    let videoHeader: [UInt8] = [13, 0x24, 1, 0, 1, 13, 0, 0, 0, 0, 0, 1, 1]
    let video = Self.decide(
      LinuxDriverMatcher(), Self.device(), Self.interface(0, 0x0E, 1, 0, extra: [videoHeader]),
      Self.interface(1, 0x0E, 2, 0))
    #expect(video.dropFirst().map(\.drivers) == [["uvcvideo"], ["uvcvideo"]])
    let bluetooth = Self.decide(
      LinuxDriverMatcher(), Self.device(), Self.interface(0, 0xE0, 1, 1),
      Self.interface(1, 0xE0, 1, 1))
    #expect(bluetooth[2].outcome.rule == "claimed")
  }

  @Test func `a disk goes to uas where it has the setting, else to usb-storage`() {
    let bulk = Self.interface(0, 8, 6, 0x50, pipes: 2)
    let decision = Self.decide(LinuxDriverMatcher(), Self.device(), bulk)[1]
    #expect(decision.candidates.map(\.driver) == ["usb_storage", "uas"])
    #expect(decision.candidates.map(\.verdict) == [.wins, .outranked])
    let capable = Self.decide(
      LinuxDriverMatcher(), Self.device(), bulk, Self.interface(0, 8, 6, 0x62, setting: 1, pipes: 4)
    )[1]
    #expect(capable.drivers == ["uas"])
    #expect(
      capable.changes.contains { $0.rule == "uas-quirk" && $0.sentence.contains("1209:0001:u") })
  }

  @Test func `a blacklist of uas leaves a disk without a driver, a quirk gives it to usb-storage`()
  {
    func decide(_ text: String) -> DriverDecision {
      let modules = KernelModules(
        configuration: ModprobeConfiguration([
          ConfigurationFile(directory: "/etc/modprobe.d", name: "a.conf", text: text)
        ]))
      return Self.decide(
        LinuxDriverMatcher(modules: modules), Self.device(),
        Self.interface(0, 8, 6, 0x50, pipes: 2),
        Self.interface(0, 8, 6, 0x62, setting: 1, pipes: 4))[1]
    }
    let blacklisted = decide("blacklist uas\n")
    #expect(blacklisted.drivers.isEmpty)
    #expect(
      blacklisted.candidates.first { $0.driver == "uas" }?.steps.last?.evidence.source
        == "/etc/modprobe.d/a.conf:1")
    #expect(blacklisted.changes.contains { $0.rule == "remove-blacklist" })
    #expect(decide("options usb-storage quirks=1209:0001:u\n").drivers == ["usb_storage"])
    #expect(decide("options usb-storage quirks=1209:0002:u\n").drivers == ["uas"])
    #expect(decide("install uas /bin/false\n").drivers.isEmpty)
  }

  @Test func `several that match are one of, unless one is there already`() {
    let lines = [
      "usb:v12D1p*d*dc*dsc*dp*icFFisc02ip12in* qmi_wwan",
      "usb:v12D1p*d*dc*dsc*dp*icFFisc02ip12in* option",
    ]
    let modules = Self.aliases(lines[0], lines[1])
    let interface = Self.interface(0, 0xFF, 2, 0x12)
    let both = Self.decide(LinuxDriverMatcher(modules: modules), Self.device(0x12D1), interface)[1]
    #expect(both.drivers == ["qmi_wwan", "option"])
    #expect(both.outcome.sentence == "One of qmi_wwan or option binds: whichever is loaded first.")
    #expect(both.changes.count { $0.rule == "load-first" } == 2)
    #expect(both.candidates.first?.match == "usb:v12D1p*d*dc*dsc*dp*icFFisc02ip12in*")
    #expect(both.candidates.first?.origin == "modules.alias:1")
    let loaded = LinuxDriverMatcher(modules: modules, registeredDrivers: ["usbfs", "option"])
    let one = Self.decide(loaded, Self.device(0x12D1), interface)[1]
    #expect(one.drivers == ["option"])
    #expect(one.candidates.last?.steps.last?.rule == "registered-first")
  }

  @Test func `Apple's line for every interface is of a driver of devices`() {
    let modules = Self.aliases(
      "usb:v05ACp*d*dc*dsc*dp*ic*isc*ip*in* apple_mfi_fastcharge",
      "usb:v*p*d*dc*dsc*dp*ic03isc*ip*in* usbhid")
    let matcher = LinuxDriverMatcher(modules: modules)
    let decisions = Self.decide(matcher, Self.device(0x05AC, 0x0221), Self.interface(0, 3, 1, 1))
    #expect(decisions.map(\.drivers) == [["usb"], ["usbhid"]])
    #expect(decisions[1].candidates.last?.verdict == .dropped)
    #expect(
      Self.decide(matcher, Self.device(0x05AC, 0x12A8), Self.interface(0, 3, 1, 1))[0].candidates
        .count == 2)
  }

  @Test func `an id that was written to new_id counts, with its class`() throws {
    let id = try #require(DynamicID("1209 1 ff"))
    let matcher = LinuxDriverMatcher(dynamicIDs: [("ftdi_sio", id)])
    #expect(
      Self.decide(matcher, Self.device(), Self.interface(0, 0xFF, 0, 0))[1].drivers == ["ftdi_sio"])
    #expect(Self.decide(matcher, Self.device(), Self.interface(0, 0xFE, 1, 1))[1].drivers.isEmpty)
    // It needs no loading, so it is before the class driver that does.
    let all = try #require(DynamicID("1209 1"))
    let other = LinuxDriverMatcher(dynamicIDs: [("usbserial_generic", all)])
    #expect(
      Self.decide(other, Self.device(), Self.interface(0, 3, 0, 0))[1].drivers == [
        "usbserial_generic"
      ])
  }

  @Test func `a driver inside the kernel needs no loading and no blacklist keeps it away`() {
    let info = "usbhid.alias=usb:v*p*d*dc*dsc*dp*ic03isc*ip*in*\0"
    let modules = KernelModules(
      aliases: ModuleAliases(Array("alias usb:v1209p*d*dc*dsc*dp*ic*isc*ip*in* mine\n".utf8)),
      builtin: ModuleAliases(builtinInfo: Array(info.utf8)),
      configuration: ModprobeConfiguration([
        ConfigurationFile(directory: "", name: "a.conf", text: "blacklist usbhid")
      ]))
    let decision = Self.decide(
      LinuxDriverMatcher(modules: modules), Self.device(), Self.interface(0, 3, 0, 0))[1]
    #expect(decision.drivers == ["usbhid"])
    #expect(decision.candidates.map(\.verdict) == [.wins, .outranked])
  }

  @Test(arguments: [
    ([0: "usb-storage"], "bound-agrees"), ([:], "bound-differs"), ([0: "uas"], "bound-differs"),
    ([0: "usbfs"], "bound-usbfs"),
  ])
  func `what is bound now is compared`(_ bound: [UInt8: String], _ rule: String) {
    let decision = Self.decide(
      LinuxDriverMatcher(), Self.device(), Self.interface(0, 8, 6, 0x50, pipes: 2), bound: bound)[1]
    #expect(decision.steps.last?.rule == rule)
    #expect(decision.steps.last?.evidence.source == "/sys/bus/usb/devices/1-2:1.0/driver")
  }

  @Test func `commands name the driver as sysfs does, and HID goes on`() {
    let disk = Self.decide(
      LinuxDriverMatcher(), Self.device(), Self.interface(0, 8, 6, 0x50, pipes: 2))[1]
    #expect(
      disk.changes.last?.sentence.contains("echo 1-2:1.0 > /sys/bus/usb/drivers/usb-storage/unbind")
        == true)
    let hub = Self.decide(
      LinuxDriverMatcher(), Self.device(), Self.interface(0, 9, 0, 0), bound: [0: "hub"])[1]
    #expect(hub.steps.last?.rule == "bound-agrees")
    let keyboard = Self.decide(LinuxDriverMatcher(), Self.device(), Self.interface(0, 3, 1, 1))[1]
    #expect(keyboard.steps.last?.rule == "hid-next")
  }

  @Test func `without authorization or a configuration nothing is decided about interfaces`() {
    let configuration = ConfigurationDescriptor(
      maxPower: 250, interfaces: [Self.interface(0, 3, 0, 0)])
    var target = LinuxDriverMatcher.Target(
      device: Self.device(), configurations: [configuration], isAuthorized: false)
    #expect(LinuxDriverMatcher().decisions(for: target).map(\.outcome.rule) == ["not-authorized"])
    target.isAuthorized = true
    target.powerBudget = 100
    #expect(LinuxDriverMatcher().decisions(for: target).map(\.outcome.rule) == ["no-configuration"])
    target.activeConfiguration = 1
    #expect(
      LinuxDriverMatcher().decisions(for: target).map(\.outcome.rule) == [
        "configuration-set", "binds",
      ])
  }

  @Test func `a modalias alone is enough`() throws {
    let name = try Modalias(parsing: "usb:v0525pA4A2d0100dc00dsc00dp00icEFisc04ip01in00")
    #expect(LinuxDriverMatcher().decision(for: name).drivers == ["rndis_host"])
  }

  @Test(
    .enabled(if: ModuleTree.debian != nil, "Debian's modules are not here: Scripts/set-up test"))
  func `the built-in table is what Debian's kernel has of every vendor`() throws {
    let tree = try #require(ModuleTree.debian)
    func general(_ table: ModuleAliases) -> Set<String> {
      Set(
        table.aliases.filter { $0.pattern.hasPrefix("usb:v*") }.map { "\($0.pattern) \($0.module)" }
      )
    }
    #expect(general(tree.aliases).symmetricDifference(general(.builtInTable)) == [])
  }
}
