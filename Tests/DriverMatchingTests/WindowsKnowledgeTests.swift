import DriverMatching
import Testing
import USB

@Suite("What is known of Windows, as data") struct WindowsKnowledgeTests {
  @Test func `setup classes, interfaces and inbox ids are well-formed and named once`() {
    let guids = SetupClass.all.map(\.guid) + DeviceInterfaceClass.all.map(\.guid)
    #expect(Set(guids).count == guids.count)
    for guid in guids {
      #expect(guid.count == 38)
      #expect(guid == guid.lowercased())
    }
    let ids = InboxDriver.all.map { $0.file + $0.id.lowercased() }
    #expect(Set(ids).count == ids.count)
    for driver in InboxDriver.all {
      #expect(SetupClass.named(driver.className) != nil, "\(driver.file)")
      #expect(driver.id.hasPrefix("USB\\"))
    }
    #expect(SetupClass.of("{36FC9E60-C465-11CF-8056-444553540000}")?.name == "USB")
    #expect(DeviceInterfaceClass.of("{3FE809AB-FB91-4CB5-A643-69670D52366E}") != nil)
  }

  @Test(
    arguments: [
      (#"USB\Class_02&SubClass_02&Prot_01"#, WindowsProfile.windows10, "usbser"),
      (#"USB\Class_02&SubClass_02&Prot_01"#, .windows7, nil),
      (#"USB\MS_COMP_WINUSB"#, .windows7, nil), (#"USB\MS_COMP_WINUSB"#, .windows10, "WINUSB"),
      (#"USB\Class_FE&SubClass_01&Prot_02"#, .windows11, nil), (#"USB\Class_0A"#, .windows11, nil),
      (#"USB\Class_02"#, .windows11, nil),
      (#"usb\class_02&subclass_0d&prot_00"#, .windows11, "UsbNcm"),
      (#"USB\Class_02&SubClass_0D&Prot_00"#, .windows10, nil),
    ] as [(String, WindowsProfile, String?)])
  func `a Windows has the drivers of its time, and none for DFU`(
    _ id: String, _ windows: WindowsProfile, _ service: String?
  ) {
    let decision = DriverStore([], on: windows).decision(
      for: DeviceIDs(hardware: [], compatible: [id]))
    #expect(decision.binding?.service == service)
    #expect(decision.problemCode == (service == nil ? 28 : 0))
  }

  @Test func `what was never seen is said with "usually" and told to be open`() {
    let decision = DriverStore([], on: .windows11).decision(
      for: DeviceIDs(hardware: [], compatible: [#"USB\Class_E0&SubClass_01&Prot_01"#]))
    #expect(decision.decision.outcome.sentence.hasPrefix("Windows usually loads BTHUSB"))
    #expect(!decision.decision.outcome.evidence.certainty.isFirm)
    #expect(decision.nodes[0].notes.map(\.evidence.certainty) == [.open])
  }

  @Test func `a file at hand takes the place of what is known of it`() throws {
    let own = StoredINF(
      try INF(
        text: INFTests.head + "ClassGuid={36fc9e60-c465-11cf-8056-444553540000}\n"
          + "[Manufacturer]\na=M,NTamd64\n[M.NTamd64]\nComposite=C,USB\\COMPOSITE\n"
          + "[C.Services]\nAddService=other,2,x\n", name: "USB.INF"), signer: .inbox)
    let decision = DriverStore([own], on: .windows10).decision(
      for: DeviceIDs(hardware: [], compatible: [#"USB\COMPOSITE"#]))
    #expect(decision.nodes.count == 1)
    #expect(decision.binding?.service == "other")
  }

  @Test func `values in the registry change what Windows is asked for`() {
    let old = MicrosoftIDs(version: 1, entries: [MicrosoftIDs.Entry(compatible: "WINUSB")])
    let new = MicrosoftIDs(version: 2, entries: [MicrosoftIDs.Entry(compatible: "WINUSB")])
    var flags = UsbFlags()
    #expect(flags.applied(to: [old, new]).left == [old, new])
    flags.skipsBinaryObjectStore = true
    #expect(flags.applied(to: [old, new]).left == [old])
    #expect(
      flags.applied(to: [old, new]).steps.map(\.rule) == ["usbflags-skipbosdescriptorquery"])
    flags.isWithoutMicrosoftString = true
    #expect(flags.applied(to: [old, new]).left.isEmpty)
    #expect(
      UsbFlag.key(of: NamesTests.bootloader)
        == #"HKLM\SYSTEM\CurrentControlSet\Control\usbflags\0483DF112200"#)
  }

  @Test(
    arguments: [
      ("206437a1304e", false, "206437A1304E"), (nil, false, nil), ("", false, nil),
      ("A,B", false, nil), ("A\u{E4}", false, nil), ("A\u{1F}", false, nil),
      ("A B~", false, "A B~"),
      ("206437A1304E", true, nil),
    ] as [(String?, Bool, String?)])
  func `a serial number counts where Windows takes every character of it`(
    _ serial: String?, _ isIgnored: Bool, _ expected: String?
  ) {
    var flags = UsbFlags()
    flags.ignoresSerialNumber = isIgnored
    let instance = WindowsInstance(serialNumber: serial, flags: flags)
    if let expected {
      #expect(instance == .serialNumber(expected))
    } else {
      #expect(instance.step.rule == "instance-port")
    }
  }

  @Test
  func `the chain goes through the store, the update, the prompt, the installation and the load`()
    throws
  {
    let names = ["driver-store", "windows-update", "prompt", "install", "load"]
    let bound = DriverChain(
      STM32DecisionTests.decide([try STM32Packages.cube()]), on: .windows11)
    #expect(bound.links.map(\.name) == names)
    #expect(bound.links.map(\.state) == [.passes, .open, .skipped, .passes, .passes])
    #expect(bound.end == nil)
    let none = DriverChain(STM32DecisionTests.decide([]), on: .windows11)
    #expect(none.links.map(\.name) == Array(names.prefix(3)))
    #expect(none.end?.seen.contains("Code 28") == true)
    let unsigned = DriverChain(
      STM32DecisionTests.decide([try STM32Packages.cube(signer: .unsigned)]), on: .windows11)
    #expect(unsigned.end?.name == "install")
    let old = DriverChain(STM32DecisionTests.decide([try STM32Packages.tube()]), on: .windows11)
    #expect(old.links.last?.state == .open)
    #expect(old.links.last?.seen.contains("Code 39") == true)
    #expect(
      Set(
        [WindowsProfile.windows7, .windows10, WindowsProfile(build: 16299)].map {
          DriverChain(STM32DecisionTests.decide([]), on: $0).links[1].sentence
        }
      ).count == 2)
  }

  @Test func `symptoms, instructions and the registry are those of the driver that was chosen`()
    throws
  {
    let cube = STM32DecisionTests.decide([try STM32Packages.cube()])
    let tube = STM32DecisionTests.decide([try STM32Packages.tube()])
    let none = STM32DecisionTests.decide([])
    #expect(WindowsSymptom.of(cube).map(\.proof) == ["Service = WINUSB"])
    #expect(WindowsSymptom.of(tube).map(\.proof) == ["Service = STTub30"])
    #expect(WindowsSymptom.of(none).map(\.problemCode) == [28])
    #expect(
      WindowsInstruction.of(cube, on: .windows11).flatMap(\.commands).contains(
        "pnputil /delete-driver oem12.inf /uninstall"))
    #expect(
      WindowsInstruction.of(cube, on: .windows11).map(\.name) == ["look", "remove", "to-sttub30"])
    #expect(
      WindowsInstruction.of(tube, on: .windows11).map(\.name) == [
        "look", "remove", "to-winusb", "zadig",
      ])
    #expect(
      WindowsInstruction.of(none, on: .windows11).map(\.name) == ["look", "to-winusb", "zadig"])
    let proofs = RegistryProof.of(cube, deviceID: #"USB\VID_0483&PID_DF11"#)
    #expect(
      proofs.map(\.value) == [
        "WinUSB", "{88bae032-5a81-49f0-bc3d-a4ff138216d6}",
        #"{88bae032-5a81-49f0-bc3d-a4ff138216d6}\…"#, STM32Packages.cubeGUID, "oem12.inf",
        #"usb\vid_0483&pid_df11"#, "1.3.0.0", "USB_Install",
        #"%12%\WinUSB.sys (%12% is system32\drivers)"#, "3 (when a device needs it)",
      ])
    #expect(RegistryProof.of(none, deviceID: "").isEmpty)
    for code in [28, 39, 43, 52] { #expect(ProblemCode.of(code) != nil) }
  }

  @Test func `the key of the service shows the driver, and keys that nobody knows are left out`()
    throws
  {
    let tube = RegistryProof.of(
      STM32DecisionTests.decide([try STM32Packages.tube()]),
      deviceID: #"USB\VID_0483&PID_DF11&REV_2200"#)
    let services = #"HKLM\SYSTEM\CurrentControlSet\Services\STTub30"#
    #expect(tube.filter { $0.key == services }.map(\.name) == ["ImagePath", "Start"])
    #expect(tube[0].key == #"HKLM\SYSTEM\CurrentControlSet\Enum\USB\VID_0483&PID_DF11\…"#)
    let bare = DriverStore([], on: .windows11).decision(
      for: DeviceIDs(hardware: [], compatible: [#"USB\MS_COMP_WINUSB"#]))
    let keys = RegistryProof.of(bare, deviceID: "").map(\.key)
    #expect(!keys.isEmpty)
    #expect(keys.allSatisfy { !$0.contains(#"\Enum\"#) })
    let plain = try INF(
      text: INFTests.head + "[Manufacturer]\na=M,NTamd64\n[M.NTamd64]\n"
        + "d=I,USB\\VID_0483&PID_DF11\n[I]\n", name: "plain.inf")
    let unclassed = RegistryProof.of(
      STM32DecisionTests.decide([StoredINF(plain)]), deviceID: #"USB\VID_0483&PID_DF11"#)
    #expect(unclassed.allSatisfy { !$0.key.contains(#"\Class\"#) && !$0.value.isEmpty })
  }

  @Test(arguments: [
    DeviceIDs(hardware: [#"USB\DEVICE_DESCRIPTOR_FAILURE"#]),
    DeviceIDs(hardware: [#"usb\vid_0000&pid_0002"#]),
    DeviceIDs(hardware: [], compatible: [#"usb\device_descriptor_failure"#]),
    DeviceIDs(.deviceDescriptor),
  ])
  func `names of a failed enumeration are Code 43, and no matter of drivers`(_ ids: DeviceIDs) {
    let decision = DriverStore([], on: .windows11).decision(for: ids, product: "Board")
    let name = "Unknown USB Device (Device Descriptor Request Failed)"
    #expect(decision.problemCode == 43)
    #expect(decision.decision.outcome.rule == "code-43")
    #expect(decision.decision.outcome.sentence.contains("\"\(name)\" with Code 43"))
    #expect(decision.decision.steps.first?.rule == "enumeration")
    #expect(decision.decision.changes.isEmpty)
    #expect(decision.binding?.name == name)
    #expect(decision.deviceID == #"USB\VID_0000&PID_0002"#)
    #expect(WindowsSymptom.of(decision).map(\.problemCode) == [43])
    #expect(WindowsInstruction.of(decision, on: .windows11).map(\.name) == ["look"])
    let proofs = RegistryProof.of(decision, deviceID: decision.deviceID)
    #expect(proofs.allSatisfy { !$0.value.isEmpty && $0.name != "Service" })
    let other = DriverStore([], on: .windows11).decision(for: DeviceIDs(.setAddress))
    #expect(WindowsSymptom.of(other).isEmpty)
  }

  @Test func `a device that says 0000:0002 itself was enumerated`() {
    var device = NamesTests.bootloader
    (device.vendor, device.product) = (VendorID(0), ProductID(2))
    let ids = DeviceIDs(device, [NamesTests.configuration(.dfuMode)])
    #expect(EnumerationFailure(naming: ids) == nil)
    #expect(DriverStore([], on: .windows11).decision(for: ids).problemCode == 28)
  }

  @Test func `a symptom says the name and the group that the decision says`() throws {
    let other = try INF(
      text: INFTests.head + "Class=USBDevice\nClassGuid={88bae032-5a81-49f0-bc3d-a4ff138216d6}\n"
        + "CatalogFile=a.cat\n[Manufacturer]\na=M,NTamd64\n[M.NTamd64]\n"
        + "Mine=I,USB\\VID_0483&PID_DF11\n[I]\n[I.Services]\nAddService=STTub30,2,S\n",
      name: "mine.inf")
    let store = DriverStore([StoredINF(other)], on: .windows11)
    let decision = store.decision(for: DeviceIDs(hardware: [#"USB\VID_0483&PID_DF11"#]))
    let seen = try #require(WindowsSymptom.of(decision).first?.seen)
    #expect(seen.hasSuffix("\"Mine\" is under \"Universal Serial Bus devices\"."))
    #expect(!seen.contains("controllers"))
    let none = DriverStore([], on: .windows11).decision(
      for: DeviceIDs(hardware: [#"USB\VID_0483&PID_DF11"#]))
    #expect(WindowsSymptom.of(none).allSatisfy { !$0.seen.contains("BOOTLOADER") })
    let foreign = DriverStore([], on: .windows11).decision(
      for: DeviceIDs(hardware: [#"USB\VID_1234&PID_0001"#]))
    #expect(WindowsSymptom.of(foreign).isEmpty)
  }
}
