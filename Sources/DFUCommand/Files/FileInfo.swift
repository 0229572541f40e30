import ArgumentParser
import Firmware
import Reports
import Workbench

/// `dfu file info`: what a file is.
struct FileInfo: Verb {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Say what a firmware file is, for which device, and whether it is intact.",
    discussion: """
      Reads the whole file, checks every checksum, and draws where its bytes go. Nothing is \
      written.

      Examples:
        dfu file info firmware.dfu
        dfu file info --json *.hex
      """
  )

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var output: OutputOptions

  @Argument(help: "The files; - is standard input.")
  var files: [String]

  func perform(on console: Console) async throws -> ExitStatus {
    try reportEach(
      of: files, schema: "dfu.file-info/1", on: console,
      text: { (report: FileInfoReport, style) in report.text(style) },
      make: { path in
        let input = try FirmwareInput(PlacedInput(path: path), options: reading.options)
        return FileInfoReport(input.file, name: input.name, size: input.bytes.count)
      })
  }
}
