internal import USB

/// A server's side of one connection, without the connection: bytes come in and go out, the decisions are the
/// caller's.
///
/// Everything that comes is checked before anything is put aside for it: the first thing that breaks a rule
/// ends the session.
public struct ServerSession: Sendable {
  /// What the client wants.
  public enum Event: Hashable, Sendable {
    /// The list of devices: answer with ``ServerSession/list(_:)``, then close.
    case list
    /// A device: answer with ``ServerSession/accept(_:)`` or ``ServerSession/refuse(_:)``.
    case importDevice(BusID)
    /// A transfer: answer with ``ServerSession/complete(_:)``.
    case submit(URBSubmission)
    /// A transfer is no longer wanted, and has been answered already: stop it.
    case cancel(UInt32)
  }

  /// Where the session is.
  private enum Phase: Sendable {
    case waiting
    case deciding
    case transferring(devid: UInt32)
    case over
  }

  private struct Pending: Sendable {
    var direction: RequestType.Direction
    var length: Int
  }

  /// What is taken at most.
  public let limits: USBIPLimits
  private var phase = Phase.waiting
  private var received = ReceivedBytes()
  private var pending: [UInt32: Pending] = [:]
  private var pendingBytes = 0
  private var output: [UInt8] = []

  /// A session at its beginning.
  public init(limits: USBIPLimits = USBIPLimits()) { self.limits = limits }

  /// Whether a device has been imported.
  public var isTransferring: Bool { if case .transferring = phase { true } else { false } }

  /// How many transfers wait for their answer.
  public var pendingCount: Int { pending.count }

  /// Takes what has to be sent.
  public mutating func takeOutput() -> [UInt8] {
    defer { output = [] }
    return output
  }

  /// Bytes have come.
  ///
  /// - Parameter bytes: as many as there are.
  /// - Throws: ``USBIPError`` where they break a rule; then the session is over.
  public mutating func receive(_ bytes: some Collection<UInt8>) throws(USBIPError) {
    guard !isOver else { return }
    // Before an import nothing is longer than its request.
    guard isTransferring || received.count + bytes.count <= 4096 else {
      throw end(.violation("\(bytes.count) bytes", "before an answer", "one request is awaited"))
    }
    received.append(bytes)
  }

  /// The next thing that the client wants; nil until more has come.
  ///
  /// - Throws: ``USBIPError`` where the client breaks a rule; then the session is over.
  public mutating func next() throws(USBIPError) -> Event? {
    switch phase {
    case .waiting:
      do { return try operation() } catch { throw end(error) }
    case .transferring(let devid):
      do {
        // An unlink that is too late is answered, and nobody else's business.
        while true {
          switch try command(devid) {
          case .event(let event): return event
          case .answered: continue
          case nil: return nil
          }
        }
      } catch let error as USBIPError {
        throw end(error)
      } catch {
        throw end(USBIPError(.violation, "The peer sent a message that cannot be read."))
      }
    case .deciding, .over: return nil
    }
  }

  private var isOver: Bool { if case .over = phase { true } else { false } }

  private mutating func end(_ error: USBIPError) -> USBIPError {
    phase = .over
    return error
  }

  // MARK: Operations

  private mutating func operation() throws(USBIPError) -> Event? {
    guard let header = received.number(at: 0) else { return nil }
    let (version, code) = (UInt16(header >> 16), UInt16(truncatingIfNeeded: header))
    guard version == Operation.version else {
      throw .violation("version", "0x\(hex(version))", "this server speaks 0x0111 (USB/IP 1.1.1)")
    }
    switch code {
    case Operation.requestBit | Operation.listCode:
      guard received.take(Operation.headerLength) != nil else { return nil }
      phase = .deciding
      return .list
    case Operation.requestBit | Operation.importCode:
      guard let bytes = received.take(Operation.headerLength + BusID.fieldLength) else {
        return nil
      }
      guard let busID = BusID(field: Array(bytes.dropFirst(Operation.headerLength))) else {
        throw .violation(
          "busid", "without a name", "it is 1 to 31 printable characters and a NUL")
      }
      phase = .deciding
      return .importDevice(busID)
    default:
      throw .violation(
        "code", "0x\(hex(code))", "a request is 0x8005 (list) or 0x8003 (import)")
    }
  }

  /// Answers with the devices there are. The session is over.
  public mutating func list(_ devices: [ExportedDevice]) {
    var out = Operation.header(Operation.listCode)
    out.append(UInt32(truncatingIfNeeded: devices.count))
    for device in devices { out.append(device.bytes(withInterfaces: true)) }
    output += out.bytes
    phase = .over
  }

  /// Gives the device. From now on the client asks for transfers.
  public mutating func accept(_ device: ExportedDevice) {
    var out = Operation.header(Operation.importCode)
    out.append(device.bytes(withInterfaces: false))
    output += out.bytes
    phase = .transferring(devid: device.devid)
  }

  /// Refuses the device. The session is over.
  public mutating func refuse(_ status: OperationStatus) {
    output += Operation.header(Operation.importCode, status).bytes
    phase = .over
  }

  // MARK: Transfers

  /// What became of a message.
  private enum Step {
    case event(Event)
    case answered
  }

