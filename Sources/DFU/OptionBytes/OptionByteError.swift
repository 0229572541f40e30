public import USB

/// Why option bytes cannot be understood, or not be set.
public struct OptionByteError: ExplainedError, Hashable {
  /// What kind of failure it is.
  public enum Code: String, Hashable, Sendable, CaseIterable {
    /// A block ends too early.
    case short = "short-option-bytes"
    /// No block is where the layout has them.
    case noBlock = "no-option-bytes"
    /// There is no such field.
    case unknownField = "unknown-option"
    /// The field is not among the bytes that the bootloader shows.
    case hidden = "hidden-option"
    /// The field cannot be set to that.
    case badValue = "bad-option-value"
  }

  /// What kind of failure it is.
  public var code: Code
  /// What happened.
  public var sentence: String
  /// What to do next.
  public var help: String?
  /// Where in memory it is, if it is in memory.
  public var address: UInt64?

  /// The code.
  public var slug: String { code.rawValue }

  static func short(
    _ block: OptionBytes.Block, _ wanted: Int, _ layout: OptionByteLayout
  ) -> OptionByteError {
    let end = block.address + UInt64(block.bytes.count)
    return OptionByteError(
      code: .short,
      sentence:
        "The option bytes at \(addressText(block.address)) end at \(addressText(end)), after "
        + "\(byteCountText(UInt64(block.bytes.count))); those of the \(layout.name) have "
        + "\(wanted) at least.",
      help: "Read the whole block again.", address: end)
  }

  static func noBlock(_ layout: OptionByteLayout) -> OptionByteError {
    let places = layout.blocks.map { addressText($0.address) }.joined(separator: " and ")
    return OptionByteError(
      code: .noBlock,
      sentence: "There are no option bytes at \(places), where the \(layout.name) has them.",
      help: "Is it another part?")
  }

  static func unknownField(_ name: String, _ values: [OptionBytes.Value]) -> OptionByteError {
    OptionByteError(
      code: .unknownField, sentence: "There is no option named “\(name)” on this part.",
      help: "There are \(values.map(\.field.name).joined(separator: ", ")).")
  }

  static func hidden(_ field: OptionField, _ layout: OptionByteLayout) -> OptionByteError {
    let known = layout.blocks.indices.contains(field.block) ? layout.blocks[field.block] : nil
    let place = known.map { " at \(addressText($0.address + UInt64(field.offset)))" } ?? ""
    return OptionByteError(
      code: .hidden,
      sentence: "\(field.name) lies\(place), which this bootloader does not show.",
      help: "A debug probe reaches it.")
  }

  static func badValue(_ text: String, _ field: OptionField) -> OptionByteError {
    OptionByteError(
      code: .badValue, sentence: "\(field.name) cannot be set to “\(text)”.",
      help: "It takes \(field.possibleValues).")
  }

  static func missing(_ block: OptionByteLayout.Block) -> String {
    "The bootloader does not show the option bytes at \(addressText(block.address))."
  }

  static func unknown(_ block: OptionBytes.Block) -> String {
    "What the \(byteCountText(UInt64(block.bytes.count))) at \(addressText(block.address)) mean is "
      + "not known; they are left as they are."
  }

  static func broken(_ names: [String], at address: UInt64, protects: Bool) -> String {
    "The complement of \(names.joined(separator: ", ")) at \(addressText(address)) does not fit: "
      + "the part "
      + (protects
        ? "counts that as read protection, whatever the value is."
        : "does not go by the value that is shown.")
  }
}
