import DriverMatching
import USB

/// Devices and rules that the suites on udev use.
enum UdevFixtures {
  static let descriptor = DeviceDescriptor(
    vendor: VendorID(0x0483), product: ProductID(0xDF11), deviceVersion: BCDVersion(0x2200))
  static let configuration = ConfigurationDescriptor(
    attributes: 0xC0,
    interfaces: [
      InterfaceDescriptor(
        number: 0, interfaceClass: .dfuMode,
        extra: [RawDescriptor(bytes: [9, 0x21, 0x0B, 0xFF, 0, 0, 8, 0x1A, 1], offset: 18)])
    ])

  /// A bootloader on the second port of the first bus.
  static func bootloader(_ action: String = "add") -> UdevDevice {
    .usb(
      action: action, device: descriptor, configurations: [configuration],
      strings: .init(
        manufacturer: "STMicroelectronics", product: "STM32  BOOTLOADER ", serialNumber: "3259,6"),
      path: PortPath(bus: 1, ports: [2]), address: 4)
  }

  static let serial = UdevDevice.usb(
    device: DeviceDescriptor(
      vendor: VendorID(0x2341), product: ProductID(0x0043), deviceVersion: BCDVersion(1)),
    configurations: [
      ConfigurationDescriptor(interfaces: [
        InterfaceDescriptor(number: 0, interfaceClass: ClassTriple(2, 2, 1)),
        InterfaceDescriptor(
          number: 1, interfaceClass: ClassTriple(10, 0, 0),
          endpoints: [EndpointDescriptor(address: 1, attributes: 2, maxPacketSize: 64, interval: 0)]
        ),
      ])
    ], strings: .init(manufacturer: "Maker (of boards)", product: "Ü/1", serialNumber: "75 12"),
    path: PortPath(bus: 3, ports: [1, 4]), address: 130 - 3)

  /// Its terminal.
  static var terminal: UdevDevice {
    let interface = serial.interface(
      InterfaceDescriptor(number: 0, interfaceClass: ClassTriple(2, 2, 1)), configuration: 1,
      of: DeviceDescriptor(
        vendor: VendorID(0x2341), product: ProductID(0x0043), deviceVersion: BCDVersion(1)),
      driver: "cdc_acm")
    var terminal = interface.child(
      name: "ttyACM0", subsystem: "tty", node: "/dev/ttyACM0", number: .init(major: 166, minor: 0))
    terminal.nodeGroup = "dialout"
    terminal.nodeMode = 0o660
    return terminal
  }

  static func file(
    _ name: String, _ text: String, in directory: String = "/etc/udev/rules.d"
  ) -> ConfigurationFile {
    ConfigurationFile(directory: directory, name: name, text: text)
  }

  /// The rules of one file, with what stands in for systemd's own.
  static func rules(
    _ text: String, name: String = "70-x.rules", groups: Set<String>? = nil
  ) -> UdevRuleSet {
    UdevRuleSet(UdevRuleSet.standIns + [file(name, text)], groups: groups)
  }

  static let atSeat = UdevAccess.User(
    name: "ada", id: 1000, groups: ["ada", "plugdev"], isAtSeat: true)
  static let remote = UdevAccess.User(name: "bob", id: 1001, groups: ["bob"], isAtSeat: false)

}
