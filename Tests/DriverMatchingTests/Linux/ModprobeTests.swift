import DriverMatching
import Foundation
import Testing
import USB

/// `modprobe --resolve-alias` over a tree of modules.
struct ModuleTree {
  var root: URL
  var version: String

  static let modprobe = ["/usr/sbin/modprobe", "/sbin/modprobe"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }
  static let depmod = ["/usr/sbin/depmod", "/sbin/depmod"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  /// Debian's kernel, as `Scripts/set-up test` has left it.
  static let debian: ModuleTree? = {
    guard modprobe != nil else { return nil }
    var repository = URL(filePath: #filePath)
    for _ in 0..<4 { repository.deleteLastPathComponent() }
    let root = repository.appending(path: ".build/set-up/kernel-modules")
    let versions =
      (try? FileManager.default.contentsOfDirectory(atPath: root.path + "/lib/modules")) ?? []
    guard let version = versions.sorted().last else { return nil }
    return ModuleTree(root: root, version: version)
  }()

  var folder: URL { root.appending(path: "lib/modules/\(version)") }

  func text(_ name: String) -> [UInt8] {
    (try? Data(contentsOf: folder.appending(path: name))).map { Array($0) } ?? []
  }

  var aliases: ModuleAliases {
    ModuleAliases(text("modules.alias"), order: text("modules.order"))
  }

  /// What modprobe prints for each name. One process takes many: a name of its own stands between them.
  func resolve(_ names: [String], configuration: String = "") throws -> [[String]] {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "dfu-modprobe-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try (configuration + "\nalias next-name next-name\n")
      .write(to: folder.appending(path: "a.conf"), atomically: true, encoding: .utf8)
    var results: [[String]] = []
    for start in stride(from: 0, to: names.count, by: 250) {
      let part = names[start..<min(start + 250, names.count)]
      let process = Process()
      process.executableURL = URL(filePath: Self.modprobe ?? "")
      process.arguments =
        ["-d", root.path, "-S", version, "-C", folder.path, "-q", "-R", "-a"]
        + part.flatMap { [$0, "next-name"] }
      let output = Pipe()
      process.standardOutput = output
      process.standardError = FileHandle.nullDevice
      try process.run()
      let bytes = output.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      var current: [String] = []
      for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
        if line == "next_name" {
          results.append(current)
          current = []
        } else {
          current.append(String(line))
        }
      }
    }
    return results
  }

  /// Writes a tree of modules that have nothing but aliases, and lets depmod index it.
  static func write(_ modules: [(name: String, aliases: [String])]) throws -> ModuleTree {
    let root = FileManager.default.temporaryDirectory.appending(
      path: "dfu-tree-\(UUID().uuidString)")
    let tree = ModuleTree(root: root, version: "1.2.3-test")
    let kernel = tree.folder.appending(path: "kernel")
    try FileManager.default.createDirectory(at: kernel, withIntermediateDirectories: true)
    for module in modules {
      let info = (["license=GPL"] + module.aliases.map { "alias=\($0)" }).map { $0 + "\0" }.joined()
      try Data(object(section: ".modinfo", Array(info.utf8)))
        .write(to: kernel.appending(path: "\(module.name).ko"))
    }
    let order = modules.map { "kernel/\($0.name).ko\n" }.joined()
    try Data(order.utf8).write(to: tree.folder.appending(path: "modules.order"))
    for name in ["modules.builtin", "modules.builtin.modinfo"] {
      try Data().write(to: tree.folder.appending(path: name))
    }
    let process = Process()
    process.executableURL = URL(filePath: depmod ?? "")
    process.arguments = ["-b", root.path, tree.version]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return tree
  }

  /// A relocatable ELF file for x86-64 with one section of contents (System V ABI, chapter 4).
  private static func object(section name: String, _ contents: [UInt8]) -> [UInt8] {
    func number(_ value: Int, _ bytes: Int) -> [UInt8] {
      (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let names = Array("\0\(name)\0.shstrtab\0".utf8)
    let end = 64 + contents.count + names.count
    var bytes: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
    bytes += number(1, 2) + number(62, 2) + number(1, 4) + number(0, 8) + number(0, 8)
    bytes += number(end, 8) + number(0, 4) + number(64, 2) + number(0, 2) + number(0, 2)
    bytes += number(64, 2) + number(3, 2) + number(2, 2)
    bytes += contents + names
    func header(_ name: Int, _ type: Int, _ at: Int, _ count: Int) -> [UInt8] {
      number(name, 4) + number(type, 4) + number(0, 8) + number(0, 8) + number(at, 8)
        + number(count, 8) + number(0, 4) + number(0, 4) + number(1, 8) + number(0, 8)
    }
    bytes += [UInt8](repeating: 0, count: 64)
    bytes += header(1, 1, 64, contents.count)
    bytes += header(2 + name.utf8.count, 3, 64 + contents.count, names.count)
    return bytes
  }
}

/// Devices that somebody's aliases mean, and their neighbours.
struct DrawnDevices {
  var numbers: SeededNumbers

  init(seed: UInt64) { numbers = SeededNumbers(seed: seed) }

  /// An interface that a pattern takes, with anything where it is open.
  mutating func device(of pattern: String) -> Modalias? {
    guard let fields = AliasFields(pattern) else { return nil }
    let device = fields.device.map { UInt8(truncatingIfNeeded: value($0, 2)) }
    let interface = fields.interface.map { UInt8(truncatingIfNeeded: value($0, 2)) }
    return Modalias(
      vendor: VendorID(value(fields.vendor, 4)), product: ProductID(value(fields.product, 4)),
      deviceVersion: BCDVersion(value(fields.version, 4)),
      deviceClass: ClassTriple(device[0], device[1], device[2]),
      interfaceClass: ClassTriple(interface[0], interface[1], interface[2]),
      interfaceNumber: UInt8(truncatingIfNeeded: value(fields.number, 2)))
  }

  private mutating func value(_ field: AliasFields.Field, _ digits: Int) -> UInt16 {
    switch field {
    case .fixed(let value): return value
    case .any:
      // Numbers that many patterns name, so that several lines match at once.
      let usual: [UInt16] = [0, 1, 2, 3, 6, 8, 0x0A, 0x50, 0xE0, 0xFF, 0x05AC, 0x12D1, 0x0483]
      let drawn = Bool.random(using: &numbers) ? usual.randomElement(using: &numbers) : nil
      let value = drawn ?? UInt16.random(in: 0...UInt16.max, using: &numbers)
      return digits == 2 ? value & 0xFF : value
    case .pattern(let text):
      var result: [Character] = []
      var rest = text[...]
      while let first = rest.popFirst() {
        if first == "*" { break }
        guard first == "[", let end = rest.firstIndex(of: "]") else {
          result.append(first)
          continue
        }
        let inside = ShellPattern("[" + rest[..<end] + "]")
        result.append(
          "0123456789ABCDEF".filter { inside.matches(String($0)) }.randomElement(using: &numbers)
            ?? "0")
        rest = rest[rest.index(after: end)...]
      }
      while result.count < digits {
        result.append("0123456789".randomElement(using: &numbers) ?? "0")
      }
      return UInt16(String(result), radix: 16) ?? 0
    }
  }
}

@Suite("modprobe agrees") struct ModprobeTests {
  static let isProof = ProcessInfo.processInfo.environment["DFU_PROOF"] != nil

  @Test(
    .enabled(if: ModuleTree.modprobe != nil && ModuleTree.depmod != nil, "kmod is not installed"))
  func `over modules of our own, whatever the wildcards`() throws {
    let entries: [(String, [USBDeviceID])] = [
      ("late", [.interfaceInfo(ClassTriple(8, 6, 0x50))]),
      (
        "by-device",
        [
          .device(VendorID(0x1234), ProductID(0x5678)),
          .device(VendorID(0x1234), ProductID(0x5679)),
        ]
      ),
      (
        "by-version",
        [
          .device(VendorID(0x1234), ProductID(0x5678), versions: 0x0100...0x0133),
          .device(VendorID(0x1234), ProductID(0x5678), versions: 0x0008...0x01AF),
          .device(VendorID(0x1234), ProductID(0x9ABC), versions: 0x0132...0x9999),
        ]
      ),
      ("by-vendor", [.vendor(VendorID(0x1234), interface: ClassTriple(0xFF, 0, 0))]),
      (
        "by-class",
        [
          USBDeviceID(match: .interfaceClass, interfaceClass: ClassTriple(3, 0, 0)),
          .interfaceInfo(ClassTriple(3, 1, 1)), .interfaceInfo(ClassTriple(8, 6, 0x50)),
          .deviceInfo(ClassTriple(0xE0, 1, 1)),
        ]
      ),
      ("by-number", [.device(VendorID(0x1234), ProductID(0x5678), interfaceNumber: 2)]),
    ]
    var modules = entries.map { (name: $0.0, aliases: $0.1.flatMap(\.aliasPatterns)) }
    modules.append(
      (
        name: "odd-patterns",
        aliases: [
          "usb:v[0-1]*p*d*dc*dsc*dp*ic0[!3-8]isc*ip*in*", "usb:v????p0001d*dc*dsc*dp*ic*isc*ip*in*",
          "usb:*",
          "usb:v1234p5678d*dc*dsc*dp*ic*isc*ip*in01", "usb:v*5p*5d*5dc*dsc*ip*in*", "usb:*p-*",
          "usb:*in[*",
          "usb:*[a-b]*",
        ]
      ))
    modules.append((name: "again", aliases: ["usb:v1234p*", "usb:v1234p*", "usb:v1234p5678*"]))
    let tree = try ModuleTree.write(modules)
    defer { try? FileManager.default.removeItem(at: tree.root) }
    let own = tree.aliases
    #expect(own.aliases.count > 25)
    var drawn = DrawnDevices(seed: 11)
    var names: [String] = []
    for alias in own.aliases {
      for _ in 0..<8 {
        if let device = drawn.device(of: alias.pattern) { names.append(device.description) }
      }
    }
    names += names.prefix(40).map { $0 + "X" } + names.prefix(40).map { $0.lowercased() }
    names +=
      names.prefix(20).map { String($0.dropLast()) } + [
        "usb:", "usb:v", "usb:p-x", "usb:p_x", "usb:in]",
      ]
    let theirs = try tree.resolve(names)
    #expect(theirs.count == names.count)
    for (name, modules) in zip(names, theirs) {
      #expect(own.matches(name).map(\.module) == modules, "\(name)")
    }
    #expect(theirs.count { $0.count > 2 } > 50)

    // The same with lines of modprobe.d in front.
    let text =
      "alias usb:v1234p56[6-7]* first-one\nalias usb:v1234p5678* second-one\nblacklist again\n"
    let configured = KernelModules(
      aliases: own,
      configuration: ModprobeConfiguration([
        ConfigurationFile(directory: "", name: "a.conf", text: text)
      ]))
    for (name, modules) in zip(names, try tree.resolve(names, configuration: text)) {
      #expect(configured.resolve(name).map(\.module) == modules, "\(name)")
    }
  }

  @Test(
    .enabled(if: ModuleTree.debian != nil, "Debian's modules are not here: Scripts/set-up test"))
  func `over every USB line of Debian's kernel, order and repetitions included`() throws {
    let tree = try #require(ModuleTree.debian)
    let table = tree.aliases
    #expect(table.aliases.count > 6000)
    #expect(table.findings.isEmpty)
    let count = Self.isProof ? 10_500 : 600
    var drawn = DrawnDevices(seed: 1)
    var names: [String] = []
    // All lines in turn; a step that has no divisor in common with their number.
    for index in 0..<count {
      let alias = table.aliases[(index * 7_919) % table.aliases.count]
      if let device = drawn.device(of: alias.pattern) { names.append(device.description) }
    }
    #expect(names.count == count)
    let theirs = try tree.resolve(names)
    #expect(theirs.count == names.count)
    // What modules.alias does not have, modprobe looks for among what is part of the kernel.
    let modules = KernelModules(
      aliases: table, builtin: ModuleAliases(builtinInfo: tree.text("modules.builtin.modinfo")))
    for (name, expected) in zip(names, theirs) {
      #expect(modules.resolve(name).map(\.module) == expected, "\(name)")
    }
    // A table of one product's lines says the same of it.
    let (text, order) = (tree.text("modules.alias"), tree.text("modules.order"))
    for name in names.prefix(20) {
      let device = try Modalias(parsing: name)
      let own = ModuleAliases(text, order: order, only: (device.vendor, device.product))
      #expect(own.matches(name) == table.matches(name), "\(name)")
    }
  }

  @Test(
    .enabled(if: ModuleTree.debian != nil, "Debian's modules are not here: Scripts/set-up test"))
  func `each pattern of Debian's kernel is one that we can take apart`() throws {
    let tree = try #require(ModuleTree.debian)
    for alias in tree.aliases.aliases {
      #expect(AliasFields(alias.pattern) != nil, "\(alias.pattern)")
    }
  }
}
