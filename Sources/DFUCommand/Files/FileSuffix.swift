import ArgumentParser
import Firmware
import Reports
import SystemPackage
import USB
import Workbench

/// `dfu file suffix`: the 16 bytes at the end of a DFU file.
struct FileSuffix: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "suffix",
    abstract: "Check, add, remove or repair the suffix of a DFU file.",
    discussion: """
      The suffix says for which device a file is, and holds its CRC (DFU 1.1, appendix B). Files are \
      changed in place unless -o names another; a file is replaced only by its whole successor.
      """,
    subcommands: [Check.self, Add.self, Remove.self, Repair.self]
  )

  struct Check: Verb {
    static let configuration = CommandConfiguration(
      abstract: "Say what the suffix says, and whether the CRC is right.",
      discussion: "Exit status: 0 there is a right one, 65 there is none or it is damaged.")

    @OptionGroup var output: OutputOptions
    @Argument(help: "The files.") var files: [String]

    func perform(on console: Console) async throws -> ExitStatus {
      try reportEach(
        of: files, schema: "dfu.file-suffix/1", on: console,
        text: { (report: SuffixReport, style) in report.text(style) },
        make: { path in
          let parts = try DFUFileParts(reading: path)
          guard parts.suffix != nil else { throw parts.noSuffix }
          return parts.report
        })
    }
  }

  struct Add: Verb {
    static let configuration = CommandConfiguration(
      abstract: "Put a suffix behind the bytes of a file.",
      discussion: """
        Example:
          dfu file suffix add firmware.bin --device 1209:db42 -o firmware.dfu
        """)

    @OptionGroup var editing: EditingOptions
    @OptionGroup var output: OutputOptions

    @Option(
      name: .customLong("device"),
      help: ArgumentHelp("For which device; without it any.", valueName: "vid:pid"))
    var ids: IdentifierArgument?

    @Option(help: "The version of the firmware; without it any.")
    var deviceVersion: VersionArgument?

    @Option(help: "The version of the DFU specification; 1.1a for DfuSe containers.")
    var dfuVersion: String?

    func perform(on console: Console) async throws -> ExitStatus {
      let parts = try DFUFileParts(reading: editing.file)
      if parts.suffix != nil {
        throw UsageError(
          "\(parts.name) has a suffix already.",
          help: "Remove it first: dfu file suffix remove \(parts.name)")
      }
      let suffix = DFUSuffix(
        vendor: ids?.vendor ?? VendorID(DFUSuffix.wildcard),
        product: ids?.product ?? ProductID(DFUSuffix.wildcard),
        deviceVersion: deviceVersion?.value ?? BCDVersion(DFUSuffix.wildcard),
        dfuVersion: try version(isDfuSe: parts.isDfuSe))
      let bytes = try parts.explaining { () throws(FirmwareError) in
        try suffix.appended(to: parts.bytes)
      }
      return try editing.write(bytes, format: parts.isDfuSe ? "dfuse" : "dfu", on: console)
    }

    private func version(isDfuSe: Bool) throws -> BCDVersion {
      switch dfuVersion {
      case nil: return BCDVersion(isDfuSe ? 0x011A : 0x0100)
      case "1.1a", "1.1A", "0x011a", "0x011A": return BCDVersion(0x011A)
      case let text?:
        guard let version = VersionArgument(argument: text) else {
          throw UsageError("\(text) is no version of DFU.", help: "Write 1.00, 1.10 or 1.1a.")
        }
        return version.value
      }
    }
  }

  struct Remove: Verb {
    static let configuration = CommandConfiguration(abstract: "Cut the suffix off.")

    @OptionGroup var editing: EditingOptions
    @OptionGroup var output: OutputOptions

    func perform(on console: Console) async throws -> ExitStatus {
      let parts = try DFUFileParts(reading: editing.file)
      guard let suffix = parts.suffix else { throw parts.noSuffix }
      let body = Array(parts.bytes.dropLast(suffix.length))
      guard !body.isEmpty else {
        throw UsageError("\(parts.name) is nothing but a suffix; no bytes would be left.")
      }
      return try editing.write(body, format: parts.isDfuSe ? "dfuse" : "raw", on: console)
    }
  }

  struct Repair: Verb {
    static let configuration = CommandConfiguration(
      abstract: "Compute the CRC of the suffix anew.",
      discussion: """
        For files that were edited on purpose, or whose writer computed it in another way. A download \
        with a wrong CRC is damaged: fetch it again instead.
        """)

    @OptionGroup var editing: EditingOptions
    @OptionGroup var output: OutputOptions

    func perform(on console: Console) async throws -> ExitStatus {
      let name = editing.file
      let bytes = try InputFile.read(FilePath(name))
      let repaired: [UInt8]
      do {
        repaired = try DFUSuffix.repairingCRC(of: bytes)
      } catch {
        throw FirmwareInputError(name: name, error: error)
      }
      if repaired == bytes, editing.destination == nil {
        console.note("\(name): the CRC is right already; nothing has been changed.")
      }
      let isDfuSe = repaired.starts(with: Array("DfuSe".utf8))
      return try editing.write(
        repaired, format: isDfuSe ? "dfuse" : "dfu", isChange: repaired != bytes, on: console)
    }
  }
}

/// Which file is changed, and where the result goes.
struct EditingOptions: ParsableArguments {
  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: "Write here and leave the input as it is.")
  var destination: String?

  @OptionGroup var overwriting: OverwriteOptions

  @Argument(help: "The file to change.")
  var file: String

  /// Writes the result.
  func write(
    _ bytes: [UInt8], format: String, isChange: Bool = true, on console: Console
  ) throws -> ExitStatus {
    let path = FilePath(destination ?? file)
    if destination != nil || isChange {
      try OutputFile(path, overwrites: destination == nil || overwriting.overwrite).write(bytes)
    }
    try console.print(
      written: WrittenReport([.init(name: path.string, format: format, size: bytes.count)]))
    return .done
  }
}

/// A file taken apart into prefix, payload and suffix; only the CRC has been checked.
struct DFUFileParts {
  var name: String
  var bytes: [UInt8]
  var suffix: DFUSuffix?
  var prefix: FirmwarePrefix?
  var isDfuSe: Bool

  init(reading path: String) throws {
    name = PlacedInput(path: path).name
    bytes = try InputFile.read(FilePath(path))
    do {
      suffix = try DFUSuffix.find(in: bytes)
    } catch {
      throw FirmwareInputError(name: name, error: error)
    }
    isDfuSe = bytes.starts(with: Array("DfuSe".utf8))
    prefix = isDfuSe ? nil : FirmwarePrefix.find(in: bytes.dropLast(suffix?.length ?? 0))
  }

  /// The bytes between prefix and suffix.
  var payload: [UInt8] {
    Array(bytes.dropLast(suffix?.length ?? 0).dropFirst(prefix?.length ?? 0))
  }

  var report: SuffixReport {
    SuffixReport(
      name: name, suffix: suffix, prefix: prefix, isDfuSe: isDfuSe, payloadLength: payload.count)
  }

  var noSuffix: FirmwareInputError {
    FirmwareInputError(
      name: name,
      error: FirmwareError(
        .malformed, format: .dfu, sentence: "The file does not end with a DFU suffix.",
        help: "dfu file suffix add puts one behind it."))
  }

  /// Names the file in the errors of `body`.
  func explaining<Result>(_ body: () throws(FirmwareError) -> Result) throws -> Result {
    do {
      return try body()
    } catch {
      throw FirmwareInputError(name: name, error: error)
    }
  }
}
