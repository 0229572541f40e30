import Captures
import Testing
import USB

/// A flash of ours as the kernel saw it (`Fixtures/README.md`): it is a whole, and it proves itself.
@Suite struct CapturedFlashTests {
  static func capture() throws -> CaptureFile {
    try CaptureFile(parsing: try CaptureBuilder.fixture())
  }

  /// The control transfers of the flashed device, each with its end.
  static func transfers() throws -> [(setup: SetupPacket, out: [UInt8], end: CapturedTransfer)] {
    try capture().transfers.filter { $0.address == 2 }.map { transfer in
      try #require(transfer.kind == .control && transfer.ended != nil)
      return (try #require(transfer.setup), transfer.sent, transfer)
    }
  }

  @Test func `it is a capture of usbmon, whole`() throws {
    let capture = try Self.capture()
    #expect(capture.linkTypes == [.usbLinuxMmapped])
    #expect(capture.records.count == 138 && capture.packetCount == 138)
    #expect(capture.transfers.count * 2 == capture.records.count)
    #expect(capture.transfers.allSatisfy { !$0.isTruncated })
  }

  @Test func `there are as many transfers as the report of the flash tells`() throws {
    let transfers = try Self.transfers()
    #expect(transfers.count == 66)
    #expect(transfers.dropFirst(3).count == 63)
    #expect(transfers.allSatisfy { $0.end.status == .errno(0) })
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
      case (0xA1, 2): read += transfer.end.received
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
        try #require(transfer.end.received.count == 6)
        isReady = [2, 5].contains(transfer.end.received[4])
      default: break
      }
    }
  }
}
