public import Firmware
internal import Reports
public import SystemPackage
public import USB

/// Choosing what to write, and refusing what nobody means.
extension FirmwareFile {
  /// Holes larger than this are not filled without being told to: they are nearly always two
  /// memories in one image, not one program.
  public static let holeLimit: UInt64 = 16 << 20

  /// The format for an output: as it is asked for, or by the ending of its name.
  ///
  /// - Parameters:
  ///   - path: the output.
  ///   - asked: the format that was asked for.
  /// - Returns: the format. `.dfu` means a DfuSe container where the content has addresses.
  /// - Throws: ``OutputFormatError`` where the ending says nothing.
  public func outputFormat(
    for path: FilePath, asked: FirmwareFormat?
  ) throws(OutputFormatError) -> FirmwareFormat {
    if let asked { return asked }
    guard let ending = path.extension, let format = FirmwareFormat(fileExtension: ending) else {
      throw OutputFormatError(path: path.string)
    }
    return format == .dfu && targets.contains(where: \.hasAddresses) ? .dfuSe : format
  }

  /// The first hole that is too large to be filled without being told to.
  ///
  /// - Parameter format: what is about to be written.
  /// - Returns: the hole; nil where the format keeps holes, or all are small.
  public func hugeHole(for format: FirmwareFormat) -> Range<UInt64>? {
    guard !format.hasAddresses else { return nil }
    for case .image(let image) in targets.map(\.content) {
      let extents = image.extents
      for (left, right) in zip(extents, extents.dropFirst())
      where right.lowerBound - left.upperBound > Self.holeLimit {
        return left.upperBound..<right.lowerBound
      }
    }
    return nil
  }

  /// The error for ``hugeHole(for:)``.
  public static func holeError(_ hole: Range<UInt64>, format: FirmwareFormat) -> FirmwareError {
    FirmwareError(
      .notRepresentable, format: format,
      sentence: "Between \(addressText(hole.lowerBound)) and \(addressText(hole.upperBound)) there "
        + "are \(sizeText(hole.upperBound - hole.lowerBound)) without bytes, which a "
        + "\(format.name) file would have to fill.",
      help: "Write a format with addresses (hex, s19, dfuse, uf2, elf), or add --force to fill it.")
  }
}

/// An output whose name says no format.
public struct OutputFormatError: ExplainedError, Hashable {
  /// The output.
  public var path: String
  /// Whether the verb has an option that says the format.
  public var hasOption = true

  /// A stable name for the kind of error.
  public var slug: String { "output-format-unknown" }
  /// What happened.
  public var sentence: String {
    path == "-"
      ? "Standard output has no name that says which format to write."
      : "The name \(path) does not say which format to write."
  }
  /// What to do next.
  public var help: String? {
    "End it in .bin, .dfu, .hex, .s19, .elf or .uf2"
      + (hasOption
        ? ", or say --to " + FirmwareFormat.allCases.map(\.rawValue).joined(separator: "|") : "")
      + "."
  }
}
