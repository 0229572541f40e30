import Foundation
import MockDevices
import Testing

/// Every example of the README and of the help of every verb is run as it stands, but for the speed of
/// virtual devices, which is that of the machine.
@Suite struct ExampleTests {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// The lines of a text that call `dfu`, with what is continued on the next line.
  static func commands(in lines: some Sequence<Substring>) -> [String] {
    lines.map { $0.drop { $0 == " " } }.filter { $0.hasPrefix("dfu ") }.map(String.init)
  }

  /// Those in the blocks of shell of a page.
  static func commands(of page: String) throws -> [String] {
    let text = try String(contentsOf: root.appendingPathComponent(page), encoding: .utf8)
    var isShell = false
    let lines = text.split(separator: "\n").filter { line in
      if line.hasPrefix("```") {
        isShell = line == "```sh"
        return false
      }
      return isShell
    }
    return commands(in: lines)
  }

  /// A folder with the files that examples speak of.
  private func workplace() throws -> Workplace {
    let folder = try Workplace()
    let blink = Self.root.appendingPathComponent("Examples/firmware")
    let elf = Array(try Data(contentsOf: blink.appendingPathComponent("blink.elf")))
    for name in ["firmware", "new", "application", "app"] {
      try folder.write(elf, to: "\(name).elf")
    }
    let hex = Array(try Data(contentsOf: blink.appendingPathComponent("blink.hex")))
    for name in ["firmware", "old", "application", "app"] {
      try folder.write(hex, to: "\(name).hex")
    }
    for name in ["firmware", "boot", "app", "settings", "assets", "back"] {
      try folder.write(Array(Fixtures.program.prefix(600)), to: "\(name).bin")
    }
    for name in ["firmware", "all", "app"] { try folder.write(Fixtures.dfuSe, to: "\(name).dfu") }
    try folder.write(Fixtures.lpc, to: "lpc.dfu")
    try folder.write(FoundingDump.text, to: "usbview.txt")
    try folder.write(
      ":020000040804EE\n:0400000001020304F2\n:00000001FF\n", to: "bootloader.hex")
    let devices = "Examples/devices"
    for examples in [devices, "Examples/drivers"] {
      try FileManager.default.createDirectory(
        at: folder.url.appendingPathComponent(examples), withIntermediateDirectories: true)
      for name in try FileManager.default.contentsOfDirectory(
        atPath: Self.root.appendingPathComponent(examples).path)
      {
        let file = Self.root.appendingPathComponent("\(examples)/\(name)")
        try folder.write(Array(try Data(contentsOf: file)), to: "\(examples)/\(name)")
      }
    }
    let board = Self.root.appendingPathComponent("\(devices)/external-flash.json")
    try folder.write(Array(try Data(contentsOf: board)), to: "board.json")
    return folder
  }

