import ArgumentParser
import Firmware
import Reports
import SystemPackage
import Workbench

/// `dfu file merge`: several files in one.
struct FileMerge: Verb {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Write several firmware files as one.",
    discussion: """
      Inputs may have different formats. Two inputs that put different bytes at one address are an \
      error that names both; the same bytes twice are not.

      Examples:
        dfu file merge -o all.hex bootloader.hex app.elf 0x08060000:settings.bin
      """
  )

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var writing: WritingOptions
  @OptionGroup var output: OutputOptions

  @Option(name: [.customShort("o"), .customLong("output")], help: "The file to write.")
  var destination: String

  @Argument(
    help: ArgumentHelp(
      "The inputs, with address and alternate setting.", valueName: "addr@alt:file"))
  var inputs: [String]

  func perform(on console: Console) async throws -> ExitStatus {
    var parts: [FirmwareInput] = []
    for text in inputs {
      let input = try FirmwareInput(PlacedInput(text), options: reading.options)
      console.tellWarnings(of: input)
      parts.append(input)
    }
    var file = FirmwareFile(
      format: .raw, targets: try mergedTargets(of: parts, settingFor: nil))
    file.suffix = parts.lazy.compactMap(\.file.suffix).first
    // Settings matter only where inputs disagree about them.
    if Set(file.targets.map(\.alternateSetting)).count > 1 {
      for index in file.targets.indices where file.targets[index].alternateSetting == nil {
        file.targets[index].alternateSetting = 0
      }
    }
    let written = try writing.write(file, to: FilePath(destination), name: destination)
    try console.print(written: WrittenReport([written]))
    return .done
  }
}
