internal import CLibUSB
internal import USB

/// What a function of libusb returns where it fails (`enum libusb_error`).
struct LibUSBCode: RawRepresentable, Hashable, Sendable {
  var rawValue: Int32

  init(rawValue: Int32) { self.rawValue = rawValue }

  init(_ rawValue: Int32) { self.rawValue = rawValue }

  static let success = LibUSBCode(0)
  static let io = LibUSBCode(-1)
  static let invalidParameter = LibUSBCode(-2)
  static let access = LibUSBCode(-3)
  static let noDevice = LibUSBCode(-4)
  static let notFound = LibUSBCode(-5)
  static let busy = LibUSBCode(-6)
  static let timeout = LibUSBCode(-7)
  static let overflow = LibUSBCode(-8)
  static let pipe = LibUSBCode(-9)
  static let interrupted = LibUSBCode(-10)
  static let noMemory = LibUSBCode(-11)
  static let notSupported = LibUSBCode(-12)
  static let other = LibUSBCode(-99)

  /// The name in libusb's documentation, for example `LIBUSB_ERROR_IO`.
  var name: String {
    switch self {
    case .success: "LIBUSB_SUCCESS"
    case .io: "LIBUSB_ERROR_IO"
    case .invalidParameter: "LIBUSB_ERROR_INVALID_PARAM"
    case .access: "LIBUSB_ERROR_ACCESS"
    case .noDevice: "LIBUSB_ERROR_NO_DEVICE"
    case .notFound: "LIBUSB_ERROR_NOT_FOUND"
    case .busy: "LIBUSB_ERROR_BUSY"
    case .timeout: "LIBUSB_ERROR_TIMEOUT"
    case .overflow: "LIBUSB_ERROR_OVERFLOW"
    case .pipe: "LIBUSB_ERROR_PIPE"
    case .interrupted: "LIBUSB_ERROR_INTERRUPTED"
    case .noMemory: "LIBUSB_ERROR_NO_MEM"
    case .notSupported: "LIBUSB_ERROR_NOT_SUPPORTED"
    case .other: "LIBUSB_ERROR_OTHER"
    default: "libusb error \(rawValue)"
    }
  }

  /// The kind of failure of a transfer, or of a call on an open device, that this is.
  var transferCode: TransferError.Code {
    switch self {
    case .io: .protocolError
    case .access: .permission
    case .noDevice: .disconnected
    case .busy: .busy
    case .timeout: .timeout
    case .overflow: .overflow
    case .pipe: .stall
    case .notFound, .notSupported: .unsupported
    case .interrupted, .noMemory, .invalidParameter, .other, .success: .other
    default: .other
    }
  }

  /// The kind of failure of a host that this is.
  var hostCode: HostError.Code {
    switch self {
    case .access: .permission
    case .noDevice, .notFound: .notFound
    case .busy: .busy
    case .notSupported: .unreachable
    default: .other
    }
  }

  /// What is to be said of it beyond the kind; nil where the kind says all.
  var detail: String? {
    switch transferCode {
    case .other where self == .noMemory:
      "\(name): the system gives no memory for it; on Linux all transfers together may have "
        + "/sys/module/usbcore/parameters/usbfs_memory_mb"
    case .other, .unsupported: name
    default: nil
    }
  }
}

/// How a transfer of libusb has ended (`enum libusb_transfer_status`).
struct TransferStatus: RawRepresentable, Hashable, Sendable {
  var rawValue: UInt32

  init(rawValue: UInt32) { self.rawValue = rawValue }

  static let completed = TransferStatus(rawValue: 0)
  static let error = TransferStatus(rawValue: 1)
  static let timedOut = TransferStatus(rawValue: 2)
  static let cancelled = TransferStatus(rawValue: 3)
  static let stall = TransferStatus(rawValue: 4)
  static let noDevice = TransferStatus(rawValue: 5)
  static let overflow = TransferStatus(rawValue: 6)

  /// The kind of failure that this is; nil for success.
  var transferCode: TransferError.Code? {
    switch self {
    case .completed: nil
    case .error: .protocolError
    case .timedOut: .timeout
    case .cancelled: .cancelled
    case .stall: .stall
    case .noDevice: .disconnected
    case .overflow: .overflow
    default: .other
    }
  }
}

extension USBSpeed {
  /// The speed that libusb calls so (`enum libusb_speed`).
  ///
  /// - Parameter speed: what libusb says.
  init(libusb speed: Int32) {
    self =
      switch speed {
      case 1: .low
      case 3: .high
      case 4: .superSpeed
      // 5 is 10 Gbit/s, 6 is 20 Gbit/s since libusb 1.0.27.
      case 5...: .superSpeedPlus
      // 0 is "not known": nothing but a packet size follows from the speed, and full is common.
      default: .full
      }
  }
}

/// A duration in milliseconds for libusb, rounded up.
///
/// - Parameter duration: how long to wait.
/// - Returns: at least 1, since 0 means for ever to libusb.
func milliseconds(_ duration: Duration) -> UInt32 {
  let (seconds, attoseconds) = duration.components
  guard seconds >= 0, attoseconds >= 0 else { return 1 }
  let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1000)
  guard !overflow else { return .max }
  let part = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
  let (sum, overflow2) = whole.addingReportingOverflow(part)
  return overflow2 ? .max : max(1, UInt32(clamping: sum))
}
