internal import DFU

/// Whose bootloader it is: where it departs from the letter of DFU 1.1.
public enum BootloaderDialect: String, Hashable, Sendable, CaseIterable {
  /// ST's factory bootloader (AN3156).
  case stROM = "st-rom"
  /// The DFU class of ST's USB device library, as in its example bootloaders.
  case stLibrary = "st-library"
  /// DFU 1.1 as TinyUSB does it.
  case tinyUSB = "tinyusb"
  /// DFU 1.0 as in Openmoko's U-Boot.
  case openmoko
  /// The factory bootloader of NXP's LPC43xx: takes an image into RAM and starts it.
  case lpcROM = "lpc-rom"

  /// Whether block 0 is a command and the other blocks have addresses.
  public var isDfuSe: Bool { self == .stROM || self == .stLibrary }
}

/// How a bootloader answers GETSTATUS while it works.
public enum BusyBehaviour: String, Hashable, Sendable, CaseIterable {
  /// At once, with dfuDNBUSY.
  case answers
  /// Not until the work is done: the transfer is held by NAK.
  case holds
  /// With a stall; the state stays as it is (L4).
  case stalls
  /// With a stall, and dfuERROR: annex A by the letter.
  case fails
}

/// When a bootloader disappears after the end of a download.
public enum LeaveVariant: String, Hashable, Sendable, CaseIterable {
  /// As soon as the DNLOAD of length 0 is acknowledged.
  case afterDownload = "a"
  /// Inside the GETSTATUS that follows: no answer comes.
  case insideGetStatus = "b"
  /// After that GETSTATUS has been answered.
  case afterGetStatus = "c"
  /// 200 ms after that.
  case later = "d"
}

/// What a bootloader says in bwPollTimeout.
public enum PollPolicy: Hashable, Sendable {
  /// The time that the work takes, rounded up to whole milliseconds.
  case exact
  /// Always this number of milliseconds; 0 where the machine is idle.
  case constant(UInt32)
  /// The exact time, but never more than this: too short for what takes longer.
  case atMost(UInt32)
  /// This number in every answer, idle or not: nothing to rely on.
  case bogus(UInt32)

  /// The announcement for work that takes `duration`.
  func milliseconds(_ duration: Duration) -> UInt32 {
    let (seconds, attoseconds) = duration.components
    let exact = seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    let bounded = UInt32(clamping: min(exact, 0xFF_FFFF))
    switch self {
    case .exact: return bounded
    case .constant(let value), .bogus(let value): return value
    case .atMost(let limit): return min(bounded, limit)
    }
  }

  /// The announcement where there is nothing to wait for.
  var idleMilliseconds: UInt32 {
    if case .bogus(let value) = self { return value }
    return 0
  }
}

extension BootloaderDialect {
  /// What a trigger does in this dialect: its own departures, then annex A.
  func transition(
    _ state: DFUState, _ trigger: DFUTrigger, _ device: DFUConditions, _ quirks: BootloaderQuirks
  ) -> DFUTransition {
    switch (self, state, trigger) {
    // CLRSTATUS where there is nothing to clear makes an error (ST library; H7 ROM).
    case (_, let state, .clearStatus) where quirks.contains(.clearStatusTrap) && state != .dfuError:
      return .to(.dfuError, .errUnknown)

    // DfuSe: the end of a download may come first of all, to leave (AN3156).
    case (.stROM, .dfuIdle, .downloadEnd), (.stLibrary, .dfuIdle, .downloadEnd):
      return .to(.dfuManifestSync)
    // The state can be asked for at any time.
    case (.stROM, _, .getState), (.stLibrary, _, .getState): return .to(state)
    // A short answer ends an upload even if it is the first (Get Commands; U-Boot).
    case (.stROM, .dfuIdle, .upload), (.stLibrary, .dfuIdle, .upload),
      (.openmoko, .dfuIdle, .upload):
      guard device.canUpload, device.isShortBlock else { break }
      return .to(.dfuIdle)
    // Once the device has said that it leaves, it listens to nothing.
    case (.stROM, .dfuManifest, let trigger), (.stLibrary, .dfuManifest, let trigger):
      if trigger == .busReset || trigger == .powerReset { break }
      return .silence(in: .dfuManifest)

    case (.stLibrary, .dfuDnloadSync, .abort), (.stLibrary, .dfuManifestSync, .abort):
      return .to(.dfuIdle, .ok)

    case (.tinyUSB, _, .clearStatus): return .to(.dfuIdle, .ok)

    // "Breaks" when asked for its status while it sends.
    case (.openmoko, .dfuUploadIdle, .getStatus): return .stallToError(.errUnknown)
    default: break
    }
    return .annexA(state, trigger, device)
  }
}

/// Peculiarities of single parts.
public struct BootloaderQuirks: OptionSet, Hashable, Sendable {
  /// The bits.
  public var rawValue: UInt32

  /// Peculiarities from their bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// CLRSTATUS outside dfuERROR leads into it, with errUNKNOWN.
  public static let clearStatusTrap = BootloaderQuirks(rawValue: 1 << 0)
  /// An erase at or above 0x08100000 is never seen to end; two CLRSTATUS help (H7 with two banks).
  public static let secondBankErasesForEver = BootloaderQuirks(rawValue: 1 << 1)
  /// Erase erases from that sector to the end of the memory (STM32446E-EVAL example).
  public static let erasesToTheEnd = BootloaderQuirks(rawValue: 1 << 2)
  /// A mass erase announces 100 ms whatever it takes (F405, F407 ROM).
  public static let massEraseAnnounces100 = BootloaderQuirks(rawValue: 1 << 3)
  /// Get Commands does not list Read Unprotect, and the opcode is unknown.
  public static let noReadUnprotect = BootloaderQuirks(rawValue: 1 << 4)
  /// The work is done while DNLOAD itself is held; the first GETSTATUS finds it done (U-Boot).
  public static let worksInsideDownload = BootloaderQuirks(rawValue: 1 << 5)
}
