/// An endpoint descriptor (USB 2.0, table 9-13), with the descriptors that follow it.
public struct EndpointDescriptor: Hashable, Sendable {
  /// `bEndpointAddress`: bit 7 set for IN, bits 3 to 0 the number.
  public var address: UInt8
  /// `bmAttributes`.
  public var attributes: UInt8
  /// `wMaxPacketSize`: bits 10 to 0 are bytes.
  public var maxPacketSize: UInt16
  /// `bInterval`, in frames or microframes.
  public var interval: UInt8
  /// Bytes of this descriptor beyond the first seven (audio 1.0 has two).
  public var extraBytes: [UInt8]
  /// Class-specific and unknown descriptors behind this endpoint.
  public var extra: [RawDescriptor]

  /// How an endpoint moves its data (USB 2.0, table 9-13, `bmAttributes` bits 1 and 0).
  public enum TransferType: UInt8, Sendable {
    /// Control.
    case control = 0
    /// Isochronous.
    case isochronous = 1
    /// Bulk.
    case bulk = 2
    /// Interrupt.
    case interrupt = 3
  }

  /// An endpoint descriptor from its fields.
  public init(
    address: UInt8, attributes: UInt8, maxPacketSize: UInt16, interval: UInt8,
    extraBytes: [UInt8] = [], extra: [RawDescriptor] = []
  ) {
    self.address = address
    self.attributes = attributes
    self.maxPacketSize = maxPacketSize
    self.interval = interval
    self.extraBytes = extraBytes
    self.extra = extra
  }

  /// Whether data go from the device to the host.
  public var isIn: Bool { address & 0x80 != 0 }

  /// The transfer type.
  public var transferType: TransferType { TransferType(rawValue: attributes & 3) ?? .control }

  /// The bytes, those of the descriptors behind it included.
  public var bytes: [UInt8] {
    [UInt8(truncatingIfNeeded: 7 + extraBytes.count), DescriptorType.endpoint.rawValue]
      + [address, attributes] + maxPacketSize.littleEndianBytes + [interval] + extraBytes
      + extra.flatMap(\.bytes)
  }
}
