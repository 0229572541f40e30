public import USB

/// What Windows calls a device when it looks for a driver: two lists, best first. They are compared without regard
/// to case.
public struct DeviceIDs: Codable, Hashable, Sendable {
  /// What names this product.
  public var hardware: [String]
  /// What names its class.
  public var compatible: [String]
  /// Whether usbccgp divides it into functions.
  public var isComposite: Bool

  /// Names that are known from elsewhere: a registry, a log, a command line.
  public init(hardware: [String], compatible: [String] = [], isComposite: Bool = false) {
    self.hardware = hardware
    self.compatible = compatible
    self.isComposite = isComposite
  }

  /// The names of a device, as the hub driver gives them (Microsoft Learn, "Standard USB Identifiers").
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
    self.init(
      device, configurations,
      microsoft: microsoftCompatibleID.map { MicrosoftIDs.Entry(compatible: $0) },
      isForcedComposite: false, hasVendorClasses: hasVendorClasses)
  }

  init(
    _ device: DeviceDescriptor, _ configurations: [ConfigurationDescriptor],
    microsoft: MicrosoftIDs.Entry?, isForcedComposite: Bool, hasVendorClasses: Bool
  ) {
    let first = configurations.first
    isComposite =
      isForcedComposite || CompositeRule.all.allSatisfy { $0.holds(device, first) }
    hardware = Self.products(device, "")
    compatible = microsoft?.ids ?? []
    if isComposite {
      if hasVendorClasses {
        // The missing underscore of the first is Windows' own.
        let prefix = "USB\\COMPAT_VID_\(Self.digits(device.vendor.rawValue))&DevClass_00"
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
      compatible += Self.classes(triple, hasVendorClasses ? device.vendor : nil)
    }
  }

  /// The names of a function of a composite device, as usbccgp gives them: the class in lower-case digits.
  init(
    _ group: InterfaceGroup, of device: DeviceDescriptor, microsoft: MicrosoftIDs.Entry?,
    hasVendorClasses: Bool
  ) {
    isComposite = false
    compatible = microsoft?.ids ?? []
    let vendor = hasVendorClasses ? device.vendor : nil
    guard let name = group.communications else {
      hardware = Self.products(device, "&MI_" + Self.digits(group.number))
      compatible += Self.classes(group.triple, vendor, isLower: true)
      return
    }
    // Microsoft Learn, "CDC and WMCDC Control Models". Of CAPI it lists the first two only; the others are taken to
    // be left out by mistake.
    let product = "USB\\Vid_\(hex(device.vendor.rawValue))&Pid_\(hex(device.product.rawValue))"
    let function = "&MI_" + hex(group.number)
    hardware = [product + "&Rev_\(hex(device.deviceVersion.rawValue))", product].flatMap {
      ["\($0)&\(name)\(function)", "\($0)&\(name)"]
    }
    let base = "USB\\Class_02"
    switch name {
    case "Cdc_Modem":
      let modem = base + "&SubClass_Modem"
      compatible += [modem + "&Prot_" + Self.digits(group.triple.protocolCode), modem, base]
    case "WPD_OBEX": compatible += [base + "&WPD_OBEX", base]
    default: compatible += Self.classes(group.triple, vendor)
    }
  }

  /// The names of a device whose enumeration has failed: one, in both lists.
  public init(_ failure: EnumerationFailure) {
    self.init(hardware: [failure.id], compatible: [failure.id])
  }

  /// The names of a root hub; its vendor, product and revision are those of the controller, a PCI device.
  ///
  /// - Parameters:
  ///   - name: `ROOT_HUB30`, `ROOT_HUB20` or `ROOT_HUB`.
  ///   - vendor: the controller's vendor.
  ///   - product: the controller's device id.
  ///   - revision: the controller's revision.
  public init(rootHub name: String, vendor: UInt16, product: UInt16, revision: UInt16) {
    let root = "USB\\" + name
    let controller = root + "&VID\(Self.digits(vendor))&PID\(Self.digits(product))"
    self.init(hardware: [controller + "&REV\(Self.digits(revision))", controller, root])
  }

  /// The names of an external hub: on the stack of USB 3 it has one compatible id of its own, on the older one it
  /// is known by its class.
  ///
  /// - Parameters:
  ///   - hub: its device descriptor.
  ///   - configurations: its configurations.
  ///   - windows: the Windows; the stack of USB 3 came with Windows 8.
  public init(
    hub: DeviceDescriptor, _ configurations: [ConfigurationDescriptor], on windows: WindowsProfile
  ) {
    self.init(hub, configurations, hasVendorClasses: windows.hasVendorClasses)
    if windows.isAtLeast(6, 2) {
      compatible = [hub.usbVersion >= BCDVersion(0x0300) ? "USB\\USB30_HUB" : "USB\\USB20_HUB"]
    }
  }

  private static func products(_ device: DeviceDescriptor, _ suffix: String) -> [String] {
    let product =
      "USB\\VID_\(digits(device.vendor.rawValue))&PID_\(digits(device.product.rawValue))"
    return [product + "&REV_\(digits(device.deviceVersion.rawValue))" + suffix, product + suffix]
  }

  private static func classes(
    _ triple: ClassTriple, _ vendor: VendorID?, isLower: Bool = false
  ) -> [String] {
    let digits = { (number: UInt8) in isLower ? hex(number) : Self.digits(number) }
    let vendorDigits = vendor.map {
      isLower ? hex($0.rawValue) : Self.digits($0.rawValue)
    }
    let prefixes = (vendorDigits.map { ["USB\\COMPAT_VID_\($0)&"] } ?? []) + ["USB\\"]
    return prefixes.flatMap { prefix in
      let name = prefix + "Class_\(digits(triple.classCode))"
      let subclass = name + "&SubClass_\(digits(triple.subclass))"
      return [subclass + "&Prot_\(digits(triple.protocolCode))", subclass, name]
    }
  }

  private static func digits<Number: FixedWidthInteger & UnsignedInteger>(
    _ number: Number
  ) -> String {
    hex(number).uppercased()
  }
}

