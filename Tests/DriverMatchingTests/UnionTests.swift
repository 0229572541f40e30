import DriverMatching
import Testing
import USB

/// What usbccgp makes of union descriptors, with an INF of ours that asks for them and one that does not.
@Suite("Functions by union descriptors") struct UnionTests {
  static let control = ClassTriple(2, 2, 0)
  static let data = ClassTriple(10, 0, 0)

  /// A package for a composite device, and for one of its functions.
  static func package(
    _ install: String = "AddReg = Keys\n",
    _ keys: String = "HKR,,EnumeratorClass,0x00000001,02,00,00",
    more: String = ""
  ) throws -> StoredINF {
    StoredINF(
      try INF(
        text: INFTests.head
          + """
          ClassGuid = {36fc9e60-c465-11cf-8056-444553540000}
          Class = USB
          CatalogFile = board.cat
          DriverVer = 01/02/2024,1.0.0.0
          [Manufacturer]
          Us = Board,NTamd64
          [Board.NTamd64]
          Whole = Whole,USB\\VID_0483&PID_DF11
          Port = Port,USB\\Vid_0483&Pid_DF11&Cdc_02&MI_00
          [Whole.NT]
          Include = usb.inf
          Needs = Composite.Dev.NT
          \(install)
          [Whole.NT.Services]
          Include = usb.inf
          Needs = Composite.Dev.NT.Services
          [Keys]
          \(keys)
          [Port.NT]
          [Port.NT.Services]
          AddService = ourport,2,Service
          [Service]
          ServiceType = 1
          \(more)
          """, name: "oem7.inf"))
  }

  static func union(_ bytes: UInt8..., length: UInt8? = nil) -> RawDescriptor {
    RawDescriptor(bytes: [length ?? UInt8(3 + bytes.count), 0x24, 6] + bytes, offset: 0)
  }

  static func names(
    _ interfaces: [(ClassTriple, [RawDescriptor])], _ triple: ClassTriple = .perInterface,
    on windows: WindowsProfile = .windows10
  ) -> WindowsNames {
    var device = NamesTests.bootloader
    device.deviceClass = triple
    let configuration = ConfigurationDescriptor(
      interfaces: interfaces.enumerated().map {
        InterfaceDescriptor(
          number: UInt8($0.offset), interfaceClass: $0.element.0, extra: $0.element.1)
      })
    return WindowsNames(device, [configuration], on: windows)
  }

  static let pair = [(control, [union(0, 1)]), (data, [])]

  private static func decide(
    _ package: StoredINF?, _ names: WindowsNames
  ) -> [WindowsDecision] {
    DriverStore([package].compactMap { $0 }, on: .windows10).decisions(for: names)
  }

