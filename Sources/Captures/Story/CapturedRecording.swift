public import USB

/// A capture as a recording: one of its devices, to be played back.
///
/// A capture does not have all that a recording has. Which interfaces were claimed follows from what was asked
/// of them, and that the device was opened and closed is told once. The place of the device is made of its
/// address. What the system did on its own account before the program began, as Linux does when a device is
/// plugged in, is left out, for no program repeats it; where this program captured there is no such thing.
public struct CapturedRecording: Hashable, Sendable {
  /// The recording.
  public var recording: Recording
  /// Where the device was in the capture, `BUS.ADDRESS`.
  public var device: String
  /// How many transfers it has.
  public var transfers: Int
  /// The packet before which it ends, since bytes of that are missing in the capture; nil where it is whole.
  public var endsBefore: Int?

  /// The serial number that stands for one that the host knew and the capture does not have.
  static let unknownSerialNumber = "(not captured)"

  /// Makes a recording of a capture.
  ///
  /// - Parameters:
  ///   - capture: the file.
  ///   - place: `BUS.ADDRESS` of the device; nil for the only one, or the only one with a DFU interface.
  /// - Throws: ``CapturedRecordingError``.
  public init(_ capture: CaptureFile, device place: String? = nil) throws(CapturedRecordingError) {
    let all = capture.transfers
    let known = CaptureOwners(all)
    let index = try Self.choose(known, place, all)
    let device = known.devices[index]
    guard let descriptor = device.descriptor else {
      throw CapturedRecordingError(.notDescribed(device.place))
    }
    let own = zip(all, known.owners).filter { $0.1 == index }.map(\.0)
    let isOurs = capture.program?.hasPrefix("dfu ") ?? false
    let played = isOurs ? own.filter { !$0.isInjected } : Self.withoutEnumeration(own)
    let id = DeviceID(rawValue: 1)
    let path = PortPath(
      bus: Int(device.bus), ports: [UInt8(max(1, device.address & 0x7F))])
    var info = DeviceInfo(
      id: id, path: path, address: UInt8(device.address & 0x7F), speed: device.likelySpeed,
      descriptor: descriptor, configurations: device.configurations,
      activeConfiguration: device.activeConfiguration ?? device.configurations.first?.value)
    info.serialNumber = Self.serialNumber(of: device, played)
    self.device = device.place
    var tape = CapturedTape(start: played.first?.nanoseconds ?? 0)
    tape.add(.attached(info))
    tape.add(.listed([id]))
    tape.add(.opened(id, handle: 1))
    for transfer in played {
      guard tape.canTake(transfer) else {
        endsBefore = transfer.packets.lowerBound
        break
      }
      tape.take(transfer, among: device.interfaces)
    }
    transfers = tape.transfers
    let isGone = played.last?.status?.meaning == .disconnected && endsBefore == nil
    recording = Recording(program: capture.program, events: tape.finish(isGone ? (id, path) : nil))
  }

  static func choose(
    _ known: CaptureOwners, _ place: String?, _ transfers: [CapturedTransfer]
  ) throws(CapturedRecordingError) -> Int {
    var counts = [Int](repeating: 0, count: known.devices.count)
    for (transfer, owner) in zip(transfers, known.owners) where !transfer.isInjected {
      counts[owner] += 1
    }
    let words = known.devices.map { $0.place + ($0.ids.map { " (\($0))" } ?? "") }
    if let place {
      let named = known.devices.indices.filter { known.devices[$0].place == place }
      // An address may have been given twice; who did more is meant.
      guard let best = named.max(by: { counts[$0] < counts[$1] }) else {
        throw CapturedRecordingError(.notThere(place, words))
      }
      return best
    }
    let described = known.devices.indices.filter { known.devices[$0].descriptor != nil }
    let dfu = described.filter { !CapturedDFU(known.devices[$0]).interfaces.isEmpty }
    for candidates in [dfu.filter { counts[$0] > 0 }, dfu, described] where candidates.count == 1 {
      return candidates[0]
    }
    throw CapturedRecordingError(
      known.devices.isEmpty ? .nothingThere : .several(words))
  }

  /// What a program did, without what the system did before.
  private static func withoutEnumeration(_ transfers: [CapturedTransfer]) -> [CapturedTransfer] {
    var rest = transfers.filter { !$0.isInjected }[...]
    func request(_ transfer: CapturedTransfer, _ type: UInt8, _ request: StandardRequest) -> Bool {
      transfer.setup?.requestType.rawValue == type
        && transfer.setup?.request == request.rawValue
    }
    if rest.contains(where: { request($0, 0, .setAddress) }),
      let last = rest.firstIndex(where: { request($0, 0, .setConfiguration) })
    {
      rest = rest[(last + 1)...]
    }
    // libusb has Linux read the descriptors anew when it lists.
    rest = rest.drop { transfer in
      guard request(transfer, 0x80, .getDescriptor), let value = transfer.setup?.value else {
        return false
      }
      return DescriptorType(rawValue: UInt8(value >> 8)) != .string
    }
    return Array(rest)
  }

