public import USB

/// A transfer that a client asks for: `CMD_SUBMIT`, 48 bytes of header, then the data of an OUT transfer, then
/// 16 bytes for each isochronous packet (Linux `Documentation/usb/usbip_protocol.rst`).
public struct URBSubmission: Hashable, Sendable {
  /// `seqnum`: names the transfer on its connection.
  public var sequence: UInt32
  /// Which way the data goes.
  public var direction: RequestType.Direction
  /// The endpoint's number, 0 to 15, without a direction.
  public var endpoint: UInt8
  /// `transfer_flags`.
  public var flags: TransferFlags
  /// `transfer_buffer_length`: bytes asked for, or sent.
  public var length: Int
  /// `start_frame`, isochronous only.
  public var startFrame: UInt32
  /// `number_of_packets` as it was sent: 0 or 0xFFFFFFFF where the transfer is not isochronous.
  public var packetCount: UInt32
  /// `interval`, of interrupt and isochronous transfers.
  public var interval: UInt32
  /// The setup packet; zeros where the endpoint is not 0.
  public var setup: SetupPacket
  /// The bytes of an OUT transfer.
  public var data: [UInt8]
  /// The packets of an isochronous transfer.
  public var packets: [IsochronousPacket]

  /// A transfer.
  public init(
    sequence: UInt32 = 0, direction: RequestType.Direction, endpoint: UInt8,
    flags: TransferFlags = [], length: Int, startFrame: UInt32 = 0, packetCount: UInt32 = 0,
    interval: UInt32 = 0,
    setup: SetupPacket = SetupPacket(
      RequestType(rawValue: 0), request: 0, value: 0, index: 0, length: 0),
    data: [UInt8] = [], packets: [IsochronousPacket] = []
  ) {
    self.sequence = sequence
    self.direction = direction
    self.endpoint = endpoint
    self.flags = flags
    self.length = length
    self.startFrame = startFrame
    self.packetCount = packetCount
    self.interval = interval
    self.setup = setup
    self.data = data
    self.packets = packets
  }

  /// Whether it is isochronous.
  public var isIsochronous: Bool { URB.isPacketCount(packetCount) }

  /// The address of its endpoint: the number, and bit 7 for IN.
  public var endpointAddress: UInt8 { endpoint | direction.rawValue << 7 }

  /// The message.
  func bytes(devid: UInt32) -> [UInt8] {
    var out = BigEndianBytes(reserving: URB.headerLength + data.count + 16 * packets.count)
    out.append(URB.submit)
    out.append(sequence)
    out.append(devid)
    out.append(UInt32(direction.rawValue))
    out.append(UInt32(endpoint))
    out.append(flags.rawValue)
    out.append(UInt32(truncatingIfNeeded: length))
    out.append(startFrame)
    out.append(packetCount)
    out.append(interval)
    out.append(setup.bytes)
    out.append(data)
    for packet in packets { packet.write(to: &out) }
    return out.bytes
  }
}

/// How a transfer ended: `RET_SUBMIT`.
public struct URBCompletion: Hashable, Sendable {
  /// `seqnum` of the transfer.
  public var sequence: UInt32
  /// How it ended.
  public var status: LinuxErrorNumber
  /// `actual_length`: bytes that came, or were taken.
  public var actualLength: Int
  /// `start_frame`, isochronous only.
  public var startFrame: UInt32
  /// `number_of_packets`, as it was asked.
  public var packetCount: UInt32
  /// `error_count`, isochronous only.
  public var errorCount: UInt32
  /// The bytes of an IN transfer; those of an isochronous one without gaps.
  public var data: [UInt8]
  /// The packets of an isochronous transfer.
  public var packets: [IsochronousPacket]

  /// An end.
  public init(
    sequence: UInt32, status: LinuxErrorNumber, actualLength: Int, startFrame: UInt32 = 0,
    packetCount: UInt32 = 0, errorCount: UInt32 = 0, data: [UInt8] = [],
    packets: [IsochronousPacket] = []
  ) {
    self.sequence = sequence
    self.status = status
    self.actualLength = actualLength
    self.startFrame = startFrame
    self.packetCount = packetCount
    self.errorCount = errorCount
    self.data = data
    self.packets = packets
  }

  /// The message.
  var bytes: [UInt8] {
    var out = BigEndianBytes(reserving: URB.headerLength + data.count + 16 * packets.count)
    out.append(URB.submitReply)
    out.append(sequence)
    out.appendZeros(12)
    out.append(status.rawValue)
    out.append(UInt32(truncatingIfNeeded: actualLength))
    out.append(startFrame)
    out.append(packetCount)
    out.append(errorCount)
    out.appendZeros(8)
    out.append(data)
    for packet in packets { packet.write(to: &out) }
    return out.bytes
  }
}

