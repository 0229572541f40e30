/// The blocks of pcapng (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html).
enum CaptureBlock {
  static let sectionHeader: UInt32 = 0x0A0D_0D0A
  static let interface: UInt32 = 1
  static let obsoletePacket: UInt32 = 2
  static let simplePacket: UInt32 = 3
  static let enhancedPacket: UInt32 = 6
  static let byteOrder: UInt32 = 0x1A2B_3C4D
}

/// An interface of a section of pcapng.
private struct CaptureInterface {
  var linkType: CaptureLinkType
  /// The most bytes of a packet that are kept; 0 for all.
  var snapLength: UInt32
  var resolution = CaptureTime.Resolution()
}

extension CaptureFile {
  mutating func readPcapng(_ bytes: [UInt8]) throws(CaptureError) {
    format = .pcapng
    var rest = CaptureCursor(bytes, 0..<bytes.count)
    var interfaces: [CaptureInterface] = []
    while rest.remaining > 0 {
      let start = rest.offset
      guard rest.remaining >= 12 else {
        cutOffset = start
        return
      }
      let type: UInt32 = try rest.number("the type of a block")
      if type == CaptureBlock.sectionHeader {
        rest.isBigEndian = try Self.isBigEndian(bytes, section: start)
        interfaces = []
      }
      let length: UInt32 = try rest.number("the length of a block")
      guard length >= 12, length.isMultiple(of: 4) else {
        throw CaptureError(
          .malformed, at: start + 4,
          "a block has \(length) bytes, and a block has a multiple of 4 and 12 at least")
      }
      guard Int(length) - 8 <= rest.remaining else {
        cutOffset = start
        return
      }
      let body = try rest.part(Int(length) - 12, "a block")
      let end = rest.offset
      let again: UInt32 = try rest.number("the second length of a block")
      guard again == length else {
        throw CaptureError(
          .malformed, at: end, "a block ends with length \(again), and begins with \(length)")
      }
      try take(type, body, &interfaces)
    }
  }

  private static func isBigEndian(
    _ bytes: [UInt8], section start: Int
  ) throws(CaptureError) -> Bool {
    var cursor = CaptureCursor(bytes, start..<bytes.count)
    try cursor.skip(8, "a section header")
    let order: UInt32 = try cursor.number("the byte order")
    switch order {
    case CaptureBlock.byteOrder: return false
    case CaptureBlock.byteOrder.byteSwapped: return true
    default:
      throw CaptureError(
        .malformed, at: start + 8,
        "the byte order of a section is 1a2b3c4d in one order or the other")
    }
  }

  private mutating func take(
    _ type: UInt32, _ body: CaptureCursor, _ interfaces: inout [CaptureInterface]
  ) throws(CaptureError) {
    var body = body
    let start = body.offset
    switch type {
    case CaptureBlock.sectionHeader:
      try body.skip(4, "the byte order")
      let major: UInt16 = try body.number("the version")
      guard major == 1 else {
        throw CaptureError(
          .malformed, at: start + 4, "the version of a section is \(major), and 1 is known here")
      }
      try body.skip(10, "the length of the section")
      // The name of the program is option 4 of a section (shb_userappl).
      try Self.eachOption(&body) { code, value in
        if code == 4, program == nil {
          program = String(decoding: value.prefix(Recording.maximumTextLength), as: UTF8.self)
        }
      }
    case CaptureBlock.interface:
      guard interfaces.count < Self.maximumInterfaceCount else {
        throw CaptureError(
          .beyondLimit, at: start,
          "a section has more than \(Self.maximumInterfaceCount) interfaces")
      }
      interfaces.append(try Self.interface(&body))
      if let last = interfaces.last { add(last.linkType) }
    case CaptureBlock.enhancedPacket:
      let number: UInt32 = try body.number("the interface of a packet")
      try takePacket(&body, of: Int(number), interfaces, at: start)
    case CaptureBlock.obsoletePacket:
      let number: UInt16 = try body.number("the interface of a packet")
      try body.skip(2, "the count of lost packets")
      try takePacket(&body, of: Int(number), interfaces, at: start)
    case CaptureBlock.simplePacket:
      guard let interface = interfaces.first else { throw Self.unknownInterface(0, at: start) }
      let original: UInt32 = try body.number("the length of a packet")
      let limit = interface.snapLength == 0 ? original : min(original, interface.snapLength)
      let count = min(Int(limit), body.remaining)
      try add(
        CapturedPacket(
          number: packetCount + 1, nanoseconds: nil, linkType: interface.linkType,
          content: body.part(count, "a packet"), isCut: Int(original) > count))
    default: break
    }
  }

  private mutating func takePacket(
    _ body: inout CaptureCursor, of number: Int, _ interfaces: [CaptureInterface], at start: Int
  ) throws(CaptureError) {
    guard interfaces.indices.contains(number) else {
      throw Self.unknownInterface(number, at: start)
    }
    let interface = interfaces[number]
    let place = body.offset
    let high: UInt32 = try body.number("the time of a packet")
    let low: UInt32 = try body.number("the time of a packet")
    let captured: UInt32 = try body.number("the captured length of a packet")
    let original: UInt32 = try body.number("the length of a packet")
    guard let time = interface.resolution.nanoseconds(UInt64(high) << 32 | UInt64(low)) else {
      throw CaptureError(
        .malformed, at: place, "a packet has a time before 1970 or after 2262")
    }
    try add(
      CapturedPacket(
        number: packetCount + 1, nanoseconds: time, linkType: interface.linkType,
        content: body.part(Int(captured), "a packet"), isCut: original > captured))
  }

  private static func unknownInterface(_ number: Int, at offset: Int) -> CaptureError {
    CaptureError(
      .malformed, at: offset, "a packet is of interface \(number), which has not been described")
  }

  private static func interface(
    _ body: inout CaptureCursor
  ) throws(CaptureError) -> CaptureInterface {
    let link: UInt16 = try body.number("the link type")
    try body.skip(2, "the reserved bytes of an interface")
    let snapLength: UInt32 = try body.number("the snap length")
    var interface = CaptureInterface(
      linkType: CaptureLinkType(rawValue: UInt32(link)), snapLength: snapLength)
    let isBigEndian = body.isBigEndian
    // if_tsresol and if_tsoffset.
    try eachOption(&body) { code, value in
      switch (code, value.count) {
      case (9, 1): interface.resolution.rawValue = value[0]
      case (14, 8):
        let ordered = isBigEndian ? value.reversed() : value
        interface.resolution.offset = Int64(
          truncatingIfNeeded: ordered.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
      default: break
      }
    }
    return interface
  }

  /// Options: a code, a length, the value, and bytes up to a multiple of four; code 0 ends them.
  private static func eachOption(
    _ body: inout CaptureCursor, _ take: (UInt16, [UInt8]) -> Void
  ) throws(CaptureError) {
    while body.remaining >= 4 {
      let code: UInt16 = try body.number("an option")
      let length: UInt16 = try body.number("the length of an option")
      if code == 0 { return }
      take(code, try body.take(Int(length), "option \(code)"))
      try body.skip(min((4 - Int(length) % 4) % 4, body.remaining), "the end of an option")
    }
  }
}
