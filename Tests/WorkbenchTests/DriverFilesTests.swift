import DriverMatching
import Foundation
import SystemPackage
import Testing
import USB

@testable import Workbench

@Suite("Files of drivers") struct DriverFilesTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private func write(_ text: String, _ name: String) throws {
    let file = folder.appendingPathComponent(name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  private static let aliases = "alias usb:v*p*d*dc*dsc*dp*ic03isc*ip*in* usbhid\n"
  private static let name = "usb:v1234p5678d0100dc00dsc00dp00ic03isc01ip01in00"

  @Test func `modules are found by their file, their folder and the root of their system`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try write(Self.aliases, "lib/modules/6.1.0/modules.alias")
    try write("blacklist usbhid\n", "etc/modprobe.d/no-hid.conf")
    let tree = folder.path + "/lib/modules/6.1.0"
    for (path, kernel) in [
      (tree + "/modules.alias", tree + "/modules.alias"), (tree, "6.1.0"), (folder.path, "6.1.0"),
    ] {
      let files = try ModuleFiles.named(FilePath(path))
      #expect(files.kernel == kernel)
      #expect(files.modules.resolve(Self.name).map(\.module) == ["usbhid"])
    }
    // Settings are those of the system that the modules are of.
    #expect(
      try ModuleFiles.named(FilePath(folder.path)).modules.configuration.blacklisting("usbhid")
        != nil)
    #expect(
      try ModuleFiles.named(FilePath(tree)).modules.configuration.blacklisting("usbhid") == nil)
  }

  @Test func `two kernels, or none, are told`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let nothing = #expect(throws: FileError.self) { try ModuleFiles.named(FilePath(folder.path)) }
    #expect(nothing?.code == .notFound)
    try write(Self.aliases, "lib/modules/6.1.0/modules.alias")
    try write(Self.aliases, "lib/modules/6.12.0/modules.alias")
    let two = #expect(throws: FileError.self) { try ModuleFiles.named(FilePath(folder.path)) }
    #expect(two?.sentence.contains("6.1.0, 6.12.0") == true)
  }

  /// A board behind a hub behind a controller, as sysfs has them.
  private func makeSysfs() throws -> UdevSysfs {
    let hub = "sys/devices/pci0000:00/0000:00:14.0/usb3/3-1"
    let board = hub + "/3-1.4"
    try write("DRIVER=xhci_hcd\nPCI_ID=8086:A36D\n", "sys/devices/pci0000:00/0000:00:14.0/uevent")
    try write("0x8086\n", "sys/devices/pci0000:00/0000:00:14.0/vendor")
    try write("1d6b\n", "sys/devices/pci0000:00/0000:00:14.0/usb3/idVendor")
    try write("", "sys/devices/pci0000:00/0000:00:14.0/usb3/uevent")
    try write("MAJOR=189\nMINOR=257\nDEVTYPE=usb_device\nTYPE=9/0/2\n", hub + "/uevent")
    try write("05e3\n", hub + "/idVendor")
    try write(
      "MAJOR=189\nMINOR=259\nDEVNAME=bus/usb/003/004\nDRIVER=usb\nTYPE=0/0/0\n", board + "/uevent")
    try write("0483\n", board + "/idVendor")
    try write("a board of a lab \n", board + "/product")
    try write("auto\n", board + "/power/control")
    try write(String(repeating: "x", count: 5000), board + "/too_long")
    try write("I:12\nE:ID_LAB_HUB=1\nE:bad\nG:lab\n", "data/c189:257")
    let manager = FileManager.default
    for (link, target) in [
      ("sys/bus/usb/devices/3-1.4", "../../../devices/pci0000:00/0000:00:14.0/usb3/3-1/3-1.4"),
      (board + "/driver", "../../../../../../bus/usb/drivers/usb"),
      (hub + "/subsystem", "../../../../../bus/usb"),
      ("sys/devices/pci0000:00/0000:00:14.0/usb3/subsystem", "../../../../bus/usb"),
      ("sys/devices/pci0000:00/0000:00:14.0/subsystem", "../../../bus/pci"),
    ] {
      let place = folder.appendingPathComponent(link)
      try manager.createDirectory(
        at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
      try manager.createSymbolicLink(atPath: place.path, withDestinationPath: target)
    }
    return UdevSysfs(root: folder.path + "/sys", database: folder.path + "/data")
  }

  @Test func `what a device is plugged into is read where the system shows it`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let sysfs = try makeSysfs()
    var device = UdevDevice.usb(
      device: DeviceDescriptor(
        vendor: VendorID(0x0483), product: ProductID(0xDF11), deviceVersion: BCDVersion(0x2200)),
      configurations: [], path: PortPath(bus: 3, ports: [1, 4]), address: 4)
    sysfs.complete(&device)
    #expect(device.devpath == "/devices/pci0000:00/0000:00:14.0/usb3/3-1/3-1.4")
    #expect(device.driver == "usb")
    #expect(device.attributes["product"] == "a board of a lab ")
    #expect(device.attributes["power/control"] == "auto")
    #expect(device.attributes["driver"] == "usb")
    #expect(device.attributes["too_long"] == nil)
    #expect(device.properties["TYPE"] == "0/0/0")
    #expect(device.properties["DEVNAME"] == nil)
    #expect(device.parents.map(\.name) == ["3-1", "usb3", "0000:00:14.0"])
    #expect(device.parents.map(\.subsystem) == ["usb", "usb", "pci"])
    #expect(device.parents.first?.databaseTags == ["lab"])
    #expect(device.parents.first?.properties["ID_LAB_HUB"] == "1")
    #expect(device.parents.last?.attributes == ["vendor": "0x8086"])

    // Rules about the hub are certain then, which they are not from descriptors alone.
    let rules = UdevRuleSet([
      ConfigurationFile(
        directory: "/etc/udev/rules.d", name: "70-lab.rules",
        text: #"""
          SUBSYSTEMS=="usb", ATTRS{idVendor}=="05e3", MODE="0666"
          ATTRS{idVendor}=="ffff", MODE="0600"
          TAGS=="lab", SYMLINK+="lab/board"
          """#)
    ])
    let outcome = rules.evaluate(device, in: UdevEnvironment())
    #expect(outcome.mode?.value == 0o666)
    #expect(outcome.symlinks.map(\.value) == ["lab/board"])
    #expect(outcome.uncertain.isEmpty)
  }

  @Test func `a device that the system does not show stays as its descriptors have it`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let sysfs = try makeSysfs()
    let device = UdevDevice.usb(
      device: DeviceDescriptor(
        vendor: VendorID(0x0483), product: ProductID(0xDF11), deviceVersion: BCDVersion(0x2200)),
      configurations: [], path: PortPath(bus: 1, ports: [1]), address: 4)
    var same = device
    sysfs.complete(&same)
    #expect(same == device)
    UdevSysfs(root: folder.path + "/nowhere").complete(&same)
    #expect(same == device)
  }

  @Test func `a folder's good packages count, and its bad ones are told`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let good = "[Version]\nSignature=\"$Windows NT$\"\n"
    try write(good, "store/a/one.inf")
    try write(good, "store/b/TWO.INF")
    try write("text before any section\n", "store/bad.inf")
    try write("no driver", "store/readme.txt")
    let packages = try DriverPackages([FilePath(folder.path + "/store")])
    #expect(packages.files.map(\.name).sorted() == ["TWO.INF", "one.inf"])
    #expect(packages.findings.contains { $0.contains("bad.inf") })
    // One that is named has to be one.
    #expect(throws: INFError.self) {
      try DriverPackages([FilePath(folder.path + "/store/bad.inf")])
    }
    #expect(throws: FileError.self) { try DriverPackages([FilePath(folder.path + "/store/a.inf")]) }
  }

  @Test func `rules of a folder stand among systemd's usual ones`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try write(#"SUBSYSTEM=="usb", MODE="0666""#, "70-all.rules")
    try write("no rule", "notes.txt")
    let files = try UdevFiles.named([FilePath(folder.path)])
    #expect(files.rules.files.contains { $0.hasSuffix("70-all.rules") })
    #expect(files.rules.files.contains { $0.hasSuffix("50-udev-default.rules") })
    #expect(!files.rules.files.contains { $0.hasSuffix("notes.txt") })
  }

  @Test(.timeLimit(.minutes(1)))
  func `pipes are not waited for, links that lead back are not followed, masks are empty`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try write("[Version]\nSignature=\"$Windows NT$\"\n", "one.inf")
    for name in ["a", "b", "c"] {
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder.path)/\(name)", withDestinationPath: folder.path)
    }
    #expect(mkfifo("\(folder.path)/pipe.inf", 0o600) == 0)
    #expect(mkfifo("\(folder.path)/pipe.rules", 0o600) == 0)
    try FileManager.default.createSymbolicLink(
      atPath: "\(folder.path)/mask.rules", withDestinationPath: "/dev/null")
    #expect(try DriverPackages([FilePath(folder.path)]).files.count == 1)
    let rules = SettingsFolder.files(in: [folder.path], suffix: ".rules")
    #expect(rules.map(\.name) == ["mask.rules", "pipe.rules"])
    #expect(rules.allSatisfy { $0.bytes.isEmpty })
  }
}
