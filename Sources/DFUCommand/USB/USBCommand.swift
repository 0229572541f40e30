import ArgumentParser

/// `dfu usb`: what USB does, whatever the device is for.
struct USBCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "usb",
    abstract: "Hand devices of USB/IP servers to the Linux kernel, and take them away.",
    subcommands: [USBAttach.self, USBDetach.self]
  )
}
