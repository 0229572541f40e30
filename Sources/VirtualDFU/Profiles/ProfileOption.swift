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
  /// What bwPollTimeout says, in the words of ``PollPolicy``.
  case poll
  /// `answers`, `holds`, `stalls` or `fails`: what requests meet while it works (``BusyBehaviour``).
  case busy
  /// `typical` or `longest`: which of the times of its flash it takes (``FlashTimes``).
  case pace
  /// Names of peculiarities (``BootloaderQuirks/named``), joined by `+` or commas, in addition to its
  /// own; one with `-` in front is taken away; `none` takes all away.
  case quirks
  /// `early` or `later`: the factory bootloader of the first STM32F4, whose strings call everything
  /// erasable, or a later one.
  case rom
  /// `idle` or `error`: how it begins when there is no application (dfuERROR, errFIRMWARE).
  case blank
  /// `yes` or `no`: bitManifestationTolerant (plain DFU).
  case tolerant
  /// `yes` or `no`: whether there is an application with a DFU interface. The options behind this one are
  /// about it.
  case application
  /// `yes` or `no`: bitWillDetach, and whether it does.
  case willDetach = "will-detach"
  /// `VVVV:PPPP`: vendor and product id at run time.
  case runtimeIDs = "runtime-id"
  /// `0`, `1` or `2`: bInterfaceProtocol at run time.
  case runtimeProtocol = "protocol"
  /// `answers` or `stalls`: DFU_GETSTATUS at run time.
  case runtimeStatus = "runtime-status"
  /// wDetachTimeOut at run time, in milliseconds.
  case detachTimeout = "detach-timeout"
  /// How long it is gone between the two modes, in milliseconds, or `never`.
  case returnTime = "return-time"
  /// `yes` or `no`: on its way into DFU mode it is something without a DFU interface for a while.
  case detour
  /// `reset`, `second-reset` or `detach`: how DFU mode is left (``Application/WayBack``).
  case wayBack = "way-back"

  /// What values it takes, for an error and for help.
  public var values: String {
    switch self {
    case .leave: "a, b, c or d"
    case .writeProtected:
      "numbers of sectors from 0, joined by +, that its option bytes can protect, or none"
    case .readProtected, .tolerant, .application, .willDetach, .detour: "yes or no"
    case .runtimeProtocol: "0, 1 or 2"
    case .runtimeStatus: "answers or stalls"
    case .detachTimeout: "milliseconds up to 65535"
    case .returnTime: "milliseconds up to 600000, or never"
    case .wayBack: "reset, second-reset or detach"
    case .ids, .runtimeIDs: "VVVV:PPPP in hexadecimal digits"
    case .blank: "idle or error"
    case .serial: "up to 126 characters"
    case .poll: PollPolicy.words
    case .busy: BusyBehaviour.allCases.map(\.rawValue).joined(separator: ", ")
    case .pace: FlashTimes.Pace.allCases.map(\.rawValue).joined(separator: " or ")
    case .quirks:
      "none, or names joined by + (a - before one takes it away): "
        + BootloaderQuirks.named.map(\.name).joined(separator: ", ")
    case .rom: "early or later, and only on the profiles of an STM32F407"
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
    if known.isOfApplication, application == nil {
      throw ProfileOptionError(
        option: option, value: value,
        sentence: "The option \(option) is about an application, and \(name) has none.",
        help: "Put application=yes before it.")
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
      guard let ids = describedIDs(value) else { return nil }
      profile.description.device.vendor = ids.vendor
      profile.description.device.product = ids.product
    case .serial:
      guard value.utf16.count <= DescriptionDecoder.descriptorTextLimit else { return nil }
      profile.description.setText(value, at: \.serialNumberIndex, usual: 3)
      profile.application?.description.setText(value, at: \.serialNumberIndex, usual: 3)
    case .poll:
      guard let policy = PollPolicy(value) else { return nil }
      profile.pollPolicy = policy
    case .busy:
      guard let behaviour = BusyBehaviour(rawValue: value) else { return nil }
      profile.busy = behaviour
    case .pace:
      guard let pace = FlashTimes.Pace(rawValue: value) else { return nil }
      for index in profile.memories.indices { profile.memories[index].take(pace) }
    case .quirks:
      guard let quirks = quirks(value) else { return nil }
      profile.quirks = quirks
    case .rom:
      guard profile.setROM(value) else { return nil }
    case .application, .willDetach, .runtimeIDs, .runtimeProtocol, .runtimeStatus, .detachTimeout,
      .returnTime, .detour, .wayBack:
      return setting(ofApplication: option, to: value)
    }
    return profile
  }

  /// The profile's own peculiarities, with those that the words add and take away.
  private func quirks(_ value: String) -> BootloaderQuirks? {
    if value == "none" { return [] }
    var result = quirks
    for part in value.split(omittingEmptySubsequences: false, whereSeparator: { "+,".contains($0) })
    {
      let isRemoved = part.hasPrefix("-")
      guard let quirk = BootloaderQuirks(named: String(isRemoved ? part.dropFirst() : part)) else {
        return nil
      }
      if isRemoved { result.subtract(quirk) } else { result.formUnion(quirk) }
    }
    return result
  }

  /// The first bootloaders of the F4 have type `g` on option bytes, OTP and Device Feature, which
  /// cannot be erased; later ones have `e` (dfu-util's device-logs/stm32f4discovery.lsusb;
  /// zmkfirmware/zmk#1711).
  private mutating func setROM(_ value: String) -> Bool {
    let names = description.strings.filter { $0.value.hasPrefix("@Device Feature") }
    guard value == "early" || value == "later", !names.isEmpty else { return false }
    let (old, new): (Character, Character) = value == "early" ? ("e", "g") : ("g", "e")
    for (index, text) in description.strings
    where text.hasPrefix("@") && !text.hasPrefix("@Internal Flash") {
      // The letter ends a segment, behind a blank that stands for bytes.
      let segments = text.split(separator: ",", omittingEmptySubsequences: false)
      description.strings[index] = segments.map {
        $0.hasSuffix(" \(old)") ? String($0.dropLast()) + String(new) : String($0)
      }.joined(separator: ",")
    }
    description.device.deviceVersion = BCDVersion(value == "early" ? 0x2100 : 0x2200)
    return true
  }

  private func sectors(_ value: String) -> Set<Int>? {
    if value == "none" { return [] }
    // A state file keeps the numbers in 16 bits.
    let count = min(memories.first?.sectorCount ?? 0, 65536)
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
    setFunctional {
      $0.attributes.remove(.manifestationTolerant)
      if isTolerant { $0.attributes.insert(.manifestationTolerant) }
    }
  }
}
