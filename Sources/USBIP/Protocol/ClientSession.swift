internal import USB

/// A client's side of one connection, without the connection.
///
/// A server is no more to be trusted than a client: what it claims to have sent is held against what was
/// asked for, and the first thing that breaks a rule ends the session.
public struct ClientSession: Sendable {
  /// What the server says.
  public enum Event: Hashable, Sendable {
    /// Its devices. The session is over.
    case listed([ExportedDevice])
    /// The device is imported.
    case imported(ExportedDevice)
    /// The device is refused. The session is over.
    case refused(OperationStatus)
    /// A transfer has ended.
    case completed(URBCompletion)
    /// A transfer that was unlinked has ended without an answer.
    case unlinked(UInt32, LinuxErrorNumber)
  }

  private enum Phase: Sendable {
    case listing
    case importing(BusID)
    case transferring(devid: UInt32)
    case over
  }

  private struct Pending: Sendable {
    var direction: RequestType.Direction
    var length: Int
    var packetCount: UInt32
  }

  /// What is taken at most.
  public let limits: USBIPLimits
  private var phase: Phase
  private var received = ReceivedBytes()
  private var pending: [UInt32: Pending] = [:]
  /// The transfers that were unlinked, by the number of the unlink.
  private var unlinks: [UInt32: UInt32] = [:]
  private var lastSequence: UInt32 = 0
  private var output: [UInt8] = []

  /// A session that asks for the list of devices.
  public init(listing limits: USBIPLimits = USBIPLimits()) {
    self.limits = limits
    phase = .listing
    output = Operation.header(Operation.requestBit | Operation.listCode).bytes
  }

  /// A session that asks for a device.
  public init(importing busID: BusID, limits: USBIPLimits = USBIPLimits()) {
    self.limits = limits
    phase = .importing(busID)
    var out = Operation.header(Operation.requestBit | Operation.importCode)
    out.append(busID.field)
    output = out.bytes
  }

  /// Whether a device has been imported.
  public var isTransferring: Bool { if case .transferring = phase { true } else { false } }

  /// Whether nothing more is expected of the server.
  public var isOver: Bool { if case .over = phase { true } else { false } }

  /// How many transfers wait for their answer.
  public var pendingCount: Int { pending.count }

  /// Takes what has to be sent.
  public mutating func takeOutput() -> [UInt8] {
    defer { output = [] }
    return output
  }

  // MARK: Asking

  /// Asks for a transfer.
  ///
  /// - Parameter transfer: the transfer; its sequence number is given here.
  /// - Returns: the number; nil while no device is imported.
  public mutating func submit(_ transfer: URBSubmission) -> UInt32? {
    guard case .transferring(let devid) = phase else { return nil }
    var transfer = transfer
    transfer.sequence = nextSequence()
    pending[transfer.sequence] = Pending(
      direction: transfer.direction, length: transfer.length, packetCount: transfer.packetCount)
    output += transfer.bytes(devid: devid)
    return transfer.sequence
  }

  /// Asks to stop a transfer; nothing where it has ended, or is being stopped.
  public mutating func unlink(_ sequence: UInt32) {
    guard case .transferring(let devid) = phase, pending[sequence] != nil,
      !unlinks.values.contains(sequence)
    else { return }
    let number = nextSequence()
    unlinks[number] = sequence
    output += URB.unlink(number, devid: devid, of: sequence)
  }

  private mutating func nextSequence() -> UInt32 {
    repeat {
      lastSequence = lastSequence == .max ? 1 : lastSequence + 1
    } while pending[lastSequence] != nil || unlinks[lastSequence] != nil
    return lastSequence
  }

  // MARK: Hearing

  /// Bytes have come.
  public mutating func receive(_ bytes: some Collection<UInt8>) {
    guard !isOver else { return }
    received.append(bytes)
  }

  /// The next thing that the server says; nil until more has come.
  ///
  /// - Throws: ``USBIPError`` where the server breaks a rule; then the session is over.
  public mutating func next() throws(USBIPError) -> Event? {
    do {
      switch phase {
      case .listing: return try listReply()
      case .importing(let busID): return try importReply(busID)
      case .transferring:
        while true {
          switch try reply() {
          case .event(let event): return event
          case .answered: continue
          case nil: return nil
          }
        }
      case .over: return nil
      }
    } catch let error as USBIPError {
      phase = .over
      throw error
    } catch {
      phase = .over
      let sentence = (error as? any ExplainedError)?.sentence ?? "It cannot be read."
      throw USBIPError(.violation, "The server's answer breaks the protocol: \(sentence)")
    }
  }

  private func status(of code: UInt16) throws(USBIPError) -> OperationStatus? {
    guard let header = received.number(at: 0), let status = received.number(at: 4) else {
      return nil
    }
    let (version, answer) = (UInt16(header >> 16), UInt16(truncatingIfNeeded: header))
    guard version == Operation.version else {
      throw .violation("version", "0x\(hex(version))", "USB/IP 1.1.1 has 0x0111")
    }
    guard answer == code else {
      throw .violation("code", "0x\(hex(answer))", "0x\(hex(code)) was to come")
    }
    return OperationStatus(rawValue: status)
  }

