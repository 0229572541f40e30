import ArgumentParser

/// `dfu usb`: what USB does, whatever the device is for.
struct USBCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "usb",
    abstract:
      "Show what devices say of themselves, and what captures tell; hand devices of USB/IP servers to the kernel.",
    subcommands: [
      USBTree.self, USBDescribe.self, USBEnumerate.self, USBWatch.self, USBCapture.self,
      USBAttach.self, USBDetach.self,
    ]
  )
}
