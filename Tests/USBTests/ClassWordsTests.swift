import Testing
import USB

@Suite struct ClassWordsTests {
  private func device(
    _ own: ClassTriple, _ interfaces: [ClassTriple], second: [ClassTriple] = [], active: UInt8? = 1
  ) -> DeviceInfo {
    func configuration(_ value: UInt8, _ classes: [ClassTriple]) -> ConfigurationDescriptor {
      ConfigurationDescriptor(
        value: value,
        interfaces: classes.enumerated().map {
          InterfaceDescriptor(number: UInt8($0.offset), interfaceClass: $0.element)
        })
    }
    return DeviceInfo(
      id: DeviceID(rawValue: 1), path: PortPath(bus: 1, ports: [1]), address: 2, speed: .full,
      descriptor: DeviceDescriptor(
        deviceClass: own, vendor: VendorID(1), product: ProductID(2),
        deviceVersion: BCDVersion(0x0100)),
      configurations: [configuration(1, interfaces), configuration(2, second)],
      activeConfiguration: active)
  }

  static let association = ClassTriple(0xEF, 2, 1)

  @Test func `a device that leaves its class to its interfaces is what they are, each once`() {
    let interfaces = [
      ClassTriple(2, 2, 1), ClassTriple(0x0A, 0, 0), ClassTriple(3, 1, 1), ClassTriple(3, 1, 2),
      .dfuRuntime,
    ]
    for own in [ClassTriple.perInterface, Self.association] {
      let device = device(own, interfaces)
      #expect(device.classWords == "communications, keyboard, mouse, DFU")
      #expect(device.classes == interfaces)
    }
  }

  @Test func `a device that says its class is that`() {
    #expect(device(ClassTriple(9, 0, 1), [ClassTriple(9, 0, 0)]).classWords == "hub")
    #expect(device(ClassTriple(0xE0, 1, 1), [ClassTriple(0xE0, 1, 1)]).classWords == "Bluetooth")
  }

  @Test func `vendor-specific says less than the interfaces`() {
    #expect(device(ClassTriple(0xFF, 0, 0), [.dfuMode]).classWords == "DFU")
    #expect(device(ClassTriple(0xFF, 0, 0), []).classWords == "vendor-specific")
  }

  @Test func `the active configuration counts`() {
    let both = device(.perInterface, [ClassTriple(8, 6, 0x50)], second: [.dfuMode], active: 2)
    #expect(both.classWords == "DFU")
    #expect(
      device(.perInterface, [ClassTriple(8, 6, 0x50)], active: nil).classWords == "mass storage")
  }

  @Test func `a class that nobody knows is told in numbers`() {
    #expect(device(.perInterface, [ClassTriple(0x77, 1, 2)]).classWords == "class 77/01/02")
    #expect(device(.perInterface, []).classWords == "class not known")
  }
}
