internal import DFUHost
public import USB

/// A device that was found, with what is needed to talk to it.
public struct FoundDevice: Sendable {
  /// What a person types to name it.
  public var selector: String
  /// What is known of it without opening it.
  public var info: DeviceInfo
  /// Where it is.
  public var host: any USBHost
  /// The time in which it lives.
  public var clock: AnyClock
  /// The emulated board, where it is one: to be kept after use.
  public var board: VirtualBoard?

  /// A device that was found.
  public init(
    selector: String, info: DeviceInfo, host: any USBHost, clock: AnyClock,
    board: VirtualBoard? = nil
  ) {
    self.selector = selector
    self.info = info
    self.host = host
    self.clock = clock
    self.board = board
  }
}

/// From selectors to devices.
///
/// Nothing falls back to a virtual device by itself, and no device is chosen among several.
public enum DeviceSearch {
  /// The devices that selectors name, in their order.
  ///
  /// - Parameters:
  ///   - selectors: as a person typed them; empty means the physical devices.
  ///   - waits: whether to wait until a device is there, instead of saying that there is none.
  /// - Returns: at least one device.
  /// - Throws: ``SelectorError``, ``BoardError``, ``FileError``, ``DeviceSearchError`` or `HostError`.
  public static func devices(
    _ selectors: [String], waits: Bool = false
  ) async throws -> [FoundDevice] {
    guard !selectors.isEmpty else { throw DeviceSearchError(.noneNamed) }
    // All of them are understood before the first is reached.
    let parsed = try selectors.map { (text: $0, selector: try DeviceSelector($0)) }
    var found: [FoundDevice] = []
    for (text, selector) in parsed {
      guard case .virtual(let virtual) = selector else {
        throw DeviceSearchError(.outOfReach(text))
      }
      let board = try VirtualBoard(virtual)
      let devices = try await attached(to: board.bus, waits: waits)
      found += devices.map {
        FoundDevice(selector: text, info: $0, host: board.bus, clock: board.clock, board: board)
      }
    }
    guard !found.isEmpty else { throw DeviceSearchError(.nothingThere(selectors)) }
    return found
  }

  /// The one device that selectors name.
  ///
  /// - Parameters:
  ///   - selectors: as a person typed them; empty means the physical devices.
  ///   - waits: whether to wait until a device is there.
  /// - Returns: the device.
  /// - Throws: as ``devices(_:waits:)``, and ``DeviceSearchError`` where more than one fits.
  public static func device(
    _ selectors: [String], waits: Bool = false
  ) async throws -> FoundDevice {
    try only(of: try await devices(selectors, waits: waits))
  }

  /// A device that has reset itself, when it is back in its place.
  ///
  /// - Parameters:
  ///   - found: the device as it was before.
  ///   - limit: how long it is waited for.
  /// - Returns: the new attachment; the old one where the device never went away.
  /// - Throws: ``DeviceSearchError`` where nothing is there in the end, `HostError`, or
  ///   `CancellationError`.
  public static func returned(
    _ found: FoundDevice, within limit: Duration = .seconds(60)
  ) async throws -> FoundDevice {
    let step = Duration.milliseconds(100)
    var waited = Duration.zero
    while true {
      let present = try await found.host.devices().first { $0.path == found.info.path }
      if let present, present.id != found.info.id || waited >= limit {
        var found = found
        found.info = present
        return found
      }
      guard waited < limit else { throw DeviceSearchError(.nothingThere([found.selector])) }
      try await found.clock.sleep(for: step)
      waited += step
    }
  }

  /// The one device of a list.
  ///
  /// - Parameter found: what fits.
  /// - Returns: the only one.
  /// - Throws: ``DeviceSearchError`` for none and for several, which it lists.
  public static func only(of found: [FoundDevice]) throws(DeviceSearchError) -> FoundDevice {
    guard let first = found.first else { throw DeviceSearchError(.nothingThere([])) }
    guard found.count == 1 || !HostRule.choosesNothing.isKept else {
      throw DeviceSearchError(
        .several(
          found.map { device in
            let ids = device.info.descriptor
            return "\(device.selector) (\(ids.vendor):\(ids.product) at \(device.info.path))"
          }))
    }
    return first
  }

  private static func attached(
    to host: some USBHost, waits: Bool
  ) async throws -> [DeviceInfo] {
    // Listening begins before looking, so that nothing comes unseen in between.
    let events = host.events()
    let present = try await host.devices()
    guard present.isEmpty, waits else { return present }
    for await event in events {
      if case .attached(let info) = event { return [info] }
    }
    return []
  }
}

/// Why no device, or not one device, was found.
public struct DeviceSearchError: ExplainedError, Hashable {
  /// What is wrong.
  public enum Reason: Hashable, Sendable {
    /// No selector was given, and there are no physical devices in reach.
    case noneNamed
    /// A selector of a kind that this version cannot reach.
    case outOfReach(String)
    /// The selectors name nothing that is attached.
    case nothingThere([String])
    /// More than one device fits.
    case several([String])
  }

  /// What is wrong.
  public var reason: Reason

  /// An error.
  public init(_ reason: Reason) { self.reason = reason }

  /// A stable name for the kind of error.
  public var slug: String {
    switch reason {
    case .noneNamed: "no-device-named"
    case .outOfReach: "out-of-reach"
    case .nothingThere: "no-device"
    case .several: "several-devices"
    }
  }

  /// What happened.
  public var sentence: String {
    switch reason {
    case .noneNamed: "No device is named, and this version reaches virtual devices only."
    case .outOfReach(let text):
      "“\(text)” names a device that this version cannot reach: it reaches virtual devices only."
    case .nothingThere(let names):
      "Nothing is attached that \(names.joined(separator: ", ")) names."
    case .several(let names):
      "\(names.count) devices fit, and none is chosen for you: \(names.joined(separator: "; "))."
    }
  }

  /// What to do next.
  public var help: String? {
    switch reason {
    case .noneNamed, .outOfReach:
      "Name one, for example -d 'virtual:stm32f407?state=board.bin'. Physical devices and USB/IP come "
        + "in a later version."
    case .nothingThere: nil
    case .several: "Name one of them with a single -d."
    }
  }
}
