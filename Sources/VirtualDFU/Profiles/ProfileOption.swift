internal import DFU
public import USB
internal import VirtualUSB

/// What can be changed about a profile by name, as in `virtual:stm32f407?leave=b`.
public enum ProfileOption: String, Hashable, Sendable, CaseIterable {
  /// `a`, `b`, `c` or `d`: how it disappears after a download (``LeaveVariant``).
  case leave
  /// Numbers of sectors of the first memory, joined by `+` or commas; `none`.
  case writeProtected = "write-protected"
  /// `yes` or `no`: read-out protection of level 1.
  case readProtected = "read-protected"
  /// `VVVV:PPPP`: vendor and product id.
  case ids = "id"
  /// The serial number.
  case serial
  /// `exact`, `zero`, or a number of milliseconds: what bwPollTimeout says.
  case poll
  /// `answers`, `holds`, `stalls` or `fails`: GETSTATUS while it works (``BusyBehaviour``).
  case busy
  /// `idle` or `error`: how it begins when there is no application (dfuERROR, errFIRMWARE).
  case blank
  /// `yes` or `no`: bitManifestationTolerant (plain DFU).
  case tolerant

  /// What values it takes, for an error and for help.
  public var values: String {
    switch self {
    case .leave: "a, b, c or d"
    case .writeProtected:
      "numbers of sectors from 0, joined by +, that its option bytes can protect, or none"
    case .readProtected, .tolerant: "yes or no"
    case .ids: "VVVV:PPPP in hexadecimal digits"
    case .blank: "idle or error"
    case .serial: "up to 126 characters"
    case .poll: "exact, zero or milliseconds up to 16777215"
    case .busy: "answers, holds, stalls or fails"
    }
  }
}

/// A value that an option of a profile does not take.
public struct ProfileOptionError: ExplainedError, Hashable {
  /// The option, as it was written.
  public var option: String
  /// The value.
  public var value: String
  /// What happened.
  public var sentence: String
  /// What to do next.
  public var help: String?

  /// The kind of error.
  public var slug: String { "profile-option" }
}

extension Profile {
  /// The profile with one option changed.
  ///
  /// - Parameters:
  ///   - option: the option's name.
  ///   - value: its value; see ``ProfileOption/values``.
  /// - Returns: a profile of the same name.
  /// - Throws: ``ProfileOptionError`` for an option that there is not or a value that it cannot have.
  public func setting(
    _ option: String, to value: String
  ) throws(ProfileOptionError) -> Profile {
    guard let known = ProfileOption(rawValue: option) else {
      let names = ProfileOption.allCases.map(\.rawValue).joined(separator: ", ")
      throw ProfileOptionError(
        option: option, value: value, sentence: "A virtual device has no option \"\(option)\".",
        help: "There are \(names).")
    }
    guard let changed = setting(known, to: value) else {
      throw ProfileOptionError(
        option: option, value: value,
        sentence: "The option \(option) of \(name) cannot be \"\(value)\".",
        help: "It takes \(known.values).")
    }
    return changed
  }

  private func setting(_ option: ProfileOption, to value: String) -> Profile? {
    var profile = self
    switch option {
    case .leave:
      guard let variant = LeaveVariant(rawValue: value) else { return nil }
      profile.leave = variant
    case .writeProtected:
      guard let sectors = sectors(value) else { return nil }
      profile.writeProtectedSectors = sectors
      // Its option bytes must be able to say so.
      guard VirtualBootloader(profile).writeProtectedSectors == sectors else { return nil }
    case .readProtected:
      guard let flag = Profile.flag(value) else { return nil }
      profile.isReadProtected = flag
    case .tolerant:
      guard let flag = Profile.flag(value) else { return nil }
      profile.setTolerant(flag)
    case .blank:
      guard value == "idle" || value == "error" else { return nil }
      profile.reportsMissingFirmware = value == "error"
    case .ids:
      let parts = value.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 2, let vendor = UInt16(parts[0], radix: 16),
        let product = UInt16(parts[1], radix: 16)
      else { return nil }
      profile.description.device.vendor = VendorID(vendor)
      profile.description.device.product = ProductID(product)
    case .serial:
      guard value.utf16.count <= 126 else { return nil }
      profile.description.strings[profile.description.device.serialNumberIndex] = value
    case .poll:
      switch value {
      case "exact": profile.pollPolicy = .exact
      case "zero": profile.pollPolicy = .constant(0)
      default:
        guard let milliseconds = UInt32(value), milliseconds <= 0xFF_FFFF else { return nil }
        profile.pollPolicy = .constant(milliseconds)
      }
    case .busy:
      guard let behaviour = BusyBehaviour(rawValue: value) else { return nil }
      profile.busy = behaviour
    }
    return profile
  }

  private static func flag(_ value: String) -> Bool? {
    switch value {
    case "yes": true
    case "no": false
    default: nil
    }
  }

  private func sectors(_ value: String) -> Set<Int>? {
    if value == "none" { return [] }
    let count = memories.first?.map.runs.reduce(0) { $0 + $1.count } ?? 0
    var sectors: Set<Int> = []
    for part in value.split(omittingEmptySubsequences: false, whereSeparator: { "+,".contains($0) })
    {
      guard let number = Int(part), number >= 0, number < count else { return nil }
      sectors.insert(number)
    }
    return sectors
  }

  /// Changes bitManifestationTolerant wherever it is written.
  mutating func setTolerant(_ isTolerant: Bool) {
    let old = functional.bytes
    if isTolerant {
      functional.attributes.insert(.manifestationTolerant)
    } else {
      functional.attributes.remove(.manifestationTolerant)
    }
    for configuration in description.configurations.indices {
      let interfaces = description.configurations[configuration].interfaces.indices
      for interface in interfaces {
        let extra = description.configurations[configuration].interfaces[interface].extra
        description.configurations[configuration].interfaces[interface].extra = extra.map {
          $0.bytes == old ? RawDescriptor(bytes: functional.bytes, offset: $0.offset) : $0
        }
      }
    }
  }
}
