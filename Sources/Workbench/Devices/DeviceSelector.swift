public import USB
public import USBIP
public import VirtualDFU

/// Names a device, the same way everywhere: on the command line, in files, in reports.
public enum DeviceSelector: Hashable, Sendable {
  /// `VVVV:PPPP`: physical devices with these ids.
  case ids(VendorID, ProductID)
  /// `serial:TEXT`: the physical device with this serial number.
  case serial(String)
  /// `path:BUS-PORT[.PORT…]`: the physical device at this place.
  case path(PortPath)
  /// `usbip://HOST[:PORT][/BUSID]`: a device of a USB/IP server.
  case usbip(USBIPAddress)
  /// `virtual:PROFILE[?…]`: an emulated bootloader.
  case virtual(VirtualSelector)
  /// `replay:FILE`: the device's side of a recording.
  case replay(String)

  /// Reads a selector.
  ///
  /// - Throws: ``SelectorError`` with what is wrong and the forms that there are.
  public init(_ text: String) throws(SelectorError) {
    if let rest = text.dropping(prefix: "virtual:") {
      self = .virtual(try VirtualSelector(rest, whole: text))
    } else if let rest = text.dropping(prefix: "serial:") {
      guard !rest.isEmpty else { throw SelectorError(text, "there is no serial number after it") }
      self = .serial(rest)
    } else if let rest = text.dropping(prefix: "path:") {
      guard let path = PortPath(rest) else {
        throw SelectorError(text, "a path is BUS-PORT[.PORT…], for example path:1-4.2")
      }
      self = .path(path)
    } else if let rest = text.dropping(prefix: "usbip://") {
      do throws(USBIPAddressError) {
        self = .usbip(try USBIPAddress(rest))
      } catch {
        throw SelectorError(text, error.reason)
      }
    } else if let rest = text.dropping(prefix: "replay:") {
      guard !rest.isEmpty else { throw SelectorError(text, "there is no file after it") }
      self = .replay(rest)
    } else {
      let halves = text.split(separator: ":", omittingEmptySubsequences: false)
      guard halves.count == 2, let vendor = Self.id(halves[0]), let product = Self.id(halves[1])
      else { throw SelectorError(text, "it is none of the forms of a selector") }
      self = .ids(VendorID(vendor), ProductID(product))
    }
  }

  private static func id(_ text: Substring) -> UInt16? {
    let digits = text.hasPrefix("0x") || text.hasPrefix("0X") ? text.dropFirst(2) : text
    guard (1...4).contains(digits.count), digits.allSatisfy(\.isHexDigit) else { return nil }
    return UInt16(digits, radix: 16)
  }
}

/// The part of a selector behind `virtual:`.
public struct VirtualSelector: Hashable, Sendable {
  /// How time passes for the device.
  public enum Speed: String, Hashable, Sendable, CaseIterable {
    /// As on silicon.
    case real
    /// In simulated time: waiting costs nothing, and the device cannot tell.
    case instant
  }

  /// The name of a built-in profile, or the path of a description.
  public var profile: String
  /// The file that keeps the memories between runs; nil: they start blank.
  public var statePath: String?
  /// How time passes.
  public var speed: Speed
  /// The faults that happen while a host speaks to it.
  public var faults: FaultSchedule
  /// How long after the command has begun the board is plugged in; nil: it is there from the start.
  public var pluggedAfter: Duration?
  /// What is changed about the profile.
  public var options: [Option]

  /// Whether `profile` is a path: it has a slash in it, or ends in `.json`.
  public var namesFile: Bool { profile.contains("/") || profile.lowercased().hasSuffix(".json") }

