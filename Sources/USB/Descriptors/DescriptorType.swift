/// `bDescriptorType` (USB 2.0, table 9-5, and class specifications).
public struct DescriptorType: RawRepresentable, Hashable, Sendable {
  /// The number itself.
  public var rawValue: UInt8

  /// A value from its number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// DEVICE.
  public static let device = DescriptorType(rawValue: 1)
  /// CONFIGURATION.
  public static let configuration = DescriptorType(rawValue: 2)
  /// STRING.
  public static let string = DescriptorType(rawValue: 3)
  /// INTERFACE.
  public static let interface = DescriptorType(rawValue: 4)
  /// ENDPOINT.
  public static let endpoint = DescriptorType(rawValue: 5)
  /// DEVICE_QUALIFIER.
  public static let deviceQualifier = DescriptorType(rawValue: 6)
  /// INTERFACE_ASSOCIATION.
  public static let interfaceAssociation = DescriptorType(rawValue: 11)
  /// BOS.
  public static let binaryObjectStore = DescriptorType(rawValue: 15)
  /// DFU FUNCTIONAL inside an FE/01 interface (DFU 1.1, table 4.2); HID inside an HID interface.
  public static let dfuFunctional = DescriptorType(rawValue: 0x21)
}

/// One descriptor as it stands in the bytes: `bLength`, `bDescriptorType`, and what follows.
public struct RawDescriptor: Hashable, Sendable {
  /// All bytes, `bLength` and `bDescriptorType` among them.
  public var bytes: [UInt8]
  /// The offset of `bLength` in the document that it was read from.
  public var offset: Int

  /// A descriptor from its bytes.
  public init(bytes: [UInt8], offset: Int) {
    self.bytes = bytes
    self.offset = offset
  }

  /// `bDescriptorType`; nil for a descriptor of one byte.
  public var type: DescriptorType? {
    bytes.count > 1 ? DescriptorType(rawValue: bytes[1]) : nil
  }
}
