import ArgumentParser
import Firmware
import Reports
import USB
import Workbench

/// `dfu file diff`: where two files differ.
struct FileDiff: Verb {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Compare what two firmware files put into memory.",
    discussion: """
      Formats may differ: what counts are the bytes at their addresses. A file without addresses is \
      placed at --address, or where the other one begins. Exit status: 0 the same, 80 different.

      Examples:
        dfu file diff old.hex new.elf
        dfu file diff app.bin back.bin --json
      """
  )

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var output: OutputOptions

  @Option(help: "Where files without addresses begin.")
  var address: AddressArgument?

  @Argument(help: ArgumentHelp("The first file.", valueName: "a"))
  var first: String

  @Argument(help: ArgumentHelp("The second file.", valueName: "b"))
  var second: String

  func perform(on console: Console) async throws -> ExitStatus {
    let left = try FirmwareInput(PlacedInput(path: first), options: reading.options)
    let right = try FirmwareInput(PlacedInput(path: second), options: reading.options)
    console.tellWarnings(of: left)
    console.tellWarnings(of: right)
    let start = address?.value ?? lowest(left) ?? lowest(right)
    if address == nil, let start {
      for input in [left, right] where lowest(input) == nil {
        console.note("\(input.name) has no addresses; it is compared from \(addressText(start)).")
      }
    }
    let a = try images(of: left, at: start ?? 0)
    let b = try images(of: right, at: start ?? 0)

    var report = FileDiffReport(first: left.name, second: right.name)
    if Set(a.keys) == Set(b.keys) || (a.count > 1 && b.count > 1) {
      let settings = Set(a.keys).union(b.keys)
      for setting in settings.sorted(by: { ($0 ?? 0) < ($1 ?? 0) }) {
        report.compare(
          a[setting] ?? FirmwareImage(), b[setting] ?? FirmwareImage(),
          alternateSetting: settings.count > 1 ? setting : nil)
      }
    } else {
      // One file names alternate settings and the other does not: the memory as a whole decides.
      report.compare(whole(a), whole(b), alternateSetting: nil)
    }
    try console.print(report) { report.text($0) }
    return report.isSame ? .done : .different
  }

  private func lowest(_ input: FirmwareInput) -> UInt64? {
    var lowest: UInt64?
    for case .image(let image) in input.file.targets.map(\.content) {
      guard let start = image.range?.lowerBound else { continue }
      lowest = min(lowest ?? start, start)
    }
    return lowest
  }

  private func images(
    of input: FirmwareInput, at start: UInt64
  ) throws -> [UInt8?: FirmwareImage] {
    var images: [UInt8?: FirmwareImage] = [:]
    for target in input.file.targets {
      do {
        guard let image = try target.image(placingRawAt: start) else { continue }
        images[target.alternateSetting] =
          images[target.alternateSetting]?.overlaying(image) ?? image
      } catch {
        throw FirmwareInputError(name: input.name, error: error)
      }
    }
    return images
  }

  private func whole(_ images: [UInt8?: FirmwareImage]) -> FirmwareImage {
    images.values.reduce(FirmwareImage()) { $0.overlaying($1) }
  }
}
