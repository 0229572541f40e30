public import USB

/// What Windows' hub driver calls a device when it looks for a driver: two lists, best first. They are compared
/// without regard to case.
public struct DeviceIDs: Hashable, Sendable {
  /// What names this product.
  public var hardware: [String]
  /// What names its class.
  public var compatible: [String]
  /// Whether usbccgp divides it into functions.
  public var isComposite: Bool

  /// The names of a device.
  ///
  /// - Parameters:
  ///   - device: its device descriptor.
  ///   - configurations: all of its configurations.
  ///   - microsoftCompatibleID: what it asks for with Microsoft OS descriptors: `WINUSB`; nil for nothing.
  ///   - hasVendorClasses: whether `USB\COMPAT_VID_…` is among them, as in Windows 11 from 22H2 on.
  public init(
    _ device: DeviceDescriptor, _ configurations: [ConfigurationDescriptor],
    microsoftCompatibleID: String? = nil, hasVendorClasses: Bool = true
  ) {
    let vendor = Self.digits(device.vendor.rawValue)
    let product = "USB\\VID_\(vendor)&PID_\(Self.digits(device.product.rawValue))"
    hardware = [product + "&REV_\(Self.digits(device.deviceVersion.rawValue))", product]
    let first = configurations.first
    let mayBeComposite =
      device.deviceClass.classCode == 0 || device.deviceClass == ClassTriple(0xEF, 0x02, 0x01)
    isComposite =
      mayBeComposite && device.configurationCount == 1 && (first?.interfaceCount ?? 0) > 1
    compatible = microsoftCompatibleID.map { ["USB\\MS_COMP_\($0)"] } ?? []
    if isComposite {
      if hasVendorClasses {
        // The missing underscore of the first is Windows' own.
        let prefix = "USB\\COMPAT_VID_\(vendor)&DevClass_00"
        compatible += [prefix + "&SubClass_00&Prot00", prefix + "&SubClass_00", prefix]
      }
      let prefix = "USB\\DevClass_00"
      compatible += [
        prefix + "&SubClass_00&Prot_00", prefix + "&SubClass_00", prefix, "USB\\COMPOSITE",
      ]
    } else {
      let triple =
        device.deviceClass.classCode != 0
        ? device.deviceClass : first?.interfaces.first?.interfaceClass ?? device.deviceClass
      let prefixes = (hasVendorClasses ? ["USB\\COMPAT_VID_\(vendor)&"] : []) + ["USB\\"]
      for prefix in prefixes {
        let name = prefix + "Class_\(Self.digits(triple.classCode))"
        let subclass = name + "&SubClass_\(Self.digits(triple.subclass))"
        compatible += [subclass + "&Prot_\(Self.digits(triple.protocolCode))", subclass, name]
      }
    }
  }

  private static func digits<Number: FixedWidthInteger & UnsignedInteger>(
    _ number: Number
  ) -> String {
    hex(number).uppercased()
  }
}
