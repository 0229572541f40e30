import ArgumentParser
import Firmware
import Reports
import SystemPackage
import Workbench

/// `dfu file convert`: one file, another format.
struct FileConvert: Verb {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Write a firmware file in another format.",
    discussion: """
      The ending of OUT says the format, or --to. Formats without addresses (raw, dfu) begin at the \
      lowest address; holes are filled with 0xFF.

      Examples:
        dfu file convert app.elf app.hex
        dfu file convert app.bin app.dfu --address 0x08000000 --device 0483:df11
        dfu file convert app.hex app.uf2 --to-family STM32F4
      """
  )

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var writing: WritingOptions
  @OptionGroup var output: OutputOptions

  @Option(help: "Where the bytes of a raw input belong.")
  var address: AddressArgument?

  @Option(help: ArgumentHelp("Only this alternate setting of the input.", valueName: "n"))
  var target: UInt8?

  @Argument(help: ArgumentHelp("The file to read; - is standard input.", valueName: "in"))
  var source: String

  @Argument(
    help: ArgumentHelp("The file to write; - is standard output, with --to.", valueName: "out"))
  var destination: String

  func perform(on console: Console) async throws -> ExitStatus {
    var place = PlacedInput(path: source)
    place.address = address?.value
    let input = try FirmwareInput(place, options: reading.options)
    console.tellWarnings(of: input)
    var file = input.file
    if let target {
      file.targets = file.targets.filter { $0.alternateSetting == target }
      guard !file.targets.isEmpty else {
        throw UsageError(
          "\(input.name) has nothing for alternate setting \(target).",
          help: "dfu file info \(input.name) lists what it has.")
      }
    }
    let written = try writing.write(
      file, to: FilePath(destination), address: address?.value, name: input.name)
    try console.print(written: WrittenReport([written]))
    return .done
  }
}
