import DriverMatching
import Testing
import USB

@Suite("Names of functions, and what Microsoft OS descriptors ask for") struct MicrosoftIDsTests {
  static func word(_ number: Int) -> [UInt8] { [UInt8(number & 0xFF), UInt8(number >> 8 & 0xFF)] }

  static func padded(_ text: String) -> [UInt8] {
    Array((Array(text.utf8) + Array(repeating: 0, count: 8)).prefix(8))
  }

  static func compatible(_ id: String, _ sub: String = "") -> [UInt8] {
    word(20) + word(3) + padded(id) + padded(sub)
  }

  /// A set of version 2.0 that asks for WinUSB, for the device or for its first function.
  static func set(hasFunction: Bool) -> [UInt8] {
    let id = compatible("WINUSB")
    let subset = hasFunction ? word(8) + word(2) + [0, 0] + word(8 + id.count) + id : id
    return word(10) + word(0) + [0, 0, 3, 6] + word(10 + subset.count) + subset
  }

  @Test func `version 2.0 names the device, or the function whose subset it stands in`() {
    #expect(
      MicrosoftIDs(set: Self.set(hasFunction: false)).entries == [
        MicrosoftIDs.Entry(compatible: "WINUSB")
      ])
    #expect(
      MicrosoftIDs(set: Self.set(hasFunction: true)).entries == [
        MicrosoftIDs.Entry(firstInterface: 0, compatible: "WINUSB")
      ])
    let after = Self.set(hasFunction: true) + Self.compatible("RNDIS", "5162001") + [4, 0, 7, 0]
    let read = MicrosoftIDs(set: after)
    #expect(read.entries.last == MicrosoftIDs.Entry(compatible: "RNDIS", sub: "5162001"))
    #expect(read.isForcedComposite)
    #expect(read.faults.isEmpty)
  }

  @Test func `version 1.0 names functions by their first interface`() {
    let bytes: [UInt8] =
      [64, 0, 0, 0, 0, 1, 4, 0, 2] + Array(repeating: 0, count: 7)
      + [0, 1] + Self.padded("WINUSB") + Self.padded("") + Array(repeating: 0, count: 6)
      + [2, 1] + Self.padded("RNDIS") + Self.padded("5162001") + Array(repeating: 0, count: 6)
    let read = MicrosoftIDs(compatibleIDs: bytes)
    #expect(
      read.entries == [
        MicrosoftIDs.Entry(firstInterface: 0, compatible: "WINUSB"),
        MicrosoftIDs.Entry(firstInterface: 2, compatible: "RNDIS", sub: "5162001"),
      ])
    for length in 0..<bytes.count {
      let cut = MicrosoftIDs(compatibleIDs: Array(bytes.prefix(length)))
      #expect(!cut.faults.isEmpty)
      #expect(cut.entries == Array(read.entries.prefix(length < 40 ? 0 : 1)))
    }
  }

  @Test func `whatever is cut off or out of range is a fault and no trap`() {
    let whole = Self.set(hasFunction: true)
    for length in 0..<whole.count {
      #expect(MicrosoftIDs(set: Array(whole.prefix(length))).entries.isEmpty)
    }
    #expect(!MicrosoftIDs(set: [0, 0, 3, 0, 1, 1]).faults.isEmpty)
    let small = MicrosoftIDs(set: Self.compatible("winusb"))
    #expect(small.entries.isEmpty)
    #expect(small.faults.map(\.field) == ["compatibleID"])
  }

  private static func names(
    _ triple: ClassTriple, _ classes: [ClassTriple], associations: [(UInt8, UInt8)] = [],
    microsoft: [MicrosoftIDs] = [], usb: UInt16 = 0x0210, on windows: WindowsProfile = .windows10
  ) -> WindowsNames {
    let device = DeviceDescriptor(
      usbVersion: BCDVersion(usb), deviceClass: triple, vendor: VendorID(0x1209),
      product: ProductID(0xABCD), deviceVersion: BCDVersion(0x0102))
    var configuration = ConfigurationDescriptor(
      interfaces: classes.enumerated().map {
        InterfaceDescriptor(number: UInt8($0.offset), interfaceClass: $0.element)
      })
    configuration.extra = associations.map { first, count in
      RawDescriptor(
        bytes: InterfaceAssociationDescriptor(
          firstInterface: first, interfaceCount: count, functionClass: ClassTriple(0x0E, 3, 0)
        ).bytes, offset: 9)
    }
    return WindowsNames(device, [configuration], microsoft: microsoft, on: windows)
  }

  private static let mixed = [
    ClassTriple(0x0E, 1, 0), ClassTriple(0x0E, 2, 0), ClassTriple(0xFE, 1, 1),
  ]

  @Test func `an association makes one function, named by its first interface and its class`() {
    let names = Self.names(ClassTriple(0xEF, 2, 1), Self.mixed, associations: [(0, 2)])
    #expect(names.functions.map(\.interfaces) == [[0, 1], [2]])
    #expect(
      names.functions[0].ids.hardware == [
        #"USB\VID_1209&PID_ABCD&REV_0102&MI_00"#, #"USB\VID_1209&PID_ABCD&MI_00"#,
      ])
    #expect(names.functions[0].ids.compatible.first == #"USB\Class_0e&SubClass_03&Prot_00"#)
    #expect(names.functions[1].ids.compatible.last == #"USB\Class_fe"#)
    #expect(names.functions.map(\.step.rule) == ["function-association", "function-alone"])
  }

  @Test func `an association under another device class does not count, which is not certain`() {
    let names = Self.names(.perInterface, Self.mixed, associations: [(0, 2)])
    #expect(names.functions.map(\.interfaces) == [[0], [1], [2]])
    #expect(names.functions[0].step.evidence.certainty == .open)
  }

  @Test func `old audio interfaces are one function as long as their subclass differs`() {
    let names = Self.names(
      .perInterface,
      [
        ClassTriple(1, 1, 0), ClassTriple(1, 2, 0), ClassTriple(1, 3, 0), ClassTriple(1, 1, 0),
        ClassTriple(3, 0, 0),
      ])
    #expect(names.functions.map(\.interfaces) == [[0, 1, 2], [3], [4]])
    #expect(names.functions[1].ids.hardware[1].hasSuffix("MI_03"))
  }

  @Test
  func
    `a function gets the ids that are asked for it, and the vendor's classes where there are any`()
  {
    let ids = MicrosoftIDs(
      version: 2,
      entries: [MicrosoftIDs.Entry(firstInterface: 2, compatible: "WINUSB", sub: "X")])
    let names = Self.names(.perInterface, Self.mixed, microsoft: [ids], on: .windows11)
    #expect(
      names.functions[2].ids.compatible.prefix(3) == [
        #"USB\MS_COMP_WINUSB&MS_SUBCOMP_X"#, #"USB\MS_COMP_WINUSB"#,
        #"USB\COMPAT_VID_1209&Class_fe&SubClass_01&Prot_01"#,
      ])
    #expect(names.functions[0].ids.compatible.allSatisfy { !$0.contains("MS_COMP") })
    #expect(names.device.compatible.allSatisfy { !$0.contains("MS_COMP") })
  }

  @Test(arguments: [
    (0x0110, 1, WindowsProfile.windows10, false), (0x0200, 1, .windows10, true),
    (0x0200, 2, .windows10, false), (0x0201, 2, .windows10, true), (0x0201, 2, .windows7, false),
  ])
  func `Windows asks for what the device is new enough for`(
    _ usb: UInt16, _ version: Int, _ windows: WindowsProfile, _ isTaken: Bool
  ) {
    let ids = MicrosoftIDs(version: version, entries: [MicrosoftIDs.Entry(compatible: "WINUSB")])
    let names = Self.names(
      .perInterface, [ClassTriple(0xFF, 0, 0)], microsoft: [ids], usb: usb, on: windows)
    #expect(names.device.compatible.contains(#"USB\MS_COMP_WINUSB"#) == isTaken)
    #expect(names.steps.count == (isTaken && version == 2 ? 3 : 4))
  }

  @Test func `of both versions 2.0 counts, and the descriptor for usbccgp forces it`() {
    let old = MicrosoftIDs(
      version: 1, entries: [MicrosoftIDs.Entry(firstInterface: 0, compatible: "A")])
    let new = MicrosoftIDs(
      version: 2, entries: [MicrosoftIDs.Entry(firstInterface: 0, compatible: "B")],
      isForcedComposite: true)
    let names = Self.names(.perInterface, [ClassTriple(0xFF, 0, 0)], microsoft: [old, new])
    #expect(names.device.isComposite)
    #expect(names.functions.map(\.ids.compatible.first) == [#"USB\MS_COMP_B"#])
    #expect(names.steps.map(\.rule).suffix(2) == ["microsoft-both", "composite-forced"])
  }

  @Test func `hubs have names of their own`() {
    #expect(
      DeviceIDs(rootHub: "ROOT_HUB30", vendor: 0x8086, product: 0x15EC, revision: 6).hardware == [
        #"USB\ROOT_HUB30&VID8086&PID15EC&REV0006"#, #"USB\ROOT_HUB30&VID8086&PID15EC"#,
        #"USB\ROOT_HUB30"#,
      ])
    let hub = DeviceDescriptor(
      usbVersion: BCDVersion(0x0310), deviceClass: ClassTriple(9, 0, 3), vendor: VendorID(1),
      product: ProductID(2), deviceVersion: BCDVersion(3))
    #expect(DeviceIDs(hub: hub, [], on: .windows10).compatible == [#"USB\USB30_HUB"#])
    #expect(DeviceIDs(hub: hub, [], on: .windows7).compatible.last == #"USB\Class_09"#)
  }
}
