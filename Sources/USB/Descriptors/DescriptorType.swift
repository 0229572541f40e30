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
  /// OTHER_SPEED_CONFIGURATION.
  public static let otherSpeedConfiguration = DescriptorType(rawValue: 7)
  /// INTERFACE_POWER.
  public static let interfacePower = DescriptorType(rawValue: 8)
  /// OTG.
  public static let onTheGo = DescriptorType(rawValue: 9)
  /// DEBUG.
  public static let debug = DescriptorType(rawValue: 10)
  /// INTERFACE_ASSOCIATION.
  public static let interfaceAssociation = DescriptorType(rawValue: 11)
  /// BOS.
  public static let binaryObjectStore = DescriptorType(rawValue: 15)
  /// DEVICE_CAPABILITY, inside a BOS.
  public static let deviceCapability = DescriptorType(rawValue: 16)
  /// HUB (USB 2.0, 11.23.2.1).
  public static let hub = DescriptorType(rawValue: 0x29)
  /// SUPERSPEED_USB_ENDPOINT_COMPANION (USB 3.2, 9.6.7).
  public static let superSpeedEndpointCompanion = DescriptorType(rawValue: 0x30)
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

  /// Reads one descriptor, whatever its type: `bLength` bytes.
  public init(parsing reader: inout ByteReader) throws(ParseError) {
    offset = reader.offset
    let length = reader.peek() ?? 0
    guard length >= 2 || reader.isAtEnd else {
      throw ParseError(
        .invalid(value: "\(length)", rule: "a descriptor has at least 2 bytes"), field: "bLength",
        offset: reader.offset)
    }
    bytes = try reader.readBytes(max(2, Int(length)), "bLength")
  }

  /// `bDescriptorType`; nil for a descriptor of one byte.
  public var type: DescriptorType? {
    bytes.count > 1 ? DescriptorType(rawValue: bytes[1]) : nil
  }
}
