import DriverMatching
import Foundation
import Testing
import USB

/// `udevadm test` of the guest's packages, over a device that umockdev makes up. Everything that it writes
/// goes to a file system of its own, which ends with it.
struct Udevadm {
  static let tree: URL? = {
    var repository = URL(filePath: #filePath)
    for _ in 0..<4 { repository.deleteLastPathComponent() }
    let path = ProcessInfo.processInfo.environment["DFU_GUEST_TREE"]
    let tree = path.map { URL(filePath: $0) } ?? repository.appending(path: ".build/interop/tree")
    let needed = [
      tree.path + "/usr/bin/udevadm", "/usr/bin/umockdev-run", "/usr/bin/unshare",
      "/lib/udev/rules.d",
    ]
    guard needed.allSatisfy({ FileManager.default.fileExists(atPath: $0) }), getuid() == 0 else {
      return nil
    }
    return tree
  }()

  /// What it prints of the device at the end.
  var properties: [String: String] = [:]
  /// All that it has printed.
  var log: [Substring] = []

  /// Runs it once.
  ///
  /// - Parameters:
  ///   - device: the device that the event is about.
  ///   - files: the rules.
  /// - Throws: where files cannot be written or nothing can be run.
  init(_ device: UdevDevice, _ files: [ConfigurationFile]) throws {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "dfu-udevadm-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    for name in ["rules", "dev", "empty"] {
      try FileManager.default.createDirectory(
        at: folder.appending(path: name), withIntermediateDirectories: true)
    }
    for file in files {
      try Data(file.bytes).write(to: folder.appending(path: "rules/\(file.name)"))
    }
    let nodes = ([device] + device.parents).map(Self.text).joined(separator: "\n")
    try Data(nodes.utf8).write(to: folder.appending(path: "device.umockdev"))
    let script = """
      mount -t tmpfs none /run && mkdir -p /run/udev/rules.d &&
      mount --bind "$1/rules" /run/udev/rules.d && mount --bind "$1/empty" /lib/udev/rules.d &&
      mount -t tmpfs none "$1/dev" && touch "$1/dev/null" && mount --bind /dev/null "$1/dev/null" &&
      mount --rbind "$1/dev" /dev &&
      LD_LIBRARY_PATH="$2/usr/lib/x86_64-linux-gnu" umockdev-run -d "$1/device.umockdev" -- \
        "$2/usr/bin/udevadm" test --action="$3" "$4" 2>&1
      """
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/unshare")
    process.arguments = [
      "-m", "sh", "-c", script, "sh", folder.path, Self.tree?.path ?? "", device.action,
      device.devpath,
    ]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    log = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    for line in log where !line.contains(":") || line.hasPrefix("DEVPATH") || line.contains("=") {
      guard let equals = line.firstIndex(of: "="), !line[..<equals].contains(" ") else { continue }
      properties[String(line[..<equals])] = String(line[line.index(after: equals)...])
    }
  }

  /// The last line that says `WORD VALUE` of a rule: `MODE 0666`.
  func last(_ word: String) -> String? {
    let sign = " \(word) "
    guard let line = log.last(where: { $0.contains(sign) && $0.contains(".rules:") }),
      let range = line.range(of: sign)
    else { return nil }
    return String(line[range.upperBound...])
  }

