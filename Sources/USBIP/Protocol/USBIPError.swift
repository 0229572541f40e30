public import USB

/// Why a USB/IP connection came to nothing.
public struct USBIPError: ExplainedError, Hashable {
  /// What kind of failure it is.
  public enum Code: String, Hashable, Sendable {
    /// The peer broke the protocol: what it sent is not what the protocol allows.
    case violation = "usbip-violation"
    /// The peer's answer was a status other than 0.
    case refused = "usbip-refused"
    /// Another client has the device.
    case busy = "usbip-busy"
    /// The server has no such device, or does not share it.
    case noDevice = "usbip-no-device"
    /// The connection ended.
    case closed = "usbip-closed"
    /// There is no connection to be had.
    case unreachable = "usbip-unreachable"
    /// The port cannot be listened on.
    case cannotListen = "usbip-cannot-listen"
    /// The system refuses.
    case permission = "permission"
    /// This system has no virtual host controller.
    case noController = "no-vhci"
    /// The virtual host controller has no port left.
    case noFreePort = "no-free-port"
    /// The peer took too long.
    case timeout = "usbip-timeout"
  }

  /// What kind of failure it is.
  public var code: Code
  /// What happened, in one sentence.
  public var sentence: String
  /// What to do next; nil where nothing useful can be said.
  public var help: String?

  /// A failure with the words for it.
  public init(_ code: Code, _ sentence: String, help: String? = nil) {
    self.code = code
    self.sentence = sentence
    self.help = help
  }

  /// A stable name for the kind of error.
  public var slug: String { code.rawValue }

  /// A field of a message breaks a rule.
  static func violation(_ field: String, _ value: String, _ rule: String) -> USBIPError {
    USBIPError(.violation, "The peer sent \(field) \(value); \(rule).")
  }

  /// A connection ended while an answer was awaited.
  static func ended(_ end: ConnectionEnd) -> USBIPError {
    USBIPError(.closed, "There was no answer: \(end.words).")
  }

  /// There is no connection to a server.
  static func noServer(at address: USBIPAddress, because error: any Error) -> USBIPError {
    USBIPError(
      .unreachable, "No USB/IP server answers at \(address.place): \(words(for: error)).",
      help: """
        Start one there: `usbipd -D` on Linux, the service of usbipd-win on Windows (and its firewall \
        rule), `dfu share` or `dfu emulate` anywhere.
        """)
  }

  /// A server does not give a device.
  static func refused(
    _ busID: BusID, at address: USBIPAddress, _ status: OperationStatus
  ) -> USBIPError {
    let (code, help): (Code, String?) =
      switch status {
      case .busy, .notAvailable:
        (.busy, "End what uses it there or elsewhere, `usbip detach` for the kernel's clients.")
      case .noDevice:
        (.noDevice, "`dfu list --any -d usbip://\(address.place)` lists what there is.")
      default: (.refused, "The log of the server may tell more.")
      }
    return USBIPError(
      code, "\(address.place) does not give \(busID): \(status.words).", help: help)
  }
}
