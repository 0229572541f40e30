import DFU
import DriverMatching
import Reports
import Testing
import USB

@testable import Workbench

@Suite("The doctor's diagnosis") struct DiagnosisTests {
  static func info(
    _ triple: ClassTriple, _ vendor: UInt16 = 0x0483, _ product: UInt16 = 0xDF11
  ) -> DeviceInfo {
    DeviceInfo(
      id: DeviceID(rawValue: 1), path: PortPath(bus: 1, ports: [2]), address: 5, speed: .full,
      descriptor: DeviceDescriptor(
        vendor: VendorID(vendor), product: ProductID(product),
        deviceVersion: BCDVersion(0x2200)),
      configurations: [
        ConfigurationDescriptor(
          value: 1, interfaces: [InterfaceDescriptor(number: 0, interfaceClass: triple)])
      ], activeConfiguration: 1)
  }

  static func patient(
    _ mode: DFUMode? = .dfu, driver: String? = nil, refusal: HostError.Code? = nil
  ) -> Diagnosis.Patient {
    Diagnosis.Patient(
      info(.dfuMode), mode: mode, driver: driver, interface: "1-2:1.0", refusal: refusal)
  }

  static func remote(_ refusal: HostError.Code) -> Diagnosis.Patient {
    var patient = patient(refusal: refusal)
    patient.isLocal = false
    return patient
  }

  static func machine(
    _ place: Machine.Place = .linux, hasUdev: Bool = true, groups: Set<String> = ["ada"],
    isAtSeat: Bool = false, firstGroup: String = "ada"
  ) -> Machine {
    Machine(
      place: place,
      user: UdevAccess.User(name: "ada", id: 1000, groups: groups, isAtSeat: isAtSeat),
      firstGroup: firstGroup, groups: groups, hasUdev: hasUdev)
  }

  struct Case: CustomTestStringConvertible, Sendable {
    var patient: Diagnosis.Patient?
    var machine = DiagnosisTests.machine()
    var others: [DeviceInfo] = []
    var ticks: [Bool]
    var instruction: String?
    var testDescription: String { instruction ?? "well" }
  }

  static let cases: [Case] = [
    Case(patient: patient(), ticks: [true, true, true, true]),
    Case(
      patient: patient(driver: "usbfs"), ticks: [true, true, true, false], instruction: "busy"),
    Case(
      patient: patient(refusal: .permission), machine: machine(firstGroup: "users"),
      ticks: [true, true, true, false], instruction: "group"),
    Case(
      patient: remote(.permission), ticks: [true, true, true, false], instruction: "remote"),
    Case(patient: nil, ticks: [false], instruction: "plug-in"),
    Case(
      patient: nil, others: [info(ClassTriple(2, 2, 1), 0x0483, 0x5740)], ticks: [false],
      instruction: "boot0"),
    Case(
      patient: nil, others: [info(.dfuRuntime, 0xCAFE, 0x4001)], ticks: [false],
      instruction: "detach"),
    Case(patient: nil, machine: machine(.wsl), ticks: [false], instruction: "wsl-attach"),
    Case(
      patient: nil, machine: machine(.container), ticks: [false], instruction: "container-device"),
    Case(patient: patient(nil), ticks: [true, false], instruction: "no-dfu"),
    Case(patient: patient(.runtime), ticks: [true, false], instruction: "detach"),
    Case(
      patient: patient(driver: "usbserial_generic"), ticks: [true, true, false],
      instruction: "unbind"),
    Case(
      patient: patient(refusal: .permission), ticks: [true, true, true, false],
      instruction: "rule"),
    Case(
      patient: patient(refusal: .permission), machine: machine(.wsl, hasUdev: false),
      ticks: [true, true, true, false], instruction: "wsl-systemd"),
    Case(
      patient: patient(refusal: .permission), machine: machine(.container, hasUdev: false),
      ticks: [true, true, true, false], instruction: "no-udev"),
    Case(patient: patient(refusal: .busy), ticks: [true, true, true, false], instruction: "busy"),
    Case(
      patient: patient(refusal: .notFound), ticks: [true, true, true, false], instruction: "gone"),
  ]

  @Test(arguments: cases)
  func `the first thing that is not right gets one instruction`(_ one: Case) {
    let diagnosis = Diagnosis(of: one.patient, others: one.others, on: one.machine)
    #expect(diagnosis.ticks.map(\.isGood) == one.ticks)
    #expect(
      diagnosis.ticks.map(\.name)
        == Array(["seen", "dfu-mode", "driver", "permission"].prefix(one.ticks.count)))
    #expect(diagnosis.instruction?.name == one.instruction)
    #expect(diagnosis.ticks.allSatisfy { $0.sentence.hasSuffix(".") })
    #expect((diagnosis.remedy != nil) == ["rule", "unbind"].contains(one.instruction))
  }

  @Test(
    arguments: [
      (machine(groups: ["ada", "plugdev"]), "plugdev"), (machine(), "ada"),
      (machine(isAtSeat: true), nil),
    ] as [(Machine, String?)])
  func `the rule opens the node to this user, and to nobody that need not have it`(
    _ machine: Machine, _ group: String?
  ) throws {
    let diagnosis = Diagnosis(of: Self.patient(refusal: .permission), on: machine)
    guard case .rule(let file, let device)? = diagnosis.remedy else {
      Issue.record("no rule")
      return
    }
    #expect(device == "1-2")
    #expect(file.text.contains("GROUP=") == (group != nil))
    // Worked through as udev does it, the rule has to let the user in.
    let rules = UdevRuleSet(UdevRuleSet.standIns + [file.file])
    let info = Self.info(.dfuMode)
    let node = UdevDevice.usb(
      device: info.descriptor, configurations: info.configurations, path: info.path,
      address: info.address, speed: .full)
    let access = UdevAccess(rules.evaluate(node), node)
    #expect(access.verdict(for: machine.user).canWrite)
    let stranger = UdevAccess.User(name: "eve", id: 1001, groups: ["eve"], isAtSeat: false)
    #expect(!access.verdict(for: stranger).canWrite)
  }
}
