import DriverMatching
import Foundation
import Testing
import USB

@Suite("A device and its functions on Windows") struct WindowsDecisionTests {
  private static let modem = [ClassTriple(2, 2, 1), ClassTriple(10, 0, 0)]

  private static func names(
    _ triple: ClassTriple, association: Bool = false, on windows: WindowsProfile = .windows10
  ) -> WindowsNames {
    var device = NamesTests.bootloader
    device.deviceClass = triple
    var configuration = NamesTests.configuration(modem[0], modem[1])
    if association {
      let bytes = InterfaceAssociationDescriptor(
        firstInterface: 0, interfaceCount: 2, functionClass: modem[0]
      ).bytes
      configuration.extra = [
        RawDescriptor(bytes: bytes, offset: 9),
        RawDescriptor(bytes: [9, 4, 2, 0, 0, 0xFF, 0, 0, 0], offset: 17),
      ]
      configuration.interfaces.append(
        InterfaceDescriptor(number: 2, interfaceClass: ClassTriple(0xFF, 0, 0)))
      configuration.interfaceCount = 3
    }
    return WindowsNames(device, [configuration], on: windows)
  }

  @Test func `a modem without an association falls apart, and its halves fail each in its way`() {
    let all = DriverStore([], on: .windows10).decisions(
      for: Self.names(.perInterface), product: "Board", serialNumber: "A1")
    #expect(all.map(\.decision.subject) == ["device", "function MI_00", "function MI_01"])
    #expect(all.map(\.binding?.service) == ["usbccgp", "usbser", nil])
    #expect(all.map(\.problemCode) == [0, 10, 28])
    #expect(all[1].decision.steps.last?.rule == "cdc-split")
    #expect(
      all[0].decision.steps.map(\.rule).prefix(4) == [
        "composite-device-class", "composite-interfaces", "composite-configurations",
        "instance-serial",
      ])
  }

  @Test func `with an association under ef/02/01 it is one function that works`() {
    let all = DriverStore([], on: .windows10).decisions(
      for: Self.names(ClassTriple(0xEF, 2, 1), association: true))
    #expect(all.map(\.binding?.service) == ["usbccgp", "usbser", nil])
    #expect(all.map(\.problemCode) == [0, 0, 28])
    #expect(all[0].decision.steps.contains { $0.rule == "instance-port" })
  }

  @Test func `a modem by its device class is not divided and gets nothing but by its subclass`() {
    let whole = DriverStore([], on: .windows10).decisions(for: Self.names(ClassTriple(2, 2, 1)))
    #expect(whole.map(\.binding?.service) == ["usbser"])
    // A device descriptor that says 02/00/00 is known to get no driver.
    let bare = DriverStore([], on: .windows10).decisions(for: Self.names(ClassTriple(2, 0, 0)))
    #expect(bare.map(\.problemCode) == [28])
  }

  @Test func `a package for the device leaves no functions to decide`() throws {
    let store = DriverStore([try STM32Packages.cube()], on: .windows10)
    let all = store.decisions(for: Self.names(.perInterface))
    #expect(all.map(\.binding?.service) == ["WinUSB"])
  }

  @Test(arguments: [
    (WindowsProfile(build: 22000), false, Certainty.seen), (.windows11, true, .seen),
    (WindowsProfile(build: 22500), false, .open),
  ])
  func `whether there are COMPAT_VID ids is told with how well it is known`(
    _ windows: WindowsProfile, _ has: Bool, _ certainty: Certainty
  ) {
    let names = Self.names(.perInterface, on: windows)
    let step = names.steps.first { $0.rule == "vendor-classes" }
    #expect(step?.evidence.certainty == certainty)
    #expect(names.device.compatible.contains { $0.contains("COMPAT_VID") } == has)
  }

  @Test func `a decision is the same when it comes back from JSON`() throws {
    let store = DriverStore([try STM32Packages.cube(), try STM32Packages.tube()], on: .windows11)
    let decision = store.decision(for: STM32DecisionTests.names.device)
    let data = try JSONEncoder().encode(decision)
    #expect(try JSONDecoder().decode(WindowsDecision.self, from: data) == decision)
  }

  @Test func `descriptors that Windows may give up are told, and sound ones are not`() {
    let sound = NamesTests.configuration(.dfuMode)
    #expect(EnumerationFailure.risks(NamesTests.bootloader, [sound], speed: .full).isEmpty)
    var device = NamesTests.bootloader
    device.maxPacketSize0 = 9
    var configuration = ConfigurationDescriptor(
      interfaces: [
        InterfaceDescriptor(
          number: 1, interfaceClass: .dfuMode,
          endpoints: [
            EndpointDescriptor(address: 0x81, attributes: 2, maxPacketSize: 64, interval: 0),
            EndpointDescriptor(address: 0x81, attributes: 2, maxPacketSize: 64, interval: 0),
          ]), InterfaceDescriptor(number: 0, interfaceClass: .dfuMode),
      ])
    configuration.faults = [
      ParseError(.invalid(value: "1", rule: "32 bytes are there"), field: "wTotalLength", offset: 2)
    ]
    let risks = EnumerationFailure.risks(device, [configuration], speed: .full)
    #expect(risks.count == 4)
    #expect(risks.filter { $0.evidence.certainty == .documented }.count == 1)
    #expect(risks[0].sentence.contains("Invalid Device Descriptor"))
    #expect(EnumerationFailure.risks(device, [configuration], speed: .superSpeed).count == 3)
  }

  @Test func `a file with the id on every line is bounded, and the answer still comes`() throws {
    let lines = (0..<3_000).map { "d\($0) = I\($0),USB\\VID_0483&PID_DF11" }.joined(
      separator: "\n")
    let sections = (0..<300).map { "[I\($0)]\nNeeds = Large\n" }.joined()
    let large = "[Large]\n" + String(repeating: "AddReg = Large\n", count: 5_000)
    let inf = try INF(
      text: INFTests.head + "[Manufacturer]\na=M,NTamd64\nb=M,NTamd64\n[M.NTamd64]\n\(lines)\n"
        + sections + large, name: "large.inf")
    let store = DriverStore([StoredINF(inf)], on: .windows10)
    let decision = store.decision(for: STM32DecisionTests.names.device)
    #expect(decision.nodes.count == 64)
    #expect(decision.decision.candidates.count == 64)
    #expect(decision.binding?.node.line == 7)
  }
}

