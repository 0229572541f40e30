internal import DFU
internal import USB
internal import VirtualUSB

/// Devices at work, with a DFU interface beside what they are for.
extension Profile {
  /// A device at work that detaches into the DFU mode of ``dfu11``. It leaves the factory with an
  /// application, and starts it whenever that is whole.
  public static let runtime: Profile = {
    var profile = Profile.dfu11
    profile.name = "runtime"
    profile.sentence =
      "A device at work with a DFU interface: it detaches into the plain DFU 1.1 of dfu11."
    profile.setFunctional { $0.attributes.insert(.willDetach) }
    profile.application = .standard(for: profile)
    profile.reportsMissingFirmware = true
    // A stack pointer and a reset vector, as most applications begin.
    profile.factoryContents = [
      FactoryContents(address: 0, bytes: [0x00, 0x80, 0x00, 0x20, 0x09, 0x00, 0x00, 0x00])
    ]
    return profile
  }()

  /// Changes the functional descriptor of DFU mode, in the description as well.
  mutating func setFunctional(_ change: (inout DFUFunctionalDescriptor) -> Void) {
    var changed = functional
    change(&changed)
    description.replace(functional, by: changed)
    functional = changed
  }

  // MARK: Options

  /// The profile with one of the options of run time changed; nil for a value that it does not take.
  func setting(ofApplication option: ProfileOption, to value: String) -> Profile? {
    var profile = self
    if option == .application {
      guard let flag = Profile.flag(value) else { return nil }
      if !flag { profile.application = nil }
      if flag, application == nil { profile.application = .standard(for: self) }
      return profile
    }
    guard var application else { return nil }
    switch option {
    case .willDetach:
      guard let flag = Profile.flag(value) else { return nil }
      func set(_ functional: inout DFUFunctionalDescriptor) {
        functional.attributes.remove(.willDetach)
        if flag { functional.attributes.insert(.willDetach) }
      }
      profile.setFunctional(set)
      var functional = application.functional
      set(&functional)
      application.setFunctional(functional)
      application.detachesByItself = flag
    case .runtimeIDs:
      guard let ids = describedIDs(value) else { return nil }
      application.description.device.vendor = ids.vendor
      application.description.device.product = ids.product
    case .runtimeProtocol:
      guard let code = UInt8(value), code <= 2, value.count == 1 else { return nil }
      application.protocolCode = code
    case .runtimeStatus:
      guard value == "answers" || value == "stalls" else { return nil }
      application.answersStatus = value == "answers"
    case .detachTimeout:
      guard let timeout = Profile.milliseconds(value, limit: 0xFFFF) else { return nil }
      var functional = application.functional
      functional.detachTimeout = UInt16(timeout)
      application.setFunctional(functional)
    case .returnTime:
      if value == "never" {
        application.returnTime = nil
      } else {
        guard let time = Profile.milliseconds(value, limit: 600_000) else { return nil }
        application.returnTime = .milliseconds(time)
      }
    case .detour:
      guard let flag = Profile.flag(value) else { return nil }
      application.detour = flag ? .standard(for: self) : nil
    case .wayBack:
      guard let way = Application.WayBack(rawValue: value) else { return nil }
      application.wayBack = way
    default: return nil
    }
    profile.application = application
    return profile
  }

  static func flag(_ value: String) -> Bool? {
    switch value {
    case "yes": true
    case "no": false
    default: nil
    }
  }

  private static func milliseconds(_ value: String, limit: Int64) -> Int64? {
    guard let number = Int64(value), (0...limit).contains(number), value.first != "+" else {
      return nil
    }
    return number
  }
}

extension ProfileOption {
  /// Whether it is about run time, so that it needs an application.
  var isOfApplication: Bool {
    switch self {
    case .willDetach, .runtimeIDs, .runtimeProtocol, .runtimeStatus, .detachTimeout, .returnTime,
      .detour, .wayBack:
      true
    default: false
    }
  }
}

extension Application {
  /// A device with a vendor's interface of two bulk endpoints, and a DFU interface behind it.
  static func standard(for profile: Profile) -> Application {
    let functional = DFUFunctionalDescriptor(
      attributes: profile.functional.attributes, detachTimeout: 1000,
      transferSize: profile.functional.transferSize, version: profile.functional.version)
    var description = base(for: profile)
    description.strings[4] = "DFU Runtime"
    description.configurations = [
      ConfigurationDescriptor(
        attributes: 0x80, maxPower: 50,
        interfaces: [
          vendorInterface,
          InterfaceDescriptor(
            number: 1, interfaceClass: .dfuRuntime, nameIndex: 4,
            extra: [RawDescriptor(bytes: functional.bytes, offset: 0)]),
        ])
    ]
    return Application(description, functional: functional, interface: 1)
  }

  /// The same device without the DFU interface.
  fileprivate static func base(for profile: Profile) -> DeviceDescription {
    let device = profile.description.device
    var strings: [UInt8: String] = [2: "Device at work"]
    strings[1] = profile.description.strings[device.manufacturerIndex]
    strings[3] = profile.description.strings[device.serialNumberIndex]
    return DeviceDescription(
      device: DeviceDescriptor(
        vendor: VendorID(0xCAFE), product: ProductID(0x4001), deviceVersion: BCDVersion(0x0100),
        manufacturerIndex: 1, productIndex: 2, serialNumberIndex: 3),
      configurations: [
        ConfigurationDescriptor(attributes: 0x80, maxPower: 50, interfaces: [vendorInterface])
      ],
      strings: strings)
  }

  private static let vendorInterface = InterfaceDescriptor(
    number: 0, interfaceClass: ClassTriple(0xFF, 0, 0),
    endpoints: [
      EndpointDescriptor(address: 0x01, attributes: 2, maxPacketSize: 64, interval: 0),
      EndpointDescriptor(address: 0x81, attributes: 2, maxPacketSize: 64, interval: 0),
    ])
}

extension Application.Detour {
  /// Half a second as a device without a DFU interface.
  static func standard(for profile: Profile) -> Application.Detour {
    var description = Application.base(for: profile)
    description.device.product = ProductID(0x4002)
    return Application.Detour(description, lasting: .milliseconds(500))
  }
}
