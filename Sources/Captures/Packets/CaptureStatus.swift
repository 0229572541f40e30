internal import USB

/// How a transfer ended, as the system that captured it says.
public enum CaptureStatus: Hashable, Sendable {
  /// Linux: 0, or a negative `errno` (`Documentation/driver-api/usb/error-codes.rst`).
  case errno(Int32)
  /// Windows: a `USBD_STATUS` (`usb.h` of the driver kit).
  case usbd(UInt32)

  /// What it means, whichever system says it.
  public enum Meaning: String, Hashable, Sendable, CaseIterable {
    /// All went well, or brought less than was asked for.
    case success
    /// The device refused the request.
    case stall
    /// No answer: the host gave up, and took the transfer back.
    case noAnswer = "no-answer"
    /// The device is gone.
    case disconnected
    /// Broken packets.
    case broken
    /// More bytes came than were asked for.
    case overflow
    /// Something else.
    case failed
  }

  /// What it means.
  public var meaning: Meaning {
    switch self {
    // EREMOTEIO: shorter than asked for, of one who did not want that.
    case .errno(0), .errno(-121), .usbd(0), .usbd(0xC000_0009): .success
    case .errno(-32), .usbd(0xC000_0004), .usbd(0xC000_0030), .usbd(0x8000_0030): .stall
    // ENOENT, ECONNRESET and ETIMEDOUT: unlinked by the host.
    case .errno(-2), .errno(-104), .errno(-110), .usbd(0xC001_0000), .usbd(0xC000_6000): .noAnswer
    case .errno(-19), .errno(-108), .usbd(0xC000_7000): .disconnected
    case .errno(-71), .errno(-84), .errno(-62), .usbd(0xC000_0001...0xC000_0003),
      .usbd(0xC000_0005...0xC000_0007), .usbd(0xC000_0011):
      .broken
    case .errno(-75), .usbd(0xC000_0008), .usbd(0xC000_0012): .overflow
    default: .failed
    }
  }

  /// The number with its name: `EPIPE (-32)`, `USBD_STATUS_STALL_PID (0xc0000004)`.
  public var name: String {
    switch self {
    case .errno(let number):
      let names: [Int32: String] = [
        0: "OK", -2: "ENOENT", -5: "EIO", -11: "EAGAIN", -12: "ENOMEM", -13: "EACCES",
        -16: "EBUSY", -18: "EXDEV", -19: "ENODEV", -22: "EINVAL", -28: "ENOSPC", -32: "EPIPE",
        -62: "ETIME", -63: "ENOSR", -70: "ECOMM", -71: "EPROTO", -75: "EOVERFLOW", -84: "EILSEQ",
        -90: "EMSGSIZE", -95: "EOPNOTSUPP", -104: "ECONNRESET", -108: "ESHUTDOWN",
        -110: "ETIMEDOUT", -115: "EINPROGRESS", -121: "EREMOTEIO",
      ]
      return names[number].map { number == 0 ? $0 : "\($0) (\(number))" } ?? "error \(number)"
    case .usbd(let number):
      let names: [UInt32: String] = [
        0: "SUCCESS", 0xC000_0001: "CRC", 0xC000_0002: "BTSTUFF",
        0xC000_0003: "DATA_TOGGLE_MISMATCH", 0xC000_0004: "STALL_PID",
        0xC000_0005: "DEV_NOT_RESPONDING", 0xC000_0006: "PID_CHECK_FAILURE",
        0xC000_0007: "UNEXPECTED_PID", 0xC000_0008: "DATA_OVERRUN", 0xC000_0009: "DATA_UNDERRUN",
        0xC000_0011: "XACT_ERROR", 0xC000_0012: "BABBLE_DETECTED", 0xC000_0030: "ENDPOINT_HALTED",
        0xC000_6000: "TIMEOUT", 0xC000_7000: "DEVICE_GONE", 0xC001_0000: "CANCELED",
      ]
      return (names[number].map { "USBD_STATUS_\($0)" } ?? "USBD_STATUS") + " (0x\(hex(number)))"
    }
  }
}

extension CaptureStatus.Meaning {
  /// What happened, as a part of a sentence.
  public var words: String {
    switch self {
    case .success: "done"
    case .stall: "the device refused it (stall)"
    case .noAnswer: "the device did not answer, and the host gave up"
    case .disconnected: "the device is gone"
    case .broken: "broken on the wire"
    case .overflow: "more bytes came than were asked for"
    case .failed: "failed"
    }
  }
}
