public import USB

/// Why a USB/IP connection came to nothing.
public struct USBIPError: ExplainedError, Hashable {
  /// What kind of failure it is.
  public enum Code: String, Hashable, Sendable {
    /// The peer broke the protocol: what it sent is not what the protocol allows.
    case violation = "usbip-violation"
    /// The peer's answer was a status other than 0.
    case refused = "usbip-refused"
    /// The connection ended.
    case closed = "usbip-closed"
    /// There is no connection to be had.
    case unreachable = "usbip-unreachable"
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
}
