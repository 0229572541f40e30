import ArgumentParser
import Firmware
import Reports
import SystemPackage
import USB
import Workbench

/// `dfu file pack`: a .dfu file from parts.
struct FilePack: Verb {
  static let configuration = CommandConfiguration(
    commandName: "pack",
    abstract: "Make a .dfu file from one or more inputs.",
    discussion: """
      Inputs that have addresses (hex, s19, elf, uf2, dfuse), or are given one, become a DfuSe \
      container with one target for each alternate setting (0, unless @ALT says otherwise). One raw \
      file without an address becomes a plain DFU file with a suffix. The suffix is for any device \
      unless --device names one.

      Examples:
        dfu file pack -o all.dfu app.elf 0x08060000:settings.bin --device 0483:df11
        dfu file pack -o all.dfu app.hex 0x90000000@1:assets.bin --name 0=app --name 1=assets
        dfu file pack -o plain.dfu app.bin --device 1209:db42 --device-version 1.02
      """
  )

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var overwriting: OverwriteOptions
  @OptionGroup var output: OutputOptions

  @Option(name: [.customShort("o"), .customLong("output")], help: "The file to write.")
  var destination: String

  @Option(
    name: .customLong("device"),
    help: ArgumentHelp("For which device; without it any.", valueName: "vid:pid"))
  var ids: IdentifierArgument?

  @Option(help: "The version of the firmware; without it any.")
  var deviceVersion: VersionArgument?

  @Option(
    help: ArgumentHelp(
      "The name of the targets, or of one: ALT=NAME. Repeatable.", valueName: "name"))
  var name: [String] = []

  @Argument(
    help: ArgumentHelp(
      "The inputs, with address and alternate setting.", valueName: "addr@alt:file"))
  var inputs: [String]

  func perform(on console: Console) async throws -> ExitStatus {
    let path = FilePath(destination)
    // Refused before anything is read.
    let outputFile = try OutputFile(path, overwrites: overwriting.overwrite)
    var parts: [FirmwareInput] = []
    for text in inputs {
      let input = try FirmwareInput(PlacedInput(text), options: reading.options)
      console.tellWarnings(of: input)
      parts.append(input)
    }
    let (file, format) = try assemble(parts)
    let bytes: [UInt8]
    do {
      bytes = try file.encoded(as: format)
    } catch {
      throw FirmwareInputError(name: destination, error: error)
    }
    try outputFile.write(bytes)
    try console.print(
      written: WrittenReport([
        .init(name: destination, format: format.rawValue, size: bytes.count)
      ]))
    return .done
  }

  private func assemble(
    _ parts: [FirmwareInput]
  ) throws -> (FirmwareFile, FirmwareFormat) {
    let first = parts.first?.file
    if parts.count == 1, let first, first.targets.count == 1, !first.targets[0].hasAddresses,
      parts[0].place.address == nil
    {
      var file = first
      file.suffix = suffix(dfuVersion: 0x0100)
      return (file, .dfu)
    }
    var file = FirmwareFile(format: .dfuSe, targets: try mergedTargets(of: parts, settingFor: 0))
    for index in file.targets.indices {
      let setting = file.targets[index].alternateSetting ?? 0
      file.targets[index].name = try targetName(setting) ?? file.targets[index].name
    }
    file.suffix = suffix(dfuVersion: 0x011A)
    return (file, .dfuSe)
  }

  private func suffix(dfuVersion: UInt16) -> DFUSuffix {
    DFUSuffix(
      vendor: ids?.vendor ?? VendorID(DFUSuffix.wildcard),
      product: ids?.product ?? ProductID(DFUSuffix.wildcard),
      deviceVersion: deviceVersion?.value ?? BCDVersion(DFUSuffix.wildcard),
      dfuVersion: BCDVersion(dfuVersion))
  }

  private func targetName(_ setting: UInt8) throws -> String? {
    var found: String?
    for text in name {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let chosen: String
      if parts.count == 2, let number = UInt8(parts[0]) {
        guard number == setting else { continue }
        chosen = String(parts[1])
      } else {
        chosen = text
      }
      guard chosen.utf8.count <= 254 else {
        throw UsageError(
          "A target's name has at most 254 bytes; this one has \(chosen.utf8.count).")
      }
      found = chosen
    }
    return found
  }
}