  /// Runs a line; virtual devices wait for nobody.
  private func run(_ line: String, in folder: Workplace) throws -> CommandRun {
    let instant =
      line.contains("speed=")
      ? line
      : line.replacing(/virtual:([^\s'"?]+)(\?)?/) { match in
        "virtual:\(match.1)?speed=instant" + (match.2 == nil ? "" : "&")
      }
    // What a shell would split or take for itself stands in quotes in the README; here it is put in.
    let quoted = instant.replacing(/(^|\s)(virtual:\S+)/) { "\($0.1)'\($0.2)'" }
    let binary = try CommandRun.binary()
    return try CommandRun(
      ["-c", quoted], in: folder,
      environment: [
        "PATH": "\(binary.deletingLastPathComponent().path):/usr/bin:/bin",
        "DFU_DEVICE": "virtual:stm32f407?state=board.bin&speed=instant",
      ], binary: URL(fileURLWithPath: "/bin/sh"))
  }

  /// Whether a line speaks of devices of this machine: it names one, or says so behind it.
  private func isPhysical(_ line: String) -> Bool {
    line.contains("of this machine") || line.contains(/-d ([0-9a-f]{4}:[0-9a-f]{4}|serial:|path:)/)
  }

  /// Runs a line about devices of this machine, among some that are made up. Where that is not possible it
  /// runs among those that there are, and may say that there are none.
  private func checkPhysical(_ line: String, in folder: Workplace) throws {
    // Nothing else is done to devices that somebody may have plugged in.
    try #require(line.hasPrefix("dfu list") || line.hasPrefix("dfu usb tree"), "\(line)")
    let binary = try CommandRun.binary().deletingLastPathComponent().path
    let shell = URL(fileURLWithPath: "/bin/sh")
    let environment = ["PATH": "\(binary):/usr/bin:/bin"]
    guard MockBus.isPossible else {
      let run = try CommandRun(["-c", line], in: folder, environment: environment, binary: shell)
      #expect([0, 69, 77].contains(run.status), "\(line)\n\(run.error)\(run.output)")
      return
    }
    let run = try PhysicalDeviceTests.bench.run(
      shell, ["-c", line], environment: environment, in: folder.url)
    #expect(run.status == 0, "\(line)\n\(run.error)\(run.output)")
    let isMasked = line.contains("--mask-serials")
    #expect(run.output.contains(isMasked ? "****" : "3276364D3034"), "\(line)\n\(run.output)")
  }

  /// Starts a line that is a server, on any free port, asks it for its devices, and ends it.
  private func checkServer(_ line: String, in folder: Workplace) throws {
    let binary = try CommandRun.binary()
    let shell = URL(fileURLWithPath: "/bin/sh")
    let environment = ["PATH": "\(binary.deletingLastPathComponent().path):/usr/bin:/bin"]
    // No example may open the machine that tests it to its network.
    let quiet =
      line.prefix { $0 != "#" }.replacing(/--listen \S+/) { _ in "" }.replacing(/--port \d+/) { _ in
        ""
      }
    let server = try LiveServer(
      ["-c", "exec \(quiet) --port 0"], in: folder, program: shell, environment: environment)
    let list = try CommandRun(
      ["list", "--any", "-d", "usbip://127.0.0.1:\(server.port)"], in: folder)
    // Of the devices of this machine there may be none.
    #expect(list.status == 0 || list.status == 69 && line.hasPrefix("dfu share"), "\(list.error)")
    #expect(server.stop() == 0, "\(line)\n\(server.words)")
  }

  /// Runs a line about the devices of a server, with a server that has them.
  private func checkClient(_ line: String, in folder: Workplace) throws {
    let server = try LiveServer(["emulate", "stm32f407", "--port", "0"], in: folder)
    let here = line.replacing(/usbip:\/\/[^\s\/'"]+/) { _ in "usbip://127.0.0.1:\(server.port)" }
    let run = try run(here, in: folder)
    #expect(run.status == 0, "\(line)\n\(run.error)\(run.output)")
    #expect(server.stop() == 0, "\(line)\n\(server.words)")
  }

  /// Whether a line is a server, which does not end.
  private func isServer(_ line: String) -> Bool {
    line.hasPrefix("dfu share")
      || line.hasPrefix("dfu emulate") && !line.contains("--list") && !line.contains("--describe")
  }

  /// 80 says that contents differ, and 75 that nothing has come: examples may show both.
  private func check(_ line: String, in folder: Workplace) throws {
    if line.hasPrefix("dfu usb attach --list") {
      // Whether this kernel has ports is not ours; that it is told is.
      let run = try run(line, in: folder)
      #expect([0, 69].contains(run.status), "\(line)\n\(run.error)")
      return
    }
    if isServer(line) { return try checkServer(line, in: folder) }
    if line.contains("usbip://") { return try checkClient(line, in: folder) }
    if isPhysical(line) { return try checkPhysical(line, in: folder) }
    var run = try run(line, in: folder)
    // The README writes a file of a name that it has read before; who tries that begins without it.
    if run.status == 73, let name = run.error.firstMatch(of: /dfu: (\S+) exists already/)?.1 {
      try FileManager.default.removeItem(at: folder.url.appendingPathComponent(String(name)))
      run = try self.run(line, in: folder)
    }
    let allowed: [Int32] = line.contains("--follow") ? [0, 75] : [0, 80]
    #expect(allowed.contains(run.status), "\(line)\n\(run.error)\(run.output)")
  }

  @Test(arguments: [
    ("README.md", 40), ("Documentation/WSL2AndLabHosts.md", 6), ("Documentation/WhichDriver.md", 6),
  ])
  func `the examples of a page work, one after the other`(_ page: String, _ least: Int) throws {
    let lines = try Self.commands(of: page)
    #expect(lines.count > least)
    let folder = try workplace()
    for line in lines { try check(line, in: folder) }
  }

  @Test(arguments: [
    ["list"], ["wait"], ["flash"], ["read"], ["verify"], ["erase"], ["blank-check"], ["detach"],
    ["leave"], ["options"], ["unprotect"], ["emulate"], ["share"], ["usb", "tree"],
    ["usb", "describe"], ["usb", "enumerate"], ["usb", "watch"], ["usb", "capture"],
    ["usb", "attach"],
    ["file", "info"],
    ["file", "convert"],
    ["file", "merge"], ["file", "diff"], ["file", "pack"], ["file", "unpack"],
  ])
  func `the examples in the help of a verb work`(_ verb: [String]) throws {
    let help = try CommandRun(
      verb + ["--help"], in: try Workplace(), environment: ["COLUMNS": "300"])
    let examples = help.output.split(separator: "\n", omittingEmptySubsequences: false)
      .drop { !$0.hasPrefix("Examples:") }.prefix { !$0.isEmpty }
    let lines = Self.commands(in: examples)
    #expect(!lines.isEmpty)
    // One after the other in one place: some use what the one before has written.
    let folder = try workplace()
    for line in lines { try check(line, in: folder) }
  }
}
