import ArgumentParser
import Reports
import USB
import VirtualDFU
import VirtualUSB
import Workbench

/// `dfu usb enumerate`: from the plug to the driver, step by step.
struct USBEnumerate: Verb {
  static let configuration = CommandConfiguration(
    commandName: "enumerate",
    abstract: "Show how a host gets to know a device, packet by packet.",
    discussion: """
      Virtual devices are plugged into a bus, and a host does all that Linux or Windows does: debounce, reset, the \
      first look at address 0, SET_ADDRESS, descriptors, drivers, SET_CONFIGURATION, and what a hub is told on the \
      way. Each step has its time, its setup packet and its answer. With --faults it shows what is tried again, \
      what the kernel logs and what Device Manager shows. Devices of this machine have been enumerated by its \
      kernel already.

      Examples:
        dfu usb enumerate -d virtual:stm32f407
        dfu usb enumerate --like windows --behind 2
        dfu usb enumerate --faults timeout@device:all
        dfu usb enumerate --faults stall@configuration:all --like windows
        dfu usb enumerate --count 200 --json
      """
  )

  enum Order: String, ExpressibleByArgument, CaseIterable {
    case linux
    case linuxOld = "linux-old"
    case windows

    var host: Enumeration.Host {
      switch self {
      case .linux: .linux
      case .linuxOld: .linuxOldScheme
      case .windows: .windows
      }
    }
  }

  @Option(
    name: [.customShort("d"), .long],
    help: ArgumentHelp(
      "A virtual device, virtual:PROFILE[?…]; several get a port each. Without it, virtual:stm32f407.",
      valueName: "selector"))
  var device: [String] = []

  @Option(
    help: ArgumentHelp(
      "Whose order: linux (6.12), linux-old (usbcore.old_scheme_first=Y), windows.",
      valueName: "linux|linux-old|windows"))
  var like = Order.linux

  @Option(
    help: ArgumentHelp(
      "Put so many hubs of four ports between the root hub and the devices.", valueName: "hubs"))
  var behind = 0

  @Option(
    help: ArgumentHelp(
      "Plug in so many of them, with hubs for those that need one.", valueName: "devices"))
  var count: Int?

  @Option(
    help: ArgumentHelp(
      "What goes wrong with the first device: stall@set-address, timeout@device:all, corrupt@configuration, …",
      valueName: "spec"))
  var faults: String?

  @Option(
    help: ArgumentHelp(
      "Tell only the steps of the device at this port, and of the hubs above it.", valueName: "path"
    ))
  var trace: String?

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (0...VirtualTopology.mostHubs).contains(behind) else {
      throw ValidationError("--behind is 0 to \(VirtualTopology.mostHubs): USB has seven tiers.")
    }
    guard (1...1000).contains(count ?? 1) else {
      throw ValidationError("--count is 1 to 1000.")
    }
  }

  func perform(on console: Console) async throws -> ExitStatus {
    let traced = try trace.map { text in
      guard let path = PortPath(text) else {
        throw UsageError(
          "“\(text)” is no port.", help: "Write it as 1-2.3: bus, ports from the root hub down.")
      }
      return path
    }
    let boards = try selectors.map { selector in
      let board = try VirtualBoard.unplugged(selector)
      for note in board.notes { console.note(note) }
      return board
    }
    let (topology, places) = try plugged(boards)
    var enumeration = Enumeration(
      like: like.host, topology, interceptor: try interceptor(boards, places),
      drivers: { [host = like.host] in host.driverWords(of: $0) })
    enumeration.run()
    let isMany =
      enumeration.devices.count + enumeration.failedPorts.count > EnumerationReport.mostTraced
    if let traced, !places.contains(where: { $0.ports.starts(with: traced.ports) }) {
      throw UsageError(
        "Nothing is plugged into \(traced).", help: "Leave --trace away to see what is where.")
    }
    let report = EnumerationReport(
      enumeration,
      tracing: traced ?? (isMany && !output.verbose && !output.json ? places.first : nil))
    try console.print(report) { report.text($0) }
    if isMany, traced == nil, !output.verbose, !output.json {
      console.note(
        "Only the first device is told step by step; -v tells all, --trace PATH another.")
    }
    // That something fails where it was told to is no failure of the verb; the document tells it.
    return .done
  }

  private var selectors: [VirtualSelector] {
    get throws {
      let texts = device.isEmpty ? ["virtual:stm32f407"] : device
      return try texts.map { text in
        guard case .virtual(let selector) = try DeviceSelector(text) else {
          throw UsageError(
            "“\(text)” is no virtual device.",
            help:
              "Others have been enumerated by the kernel that they are plugged into: `dfu usb describe` asks them, "
              + "`dfu usb watch` sees them come.")
        }
        return selector
      }
    }
  }

  private typealias Board = (board: VirtualBootloader, profile: Profile, notes: [String])

  /// The bus with everything on it, and where the devices are, in order.
  private func plugged(_ boards: [Board]) throws -> (VirtualTopology, [PortPath]) {
    var topology = VirtualTopology()
    var hub = PortPath(bus: 1, ports: [])
    for _ in 0..<behind {
      hub.ports.append(1)
      try topology.plugIn(VirtualHub(), at: hub)
    }
    let wanted = count ?? boards.count
    var free = (UInt8(1)...(behind == 0 ? 8 : 4)).map { PortPath(bus: 1, ports: hub.ports + [$0]) }
    // A hub with seven ports for one of them is six places more.
    while free.count < wanted,
      let index = free.indices.first(where: { free[$0].ports.count <= VirtualTopology.mostHubs })
    {
      let place = free.remove(at: index)
      try topology.plugIn(VirtualHub(portCount: 7), at: place)
      free += (UInt8(1)...7).map { PortPath(bus: 1, ports: place.ports + [$0]) }
    }
    let places = Array(free.prefix(wanted)).sorted()
    guard places.count == wanted else {
      throw UsageError(
        "Behind \(behind) hubs there is no room for \(wanted) devices.", help: "Take away a hub.")
    }
    for (index, place) in places.enumerated() {
      try topology.plugIn(boards[index % boards.count].board, at: place)
    }
    return (topology, places)
  }

  /// The faults of every selector at its first device; `--faults` is for the first of all.
  private func interceptor(_ boards: [Board], _ places: [PortPath]) throws -> TransferInterceptor? {
    var schedules = try selectors.map(\.faults)
    if let faults { schedules[0].entries += try FaultSchedule(faults).entries }
    let interceptors = zip(zip(schedules, boards), places).compactMap { pair, place in
      pair.0.entries.isEmpty ? nil : pair.0.interceptor(for: pair.1.profile, at: place)
    }
    guard !interceptors.isEmpty else { return nil }
    return { transfer in
      let faults = interceptors.map { $0(transfer) }
      return .together(faults)
    }
  }
}
