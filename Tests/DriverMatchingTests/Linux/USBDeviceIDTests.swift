import DriverMatching
import Testing
import USB

@Suite("usb_device_id") struct USBDeviceIDTests {
  static func name(
    _ vendor: UInt16 = 0x1234, _ product: UInt16 = 0x5678, version: UInt16 = 0x0100,
    device: ClassTriple = .perInterface, interface: ClassTriple = ClassTriple(3, 1, 1),
    number: UInt8 = 0
  ) -> Modalias {
    Modalias(
      vendor: VendorID(vendor), product: ProductID(product), deviceVersion: BCDVersion(version),
      deviceClass: device, interfaceClass: interface, interfaceNumber: number)
  }

  static let vendor = VendorID(0x1234)
  static let product = ProductID(0x5678)

  @Test func `every flag is compared, and no other field`() {
    let fields: [(USBDeviceID.Match, String)] = [
      (.vendor, "idVendor"), (.product, "idProduct"), (.versionLow, "bcdDevice"),
      (.versionHigh, "bcdDevice"),
      (.deviceClass, "bDeviceClass"), (.deviceSubclass, "bDeviceSubClass"),
      (.deviceProtocol, "bDeviceProtocol"), (.interfaceClass, "bInterfaceClass"),
      (.interfaceSubclass, "bInterfaceSubClass"), (.interfaceProtocol, "bInterfaceProtocol"),
      (.interfaceNumber, "bInterfaceNumber"),
    ]
    let name = Self.name(device: ClassTriple(1, 2, 3), interface: ClassTriple(4, 5, 6), number: 7)
    for (flag, field) in fields {
      // Everything differs from the device; what is not flagged does not matter.
      let entry = USBDeviceID(
        match: flag, vendor: VendorID(9), product: ProductID(9), lowestVersion: 0x0101,
        highestVersion: 0x0099, deviceClass: ClassTriple(9, 9, 9),
        interfaceClass: ClassTriple(9, 9, 9),
        interfaceNumber: 9)
      #expect(entry.mismatch(name) == .field(field))
      var open = entry
      open.match = []
      #expect(open.mismatch(name) == nil)
    }
  }

  @Test(arguments: [
    (USBDeviceID.interfaceInfo(ClassTriple(3, 1, 1)), true),
    (USBDeviceID(match: .interfaceNumber), true),
    (USBDeviceID.vendor(vendor, interface: ClassTriple(3, 1, 1)), false),
    (USBDeviceID.device(vendor, product), false),
    (USBDeviceID(match: .deviceClass, deviceClass: ClassTriple(0xFF, 0, 0)), false),
  ])
  func `an entry by interface class alone leaves a vendor-specific device`(
    _ entry: USBDeviceID, _ refused: Bool
  ) {
    let device = ClassTriple(0xFF, 0, 0)
    #expect((entry.mismatch(Self.name(device: device)) == .vendorClassRule) == refused)
    #expect(entry.mismatch(Self.name()) != .vendorClassRule)
  }

  @Test(arguments: [
    (0x0099, false), (0x0100, true), (0x01AF, true), (0x0200, true), (0x0201, false),
  ])
  func `bcdDevice is compared as a number`(_ version: Int, _ matches: Bool) {
    let entry = USBDeviceID.device(Self.vendor, Self.product, versions: 0x0100...0x0200)
    #expect((entry.mismatch(Self.name(version: UInt16(version))) == nil) == matches)
  }

  @Test func `a table ends at the entry that has nothing, and driver_info alone is something`() {
    let all = USBDeviceID(match: [], driverInfo: 1)
    let end = USBDeviceID(match: [])
    let own = USBDeviceID.device(Self.vendor, Self.product)
    #expect(USBDeviceID.first(in: [end, own], matching: Self.name()) == nil)
    #expect(USBDeviceID.first(in: [all, own], matching: Self.name()) == all)
    #expect(USBDeviceID.first(in: [own, all], matching: Self.name()) == own)
    #expect(USBDeviceID(match: .interfaceSubclass, interfaceClass: ClassTriple(0, 1, 1)).endsTable)
  }

  struct Range: CustomTestStringConvertible {
    var versions: ClosedRange<UInt16>
    var patterns: Set<String>
    var testDescription: String { "\(hex(versions.lowerBound)) to \(hex(versions.upperBound))" }
  }

  @Test(arguments: [
    Range(versions: 0x0100...0x0133, patterns: ["01[0-2]*", "013[0-3]"]),
    Range(versions: 0x0000...0x0299, patterns: ["0[0-2]*"]),
    Range(versions: 0x0114...0x0117, patterns: ["011[4-7]"]),
    Range(versions: 0x0110...0x0110, patterns: ["0110"]),
    Range(versions: 0x0000...0x9999, patterns: ["*"]),
    Range(versions: 0x0132...0x9999, patterns: ["013[2-9]", "01[4-9]*", "0[2-9]*", "[1-9]*"]),
    Range(versions: 0x0000...0xFFFF, patterns: ["*"]),
    Range(versions: 0x000A...0x00FF, patterns: ["000[A-F]", "00[1-9A-F]*"]),
    Range(versions: 0x0008...0x000B, patterns: ["000[8-9A-B]"]),
    Range(versions: 0x0195...0x0205, patterns: ["019[5-9]", "020[0-5]"]),
  ])
  func `a range of versions becomes patterns`(_ range: Range) {
    let entry = USBDeviceID.device(Self.vendor, Self.product, versions: range.versions)
    let front = "usb:v1234p5678d"
    let back = "dc*dsc*dp*ic*isc*ip*in*"
    #expect(Set(entry.aliasPatterns) == Set(range.patterns.map { front + $0 + back }))
  }