  /// What the host knew of it without asking.
  private static func serialNumber(
    of device: CapturedDevice, _ played: [CapturedTransfer]
  ) -> String? {
    guard let index = device.descriptor?.serialNumberIndex, index != 0 else { return nil }
    let isAsked = played.contains {
      $0.setup?.requestType.rawValue == 0x80
        && $0.setup?.request == StandardRequest.getDescriptor.rawValue
        && $0.setup?.value == UInt16(DescriptorType.string.rawValue) << 8 | UInt16(index)
    }
    return isAsked ? nil : device.serialNumber ?? unknownSerialNumber
  }
}

extension CapturedDevice {
  /// No capture tells the speed; a packet size may.
  var likelySpeed: USBSpeed {
    guard let descriptor else { return .full }
    if descriptor.maxPacketSize0 == 9 { return .superSpeed }
    let endpoints = configurations.flatMap(\.interfaces).flatMap(\.endpoints)
    if endpoints.contains(where: { $0.maxPacketSize & 0x7FF >= 512 && $0.attributes & 3 == 2 }) {
      return .high
    }
    return descriptor.maxPacketSize0 == 8 && descriptor.usbVersion < BCDVersion(0x0200)
      && endpoints.allSatisfy { $0.maxPacketSize <= 8 } && !endpoints.isEmpty ? .low : .full
  }
}

/// Puts what was captured on the tape of a recording, in order of time.
private struct CapturedTape {
  private struct Entry {
    var time: Int64
    var packet: Int
    var kind: Recording.Kind
  }

  private let start: Int64
  private var entries: [Entry] = []
  private var claimed: [UInt8] = []
  private var bytes = 0
  private(set) var transfers = 0

  init(start: Int64) { self.start = start }

  mutating func add(_ kind: Recording.Kind) {
    entries.append(Entry(time: 0, packet: 0, kind: kind))
  }

  /// Whether all of a transfer is there, and it has its place in a recording.
  func canTake(_ transfer: CapturedTransfer) -> Bool {
    let data = max(transfer.received.count, transfer.sent.count)
    return !transfer.isTruncated && data <= Recording.maximumDataLength
      && bytes + data <= Recording.maximumTotalLength
      && entries.count + 4 <= Recording.maximumEventCount
  }

  mutating func take(
    _ transfer: CapturedTransfer, among interfaces: [UInt8: UInt8]
  ) {
    guard transfer.submitted != nil, let call = Self.call(transfer) else { return }
    bytes += max(transfer.received.count, transfer.sent.count)
    transfers += 1
    let time = min(max(0, transfer.nanoseconds - start), Recording.maximumNanoseconds)
    let packet = transfer.packets.lowerBound
    if let interface = Self.interface(call, interfaces), !claimed.contains(interface) {
      claimed.append(interface)
      claim(.claim(interface), at: time, packet)
    }
    let number = UInt32(entries.count)
    entries.append(
      Entry(time: time, packet: packet, kind: .began(number: number, handle: 1, call)))
    guard let ended = transfer.ended, let status = transfer.status else { return }
    let end = min(max(time, ended - start), Recording.maximumNanoseconds)
    entries.append(
      Entry(
        time: end, packet: transfer.packets.upperBound,
        kind: .ended(number: number, Self.outcome(call, status, transfer))))
  }

  private mutating func claim(_ call: DeviceCall, at time: Int64, _ packet: Int) {
    let number = UInt32(entries.count)
    entries.append(
      Entry(time: time, packet: packet, kind: .began(number: number, handle: 1, call)))
    entries.append(Entry(time: time, packet: packet, kind: .ended(number: number, .done)))
  }

  /// The events in order, with the end of it.
  mutating func finish(_ gone: (DeviceID, PortPath)?) -> [Recording.Event] {
    // Packets of several processors may be out of order; equal times keep theirs.
    var ordered = entries.enumerated().sorted {
      ($0.element.time, $0.element.packet, $0.offset)
        < ($1.element.time, $1.element.packet, $1.offset)
    }.map(\.element)
    let last = ordered.last?.time ?? 0
    if let gone {
      ordered.append(Entry(time: last, packet: 0, kind: .detached(gone.0, gone.1)))
    } else {
      entries = []
      for interface in claimed { claim(.release(interface), at: last, 0) }
      claim(.close, at: last, 0)
      // Their numbers are behind those that are there.
      let offset = UInt32(ordered.count)
      ordered += entries.map { entry in
        var entry = entry
        switch entry.kind {
        case .began(let number, let handle, let call):
          entry.kind = .began(number: number + offset, handle: handle, call)
        case .ended(let number, let outcome):
          entry.kind = .ended(number: number + offset, outcome)
        default: break
        }
        return entry
      }
    }
    return ordered.map { Recording.Event(nanoseconds: $0.time, $0.kind) }
  }

