import ArgumentParser

/// `dfu file`: firmware files, without a device.
struct FileCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "file",
    abstract: "Read, write, convert and compare firmware files.",
    subcommands: []
  )
}
