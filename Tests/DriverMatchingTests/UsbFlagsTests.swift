import DriverMatching
import Testing
import USB

@Suite("What the registry says of a device") struct UsbFlagsTests {
  static let device = NamesTests.bootloader
  static let old = MicrosoftIDs(version: 1, entries: [MicrosoftIDs.Entry(compatible: "WINUSB")])

  private static func names(
    _ flags: UsbFlags, _ microsoft: [MicrosoftIDs] = [old]
  ) -> WindowsNames {
    var device = device
    device.usbVersion = BCDVersion(0x0201)
    return WindowsNames(
      device, [NamesTests.configuration(.dfuMode)], microsoft: microsoft, flags: flags,
      on: .windows10)
  }

  private static func reading(_ text: String) throws -> UsbFlagsReading {
    try UsbFlagsReading(Array(text.utf8), name: "flags.txt", of: device)
  }

  @Test func `a control set of an earlier start does not count beside the current one`() throws {
    func key(_ set: String) -> String {
      #"HKEY_LOCAL_MACHINE\SYSTEM\"# + set + #"\Control\usbflags\0483DF112200"#
    }
    let current = key("CurrentControlSet") + "\n    osvc    REG_BINARY    0000\n\n"
    let other =
      key("ControlSet002")
      + "\n    osvc    REG_BINARY    0120\n    ResetOnResume    REG_DWORD    0x1\n"
    for text in [current + other, other + current] {
      let flags = try Self.reading(text).flags
      #expect(flags.settings.map(\.data) == [[0, 0]])
      #expect(flags.isWithoutMicrosoftString)
    }
    #expect(try Self.reading(other).flags.settings.count == 2)
  }

  @Test(
    arguments: [
      ("osvc=0000", [0, 0]), ("OSVC = 01 20", [1, 0x20]), ("osvc=01,01", [1, 1]),
      ("IgnoreHWSerNum=1", [1]), ("resetonresume=0x1", [1]), ("ResetOnResume=0x0001", [0, 1]),
      ("SkipContainerIdQuery=01000000", [1, 0, 0, 0]), ("osvc=0x120", [1, 0x20]),
      ("SkipBOSDescriptorQuery=dword:00000001", [0, 0, 0, 1]), ("osvc=hex:01,20", [1, 0x20]),
      ("SkipBOSDescriptorQuery=hex(4):01,00,00,00", [1, 0, 0, 0]),
    ] as [(String, [UInt8])])
  func `a setting is read as people type it`(_ text: String, _ data: [UInt8]) throws {
    let setting = try UsbFlagSetting(parsing: text)
    #expect(setting.data == data)
    #expect(UsbFlag.all.contains { $0.name == setting.name })
  }

  @Test(arguments: [
    ("osvc", "usbflags-no-setting"), ("", "usbflags-no-setting"),
    ("=1", "usbflags-unknown-name"), ("Osvcc=1", "usbflags-unknown-name"),
    ("IgnoreHWSerNum0483=1", "usbflags-unknown-name"),
    ("IgnoreHWSerNum0483DF1=1", "usbflags-unknown-name"),
    ("IgnoreHWSerNum0483DF1G=1", "usbflags-unknown-name"),
    ("IgnoreHWSerNum0483DF1122=1", "usbflags-unknown-name"),
    ("ResetOnResume=", "usbflags-unreadable-data"),
    ("ResetOnResume=yes", "usbflags-unreadable-data"),
    ("ResetOnResume=-1", "usbflags-unreadable-data"),
    ("ResetOnResume=+1", "usbflags-unreadable-data"),
    ("ResetOnResume=010", "usbflags-unreadable-data"),
    ("ResetOnResume=0x", "usbflags-unreadable-data"),
    ("ResetOnResume=\u{FF11}", "usbflags-unreadable-data"), ("osvc=00", "usbflags-unknown-answer"),
    ("osvc=0200", "usbflags-unknown-answer"), ("osvc=0001", "usbflags-unknown-answer"),
    ("MsOs20DescriptorSetInfo=" + String(repeating: "00", count: 257), "usbflags-unreadable-data"),
    (String(repeating: "x", count: 100_000) + "=1", "usbflags-unknown-name"),
  ])
  func `what is no setting is refused with what is known`(_ text: String, _ slug: String) {
    do {
      let setting = try UsbFlagSetting(parsing: text)
      Issue.record("\(setting)")
    } catch {
      #expect(error.slug == slug)
      #expect(error.sentence.utf8.count < 200)
      #expect(error.help?.isEmpty == false)
      if slug == "usbflags-unknown-name" {
        #expect(error.help?.contains("SkipContainerIdQuery") == true)
      }
    }
  }

