public import USB

/// A value in the registry that changes how Windows asks a USB device for its names (Microsoft Learn, "USB
/// Device-Specific Registry Settings").
public struct UsbFlag: Codable, Hashable, Sendable {
  /// The name of the value.
  public var name: String
  /// Its type.
  public var type: String
  /// What it says.
  public var meaning: String
  /// What changes for the device.
  public var effect: String
  /// How well it is known.
  public var evidence: Evidence

  /// Under which key the values of one device stand: its vendor, its product and bcdDevice.
  public static func key(of device: DeviceDescriptor) -> String {
    let digits = [device.vendor.rawValue, device.product.rawValue, device.deviceVersion.rawValue]
      .map { hex($0).uppercased() }.joined()
    return root + "\\" + digits
  }

  /// The key above those of the devices.
  public static let root = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\usbflags"

  private static let learn = Evidence(
    "Microsoft Learn, USB Device-Specific Registry Settings", .documented)

  /// All of them.
  public static let all: [UsbFlag] = [
    UsbFlag(
      name: "osvc", type: "REG_BINARY, 2 bytes",
      meaning:
        "00 00: it had no string 0xEE; 01 xx: it had, with vendor code xx; absent: not asked yet.",
      effect:
        "At 00 00 Windows never asks again, so that new firmware with Microsoft OS 1.0 descriptors stays "
        + "without compatible ids until the value is deleted or bcdDevice is another.",
      evidence: learn),
    UsbFlag(
      name: "IgnoreHWSerNum", type: "REG_BINARY",
      meaning: "Not 0: its serial number is ignored; also IgnoreHWSerNumVVVVPPPP in the key above.",
      effect: "Each port gives a device node of its own, for which a driver is chosen anew.",
      evidence: learn),
    UsbFlag(
      name: "ResetOnResume", type: "REG_BINARY or REG_DWORD",
      meaning: "Not 0: the device is reset when it resumes.",
      effect: "The driver stays the same; a bootloader loses its state.", evidence: learn),
    UsbFlag(
      name: "SkipContainerIdQuery", type: "REG_BINARY, 01 00 00 00",
      meaning: "The request for the container id is not sent.",
      effect: "Firmware that hangs on it is enumerated; the driver stays the same.",
      evidence: Evidence("logs of real machines", .seen)),
    UsbFlag(
      name: "SkipBOSDescriptorQuery", type: "REG_DWORD, 1", meaning: "The BOS is not asked for.",
      effect:
        "A device with an invalid BOS is enumerated instead of failing with Code 43; one that asks for "
        + "WinUSB with Microsoft OS 2.0 descriptors no longer gets it.", evidence: learn),
    UsbFlag(
      name: "MsOs20DescriptorSetInfo", type: "REG_BINARY",
      meaning: "What Windows remembers of Microsoft OS 2.0 descriptors.",
      effect: "How far it is used instead of asking is not known.",
      evidence: Evidence("a registry listing", .open)),
  ]
}

/// The values that are set for one device, as far as they change its names.
public struct UsbFlags: Codable, Hashable, Sendable {
  /// `osvc` is 00 00: string 0xEE is not asked for.
  public var isWithoutMicrosoftString = false
  /// `SkipBOSDescriptorQuery` is 1.
  public var skipsBinaryObjectStore = false
  /// `IgnoreHWSerNum` is not 0.
  public var ignoresSerialNumber = false
  /// What was typed or read, in that order; of one name the last.
  public private(set) var settings: [UsbFlagSetting] = []

  /// Nothing is set.
  public init() {}

  /// Settings as people type them, each as ``UsbFlagSetting/init(parsing:)`` reads it.
  public init(parsing texts: [String]) throws(UsbFlagError) {
    for text in texts { try add(text) }
  }

  /// Adds a setting as people type it.
  public mutating func add(_ text: String) throws(UsbFlagError) {
    add(try UsbFlagSetting(parsing: text))
  }

  /// Adds what was set elsewhere; it goes before what is there.
  public mutating func add(_ other: UsbFlags) {
    for setting in other.settings { add(setting) }
    isWithoutMicrosoftString = isWithoutMicrosoftString || other.isWithoutMicrosoftString
    skipsBinaryObjectStore = skipsBinaryObjectStore || other.skipsBinaryObjectStore
    ignoresSerialNumber = ignoresSerialNumber || other.ignoresSerialNumber
  }

  mutating func add(_ setting: UsbFlagSetting) {
    removeAll { $0.name == setting.name && $0.product == setting.product }
    settings.append(setting)
    if setting.product == nil { set(setting.name, isOn: setting.isOn) }
  }

  mutating func removeAll(where isGone: (UsbFlagSetting) -> Bool) {
    for setting in settings where isGone(setting) && setting.product == nil {
      set(setting.name, isOn: setting.name == "osvc")
    }
    settings.removeAll(where: isGone)
  }

  private mutating func set(_ name: String, isOn: Bool) {
    switch name {
    case "osvc": isWithoutMicrosoftString = !isOn
    case "SkipBOSDescriptorQuery": skipsBinaryObjectStore = isOn
    case "IgnoreHWSerNum": ignoresSerialNumber = isOn
    default: break
    }
  }

  /// The same where names of other products do not count, and those of this one do.
  func counting(for device: DeviceDescriptor) -> UsbFlags {
    var flags = self
    if settings.contains(where: { $0.product != nil && $0.isOn && $0.counts(for: device) }) {
      flags.ignoresSerialNumber = true
    }
    return flags
  }

