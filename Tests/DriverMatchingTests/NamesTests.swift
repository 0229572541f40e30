import DriverMatching
import Testing
import USB

@Suite("What drivers are looked for by") struct NamesTests {
  static let bootloader = DeviceDescriptor(
    vendor: VendorID(0x0483), product: ProductID(0xDF11), deviceVersion: BCDVersion(0x2200))

  static func configuration(_ classes: ClassTriple...) -> ConfigurationDescriptor {
    ConfigurationDescriptor(
      interfaces: classes.enumerated().map {
        InterfaceDescriptor(number: UInt8($0.offset), interfaceClass: $0.element)
      })
  }

  @Test func `Linux names an interface in capital digits and small letters`() {
    let interface = InterfaceDescriptor(number: 10, interfaceClass: .dfuMode)
    #expect(
      Modalias(Self.bootloader, interface).description
        == "usb:v0483pDF11d2200dc00dsc00dp00icFEisc01ip02in0A")
  }

  @Test func `Windows names a bootloader by its product, then by its class`() {
    let ids = DeviceIDs(Self.bootloader, [Self.configuration(.dfuMode)])
    #expect(
      ids.hardware == [#"USB\VID_0483&PID_DF11&REV_2200"#, #"USB\VID_0483&PID_DF11"#])
    #expect(
      ids.compatible == [
        #"USB\COMPAT_VID_0483&Class_FE&SubClass_01&Prot_02"#,
        #"USB\COMPAT_VID_0483&Class_FE&SubClass_01"#,
        #"USB\COMPAT_VID_0483&Class_FE"#, #"USB\Class_FE&SubClass_01&Prot_02"#,
        #"USB\Class_FE&SubClass_01"#, #"USB\Class_FE"#,
      ])
    let old = DeviceIDs(
      Self.bootloader, [Self.configuration(.dfuMode)], microsoftCompatibleID: "WINUSB",
      hasVendorClasses: false)
    #expect(
      old.compatible == [
        #"USB\MS_COMP_WINUSB"#, #"USB\Class_FE&SubClass_01&Prot_02"#, #"USB\Class_FE&SubClass_01"#,
        #"USB\Class_FE"#,
      ])
  }

  @Test(arguments: [
    (ClassTriple.perInterface, 1, true), (ClassTriple(0xEF, 2, 1), 1, true),
    (ClassTriple(0xEF, 2, 1), 2, false), (ClassTriple(2, 0, 0), 1, false),
    (ClassTriple(0xFF, 0, 0), 1, false),
  ])
  func `a device is composite by its class, its interfaces and its configurations`(
    _ triple: ClassTriple, _ count: UInt8, _ expected: Bool
  ) {
    var device = Self.bootloader
    device.deviceClass = triple
    device.configurationCount = count
    let ids = DeviceIDs(
      device, [Self.configuration(ClassTriple(2, 2, 1), ClassTriple(10, 0, 0))])
    #expect(ids.isComposite == expected)
    #expect(ids.compatible.contains(#"USB\COMPOSITE"#) == expected)
    #expect(
      ids.compatible.contains(#"USB\COMPAT_VID_0483&DevClass_00&SubClass_00&Prot00"#) == expected)
    #expect(!DeviceIDs(device, [Self.configuration(.dfuMode)]).isComposite)
  }
}