  @Test func `a name with a product counts for that product alone`() throws {
    let own = try UsbFlags(parsing: ["IgnoreHWSerNum0483df11=1"])
    let other = try UsbFlags(parsing: ["IgnoreHWSerNum04835740=1"])
    let off = try UsbFlags(parsing: ["IgnoreHWSerNum0483DF11=0"])
    let store = DriverStore([], on: .windows10)
    for (flags, rule) in [
      (own, "instance-port"), (other, "instance-serial"), (off, "instance-serial"),
    ] {
      let decision = store.decisions(for: Self.names(flags), serialNumber: "A1")[0].decision
      #expect(decision.steps.contains { $0.rule == rule })
      #expect(decision.steps.contains { $0.rule == "usbflags-ignorehwsernum" })
    }
    let step = Self.names(other).steps.first { $0.rule == "usbflags-ignorehwsernum" }
    #expect(step?.sentence.hasSuffix("it is for another product, and does not count.") == true)
  }

  @Test func `osvc 00 00 takes the ids of version 1 away, and 01 xx says the code`() throws {
    let without = Self.names(try UsbFlags(parsing: ["osvc=0000"]))
    #expect(!without.device.compatible.contains(#"USB\MS_COMP_WINUSB"#))
    #expect(without.steps.filter { $0.rule == "usbflags-osvc" }.count == 1)
    let with = Self.names(try UsbFlags(parsing: ["osvc=0000", "osvc=0142"]))
    #expect(with.device.compatible.first == #"USB\MS_COMP_WINUSB"#)
    #expect(
      with.steps.first { $0.rule == "usbflags-osvc" }?.sentence.contains("vendor code 0x42") == true
    )
    let nothing = Self.names(try UsbFlags(parsing: ["osvc=0000"]), [])
    #expect(
      nothing.steps.first { $0.rule == "usbflags-osvc" }?.sentence.contains("nothing changes")
        == true)
  }

  @Test func `SkipBOSDescriptorQuery takes the ids of version 2 away`() throws {
    var new = Self.old
    new.version = 2
    let flags = try UsbFlags(parsing: ["SkipBOSDescriptorQuery=1"])
    #expect(Self.names(flags, [new]).device.compatible.count == 3)
    #expect(Self.names(UsbFlags(), [new]).device.compatible.count == 4)
    #expect(
      Self.names(try UsbFlags(parsing: ["SkipBOSDescriptorQuery=0"]), [new]).device.compatible.count
        == 4)
  }

  @Test(arguments: UsbFlag.all.map(\.name))
  func `each setting has a step with its evidence, on or off`(_ name: String) throws {
    for value in ["0000", "0100"] {
      let flags = try UsbFlags(parsing: ["\(name)=\(value)"])
      let steps = Self.names(flags, []).steps.filter { $0.rule == "usbflags-" + name.lowercased() }
      #expect(steps.count == 1)
      #expect(
        steps.map(\.evidence) == UsbFlag.all.filter { $0.name == name }.map(\.evidence))
      let isOff = value == "0000" && name != "osvc"
      #expect(steps[0].sentence.hasSuffix("that is as if it were not set.") == isOff)
    }
  }

  static let printed = """

    HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\usbflags
        IgnoreHWSerNum0483DF11    REG_BINARY    01
        IgnoreHWSerNum05C69025    REG_BINARY    01
        GlobalDisableSerNumGen    REG_BINARY    01
        ResetOnResume    REG_DWORD    0x1

    HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\usbflags\\0483DF112100
        osvc    REG_BINARY    0142

    HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\usbflags\\0483DF112200
        (Default)    REG_SZ    (value not set)
        osvc    REG_BINARY    0000
        SkipBOSDescriptorQuery    REG_DWORD    0x1
        ResetOnResume    REG_SZ    1
        something else

    HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\usbflags\\0483DF112200\\Sub
        SkipContainerIdQuery    REG_BINARY    01000000

    """.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")

  @Test func `what reg.exe prints gives the values of the device, and those of its product`() throws
  {
    let reading = try Self.reading(Self.printed)
    #expect(reading.hasKey)
    #expect(
      reading.flags.settings.map(\.fullName) == [
        "IgnoreHWSerNum0483DF11", "osvc", "SkipBOSDescriptorQuery",
      ])
    #expect(
      reading.flags.settings.map(\.place) == ["flags.txt:3", "flags.txt:13", "flags.txt:14"])
    #expect(reading.flags.isWithoutMicrosoftString)
    #expect(reading.flags.skipsBinaryObjectStore)
    #expect(
      reading.findings.map(\.slug) == [
        "usbflags-unknown-name", "usbflags-wrong-key", "usbflags-unreadable-data",
        "usbflags-odd-line",
      ])
    #expect(reading.findings.map(\.line) == [5, 6, 15, 16])
  }

  static let exported = """
    Windows Registry Editor Version 5.00

    ; mine
    [HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\UsbFlags]
    "IgnoreHWSerNum0483df11"=hex:01
    [HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\usbflags\\0483df112200]
    @="a"
    "osvc"=hex:00,00
    "SkipBOSDescriptorQuery"=dword:00000001
    "MsOs20DescriptorSetInfo"=hex:00,00,\\
      03,06,\\
      b2,00
    "ResetOnResume"="1"
    "SkipContainerIdQuery"=hex:01,00,00,00
    "SkipContainerIdQuery"=-
    """

  /// The same text in the three encodings that exports have.
  static let encodings: [[UInt8]] = [
    Array(exported.utf8), [0xEF, 0xBB, 0xBF] + Array(exported.utf8),
    [0xFF, 0xFE] + exported.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] },
  ]

  @Test(arguments: encodings)
  func `an export of regedit is read in each encoding`(_ bytes: [UInt8]) throws {
    let reading = try UsbFlagsReading(bytes, name: "a.reg", of: Self.device)
    #expect(
      reading.flags.settings.map(\.name) == [
        "IgnoreHWSerNum", "osvc", "SkipBOSDescriptorQuery", "MsOs20DescriptorSetInfo",
      ])
    #expect(reading.flags.settings.map(\.place) == ["a.reg:5", "a.reg:8", "a.reg:9", "a.reg:10"])
    #expect(reading.flags.settings[3].data == [0, 0, 3, 6, 0xB2, 0])
    #expect(reading.flags.settings[2].isOn)
    #expect(reading.findings.map(\.line) == [13])
  }

  @Test func `a key that is removed has no values left`() throws {
    let text =
      Self.exported + "\n[-HKLM\\SYSTEM\\CurrentControlSet\\Control\\usbflags\\0483DF112200]\n"
    let reading = try Self.reading(text)
    #expect(reading.flags.settings.map(\.name) == ["IgnoreHWSerNum"])
    #expect(!reading.flags.isWithoutMicrosoftString)
    #expect(!reading.flags.skipsBinaryObjectStore)
    #expect(reading.findings.map(\.slug).contains("usbflags-no-key"))
    let nothing = try Self.reading(
      Self.exported + "\n[-HKLM\\SYSTEM\\CurrentControlSet\\Control\\usbflags]\n")
    #expect(nothing.flags == UsbFlags())
  }

  @Test func `a device without a key is told, with the keys of its product`() throws {
    let reading = try Self.reading(
      "HKLM\\SYSTEM\\CurrentControlSet\\Control\\usbflags\\0483DF112100\n    osvc    REG_BINARY    0000\n"
    )
    #expect(reading.flags == UsbFlags())
    #expect(!reading.hasKey)
    #expect(reading.findings.map(\.sentence).first?.contains("0483DF112100") == true)
  }

  @Test(arguments: [
    "", "ERROR: The system was unable to find the specified registry key or value.\r\n",
    "[Version]x\n", "osvc REG_BINARY 0000",
  ])
  func `a text that is not of the registry is an error with its file`(_ text: String) {
    #expect(throws: UsbFlagError(.notOfTheRegistry, file: "flags.txt")) {
      try Self.reading(text)
    }
  }

  @Test func `a text beyond the limit is refused`() {
    let size = UsbFlagsReading.sizeLimit + 1
    #expect(throws: UsbFlagError(.tooLarge(bytes: size), file: "a")) {
      try UsbFlagsReading([UInt8](repeating: 0x41, count: size), name: "a", of: Self.device)
    }
  }

  /// Each would take minutes, or gigabytes, if a line cost more than its length.
  @Test(arguments: [
    String(repeating: "\"osvc\"=hex:00,00\n", count: 60_000),
    String(repeating: "\"osvc\"=hex:00,\\\n", count: 60_000),
    "\"osvc\"=hex:" + String(repeating: "00,", count: 300_000),
    "osvc    REG_BINARY    " + String(repeating: "0", count: 1_000_000),
    String(repeating: " ", count: 1_000_000) + "x", String(repeating: "x ", count: 500_000),
    String(repeating: "\"", count: 1_000_000), String(repeating: "\\", count: 1_000_000),
    (0..<40_000).map { "\"IgnoreHWSerNum\(10_000_000 + $0)\"=hex:01" }.joined(separator: "\n"),
    String(repeating: "a\\", count: 500_000),
  ])
  func `hostile lines are bounded`(_ body: String) throws {
    for key in ["usbflags", "usbflags\\0483DF112200"] {
      let reading = try Self.reading("[HKLM\\SYSTEM\\CurrentControlSet\\Control\\\(key)]\n" + body)
      #expect(reading.findings.count <= 65)
      #expect(reading.flags.settings.count <= 7)
      #expect(reading.findings.allSatisfy { $0.sentence.utf8.count < 300 })
    }
  }
}
