public import Firmware

/// The suffix and the prefix of a DFU file: `dfu file suffix check`, `dfu file prefix check`.
public struct SuffixReport: Encodable, Hashable, Sendable {
  /// The name of the file.
  public var name: String
  /// The suffix; absent where there is none.
  public var suffix: FileInfoReport.Suffix?
  /// `bLength`: how many bytes the suffix has.
  public var suffixLength: Int?
  /// The prefix in words; absent where there is none.
  public var prefix: String?
  /// How many bytes there are between the two.
  public var payloadLength: Int

  /// The report of a file.
  public init(
    name: String, suffix: DFUSuffix?, prefix: FirmwarePrefix?, isDfuSe: Bool, payloadLength: Int
  ) {
    self.name = name
    self.suffix = suffix.map { FileInfoReport.Suffix($0, format: isDfuSe ? .dfuSe : .dfu) }
    suffixLength = suffix?.length
    self.prefix = prefix.map(prefixText)
    self.payloadLength = payloadLength
  }

  /// The report for a person.
  public func text(_ style: TextStyle) -> String {
    var table = TextTable()
    if let suffix {
      table.add(["Vendor", suffix.vendor.map { style(.accent, $0) } ?? "any"])
      table.add(["Product", suffix.product.map { style(.accent, $0) } ?? "any"])
      table.add(["Version", suffix.deviceVersion ?? "any"])
      table.add(["Device", suffix.deviceName ?? "not one that is known here"])
      table.add(["DFU", suffix.dfuVersion])
      table.add(["CRC", style(.good, "right")])
      table.add(["Length", countText(suffixLength ?? 0, "byte")])
    } else {
      table.add(["Suffix", "none"])
    }
    table.add(["Prefix", prefix ?? "none"])
    table.add(["Payload", exactSizeText(UInt64(payloadLength))])
    return style(.strong, terminalSafe(name)) + "\n"
      + table.lines(indent: 2).joined(separator: "\n") + "\n"
  }
}