extension WindowsDecisionTests {
  /// Small files that would come to gigabytes if everything in them were replaced and followed.
  @Test(arguments: [
    String(repeating: "AddReg=" + String(repeating: "%x%,", count: 64) + "\n", count: 600),
    String(repeating: "Needs=" + String(repeating: "%x%,", count: 64) + "\n", count: 600),
    String(repeating: "Include=a.inf,b.inf\nNeeds=L,M,N\n", count: 600),
    String(repeating: "AddService=%x%%x%,2,%x%\n", count: 600),
  ])
  func `tokens, Needs and AddReg in one another are bounded`(_ body: String) throws {
    let models = (0..<100).map { "d=I\($0),USB\\VID_0483&PID_DF11\n" }.joined()
    let installs = (0..<100).flatMap { index in
      ["", ".Services", ".HW"].map { "[I\(index)\($0)]\nNeeds=L\n" }
    }.joined()
    let inf = try INF(
      text: INFTests.head + "[Strings]\nx=" + String(repeating: "y", count: 600)
        + "\n[Manufacturer]\na=M,NTamd64\n[M.NTamd64]\n" + models + installs + "[L]\n" + body,
      name: "deep.inf")
    let nodes = DriverStore([StoredINF(inf)], on: .windows10).nodes(
      for: STM32DecisionTests.names.device)
    #expect(nodes.count == 64)
    #expect(nodes.allSatisfy { ($0.service?.text.count ?? 0) <= 512 })
  }
}

extension WindowsDecisionTests {
  struct Modem: Sendable {
    var control: [UInt8]
    /// What its union descriptor names; nil for none.
    var union: [UInt8]?
    var hasData: Bool
    var code: Int

    static let all = [
      // A pipe for notifications, bulk as it should not be, does not carry data.
      Modem(control: [0x83], union: nil, hasData: true, code: 10),
      Modem(control: [0x83, 0x02], union: [1], hasData: true, code: 10),
      Modem(control: [], union: nil, hasData: false, code: 10),
      Modem(control: [0x83], union: [1], hasData: false, code: 10),
      // All of it in one interface.
      Modem(control: [0x83, 0x02], union: nil, hasData: false, code: 0),
      Modem(control: [0x83, 0x02], union: [0], hasData: false, code: 0),
      Modem(control: [0x83, 0x02], union: [1], hasData: false, code: 0),
    ]
  }

  @Test(arguments: Modem.all)
  func `a control interface whose data is another function cannot start`(_ modem: Modem) {
    var control = InterfaceDescriptor(
      number: 0, interfaceClass: ClassTriple(2, 2, 1),
      endpoints: modem.control.map {
        EndpointDescriptor(address: $0, attributes: 2, maxPacketSize: 64, interval: 0)
      })
    control.extra = [modem.union].compactMap { $0 }.map {
      RawDescriptor(bytes: [UInt8(4 + $0.count), 0x24, 6, 0] + $0, offset: 0)
    }
    let other = InterfaceDescriptor(
      number: 1, interfaceClass: modem.hasData ? ClassTriple(10, 0, 0) : ClassTriple(0xFF, 0, 0))
    let configuration = ConfigurationDescriptor(
      interfaces: modem.hasData || modem.union != [1]
        ? [control, other]
        : [
          control, InterfaceDescriptor(number: 2, interfaceClass: ClassTriple(0xFF, 0, 0)),
        ])
    let all = DriverStore([], on: .windows10).decisions(
      for: WindowsNames(NamesTests.bootloader, [configuration], on: .windows10))
    #expect(all[1].binding?.service == "usbser")
    #expect(all[1].problemCode == modem.code)
    #expect(all[1].decision.steps.contains { $0.rule == "cdc-split" } == (modem.code == 10))
    #expect(all[1].reach.contains { $0.isReached } == (modem.code == 0))
  }

