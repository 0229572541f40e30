public import USB

/// One entry of a driver's table: which devices or interfaces it drives (`struct usb_device_id`,
/// `include/linux/mod_devicetable.h`).
public struct USBDeviceID: Hashable, Sendable {
  /// Which fields count: `match_flags`.
  public struct Match: OptionSet, Hashable, Sendable {
    /// The bits.
    public var rawValue: UInt16
    /// A set from its bits.
    public init(rawValue: UInt16) { self.rawValue = rawValue }
    /// `idVendor` has to be equal.
    public static let vendor = Match(rawValue: 0x0001)
    /// `idProduct` has to be equal.
    public static let product = Match(rawValue: 0x0002)
    /// `bcdDevice` has to be at least `lowestVersion`.
    public static let versionLow = Match(rawValue: 0x0004)
    /// `bcdDevice` has to be at most `highestVersion`.
    public static let versionHigh = Match(rawValue: 0x0008)
    /// `bDeviceClass` has to be equal.
    public static let deviceClass = Match(rawValue: 0x0010)
    /// `bDeviceSubClass` has to be equal.
    public static let deviceSubclass = Match(rawValue: 0x0020)
    /// `bDeviceProtocol` has to be equal.
    public static let deviceProtocol = Match(rawValue: 0x0040)
    /// `bInterfaceClass` has to be equal.
    public static let interfaceClass = Match(rawValue: 0x0080)
    /// `bInterfaceSubClass` has to be equal.
    public static let interfaceSubclass = Match(rawValue: 0x0100)
    /// `bInterfaceProtocol` has to be equal.
    public static let interfaceProtocol = Match(rawValue: 0x0200)
    /// `bInterfaceNumber` has to be equal.
    public static let interfaceNumber = Match(rawValue: 0x0400)
    /// The three bits about an interface's class.
    public static let interfaceInfo: Match = [
      .interfaceClass, .interfaceSubclass, .interfaceProtocol,
    ]
    /// The three bits about the device's class.
    public static let deviceInfo: Match = [.deviceClass, .deviceSubclass, .deviceProtocol]
    /// Vendor and product.
    public static let device: Match = [.vendor, .product]
    /// Both ends of the range of `bcdDevice`.
    public static let version: Match = [.versionLow, .versionHigh]
  }

  /// Which fields count.
  public var match: Match
  /// `idVendor`.
  public var vendor: VendorID
  /// `idProduct`.
  public var product: ProductID
  /// `bcdDevice_lo`, compared as a number.
  public var lowestVersion: UInt16
  /// `bcdDevice_hi`, compared as a number.
  public var highestVersion: UInt16
  /// Class, subclass and protocol of the device.
  public var deviceClass: ClassTriple
  /// Class, subclass and protocol of the interface.
  public var interfaceClass: ClassTriple
  /// `bInterfaceNumber`.
  public var interfaceNumber: UInt8
  /// `driver_info`: what the entry means to its driver.
  public var driverInfo: UInt64

  /// An entry from its fields.
  public init(
    match: Match, vendor: VendorID = VendorID(0), product: ProductID = ProductID(0),
    lowestVersion: UInt16 = 0, highestVersion: UInt16 = 0, deviceClass: ClassTriple = .perInterface,
    interfaceClass: ClassTriple = .perInterface, interfaceNumber: UInt8 = 0, driverInfo: UInt64 = 0
  ) {
    self.match = match
    self.vendor = vendor
    self.product = product
    self.lowestVersion = lowestVersion
    self.highestVersion = highestVersion
    self.deviceClass = deviceClass
    self.interfaceClass = interfaceClass
    self.interfaceNumber = interfaceNumber
    self.driverInfo = driverInfo
  }
}

extension USBDeviceID {
  /// `USB_DEVICE`.
  public static func device(_ vendor: VendorID, _ product: ProductID) -> Self {
    Self(match: .device, vendor: vendor, product: product)
  }

  /// `USB_DEVICE_VER`.
  public static func device(
    _ vendor: VendorID, _ product: ProductID, versions: ClosedRange<UInt16>
  ) -> Self {
    Self(
      match: [.device, .version], vendor: vendor, product: product,
      lowestVersion: versions.lowerBound, highestVersion: versions.upperBound)
  }

  /// `USB_DEVICE_INFO`.
  public static func deviceInfo(_ triple: ClassTriple) -> Self {
    Self(match: .deviceInfo, deviceClass: triple)
  }

  /// `USB_INTERFACE_INFO`.
  public static func interfaceInfo(_ triple: ClassTriple) -> Self {
    Self(match: .interfaceInfo, interfaceClass: triple)
  }

