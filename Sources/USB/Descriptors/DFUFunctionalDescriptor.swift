/// The DFU functional descriptor (DFU 1.1, table 4.2): 9 bytes, or the 7 bytes of DFU 1.0.
public struct DFUFunctionalDescriptor: Hashable, Sendable {
  /// `bmAttributes`.
  public struct Attributes: OptionSet, Hashable, Sendable {
    /// The number itself.
    public var rawValue: UInt8

    /// A value from its number.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// `bitCanDnload`: the device takes downloads.
    public static let canDownload = Attributes(rawValue: 1 << 0)
    /// `bitCanUpload`: the device can be read.
    public static let canUpload = Attributes(rawValue: 1 << 1)
    /// `bitManifestationTolerant`: the device still answers after manifestation.
    public static let manifestationTolerant = Attributes(rawValue: 1 << 2)
    /// `bitWillDetach`: the device detaches by itself after DFU_DETACH (DFU 1.1 only).
    public static let willDetach = Attributes(rawValue: 1 << 3)
    /// ST's extension: blocks of 4096 bytes when reading.
    public static let canAccelerate = Attributes(rawValue: 1 << 7)
  }

  /// `bmAttributes`.
  public var attributes: Attributes
  /// `wDetachTimeOut`, in milliseconds, as the device says it.
  public var detachTimeout: UInt16
  /// `wTransferSize`: the most bytes of one DFU_DNLOAD or DFU_UPLOAD.
  public var transferSize: UInt16
  /// `bcdDFUVersion`; nil in the 7-byte form of DFU 1.0.
  public var version: BCDVersion?

  /// A functional descriptor from its fields.
  public init(
    attributes: Attributes, detachTimeout: UInt16, transferSize: UInt16, version: BCDVersion?
  ) {
    self.attributes = attributes
    self.detachTimeout = detachTimeout
    self.transferSize = transferSize
    self.version = version
  }

  /// Reads a functional descriptor; `bLength` decides between the 7-byte and the 9-byte form.
  public init(parsing reader: inout ByteReader) throws(ParseError) {
    let start = reader.offset
    let length = try reader.readByte("bLength")
    guard length >= 7 else {
      throw ParseError(
        .invalid(value: "\(length)", rule: "a DFU functional descriptor has 9 bytes, or 7 in 1.0"),
        field: "bLength", offset: start)
    }
    let type = try reader.readByte("bDescriptorType")
    guard type == DescriptorType.dfuFunctional.rawValue else {
      throw ParseError(
        .invalid(value: "0x\(hex(type))", rule: "a DFU functional descriptor has type 0x21"),
        field: "bDescriptorType", offset: start + 1)
    }
    attributes = Attributes(rawValue: try reader.readByte("bmAttributes"))
    detachTimeout = try reader.readUInt16("wDetachTimeOut")
    transferSize = try reader.readUInt16("wTransferSize")
    version = length >= 9 ? BCDVersion(try reader.readUInt16("bcdDFUVersion")) : nil
  }

  /// The 9 or 7 bytes as a device sends them.
  public var bytes: [UInt8] {
    [version == nil ? 7 : 9, DescriptorType.dfuFunctional.rawValue, attributes.rawValue]
      + detachTimeout.littleEndianBytes + transferSize.littleEndianBytes
      + (version?.rawValue.littleEndianBytes ?? [])
  }
}