  private static func call(_ transfer: CapturedTransfer) -> DeviceCall? {
    let endpoint = transfer.endpoint
    switch transfer.kind {
    case .control:
      guard let setup = transfer.setup else { return nil }
      let low = UInt8(truncatingIfNeeded: setup.value)
      let index = UInt8(truncatingIfNeeded: setup.index)
      switch setup {
      case .setConfiguration(low): return .setConfiguration(low)
      case .setInterface(index, alternateSetting: low):
        return .setAlternateSetting(low, interface: index)
      case .clearHalt(endpoint: index): return .clearHalt(index)
      default: return transfer.isIn ? .controlIn(setup) : .controlOut(setup, transfer.sent)
      }
    case .bulk:
      return transfer.isIn
        ? .bulkIn(endpoint, length: transfer.requestedLength ?? 0)
        : .bulkOut(endpoint, transfer.sent)
    case .interrupt:
      return transfer.isIn
        ? .interruptIn(endpoint, length: transfer.requestedLength ?? 0)
        : .interruptOut(endpoint, transfer.sent)
    case .isochronous, .other: return nil
    }
  }

  /// The interface that has to be claimed for a call.
  private static func interface(
    _ call: DeviceCall, _ interfaces: [UInt8: UInt8]
  ) -> UInt8? {
    switch call {
    case .setAlternateSetting(_, let number): return number
    case .controlIn(let setup), .controlOut(let setup, _):
      return setup.requestType.recipient == .interface && setup.requestType.kind == .class
        ? UInt8(truncatingIfNeeded: setup.index) : nil
    case .bulkIn(let endpoint, _), .bulkOut(let endpoint, _), .interruptIn(let endpoint, _),
      .interruptOut(let endpoint, _):
      return interfaces[endpoint]
    default: return nil
    }
  }

  private static func outcome(
    _ call: DeviceCall, _ status: CaptureStatus, _ transfer: CapturedTransfer
  ) -> CallOutcome {
    switch status.meaning {
    case .success: break
    case .stall: return .failed(.stall, detail: nil)
    case .noAnswer: return .failed(.timeout, detail: nil)
    case .disconnected: return .failed(.disconnected, detail: nil)
    case .broken: return .failed(.protocolError, detail: status.name)
    case .overflow: return .failed(.overflow, detail: nil)
    case .failed: return .failed(.other, detail: status.name)
    }
    switch call {
    case .controlIn, .bulkIn, .interruptIn: return .received(transfer.received)
    case .bulkOut, .interruptOut:
      return .sent(min(transfer.actualLength ?? transfer.sent.count, transfer.sent.count))
    default: return .done
    }
  }
}

/// Why a capture does not become a recording.
public struct CapturedRecordingError: ExplainedError, Hashable {
  /// What kind of failure it is.
  public enum Reason: Hashable, Sendable {
    /// There is no device in it.
    case nothingThere
    /// Several fit; the names of all.
    case several([String])
    /// There is none of this name; the names of all.
    case notThere(String, [String])
    /// The capture does not have the device descriptor.
    case notDescribed(String)
  }

  /// Why.
  public var reason: Reason

  init(_ reason: Reason) { self.reason = reason }

  /// A stable name for the kind of error.
  public var slug: String {
    switch reason {
    case .nothingThere: "capture-no-device"
    case .several: "capture-several-devices"
    case .notThere: "capture-other-device"
    case .notDescribed: "capture-no-descriptor"
    }
  }

  /// Why, in one sentence.
  public var sentence: String {
    switch reason {
    case .nothingThere: "There is no device in the capture."
    case .several(let names):
      "A recording is of one device, and none of those in the capture is chosen for you: "
        + "\(Self.list(names))."
    case .notThere(let name, let names):
      names.isEmpty
        ? "There is no device in the capture."
        : "There is no device \(name) in the capture; there are \(Self.list(names))."
    case .notDescribed(let name):
      "The capture does not have the device descriptor of \(name), so that nobody can tell what it was."
    }
  }

  private static func list(_ names: [String]) -> String {
    listText(Array(names.prefix(8)) + (names.count > 8 ? ["others"] : []))
  }

  /// What to do next.
  public var help: String? {
    switch reason {
    case .nothingThere: "Capture while the device is used."
    case .several, .notThere: "Name one of them with --device."
    case .notDescribed: "Capture from before the device is plugged in."
    }
  }
}
