internal import Captures
internal import LibUSB
internal import SystemPackage
internal import USB
internal import USBIP
internal import VirtualUSB

/// Where the devices of a selector are, and which of those there it means.
struct SearchPlace {
  var host: any USBHost
  var clock: AnyClock
  var filter = DeviceFilter.everything
  /// Whether its devices are those of this machine, which have selectors of their own.
  var isPhysical = false
  /// The server, where the devices are those of one.
  var remote: USBIPHost?
  var board: VirtualBoard?
  var replay: FoundDevice.Replayed?
  var recording: RecordingFile?
  var capture: CaptureOutput?

  /// A device that was found here.
  func found(_ info: DeviceInfo, typed: String) -> FoundDevice {
    FoundDevice(
      selector: selector(of: info, typed: typed), typed: typed, info: info, host: host,
      clock: clock, board: board, replay: replay, recording: recording,
      capture: capture)
  }

  /// Sees to it that what passes to and from its devices is kept.
  mutating func keep(_ request: RecordingRequest, typed text: String) throws(FileError) {
    if let output = request.output {
      let file = try RecordingFile(output, program: request.program, selector: text)
      host = file.host(recording: host, clock: clock)
      recording = file
    }
    if let output = request.capture {
      // What is played back, or lives in simulated time, is of no day.
      let start = isShared ? CaptureOutput.now : 0
      let file = CaptureOutput(output, program: request.program, start: start)
      host = file.host(capturing: host, clock: clock)
      capture = file
    }
  }

  /// What names a device and nothing else. Ids and serial number may be those of others too, and may change;
  /// the place stays.
  private func selector(of info: DeviceInfo, typed: String) -> String {
    if isPhysical { return "path:\(info.path)" }
    guard let remote, let busID = remote.busID(of: info.id) else { return typed }
    var address = remote.address
    address.busID = busID
    return "usbip://\(address)"
  }

  /// Whether the devices have their host to themselves, so that none of them has to be chosen.
  var isShared: Bool { isPhysical || remote != nil }
}

/// Makes the hosts of one search; that of this machine once for all selectors, and only where one of them
/// needs it.
struct SearchPlaces {
  private let makePhysical: () throws -> (any USBHost, AnyClock)
  private var physical: (any USBHost, AnyClock)?

  /// The places that there are.
  init() {
    makePhysical = {
      let clock = AnyClock(ContinuousClock())
      return (try LibUSBHost(clock: clock), clock)
    }
  }

  /// Places where other devices stand for those of this machine.
  init(physical host: any USBHost, _ clock: AnyClock) { makePhysical = { (host, clock) } }

  /// The place of a selector.
  ///
  /// - Parameters:
  ///   - selector: what was named; nil where nothing was.
  ///   - text: as it was typed.
  /// - Returns: the place.
  /// - Throws: where its host cannot be made.
  mutating func place(of selector: DeviceSelector?, typed text: String) throws -> SearchPlace {
    switch selector {
    case .virtual(let virtual):
      let board = try VirtualBoard(virtual)
      return SearchPlace(host: board.bus, clock: board.clock, board: board)
    case .replay(let file):
      let document = try ReplayFile.read(FilePath(file))
      // In simulated time: the pauses of the recording cost nothing.
      let clock = AnyClock(SimulatedClock())
      let host = ReplayHost(document, clock: clock)
      return SearchPlace(
        host: host, clock: clock, filter: try Self.filter(of: document.recording),
        replay: FoundDevice.Replayed(host: host, cutLine: document.cutLine))
    case .usbip(let address):
      // A server lives in real time.
      let clock = AnyClock(ContinuousClock())
      let remote = USBIPHost(address, clock: clock)
      return SearchPlace(
        host: remote, clock: clock, filter: DeviceFilter(name: .everything, needsDFU: true),
        remote: remote)
    case nil, .ids, .serial, .path:
      let (host, clock) = try physical ?? makePhysical()
      physical = (host, clock)
      return SearchPlace(
        host: host, clock: clock,
        filter: DeviceFilter.shared(selector) ?? .everything, isPhysical: true)
    }
  }

  /// A recording of this machine has all its devices in it; the same one is meant again.
  private static func filter(of recording: Recording) throws -> DeviceFilter {
    guard let text = recording.selector else { return .everything }
    guard !text.isEmpty else { return DeviceFilter.shared(nil) ?? .everything }
    return DeviceFilter.shared(try? DeviceSelector(text)) ?? .everything
  }
}
