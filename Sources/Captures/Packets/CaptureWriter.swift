internal import USB

/// Writes what passes between a program and its devices as a capture that Wireshark reads: pcapng, with the
/// packets of usbmon (link type 220), little-endian, in nanoseconds.
///
/// It is made of the same events as a recording. A device is introduced by the descriptors that the host knew
/// of it, as USBPcap puts those of devices in front that were there already: without them nobody could tell its
/// requests. They have a comment, and 0 for a URB. What does not go over the wire is not in a capture: that an
/// interface is claimed, that a device is opened or closed.
public struct CaptureWriter: Sendable {
  private struct Place: Hashable {
    var bus: UInt16
    var address: UInt8
  }

  private struct Pending {
    var place: Place
    var call: DeviceCall
  }

  /// Nanoseconds since 1970 when the recording began.
  private let start: Int64
  private var places: [DeviceID: Place] = [:]
  private var infos: [DeviceID: DeviceInfo] = [:]
  private var handles: [UInt32: DeviceID] = [:]
  private var pending: [UInt32: Pending] = [:]

  /// The interface's name, and what a comment on what was put in says.
  static let interfaceName = "dfu"
  static let comment = "put in: the host knew it; nothing went over the wire"

  /// A writer at the beginning of a capture.
  ///
  /// - Parameter start: when it begins, in nanoseconds since 1970; 0 for simulated time.
  public init(start: Int64 = 0) { self.start = max(0, start) }

  /// The first bytes: a section and its one interface.
  ///
  /// - Parameter program: the program that captures, with its version.
  /// - Returns: the bytes to begin with.
  public func header(program: String) -> [UInt8] {
    var section = CaptureBlock.byteOrder.littleEndianBytes + [1, 0, 0, 0]
    section += UInt64.max.littleEndianBytes
    section += Self.option(4, Array(program.utf8.prefix(4096))) + Self.option(0, [])
    var interface = UInt16(CaptureLinkType.usbLinuxMmapped.rawValue).littleEndianBytes
    interface += [0, 0] + UInt32(0).littleEndianBytes
    // if_name, and if_tsresol: nanoseconds.
    interface += Self.option(2, Array(Self.interfaceName.utf8)) + Self.option(9, [9])
    interface += Self.option(0, [])
    return Self.block(CaptureBlock.sectionHeader, section)
      + Self.block(CaptureBlock.interface, interface)
  }

  /// What an event adds to the capture; nothing for one that does not go over the wire.
  ///
  /// - Parameter event: the next event.
  /// - Returns: the bytes to append.
  public mutating func packets(of event: Recording.Event) -> [UInt8] {
    let (sum, overflow) = start.addingReportingOverflow(event.nanoseconds)
    let time = overflow ? start : sum
    switch event.kind {
    case .attached(let info): return introduce(info, at: time)
    case .detached(let id, _):
      places[id] = nil
      return []
    case .opened(let id, let handle):
      handles[handle] = id
      return []
    case .began(let number, let handle, let call):
      guard let id = handles[handle], let place = places[id] ?? infos[id].map({ placed($0) }),
        call.isTransfer, call != .reset
      else { return [] }
      pending[number] = Pending(place: place, call: call)
      return submission(call, number, place, at: time)
    case .ended(let number, let outcome):
      guard let pending = pending.removeValue(forKey: number) else { return [] }
      return completion(pending.call, outcome, number, pending.place, at: time)
    case .listed, .listingFailed, .openingFailed: return []
    }
  }

  // MARK: Devices

  /// Where a device is; made up where the host does not tell its address, and kept.
  private mutating func placed(_ info: DeviceInfo) -> Place {
    let bus = UInt16(clamping: info.path.bus)
    var address = info.address & 0x7F
    if address == 0 {
      let used = Set(places.filter { $0.key != info.id }.values)
      // From above, where the addresses of a host that counts from 1 come last.
      address =
        (1...127).reversed().first { !used.contains(Place(bus: bus, address: $0)) } ?? 127
    }
    let place = Place(bus: bus, address: address)
    places[info.id] = place
    return place
  }

