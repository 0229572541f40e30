public import DFUHost
internal import USB

/// What is in the place of a device that went away: part of other documents.
public struct ReturnedDocument: Encodable, Hashable, Sendable {
  /// `bootloader`, `runtime` (an application with a DFU interface), `application` (without one),
  /// `unclear`, `stayed` (it has not gone away) or `nothing`.
  public var kind: String
  /// `idVendor`, four hexadecimal digits; nil where nothing is there.
  public var vendor: String?
  /// `idProduct`, four hexadecimal digits; nil where nothing is there.
  public var product: String?
  /// Where it is plugged in.
  public var path: String
  /// Seconds that it took.
  public var seconds: Double

  /// What came back.
  ///
  /// - Parameters:
  ///   - returned: what is there.
  ///   - path: where it was looked for.
  ///   - duration: how long it took.
  public init(_ returned: Returned, at path: String, after duration: Duration) {
    kind =
      switch returned {
      case .bootloader: "bootloader"
      case .runtime: "runtime"
      case .application: "application"
      case .unclear: "unclear"
      case .stayed: "stayed"
      case .nothing: "nothing"
      }
    vendor = returned.info.map { "\($0.descriptor.vendor)" }
    product = returned.info.map { "\($0.descriptor.product)" }
    self.path = path
    seconds = secondsNumber(duration)
  }

  /// Whether an application runs there.
  public var isApplication: Bool { kind == "runtime" || kind == "application" }

  /// What is there: one sentence.
  public var sentence: String {
    let name = "\(vendor ?? ""):\(product ?? "")"
    let time = durationText(.seconds(seconds))
    return switch kind {
    case "bootloader": "After \(time) it is back at \(path) as \(name), in its bootloader."
    case "runtime": "After \(time) it is back at \(path) as \(name), and its application runs."
    case "application":
      "After \(time) it is back at \(path) as \(name): its application runs, without a DFU interface."
    case "unclear":
      "After \(time) it is back at \(path) as \(name); whether its application runs cannot be found "
        + "out."
    case "stayed": "It has not gone away: it is at \(path) as \(name), as before."
    default:
      "Nothing has come back at \(path) within \(time): its application has no USB, or does not start."
    }
  }
}
