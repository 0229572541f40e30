internal import DFU

/// Whose bootloader it is: where it departs from the letter of DFU 1.1.
public enum BootloaderDialect: String, Hashable, Sendable, CaseIterable {
  /// ST's factory bootloader (AN3156).
  case stROM = "st-rom"
  /// The DFU class of ST's USB device library, as in its example bootloaders.
  case stLibrary = "st-library"
  /// MicroPython's mboot: DfuSe without most of DFU's states.
  case mboot
  /// The factory bootloader of GigaDevice's GD32VF103.
  case gd32ROM = "gd32-rom"
  /// DFU 1.1 as TinyUSB does it.
  case tinyUSB = "tinyusb"
  /// DFU 1.0 as in Openmoko's U-Boot.
  case openmoko
  /// The factory bootloader of NXP's LPC43xx: takes an image into RAM and starts it.
  case lpcROM = "lpc-rom"

  /// Whether block 0 is a command and the other blocks have addresses.
  public var isDfuSe: Bool {
    switch self {
    case .stROM, .stLibrary, .mboot, .gd32ROM: true
    case .tinyUSB, .openmoko, .lpcROM: false
    }
  }

  /// Whether the work begins when the answer to GETSTATUS has gone out, and not with the request.
  var beginsAfterAnswer: Bool { self == .stLibrary || self == .mboot }

  /// What a wrong address, or a sector that may not be changed, leads to.
  var addressStatus: DFUStatus {
    switch self {
    case .stROM: .errTarget
    // The library knows one error for everything that its media driver refuses.
    case .stLibrary, .gd32ROM: .errVendor
    case .mboot, .tinyUSB, .openmoko, .lpcROM: .errAddress
    }
  }
}

extension BootloaderDialect {
  /// What a trigger does in this dialect: its own departures, then annex A.
  ///
  /// mboot has no such table; see `VirtualBootloader.respondAsMboot`.
  func transition(
    _ state: DFUState, _ trigger: DFUTrigger, _ device: DFUConditions, _ quirks: BootloaderQuirks
  ) -> DFUTransition {
    switch (self, state, trigger) {
    // Once the device has said that it leaves, it listens to nothing.
    case (.stROM, .dfuManifest, let trigger), (.stLibrary, .dfuManifest, let trigger),
      (.gd32ROM, .dfuManifest, let trigger):
      if trigger == .busReset || trigger == .powerReset { break }
      return .silence(in: .dfuManifest)

    // CLRSTATUS where there is nothing to clear makes an error (ST library; H7 ROM).
    case (_, let state, .clearStatus) where quirks.contains(.clearStatusTrap) && state != .dfuError:
      return .to(.dfuError, .errUnknown)
    // "Breaks" when asked for its status while it sends.
    case (_, .dfuUploadIdle, .getStatus) where quirks.contains(.breaksOnStatusInUpload):
      return .stallToError(.errUnknown)
    case (_, .dfuIdle, .detach) where quirks.contains(.detachLeaves): return .to(.dfuIdle)

    // DfuSe: the end of a download may come first of all, to leave (AN3156).
    case (.stROM, .dfuIdle, .downloadEnd), (.stLibrary, .dfuIdle, .downloadEnd),
      (.gd32ROM, .dfuIdle, .downloadEnd):
      return .to(.dfuManifestSync)
    // The state can be asked for at any time.
    case (.stROM, _, .getState), (.stLibrary, _, .getState), (.gd32ROM, _, .getState):
      return .to(state)
    // A short answer ends an upload even if it is the first (Get Commands; U-Boot).
    case (.stROM, .dfuIdle, .upload), (.stLibrary, .dfuIdle, .upload),
      (.gd32ROM, .dfuIdle, .upload), (.openmoko, .dfuIdle, .upload):
      guard device.canUpload, device.isShortBlock else { break }
      return .to(.dfuIdle)
    case (.stLibrary, .dfuDnloadSync, .abort), (.stLibrary, .dfuManifestSync, .abort):
      return .to(.dfuIdle, .ok)

    case (.tinyUSB, _, .clearStatus): return .to(.dfuIdle, .ok)

    default: break
    }
    return .annexA(state, trigger, device)
  }
}
