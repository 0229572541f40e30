import ArgumentParser
import Reports
import USB
import USBIP
import Workbench

/// `dfu usb attach`: a device of a server, for the programs of this machine.
struct USBAttach: Verb {
  static let configuration = CommandConfiguration(
    commandName: "attach",
    abstract: "Hand a device of a USB/IP server to the Linux kernel.",
    discussion: """
      Every program of this machine can use the device then, as if it had been plugged in: lsusb, \
      dfu-util, a driver. It needs root and the kernel module vhci-hcd. dfu itself needs neither: \
      -d usbip://HOST/BUSID works with every verb.

      Examples:
        dfu usb attach --list
        sudo dfu usb attach usbip://127.0.0.1/1-1
      """
  )

  @Argument(
    help: ArgumentHelp(
      "The device; `dfu list --any -d usbip://HOST` shows what there is.",
      valueName: "usbip://HOST[:PORT]/BUSID"))
  var device: String?

  @Flag(help: "Print what is attached, and how many ports are free.")
  var list = false

  @OptionGroup var output: OutputOptions

  func perform(on console: Console) async throws -> ExitStatus {
    let controller = VirtualHostController()
    switch (device, list) {
    case (nil, true):
      let report = PortsReport(try controller.ports().map(PortsReport.Port.init))
      try console.print(report) { report.text($0) }
    case (let device?, false):
      guard device.hasPrefix("usbip://"), case .usbip(let address) = try DeviceSelector(device),
        address.busID != nil
      else {
        throw UsageError(
          "“\(device)” does not name a device of a USB/IP server.",
          help:
            "Write usbip://HOST[:PORT]/BUSID; `dfu list --any -d usbip://HOST` shows the bus ids.")
      }
      let port = try await controller.attach(address, clock: AnyClock(ContinuousClock()))
      let report = PortsReport([PortsReport.Port(port)])
      try console.print(report) { report.attachedText($0) }
    default:
      throw UsageError(
        "Either a device is attached or the ports are listed.",
        help: "`dfu usb attach usbip://HOST/BUSID` attaches one; --list lists them.")
    }
    return .done
  }
}

extension PortsReport.Port {
  init(_ port: VirtualPort) {
    self.init(
      number: port.number, isSuperSpeed: port.isSuperSpeed, state: port.state.words,
      localBusID: port.localBusID, vendor: port.vendor.map { "\($0)" },
      product: port.product.map { "\($0)" }, server: port.server.map { "usbip://\($0)" })
  }
}
