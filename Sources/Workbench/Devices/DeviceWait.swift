internal import DFUHost
internal import USB

/// For what a search waits.
public struct DeviceWait: Hashable, Sendable {
  /// How long.
  public var limit: Duration
  /// Whether the device has to be in DFU mode; otherwise it only has to be there.
  public var needsDFUMode: Bool
  /// Whether it has to come after the wait has begun.
  public var isForNew: Bool

  /// The longest wait, which stands for “until it comes”: a day.
  public static let longest = Duration.seconds(86_400)

  /// A wait.
  public init(
    _ limit: Duration = longest, needsDFUMode: Bool = false, isForNew: Bool = false
  ) {
    self.limit = limit
    self.needsDFUMode = needsDFUMode
    self.isForNew = isForNew
  }

  /// Whether a device that fits is in the mode that is waited for.
  func accepts(_ info: DeviceInfo, on host: any USBHost, clock: AnyClock) async -> Bool {
    guard needsDFUMode else { return true }
    switch await Returned(info, on: host, clock: clock) {
    case .bootloader?, .unclear?: return true
    case .runtime?, .application?, .stayed?, .nothing?, nil: return false
    }
  }
}
