import ArgumentParser
import Reports
import SystemPackage
import USB
import Workbench

/// `dfu usb tree`: what is plugged into what.
struct USBTree: Verb {
  static let configuration = CommandConfiguration(
    commandName: "tree",
    abstract: "Show controllers, hubs and devices as a tree.",
    discussion: """
      Of this machine, or of what -d names. Nothing is opened and nothing is asked: the tree shows what the system \
      knows, with drivers where it tells them and names of usb.ids where that is installed. -v adds interfaces, \
      endpoints and what is known of ports. --json writes a document that --from shows again, on any machine.

      Examples:
        dfu usb tree                         # of this machine
        dfu usb tree -v --mask-serials       # of this machine
        dfu usb tree -d virtual:stm32f407 -d virtual:runtime
        dfu usb tree -d virtual:stm32f407 --json > tree.json
        dfu usb tree --from tree.json -v
      """
  )

  @Option(
    name: [.customShort("d"), .long],
    help: ArgumentHelp(
      "Only these devices, as everywhere: VVVV:PPPP, path:BUS-PORT, usbip://HOST, virtual:PROFILE, …",
      valueName: "selector"))
  var device: [String] = []

  @Option(help: ArgumentHelp("Show the tree in this file; - is standard input.", valueName: "file"))
  var from: String?

  @Flag(help: "Write stars for serial numbers.")
  var maskSerials = false

  @OptionGroup var output: OutputOptions

  func perform(on console: Console) async throws -> ExitStatus {
    var report: BusTreeReport
    if let from {
      guard device.isEmpty else {
        throw UsageError("A file and a device are two different things.", help: "Name one of them.")
      }
      report = try TreeFile.read(FilePath(from))
    } else {
      let found = try await DeviceSearch.devices(device, kind: .any) {}
      // Virtual devices live on buses of their own, all with the same number.
      var infos: [DeviceInfo] = []
      var surroundings: [USB.DeviceID: DeviceSurroundings] = [:]
      for (index, found) in found.enumerated() {
        var info = found.info
        let known = found.host.surroundings(of: info)
        info.id = USB.DeviceID(rawValue: UInt64(index))
        while infos.contains(where: { $0.path == info.path }) { info.path.bus += 1 }
        surroundings[info.id] = known
        infos.append(info)
      }
      report = BusTreeReport(
        infos, surroundings: surroundings, names: DeviceNames.installed(of: infos))
    }
    if maskSerials { report = report.maskingSerialNumbers() }
    let isVerbose = output.verbose
    try console.print(report) { report.text($0, isVerbose: isVerbose) }
    return .done
  }
}
