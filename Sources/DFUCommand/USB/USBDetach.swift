import ArgumentParser
import Reports
import USBIP
import Workbench

/// `dfu usb detach`: takes away what `dfu usb attach` or `usbip attach` gave the kernel.
struct USBDetach: Verb {
  static let configuration = CommandConfiguration(
    commandName: "detach",
    abstract: "Take a device of a USB/IP server away from the Linux kernel.",
    discussion: """
      To the kernel it is a plug that is pulled out; the server has its device back. A port whose \
      device the kernel could not enumerate is freed in the same way: such a one keeps the `usbip` of \
      Debian 12 from working at all. (A running device is brought into DFU mode by `dfu detach`, \
      which is another thing.)

      Examples:
        sudo dfu usb detach 0
        sudo dfu usb detach 3-1
        sudo dfu usb detach usbip://127.0.0.1/1-1
        sudo dfu usb detach --all
      """
  )

  @Argument(
    help: ArgumentHelp(
      "A port by its number, by the place of its device, or by the server that it is from.",
      valueName: "port|3-1|usbip://HOST[:PORT][/BUSID]"))
  var which: String?

  @Flag(help: "Take all away.")
  var all = false

  @OptionGroup var output: OutputOptions

  func perform(on console: Console) async throws -> ExitStatus {
    guard (which == nil) == all else {
      throw UsageError(
        which == nil ? "No port is named." : "One port and --all are two different things.",
        help: "`dfu usb attach --list` shows the ports; --all means every one.")
    }
    let choice = try which.map(PortChoice.init) ?? .all
    let controller = VirtualHostController()
    let ports = try controller.ports().filter(choice.fits)
    guard !ports.isEmpty || all else {
      throw USBIPError(
        .noDevice, "No attached device fits \(which ?? "").",
        help: "`dfu usb attach --list` shows the ports.")
    }
    for port in ports { try controller.detach(port.number) }
    let report = PortsReport(ports.map(PortsReport.Port.init))
    try console.print(report) { report.detachedText($0) }
    return .done
  }
}
