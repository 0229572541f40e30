/// The operations before transfers: a list of devices, or the import of one (`op_common`, 8 bytes: version,
/// code, status).
enum Operation {
  /// The version that everybody speaks: 1.1.1.
  static let version: UInt16 = 0x0111
  static let headerLength = 8

  /// A request has this bit, its reply has not.
  static let requestBit: UInt16 = 0x8000
  static let importCode: UInt16 = 0x0003
  static let listCode: UInt16 = 0x0005

  static func header(_ code: UInt16, _ status: OperationStatus = .ok) -> BigEndianBytes {
    var out = BigEndianBytes(reserving: 320)
    out.append(version)
    out.append(code)
    out.append(status.rawValue)
    return out
  }
}

/// The `status` of a reply (`ST_…` in `usbip_common.h`).
public struct OperationStatus: RawRepresentable, Hashable, Sendable {
  /// The number itself.
  public var rawValue: UInt32

  /// A value from its number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Done.
  public static let ok = OperationStatus(rawValue: 0)
  /// Not available.
  public static let notAvailable = OperationStatus(rawValue: 1)
  /// Another client has the device.
  public static let busy = OperationStatus(rawValue: 2)
  /// The device is in an error state: the server could not take it.
  public static let deviceError = OperationStatus(rawValue: 3)
  /// There is no such device, or it is not shared.
  public static let noDevice = OperationStatus(rawValue: 4)
  /// Something else.
  public static let error = OperationStatus(rawValue: 5)

  /// The status in words.
  public var words: String {
    switch self {
    case .ok: "done"
    case .notAvailable: "not available"
    case .busy: "in use by another client"
    case .deviceError: "the server could not take the device"
    case .noDevice: "no such device, or it is not shared"
    default: "error \(rawValue)"
    }
  }
}
