import DriverMatching
import Testing
import USB

@Suite("What to do on Windows") struct WindowsInstructionTests {
  private static func instructions(
    _ decision: WindowsDecision, on windows: WindowsProfile = .windows11
  ) -> [WindowsInstruction] { WindowsInstruction.of(decision, on: windows) }

  private static func namesST(_ all: [WindowsInstruction]) -> Bool {
    all.contains { instruction in
      (instruction.commands + [instruction.goal]).contains {
        $0.contains("STM32Bootloader") || $0.contains("STTub30") || $0.contains("dpinst")
          || $0.contains("3fe809ab")
      }
    }
  }

  @Test(arguments: [
    DeviceIDs(hardware: [#"USB\VID_1234&PID_DF11&REV_0100"#, #"USB\VID_1234&PID_DF11"#]),
    DeviceIDs(hardware: [#"PCI\VEN_8086"#]),
    DeviceIDs(hardware: [], compatible: [#"USB\MS_COMP_WINUSB"#]),
    DeviceIDs(hardware: [#"USB\VID_0483&PID_DF11&MI_00"#]),
    DeviceIDs(hardware: [#"USB\VID_0483&PID_5740"#], compatible: [#"USB\Class_02&SubClass_02"#]),
  ])
  func `packages of ST are advised for nothing that they do not name`(_ ids: DeviceIDs) {
    let decision = DriverStore([], on: .windows11).decision(for: ids)
    #expect(!Self.namesST(Self.instructions(decision)))
  }

  @Test func `a parent of functions is left alone, and Zadig is for the functions`() {
    let names = WindowsNames(
      NamesTests.bootloader,
      [NamesTests.configuration(ClassTriple(0xFF, 0, 0), ClassTriple(0xFF, 0, 0))], on: .windows11)
    let all = DriverStore([], on: .windows11).decisions(for: names).map {
      Self.instructions($0)
    }
    #expect(all.map { $0.map(\.name) }[0] == ["look", "leave-usbccgp"])
    #expect(all[2].map(\.name) == ["look", "zadig", "makers-package"])
    #expect(all[2][1].steps[1].contains("(Interface 1)"))
    #expect(all.allSatisfy { !Self.namesST($0) })
  }

  @Test func `what is no USB device is none for Zadig`() {
    let decision = DriverStore([], on: .windows11).decision(
      for: DeviceIDs(hardware: [#"PCI\VEN_8086"#]))
    #expect(Self.instructions(decision).map(\.name) == ["look", "makers-package"])
  }

  @Test(arguments: [
    (WindowsProfile.Architecture.x86, ["dpinst_x86.exe"]), (.amd64, ["dpinst_amd64.exe"]),
    (.arm64, []),
  ])
  func `the installer of ST is that of the processor, and none on ARM`(
    _ architecture: WindowsProfile.Architecture, _ commands: [String]
  ) throws {
    let windows = WindowsProfile(build: 26100, architecture: architecture)
    let bound = STM32DecisionTests.decide([try STM32Packages.zadig()], on: windows)
    let last = try #require(Self.instructions(bound, on: windows).last)
    #expect(last.commands == commands)
    #expect(last.name == (commands.isEmpty ? "no-st-package" : "to-sttub30"))
    let none = Self.instructions(STM32DecisionTests.decide([], on: windows), on: windows)
    #expect(
      none.map(\.name) == ["look", commands.isEmpty ? "no-st-package" : "to-winusb", "zadig"])
    let isAdded = none.contains { $0.commands.contains { $0.contains("add-driver") } }
    #expect(isAdded == !commands.isEmpty)
  }

  @Test(arguments: [
    (6002, "pnputil -e", "pnputil -i -a STM32Bootloader.inf"),
    (7601, "pnputil -e", "pnputil -i -a STM32Bootloader.inf"),
    (17763, "pnputil /enum-drivers", "pnputil /add-driver STM32Bootloader.inf /install"),
    (
      19041, "pnputil /enum-devices /connected /deviceids /drivers",
      "pnputil /add-driver STM32Bootloader.inf /install"
    ),
  ])
  func `commands are those that the Windows has`(
    _ build: Int, _ looking: String, _ adding: String
  ) throws {
    let windows = try #require(WindowsProfile.build(build))
    let commands = Self.instructions(STM32DecisionTests.decide([], on: windows), on: windows)
      .flatMap(\.commands)
    #expect(commands.first == looking)
    #expect(commands.last == adding)
    #expect(commands.contains { $0.contains("enum-devices") } == (build >= 19041))
  }

  @Test(arguments: [2600, 3790, 5999]) func `a Windows before Vista is not known`(_ build: Int) {
    #expect(WindowsProfile.build(build) == nil)
  }
}
