internal import Reports
public import USB
internal import USBIP

/// Why no device, or not one device, was found.
public struct DeviceSearchError: ExplainedError, Hashable {
  /// What is wrong.
  public enum Reason: Hashable, Sendable {
    /// The selectors name nothing that is attached.
    case nothingThere([String])
    /// A selector names none of the devices of this machine.
    case noneNamed(String, SeenDevices)
    /// None of the devices of this machine has a DFU interface.
    case noDFU(SeenDevices)
    /// The devices that a selector names have no DFU interface.
    case notDFU(String, SeenDevices, Nature)
    /// A USB/IP server offers nothing that a selector names.
    case notOffered(String, SeenDevices)
    /// More than one device fits.
    case several([String])
    /// Nothing that fits has come in time. The selector is empty where none was given.
    case notInTime(String, DeviceWait, DeviceSearch.Kind)
    /// The wait was interrupted. The selector is empty where none was given.
    case stopped(String)
    /// A recording of several selectors was asked for.
    case severalRecorded(Int)
  }

  /// What a device without a DFU interface is, as far as advice depends on it.
  public enum Nature: Hashable, Sendable {
    /// One of ST's debuggers.
    case debugger
    /// A hub.
    case hub
    /// Something whose descriptors could not be read.
    case unreadable
    /// Anything else.
    case application
  }

  /// What is wrong.
  public var reason: Reason

  /// An error.
  public init(_ reason: Reason) { self.reason = reason }

  /// A stable name for the kind of error.
  public var slug: String {
    switch reason {
    case .nothingThere, .noneNamed, .noDFU, .notOffered: "no-device"
    case .notDFU: "not-dfu"
    case .several: "several-devices"
    case .notInTime: "not-in-time"
    case .stopped: "interrupted"
    case .severalRecorded: "several-recorded"
    }
  }

  /// What happened.
  public var sentence: String {
    switch reason {
    case .nothingThere(let names):
      "Nothing is attached that \(names.joined(separator: ", ")) names."
    case .noneNamed(let text, let seen): "\(text) names none of what is attached: \(seen.words)."
    case .noDFU(let seen):
      seen.count == 0
        ? "No USB device is attached to this machine."
        : seen.count == 1
          ? "One USB device is attached, and it has no DFU interface: \(seen.list)."
          : "\(seen.count) USB devices are attached, and none has a DFU interface: \(seen.list)."
    case .notDFU(let text, let seen, _):
      seen.count == 1
        ? "\(text) names \(seen.list), and that has no DFU interface."
        : "\(text) names \(seen.count) devices, and none has a DFU interface: \(seen.list)."
    case .notOffered(let text, let seen):
      seen.count == 0
        ? "The server of \(text) offers no device."
        : "The server of \(text) offers \(seen.list), and nothing else."
    case .several(let names):
      "\(names.count) devices fit, and none is chosen for you: \(names.joined(separator: "; "))."
    case .notInTime(let name, let wait, let kind):
      "No \(wait.isForNew ? "new " : "")\(Self.noun(wait, kind))"
        + (name.isEmpty ? " " : " that \(name) names ")
        + "\(wait.isForNew ? "has come" : "was there") within \(durationText(wait.limit))."
    case .stopped(let name):
      "Stopped while waiting for \(name.isEmpty ? "a device" : name); nothing has been changed."
    case .severalRecorded(let count):
      "A recording, or a capture, is of one device, and \(count) are named."
    }
  }

  private static func noun(_ wait: DeviceWait, _ kind: DeviceSearch.Kind) -> String {
    if wait.needsDFUMode { return "device in DFU mode" }
    return kind == .dfu ? "DFU device" : "device"
  }

  /// What to do next.
  public var help: String? {
    switch reason {
    case .nothingThere, .stopped: nil
    case .noneNamed(_, let seen):
      seen.count == 0 ? Self.emptyHelp : "Name one of them; `dfu list --any` shows all there are."
    case .noDFU(let seen):
      seen.count == 0
        ? Self.emptyHelp
        : "Start the bootloader of the board, with its button or a jumper, and check its cable. "
          + "`dfu list --any` shows all devices; a virtual one is named with -d."
    case .notDFU(_, _, let nature): Self.help(nature)
    case .notOffered:
      "A server lists what it shares and nobody has imported: `usbipd list` and `usbipd bind` on Windows, "
        + "`usbip bind` on Linux. A device that changes its ids, as one that detaches does, has to be "
        + "shared again."
    case .notInTime(_, let wait, _):
      wait.needsDFUMode
        ? "Start its bootloader, with its button or with `dfu detach`, and wait again."
        : "Plug it in, and wait again."
    case .several: "Name one of them with a single -d."
    case .severalRecorded: "Record them one after the other."
    }
  }

