import Foundation
import USB

/// Capture files made by hand, for what reads them.
struct CaptureBuilder {
  var isBigEndian = false
  var bytes: [UInt8] = []

  func number(_ value: some FixedWidthInteger) -> [UInt8] {
    isBigEndian ? value.littleEndianBytes.reversed() : value.littleEndianBytes
  }

  /// The classic form.
  static func pcap(
    linkType: UInt32, isBigEndian: Bool = false, nanoseconds: Bool = false,
    _ packets: [(seconds: UInt32, fraction: UInt32, content: [UInt8])]
  ) -> [UInt8] {
    var file = CaptureBuilder(isBigEndian: isBigEndian)
    file.bytes = file.number(nanoseconds ? UInt32(0xA1B2_3C4D) : UInt32(0xA1B2_C3D4))
    file.bytes += file.number(UInt16(2)) + file.number(UInt16(4))
    file.bytes += [UInt8](repeating: 0, count: 8) + file.number(UInt32(65535))
    file.bytes += file.number(linkType)
    for packet in packets {
      file.bytes += file.number(packet.seconds) + file.number(packet.fraction)
      let count = file.number(UInt32(packet.content.count))
      file.bytes += count + count + packet.content
    }
    return file.bytes
  }

  /// A block of pcapng.
  mutating func block(_ type: UInt32, _ body: [UInt8]) {
    let padded = body + [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
    let length = number(UInt32(padded.count + 12))
    bytes += number(type) + length + padded + length
  }

  mutating func section(program: String? = nil) {
    var body = number(UInt32(0x1A2B_3C4D)) + number(UInt16(1)) + number(UInt16(0))
    body += number(UInt64.max)
    if let program { body += option(4, Array(program.utf8)) }
    block(0x0A0D_0D0A, body)
  }

  func option(_ code: UInt16, _ value: [UInt8]) -> [UInt8] {
    number(code) + number(UInt16(value.count)) + value
      + [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
  }

  mutating func interface(linkType: UInt16, resolution: UInt8? = nil, offset: Int64? = nil) {
    var body = number(linkType) + [0, 0] + number(UInt32(0))
    if let resolution { body += option(9, [resolution]) }
    if let offset { body += option(14, number(offset)) }
    block(1, body)
  }

  mutating func packet(_ content: [UInt8], interface: UInt32 = 0, ticks: UInt64 = 0) {
    let count = number(UInt32(content.count))
    block(
      6,
      number(interface) + number(UInt32(ticks >> 32)) + number(UInt32(truncatingIfNeeded: ticks))
        + count + count + content)
  }

  /// A record of usbmon.
  func usbmon(
    _ event: Character, id: UInt64 = 7, kind: UInt8 = 2, endpoint: UInt8 = 0x80,
    address: UInt8 = 5, setup: SetupPacket? = nil, status: Int32 = 0, length: UInt32,
    data: [UInt8]? = nil, headerLength: Int = 64, seconds: Int64 = 3, microseconds: Int32 = 4
  ) -> [UInt8] {
    var bytes = number(id) + [event.asciiValue ?? 0, kind, endpoint, address] + number(UInt16(1))
    bytes += [setup == nil ? 0x2D : 0, data == nil ? 0x3C : 0]
    bytes += number(seconds) + number(microseconds) + number(status) + number(length)
    bytes += number(UInt32(data?.count ?? 0)) + (setup?.bytes ?? [UInt8](repeating: 0, count: 8))
    return bytes + [UInt8](repeating: 0, count: headerLength - 48) + (data ?? [])
  }

  /// A record of USBPcap: always little-endian.
  static func usbPcap(
    id: UInt64 = 9, status: UInt32 = 0, isCompletion: Bool, endpoint: UInt8 = 0x80,
    kind: UInt8 = 2, stage: UInt8? = nil, data: [UInt8] = []
  ) -> [UInt8] {
    var bytes = UInt16(stage == nil ? 27 : 28).littleEndianBytes + id.littleEndianBytes
    bytes += status.littleEndianBytes + [8, 0, isCompletion ? 1 : 0, 2, 0, 6, 0, endpoint, kind]
    bytes += UInt32(data.count).littleEndianBytes
    if let stage { bytes.append(stage) }
    return bytes + data
  }

  static func fixture() throws -> [UInt8] {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/flash-libusb.pcap")
    return Array(try Data(contentsOf: file))
  }
}
