internal import USB

/// What went over USB, as another program has captured it: pcap or pcapng, of usbmon or USBPcap.
///
/// A file whose last packet is not whole, because the program died, is read up to there, and ``cutOffset``
/// tells. Packets of other kinds, as pcapng may have them beside those of USB, are counted and passed over.
public struct CaptureFile: Hashable, Sendable {
  /// The two forms of capture files.
  public enum Format: String, Hashable, Sendable {
    /// The classic form of libpcap.
    case pcap
    /// Its successor, in blocks.
    case pcapng
  }

  /// Which form it has.
  public var format: Format
  /// The link types of what was captured, each once.
  public var linkTypes: [CaptureLinkType]
  /// The program that captured; nil where the file does not tell.
  public var program: String?
  /// What was captured of USB, in the order of the file.
  public var records: [CapturedRecord]
  /// How many packets there are, of whatever kind.
  public var packetCount: Int
  /// How many of them are about no transfer.
  public var otherPackets: Int
  /// Where the packet begins that was cut off; nil where the file is whole.
  public var cutOffset: Int?

  // MARK: Limits

  /// The largest file that is read: 256 MiB.
  public static let sizeLimit = 256 << 20
  /// The most packets that are read.
  public static let maximumPacketCount = 1 << 22
  /// The largest packet: what libpcap allows for captures of USB.
  public static let maximumPacketLength = 128 << 20
  /// The most interfaces of one section of pcapng.
  public static let maximumInterfaceCount = 4096

  /// Reads a capture.
  ///
  /// - Parameter bytes: the file.
  /// - Throws: ``CaptureError`` with the byte and the rule that is broken there.
  public init(parsing bytes: [UInt8]) throws(CaptureError) {
    guard bytes.count <= Self.sizeLimit else {
      throw CaptureError(
        .beyondLimit, at: Self.sizeLimit, "it has more than \(Self.sizeLimit >> 20) MiB")
    }
    self.init(format: .pcap, linkTypes: [], records: [], packetCount: 0, otherPackets: 0)
    var start = CaptureCursor(bytes, 0..<bytes.count)
    guard let magic = try? start.number("the magic number", as: UInt32.self) else {
      throw CaptureError(
        .notACapture, at: 0, "it has \(bytes.count) bytes, and a capture begins with 4 that tell it"
      )
    }
    switch magic {
    case 0x0A0D_0D0A: try readPcapng(bytes)
    case 0xA1B2_C3D4: try readPcap(bytes, isBigEndian: false, nanoseconds: false)
    case 0xA1B2_3C4D: try readPcap(bytes, isBigEndian: false, nanoseconds: true)
    case 0xD4C3_B2A1: try readPcap(bytes, isBigEndian: true, nanoseconds: false)
    case 0x4D3C_B2A1: try readPcap(bytes, isBigEndian: true, nanoseconds: true)
    default:
      throw CaptureError(
        .notACapture, at: 0,
        "its first bytes are \(bytes.prefix(4).map { hex($0) }.joined(separator: " ")), which begin "
          + "neither pcap nor pcapng")
    }
    guard let other = linkTypes.first, !linkTypes.contains(where: \.isKnown) else { return }
    throw CaptureError(
      .linkType, at: format == .pcap ? 20 : 0,
      "it holds packets of \(other.name), and nothing of USB that is known here")
  }

  init(
    format: Format, linkTypes: [CaptureLinkType], records: [CapturedRecord], packetCount: Int,
    otherPackets: Int
  ) {
    self.format = format
    self.linkTypes = linkTypes
    self.records = records
    self.packetCount = packetCount
    self.otherPackets = otherPackets
  }

  mutating func add(_ packet: CapturedPacket) throws(CaptureError) {
    packetCount += 1
    guard packetCount <= Self.maximumPacketCount else {
      throw CaptureError(
        .beyondLimit, at: packet.content.offset,
        "it has more than \(Self.maximumPacketCount) packets")
    }
    if let record = try CapturedRecord(packet, after: records.last?.nanoseconds ?? 0) {
      records.append(record)
    } else {
      otherPackets += 1
    }
  }

  mutating func add(_ linkType: CaptureLinkType) {
    if !linkTypes.contains(linkType) { linkTypes.append(linkType) }
  }

  // MARK: The classic form

  // https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html
  private mutating func readPcap(
    _ bytes: [UInt8], isBigEndian: Bool, nanoseconds hasNanoseconds: Bool
  ) throws(CaptureError) {
    var rest = CaptureCursor(bytes, 0..<bytes.count, isBigEndian: isBigEndian)
    try rest.skip(4, "the magic number")
    let major: UInt16 = try rest.number("the version")
    guard major == 2 else {
      throw CaptureError(.malformed, at: 4, "the version is \(major), and 2 is known here")
    }
    try rest.skip(14, "the header")
    // The upper bits tell of checksums behind each packet, which USB has not.
    let link: UInt32 = try rest.number("the link type")
    let linkType = CaptureLinkType(rawValue: link & 0x0FFF_FFFF)
    add(linkType)
    guard linkType.isKnown else { return }
    while rest.remaining > 0 {
      let start = rest.offset
      guard rest.remaining >= 16 else {
        cutOffset = start
        return
      }
      let seconds: UInt32 = try rest.number("the seconds")
      let fraction: UInt32 = try rest.number("the part of a second")
      let captured: UInt32 = try rest.number("the captured length")
      let original: UInt32 = try rest.number("the length")
      guard captured <= Self.maximumPacketLength else {
        throw CaptureError(
          .malformed, at: start + 8,
          "a packet has \(captured) bytes, and \(Self.maximumPacketLength >> 20) MiB at most")
      }
      guard Int(captured) <= rest.remaining else {
        cutOffset = start
        return
      }
      let unit: Int64 = hasNanoseconds ? 1 : 1000
      try add(
        CapturedPacket(
          number: packetCount + 1,
          nanoseconds: Int64(seconds) * 1_000_000_000 + Int64(fraction) * unit,
          linkType: linkType, content: rest.part(Int(captured), "a packet"),
          isCut: original > captured))
    }
  }
}
