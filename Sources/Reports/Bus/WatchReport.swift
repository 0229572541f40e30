internal import DFU
internal import DFUHost
public import USB

/// A line of `dfu usb watch`.
public struct WatchLine: Encodable, Hashable, Sendable {
  /// A device, as it is told.
  public struct Device: Encodable, Hashable, Sendable {
    /// `idVendor`, four hexadecimal digits.
    public var vendor: String
    /// `idProduct`, four hexadecimal digits.
    public var product: String
    /// What it is by its classes, in words.
    public var `class`: String
    /// `dfu`, `runtime` or `unknown`; nil where it has no DFU interface.
    public var dfu: String?
    /// The speed of its link.
    public var speed: String
    /// What it calls itself.
    public var productName: String?
    /// Its serial number.
    public var serialNumber: String?
  }

  /// What happened.
  public enum Kind: String, Encodable, Hashable, Sendable {
    /// It was there when the watch began.
    case present
    /// It has come.
    case attached
    /// It has gone.
    case detached
    /// The kernel has written a line.
    case kernel
  }

  /// The name and version of this line's shape.
  public var schema = "dfu.watch/1"
  /// Milliseconds since the watch began.
  public var time: Int64
  /// What happened.
  public var kind: Kind
  /// Where; nil for a line of the kernel that names no device.
  public var path: String?
  /// The device.
  public var device: Device?
  /// The device that was at this place before, where it is another one.
  public var before: Device?
  /// How long nothing was at this place, or how long the device was there, in milliseconds.
  public var after: Int64?
  /// What has changed since the last device at this place, or the kernel's words in ours.
  public var words: String?
  /// What the kernel has written.
  public var message: String?
}

/// What was seen so far: it tells what has changed when something comes.
public struct WatchHistory: Sendable {
  private struct Place {
    var info: DeviceInfo
    var since: Duration
    var isThere: Bool
  }

  private var places: [PortPath: Place] = [:]

  /// Nothing yet.
  public init() {}

  /// What there is when the watch begins.
  public mutating func present(_ info: DeviceInfo) -> WatchLine {
    places[info.path] = Place(info: info, since: .zero, isThere: true)
    return WatchLine(time: 0, kind: .present, path: "\(info.path)", device: .init(info))
  }

  /// Something has come.
  ///
  /// - Parameters:
  ///   - info: what.
  ///   - time: since the watch began.
  /// - Returns: the line.
  public mutating func attached(_ info: DeviceInfo, at time: Duration) -> WatchLine {
    var line = WatchLine(
      time: milliseconds(time), kind: .attached, path: "\(info.path)", device: .init(info))
    if let before = places[info.path] {
      line.after = milliseconds(time - before.since)
      line.before = .init(before.info)
      line.words = Self.change(from: before.info, to: info)
    }
    places[info.path] = Place(info: info, since: time, isThere: true)
    return line
  }

  /// Something has gone.
  public mutating func detached(_ path: PortPath, at time: Duration) -> WatchLine {
    var line = WatchLine(time: milliseconds(time), kind: .detached, path: "\(path)")
    guard let place = places[path], place.isThere else { return line }
    line.device = .init(place.info)
    line.after = milliseconds(time - place.since)
    places[path] = Place(info: place.info, since: time, isThere: false)
    return line
  }

  /// The kernel has written a line.
  public static func kernel(_ message: KernelMessage, at time: Duration) -> WatchLine {
    WatchLine(
      time: milliseconds(time), kind: .kernel, path: message.path.map { "\($0)" },
      words: message.words, message: message.text)
  }

  /// What differs between two devices at one place.
  private static func change(from old: DeviceInfo, to new: DeviceInfo) -> String {
    if old.ids != new.ids {
      let modes = (old.dfuMode, new.dfuMode)
      switch modes {
      case (.runtime?, .dfu?): return "the same port came back in DFU mode: it was \(old.ids)"
      case (.dfu?, .runtime?), (.dfu?, nil):
        return "the same port came back with an application: it was \(old.ids) in DFU mode"
      default: return "the same port came back as another device: it was \(old.ids)"
      }
    }
    if let serial = old.serialNumber, let other = new.serialNumber, serial != other {
      return "another one of the same kind: its serial number was \(serial)"
    }
    if old.dfuMode != new.dfuMode { return "the same device in another mode" }
    if old.speed != new.speed {
      return "the same device at another speed: it was \(old.speed.words)"
    }
    if old.descriptor != new.descriptor || old.configurations != new.configurations {
      return "the same device with other descriptors"
    }
    return "the same device"
  }
}

private func milliseconds(_ duration: Duration) -> Int64 {
  duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
}

extension WatchLine.Device {
  init(_ info: DeviceInfo) {
    vendor = "\(info.descriptor.vendor)"
    product = "\(info.descriptor.product)"
    self.class = info.classWords
    dfu = info.dfuMode.map { "\($0)" }
    speed = info.speed.rawValue
    productName = info.productName
    serialNumber = info.serialNumber
  }
}

extension WatchLine {
  /// The line for people; what has changed stands below it.
  public func text(_ style: TextStyle) -> String {
    let seconds = "\(time / 1000).\(String(1000 + time % 1000).dropFirst()) s"
    let head =
      String(repeating: " ", count: max(0, 11 - seconds.count)) + style(.faint, seconds) + "  "
    let indent = 13
    func below(_ text: String) -> String {
      "\n" + String(repeating: " ", count: indent + 2)
        + wrappedAroundQuotes(terminalSafe(text), width: style.width, indent: indent + 2)
    }
    if kind == .kernel {
      let text = wrapped(
        terminalSafe(message ?? ""), width: style.width, indent: indent + 2, used: indent + 8)
      return head + style(.faint, "kernel: ") + text + (words.map { below($0 + ".") } ?? "")
    }
    let (mark, tone): (String, TextStyle.Tone) =
      switch kind {
      case .attached: ("+", .good)
      case .detached: ("-", .bad)
      case .present, .kernel: ("=", .faint)
      }
    var parts: [String] = []
    if let device {
      if let dfu = device.dfu { parts.append(dfu == "runtime" ? "DFU at run time" : "DFU") }
      let kinds = device.class.split(separator: ", ").filter { device.dfu == nil || $0 != "DFU" }
      parts += kinds.map { terminalSafe(String($0)) }
      if let name = device.productName { parts.append("“\(terminalSafe(name))”") }
      if kind != .detached {
        parts.append(USBSpeed(rawValue: device.speed)?.words ?? device.speed)
        if let serial = device.serialNumber { parts.append("serial \(terminalSafe(serial))") }
      } else if let after {
        parts.append("was there for \(durationText(.milliseconds(after)))")
      }
    }
    let ids = device.map { style(.accent, "\($0.vendor):\($0.product)") + " " } ?? ""
    var text =
      head + style(tone, mark) + " " + style(.strong, path ?? "") + " " + ids
      + wrappedAroundQuotes(
        parts.joined(separator: ", "), width: style.width, indent: indent + 2,
        used: indent + 3 + (path?.count ?? 0) + (device == nil ? 0 : 10))
    if kind == .attached, let words {
      text += below(words + (after.map { ", \(durationText(.milliseconds($0))) later." } ?? "."))
    }
    return text
  }
}
