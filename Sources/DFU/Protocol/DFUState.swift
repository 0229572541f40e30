/// `bState` (DFU 1.1, 6.1.2): where the device is in its state machine (annex A).
public struct DFUState: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The number itself.
  public var rawValue: UInt8

  /// A value from its number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The application runs.
  public static let appIdle = DFUState(rawValue: 0)
  /// The application runs, has been told to detach, and waits for a USB reset.
  public static let appDetach = DFUState(rawValue: 1)
  /// DFU mode, waiting for requests.
  public static let dfuIdle = DFUState(rawValue: 2)
  /// A block has been received; DFU_GETSTATUS is awaited.
  public static let dfuDnloadSync = DFUState(rawValue: 3)
  /// The block is being programmed.
  public static let dfuDnBusy = DFUState(rawValue: 4)
  /// A download is under way; the next block is awaited.
  public static let dfuDnloadIdle = DFUState(rawValue: 5)
  /// The last block has been received; DFU_GETSTATUS is awaited.
  public static let dfuManifestSync = DFUState(rawValue: 6)
  /// The device is manifesting.
  public static let dfuManifest = DFUState(rawValue: 7)
  /// The device has manifested and waits for a reset.
  public static let dfuManifestWaitReset = DFUState(rawValue: 8)
  /// An upload is under way.
  public static let dfuUploadIdle = DFUState(rawValue: 9)
  /// An error has occurred; DFU_CLRSTATUS is awaited.
  public static let dfuError = DFUState(rawValue: 10)

  /// Whether the host has to wait and ask again (DFU 1.1, 6.1.2; annex A).
  public var isBusy: Bool {
    switch self {
    case .dfuDnloadSync, .dfuDnBusy, .dfuManifestSync, .dfuManifest: true
    default: false
    }
  }

  /// The name as the specification spells it, or the number.
  public var description: String {
    switch self {
    case .appIdle: "appIDLE"
    case .appDetach: "appDETACH"
    case .dfuIdle: "dfuIDLE"
    case .dfuDnloadSync: "dfuDNLOAD-SYNC"
    case .dfuDnBusy: "dfuDNBUSY"
    case .dfuDnloadIdle: "dfuDNLOAD-IDLE"
    case .dfuManifestSync: "dfuMANIFEST-SYNC"
    case .dfuManifest: "dfuMANIFEST"
    case .dfuManifestWaitReset: "dfuMANIFEST-WAIT-RESET"
    case .dfuUploadIdle: "dfuUPLOAD-IDLE"
    case .dfuError: "dfuERROR"
    default: "state \(rawValue)"
    }
  }
}
