public import USB

/// What goes to one memory of a device: an alternate setting's content.
public struct FirmwareTarget: Hashable, Sendable {
  /// The bytes, with addresses where the format has them.
  public enum Content: Hashable, Sendable {
    /// Bytes whose address the file does not say.
    case raw([UInt8])
    /// Bytes at addresses.
    case image(FirmwareImage)
  }

  /// `bAlternateSetting`, where the file says it.
  public var alternateSetting: UInt8?
  /// The name that the file gives to the target.
  public var name: String?
  /// The bytes.
  public var content: Content

  /// A target.
  public init(alternateSetting: UInt8? = nil, name: String? = nil, content: Content) {
    self.alternateSetting = alternateSetting
    self.name = name
    self.content = content
  }

  /// How many bytes there are; holes do not count.
  public var byteCount: Int {
    switch content {
    case .raw(let bytes): bytes.count
    case .image(let image): image.byteCount
    }
  }

  /// The content at addresses: raw bytes are placed at `address`.
  ///
  /// - Parameter address: where raw bytes begin; not used where the file has addresses.
  /// - Returns: the image, or nil for raw bytes without an address.
  /// - Throws: ``FirmwareError`` with the code `addressOverflow` where they run beyond 2^64.
  public func image(placingRawAt address: UInt64?) throws(FirmwareError) -> FirmwareImage? {
    switch content {
    case .image(let image): return image
    case .raw(let bytes):
      guard let address else { return nil }
      var image = FirmwareImage()
      try image.insert(bytes, at: address, origin: .offset(0))
      return image
    }
  }
}

/// How a file is to be read.
public struct FirmwareReadOptions: Hashable, Sendable {
  /// Reads the file as this format instead of recognising it. A file that begins with "DfuSe" is
  /// never read as raw, whatever is asked.
  public var format: FirmwareFormat?
  /// Which family to take from a UF2 file that has several.
  public var family: UF2Family?
  /// Keeps segments of an ELF file that are loaded to RAM; they are left out otherwise.
  public var keepsRAM: Bool
  /// The largest file, and the largest amount of memory in an image, that is accepted.
  public var maximumByteCount: Int

  /// Images beyond 512 MiB are no firmware for a USB bootloader: 4 hours at full speed.
  public static let defaultMaximumByteCount = 512 << 20

  /// Options; the defaults recognise the format and take the whole file.
  public init(
    format: FirmwareFormat? = nil, family: UF2Family? = nil, keepsRAM: Bool = false,
    maximumByteCount: Int = FirmwareReadOptions.defaultMaximumByteCount
  ) {
    self.format = format
    self.family = family
    self.keepsRAM = keepsRAM
    self.maximumByteCount = maximumByteCount
  }
}

/// A firmware file that was read and checked whole.
public struct FirmwareFile: Hashable, Sendable {
  /// The kind of file.
  public var format: FirmwareFormat
  /// What goes where; at least one after reading.
  public var targets: [FirmwareTarget]
  /// The DFU suffix, of a DFU or DfuSe file.
  public var suffix: DFUSuffix?
  /// The prefix in front of a plain DFU image. The content of the target begins behind it.
  public var prefix: FirmwarePrefix?
  /// Everything that was assumed or accepted leniently.
  public var notes: [FirmwareNote]

  /// A file of the given parts.
  public init(
    format: FirmwareFormat, targets: [FirmwareTarget], suffix: DFUSuffix? = nil,
    prefix: FirmwarePrefix? = nil, notes: [FirmwareNote] = []
  ) {
    self.format = format
    self.targets = targets
    self.suffix = suffix
    self.prefix = prefix
    self.notes = notes
  }

  /// A file of one image, to be written in any format.
  public init(image: FirmwareImage, alternateSetting: UInt8? = nil, name: String? = nil) {
    self.init(
      format: .raw,
      targets: [
        FirmwareTarget(alternateSetting: alternateSetting, name: name, content: .image(image))
      ])
  }

  /// Where execution begins, of the first target that says it.
  public var entryPoint: UInt64? {
    for case .image(let image) in targets.map(\.content) {
      if let entryPoint = image.entryPoint { return entryPoint }
    }
    return nil
  }

  /// Whether the file's ids allow a device with these ids (facts of the suffix, DFU 1.1 appendix B).
  ///
  /// 0xFFFF allows any; in DfuSe files product 0x0000 does too, because ST's file maker writes it. A
  /// file without a suffix allows every device.
  public func allows(vendor: VendorID, product: ProductID) -> Bool {
    suffix?.allows(vendor: vendor, product: product, zeroProductIsWildcard: format == .dfuSe)
      ?? true
  }

  /// What a plain DFU device is sent: the prefix, if there is one, and the bytes behind it.
  ///
  /// Nil unless the file is one target of bytes without addresses.
  public var plainPayload: [UInt8]? {
    guard targets.count == 1, case .raw(let bytes) = targets[0].content else { return nil }
    guard let prefix, let header = try? prefix.encoded(before: bytes.count) else { return bytes }
    return header + bytes
  }
}
