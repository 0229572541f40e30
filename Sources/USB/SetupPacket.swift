/// The eight bytes that begin a control transfer (USB 2.0, 9.3, table 9-2).
public struct SetupPacket: Hashable, Sendable, CustomStringConvertible {
  /// `bmRequestType`: direction, type and recipient.
  public var requestType: RequestType
  /// `bRequest`.
  public var request: UInt8
  /// `wValue`.
  public var value: UInt16
  /// `wIndex`.
  public var index: UInt16
  /// `wLength`: the bytes of the data stage, at most.
  public var length: UInt16

  /// A setup packet from its five fields.
  public init(
    _ requestType: RequestType, request: UInt8, value: UInt16, index: UInt16, length: UInt16
  ) {
    self.requestType = requestType
    self.request = request
    self.value = value
    self.index = index
    self.length = length
  }

  /// Reads the eight bytes of a setup packet.
  public init(parsing reader: inout ByteReader) throws(ParseError) {
    requestType = RequestType(rawValue: try reader.readByte("bmRequestType"))
    request = try reader.readByte("bRequest")
    value = try reader.readUInt16("wValue")
    index = try reader.readUInt16("wIndex")
    length = try reader.readUInt16("wLength")
  }

  /// The eight bytes as they go over the wire.
  public var bytes: [UInt8] {
    [requestType.rawValue, request] + value.littleEndianBytes + index.littleEndianBytes
      + length.littleEndianBytes
  }

  /// The eight bytes in hexadecimal, for example `a1 03 00 00 00 00 06 00`.
  public var description: String { bytes.map { hex($0) }.joined(separator: " ") }
}

/// `bmRequestType` (USB 2.0, table 9-2).
public struct RequestType: RawRepresentable, Hashable, Sendable {
  /// The number itself.
  public var rawValue: UInt8

  /// A value from its number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Bit 7: which way the data stage goes.
  public enum Direction: UInt8, Sendable {
    /// Host to device.
    case out = 0
    /// Device to host.
    case `in` = 1
  }

  /// Bits 6 and 5: who defined the request.
  public enum Kind: UInt8, Sendable {
    /// USB 2.0, chapter 9.
    case standard = 0
    /// A class specification.
    case `class` = 1
    /// The vendor.
    case vendor = 2
    /// Not assigned.
    case reserved = 3
  }

  /// Bits 4 to 0: whom the request is for.
  public enum Recipient: UInt8, Sendable {
    /// The device.
    case device = 0
    /// An interface; `wIndex` says which.
    case interface = 1
    /// An endpoint; `wIndex` says which.
    case endpoint = 2
    /// Something else.
    case other = 3
  }

  /// A request type from its three parts.
  public init(_ direction: Direction, _ kind: Kind, _ recipient: Recipient) {
    rawValue = direction.rawValue << 7 | kind.rawValue << 5 | recipient.rawValue
  }

  /// Which way the data stage goes.
  public var direction: Direction { rawValue & 0x80 == 0 ? .out : .in }
  /// Who defined the request.
  public var kind: Kind { Kind(rawValue: rawValue >> 5 & 3) ?? .reserved }
  /// Whom the request is for; nil for a reserved value.
  public var recipient: Recipient? { Recipient(rawValue: rawValue & 0x1F) }
}

extension FixedWidthInteger {
  /// The bytes of this number, least significant first, as USB sends them.
  public var littleEndianBytes: [UInt8] {
    withUnsafeBytes(of: littleEndian) { Array($0) }
  }
}
