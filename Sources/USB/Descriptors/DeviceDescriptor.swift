/// The device descriptor, 18 bytes (USB 2.0, table 9-8).
public struct DeviceDescriptor: Hashable, Sendable {
  /// `bcdUSB`: the specification that the device follows.
  public var usbVersion: BCDVersion
  /// `bDeviceClass`, `bDeviceSubClass`, `bDeviceProtocol`.
  public var deviceClass: ClassTriple
  /// `bMaxPacketSize0`: bytes of one packet of endpoint 0 (an exponent on SuperSpeed).
  public var maxPacketSize0: UInt8
  /// `idVendor`.
  public var vendor: VendorID
  /// `idProduct`.
  public var product: ProductID
  /// `bcdDevice`: the device's own version.
  public var deviceVersion: BCDVersion
  /// `iManufacturer`: a string index, 0 for none.
  public var manufacturerIndex: UInt8
  /// `iProduct`: a string index, 0 for none.
  public var productIndex: UInt8
  /// `iSerialNumber`: a string index, 0 for none.
  public var serialNumberIndex: UInt8
  /// `bNumConfigurations`.
  public var configurationCount: UInt8

  /// The length of the descriptor in bytes.
  public static let length = 18

  /// A device descriptor from its fields.
  public init(
    usbVersion: BCDVersion = BCDVersion(0x0200), deviceClass: ClassTriple = .perInterface,
    maxPacketSize0: UInt8 = 64, vendor: VendorID, product: ProductID, deviceVersion: BCDVersion,
    manufacturerIndex: UInt8 = 0, productIndex: UInt8 = 0, serialNumberIndex: UInt8 = 0,
    configurationCount: UInt8 = 1
  ) {
    self.usbVersion = usbVersion
    self.deviceClass = deviceClass
    self.maxPacketSize0 = maxPacketSize0
    self.vendor = vendor
    self.product = product
    self.deviceVersion = deviceVersion
    self.manufacturerIndex = manufacturerIndex
    self.productIndex = productIndex
    self.serialNumberIndex = serialNumberIndex
    self.configurationCount = configurationCount
  }

  /// Reads a device descriptor; bytes beyond `bLength` are left alone.
  public init(parsing reader: inout ByteReader) throws(ParseError) {
    let start = reader.offset
    let length = try reader.readByte("bLength")
    guard length >= 18 else {
      throw ParseError(
        .invalid(value: "\(length)", rule: "a device descriptor has 18 bytes (USB 2.0, 9.6.1)"),
        field: "bLength", offset: start)
    }
    let type = try reader.readByte("bDescriptorType")
    guard type == DescriptorType.device.rawValue else {
      throw ParseError(
        .invalid(value: "0x\(hex(type))", rule: "a device descriptor has type 0x01"),
        field: "bDescriptorType", offset: start + 1)
    }
    usbVersion = BCDVersion(try reader.readUInt16("bcdUSB"))
    deviceClass = ClassTriple(
      try reader.readByte("bDeviceClass"), try reader.readByte("bDeviceSubClass"),
      try reader.readByte("bDeviceProtocol"))
    maxPacketSize0 = try reader.readByte("bMaxPacketSize0")
    vendor = VendorID(try reader.readUInt16("idVendor"))
    product = ProductID(try reader.readUInt16("idProduct"))
    deviceVersion = BCDVersion(try reader.readUInt16("bcdDevice"))
    manufacturerIndex = try reader.readByte("iManufacturer")
    productIndex = try reader.readByte("iProduct")
    serialNumberIndex = try reader.readByte("iSerialNumber")
    configurationCount = try reader.readByte("bNumConfigurations")
  }

  /// The 18 bytes as a device sends them.
  public var bytes: [UInt8] {
    [18, DescriptorType.device.rawValue] + usbVersion.rawValue.littleEndianBytes + [
      deviceClass.classCode, deviceClass.subclass, deviceClass.protocolCode, maxPacketSize0,
    ] + vendor.rawValue.littleEndianBytes + product.rawValue.littleEndianBytes
      + deviceVersion.rawValue.littleEndianBytes + [
        manufacturerIndex, productIndex, serialNumberIndex, configurationCount,
      ]
  }
}
