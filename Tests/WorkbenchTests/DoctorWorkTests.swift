import DriverMatching
import Foundation
import Testing
import USB

@testable import Workbench

@Suite("What the doctor does") struct DoctorWorkTests {
  private let folder: URL
  private let work: DoctorWork

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    for name in ["rules", "sys/bus/usb/drivers/wrong", "sys/bus/usb/devices/1-2:1.0"] {
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent(name), withIntermediateDirectories: true)
    }
    for name in ["unbind", "bind"] {
      try Data().write(to: folder.appendingPathComponent("sys/bus/usb/drivers/wrong/\(name)"))
    }
    work = DoctorWork(
      rules: folder.path + "/rules", sysfs: folder.path + "/sys", nodes: folder.path + "/dev",
      notes: folder.path + "/notes")
  }

  private func text(_ name: String) -> String? {
    (try? Data(contentsOf: folder.appendingPathComponent(name))).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  private static let rule = UdevRule.granting(VendorID(0x0483), ProductID(0xDF11), name: "dfu-test")

  @Test func `a rule is written, and taken away again`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    var commands: [[String]] = []
    try work.perform(.rule(Self.rule, device: "1-2")) { words in
      commands.append(words)
      return true
    }
    #expect(text("rules/70-dfu-test.rules") == Self.rule.text)
    #expect(commands.first == ["udevadm", "control", "--reload"])
    #expect(commands.dropFirst().first?.last == "--sysname-match=1-2")
    // Again: ours may be replaced.
    try work.perform(.rule(Self.rule, device: "1-2")) { _ in true }
    try Data("# another's\n".utf8).write(to: folder.appendingPathComponent("rules/60-other.rules"))
    #expect(try work.undo { _ in true }.count == 1)
    #expect(text("rules/70-dfu-test.rules") == nil)
    #expect(text("rules/60-other.rules") != nil)
    #expect(try work.undo { _ in true } == [])
  }

  @Test func `a file of somebody else with that name stays`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let place = folder.appendingPathComponent("rules/70-dfu-test.rules")
    try Data("mine\n".utf8).write(to: place)
    let error = #expect(throws: DoctorWork.Failure.self) {
      try work.perform(.rule(Self.rule, device: "1-2")) { _ in true }
    }
    #expect(error?.sentence.contains("70-dfu-test.rules") == true)
    #expect(text("rules/70-dfu-test.rules") == "mine\n")
  }

  @Test func `a driver is sent away, and has the interface back`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try work.perform(.unbind(interface: "1-2:1.0", driver: "wrong")) { _ in true }
    #expect(text("sys/bus/usb/drivers/wrong/unbind") == "1-2:1.0")
    #expect(text("notes/1-2:1.0")?.hasPrefix("wrong ") == true)
    #expect(try work.undo { _ in true } == ["wrong has 1-2:1.0 again."])
    #expect(text("sys/bus/usb/drivers/wrong/bind") == "1-2:1.0")
    #expect(text("notes/1-2:1.0") == nil)
  }

  @Test func `what could not be done is not noted as done`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(throws: DoctorWork.Failure.self) {
      try work.perform(.unbind(interface: "1-2:1.0", driver: "absent")) { _ in true }
    }
    #expect(text("notes/1-2:1.0") == nil)
    #expect(try work.undo { _ in true } == [])
  }

  @Test func `a device that has gone needs nothing back`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try work.perform(.unbind(interface: "1-2:1.0", driver: "wrong")) { _ in true }
    try FileManager.default.removeItem(
      at: folder.appendingPathComponent("sys/bus/usb/devices/1-2:1.0"))
    #expect(try work.undo { _ in true } == [])
    #expect(text("notes/1-2:1.0") == nil)
  }

  @Test(arguments: ["", "# Written by dfu.\nSUBSYSTEM==\"usb\", MODE=\"0666\"\n"])
  func `what was changed since, or is empty, is not replaced and not removed`(
    _ content: String
  ) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data(content.utf8).write(to: folder.appendingPathComponent("rules/70-dfu-test.rules"))
    #expect(throws: DoctorWork.Failure.self) {
      try work.perform(.rule(Self.rule, device: "1-2")) { _ in true }
    }
    #expect(try work.undo { _ in true } == [])
    #expect(text("rules/70-dfu-test.rules") == content)
  }

  @Test func `the node loses what the rule gave, and those of other devices keep it`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let rule = UdevRule.granting(VendorID(0x0483), ProductID(0xDF11), name: "dfu-0483-df11")
    for (name, product, address) in [("1-2", "df11", "5"), ("1-3", "5740", "6")] {
      let device = folder.appendingPathComponent("sys/bus/usb/devices/\(name)")
      try FileManager.default.createDirectory(at: device, withIntermediateDirectories: true)
      for (file, value) in [
        ("idVendor", "0483"), ("idProduct", product), ("busnum", "1"), ("devnum", address),
      ] {
        try Data("\(value)\n".utf8).write(to: device.appendingPathComponent(file))
      }
      let node = folder.appendingPathComponent("dev/001/00\(address)")
      try FileManager.default.createDirectory(
        at: node.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data().write(to: node)
      chmod(node.path, 0o660)
    }
    try work.perform(.rule(rule, device: "1-2")) { _ in true }
    #expect(try work.undo { _ in true }.count == 1)
    func mode(_ address: Int) throws -> Int? {
      let path = folder.path + "/dev/001/00\(address)"
      let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
      return (mode as? NSNumber)?.intValue
    }
    #expect(try mode(5) == 0o600)
    #expect(try mode(6) == 0o660)
  }

  @Test func `a rule that udev does not hear of is told`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let error = #expect(throws: DoctorWork.Failure.self) {
      try work.perform(.rule(Self.rule, device: "1-2")) { _ in false }
    }
    #expect(error?.sentence.contains("is written") == true)
  }

  @Test func `a driver gets nothing back of another device at the same port`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let device = folder.appendingPathComponent("sys/bus/usb/devices/1-2")
    try FileManager.default.createDirectory(at: device, withIntermediateDirectories: true)
    for (name, value) in [("idVendor", "0483"), ("idProduct", "df11"), ("devnum", "5")] {
      try Data("\(value)\n".utf8).write(to: device.appendingPathComponent(name))
    }
    try work.perform(.unbind(interface: "1-2:1.0", driver: "wrong")) { _ in true }
    #expect(text("notes/1-2:1.0") == "wrong 0483:df11:5")
    try Data("6\n".utf8).write(to: device.appendingPathComponent("devnum"))
    #expect(try work.undo { _ in true } == [])
    #expect(text("sys/bus/usb/drivers/wrong/bind") == "")
  }

  @Test func `commands of the system are run and their end is told`() {
    #expect(DoctorWork.run(["true"]))
    #expect(!DoctorWork.run(["false"]))
    #expect(!DoctorWork.run(["there-is-no-such-command"]))
    #expect(!DoctorWork.run([]))
  }
}
