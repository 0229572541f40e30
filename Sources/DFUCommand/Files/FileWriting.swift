import ArgumentParser
import Firmware
import Reports
import SystemPackage
import USB
import Workbench

/// How an output file is written.
struct WritingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The format to write; without it the ending of the output's name says it.",
      valueName: formatNames))
  var to: FirmwareFormat?

  @Option(help: "What to put into holes of formats without addresses.")
  var fill: ByteArgument?

  @Option(help: "Data bytes in a line of hex or s19 text.")
  var lineLength = 16

  @Option(
    name: [.customLong("to-family")],
    help: ArgumentHelp("The family of a UF2 output.", valueName: "name|number"))
  var toFamily: FamilyArgument?

  @Option(
    name: .customLong("device"),
    help: ArgumentHelp(
      "For which device: goes into the suffix of a dfu or dfuse output.", valueName: "vid:pid"))
  var ids: IdentifierArgument?

  @Option(help: "The version of the firmware, for the suffix.")
  var deviceVersion: VersionArgument?

  @Flag(help: "Fill holes of more than 16 MiB.")
  var force = false

  @OptionGroup var overwriting: OverwriteOptions

  func validate() throws {
    guard (1...255).contains(lineLength) else {
      throw ValidationError("--line-length is 1 to 255.")
    }
  }

  /// The suffix of the output: what the file had, changed by what was asked for.
  func suffix(for file: FirmwareFile, format: FirmwareFormat) -> DFUSuffix {
    var suffix = file.suffix ?? DFUSuffix()
    if let ids {
      suffix.vendor = ids.vendor
      suffix.product = ids.product
    }
    if let deviceVersion { suffix.deviceVersion = deviceVersion.value }
    if file.format != format || file.suffix == nil {
      // UM0391 gives 0x011A to DfuSe files; DFU 1.1 gives 0x0100 to its own.
      suffix.dfuVersion = BCDVersion(format == .dfuSe ? 0x011A : 0x0100)
    }
    return suffix
  }

  /// Encodes a file and writes it.
  ///
  /// - Parameters:
  ///   - file: what to write.
  ///   - path: where to.
  ///   - address: where raw bytes belong, for formats that say it.
  ///   - name: what the input is called, for errors.
  /// - Returns: what was written.
  /// - Throws: ``FirmwareInputError``, ``FileError`` or ``OutputFormatError``.
  func write(
    _ file: FirmwareFile, to path: FilePath, address: UInt64? = nil, name: String
  ) throws -> WrittenReport.Output {
    var format = try file.outputFormat(for: path, asked: to)
    if to == nil, format == .dfu, address != nil { format = .dfuSe }
    let output = try OutputFile(path, overwrites: overwriting.overwrite)
    if !force, let hole = file.hugeHole(for: format) {
      throw FirmwareInputError(
        name: name, error: FirmwareFile.holeError(hole, format: format))
    }
    let bytes: [UInt8]
    do {
      bytes = try file.encoded(
        as: format,
        options: FirmwareWriteOptions(
          address: address, suffix: suffix(for: file, format: format), fill: fill?.value ?? 0xFF,
          lineLength: lineLength, family: toFamily?.value))
    } catch {
      throw FirmwareInputError(name: name, error: error)
    }
    try output.write(bytes)
    let start = file.targets.first.flatMap { target -> UInt64? in
      if case .image(let image) = target.content { image.range?.lowerBound } else { nil }
    }
    return WrittenReport.Output(
      name: path.string, format: format.rawValue, size: bytes.count,
      address: format.hasAddresses ? nil : (start ?? address).map(addressText))
  }
}

extension Console {
  /// Says what was written; on standard error where standard output carries the file itself.
  func print(written report: WrittenReport) throws {
    if report.files.contains(where: { $0.name == "-" }) { return }
    try print(report) { report.text($0) }
  }
}

extension Console {
  /// Tells the warnings of an input.
  func tellWarnings(of input: FirmwareInput) {
    for note in input.file.notes where note.severity == .warning || isVerbose {
      let text = "\(input.name): \(note.sentence)"
      if note.severity == .warning { warn(text) } else { self.note(text) }
    }
  }
}
