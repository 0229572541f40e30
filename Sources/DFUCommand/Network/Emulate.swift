import ArgumentParser
import Captures
import Reports
import SystemPackage
import USB
import USBIP
import VirtualDFU
import VirtualUSB
import Workbench

/// `dfu emulate`: the virtual devices, here and on the network.
struct Emulate: Verb {
  static let configuration = CommandConfiguration(
    abstract: "List and describe the virtual devices, or export some over USB/IP.",
    discussion: """
      Each behaves like a real bootloader, down to its faults and to the time that an erase takes. \
      Every verb that takes -d works on one: virtual:NAME, or virtual:NAME?OPTION=VALUE&…. \
      A file that describes a device works as well, virtual:./board.json; --describe prints one to \
      begin with.

      With names it is a USB/IP server: the first device is 1-1, the second 1-2. Any program that \
      speaks USB/IP sees them: dfu -d usbip://127.0.0.1/1-1, or the kernel of Linux, where `usbip \
      attach -r 127.0.0.1 -b 1-1` plugs one in as if it were real. Ctrl-C or SIGTERM ends it.

      Examples:
        dfu emulate --list
        dfu emulate --list --verbose
        dfu emulate --describe stm32f407 > board.json
        dfu emulate stm32f407 dfu11
        dfu emulate 'stm32f407?state=board.bin' --port 3241
        dfu usb describe -d virtual:dfu11 --as hex > dfu11.hex
        dfu emulate --descriptors dfu11.hex
        dfu list -d 'virtual:gd32vf103?speed=instant'
      """
  )

  @Argument(
    help: ArgumentHelp(
      "Virtual devices to export: a built-in one, or ./FILE.json, with options behind a ?.",
      valueName: "profile"))
  var profiles: [String] = []

  @Flag(help: "Print every virtual device with a sentence; with --verbose what can be changed.")
  var list = false

  @Option(
    help: ArgumentHelp(
      "Print a virtual device as the file that describes it, to be changed and used.",
      valueName: "NAME[?OPTION=VALUE&…]"))
  var describe: String?

  @Option(
    help: ArgumentHelp("Keep the memories of the one device in this file.", valueName: "file"))
  var state: String?

  @Option(
    help: ArgumentHelp(
      "Faults that happen to every device, as behind faults= in a selector.", valueName: "spec"))
  var faults: String?

  @Option(
    help: ArgumentHelp(
      "Export a device that says what this file says, as `dfu usb describe` reads it, and does nothing else.",
      valueName: "file"))
  var descriptors: [String] = []

  @OptionGroup var listening: ListenOptions
  @OptionGroup var output: OutputOptions

  func perform(on console: Console) async throws -> ExitStatus {
    let wishes = [list, describe != nil, !profiles.isEmpty, !descriptors.isEmpty].count { $0 }
    guard wishes <= 1 else {
      throw UsageError(
        "--list, --describe, --descriptors and names are four different things.",
        help: "Use one of them.")
    }
    if !descriptors.isEmpty { return try await exportDescriptors(on: console) }
    if let describe { return try print(descriptionOf: describe, on: console) }
    if list {
      let report = ProfileListReport(Profile.all)
      try console.print(report) { report.text($0, isVerbose: console.isVerbose) }
      return .done
    }
    guard !profiles.isEmpty else {
      throw UsageError(
        "Nothing to emulate is named.",
        help: "--list prints the virtual devices; `dfu emulate stm32f407` exports one.")
    }
    return try await export(on: console)
  }

  /// The file is JSON whether `--json` is there or not.
  private func print(descriptionOf name: String, on console: Console) throws -> ExitStatus {
    let prefix = name.hasPrefix("virtual:") ? "" : "virtual:"
    guard case .virtual(let selector) = try DeviceSelector(prefix + name) else { return .done }
    let (profile, notes) = try selector.namedProfile()
    for note in notes { console.note(note) }
    console.write(try ProfileDescription.text(of: profile))
    return .done
  }

  // MARK: Exporting

  /// Devices that say what files say: the first is 1-1, the second 1-2.
  private func exportDescriptors(on console: Console) async throws -> ExitStatus {
    guard state == nil, faults == nil, descriptors.count <= ExportedBoards.mostBoards else {
      throw UsageError(
        "What only says its descriptors has no memory, and no faults of its own.",
        help: "Leave --state and --faults away; 255 devices are the most.")
    }
    let bus = VirtualBus(clock: AnyClock(ContinuousClock()))
    var ports: [ExportedPort] = []
    for (index, file) in descriptors.enumerated() {
      let content = try InputFile.read(FilePath(file), limit: DescriptorDump.sizeLimit)
      let set = try DescriptorDump.read(content).set
      let path = PortPath(bus: 1, ports: [UInt8(index + 1)])
      bus.attach(DescriptorDevice(set), path: path)
      guard let busID = BusID("1-\(index + 1)"),
        try await bus.devices().contains(where: { $0.path == path })
      else {
        throw UsageError(
          "No host would make a device of \(file): it has no device descriptor, or no configuration.",
          help: "`dfu usb describe \(file)` shows what is wrong.")
      }
      ports.append(ExportedPort(busID, of: bus, at: path))
    }
    let exported = ports
    return try await serve(listening, on: console, ports: { exported }) { port in
      let infos = try await bus.devices()
      return ServerReport(
        host: listening.listen, port: port,
        devices: zip(exported, descriptors).map { exported, file in
          ServerReport.Device(
            busID: "\(exported.busID)", info: infos.first { $0.path == exported.path }, name: file,
            selector: listening.selector(port: port, busID: exported.busID))
        })
    }
  }

  /// The names, with what the options say of all of them.
  private var names: [String] {
    get throws {
      guard state == nil || profiles.count == 1 else {
        throw UsageError(
          "--state is of one device, and \(profiles.count) are named.",
          help: "Write 'NAME?state=FILE' for each that is to be kept.")
      }
      return profiles.map { name in
        let settings = [state.map { "state=\($0)" }, faults.map { "faults=\($0)" }].compactMap(
          \.self)
        guard !settings.isEmpty else { return name }
        return name + (name.contains("?") ? "&" : "?") + settings.joined(separator: "&")
      }
    }
  }

  private func export(on console: Console) async throws -> ExitStatus {
    let exported = try ExportedBoards(try names)
    for board in exported.boards { for note in board.board.notes { console.note(note) } }
    let ports = exported.ports
    let saving = exported.boards.map { board in
      Task { await board.board.keepSaving(on: AnyClock(ContinuousClock())) }
    }
    defer { for task in saving { task.cancel() } }
    let status = try await serve(listening, on: console, ports: { ports }) { port in
      var devices: [ServerReport.Device] = []
      for board in exported.boards {
        let address = listening.selector(port: port, busID: board.busID)
        devices.append(
          ServerReport.Device(
            busID: "\(board.busID)", info: try await board.board.bus.devices().first,
            name: board.name, selector: address))
      }
      return ServerReport(host: listening.listen, port: port, devices: devices)
    }
    for board in exported.boards { try board.board.save() }
    return status
  }
}