/// The three conditions under which the hub driver calls a device composite (Microsoft Learn, "Enumeration of USB
/// Composite Devices").
enum CompositeRule: String, CaseIterable {
  case deviceClass = "composite-device-class"
  case interfaces = "composite-interfaces"
  case configurations = "composite-configurations"

  static var all: [CompositeRule] { allCases }

  func holds(_ device: DeviceDescriptor, _ first: ConfigurationDescriptor?) -> Bool {
    switch self {
    case .deviceClass:
      device.deviceClass.classCode == 0 || device.deviceClass == ClassTriple(0xEF, 0x02, 0x01)
    case .interfaces: (first?.interfaceCount ?? 0) > 1
    case .configurations: device.configurationCount == 1
    }
  }

  func step(_ device: DeviceDescriptor, _ first: ConfigurationDescriptor?) -> DriverDecision.Step {
    let verdict = holds(device, first) ? "so it may be composite" : "so it is not composite"
    let sentence =
      switch self {
      case .deviceClass:
        "The device class is \(device.deviceClass) (00, or ef/02/01, is asked for), \(verdict)."
      case .interfaces:
        "The first configuration has \(countText(Int(first?.interfaceCount ?? 0), "interface")) "
          + "(more than one is asked for; alternate settings do not count), \(verdict)."
      case .configurations:
        "It has \(countText(Int(device.configurationCount), "configuration")) "
          + "(exactly one is asked for), \(verdict)."
      }
    return DriverDecision.Step(
      rawValue, sentence,
      Evidence("Microsoft Learn, Enumeration of USB Composite Devices", .documented))
  }
}

/// `1 interface`, `2 interfaces`.
func countText(_ count: Int, _ noun: String) -> String {
  "\(count) \(noun)\(count == 1 ? "" : "s")"
}