  @Test func `patterns and entry agree on every version, apart from what is no decimal number`() {
    var numbers = SeededNumbers(seed: 3)
    for _ in 0..<40 {
      let ends = [
        UInt16.random(in: 0...0x3FFF, using: &numbers),
        UInt16.random(in: 0...0x3FFF, using: &numbers),
      ].sorted()
      let entry = USBDeviceID.device(Self.vendor, Self.product, versions: ends[0]...ends[1])
      let isDecimal = !(hex(ends[0]) + hex(ends[1])).contains { $0.isLetter }
      let table = ModuleAliases(
        entry.aliasPatterns.enumerated().map {
          .init(pattern: $0.element, module: "m", file: "f", line: $0.offset)
        })
      for version in stride(from: UInt16(0), through: 0x4100, by: 37) {
        if isDecimal, hex(version).contains(where: { $0.isLetter }) { continue }
        let name = Self.name(version: version)
        #expect(
          table.matches(name).count == (entry.mismatch(name) == nil ? 1 : 0),
          "\(entry.aliasPatterns) and \(name)")
      }
    }
  }

  @Test func `entries without vendor, product and classes have no alias; others end in one star`() {
    #expect(USBDeviceID(match: [], driverInfo: 1).aliasPatterns.isEmpty)
    #expect(
      USBDeviceID(match: .interfaceSubclass, interfaceClass: ClassTriple(0, 6, 0)).aliasPatterns
        .isEmpty)
    #expect(
      USBDeviceID.device(Self.vendor, Self.product, interfaceNumber: 2).aliasPatterns
        == ["usb:v1234p5678d*dc*dsc*dp*ic*isc*ip*in02*"])
    #expect(
      USBDeviceID.interfaceInfo(ClassTriple(0xE0, 1, 1)).aliasPatterns
        == ["usb:v*p*d*dc*dsc*dp*icE0isc01ip01in*"])
    #expect(
      USBDeviceID.deviceInfo(ClassTriple(0xE0, 1, 1)).aliasPatterns
        == ["usb:v*p*d*dcE0dsc01dp01ic*isc*ip*in*"])
  }

  @Test(arguments: [
    ("usb:v0525pA4A2d*dc*dsc*dp*ic*isc*ip*in*", "vendor and product 0525:a4a2", false),
    ("usb:v*p*d*dc*dsc*dp*ic03isc*ip*in*", "interface class 03", true),
    ("usb:v05ACp*d*dc*dsc*dp*ic*isc*ip*in*", "vendor 05ac", false),
    ("usb:v*p*d*dcE0dsc01dp01ic*isc*ip*in*", "device class e0/01/01", false),
    (
      "usb:v1645p0007d01[0-2]*dc*dsc*dp*ic*isc*ip*in*",
      "vendor and product 1645:0007 and bcdDevice 01[0-2]*", false
    ),
    ("usb:v12D1p*d*dc*dsc*dp*icFFisc02ip12in*", "vendor 12d1 and interface class ff/02/12", false),
    ("usb:v*p*d*dc*dsc*dp*ic*isc*ip01in*", "interface class */*/01", true),
    (
      "usb:v1234p5678d*dc*dsc*dp*ic*isc*ip*in02*",
      "vendor and product 1234:5678 and interface number 02", false
    ),
    ("usb:v*p*d*dc*dsc*dp*ic*isc*ip*in*", "nothing: it takes every interface", false),
  ])
  func `a pattern tells what it goes by`(_ pattern: String, _ words: String, _ falls: Bool) {
    let fields = AliasFields(pattern)
    #expect(fields?.words == words)
    #expect(fields?.fallsToVendorClassRule == falls)
  }

  @Test(arguments: ["usb:v*", "pci:v*", "", "usb:v*p*d*dc*dsc*dp*ic*isc*ip*in", "usb:*"])
  func `other patterns are not taken apart`(_ pattern: String) {
    #expect(AliasFields(pattern) == nil)
  }

  @Test(arguments: [
    ("0483 df11", "0483 df11"), ("483 DF11 0", "0483 df11"), ("1234 5678 ff", "1234 5678 ff"),
    ("1234 5678 ff 0403 6001", "1234 5678 ff 0403 6001"),
    ("0x1234 0x5678 0 403 6001", "1234 5678 00 0403 6001"),
    ("1234 5678 ff 0403", "1234 5678 ff"),
  ])
  func `what is written to new_id is read as the kernel reads it`(
    _ text: String, _ expected: String
  ) {
    #expect(DynamicID(text)?.description == expected)
  }

  @Test(arguments: ["", "1234", "1234 5678 100", "xyz 1", "12345 1", "-1 2"])
  func `what the kernel refuses as new_id is refused`(_ text: String) {
    #expect(DynamicID(text) == nil)
  }
}
