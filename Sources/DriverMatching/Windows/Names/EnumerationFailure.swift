/// Why the hub driver reports a device that it could not ask for its descriptors; Device Manager shows it with
/// Code 43 (Microsoft Learn, "USB Device Descriptor Failure" and its neighbours).
public enum EnumerationFailure: Int, Codable, Hashable, Sendable, CaseIterable {
  /// For no reason that it tells.
  case unknown
  /// The port could not be reset.
  case reset
  /// The device descriptor could not be read.
  case deviceDescriptor
  /// The configuration descriptor is not valid.
  case configurationValidation
  /// The address was not taken.
  case setAddress
  /// The device descriptor is not valid.
  case deviceValidation
  /// The configuration descriptor could not be read.
  case configurationDescriptor
  /// The link of a USB 3 port is inactive.
  case linkInactive
  /// The link of a USB 3 port is in compliance mode.
  case linkCompliance

  /// The id in both of its lists.
  public var id: String {
    let name =
      switch self {
      case .unknown: "UNKNOWN"
      case .reset: "RESET_FAILURE"
      case .deviceDescriptor: "DEVICE_DESCRIPTOR_FAILURE"
      case .configurationValidation: "CONFIGURATION_DESCRIPTOR_VALIDATION_FAILURE"
      case .setAddress: "SET_ADDRESS_FAILURE"
      case .deviceValidation: "DEVICE_DESCRIPTOR_VALIDATION_FAILURE"
      case .configurationDescriptor: "CONFIG_DESCRIPTOR_FAILURE"
      case .linkInactive: "PORT_LINK_SSINACTIVE"
      case .linkCompliance: "PORT_LINK_COMPLIANCE_MODE"
      }
    return "USB\\" + name
  }

  /// What it is called instead of its vendor and product: `USB\VID_0000&PID_0002`.
  public var deviceID: String { "USB\\VID_0000&PID_000\(rawValue)" }

  /// The failure that names stand for, without regard to case: its id in one of the lists, or what it is called
  /// instead of vendor and product; nil for those of a device that was enumerated.
  public init?(naming ids: DeviceIDs) {
    let names = Set((ids.hardware + ids.compatible).map { $0.uppercased() })
    // A device that was enumerated has a revision, also one that says 0000:0002 itself.
    let known = ids.hardware.lazy.compactMap { HardwareID($0) }
    let products =
      known.contains { $0.revision != nil || $0.interface != nil } ? [] : Set(known.map(\.bare))
    guard
      let failure = Self.allCases.first(where: {
        names.contains($0.id) || products.contains($0.deviceID)
      })
    else { return nil }
    self = failure
  }

  /// What Device Manager shows.
  public var name: String {
    let reason: String? =
      switch self {
      case .unknown: nil
      case .reset: "Port Reset Failed"
      case .deviceDescriptor: "Device Descriptor Request Failed"
      case .configurationValidation: "Invalid Configuration Descriptor"
      case .setAddress: "Set Address Failed"
      case .deviceValidation: "Invalid Device Descriptor"
      case .configurationDescriptor: "Configuration Descriptor Request Failed"
      case .linkInactive: "Link in SS.Inactive"
      case .linkCompliance: "Link in Compliance Mode"
      }
    return "Unknown USB Device" + (reason.map { " (\($0))" } ?? "")
  }

  /// How well the ids are known; the texts of Device Manager are common knowledge in part.
  public var evidence: Evidence {
    Evidence("Microsoft Learn, Standard USB Identifiers; logs of usb.inf", .documented)
  }
}
