/// What a host is doing with a device: the word in progress, reports and errors.
public enum DFUPhase: String, Hashable, Sendable, CaseIterable {
  /// Opening the device and reading its strings.
  case describe
  /// Selecting an alternate setting and bringing the device to dfuIDLE.
  case select
  /// Finding out whether it is protected.
  case probe
  /// Reading before anything is changed.
  case survey
  /// Erasing the whole memory.
  case massErase = "mass-erase"
  /// Erasing sectors.
  case erase
  /// Writing.
  case write
  /// Sending a payload to a device without addresses.
  case download
  /// Waiting until the payload is in place.
  case manifest
  /// Reading back and comparing.
  case verify
  /// Writing option bytes.
  case optionBytes = "option-bytes"
  /// Leaving the bootloader.
  case leave
  /// Reading because somebody wants the bytes.
  case read
  /// Looking whether memory is erased.
  case blankCheck = "blank-check"
  /// Taking read-out protection away.
  case unprotect
  /// Leaving the application for DFU mode.
  case detach
  /// Waiting for a device that has gone away.
  case follow
  /// Waiting for a device that is not there yet.
  case wait

  /// The phase as a person reads it, for example `erasing`.
  public var words: String {
    switch self {
    case .describe: "opening the device"
    case .select: "selecting the memory"
    case .probe: "looking for protection"
    case .survey: "reading what is there"
    case .massErase: "erasing the whole memory"
    case .erase: "erasing"
    case .write: "writing"
    case .download: "sending"
    case .manifest: "waiting for the device to take the file over"
    case .verify: "reading back"
    case .optionBytes: "writing option bytes"
    case .leave: "leaving the bootloader"
    case .read: "reading"
    case .blankCheck: "checking for blank memory"
    case .unprotect: "taking the protection away"
    case .detach: "detaching"
    case .follow: "waiting for the device to come back"
    case .wait: "waiting for a device"
    }
  }
}
