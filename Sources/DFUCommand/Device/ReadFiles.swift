import DFUHost
import Firmware
import SystemPackage
import USB
import Workbench

extension TargetChoice {
  /// Which bytes of several inputs go where, each placed as it was typed.
  init(
    _ inputs: [FirmwareInput], for session: DFUSession, _ options: FlashOptions
  ) throws {
    var choice: TargetChoice?
    for input in inputs {
      var options = options
      options.address = input.place.address ?? options.address
      options.target =
        input.place.alternateSetting.map { .number($0) } ?? options.target
      let next = try TargetChoice(input.file, targets: session.targets, options: options)
      do {
        if choice == nil { choice = next } else { try choice?.merge(next) }
      } catch {
        throw contradiction(error, with: input)
      }
    }
    guard let choice else { throw UsageError("There is no file to flash.") }
    self = choice
  }
}

/// The error of two inputs that want different bytes at one address, with the name of the later one.
private func contradiction(_ error: PlanError, with input: FirmwareInput) -> PlanError {
  guard error.code == .contradiction else { return error }
  var error = error
  error.sentence = "\(input.name) contradicts the files before it: \(error.sentence)"
  error.help = "Leave one of them out, or place them elsewhere."
  return error
}

extension FirmwareTarget {
  /// The address of its first byte; nil for raw bytes.
  var lowestAddress: UInt64? {
    if case .image(let image) = content { image.range?.lowerBound } else { nil }
  }
}

/// The format in which memory is written to a file.
func format(
  of parts: [FirmwareTarget], for output: OutputFile, asked: FirmwareFormat?
) throws -> FirmwareFormat {
  if output.path == "-", asked == nil { return .raw }
  return try FirmwareFile(format: .raw, targets: parts).outputFormat(for: output.path, asked: asked)
}

/// Refuses a name that says no format, before a device is read for nothing.
func checkFormat(of output: OutputFile, asked: FirmwareFormat? = nil) throws {
  _ = try format(of: [], for: output, asked: asked)
}

/// Refuses a format that would have to fill a huge hole between ranges, before they are read.
func checkHoles(
  between ranges: [Range<UInt64>], in output: OutputFile, asked: FirmwareFormat?
) throws {
  let format = try format(of: [], for: output, asked: asked)
  guard !format.hasAddresses, format != .dfu else { return }
  for (left, right) in zip(ranges, ranges.dropFirst())
  where right.lowerBound - left.upperBound > FirmwareFile.holeLimit {
    var error = FirmwareFile.holeError(left.upperBound..<right.lowerBound, format: format)
    error.help = "Write a format with addresses (hex, s19, dfuse, uf2, elf), or read one range."
    throw error
  }
}

/// Writes what was read from a device to a file, in the format that the name says.
///
/// - Returns: how many bytes the file has.
func write(
  _ parts: [FirmwareTarget], of target: FlashTarget, to output: OutputFile,
  as asked: FirmwareFormat? = nil
) throws -> Int {
  let file = FirmwareFile(format: .raw, targets: parts)
  let format = try format(of: parts, for: output, asked: asked)
  if let hole = file.hugeHole(for: format) {
    throw FirmwareFile.holeError(hole, format: format)
  }
  var suffix = DFUSuffix()
  suffix.vendor = target.vendor
  suffix.product = target.product
  suffix.dfuVersion = BCDVersion(format == .dfuSe ? 0x011A : 0x0100)
  let bytes = try file.encoded(as: format, options: FirmwareWriteOptions(suffix: suffix))
  try output.write(bytes)
  return bytes.count
}
