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
