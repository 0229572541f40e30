/// What a high-speed device would be at the other speed, 10 bytes (USB 2.0, table 9-9).
public struct DeviceQualifierDescriptor: Hashable, Sendable {
  /// `bcdUSB`.
  public var usbVersion: BCDVersion
  /// `bDeviceClass`, `bDeviceSubClass`, `bDeviceProtocol`.
  public var deviceClass: ClassTriple
  /// `bMaxPacketSize0`.
  public var maxPacketSize0: UInt8
  /// `bNumConfigurations`.
  public var configurationCount: UInt8
  /// `bReserved`: 0.
  public var reserved: UInt8

  /// The length of the descriptor in bytes.
  public static let length = 10

  /// A device qualifier from its fields.
  public init(
    usbVersion: BCDVersion = BCDVersion(0x0200), deviceClass: ClassTriple = .perInterface,
    maxPacketSize0: UInt8 = 64, configurationCount: UInt8 = 1
  ) {
    self.usbVersion = usbVersion
    self.deviceClass = deviceClass
    self.maxPacketSize0 = maxPacketSize0
    self.configurationCount = configurationCount
    reserved = 0
  }

  /// Reads a device qualifier; bytes beyond the tenth are left alone.
  public init(parsing reader: inout ByteReader) throws(ParseError) {
    let start = reader.offset
    let length = try reader.readByte("bLength")
    guard length >= 10 else {
      throw ParseError(
        .invalid(value: "\(length)", rule: "a device qualifier has 10 bytes (USB 2.0, 9.6.2)"),
        field: "bLength", offset: start)
    }
    let type = try reader.readByte("bDescriptorType")
    guard type == DescriptorType.deviceQualifier.rawValue else {
      throw ParseError(
        .invalid(value: "0x\(hex(type))", rule: "a device qualifier has type 0x06"),
        field: "bDescriptorType", offset: start + 1)
    }
    usbVersion = BCDVersion(try reader.readUInt16("bcdUSB"))
    deviceClass = ClassTriple(
      try reader.readByte("bDeviceClass"), try reader.readByte("bDeviceSubClass"),
      try reader.readByte("bDeviceProtocol"))
    maxPacketSize0 = try reader.readByte("bMaxPacketSize0")
    configurationCount = try reader.readByte("bNumConfigurations")
    reserved = try reader.readByte("bReserved")
  }

  /// The 10 bytes as a device sends them.
  public var bytes: [UInt8] {
    [10, DescriptorType.deviceQualifier.rawValue] + usbVersion.rawValue.littleEndianBytes + [
      deviceClass.classCode, deviceClass.subclass, deviceClass.protocolCode, maxPacketSize0,
      configurationCount, reserved,
    ]
  }
}