  @Test(arguments: [
    (0x0110, false, ["2.00 or more", "2.01 or more"]),
    (0x0110, true, ["2.00", "2.01", "osvc"]), (0x0200, true, ["2.01", "osvc, which is 00 00"]),
    (0x0200, false, []), (0x0201, true, ["osvc"]), (0x0201, false, []),
  ])
  func `what firmware could ask for names what keeps Windows from asking`(
    _ version: UInt16, _ isWithout: Bool, _ words: [String]
  ) throws {
    var device = NamesTests.bootloader
    device.usbVersion = BCDVersion(version)
    var flags = UsbFlags()
    flags.isWithoutMicrosoftString = isWithout
    let names = WindowsNames(
      device, [NamesTests.configuration(.dfuMode)], flags: flags, on: .windows11)
    let decision = DriverStore([], on: .windows11).decisions(for: names)[0].decision
    let change = try #require(decision.changes.first { $0.rule == "firmware-asks-for-winusb" })
    for word in words { #expect(change.sentence.contains(word)) }
    #expect(change.sentence.contains("osvc") == isWithout)
    #expect(change.sentence.contains("bcdUSB") == words.contains { $0.hasPrefix("2.") })
    // Where it would change nothing, what it needs does not matter.
    let bound = DriverStore([try STM32Packages.cube()], on: .windows11).decisions(for: names)[0]
    let vain = try #require(
      bound.decision.changes.first { $0.rule == "firmware-asks-in-vain" })
    #expect(vain.sentence.contains("all the same"))
    #expect(!vain.sentence.contains("bcdUSB"))
  }

  @Test(arguments: [
    (#"USB\COMPOSITE"#, "USB Composite Device"), (#"USB\Class_03"#, "USB Input Device"),
    (#"USB\Class_02&SubClass_02"#, "USB Serial Device (COMn)"),
    (#"USB\MS_COMP_WINUSB"#, "WinUsb Device"),
    (#"USB\Class_08&SubClass_06&Prot_50"#, "USB Mass Storage Device"),
  ])
  func `Device Manager shows the description of Windows' own files and no service`(
    _ id: String, _ name: String
  ) {
    let decision = DriverStore([], on: .windows11).decision(
      for: DeviceIDs(hardware: [], compatible: [id]))
    #expect(decision.binding?.name == name)
    #expect(decision.decision.outcome.sentence.contains("shows \"\(name)\" under"))
    #expect(decision.decision.candidates[0].steps.contains { $0.rule == "shown-name" })
  }

  @Test func `where the name of a device is not known none is made up`() {
    let decision = DriverStore([], on: .windows11).decision(
      for: DeviceIDs(hardware: [], compatible: [#"USB\MS_COMP_XUSB20"#]))
    #expect(decision.decision.outcome.sentence.contains("shows it under"))
    #expect(decision.binding?.name == "")
  }

  @Test func `a package that is not signed is refused in the outcome as in the chain`() throws {
    let package = try STM32Packages.cube(signer: .unsigned)
    let refused = STM32DecisionTests.decide([package])
    #expect(refused.decision.outcome.rule == "refused")
    #expect(refused.problemCode == 52)
    #expect(refused.decision.drivers.isEmpty)
    #expect(RegistryProof.of(refused, deviceID: #"USB\VID_0483&PID_DF11"#).isEmpty)
    #expect(
      WindowsInstruction.of(refused, on: .windows11).map(\.name) == ["look", "to-winusb", "zadig"])
    #expect(refused.decision.steps.last?.rule == "refused")
    #expect(refused.reach.allSatisfy { !$0.isReached })
    #expect(DriverChain(refused, on: .windows11).end?.name == "install")
    #expect(
      DriverChain(refused, on: .windows11).links[0].sentence.contains("installed at once") == false)
    let windows = WindowsProfile(build: 19045, architecture: .x86)
    #expect(STM32DecisionTests.decide([package], on: windows).problemCode == 0)
  }

  @Test(arguments: [
    ("[I]\nInclude=a.inf\nNeeds=I\n", [5]), ("[I]\nNeeds=I\n", [4]),
    ("[I]\nNeeds=J\n[J]\nx=1\n", []),
    ("[I]\nNeeds=J\n[J]\nNeeds=K,i\n[K]\nNeeds=J\n", [6, 8]),
    ("[I]\nInclude=b.inf\nNeeds=I\n", []), ("[I]\nNeeds=J,J\n[J]\n", []),
  ])
  func `a section that needs itself is told with its line`(_ text: String, _ lines: [Int]) throws {
    let inf = try INF(text: INFTests.head + text, name: "a.inf")
    #expect(inf.findings.filter { $0.slug == "inf-needs-itself" }.map(\.line) == lines)
  }

  @Test func `a chain of sections as long as the file is followed to its end`() throws {
    let chain = (0..<9_000).map { "[S\($0)]\nNeeds=S\(($0 + 1) % 9_000)\n" }.joined()
    let inf = try INF(text: INFTests.head + chain, name: "a.inf")
    #expect(inf.findings.filter { $0.slug == "inf-needs-itself" }.count == 1)
  }
}
