public import Captures
public import DFU
internal import DFUHost
internal import Reports
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
  /// The device as it was at run time, where it was detached to be used.
  public var cameFrom: DeviceInfo?
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
  ///   - wait: for what to wait, instead of saying that there is nothing; nil does not wait.
  ///   - record: where everything is recorded, the search included; for one selector only.
  ///   - onWait: is told when a wait begins.
  /// - Returns: at least one device.
  /// - Throws: ``SelectorError``, ``BoardError``, ``FileError``, ``ReplayFileError``,
  ///   ``DeviceSearchError``, `HostError`, or `CancellationError` while waiting.
  public static func devices(
    _ selectors: [String], waiting wait: DeviceWait? = nil, record: RecordingRequest? = nil,
    onWait: () -> Void = {}
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
      let devices = try await attached(
        to: place.host, clock: place.clock, wait, named: text, onWait)
      found += devices.map { info in
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
  ///   - wait: for what to wait; nil does not wait.
  ///   - record: where everything is recorded.
  ///   - onWait: is told when a wait begins.
  /// - Returns: the device.
  /// - Throws: as ``devices(_:waiting:record:onWait:)``, and ``DeviceSearchError`` where more than one fits.
  public static func device(
    _ selectors: [String], waiting wait: DeviceWait? = nil, record: RecordingRequest? = nil,
    onWait: () -> Void = {}
  ) async throws -> FoundDevice {
    try only(
      of: try await devices(selectors, waiting: wait, record: record, onWait: onWait))
  }

  /// The one device of a list.
  ///
  /// Among the devices of one selector those whose application runs do not compete with one that is in
  /// DFU mode: their owners may not even know that they have a DFU interface.
  ///
  /// - Parameter found: what fits.
  /// - Returns: the only one, or the only one in DFU mode.
  /// - Throws: ``DeviceSearchError`` for none and for several, which it lists.
  public static func only(of found: [FoundDevice]) throws(DeviceSearchError) -> FoundDevice {
    guard let first = found.first else { throw DeviceSearchError(.nothingThere([])) }
    if found.count == 1 || !HostRule.choosesNothing.isKept { return first }
    if Set(found.map(\.selector)).count == 1 {
      let inDFUMode = found.filter { $0.mode == .dfu }
      let isCertain = found.allSatisfy { $0.mode == .dfu || $0.mode == .runtime }
      if isCertain, inDFUMode.count == 1 { return inDFUMode[0] }
    }
    throw DeviceSearchError(
      .several(
        found.map { device in
          let mode = device.mode == .runtime ? ", its application runs" : ""
          return "\(device.selector) (\(device.info.ids) at \(device.info.path)\(mode))"
        }))
  }

  private static func attached(
    to host: some USBHost, clock: AnyClock, _ wait: DeviceWait?, named selector: String,
    _ onWait: () -> Void
  ) async throws -> [DeviceInfo] {
    guard let wait else { return try await host.devices() }
    // Listening begins before looking, so that nothing comes unseen in between.
    let watch = HostWatch(host, clock: clock)
    let present = try await host.devices()
    var known: Set<USB.DeviceID> = wait.isForNew ? Set(present.map(\.id)) : []
    let deadline = clock.now.advanced(by: wait.limit)
    var arrived = present
    var isTold = false
    while true {
      var fitting: [DeviceInfo] = []
      for info in arrived where known.insert(info.id).inserted {
        if try await wait.accepts(info, on: host, clock: clock) { fitting.append(info) }
      }
      if !fitting.isEmpty { return fitting }
      if !isTold { onWait() }
      isTold = true
      switch try await watch.next(until: deadline) {
      case .attached(let info)?: arrived = [info]
      case .detached?: arrived = []
      case .present(let devices, let isOver)?:
        arrived = devices
        let isNew = devices.contains { !known.contains($0.id) }
        if isOver, !isNew { throw DeviceSearchError(.notInTime(selector, wait)) }
      case nil: throw DeviceSearchError(.stopped(selector))
      }
    }
  }
}

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

  fileprivate func accepts(
    _ info: DeviceInfo, on host: any USBHost, clock: AnyClock
  ) async throws -> Bool {
    guard needsDFUMode else { return true }
    switch await Returned(info, on: host, clock: clock) {
    case .bootloader?, .unclear?: return true
    case .runtime?, .application?, .stayed?, .nothing?, nil: return false
    }
  }
}

extension FoundDevice {
  /// Whether its application or its bootloader runs, as far as its descriptors tell; nil where it has no
  /// DFU interface.
  public var mode: DFUMode? {
    let device = info.descriptor
    let quirks = DFUQuirks.quirks(
      vendor: device.vendor, product: device.product, version: device.deviceVersion)
    return info.configurations.lazy.flatMap(DFUFunction.find(in:)).first?.mode(quirks: quirks)
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
    /// Nothing that fits has come in time.
    case notInTime(String, DeviceWait)
    /// The wait was interrupted.
    case stopped(String)
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
    case .notInTime: "not-in-time"
    case .stopped: "interrupted"
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
    case .notInTime(let name, let wait):
      "No \(wait.isForNew ? "new device" : "device")\(wait.needsDFUMode ? " in DFU mode" : "") that "
        + "\(name) names \(wait.isForNew ? "has come" : "was there") within \(durationText(wait.limit))."
    case .stopped(let name): "Stopped while waiting for \(name); nothing has been changed."
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
    case .nothingThere, .stopped: nil
    case .notInTime(_, let wait):
      wait.needsDFUMode
        ? "Start its bootloader, with its button or with `dfu detach`, and wait again."
        : "Plug it in, and wait again."
    case .several: "Name one of them with a single -d."
    case .severalRecorded: "Record them one after the other."
    }
  }
}