/// A packet of an isochronous transfer, 16 bytes (`struct usbip_iso_packet_descriptor`).
public struct IsochronousPacket: Hashable, Sendable {
  /// Where its data begins in the buffer of the transfer.
  public var offset: UInt32
  /// Its length in bytes.
  public var length: UInt32
  /// How many of them came or went.
  public var actualLength: UInt32
  /// How it ended.
  public var status: LinuxErrorNumber

  /// A packet.
  public init(offset: UInt32, length: UInt32, actualLength: UInt32, status: LinuxErrorNumber) {
    self.offset = offset
    self.length = length
    self.actualLength = actualLength
    self.status = status
  }

  static let length = 16

  init(parsing reader: inout ByteReader) throws(ParseError) {
    offset = try reader.readBigUInt32("offset")
    length = try reader.readBigUInt32("length")
    actualLength = try reader.readBigUInt32("actual_length")
    status = LinuxErrorNumber(
      rawValue: Int32(bitPattern: try reader.readBigUInt32("status")))
  }

  func write(to out: inout BigEndianBytes) {
    out.append(offset)
    out.append(length)
    out.append(actualLength)
    out.append(status.rawValue)
  }
}

/// `transfer_flags`: the `URB_…` of Linux that mean something over a network.
public struct TransferFlags: OptionSet, Hashable, Sendable {
  /// The bits themselves.
  public var rawValue: UInt32

  /// A value from its bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// A short IN transfer is an error (`-EREMOTEIO`).
  public static let shortNotOK = TransferFlags(rawValue: 0x1)
  /// Isochronous: begin as soon as possible.
  public static let asSoonAsPossible = TransferFlags(rawValue: 0x2)
  /// An OUT transfer of full packets is ended by an empty one.
  public static let zeroPacket = TransferFlags(rawValue: 0x40)
  /// Set by Linux on every IN transfer.
  public static let directionIn = TransferFlags(rawValue: 0x200)
}

/// The end of a transfer as a negative error number of Linux (x86 and ARM), on every system.
public struct LinuxErrorNumber: RawRepresentable, Hashable, Sendable {
  /// The number itself: 0 or negative.
  public var rawValue: Int32

  /// A value from its number.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// Done.
  public static let none = LinuxErrorNumber(rawValue: 0)
  /// `ENOENT`: unlinked; or no such endpoint.
  public static let noEntry = LinuxErrorNumber(rawValue: -2)
  /// `EINVAL`: a request that cannot be made.
  public static let invalid = LinuxErrorNumber(rawValue: -22)
  /// `EXDEV`: an isochronous transfer was only partly done.
  public static let partial = LinuxErrorNumber(rawValue: -18)
  /// `EPIPE`: stalled.
  public static let stall = LinuxErrorNumber(rawValue: -32)
  /// `EPROTO`: broken on the wire.
  public static let protocolError = LinuxErrorNumber(rawValue: -71)
  /// `EOVERFLOW`: more came than was asked for.
  public static let overflow = LinuxErrorNumber(rawValue: -75)
  /// `ECONNRESET`: unlinked.
  public static let connectionReset = LinuxErrorNumber(rawValue: -104)
  /// `ESHUTDOWN`: the device is gone.
  public static let shutDown = LinuxErrorNumber(rawValue: -108)
  /// `ETIMEDOUT`.
  public static let timedOut = LinuxErrorNumber(rawValue: -110)
  /// `EREMOTEIO`: a short transfer that was not to be.
  public static let remoteIO = LinuxErrorNumber(rawValue: -121)
}

/// The header that all messages about transfers have: 48 bytes.
enum URB {
  static let headerLength = 48
  static let submit: UInt32 = 1
  static let unlink: UInt32 = 2
  static let submitReply: UInt32 = 3
  static let unlinkReply: UInt32 = 4

  /// Whether a number of packets says that a transfer is isochronous: the documentation has 0xFFFFFFFF for
  /// those that are not, Linux 6.12 sends 0.
  static func isPacketCount(_ count: UInt32) -> Bool { count != 0 && count != .max }

  /// The header of an unlink.
  static func unlink(_ sequence: UInt32, devid: UInt32, of target: UInt32) -> [UInt8] {
    var out = BigEndianBytes()
    out.append(unlink)
    out.append(sequence)
    out.append(devid)
    out.appendZeros(8)
    out.append(target)
    out.appendZeros(24)
    return out.bytes
  }

  /// The reply to an unlink.
  static func unlinkReply(_ sequence: UInt32, _ status: LinuxErrorNumber) -> [UInt8] {
    var out = BigEndianBytes()
    out.append(unlinkReply)
    out.append(sequence)
    out.appendZeros(12)
    out.append(status.rawValue)
    out.appendZeros(24)
    return out.bytes
  }
}
