import ArgumentParser
import Firmware
import Reports
import USB
import Workbench

/// `dfu file prefix`: what some boot ROMs want in front of an image.
struct FilePrefix: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prefix",
    abstract: "Check, add or remove the prefix of a plain DFU image.",
    discussion: """
      NXP LPC43xx boot ROMs want 16 bytes in front of an image, TI Stellaris and Tiva want 8. Where \
      the file has a suffix it stays, with its CRC computed anew. Files are changed in place unless \
      -o names another.
      """,
    subcommands: [Check.self, Add.self, Remove.self]
  )

  struct Check: Verb {
    static let configuration = CommandConfiguration(
      abstract: "Say which prefix a file has.",
      discussion: "Exit status: 0 there is one, 65 there is none or the file is damaged.")

    @OptionGroup var output: OutputOptions
    @Argument(help: "The files.") var files: [String]

    func perform(on console: Console) async throws -> ExitStatus {
      try reportEach(
        of: files, schema: "dfu.file-suffix/1", on: console,
        text: { (report: SuffixReport, style) in report.text(style) },
        make: { path in
          let parts = try DFUFileParts(reading: path)
          guard parts.prefix != nil else { throw FilePrefix.none(in: parts) }
          return parts.report
        })
    }
  }

  struct Add: Verb {
    static let configuration = CommandConfiguration(
      abstract: "Put a prefix in front of an image.",
      discussion: """
        Examples:
          dfu file prefix add --lpc hackrf.bin -o hackrf.dfu
          dfu file prefix add --stellaris 0x2000 app.bin
        """)

    @OptionGroup var editing: EditingOptions
    @OptionGroup var output: OutputOptions

    @Flag(help: "The prefix of NXP LPC43xx.")
    var lpc = false

    @Option(help: "The prefix of TI Stellaris, with this load address.")
    var stellaris: AddressArgument?

    func validate() throws {
      guard lpc != (stellaris != nil) else {
        throw ValidationError("Say which prefix: --lpc, or --stellaris ADDRESS.")
      }
    }

    func perform(on console: Console) async throws -> ExitStatus {
      let parts = try DFUFileParts(reading: editing.file)
      if parts.prefix != nil {
        throw UsageError(
          "\(parts.name) has a prefix already.",
          help: "Remove it first: dfu file prefix remove \(parts.name)")
      }
      if parts.isDfuSe {
        throw UsageError("\(parts.name) is a DfuSe container; those have no prefix.")
      }
      let prefix: FirmwarePrefix =
        stellaris.map { .stellaris(loadAddress: UInt32(truncatingIfNeeded: $0.value)) } ?? .lpc()
      let bytes = try parts.explaining { () throws(FirmwareError) in
        let body = try prefix.encoded(before: parts.payload.count) + parts.payload
        return try parts.suffix?.appended(to: body) ?? body
      }
      return try editing.write(bytes, format: parts.suffix == nil ? "raw" : "dfu", on: console)
    }
  }

  struct Remove: Verb {
    static let configuration = CommandConfiguration(abstract: "Cut the prefix off.")

    @OptionGroup var editing: EditingOptions
    @OptionGroup var output: OutputOptions

    func perform(on console: Console) async throws -> ExitStatus {
      let parts = try DFUFileParts(reading: editing.file)
      guard parts.prefix != nil else { throw FilePrefix.none(in: parts) }
      guard !parts.payload.isEmpty else {
        throw UsageError("\(parts.name) is nothing but a prefix; no bytes would be left.")
      }
      let bytes = try parts.explaining { () throws(FirmwareError) in
        try parts.suffix?.appended(to: parts.payload) ?? parts.payload
      }
      return try editing.write(bytes, format: parts.suffix == nil ? "raw" : "dfu", on: console)
    }
  }

  static func none(in parts: DFUFileParts) -> FirmwareInputError {
    FirmwareInputError(
      name: parts.name,
      error: FirmwareError(
        .malformed, format: .dfu, sentence: "The file has no prefix that is known.",
        help: "dfu file prefix add puts one in front of it."))
  }
}