  private mutating func command(_ devid: UInt32) throws -> Step? {
    guard let header = received.peek(URB.headerLength) else { return nil }
    var reader = ByteReader(header.span.bytes)
    let (command, sequence) = (
      try reader.readBigUInt32("command"), try reader.readBigUInt32("seqnum")
    )
    let device = try reader.readBigUInt32("devid")
    guard device == devid else {
      throw USBIPError.violation("devid", "0x\(hex(device))", "it has imported 0x\(hex(devid))")
    }
    switch command {
    case URB.submit: return try submission(sequence, &reader).map { .event($0) }
    case URB.unlink:
      try reader.skip(8, "direction")
      let target = try reader.readBigUInt32("unlink_seqnum")
      _ = received.take(URB.headerLength)
      return unlink(target, by: sequence)
    default:
      throw USBIPError.violation("command", "\(command)", "it is 1 (submit) or 2 (unlink)")
    }
  }

  private mutating func submission(
    _ sequence: UInt32, _ reader: inout ByteReader
  ) throws -> Event? {
    let direction = try reader.readBigUInt32("direction")
    let endpoint = try reader.readBigUInt32("ep")
    let flags = TransferFlags(rawValue: try reader.readBigUInt32("transfer_flags"))
    let length = try reader.readBigUInt32("transfer_buffer_length")
    let startFrame = try reader.readBigUInt32("start_frame")
    let packetCount = try reader.readBigUInt32("number_of_packets")
    let interval = try reader.readBigUInt32("interval")
    let setup = try SetupPacket(parsing: &reader)
    guard let way = UInt8(exactly: direction).flatMap(RequestType.Direction.init) else {
      throw USBIPError.violation("direction", "\(direction)", "it is 0 (OUT) or 1 (IN)")
    }
    guard endpoint < 16 else {
      throw USBIPError.violation("ep", "\(endpoint)", "endpoints are numbered 0 to 15")
    }
    guard length <= UInt32(limits.transferLength) else {
      throw USBIPError.violation(
        "transfer_buffer_length", "\(length)", "at most \(limits.transferLength) are taken")
    }
    let isIsochronous = URB.isPacketCount(packetCount)
    guard !isIsochronous || packetCount <= UInt32(limits.packets) else {
      throw USBIPError.violation(
        "number_of_packets", "\(packetCount)", "at most \(limits.packets) are taken")
    }
    if endpoint == 0 {
      guard UInt32(setup.length) == length else {
        throw USBIPError.violation(
          "wLength", "\(setup.length)", "transfer_buffer_length is \(length)")
      }
      guard length == 0 || setup.requestType.direction == way else {
        throw USBIPError.violation(
          "direction", "\(direction)",
          "bmRequestType 0x\(hex(setup.requestType.rawValue)) says otherwise")
      }
    }
    guard pending[sequence] == nil else {
      throw USBIPError.violation("seqnum", "\(sequence)", "a transfer of that number is pending")
    }
    guard pending.count < limits.pendingTransfers else {
      throw USBIPError.violation(
        "one more transfer", "than \(pending.count)", "so many may be pending")
    }
    guard pendingBytes + Int(length) <= limits.pendingBytes else {
      throw USBIPError.violation(
        "transfer_buffer_length", "\(length)", "\(pendingBytes) bytes are pending already")
    }
    let sent = way == .out ? Int(length) : 0
    let described = isIsochronous ? Int(packetCount) * IsochronousPacket.length : 0
    guard received.count >= URB.headerLength + sent + described else { return nil }
    _ = received.take(URB.headerLength)
    let data = received.take(sent) ?? []
    let packets = try Self.packets(received.take(described) ?? [], within: Int(length))
    pending[sequence] = Pending(direction: way, length: Int(length))
    pendingBytes += Int(length)
    return .submit(
      URBSubmission(
        sequence: sequence, direction: way, endpoint: UInt8(endpoint), flags: flags,
        length: Int(length), startFrame: startFrame, packetCount: packetCount, interval: interval,
        setup: setup, data: data, packets: packets))
  }

  private static func packets(_ bytes: [UInt8], within length: Int) throws -> [IsochronousPacket] {
    var reader = ByteReader(bytes.span.bytes)
    var packets: [IsochronousPacket] = []
    while !reader.isAtEnd {
      let packet = try IsochronousPacket(parsing: &reader)
      guard UInt64(packet.offset) + UInt64(packet.length) <= UInt64(length) else {
        throw USBIPError.violation(
          "an isochronous packet", "of \(packet.length) bytes at \(packet.offset)",
          "its buffer has \(length)")
      }
      packets.append(packet)
    }
    return packets
  }

  /// One rule decides the race: what has not been answered is unlinked, and never answered; what has been
  /// answered, or was never there, is told by 0.
  private mutating func unlink(_ target: UInt32, by sequence: UInt32) -> Step {
    guard forget(target) != nil else {
      output += URB.unlinkReply(sequence, .none)
      return .answered
    }
    output += URB.unlinkReply(sequence, .connectionReset)
    return .event(.cancel(target))
  }

  private mutating func forget(_ sequence: UInt32) -> Pending? {
    guard let was = pending.removeValue(forKey: sequence) else { return nil }
    pendingBytes -= was.length
    return was
  }

  /// Answers a transfer.
  ///
  /// - Parameter completion: how it ended. More bytes than were asked for are an overflow.
  /// - Returns: false where the client has unlinked it; then nothing is sent.
  @discardableResult
  public mutating func complete(_ completion: URBCompletion) -> Bool {
    guard let was = forget(completion.sequence) else { return false }
    var completion = completion
    if completion.actualLength > was.length {
      completion.status = .overflow
      completion.actualLength = was.length
      completion.data = Array(completion.data.prefix(was.length))
    }
    output += completion.bytes
    return true
  }
}
