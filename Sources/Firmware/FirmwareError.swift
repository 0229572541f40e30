public import USB

/// A firmware file that cannot be read, or an image that a format cannot hold.
public struct FirmwareError: ExplainedError, Hashable {
  /// The kinds of error. The raw value is the ``FirmwareError/slug``.
  public enum Code: String, Hashable, Sendable, CaseIterable {
    /// The file has no bytes at all.
    case empty = "file-empty"
    /// The file is well-formed but holds nothing to write.
    case noData = "file-without-data"
    /// The file, or what it asks for, is larger than this program accepts.
    case tooLarge = "file-too-large"
    /// The file ends before its own counts say.
    case truncated = "file-truncated"
    /// A checksum does not fit the bytes.
    case wrongChecksum = "checksum-wrong"
    /// The CRC was computed with a final inversion, as zlib does.
    case invertedChecksum = "checksum-inverted"
    /// The signature of the DFU suffix is written backwards.
    case reversedSignature = "signature-reversed"
    /// Bytes stand behind what must be the end of the file.
    case trailingBytes = "trailing-bytes"
    /// A field has a value that the format does not allow.
    case malformed = "file-malformed"
    /// A record of a type that the format does not have.
    case unknownRecord = "record-unknown"
    /// A version or a variant of the format that this program does not read.
    case unsupported = "format-unsupported"
    /// A count or a length in the file does not agree with what is there.
    case countMismatch = "count-mismatch"
    /// Two parts of a file put different bytes at one address.
    case overlap = "segments-overlap"
    /// Bytes lie beyond the highest address.
    case addressOverflow = "address-overflow"
    /// A UF2 file for several families, none of which was chosen.
    case ambiguousFamily = "family-ambiguous"
    /// A family that is not known or not in the file.
    case unknownFamily = "family-unknown"
    /// Bytes without an address, where the format needs one.
    case addressMissing = "address-missing"
    /// The format cannot hold this content.
    case notRepresentable = "not-representable"
  }

  /// Where in the input the error is.
  public enum Place: Hashable, Sendable {
    /// A byte, counted from 0.
    case offset(Int)
    /// A line, counted from 1.
    case line(Int)
  }

  /// What kind of error it is.
  public var code: Code
  /// The format that was read or written, where it is known.
  public var format: FirmwareFormat?
  /// Where in the input.
  public var place: Place?
  /// What is wrong, in one sentence.
  public var sentence: String
  /// What to do about it, where something can be done.
  public var help: String?

  /// An error.
  public init(
    _ code: Code, format: FirmwareFormat? = nil, place: Place? = nil, sentence: String,
    help: String? = nil
  ) {
    self.code = code
    self.format = format
    self.place = place
    self.sentence = sentence
    self.help = help
  }

  /// The stable name of the kind of error.
  public var slug: String { code.rawValue }

  /// The offset in bytes, where the error is at one.
  public var offset: Int? {
    if case .offset(let offset) = place { offset } else { nil }
  }

  /// The line, counted from 1, where the error is at one.
  public var line: Int? {
    if case .line(let line) = place { line } else { nil }
  }

  /// This error, with the format it arose in.
  func inFormat(_ format: FirmwareFormat) -> FirmwareError {
    var error = self
    error.format = format
    return error
  }

  /// A field that needs more bytes than the file has left.
  init(_ error: ParseError, format: FirmwareFormat) {
    let code: Code =
      switch error.kind {
      case .truncated: .truncated
      case .invalid: .malformed
      case .beyondLimit: .tooLarge
      }
    self.init(
      code, format: format, place: .offset(error.offset), sentence: error.sentence,
      help: code == .truncated ? "The file is cut short: fetch or build it again." : error.help)
  }
}

/// Something about a file that was accepted and that a person should know.
public struct FirmwareNote: Hashable, Sendable {
  /// How much it matters.
  public enum Severity: String, Hashable, Sendable, CaseIterable {
    /// What was understood or assumed.
    case info
    /// Something that is not as it should be.
    case warning
  }

  /// A stable name: lower case, words joined by hyphens.
  public var slug: String
  /// How much it matters.
  public var severity: Severity
  /// What was found, in one sentence.
  public var sentence: String
  /// What to do about it, where something can be done.
  public var help: String?

  /// A note.
  public init(_ slug: String, _ severity: Severity, _ sentence: String, help: String? = nil) {
    self.slug = slug
    self.severity = severity
    self.sentence = sentence
    self.help = help
  }
}
