import ArgumentParser
import Firmware
import Reports
import SystemPackage
import USB
import Workbench

/// `dfu file unpack`: the parts of a file, each in a file of its own.
struct FileUnpack: Verb {
  static let configuration = CommandConfiguration(
    commandName: "unpack",
    abstract: "Write every part of a firmware file to a file of its own.",
    discussion: """
      Each element of a DfuSe file, or each consecutive stretch of another, becomes a raw file whose \
      name says where it belongs: 0x08000000.bin, or alt1-0x90000000.bin where there are several \
      alternate settings.

      Examples:
        dfu file unpack all.dfu -o parts
      """
  )

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var overwriting: OverwriteOptions
  @OptionGroup var output: OutputOptions

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp("The directory to write to; it is created.", valueName: "dir"))
  var directory = "."

  @Argument(help: "The file to read; - is standard input.")
  var file: String

  func perform(on console: Console) async throws -> ExitStatus {
    let input = try FirmwareInput(PlacedInput(path: file), options: reading.options)
    console.tellWarnings(of: input)
    let folder = FilePath(directory)
    let parts = parts(of: input.file)
    try OutputFile.createDirectory(folder)
    // All names are checked before the first is written.
    let outputs = try parts.map {
      try OutputFile(folder.appending($0.name), overwrites: overwriting.overwrite)
    }
    var written: [WrittenReport.Output] = []
    for (part, output) in zip(parts, outputs) {
      try output.write(part.bytes)
      written.append(
        .init(
          name: output.path.string, format: "raw", size: part.bytes.count,
          address: part.address.map(addressText), alternateSetting: part.setting))
    }
    let report = WrittenReport(written)
    try console.print(report) { report.text($0) }
    return .done
  }

  private struct Part {
    var name: String
    var address: UInt64?
    var setting: UInt8?
    var bytes: [UInt8]
  }

  private func parts(of file: FirmwareFile) -> [Part] {
    let showsSetting = Set(file.targets.map(\.alternateSetting)).count > 1
    var parts: [Part] = []
    var used: Set<String> = []
    for target in file.targets {
      let prefix = showsSetting ? target.alternateSetting.map { "alt\($0)-" } ?? "" : ""
      var pieces: [(UInt64?, [UInt8])] = []
      switch target.content {
      case .raw(let bytes): pieces = [(nil, bytes)]
      case .image(let image):
        pieces =
          file.format == .dfuSe
          ? image.segments.map { ($0.address, $0.bytes) }
          : image.extents.map { ($0.lowerBound, image.bytes(in: $0, fill: 0xFF)) }
      }
      for (address, bytes) in pieces {
        let stem = prefix + (address.map(addressText) ?? "payload")
        // Two targets may name the same alternate setting and address.
        var name = "\(stem).bin"
        var number = 2
        while !used.insert(name).inserted {
          name = "\(stem)-\(number).bin"
          number += 1
        }
        parts.append(
          Part(name: name, address: address, setting: target.alternateSetting, bytes: bytes))
      }
    }
    return parts
  }
}
