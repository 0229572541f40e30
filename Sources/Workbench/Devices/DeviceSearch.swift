public import Captures
internal import SystemPackage
public import USB
internal import VirtualUSB

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
  /// The recording that is played back, where the device is one of a recording.
  public var replay: Replayed?
  /// Where everything is recorded, if it is.
  public var recording: RecordingFile?

  /// A device that was found.
  public init(
    selector: String, info: DeviceInfo, host: any USBHost, clock: AnyClock,
    board: VirtualBoard? = nil, replay: Replayed? = nil, recording: RecordingFile? = nil
  ) {
    self.selector = selector
    self.info = info
    self.host = host
    self.clock = clock
    self.board = board
    self.replay = replay
    self.recording = recording
  }

  /// A recording that is played back.
  public struct Replayed: Sendable {
    /// The host of the recording: what differs, what is not used.
    public var host: ReplayHost
    /// The line in which the recording was cut off; nil where it was not.
    public var cutLine: Int?
  }
}

/// Where everything that passes to and from a device is to be recorded.
public struct RecordingRequest: Hashable, Sendable {
  /// The file.
  public var output: OutputFile
  /// The program that records, with its version.
  public var program: String

  /// A request.
  public init(_ output: OutputFile, program: String) {
    self.output = output
    self.program = program
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
  ///   - record: where everything is recorded, the search included; for one selector only.
  /// - Returns: at least one device.
  /// - Throws: ``SelectorError``, ``BoardError``, ``FileError``, ``ReplayFileError``,
  ///   ``DeviceSearchError``, `HostError`, or `CancellationError` while waiting.
  public static func devices(
    _ selectors: [String], waits: Bool = false, record: RecordingRequest? = nil
  ) async throws -> [FoundDevice] {
    guard !selectors.isEmpty else { throw DeviceSearchError(.noneNamed) }
    // All of them are understood before the first is reached.
    let parsed = try selectors.map { (text: $0, selector: try DeviceSelector($0)) }
    guard record == nil || parsed.count == 1 else {
      throw DeviceSearchError(.severalRecorded(parsed.count))
    }
    var found: [FoundDevice] = []
    for (text, selector) in parsed {
      var place = try place(of: selector, named: text)
      if let record {
        let file = try RecordingFile(record.output, program: record.program, selector: text)
        place.host = file.host(recording: place.host, clock: place.clock)
        place.recording = file
      }
      found += try await attached(to: place.host, waits: waits).map { info in
        FoundDevice(
          selector: text, info: info, host: place.host, clock: place.clock, board: place.board,
          replay: place.replay, recording: place.recording)
      }
    }
    guard !found.isEmpty else { throw DeviceSearchError(.nothingThere(selectors)) }
    return found
  }

  /// Where the devices of a selector are.
  private struct Place {
    var host: any USBHost
    var clock: AnyClock
    var board: VirtualBoard?
    var replay: FoundDevice.Replayed?
    var recording: RecordingFile?
  }

  private static func place(of selector: DeviceSelector, named text: String) throws -> Place {
    switch selector {
    case .virtual(let virtual):
      let board = try VirtualBoard(virtual)
      return Place(host: board.bus, clock: board.clock, board: board)
    case .replay(let file):
      let document = try ReplayFile.read(FilePath(file))
      // In simulated time: the pauses of the recording cost nothing.
      let clock = AnyClock(SimulatedClock())
      let host = ReplayHost(document, clock: clock)
      return Place(
        host: host, clock: clock,
        replay: FoundDevice.Replayed(host: host, cutLine: document.cutLine))
    case .ids, .serial, .path, .usbip: throw DeviceSearchError(.outOfReach(text))
    }
  }

  /// The one device that selectors name.
  ///
  /// - Parameters:
  ///   - selectors: as a person typed them; empty means the physical devices.
  ///   - waits: whether to wait until a device is there.
  ///   - record: where everything is recorded.
  /// - Returns: the device.
  /// - Throws: as ``devices(_:waits:record:)``, and ``DeviceSearchError`` where more than one fits.
  public static func device(
    _ selectors: [String], waits: Bool = false, record: RecordingRequest? = nil
  ) async throws -> FoundDevice {
    try only(of: try await devices(selectors, waits: waits, record: record))
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
    guard found.count == 1 else {
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
    try Task.checkCancellation()
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
    /// A recording of several selectors was asked for.
    case severalRecorded(Int)
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
    case .severalRecorded: "several-recorded"
    }
  }

  /// What happened.
  public var sentence: String {
    switch reason {
    case .noneNamed:
      "No device is named, and this version reaches virtual devices and recordings only."
    case .outOfReach(let text):
      "“\(text)” names a device that this version cannot reach: it reaches virtual devices and "
        + "recordings only."
    case .nothingThere(let names):
      "Nothing is attached that \(names.joined(separator: ", ")) names."
    case .several(let names):
      "\(names.count) devices fit, and none is chosen for you: \(names.joined(separator: "; "))."
    case .severalRecorded(let count):
      "A recording is of one device, and \(count) are named."
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
    case .severalRecorded: "Record them one after the other."
    }
  }
}