  private static let emptyHelp =
    "Check the cable. A container, a virtual machine and WSL get their USB devices from outside. A "
    + "virtual device is named with -d, for example -d virtual:stm32f407."

  private static func help(_ nature: Nature) -> String {
    switch nature {
    case .debugger:
      "It is an ST-Link, a debugger: name the part's own USB port, with its bootloader started "
        + "(BOOT0 high while it is reset)."
    case .hub: "It is a hub: name a device behind it. `dfu list --any` shows them."
    case .unreadable:
      "Its configuration could not be read: unplug it, plug it in again, and look with "
        + "`dfu list --any`."
    case .application:
      "If it is the application of your board, start the bootloader, with its button or a jumper: it "
        + "comes with other ids, at the same place."
    }
  }
}

/// Devices that were seen: how many, and the first of them in words.
public struct SeenDevices: Hashable, Sendable {
  /// How many there are.
  public var count: Int
  /// What they are, a few of them at most.
  public var names: [String]

  /// How many are named.
  static let maximumNames = 5

  /// The devices, hubs behind the others.
  init(_ devices: [DeviceInfo]) {
    count = devices.count
    let ordered = devices.filter { !$0.isHub } + devices.filter(\.isHub)
    names = ordered.prefix(Self.maximumNames).map(\.shortWords)
  }

  /// Those that are named, and how many there are beside.
  var list: String {
    let others = count - names.count
    return listText(others > 0 ? names + ["\(others) more"] : names)
  }

  /// The same, where nothing is said of them.
  var words: String { count == 0 ? "there is no USB device" : list }
}

extension USBIPHost {
  /// Why nothing fits of what this server has.
  func nothingFits(
    _ choice: DeviceFilter.Choice, typed: String
  ) async throws(HostError) -> any Error {
    // What could not be looked at may be the one that is meant.
    if let refusal = choice.refusal { return refusal }
    if !choice.named.isEmpty { return DeviceFilter.notDFU(choice, typed) }
    var address = address
    address.busID = nil
    let others = try await USBIPHost(address, clock: AnyClock(ContinuousClock())).devices()
    return DeviceSearchError(.notOffered(typed, SeenDevices(others)))
  }
}

extension DeviceFilter {
  /// Why nothing of what a selector names is of use.
  fileprivate static func notDFU(_ choice: Choice, _ typed: String) -> DeviceSearchError {
    let natures = Set(choice.named.map(\.nature))
    return DeviceSearchError(
      .notDFU(
        typed, SeenDevices(choice.named),
        natures.count == 1 ? natures.first ?? .application : .application))
  }

  /// Why nothing fits.
  func error(_ choice: Choice, seen devices: [DeviceInfo], typed: String) -> any Error {
    if name == .everything { return DeviceSearchError(.noDFU(SeenDevices(devices))) }
    if choice.named.isEmpty {
      // A device that may be the one and could not be asked is told of first.
      return choice.refusal ?? DeviceSearchError(.noneNamed(typed, SeenDevices(devices)))
    }
    return Self.notDFU(choice, typed)
  }
}

extension DeviceInfo {
  /// What it is, where it cannot be used.
  fileprivate var nature: DeviceSearchError.Nature {
    if isHub { return .hub }
    if configurations.isEmpty { return .unreadable }
    return isDebugger ? .debugger : .application
  }

  /// Ids, place and what is known beside, in few words.
  fileprivate var shortWords: String {
    let name = productName.map { "“\($0)”, " } ?? (isDebugger ? "ST-Link, " : "")
    return "\(ids) at \(path) (\(name)\(classWords))"
  }

  /// Whether it is an ST-Link (its firmware's ids, as OpenOCD's `stlink_usb.c` lists them).
  private var isDebugger: Bool {
    let products: Set<UInt16> = [
      0x3744, 0x3748, 0x374A, 0x374B, 0x374D, 0x374E, 0x374F, 0x3752, 0x3753, 0x3754, 0x3755,
      0x3757,
    ]
    return descriptor.vendor == .stMicroelectronics
      && products.contains(descriptor.product.rawValue)
  }
}
