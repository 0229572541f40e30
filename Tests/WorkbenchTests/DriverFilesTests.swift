import DriverMatching
import Foundation
import SystemPackage
import Testing

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