  private static let evidence = Evidence(
    "Microsoft Learn, USB Device-Specific Registry Settings", .documented)

  /// What Windows still learns of Microsoft OS descriptors.
  ///
  /// - Parameter microsoft: what the device would answer.
  /// - Returns: what is left, and a step for each value that took something away.
  public func applied(
    to microsoft: [MicrosoftIDs]
  ) -> (left: [MicrosoftIDs], steps: [DriverDecision.Step]) {
    var steps: [DriverDecision.Step] = []
    let left = microsoft.filter { ids in
      let (isHidden, name) =
        ids.version == 2
        ? (skipsBinaryObjectStore, "SkipBOSDescriptorQuery") : (isWithoutMicrosoftString, "osvc")
      if isHidden {
        steps.append(
          DriverDecision.Step(
            "usbflags-" + name.lowercased(),
            "\(name) in the registry keeps Windows from asking for Microsoft OS \(ids.version).0 descriptors.",
            Self.evidence))
      }
      return !isHidden
    }
    return (left, steps)
  }

  /// What each setting comes to for a device: one that changes no names says so, and what it changes.
  ///
  /// - Parameters:
  ///   - device: the device.
  ///   - microsoft: what it would answer to requests for Microsoft OS descriptors.
  /// - Returns: a step for each setting, those of ``applied(to:)`` first.
  public func steps(
    of device: DeviceDescriptor, _ microsoft: [MicrosoftIDs]
  ) -> [DriverDecision.Step] {
    let hiding = applied(to: microsoft).steps
    let said = Set(hiding.map(\.rule))
    return hiding
      + settings.compactMap { setting in
        let rule = "usbflags-" + setting.name.lowercased()
        let flag = UsbFlag.all.first { $0.name == setting.name }
        guard let flag, !said.contains(rule) || setting.product != nil else { return nil }
        let place = setting.place.map { " (\($0))" } ?? ""
        return DriverDecision.Step(
          rule,
          "\(setting.fullName)\(place) is \(setting.shownData): "
            + Self.effect(of: setting, device), flag.evidence)
      }
  }

  /// What a setting does that hides nothing.
  private static func effect(of setting: UsbFlagSetting, _ device: DeviceDescriptor) -> String {
    guard setting.counts(for: device) else {
      return "it is for another product, and does not count."
    }
    switch setting.name {
    case "osvc":
      return setting.data.first == 1
        ? "Windows does not ask for string 0xEE again, and asks for Microsoft OS 1.0 descriptors with vendor code "
          + "0x\(hex(setting.data.last ?? 0)); firmware that has changed this code is asked with the old one."
        : "Windows does not ask for string 0xEE; what is known of the device has no Microsoft OS 1.0 descriptors, so "
          + "that nothing changes."
    case _ where !setting.isOn: return "that is as if it were not set."
    case "SkipBOSDescriptorQuery":
      return
        "Windows does not ask for the BOS; what is known of the device has no Microsoft OS 2.0 descriptors, so "
        + "that its names stay. One with an invalid BOS is enumerated instead of failing with Code 43."
    case "IgnoreHWSerNum":
      return
        "its serial number does not count: the driver is chosen by the same names, anew for each port."
    case "ResetOnResume":
      return
        "Windows resets the device when its port resumes; its names and its driver stay, and a bootloader loses "
        + "its state."
    case "SkipContainerIdQuery":
      return
        "Windows does not ask for the container id, so that firmware which hangs on that is enumerated; its "
        + "names and its driver stay."
    default:
      return
        "Windows remembers Microsoft OS 2.0 descriptors; how far it uses this instead of asking is not known, "
        + "and it is taken to ask."
    }
  }
}

/// By what Windows tells one device from another of the same product: the last part of its instance path.
public enum WindowsInstance: Codable, Hashable, Sendable {
  /// The serial number: the device keeps its driver on every port.
  case serialNumber(String)
  /// The port: on each port the driver is chosen anew.
  case port(reason: String)

  /// Decides it.
  ///
  /// - Parameters:
  ///   - serialNumber: the string; nil for none.
  ///   - flags: what the registry says of the device.
  public init(serialNumber: String?, flags: UsbFlags = UsbFlags()) {
    guard let serialNumber, !serialNumber.isEmpty else {
      self = .port(reason: "it has no serial number")
      return
    }
    guard !flags.ignoresSerialNumber else {
      self = .port(reason: "IgnoreHWSerNum in the registry keeps its serial number from counting")
      return
    }
    let wrong = serialNumber.unicodeScalars.first {
      !(0x20...0x7F).contains($0.value) || $0 == ","
    }
    if let wrong {
      let number = hex(wrong.value, digits: 4).uppercased()
      self = .port(
        reason: "its serial number has a character that Windows does not take, U+\(number)")
    } else {
      self = .serialNumber(serialNumber.uppercased())
    }
  }

  /// What it comes to, as a step of a trace.
  public var step: DriverDecision.Step {
    let evidence = Evidence("Microsoft Learn, USB FAQ, serial numbers", .documented)
    switch self {
    case .serialNumber(let text):
      return DriverDecision.Step(
        "instance-serial", "Windows knows it by its serial number \(text), on every port.", evidence
      )
    case .port(let reason):
      return DriverDecision.Step(
        "instance-port",
        "Windows knows it by its port, since \(reason): on another port the driver is chosen anew.",
        evidence)
    }
  }
}
