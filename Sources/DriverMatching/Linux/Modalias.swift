public import USB

/// What Linux calls an interface when it looks for a driver:
/// `usb:v0483pDF11d2200dc00dsc00dp00icFEisc01ip02in00` (`drivers/usb/core/sysfs.c`, `modalias_show`).
///
/// Letters are lower case, digits upper case; matching is case-sensitive.
public struct Modalias: Hashable, Sendable, CustomStringConvertible {
  /// `idVendor`.
  public var vendor: VendorID
  /// `idProduct`.
  public var product: ProductID
  /// `bcdDevice`.
  public var deviceVersion: BCDVersion
  /// The class of the device.
  public var deviceClass: ClassTriple
  /// The class of the interface, in its current alternate setting.
  public var interfaceClass: ClassTriple
  /// `bInterfaceNumber`.
  public var interfaceNumber: UInt8

  /// The name of one interface.
  ///
  /// - Parameters:
  ///   - device: its device.
  ///   - interface: it, in its current alternate setting.
  public init(_ device: DeviceDescriptor, _ interface: InterfaceDescriptor) {
    vendor = device.vendor
    product = device.product
    deviceVersion = device.deviceVersion
    deviceClass = device.deviceClass
    interfaceClass = interface.interfaceClass
    interfaceNumber = interface.number
  }

  /// The name itself.
  public var description: String {
    func digits<Number: FixedWidthInteger & UnsignedInteger>(_ number: Number) -> String {
      hex(number).uppercased()
    }
    func triple(_ triple: ClassTriple, _ prefix: String) -> String {
      prefix + "c" + digits(triple.classCode) + prefix + "sc" + digits(triple.subclass) + prefix
        + "p"
        + digits(triple.protocolCode)
    }
    return
      "usb:v\(digits(vendor.rawValue))p\(digits(product.rawValue))d\(digits(deviceVersion.rawValue))"
      + triple(deviceClass, "d") + triple(interfaceClass, "i") + "in" + digits(interfaceNumber)
  }
}
