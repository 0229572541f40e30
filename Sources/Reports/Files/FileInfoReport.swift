public import Firmware
internal import USB

/// What a firmware file is: `dfu file info`.
public struct FileInfoReport: Encodable, Hashable, Sendable {
  /// Bytes at consecutive addresses.
  public struct Extent: Encodable, Hashable, Sendable {
    /// The address of the first byte.
    public var address: String
    /// How many bytes there are.
    public var length: UInt64
    /// Where in the file they come from, where that has a name.
    public var origin: String?
  }

  /// One target: what belongs to one alternate setting.
  public struct Target: Encodable, Hashable, Sendable {
    /// The alternate setting; absent where the file does not say.
    public var alternateSetting: UInt8?
    /// Its name in the file.
    public var name: String?
    /// Whether the file says where the bytes belong.
    public var hasAddresses: Bool
    /// How many bytes it has.
    public var byteCount: Int
    /// The consecutive stretches; for a raw payload none.
    public var extents: [Extent]
    /// The elements or segments of the file, where the format has them.
    public var elements: [Extent]
    /// The Cortex-M vector table at its start, where there seems to be one.
    public var vectorTable: Vectors?
  }

  /// The first two words of a Cortex-M program.
  public struct Vectors: Encodable, Hashable, Sendable {
    /// The address of the table; absent in a raw payload.
    public var address: String?
    /// The initial stack pointer.
    public var stackPointer: String
    /// Where execution begins; bit 0 is the Thumb bit.
    public var resetVector: String
    /// Whether the stack lies in RAM and the reset vector in the image.
    public var isPlausible: Bool
  }

  /// The suffix of a DFU file (DFU 1.1, appendix B).
  public struct Suffix: Encodable, Hashable, Sendable {
    /// `idVendor`, four hexadecimal digits; absent where any fits.
    public var vendor: String?
    /// `idProduct`; absent where any fits.
    public var product: String?
    /// `bcdDevice`; absent where any fits.
    public var deviceVersion: String?
    /// `bcdDFU`.
    public var dfuVersion: String
    /// Who that is, where we know it.
    public var deviceName: String?
  }

  /// A remark about something that was accepted although it is not as it should be.
  public struct Note: Encodable, Hashable, Sendable {
    /// A stable name for the kind of remark.
    public var slug: String
    /// How much it matters.
    public var severity: String
    /// What it is.
    public var sentence: String
    /// What to do about it.
    public var help: String?
  }

  /// The name under which the file was read.
  public var name: String
  /// Its size in bytes.
  public var size: Int
  /// The format's short name.
  public var format: String
  /// What protects the content and was found right; absent where the format has no checksum.
  public var checked: String?
  /// The suffix.
  public var suffix: Suffix?
  /// What is in front of the payload, in words.
  public var prefix: String?
  /// Where execution begins, as the file says it.
  public var entryPoint: String?
  /// The targets, in the order of the file.
  public var targets: [Target]
  /// What was accepted although it is not as it should be.
  public var notes: [Note]
  /// What a host does with it, in sentences.
  public var use: [String]

  // The drawings belong to the text alone.
  var pictures: [MemoryPicture]

  private enum CodingKeys: String, CodingKey {
    case name, size, format, checked, suffix, prefix, entryPoint, targets, notes, use
  }

  /// The report of a file that was understood.
  ///
  /// - Parameters:
  ///   - file: what it holds.
  ///   - name: under which name it was read.
  ///   - size: its size in bytes.
  public init(_ file: FirmwareFile, name: String, size: Int) {
    self.name = name
    self.size = size
    format = file.format.rawValue
    checked = Self.checked(file)
    suffix = file.suffix.map { Suffix($0, format: file.format) }
    prefix = file.prefix.map(prefixText)
    entryPoint = file.entryPoint.map(addressText)
    targets = file.targets.map { Target($0) }
    notes = file.notes.map {
      Note(
        slug: $0.slug, severity: $0.severity.rawValue, sentence: $0.sentence, help: $0.help)
    }
    use = fileUse(file)
    pictures = file.targets.map { target in
      switch target.content {
      case .raw(let bytes):
        var picture = MemoryPicture(of: rawImage(bytes))
        picture.showsOffsets = true
        return picture
      case .image(let image):
        return MemoryPicture(of: image, marks: Self.marks(in: image))
      }
    }
  }

  private static func marks(in image: FirmwareImage) -> [MemoryPicture.Mark] {
    var marks: [MemoryPicture.Mark] = []
    if let start = image.range?.lowerBound, let vectors = VectorTable(in: image, at: start),
      vectors.isPlausible(in: image)
    {
      marks.append(.init(address: start, label: "vector table"))
    }
    if let entry = image.entryPoint, image.covers(entry & ~1..<(entry & ~1) + 1) {
      marks.append(.init(address: entry & ~1, label: "entry point"))
    }
    return marks
  }

  private static func checked(_ file: FirmwareFile) -> String? {
    switch file.format {
    case .dfuSe, .dfu:
      if file.suffix == nil {
        nil
      } else if file.notes.contains(where: { $0.slug == "crc-without-prefix" }) {
        "the CRC of the suffix is right, but for the prefix"
      } else {
        "the CRC of the suffix is right"
      }
    case .intelHex, .sRecord: "the checksum of every line is right"
    case .raw, .elf, .uf2: nil
    }
  }
}

extension FileInfoReport.Suffix {
  init(_ suffix: DFUSuffix, format: FirmwareFormat) {
    // ST's own file maker writes 0 for "any product".
    let anyProduct: Set<UInt16> = format == .dfuSe ? [0, 0xFFFF] : [0xFFFF]
    vendor = suffix.vendor.rawValue == 0xFFFF ? nil : "\(suffix.vendor)"
    product = anyProduct.contains(suffix.product.rawValue) ? nil : "\(suffix.product)"
    deviceVersion = suffix.deviceVersion.rawValue == 0xFFFF ? nil : "\(suffix.deviceVersion)"
    dfuVersion = "\(suffix.dfuVersion)"
    deviceName = knownDeviceName(vendor: suffix.vendor, product: suffix.product)
  }
}

extension FileInfoReport.Target {
  init(_ target: FirmwareTarget) {
    alternateSetting = target.alternateSetting
    name = target.name
    switch target.content {
    case .raw(let bytes):
      hasAddresses = false
      byteCount = bytes.count
      extents = []
      elements = []
      vectorTable = rawVectors(bytes).map {
        FileInfoReport.Vectors($0, address: nil, isPlausible: true)
      }
    case .image(let image):
      hasAddresses = true
      byteCount = image.byteCount
      extents = image.extents.map {
        FileInfoReport.Extent(
          address: addressText($0.lowerBound), length: $0.upperBound - $0.lowerBound, origin: nil)
      }
      elements = image.segments.compactMap { segment in
        switch segment.origin {
        case .element, .elfSegment:
          FileInfoReport.Extent(
            address: addressText(segment.address), length: UInt64(segment.bytes.count),
            origin: segment.origin.description)
        default: nil
        }
      }
      vectorTable = image.range.flatMap { range in
        VectorTable(in: image, at: range.lowerBound).map {
          FileInfoReport.Vectors(
            $0, address: range.lowerBound, isPlausible: $0.isPlausible(in: image))
        }
      }
    }
  }
}

extension FileInfoReport.Vectors {
  init(_ table: VectorTable, address: UInt64?, isPlausible: Bool) {
    self.address = address.map(addressText)
    stackPointer = addressText(UInt64(table.stackPointer))
    resetVector = addressText(UInt64(table.resetVector))
    self.isPlausible = isPlausible
  }
}
