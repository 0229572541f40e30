public import ArgumentParser
public import Firmware

extension FirmwareFormat: ExpressibleByArgument {}

/// A family of UF2 files: its name, such as `STM32F4`, or its number.
struct FamilyArgument: ExpressibleByArgument, Hashable {
  var value: UF2Family

  init?(argument: String) {
    guard let family = UF2Family(argument) else { return nil }
    value = family
  }
}

/// How input files are read.
struct ReadingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Read the input as this format instead of recognising it.",
      valueName: formatNames))
  var from: FirmwareFormat?

  @Option(help: ArgumentHelp("Which family to take from a UF2 file.", valueName: "name|number"))
  var family: FamilyArgument?

  @Flag(help: "Keep the parts of an ELF file that are loaded to RAM.")
  var keepRAM = false

  var options: FirmwareReadOptions {
    FirmwareReadOptions(format: from, family: family?.value, keepsRAM: keepRAM)
  }
}

let formatNames = FirmwareFormat.allCases.map(\.rawValue).joined(separator: "|")