  /// Something that is changed about a profile; `ProfileOption` of VirtualDFU knows what there is.
  public struct Option: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// Its value.
    public var value: String
  }

  init(_ text: String, whole: String) throws(SelectorError) {
    let halves = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    profile = String(halves[0])
    statePath = nil
    speed = .real
    faults = FaultSchedule()
    options = []
    guard !profile.isEmpty else { throw SelectorError(whole, "there is no profile after it") }
    guard halves.count == 2 else { return }
    var names: Set<Substring> = []
    for setting in halves[1].split(separator: "&", omittingEmptySubsequences: false) {
      let pair = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2, !pair[1].isEmpty else {
        throw SelectorError(whole, "“\(setting)” is not NAME=VALUE")
      }
      guard names.insert(pair[0]).inserted else {
        throw SelectorError(whole, "it says “\(pair[0])” twice")
      }
      let value = String(pair[1])
      switch pair[0] {
      case "state": statePath = value
      case "faults": faults = try Self.schedule(value, in: whole)
      case "speed": speed = try Self.choice(value, of: "speed", in: whole)
      case "plugged-after":
        guard let delay = typedSeconds(value) else {
          throw SelectorError(
            whole, "plugged-after is a number of seconds up to 86400, not “\(value)”")
        }
        pluggedAfter = delay
      default: options.append(Option(name: String(pair[0]), value: value))
      }
    }
  }

  private static func schedule(
    _ text: String, in whole: String
  ) throws(SelectorError) -> FaultSchedule {
    do throws(FaultScheduleError) {
      return try FaultSchedule(text)
    } catch {
      throw SelectorError(
        whole,
        "the fault “\(error.entry)”, at character \(error.offset) of faults, \(error.reason)",
        help: error.help)
    }
  }

  private static func choice<Value>(
    _ text: String, of name: String, in whole: String
  ) throws(SelectorError) -> Value
  where Value: RawRepresentable<String> & CaseIterable {
    guard let value = Value(rawValue: text) else {
      let choices = Value.allCases.map(\.rawValue).joined(separator: ", ")
      throw SelectorError(whole, "\(name) is one of \(choices), not “\(text)”")
    }
    return value
  }
}

/// A text that names no device.
public struct SelectorError: ExplainedError, Hashable {
  /// The text.
  public var text: String
  /// What is wrong with it.
  public var reason: String

  private let ownHelp: String?

  init(_ text: String, _ reason: String, help: String? = nil) {
    self.text = text
    self.reason = reason
    ownHelp = help
  }

  /// `selector`.
  public var slug: String { "selector" }

  /// The text, and what is wrong with it.
  public var sentence: String { "“\(text)” does not name a device: \(reason)." }

  /// The forms that there are.
  public var help: String? {
    ownHelp
      ?? """
      A device of this machine is named 0483:df11, serial:339C35543236 or path:1-4.2, as `dfu list \
      --any` shows; another one usbip://HOST[:PORT][/BUSID], \
      virtual:PROFILE[?state=FILE&speed=real|instant&faults=SPEC] or replay:FILE. PROFILE is a \
      built-in device, or a file that describes one, such as ./board.json.
      """
  }
}

/// A number of seconds as a person types it, `2` or `0.25`: up to a day, in milliseconds at the finest;
/// nil for anything else.
public func typedSeconds(_ text: some StringProtocol) -> Duration? {
  let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
  func isNumber(_ part: Substring, _ count: ClosedRange<Int>) -> Bool {
    count.contains(part.utf8.count) && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
  }
  guard let whole = parts.first.map({ Substring($0) }), isNumber(whole, 1...5),
    let seconds = Int64(whole)
  else { return nil }
  var milliseconds = seconds * 1000
  if parts.count == 2 {
    let fraction = Substring(parts[1])
    guard isNumber(fraction, 1...3),
      let value = Int64(fraction.padding(toCount: 3))
    else { return nil }
    milliseconds += value
  }
  return milliseconds <= 86_400_000 ? .milliseconds(milliseconds) : nil
}

extension Substring {
  fileprivate func padding(toCount count: Int) -> String {
    self + String(repeating: "0", count: Swift.max(0, count - self.count))
  }
}

extension String {
  /// What follows `prefix`; nil when the text does not begin with it.
  fileprivate func dropping(prefix: String) -> String? {
    hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
  }
}
