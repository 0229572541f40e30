public import USB

/// Why no plan can be made. Nothing has been written or erased when this is thrown.
public struct PlanError: ExplainedError, Hashable {
  /// The kinds of error; the raw value is the slug.
  public enum Code: String, Hashable, Sendable, CaseIterable {
    /// Bytes of the image lie where the target has no memory.
    case doesNotFit = "does-not-fit"
    /// Bytes of the image lie in a sector that cannot be written.
    case readOnly = "read-only"
    /// A sector that would have to be erased cannot be erased.
    case notErasable = "not-erasable"
    /// Bytes that share a sector with new data cannot be read, so they cannot be kept.
    case cannotKeepNeighbours = "cannot-keep-neighbours"
    /// Nothing says where raw bytes go.
    case addressMissing = "address-missing"
    /// An address was given for something that has none, or has its own.
    case addressUnexpected = "address-unexpected"
    /// The file says that it is for another device.
    case wrongDevice = "wrong-device"
    /// The device has no such alternate setting.
    case noSuchTarget = "no-such-target"
    /// More than one alternate setting fits.
    case ambiguousTarget = "ambiguous-target"
    /// Option bytes are written as whole blocks only.
    case partialOptionBytes = "partial-option-bytes"
    /// These option bytes may close the part for ever.
    case lockingOptionBytes = "locking-option-bytes"
    /// An image with addresses cannot go to a device that knows none.
    case notAddressable = "not-addressable"
    /// The device wants a prefix that the file has not.
    case prefixMissing = "prefix-missing"
    /// The device does not take downloads.
    case cannotDownload = "cannot-download"
    /// The device cannot be read.
    case cannotUpload = "cannot-upload"
    /// The alternate setting has no map of its memory.
    case mapMissing = "map-missing"
    /// The file holds no bytes.
    case emptyImage = "empty-image"
    /// A range does not begin and end at sector boundaries.
    case misaligned = "misaligned"
    /// Two pieces of the input want different bytes at one address.
    case contradiction
    /// A sector is larger than any that can be handled.
    case sectorTooLarge = "sector-too-large"
    /// More sectors are concerned than any memory has.
    case tooManySectors = "too-many-sectors"
    /// One-time programmable memory already holds bits that the image wants back.
    case alreadyProgrammed = "already-programmed"
  }

  /// The kind of error.
  public var code: Code
  /// What is wrong, in one sentence.
  public var sentence: String
  /// What to do.
  public var help: String?
  /// The addresses that were wanted.
  public var wanted: Range<UInt64>?
  /// The addresses of the memory or the sector that stands against it.
  public var against: Range<UInt64>?

  /// An error from its parts.
  public init(
    _ code: Code, _ sentence: String, help: String? = nil, wanted: Range<UInt64>? = nil,
    against: Range<UInt64>? = nil
  ) {
    self.code = code
    self.sentence = sentence
    self.help = help
    self.wanted = wanted
    self.against = against
  }

  /// The name of the kind of error.
  public var slug: String { code.rawValue }
}