  /// `USB_DEVICE_AND_INTERFACE_INFO`.
  public static func device(
    _ vendor: VendorID, _ product: ProductID, interface triple: ClassTriple
  ) -> Self {
    Self(
      match: [.device, .interfaceInfo], vendor: vendor, product: product, interfaceClass: triple)
  }

  /// `USB_VENDOR_AND_INTERFACE_INFO`.
  public static func vendor(_ vendor: VendorID, interface triple: ClassTriple) -> Self {
    Self(match: [.vendor, .interfaceInfo], vendor: vendor, interfaceClass: triple)
  }

  /// `USB_DEVICE_INTERFACE_CLASS`.
  public static func device(
    _ vendor: VendorID, _ product: ProductID, interfaceClass: UInt8
  ) -> Self {
    Self(
      match: [.device, .interfaceClass], vendor: vendor, product: product,
      interfaceClass: ClassTriple(interfaceClass, 0, 0))
  }

  /// `USB_DEVICE_INTERFACE_PROTOCOL`.
  public static func device(
    _ vendor: VendorID, _ product: ProductID, interfaceProtocol: UInt8
  ) -> Self {
    Self(
      match: [.device, .interfaceProtocol], vendor: vendor, product: product,
      interfaceClass: ClassTriple(0, 0, interfaceProtocol))
  }

  /// `USB_DEVICE_INTERFACE_NUMBER`.
  public static func device(
    _ vendor: VendorID, _ product: ProductID, interfaceNumber: UInt8
  ) -> Self {
    Self(
      match: [.device, .interfaceNumber], vendor: vendor, product: product,
      interfaceNumber: interfaceNumber)
  }

  /// Whether a table ends here: vendor, product, both classes and `driver_info` are 0
  /// (`drivers/usb/core/driver.c`, `usb_match_id`).
  public var endsTable: Bool {
    vendor.rawValue == 0 && product.rawValue == 0 && deviceClass.classCode == 0
      && interfaceClass.classCode == 0 && driverInfo == 0
  }

  /// Why an entry does not match.
  public enum Mismatch: Hashable, Sendable {
    /// A flagged field differs.
    case field(String)
    /// The device's class is FF, and the entry goes by the interface without naming a vendor.
    case vendorClassRule
  }

  /// Why it does not match an interface; nil where it does.
  ///
  /// `name` has the interface's current alternate setting, which is setting 0 when drivers are probed.
  public func mismatch(_ name: Modalias) -> Mismatch? {
    deviceMismatch(name) ?? interfaceMismatch(name)
  }

  /// The first entry of a table that matches; none behind the end of the table.
  public static func first(
    in table: some Sequence<USBDeviceID>, matching name: Modalias
  ) -> USBDeviceID? {
    for entry in table {
      if entry.endsTable { return nil }
      if entry.mismatch(name) == nil { return entry }
    }
    return nil
  }

  /// Why it does not match a device (`usb_match_device`); nil where it does.
  public func deviceMismatch(_ name: Modalias) -> Mismatch? {
    let version = name.deviceVersion.rawValue
    let fields: [(Match, Bool, String)] = [
      (.vendor, vendor == name.vendor, "idVendor"),
      (.product, product == name.product, "idProduct"),
      (.versionLow, lowestVersion <= version, "bcdDevice"),
      (.versionHigh, version <= highestVersion, "bcdDevice"),
      (.deviceClass, deviceClass.classCode == name.deviceClass.classCode, "bDeviceClass"),
      (.deviceSubclass, deviceClass.subclass == name.deviceClass.subclass, "bDeviceSubClass"),
      (
        .deviceProtocol, deviceClass.protocolCode == name.deviceClass.protocolCode,
        "bDeviceProtocol"
      ),
    ]
    return Self.first(of: fields, where: match)
  }

  private func interfaceMismatch(_ name: Modalias) -> Mismatch? {
    if name.deviceClass.classCode == 0xFF, !match.contains(.vendor),
      !match.isDisjoint(with: [.interfaceInfo, .interfaceNumber])
    {
      return .vendorClassRule
    }
    let own = interfaceClass
    let other = name.interfaceClass
    let fields: [(Match, Bool, String)] = [
      (.interfaceClass, own.classCode == other.classCode, "bInterfaceClass"),
      (.interfaceSubclass, own.subclass == other.subclass, "bInterfaceSubClass"),
      (.interfaceProtocol, own.protocolCode == other.protocolCode, "bInterfaceProtocol"),
      (.interfaceNumber, interfaceNumber == name.interfaceNumber, "bInterfaceNumber"),
    ]
    return Self.first(of: fields, where: match)
  }

  private static func first(of fields: [(Match, Bool, String)], where match: Match) -> Mismatch? {
    for (flag, isEqual, name) in fields where match.contains(flag) && !isEqual {
      return .field(name)
    }
    return nil
  }
}