  private mutating func listReply() throws -> Event? {
    guard let status = try status(of: Operation.listCode) else { return nil }
    guard status == .ok else {
      phase = .over
      return .refused(status)
    }
    guard let count = received.number(at: 8) else { return nil }
    guard count <= UInt32(limits.listedDevices) else {
      throw USBIPError.violation(
        "a list of", "\(count) devices", "at most \(limits.listedDevices) are taken")
    }
    // The whole list is read at once: it is short, and how long it is shows only on the way.
    var end = 12
    for _ in 0..<count {
      guard let record = received.number(at: end + ExportedDevice.length - 4) else { return nil }
      end += ExportedDevice.length + 4 * Int(record & 0xFF)
    }
    guard let bytes = received.take(end) else { return nil }
    var reader = ByteReader(bytes.span.bytes)
    try reader.skip(12, "header")
    var devices: [ExportedDevice] = []
    for _ in 0..<count {
      var device = try ExportedDevice(parsing: &reader)
      for index in device.interfaces.indices {
        device.interfaces[index] = ClassTriple(
          try reader.readByte("bInterfaceClass"), try reader.readByte("bInterfaceSubClass"),
          try reader.readByte("bInterfaceProtocol"))
        try reader.skip(1, "padding")
      }
      devices.append(device)
    }
    phase = .over
    return .listed(devices)
  }

  private mutating func importReply(_ busID: BusID) throws -> Event? {
    guard let status = try status(of: Operation.importCode) else { return nil }
    guard status == .ok else {
      phase = .over
      return .refused(status)
    }
    guard let bytes = received.take(Operation.headerLength + ExportedDevice.length) else {
      return nil
    }
    var reader = ByteReader(bytes.span.bytes)
    try reader.skip(Operation.headerLength, "header")
    let device = try ExportedDevice(parsing: &reader)
    guard device.busID == busID else {
      throw USBIPError.violation("busid", "\(device.busID)", "\(busID) was asked for")
    }
    phase = .transferring(devid: device.devid)
    return .imported(device)
  }

  /// What became of a message.
  private enum Step {
    case event(Event)
    case answered
  }

  private mutating func reply() throws -> Step? {
    guard let header = received.peek(URB.headerLength) else { return nil }
    var reader = ByteReader(header.span.bytes)
    let command = try reader.readBigUInt32("command")
    let sequence = try reader.readBigUInt32("seqnum")
    try reader.skip(12, "devid")
    let status = LinuxErrorNumber(
      rawValue: Int32(bitPattern: try reader.readBigUInt32("status")))
    switch command {
    case URB.submitReply:
      return try completion(sequence, status, &reader).map { .event($0) }
    case URB.unlinkReply:
      _ = received.take(URB.headerLength)
      guard let target = unlinks.removeValue(forKey: sequence) else {
        throw USBIPError.violation("seqnum", "\(sequence)", "no unlink of that number was sent")
      }
      // Its answer has come before, where the unlink was too late.
      guard pending.removeValue(forKey: target) != nil else { return .answered }
      return .event(.unlinked(target, status))
    default:
      throw USBIPError.violation("command", "\(command)", "a reply is 3 (submit) or 4 (unlink)")
    }
  }

  private mutating func completion(
    _ sequence: UInt32, _ status: LinuxErrorNumber, _ reader: inout ByteReader
  ) throws -> Event? {
    let actualLength = try reader.readBigUInt32("actual_length")
    let startFrame = try reader.readBigUInt32("start_frame")
    let packetCount = try reader.readBigUInt32("number_of_packets")
    let errorCount = try reader.readBigUInt32("error_count")
    guard let asked = pending[sequence] else {
      throw USBIPError.violation("seqnum", "\(sequence)", "no transfer of that number is pending")
    }
    guard actualLength <= UInt32(asked.length) else {
      throw USBIPError.violation(
        "actual_length", "\(actualLength)", "\(asked.length) bytes were asked for")
    }
    let packets = URB.isPacketCount(asked.packetCount) ? asked.packetCount : 0
    guard !URB.isPacketCount(packetCount) || packetCount <= packets else {
      throw USBIPError.violation(
        "number_of_packets", "\(packetCount)", "\(packets) were asked for")
    }
    let sent = asked.direction == .in ? Int(actualLength) : 0
    let described =
      packets > 0 && URB.isPacketCount(packetCount)
      ? Int(packetCount) * IsochronousPacket.length : 0
    guard received.count >= URB.headerLength + sent + described else { return nil }
    _ = received.take(URB.headerLength)
    let data = received.take(sent) ?? []
    var descriptors: [IsochronousPacket] = []
    let bytes = received.take(described) ?? []
    var packetReader = ByteReader(bytes.span.bytes)
    while !packetReader.isAtEnd {
      descriptors.append(try IsochronousPacket(parsing: &packetReader))
    }
    if asked.direction == .in, !descriptors.isEmpty {
      let sum = descriptors.reduce(UInt64(0)) { $0 + UInt64($1.actualLength) }
      guard sum == UInt64(actualLength) else {
        throw USBIPError.violation(
          "actual_length", "\(actualLength)", "its packets have \(sum) bytes")
      }
    }
    pending[sequence] = nil
    return .completed(
      URBCompletion(
        sequence: sequence, status: status, actualLength: Int(actualLength),
        startFrame: startFrame, packetCount: packetCount, errorCount: errorCount, data: data,
        packets: descriptors))
  }
}
