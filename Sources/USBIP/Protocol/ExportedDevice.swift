public import USB

/// The record of a device in a list or in the answer to an import: 312 bytes, and in a list 4 more for
/// each interface (`struct usbip_usb_device`, Linux `tools/usb/usbip/libsrc/usbip_common.h`).
public struct ExportedDevice: Hashable, Sendable {
  /// Where the server has it, for people: `/sys/devices/…` on Linux, free text elsewhere; up to 255 bytes.
  public var path: String
  /// The name to import it by.
  public var busID: BusID
  /// `busnum`: the bus on the server.
  public var bus: UInt32
  /// `devnum`: the address on that bus.
  public var device: UInt32
  /// `speed`, as Linux numbers it.
  public var speed: LinkSpeed
  /// `idVendor`.
  public var vendor: VendorID
  /// `idProduct`.
  public var product: ProductID
  /// `bcdDevice`.
  public var version: BCDVersion
  /// `bDeviceClass`, `bDeviceSubClass`, `bDeviceProtocol`.
  public var deviceClass: ClassTriple
  /// `bConfigurationValue` of the active configuration; 0 while not configured.
  public var configurationValue: UInt8
  /// `bNumConfigurations`.
  public var configurationCount: UInt8
  /// Class, subclass and protocol of each interface of the active configuration, in setting 0. The answer to
  /// an import tells only how many there are; they are `perInterface` there.
  public var interfaces: [ClassTriple]

  /// How many bytes a record has without its interfaces.
  static let length = 312

  /// `enum usb_device_speed` of Linux.
  public struct LinkSpeed: RawRepresentable, Hashable, Sendable {
    /// The number itself.
    public var rawValue: UInt32

    /// A value from its number.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The number of a speed.
    public init(_ speed: USBSpeed) {
      rawValue =
        switch speed {
        case .low: 1
        case .full: 2
        case .high: 3
        case .superSpeed: 5
        case .superSpeedPlus: 6
        }
    }

    /// The speed; nil for 0, unknown, and for numbers that USB has no speed for.
    public var speed: USBSpeed? {
      switch rawValue {
      case 1: .low
      case 2: .full
      // Wireless USB is as fast as high speed, and gone.
      case 3, 4: .high
      case 5: .superSpeed
      case 6: .superSpeedPlus
      default: nil
      }
    }
  }

  /// A record from its fields.
  public init(
    path: String, busID: BusID, bus: UInt32, device: UInt32, speed: LinkSpeed, vendor: VendorID,
    product: ProductID, version: BCDVersion, deviceClass: ClassTriple, configurationValue: UInt8,
    configurationCount: UInt8, interfaces: [ClassTriple]
  ) {
    self.path = path
    self.busID = busID
    self.bus = bus
    self.device = device
    self.speed = speed
    self.vendor = vendor
    self.product = product
    self.version = version
    self.deviceClass = deviceClass
    self.configurationValue = configurationValue
    self.configurationCount = configurationCount
    self.interfaces = interfaces
  }

  /// `devid` of its transfers: bus and device in one number.
  public var devid: UInt32 { bus << 16 | device & 0xFFFF }

  /// Reads the 312 bytes; the interfaces are `perInterface`, as many as there are.
  init(parsing reader: inout ByteReader) throws(ParseError) {
    let path = try reader.readBytes(256, "path")
    self.path = String(decoding: path.prefix { $0 != 0 }, as: UTF8.self)
    let start = reader.offset
    guard let busID = BusID(field: try reader.readBytes(BusID.fieldLength, "busid")) else {
      throw ParseError(
        .invalid(value: "no name", rule: "it is 1 to 31 printable characters and a NUL"),
        field: "busid", offset: start)
    }
    self.busID = busID
    bus = try reader.readBigUInt32("busnum")
    device = try reader.readBigUInt32("devnum")
    speed = LinkSpeed(rawValue: try reader.readBigUInt32("speed"))
    vendor = VendorID(try reader.readBigUInt16("idVendor"))
    product = ProductID(try reader.readBigUInt16("idProduct"))
    version = BCDVersion(try reader.readBigUInt16("bcdDevice"))
    deviceClass = ClassTriple(
      try reader.readByte("bDeviceClass"), try reader.readByte("bDeviceSubClass"),
      try reader.readByte("bDeviceProtocol"))
    configurationValue = try reader.readByte("bConfigurationValue")
    configurationCount = try reader.readByte("bNumConfigurations")
    let count = try reader.readByte("bNumInterfaces")
    interfaces = Array(repeating: .perInterface, count: Int(count))
  }

  /// The 312 bytes, and 4 for each interface where they are asked for.
  func bytes(withInterfaces: Bool) -> [UInt8] {
    var out = BigEndianBytes(reserving: ExportedDevice.length + 4 * interfaces.count)
    out.append(BigEndianBytes.padded(path, to: 256))
    out.append(busID.field)
    for number in [bus, device, speed.rawValue] { out.append(number) }
    for number in [vendor.rawValue, product.rawValue, version.rawValue] { out.append(number) }
    // The count is a byte; a device with more interfaces does not exist (USB 2.0, 9.6.3).
    let listed = interfaces.prefix(255)
    out.append([
      deviceClass.classCode, deviceClass.subclass, deviceClass.protocolCode, configurationValue,
      configurationCount, UInt8(listed.count),
    ])
    guard withInterfaces else { return out.bytes }
    for triple in listed {
      out.append([triple.classCode, triple.subclass, triple.protocolCode, 0])
    }
    return out.bytes
  }
}
