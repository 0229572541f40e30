import ArgumentParser

/// `dfu usb`: what USB does, whatever the device is for.
struct USBCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "usb",
    abstract:
      "Show the bus, what devices say of themselves, how they are enumerated, and what captures tell.",
    subcommands: [
      USBTree.self, USBDescribe.self, USBDrivers.self, USBEnumerate.self, USBWatch.self,
      USBCapture.self,
      USBAttach.self,
      USBDetach.self,
    ]
  )
}