  private mutating func introduce(_ info: DeviceInfo, at time: Int64) -> [UInt8] {
    let old = infos.updateValue(info, forKey: info.id)
    let place = places[info.id] ?? placed(info)
    // Told once, unless the descriptors are others by now.
    if let old, old.descriptor == info.descriptor, old.configurations == info.configurations,
      old.address == info.address
    {
      return []
    }
    if info.isOutline { return [] }
    var bytes: [UInt8] = []
    func put(_ setup: SetupPacket, _ answer: [UInt8]) {
      var record = UsbmonRecord(id: 0, place.bus, place.address, endpoint: 0x80, kind: .control)
      record.setup = setup
      record.length = Int(setup.length)
      bytes += Self.packet(record, at: time, comment: Self.comment)
      record.end(status: 0, length: answer.count, data: answer)
      bytes += Self.packet(record, at: time, comment: Self.comment)
    }
    put(.getDescriptor(.device, length: 18), info.descriptor.bytes)
    for (index, configuration) in info.configurations.enumerated() {
      let content = configuration.bytes
      put(
        .getDescriptor(
          .configuration, index: UInt8(truncatingIfNeeded: index),
          length: UInt16(clamping: content.count)), content)
    }
    // What a host knows of them it does not ask again.
    let descriptor = info.descriptor
    for (index, text) in [
      (descriptor.manufacturerIndex, info.manufacturerName),
      (descriptor.productIndex, info.productName),
      (descriptor.serialNumberIndex, info.serialNumber),
    ] {
      guard index != 0, let text else { continue }
      // 126 units of UTF-16 are what bLength can say.
      let units = Array(text.utf16.prefix(126)).flatMap(\.littleEndianBytes)
      put(
        .getDescriptor(
          .string, index: index, language: LanguageID.englishUnitedStates.rawValue, length: 255),
        [UInt8(units.count + 2), DescriptorType.string.rawValue] + units)
    }
    return bytes
  }

  // MARK: Transfers

  private func record(_ call: DeviceCall, _ number: UInt32, _ place: Place) -> UsbmonRecord {
    var endpoint = call.pipe
    var kind = TransferKind.control
    switch call {
    case .bulkIn, .bulkOut: kind = .bulk
    case .interruptIn, .interruptOut: kind = .interrupt
    default: endpoint = call.setup?.requestType.direction == .in ? 0x80 : 0
    }
    return UsbmonRecord(
      id: UInt64(number), place.bus, place.address, endpoint: endpoint, kind: kind)
  }

  private func submission(
    _ call: DeviceCall, _ number: UInt32, _ place: Place, at time: Int64
  ) -> [UInt8] {
    var record = record(call, number, place)
    record.setup = call.setup
    record.data = call.data
    switch call {
    case .controlIn(let setup): record.length = Int(setup.length)
    case .bulkIn(_, let length), .interruptIn(_, let length): record.length = length
    default: record.length = call.data.count
    }
    return Self.packet(record, at: time)
  }

  private func completion(
    _ call: DeviceCall, _ outcome: CallOutcome, _ number: UInt32, _ place: Place, at time: Int64
  ) -> [UInt8] {
    var record = record(call, number, place)
    switch outcome {
    case .done: record.end(status: 0, length: call.data.count)
    case .received(let bytes): record.end(status: 0, length: bytes.count, data: bytes)
    case .sent(let count): record.end(status: 0, length: count)
    case .failed(let code, _):
      record.end(status: Self.errno(of: code), length: 0)
      if !Self.wentOut(code) { record.event = UInt8(ascii: "E") }
    }
    return Self.packet(record, at: time)
  }

  /// Whether a transfer that failed so was handed to the bus at all.
  private static func wentOut(_ code: TransferError.Code) -> Bool {
    switch code {
    case .busy, .permission, .closed, .unsupported: false
    default: true
    }
  }

  private static func errno(of code: TransferError.Code) -> Int32 {
    switch code {
    case .stall: -32
    case .timeout: -110
    case .disconnected: -19
    case .protocolError: -71
    case .overflow: -75
    case .cancelled: -2
    case .busy: -16
    case .permission: -13
    case .closed: -108
    case .unsupported: -95
    case .other: -5
    }
  }

  // MARK: Blocks

  private static func packet(
    _ record: UsbmonRecord, at time: Int64, comment: String? = nil
  ) -> [UInt8] {
    var record = record
    record.time = time
    let content = record.bytes
    let ticks = UInt64(max(0, time))
    var body = UInt32(0).littleEndianBytes + UInt32(ticks >> 32).littleEndianBytes
    body += UInt32(truncatingIfNeeded: ticks).littleEndianBytes
    body += UInt32(content.count).littleEndianBytes + UInt32(content.count).littleEndianBytes
    body += padded(content)
    if let comment { body += option(1, Array(comment.utf8)) + option(0, []) }
    return block(CaptureBlock.enhancedPacket, body)
  }

  private static func block(_ type: UInt32, _ body: [UInt8]) -> [UInt8] {
    let length = UInt32(body.count + 12).littleEndianBytes
    return type.littleEndianBytes + length + body + length
  }

  private static func option(_ code: UInt16, _ value: [UInt8]) -> [UInt8] {
    code.littleEndianBytes + UInt16(value.count).littleEndianBytes + padded(value)
  }

  private static func padded(_ bytes: [UInt8]) -> [UInt8] {
    bytes + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
  }
}
