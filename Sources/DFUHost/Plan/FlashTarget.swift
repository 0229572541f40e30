public import DFU
public import Firmware
public import USB

/// One alternate setting of an opened device, as a plain value: all that a plan needs to know.
public struct FlashTarget: Hashable, Sendable {
  /// The most bytes that a host moves in one control transfer: the limit of Linux usbfs.
  public static let maximumTransferSize = 4096

  /// `idVendor` of the device that was opened.
  public var vendor: VendorID
  /// `idProduct` of the device that was opened.
  public var product: ProductID
  /// `bcdDevice` of the device that was opened.
  public var version: BCDVersion
  /// `bAlternateSetting`.
  public var alternateSetting: UInt8
  /// Its name: of the map, or the whole interface string; may be empty.
  public var name: String
  /// The protocol that the device speaks.
  public var dialect: DFUDialect
  /// Its memory; nil on a device without addresses.
  public var map: MemoryMap?
  /// Bytes of a full block: 1 to ``maximumTransferSize``.
  public var transferSize: Int
  /// `bitCanDnload`.
  public var canDownload: Bool
  /// `bitCanUpload`.
  public var canUpload: Bool
  /// `bitManifestationTolerant`.
  public var manifestationTolerant: Bool
  /// What is known to be wrong with the device.
  public var quirks: DFUQuirks
  /// What is known of the chip; nil when it is not known.
  public var chip: Chip?
  /// What has been read of its memory; nil when nothing has been asked for.
  public var contents: FirmwareImage?
  /// Why it cannot be read although it says that it can, for example its read-out protection.
  public var readRefusal: String?

  /// A target; `transferSize` is brought into its range.
  public init(
    vendor: VendorID, product: ProductID, version: BCDVersion = BCDVersion(0),
    alternateSetting: UInt8 = 0, name: String, dialect: DFUDialect, map: MemoryMap?,
    transferSize: Int, canDownload: Bool = true, canUpload: Bool = true,
    manifestationTolerant: Bool = false, quirks: DFUQuirks = [], chip: Chip? = nil,
    contents: FirmwareImage? = nil, readRefusal: String? = nil
  ) {
    self.vendor = vendor
    self.product = product
    self.version = version
    self.alternateSetting = alternateSetting
    self.name = name
    self.dialect = dialect
    self.map = map
    self.transferSize = min(max(transferSize, 1), FlashTarget.maximumTransferSize)
    self.canDownload = canDownload
    self.canUpload = canUpload
    self.manifestationTolerant = manifestationTolerant
    self.quirks = quirks
    self.chip = chip
    self.contents = contents
    self.readRefusal = readRefusal
  }

  /// The size of a full block for a device that declares `wTransferSize` as `declared`.
  ///
  /// 0 and 0xFFFF are met in real descriptors and mean nothing: 64 and 1024 stand for them. More than
  /// ``maximumTransferSize`` is cut to it.
  public static func usableTransferSize(_ declared: UInt16) -> Int {
    switch declared {
    case 0: 64
    case 0xFFFF: 1024
    default: min(Int(declared), maximumTransferSize)
    }
  }

  /// Whether its memory can be read, as far as is known.
  public var canRead: Bool { readObstacle == nil }

  /// Why its memory cannot be read, as a clause; nil when it can be, as far as is known.
  public var readObstacle: String? {
    if let readRefusal { return readRefusal }
    if !canUpload { return "bitCanUpload is 0" }
    return quirks.contains(.uploadBroken) ? "reading is known to fail on this device" : nil
  }

  /// What kind of memory it is, told by the name of its map.
  public var kind: MemoryKind { map?.kind ?? .other }

  /// Its name and its number, for sentences.
  public var described: String {
    name.isEmpty
      ? "alternate setting \(alternateSetting)"
      : "\(name) (alternate setting \(alternateSetting))"
  }
}