  private static func text(_ device: UdevDevice) -> String {
    var lines = ["P: \(device.devpath)"]
    if let node = device.node { lines.append("N: \(node.dropFirst(5))") }
    var event = device.properties
    event["SUBSYSTEM"] = device.subsystem
    event["DEVTYPE"] = device.devtype
    event["DRIVER"] = device.driver
    event["DEVNAME"] = device.node
    if let number = device.number {
      event["MAJOR"] = "\(number.major)"
      event["MINOR"] = "\(number.minor)"
    }
    lines += event.sorted { $0.key < $1.key }.map { "E: \($0.key)=\($0.value)" }
    lines += device.attributes.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
      .map { "A: \($0.key)=\($0.value.replacing("\\", with: "\\\\"))" }
    // Only the interfaces of the file are looked at.
    let descriptors = device.interfaceClasses.flatMap { triple -> [UInt8] in
      [9, 4, 0, 0, 0, triple.classCode, triple.subclass, triple.protocolCode, 0]
    }
    if !descriptors.isEmpty {
      let digits = ([18, 1] + [UInt8](repeating: 0, count: 16) + descriptors + [3, 0xFF, 0]).map {
        hex($0)
      }
      .joined()
      lines.append("H: descriptors=\(digits)")
    }
    if let driver = device.driver, let subsystem = device.subsystem {
      lines.append("L: driver=../../../../../bus/\(subsystem)/drivers/\(driver)")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

@Suite(
  "udevadm agrees",
  .enabled(if: Udevadm.tree != nil, "needs root, umockdev and the guest's packages"))
struct UdevadmTests {
  /// The groups of this machine, which udevadm asks.
  static let groups: [(name: String, id: String)] = {
    let text = (try? String(contentsOfFile: "/etc/group", encoding: .utf8)) ?? ""
    var groups: [(name: String, id: String)] = []
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
      if parts.count > 2 { groups.append((parts[0], parts[2])) }
    }
    return groups
  }()

  /// Compares one run with our own of the same rules.
  static func compare(
    _ device: UdevDevice, _ files: [ConfigurationFile],
    _ environment: UdevEnvironment = UdevEnvironment(groups: Set(groups.map(\.name)))
  ) throws {
    let theirs = try Udevadm(device, files)
    let ours = UdevRuleSet(
      files.map {
        UdevFixtures.file(
          $0.name, String(decoding: $0.bytes, as: UTF8.self), in: "/run/udev/rules.d")
      })
    let outcome = ours.evaluate(device, in: environment)
    #expect(theirs.properties["DEVPATH"] == device.devpath, "\(theirs.log.joined(separator: "\n"))")
    // What rules set; not what udev adds of its own.
    let own = outcome.properties.mapValues(\.value)
    for (key, value) in own.merging(theirs.properties, uniquingKeysWith: { first, _ in first })
    where key.hasPrefix("T") || key.hasPrefix("ID_") {
      if key == "TAGS" || key == "TYPE" { continue }
      _ = value
      #expect(own[key] == theirs.properties[key], "\(key): \(Self.rule(key, files))")
    }
    let tags = (theirs.properties["TAGS"] ?? "").split(separator: ":").map(String.init)
    #expect(Set(tags) == Set(outcome.tags.map(\.value)))
    let current = (theirs.properties["CURRENT_TAGS"] ?? "").split(separator: ":").map(String.init)
    #expect(Set(current) == outcome.currentTags)
    let links = (theirs.properties["DEVLINKS"] ?? "").split(separator: " ").map {
      String($0.dropFirst(5))
    }
    #expect(Set(links) == Set(outcome.symlinks.map(\.value)))
    #expect(theirs.last("MODE") == outcome.mode.map { "0" + String($0.value, radix: 8) })
    if let group = outcome.group {
      let number = Self.groups.first { $0.name == group.value }?.id ?? group.value
      #expect(theirs.last("GROUP") == number)
    } else {
      #expect(theirs.last("GROUP") ?? "4294967295" == "4294967295")
    }
    let commands = theirs.log.filter { $0.hasPrefix("run: '") }.map {
      String($0.dropFirst(6).dropLast())
    }
    #expect(commands == outcome.run.map(\.value.text))
    // Lines that are passed over as a whole.
    let invalid = Set(
      theirs.log.filter { line in
        line.hasPrefix("/run/udev")
          && ["Invalid", "Unknown builtin", "Ignoring NAME", "Failed to"].contains {
            line.contains($0)
          }
          && !line.contains("OPTIONS") && !line.contains("Invalid value \"")
          && line.contains("/rules.d/")
      }.compactMap { $0.split(separator: " ").first.map(String.init) })
    let ignored = Set(
      ours.findings.filter { $0.consequence == .lineIgnored && $0.slug != "udev-no-effect" }.map(
        \.place))
    #expect(invalid == ignored)
  }

  /// The rule in whose text a property stands, for the message.
  private static func rule(_ key: String, _ files: [ConfigurationFile]) -> String {
    files.flatMap { String(decoding: $0.bytes, as: UTF8.self).split(separator: "\n") }
      .first { $0.contains("{\(key)}") }.map(String.init) ?? ""
  }

  @Test func `on every match key, each on a line of its own`() throws {
    let conditions = UdevMatchTable.conditions
    let text = conditions.enumerated().map { "\($0.element), ENV{T\($0.offset)}=\"1\"\n" }.joined()
    try Self.compare(UdevFixtures.bootloader(), [UdevFixtures.file("70-x.rules", text)])
    try Self.compare(UdevFixtures.bootloader("change"), [UdevFixtures.file("70-x.rules", text)])
  }

  @Test func `on rules drawn at random`() throws {
    var numbers = SeededNumbers(seed: 5)
    let pieces = [
      "usb", "1-2", "0483", "df11", "*", "?", "[0-9]", "[!a]", "|", "-", "x", "DF", "u[r-t]b", "\\",
      "?*", "04*|d",
    ]
    let keys = [
      "KERNEL", "SUBSYSTEM", "DRIVER", "ATTR{idVendor}", "ATTR{idProduct}", "ATTR{none}",
      "ENV{NONE}", "ENV{DEVTYPE}",
      "KERNELS", "SUBSYSTEMS", "DRIVERS", "ATTRS{idVendor}", "ATTRS{bDeviceClass}", "ATTR{product}",
      "ENV{T0}", "TAG",
    ]
    var text = "ENV{T0}=\"usb\", TAG+=\"usb\"\n"
    for index in 1...900 {
      let tokens = (0..<Int.random(in: 1...3, using: &numbers)).map { _ in
        let value = (0..<Int.random(in: 0...3, using: &numbers)).map { _ in
          pieces.randomElement(using: &numbers) ?? ""
        }.joined()
        let operation = Bool.random(using: &numbers) ? "==" : "!="
        return "\(keys.randomElement(using: &numbers) ?? "")\(operation)\"\(value)\""
      }
      text += tokens.joined(separator: ", ") + ", ENV{T\(index)}=\"%k\"\n"
    }
    try Self.compare(UdevFixtures.bootloader(), [UdevFixtures.file("70-x.rules", text)])
  }

  @Test func `on substitutions, lists, links and usb_id`() throws {
    let texts = [
      "$kernel %k %%k $$k", "%n", "$number", "%p", "$id/%b", "%M:%m",
      "$attr{idVendor}-%s{idProduct}", "$attr{product}",
      "$attr{none}", "%E{DEVTYPE}$env{NONE}", "%N", "$devnode", "%r %S", "%c", "$name", "%z",
      "$driver", "50%",
      "$attr{manufacturer}", "$env{ID_MODEL}", "%P", "$parent",
    ]
    var text = "IMPORT{builtin}=\"usb_id\"\n"
    for (index, value) in texts.enumerated() {
      text += "KERNELS==\"usb1\", ENV{T\(index)}=\"[\(value)]\"\n"
    }
    text += """
      TAG+="a", TAG+="b", SYMLINK+="one two %k", ENV{TA}="1", MODE="0600"
      RUN+="/bin/first %k", GROUP="daemon"
      TAG-="a", SYMLINK+="x/$attr{product}/y", ENV{TA}+="2", MODE="0640"
      RUN+="/bin/second", RUN{builtin}+="kmod load", RUN+="/bin/first %k"
      SYMLINK+="q'(u)é", ENV{TB}="x", ENV{TC}="y"
      ENV{TB}="", OPTIONS="string_escape=replace", ENV{TC}="a b/c", SYMLINK+="p q/r"
      ENV{TD}="1", GOTO="end"
      ENV{TE}="1"
      LABEL="end"
      OPTIONS="string_escape=none", SYMLINK+="n;m"
      """
    for device in [UdevFixtures.bootloader(), UdevFixtures.serial] {
      try Self.compare(device, [UdevFixtures.file("70-x.rules", text)])
    }
  }

  @Test func `on operators that close, imports, tests and escapes`() throws {
    let text = #"""
      IMPORT{builtin}="path_id", ENV{T0}="1"
      IMPORT{parent}="BUSNUM", ENV{T1}="1"
      IMPORT{db}="NONE", ENV{T2}="1"
      IMPORT{db}!="NONE", ENV{T3}="1"
      TEST=="idVendor", ENV{T4}="1"
      TEST=="nothing", ENV{T5}="1"
      TEST!="nothing", ENV{T6}="1"
      ENV{T7}=e"a\tb\x41\101\\"
      ENV{T8}="a"b\c"
      ENV{T9}:="1"
      ENV{T9}="2"
      MODE:="0612", GROUP:="daemon", SYMLINK:="first"
      MODE="0666", GROUP="root", SYMLINK+="second"
      TAG="one"
      TAG+="bad tag", TAG+="two"
      TAG:="three"
      RUN:="/bin/a"
      RUN+="/bin/b"
      ENV{TA}="x", ENV{TA}+="y", ENV{TA}+="z"
      ENV{TA}=="x y z", ENV{TB}="1"
      ENV{TC}=="|a", ENV{TD}="1"
      ENV{TB}=="2||1", ENV{TE}="1"
      KERNEL=="1-2", GOTO="skip", ENV{TF}="1"
      ENV{TG}="1"
      LABEL="skip", ENV{TH}="1"
      RESULT=="", ENV{TI}="1"
      SYMLINK=="first", ENV{TJ}="1"
      SYMLINK!="first", ENV{TK}="1"
      ATTRS{idVendor}=="1d6b", ATTRS{idProduct}!="x", ENV{TL}="1"
      KERNELS=="0000:00:14.0", DRIVERS=="xhci_hcd", SUBSYSTEMS=="pci", ENV{TM}="%b"
      SUBSYSTEM=="bus", ENV{TN}="1"
      SUBSYSTEM!="bus", ENV{TO}="1"
      MODE="%s{idVendor}"
      ENV{TP}="%s{idVendor"
      ENV{TQ}="$attr{product}$attr", ENV{TR}="%E"

      """#
    for action in ["add", "change"] {
      try Self.compare(UdevFixtures.bootloader(action), [UdevFixtures.file("70-x.rules", text)])
    }
  }

  @Test(arguments: [
    "", " ", "a", " lead", "two  blanks", "tab\tinside", "slash/back\\slash", "(c) 2020, Maker",
    "Ünïcödé™", "\\x41b",
    "semi;colon'quote\"double", "a$b%c", "#+-.:=@_", "\u{7F}", "\u{1}", "日本",
    String(repeating: "long ", count: 30),
    String(repeating: "é", count: 40), "x" + String(repeating: "é", count: 40), "?", "<>|&*[]{}",
    "trailing ",
  ])
  func `on strings that have odd letters`(_ text: String) throws {
    var device = UdevFixtures.bootloader()
    device.attributes["product"] = text
    device.attributes["manufacturer"] = text
    device.attributes["serial"] = text
    let rules = """
      IMPORT{builtin}="usb_id"
      ENV{T1}="$attr{product}", SYMLINK+="by/$attr{product}-$env{ID_SERIAL}"
      ENV{T2}="%E{ID_MODEL_ENC}", OPTIONS="string_escape=replace", SYMLINK+="c$attr{serial}"
      ATTR{product}=="*e*", ENV{T3}="1"

      """
    try Self.compare(device, [UdevFixtures.file("70-x.rules", rules)])
  }

  @Test func `on lines with faults, and on the order of files`() throws {
    let text = UdevMatchTable.faults.map { "\($0)\n" }.joined()
    try Self.compare(
      UdevFixtures.bootloader(),
      [
        UdevFixtures.file("70-x.rules", text), UdevFixtures.file("9-y.rules", "ENV{TO}+=\"9\"\n"),
        UdevFixtures.file("10-y.rules", "ENV{TO}+=\"10\"\nMODE:=\"0611\"\n"),
        UdevFixtures.file("Z-y.rules", "ENV{TO}+=\"Z\", MODE=\"0600\"\n"),
        UdevFixtures.file("a-y.rules", "ENV{TO}+=\"a\", \\\n# between\n  TAG+=\"t\"\n"),
      ])
  }

  /// Devices that rules of Debian's packages are about, and some others.
  static let devices: [UdevDevice] = [
    (0x0483, 0xDF11), (0x28E9, 0x0189), (0x1D50, 0x607F), (0x1D50, 0x6089), (0x1D50, 0x6002),
    (0x04E8, 0x6860),
    (0x0483, 0x3748), (0x2341, 0x0043), (0x1234, 0x5678),
  ].map { (vendor: UInt16, product: UInt16) in
    UdevDevice.usb(
      device: DeviceDescriptor(
        vendor: VendorID(vendor), product: ProductID(product), deviceVersion: BCDVersion(0x0100)),
      configurations: [UdevFixtures.configuration],
      strings: .init(manufacturer: "Maker", product: "Board", serialNumber: "12"),
      path: PortPath(bus: 1, ports: [3]),
      address: 7)
  }

  @Test(arguments: ["add", "change", "remove"])
  func `on the rules of Debian's packages`(_ action: String) throws {
    let folders = ["\(Udevadm.tree?.path ?? "")/usr/lib/udev/rules.d", "/lib/udev/rules.d"]
    var files: [String: ConfigurationFile] = [:]
    for folder in folders {
      for name in try FileManager.default.contentsOfDirectory(atPath: folder)
      where name.hasSuffix(".rules") {
        let bytes = try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))
        files[name] = UdevFixtures.file(name, String(decoding: bytes, as: UTF8.self))
      }
    }
    #expect(files.count > 20)
    for var device in Self.devices {
      device.action = action
      try Self.compare(
        device, Array(files.values),
        UdevEnvironment(
          groups: Set(Self.groups.map(\.name)), hardwareDatabase: UdevHardwareDatabase([])))
    }
  }
}