  private static func groups(
    _ interfaces: [(ClassTriple, [RawDescriptor])], keys: String = "",
    _ triple: ClassTriple = .perInterface
  ) throws -> [WindowsNames.Function] {
    let all = names(interfaces, triple)
    let package = try package(
      "AddReg = Keys", "HKR,,EnumeratorClass,1,02,00,00\n" + keys)
    let settings: CompositeSettings = try #require(
      decide(package, all)[0].binding?.node.composite)
    return all.divided(by: settings).functions
  }

  @Test func `an INF that sets EnumeratorClass has a pair without association be one function`()
    throws
  {
    let all = Self.decide(try Self.package(), Self.names(Self.pair))
    #expect(all.map(\.decision.subject) == ["device", "function MI_00"])
    #expect(all.map(\.binding?.service) == ["usbccgp", "ourport"])
    #expect(all.map(\.problemCode) == [0, 0])
    #expect(
      Array(all[1].decision.names.prefix(4)) == [
        #"USB\Vid_0483&Pid_df11&Rev_2200&Cdc_02&MI_00"#, #"USB\Vid_0483&Pid_df11&Rev_2200&Cdc_02"#,
        #"USB\Vid_0483&Pid_df11&Cdc_02&MI_00"#, #"USB\Vid_0483&Pid_df11&Cdc_02"#,
      ])
    #expect(
      Array(all[1].decision.names.suffix(3)) == [
        #"USB\Class_02&SubClass_02&Prot_00"#, #"USB\Class_02&SubClass_02"#, #"USB\Class_02"#,
      ])
    #expect(all[1].binding?.node.rank.rawValue == 0x00FF_0002)
    #expect(all[1].deviceID == #"USB\VID_0483&PID_DF11&CDC_02&MI_00"#)
    let step = try #require(all[1].decision.steps.first)
    #expect(step.rule == "function-union")
    #expect(
      step.sentence
        == "Interfaces 0 and 1 are one function by the union descriptor of interface 0 (EnumeratorClass of "
        + "oem7.inf:21).")
    #expect(step.evidence.certainty == .documented)
    let reason = all[0].decision.steps.first { $0.rule == "composite-enumerator" }
    #expect(reason?.sentence.hasPrefix("oem7.inf:21 sets EnumeratorClass to 02 00 00") == true)
    #expect(!all[0].decision.steps.contains { $0.rule == "composite-taken" })
  }

  @Test(arguments: [
    "", "HKR,,EnumeratorClass,1,00,00,02", "HKR,,EnumeratorClass,1,02,00",
    "HKR,,EnumeratorClass,0x00010001,2", "HKR,,EnumeratorClass,0,02,00,00",
    "HKR,Sub,EnumeratorClass,1,02,00,00", "HKLM,,EnumeratorClass,1,02,00,00",
    "HKR,,EnumeratorClass,1,02,00,000", "HKR,,EnumeratorClass,1,+2,00,00",
    "HKR,,EnumeratorClass,1,02,00,00\nHKR,,EnumeratorClass,4",
    "HKR,,EnumeratorClass,0x21,02,00,00", "HKR,,EnumeratorClass,1",
  ])
  func `without these very bytes in the software key the functions are as ever`(
    _ keys: String
  )
    throws
  {
    let all = Self.decide(try Self.package("AddReg = Keys", keys), Self.names(Self.pair))
    #expect(all.map(\.binding?.service) == ["usbccgp", "usbser", nil])
    #expect(all.map(\.problemCode) == [0, 10, 28])
    #expect(all.dropFirst().map(\.decision.steps[0].rule) == ["function-alone", "function-alone"])
    #expect(all[1].decision.names[0] == #"USB\VID_0483&PID_DF11&REV_2200&MI_00"#)
    // The line of the file for the other name is told to be that.
    let near = all[1].decision.candidates.first { $0.match?.contains("Cdc_02") == true }
    #expect(near?.steps[0].sentence.contains("EnumeratorClass") == true)
  }

  @Test(arguments: [
    "hkr,,enumeratorclass,0x00000001,2,0,0", "HKR,,EnumeratorClass,0x00030001,02,00,00",
    "HKR,,EnumeratorClass,1,00,00,00\nHKR,,EnumeratorClass,1,02,00,00",
    "HKR,,EnumeratorClass,1,02,00,00\nHKR,,EnumeratorClass,3,00,00,00",
  ])
  func `the value may be written in other ways`(_ keys: String) throws {
    let all = Self.decide(try Self.package("AddReg = Keys", keys), Self.names(Self.pair))
    #expect(all.map(\.binding?.service) == ["usbccgp", "ourport"])
  }

  @Test func `a value in the hardware key is told not to count`() throws {
    let package = try Self.package(
      "", more: "[Whole.NT.HW]\nAddReg = Keys\n")
    let all = Self.decide(package, Self.names(Self.pair))
    #expect(all.count == 3)
    let step = all[0].decision.steps.first { $0.rule == "composite-enumerator" }
    #expect(step?.sentence.contains("hardware key") == true)
  }

  @Test func `a section that is needed brings the value too`() throws {
    let package = try Self.package(
      "Needs = Composite.Dev.NT, More", more: "[More]\nAddReg = Keys\n")
    #expect(Self.decide(package, Self.names(Self.pair)).count == 2)
  }

  @Test func `without an INF for the device unions change nothing`() {
    let with = Self.decide(nil, Self.names(Self.pair))
    let without = Self.decide(nil, Self.names([(Self.control, []), (Self.data, [])]))
    #expect(with == without)
    #expect(with.map(\.problemCode) == [0, 10, 28])
  }

  @Test func `two pairs are two functions, though their interfaces do not follow each other`()
    throws
  {
    let functions = try Self.groups([
      (Self.control, [Self.union(0, 2)]), (Self.control, [Self.union(1, 3)]), (Self.data, []),
      (Self.data, []),
    ])
    #expect(functions.map(\.interfaces) == [[0, 2], [1, 3]])
    #expect(functions.map(\.number) == [0, 1])
    #expect(functions[1].ids.hardware[2] == #"USB\Vid_0483&Pid_df11&Cdc_02&MI_01"#)
  }

  @Test func `a union that names an absent interface, itself or one twice loses only that`() throws
  {
    let functions = try Self.groups([
      (Self.control, [Self.union(0, 0, 1, 1, 9)]), (Self.data, []),
    ])
    #expect(functions.map(\.interfaces) == [[0, 1]])
    #expect(functions[0].step.sentence.contains("; 9, named there too, does not exist"))
  }

  @Test func `an interface of two unions stays in the first, one with a union keeps its own`()
    throws
  {
    let functions = try Self.groups([
      (Self.control, [Self.union(0, 1, 2)]), (Self.data, []),
      (Self.control, [Self.union(2, 1, 3)]), (Self.data, []),
    ])
    #expect(functions.map(\.interfaces) == [[0, 1], [2, 3]])
    #expect(functions[0].step.sentence.contains("; 2, named there too, belongs to another union"))
    #expect(functions.map(\.step.evidence.certainty) == [.derived, .derived])
  }

  @Test(arguments: [
    RawDescriptor(bytes: [5, 0x24, 6], offset: 0), RawDescriptor(bytes: [], offset: 0),
    RawDescriptor(bytes: [6], offset: 0), union(0, 1, length: 200), union(0, 1, length: 0),
    union(0, 1, length: 3), RawDescriptor(bytes: [5, 0x24, 1, 0, 1], offset: 0),
    RawDescriptor(bytes: [5, 0x25, 6, 0, 1], offset: 0),
  ])
  func `a union that is shorter than it says is none`(_ raw: RawDescriptor) throws {
    let functions = try Self.groups([(Self.control, [raw]), (Self.data, [])])
    #expect(functions.map(\.interfaces) == [[0], [1]])
    #expect(functions.map(\.step.rule) == ["function-alone", "function-alone"])
  }

  @Test func `subtype 6 of audio and video is no union`() throws {
    let functions = try Self.groups([
      (ClassTriple(1, 1, 0), [Self.union(0, 1)]), (ClassTriple(0xFF, 0, 0), []),
      (ClassTriple(0x0E, 1, 0), [Self.union(2, 1)]),
    ])
    #expect(functions.map(\.interfaces) == [[0], [1], [2]])
  }

  @Test func `interfaces that no union names follow the further rules`() throws {
    let functions = try Self.groups([
      (ClassTriple(1, 1, 0), []), (ClassTriple(1, 2, 0), []),
      (Self.control, [Self.union(2, 3, 0)]), (Self.data, []), (ClassTriple(0xFF, 0, 0), []),
    ])
    #expect(functions.map(\.interfaces) == [[0, 1], [2, 3], [4]])
    #expect(
      functions.map(\.step.rule) == ["function-audio", "function-union", "function-alone"])
    #expect(functions[2].ids.hardware.last == #"USB\VID_0483&PID_DF11&MI_04"#)
  }

  @Test func `associations that begin alike do not make two functions of one name`() {
    var device = NamesTests.bootloader
    device.deviceClass = ClassTriple(0xEF, 2, 1)
    let associations = [3, 89].map { (count: UInt8) in
      RawDescriptor(
        bytes: InterfaceAssociationDescriptor(
          firstInterface: 1, interfaceCount: count, functionClass: Self.control
        ).bytes, offset: 0)
    }
    let configuration = ConfigurationDescriptor(
      extra: associations,
      interfaces: [0, 2, 5].map {
        InterfaceDescriptor(number: $0, interfaceClass: Self.control)
      })
    let names = WindowsNames(device, [configuration], on: .windows10)
    #expect(names.functions.map(\.number) == [0, 1, 5])
  }

  @Test func `a union comes before an association`() throws {
    let association = InterfaceAssociationDescriptor(
      firstInterface: 0, interfaceCount: 3, functionClass: Self.control)
    let functions = try Self.groups(
      [
        (Self.control, [RawDescriptor(bytes: association.bytes, offset: 0), Self.union(0, 1)]),
        (Self.data, []), (ClassTriple(0xFF, 0, 0), []),
      ], ClassTriple(0xEF, 2, 1))
    #expect(functions.map(\.interfaces) == [[0, 1], [2]])
    #expect(functions.map(\.step.rule) == ["function-union", "function-association"])
    // Not the number of the interface that the union has taken.
    #expect(functions.map(\.number) == [0, 2])
  }

  static let phone: [(ClassTriple, [RawDescriptor])] = [
    (ClassTriple(2, 8, 0), [union(0, 1, 3, 5)]), (ClassTriple(2, 2, 1), [union(1, 2)]), (data, []),
    (ClassTriple(2, 0x0B, 0), [union(3, 4)]), (data, []), (ClassTriple(2, 0x0B, 0), [union(5, 6)]),
    (data, []), (ClassTriple(2, 9, 1), []),
  ]

  @Test func `a logical handset is hidden, and what is in it is not`() throws {
    let functions = try Self.groups(Self.phone)
    #expect(functions.map(\.interfaces) == [[1, 2], [3, 4], [5, 6], [7]])
    #expect(
      functions.compactMap(\.ids.hardware.last) == [
        #"USB\Vid_0483&Pid_df11&Cdc_Modem"#, #"USB\Vid_0483&Pid_df11&Cdc_0B"#,
        #"USB\Vid_0483&Pid_df11&Cdc_0B"#, #"USB\Vid_0483&Pid_df11&Cdc_09"#,
      ])
    #expect(functions[0].ids.compatible[0] == #"USB\Class_02&SubClass_Modem&Prot_01"#)
    #expect(functions[0].step.evidence.certainty == .open)
  }

  @Test func `CdcFlags shows the handset and joins OBEX`() throws {
    let functions = try Self.groups(Self.phone, keys: "HKR,,CdcFlags,0x00010001,0x00000011")
    #expect(functions.map(\.interfaces) == [[0], [1, 2], [3, 4, 5, 6], [7]])
    #expect(
      functions[2].ids.hardware == [
        #"USB\Vid_0483&Pid_df11&Rev_2200&WPD_OBEX&MI_03"#,
        #"USB\Vid_0483&Pid_df11&Rev_2200&WPD_OBEX"#,
        #"USB\Vid_0483&Pid_df11&WPD_OBEX&MI_03"#, #"USB\Vid_0483&Pid_df11&WPD_OBEX"#,
      ])
    #expect(functions[2].ids.compatible == [#"USB\Class_02&WPD_OBEX"#, #"USB\Class_02"#])
  }

  @Test(arguments: [
    ("0x00010001,0", false, false, Certainty.documented), ("0x00010001,1", true, false, .open),
    ("0x00010001,0x11", true, true, .documented), ("0x00010001,0x10", false, true, .open),
    ("0x00010001,11,00,00,00", true, true, .documented),
    ("0x00010001,0x00010001", true, true, .documented),
  ])
  func `CdcFlags is read with how well its bits are known`(
    _ value: String, _ joins: Bool, _ shows: Bool, _ certainty: Certainty
  ) throws {
    let package = try Self.package(
      "AddReg = Keys", "HKR,,EnumeratorClass,1,02,00,00\nHKR,,CdcFlags," + value)
    let settings = try #require(
      Self.decide(package, Self.names(Self.pair))[0].binding?.node.composite)
    #expect(settings.hasSingleOBEX == joins)
    #expect(settings.hasHandsets == shows)
    #expect(settings.steps.last?.evidence.certainty == certainty)
  }

  @Test func `an INF that loads usbccgp for a device of class 2 has its functions appear`() throws {
    let names = Self.names(Self.pair, ClassTriple(2, 0, 0))
    #expect(names.functions.isEmpty)
    let plain = Self.decide(try Self.package(""), names)
    #expect(plain.map(\.decision.subject) == ["device", "function MI_00", "function MI_01"])
    #expect(
      Self.decide(try Self.package(), names).map(\.binding?.service) == ["usbccgp", "ourport"])
  }

  @Test
  func `a modem in one interface, or with its data by an association, is not said to be split`() {
    let bulk = [0x81, 0x01].map {
      EndpointDescriptor(address: UInt8($0), attributes: 2, maxPacketSize: 64, interval: 0)
    }
    let configuration = ConfigurationDescriptor(interfaces: [
      InterfaceDescriptor(number: 0, interfaceClass: ClassTriple(2, 2, 1), endpoints: bulk),
      InterfaceDescriptor(number: 1, interfaceClass: ClassTriple(0xFF, 0, 0)),
    ])
    let all = Self.decide(nil, WindowsNames(NamesTests.bootloader, [configuration], on: .windows10))
    #expect(all.map(\.binding?.service) == ["usbccgp", "usbser", nil])
    #expect(all.map(\.problemCode) == [0, 0, 28])
  }

  @Test(arguments: [
    (#"USB\Vid_0483&Pid_5740&Rev_0200&Cdc_02&MI_00"#, #"USB\VID_0483&PID_5740&CDC_02&MI_00"#),
    (#"USB\Vid_0483&Pid_5740&Rev_0200&WPD_OBEX"#, #"USB\VID_0483&PID_5740&WPD_OBEX"#),
    (#"USB\VID_0483&PID_5740&REV_0200&MI_00"#, #"USB\VID_0483&PID_5740&MI_00"#),
  ])
  func `an id without its revision keeps the rest`(_ id: String, _ expected: String) {
    #expect(HardwareID(id)?.withoutRevision == expected)
  }

  @Test(arguments: [
    ("", "ff", 0), ("HKR,,OriginalConfigurationValue,0x00010001,1", "03", 1),
    ("HKR,,OriginalConfigurationValue,0x00010001,0", "ff", 1),
    ("HKR,,OriginalConfigurationValue,0x00010001,2", "ff", 1),
    ("HKR,,OriginalConfigurationValue,0x00010001,0xFFFFFFFF", "ff", 1),
    ("HKR,,OriginalConfigurationValue,1,01", "ff", 0),
  ])
  func `an INF may have usbccgp take another configuration`(
    _ keys: String, _ triple: String, _ steps: Int
  ) throws {
    let package = try Self.package("", more: "[Whole.NT.HW]\nAddReg = Choice\n[Choice]\n\(keys)\n")
    let configurations = [
      NamesTests.configuration(ClassTriple(0xFF, 0, 0), ClassTriple(0xFF, 0, 0)),
      NamesTests.configuration(ClassTriple(3, 0, 0)),
    ]
    var device = NamesTests.bootloader
    device.configurationCount = 2
    let all = Self.decide(package, WindowsNames(device, configurations, on: .windows10))
    #expect(all.count == (triple == "ff" ? 3 : 2))
    #expect(
      all[1].decision.names.contains {
        $0.hasSuffix("&Class_\(triple)") || $0 == "USB\\Class_\(triple)"
      })
    #expect(all[0].decision.steps.filter { $0.rule == "composite-configuration" }.count == steps)
  }

  @Test func `a union that names another as its master groups under that one`() throws {
    let functions = try Self.groups([
      (Self.control, []), (Self.data, [Self.union(0, 1)]),
      // No interface of audio can be a master, so that the one with the union is.
      (Self.control, [Self.union(4, 3)]), (Self.data, []), (ClassTriple(1, 1, 0), []),
    ])
    #expect(functions.map(\.interfaces) == [[0, 1], [2, 3], [4]])
    #expect(functions.map(\.step.evidence.certainty) == [.derived, .derived, .documented])
  }

  @Test func `video that a union names is one function with its streams, and not named by CDC`()
    throws
  {
    let functions = try Self.groups([
      (Self.control, [Self.union(0, 1, 2, 3)]), (Self.data, []), (ClassTriple(0x0E, 1, 0), []),
      (ClassTriple(0x0E, 2, 0), []), (ClassTriple(0x0E, 1, 0), []),
    ])
    #expect(functions.map(\.interfaces) == [[0, 1], [2, 3], [4]])
    #expect(functions[1].ids.hardware.last == #"USB\VID_0483&PID_DF11&MI_02"#)
  }

  @Test func `subclasses that no document lists are named alike, and said to be derived`() throws {
    let functions = try Self.groups([
      (ClassTriple(2, 0x0D, 0), [Self.union(0, 1)]), (Self.data, []),
    ])
    #expect(functions[0].ids.hardware.last == #"USB\Vid_0483&Pid_df11&Cdc_0D"#)
    #expect(functions[0].step.evidence.certainty == .derived)
  }

  @Test func `Windows 11 has COMPAT_VID ids for them too`() throws {
    let all = DriverStore([try Self.package()], on: .windows11).decisions(
      for: Self.names(Self.pair, on: .windows11))
    #expect(all[1].binding?.service == "ourport")
    #expect(all[1].decision.names.contains(#"USB\COMPAT_VID_0483&Class_02"#))
  }

  /// Every interface has unions that name all the others, several times.
  @Test func `as many unions as a configuration can hold are bounded`() throws {
    let all = RawDescriptor(bytes: [255, 0x24, 6] + (0..<252).map { UInt8($0) }, offset: 0)
    let interfaces = (0..<256).map { (index: Int) -> (ClassTriple, [RawDescriptor]) in
      let own = Self.union(UInt8(index), UInt8(255 - index))
      let triple = index % 3 == 0 ? ClassTriple(0x0E, 1, 0) : Self.control
      return (triple, Array(repeating: all, count: 16) + [own])
    }
    let functions = try Self.groups(interfaces)
    #expect(functions.flatMap(\.interfaces).sorted() == Array(0...255))
    #expect(functions.allSatisfy { $0.step.sentence.utf8.count < 1_500 })
  }
}
