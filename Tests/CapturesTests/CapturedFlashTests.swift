import Foundation
import Testing
import USB

/// A flash of ours as the kernel saw it (`Fixtures/README.md`): it is a whole, and it proves itself.
@Suite struct CapturedFlashTests {
  /// A record of usbmon (Linux, `Documentation/usb/usbmon.rst`, struct usbmon_packet), little-endian.
  struct Packet {
    var id: UInt64
    var isSubmission: Bool
    var isControl: Bool
    var device: UInt8
    var status: Int32
    var setup: SetupPacket?
    var data: [UInt8]
  }

  static func packets() throws -> (linkType: UInt32, packets: [Packet]) {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/flash-libusb.pcap")
    let bytes = Array(try Data(contentsOf: file))
    func number<Value: FixedWidthInteger>(_ offset: Int, as type: Value.Type) -> Value {
      bytes[offset..<offset + Value.bitWidth / 8].reversed().reduce(0) { $0 << 8 | Value($1) }
    }
    try #require(number(0, as: UInt32.self) == 0xA1B2_C3D4)
    var packets: [Packet] = []
    var offset = 24
    while offset < bytes.count {
      let length = Int(number(offset + 8, as: UInt32.self))
      let start = offset + 16
      let isSubmission = bytes[start + 8] == UInt8(ascii: "S")
      let hasSetup = isSubmission && bytes[start + 14] == 0
      let setupBytes = Array(bytes[start + 40..<start + 48])
      var setup = ByteReader(setupBytes.span.bytes)
      packets.append(
        Packet(
          id: number(start, as: UInt64.self), isSubmission: isSubmission,
          isControl: bytes[start + 9] == 2, device: bytes[start + 11],
          status: Int32(truncatingIfNeeded: number(start + 28, as: UInt32.self)),
          setup: hasSetup ? try SetupPacket(parsing: &setup) : nil,
          data: Array(bytes[start + 64..<start + length])))
      offset = start + length
    }
    return (number(20, as: UInt32.self), packets)
  }

  /// The control transfers of the flashed device, each with its end.
  static func transfers() throws -> [(setup: SetupPacket, out: [UInt8], end: Packet)] {
    var open: [UInt64: Packet] = [:]
    var transfers: [(SetupPacket, [UInt8], Packet)] = []
    for packet in try packets().packets where packet.device == 2 {
      try #require(packet.isControl)
      if packet.isSubmission {
        open[packet.id] = packet
      } else if let begun = open.removeValue(forKey: packet.id) {
        transfers.append((try #require(begun.setup), begun.data, packet))
      }
    }
    #expect(open.isEmpty)
    return transfers
  }

  @Test func `it is a capture of usbmon, whole`() throws {
    let (linkType, packets) = try Self.packets()
    #expect(linkType == 220)
    #expect(packets.count == 138)
    #expect(packets.count { $0.isSubmission } * 2 == packets.count)
  }

  /// The kernel counts as many transfers as `dfu` says that it has made: 63, and the three with which the
  /// kernel answers libusb's question for the descriptors.
  @Test func `there are as many transfers as the report of the flash tells`() throws {
    let transfers = try Self.transfers()
    #expect(transfers.count == 66)
    #expect(transfers.dropFirst(3).count == 63)
    #expect(transfers.allSatisfy { $0.end.status == 0 })
  }

  @Test func `what was written is what was read back`() throws {
    var written: [UInt8] = []
    var read: [UInt8] = []
    for transfer in try Self.transfers() where transfer.setup.value >= 2 {
      switch (transfer.setup.requestType.rawValue, transfer.setup.request) {
      case (0x21, 1):
        written += transfer.out
        // What is read from here on is the proof, and no longer the look at what was there.
        read = []
      case (0xA1, 2): read += transfer.end.data
      default: break
      }
    }
    #expect(written.count == 16384)
    #expect(read == written)
  }

  /// DFU 1.1, 6.1.1: after each block the device is asked for its status until it is ready for the next.
  @Test func `after each block the state is asked for until it is idle`() throws {
    var isReady = true
    for transfer in try Self.transfers() {
      switch (transfer.setup.requestType.rawValue, transfer.setup.request) {
      case (0x21, 1):
        #expect(isReady)
        isReady = false
      // dfuIDLE and dfuDNLOAD-IDLE.
      case (0xA1, 3):
        try #require(transfer.end.data.count == 6)
        isReady = [2, 5].contains(transfer.end.data[4])
      default: break
      }
    }
  }
}
