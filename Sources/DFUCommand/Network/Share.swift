import ArgumentParser
import Reports
import USB
import USBIP
import Workbench

/// `dfu share`: the devices of this machine, for others.
struct Share: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Share USB devices of this machine over USB/IP.",
    discussion: """
      Clients may import what -d names: this program with -d usbip://, Linux with `usbip attach`, \
      Windows with usbip-win2. Without -d they see a list and may import nothing. A device has one \
      client at a time, and none of this machine's programs has it meanwhile. Ctrl-C or SIGTERM ends \
      the sharing.

      USB/IP has neither password nor encryption, so this machine alone is listened to: reach it with \
      `ssh -N -L 3240:127.0.0.1:3240 USER@HOST`, and name usbip://127.0.0.1 there. --listen opens it \
      to a network; --allow says who of it may import.

      Examples:
        dfu share
        dfu share -d 0483:df11
        dfu share -d path:1-4 -d path:1-5 --listen 192.168.7.1 --allow 192.168.7.0/24
      """
  )

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "A device that may be imported: 0483:df11, serial:TEXT or path:1-4.", valueName: "selector"))
  var device: [String] = []

  @Option(
    help: ArgumentHelp(
      "Who may import, an address or a network; others may only list. Without it, everybody.",
      valueName: "address[/length]"))
  var allow: [String] = []

  @OptionGroup var listening: ListenOptions
  @OptionGroup var output: OutputOptions

  func perform(on console: Console) async throws -> ExitStatus {
    let ranges = try allow.map { text in
      guard let range = AddressRange(text) else {
        throw UsageError(
          "“\(text)” is no address and no network.",
          help: "Write 192.168.7.2, 192.168.7.0/24 or fd00::/8.")
      }
      return range
    }
    let shared = try SharedDevices(device)
    var policy = USBIPServer.Policy()
    if !ranges.isEmpty {
      policy.mayImport = { address in ranges.contains { $0.contains(address) } }
    }
    if shared.isReadOnly {
      console.note("no device is named with -d, so clients may list the devices and import none")
    }
    return try await serve(
      listening, on: console, policy: policy, ports: { await shared.ports() }
    ) { port in
      let devices = try await shared.devices().compactMap { info in
        BusID("\(info.path)").map { busID in
          ServerReport.Device(
            busID: "\(busID)", info: info, name: info.productName ?? "",
            selector: listening.selector(port: port, busID: busID))
        }
      }
      return ServerReport(host: listening.listen, port: port, devices: devices)
    }
  }
}
