import Foundation
import MockDevices
import Testing
import USB

@testable import LibUSB

@Suite("What Linux tells in files")
struct SysfsTests {
  let scratch: ScratchFolder
  let sysfs: Sysfs
  let path = PortPath(bus: 1, ports: [4, 2])

  init() throws {
    scratch = try ScratchFolder()
    sysfs = Sysfs(root: scratch.url.path)
    try FileManager.default.createDirectory(
      atPath: sysfs.folder(path), withIntermediateDirectories: true)
  }

  private func write(_ bytes: [UInt8], _ name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: "\(sysfs.folder(path))/\(name)"))
  }

  @Test func `lines are read without their end`() throws {
    try write(Array("3276364D3034\n".utf8), "serial")
    try write(Array("17\n".utf8), "devnum")
    try write(Array("1\n".utf8), "bConfigurationValue")
    #expect(sysfs.serialNumber(path) == "3276364D3034")
    #expect(sysfs.activeConfiguration(path) == 1)
    #expect(sysfs.isCurrent(path, address: 17))
    #expect(!sysfs.isCurrent(path, address: 18))
  }

  @Test func `what is not there, empty or no number is nil`() throws {
    #expect(sysfs.serialNumber(path) == nil)
    #expect(!sysfs.isCurrent(path, address: 1))
    for text in ["", "\n", "0\n", "x\n", "300\n"] {
      try write(Array(text.utf8), "bConfigurationValue")
      #expect(sysfs.activeConfiguration(path) == nil, "\(text)")
    }
  }

  @Test func `a serial number with bytes that are no text does not stop anything`() throws {
    try write([0x41, 0xFF, 0x42, 0x0A], "serial")
    #expect(sysfs.serialNumber(path) == "A\u{FFFD}B")
    try write([UInt8](repeating: 0x41, count: 10_000), "serial")
    #expect(sysfs.serialNumber(path)?.count == Sysfs.maximumLine)
  }

  @Test func `descriptors are read whole, up to a bound`() throws {
    let bytes = (0..<5000).map { UInt8(truncatingIfNeeded: $0) }
    try write(bytes, "descriptors")
    #expect(sysfs.descriptors(path) == bytes)
    try write([UInt8](repeating: 9, count: Sysfs.maximumDescriptors + 5000), "descriptors")
    #expect(sysfs.descriptors(path)?.count == Sysfs.maximumDescriptors)
  }

  @Test func `the driver of an interface is where its link leads`() throws {
    let interface = "\(sysfs.root)/bus/usb/devices/1-4.2:1.0"
    try FileManager.default.createDirectory(
      atPath: interface, withIntermediateDirectories: true)
    #expect(sysfs.driver(path, configuration: 1, interface: 0) == nil)
    try FileManager.default.createSymbolicLink(
      atPath: "\(interface)/driver", withDestinationPath: "../../../../bus/usb/drivers/cdc_acm")
    #expect(sysfs.driver(path, configuration: 1, interface: 0) == "cdc_acm")
    #expect(sysfs.driver(path, configuration: 1, interface: 1) == nil)
  }

  @Test func `names are the kernel's`() {
    #expect(Sysfs.name(path, 1, 3) == "1-4.2:1.3")
    #expect(Sysfs.name(PortPath(bus: 2, ports: []), 1, 0) == "2-0:1.0")
    #expect(Sysfs(root: "/sys").folder(PortPath(bus: 2, ports: [])) == "/sys/bus/usb/devices/usb2")
  }

  @Test func `the surroundings of a hub are its drivers and its ports`() throws {
    var info = DeviceInfo(
      id: DeviceID(rawValue: 1), path: path, address: 17, speed: .high,
      descriptor: DeviceDescriptor(
        vendor: VendorID(1), product: ProductID(2), deviceVersion: BCDVersion(0)),
      configurations: [
        ConfigurationDescriptor(interfaces: [
          InterfaceDescriptor(number: 0, interfaceClass: ClassTriple(9, 0, 0))
        ])
      ], activeConfiguration: 1)
    #expect(sysfs.surroundings(of: info) == nil)
    try write(Array("17\n".utf8), "devnum")
    try write(Array("2\n".utf8), "maxchild")
    try write(Array("removable\n".utf8), "removable")
    let port = "1-4.2:1.0/1-4.2-port2"
    try FileManager.default.createDirectory(
      atPath: "\(sysfs.folder(path))/\(port)", withIntermediateDirectories: true)
    try write(Array("hotplug\n".utf8), "\(port)/connect_type")
    try write(Array("3\n".utf8), "\(port)/over_current_count")
    try FileManager.default.createSymbolicLink(
      atPath: "\(sysfs.folder(path))/\(port)/peer", withDestinationPath: "../../2-4-port2")
    try FileManager.default.createDirectory(
      atPath: "\(sysfs.root)/bus/usb/devices/1-4.2:1.0", withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: "\(sysfs.root)/bus/usb/devices/1-4.2:1.0/driver", withDestinationPath: "x/hub")
    let found = try #require(sysfs.surroundings(of: info))
    #expect(found.interfaceDrivers == [0: "hub"])
    #expect(found.removable == "removable")
    #expect(
      found.ports == [
        .init(number: 1),
        .init(number: 2, connectType: "hotplug", overCurrentCount: 3, companion: "2-4-port2"),
      ])
    // Another device has come to this place since.
    info.address = 18
    #expect(sysfs.surroundings(of: info) == nil)
  }
}
