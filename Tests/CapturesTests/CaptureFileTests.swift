import Captures
import Testing
import USB

/// Reading captures: every form and link type, and everything that can be wrong with one.
@Suite struct CaptureFileTests {
  static let device: [UInt8] = [
    18, 1, 0, 2, 0, 0, 0, 64, 0x83, 4, 0x11, 0xDF, 0, 0x22, 1, 2, 3, 1,
  ]
  static let setup = SetupPacket.getDescriptor(.device, length: 18)

  @Test(arguments: [false, true], [false, true])
  func `the classic form is read in both byte orders and both units of time`(
    _ isBigEndian: Bool, _ nanoseconds: Bool
  ) throws {
    let maker = CaptureBuilder(isBigEndian: isBigEndian)
    let file = try CaptureFile(
      parsing: CaptureBuilder.pcap(
        linkType: 220, isBigEndian: isBigEndian, nanoseconds: nanoseconds,
        [
          (100, 5, maker.usbmon("S", setup: Self.setup, status: -115, length: 18)),
          (100, 9, maker.usbmon("C", length: 18, data: Self.device)),
        ]))
    #expect(file.format == .pcap)
    #expect(file.linkTypes == [.usbLinuxMmapped])
    let transfer = try #require(file.transfers.first)
    #expect(file.transfers.count == 1)
    let unit: Int64 = nanoseconds ? 1 : 1000
    #expect(transfer.submitted == 100_000_000_000 + 5 * unit)
    #expect(transfer.ended == 100_000_000_000 + 9 * unit)
    #expect(transfer.setup == Self.setup)
    #expect(transfer.received == Self.device)
    #expect(transfer.status == .errno(0))
    #expect(transfer.packets == 1...2)
    #expect(transfer.bus == 1 && transfer.address == 5 && transfer.endpoint == 0x80)
    #expect(transfer.kind == .control && !transfer.isTruncated && !transfer.isInjected)
  }

  @Test(arguments: [false, true])
  func `pcapng is read in both byte orders, with blocks that are not known`(
    _ isBigEndian: Bool
  ) throws {
    var file = CaptureBuilder(isBigEndian: isBigEndian)
    file.section(program: "Dumpcap 4")
    file.block(0x0000_0BAD, [1, 2, 3, 4])
    file.interface(linkType: 1)
    file.interface(linkType: 189, resolution: 9)
    file.packet([1, 2, 3])
    file.packet(
      file.usbmon("S", setup: Self.setup, length: 18, headerLength: 48), interface: 1,
      ticks: 1 << 33)
    // The obsolete block of a packet.
    let end = file.usbmon("C", status: -32, length: 0, headerLength: 48)
    let count = file.number(UInt32(end.count))
    file.block(
      2,
      file.number(UInt16(1)) + [0, 0] + file.number(UInt32(2)) + file.number(UInt32(7)) + count
        + count + end)
    file.block(5, [0, 0, 0, 0])
    let capture = try CaptureFile(parsing: file.bytes)
    #expect(capture.program == "Dumpcap 4")
    #expect(capture.packetCount == 3 && capture.otherPackets == 1)
    let transfer = try #require(capture.transfers.first)
    #expect(transfer.packets == 2...3)
    #expect(transfer.submitted == 1 << 33 && transfer.ended == 1 << 33 + 7)
    #expect(transfer.status?.meaning == .stall)
    #expect(transfer.status?.name == "EPIPE (-32)")
  }

  @Test func `a simple packet has the time that usbmon tells`() throws {
    var file = CaptureBuilder()
    file.section()
    file.interface(linkType: 220)
    let content = file.usbmon("S", setup: Self.setup, length: 18)
    file.block(3, file.number(UInt32(content.count)) + content)
    let capture = try CaptureFile(parsing: file.bytes)
    #expect(capture.records.first?.nanoseconds == 3_000_004_000)
  }

  @Test(arguments: [
    (UInt8(0), UInt64(2), Int64(2_000_000_000)), (3, 2, 2_000_000), (6, 2, 2000), (9, 2, 2),
    (12, 2000, 2), (0x80, 2, 2_000_000_000), (0x8A, 512, 500_000_000), (0xC0, 1 << 63, 500_000_000),
  ])
  func `times have the unit of their interface`(
    _ resolution: UInt8, _ ticks: UInt64, _ nanoseconds: Int64
  ) throws {
    var file = CaptureBuilder()
    file.section()
    file.interface(linkType: 220, resolution: resolution, offset: 10)
    file.packet(file.usbmon("S", setup: Self.setup, length: 18), ticks: ticks)
    let capture = try CaptureFile(parsing: file.bytes)
    #expect(capture.records.first?.nanoseconds == nanoseconds + 10_000_000_000)
  }

  @Test func `a section of the other byte order begins anew`() throws {
    var file = CaptureBuilder()
    file.section()
    file.interface(linkType: 220)
    file.packet(file.usbmon("S", setup: Self.setup, length: 18))
    file.isBigEndian = true
    file.section()
    file.interface(linkType: 220)
    file.packet(file.usbmon("C", length: 18, data: Self.device))
    let capture = try CaptureFile(parsing: file.bytes)
    #expect(capture.transfers.first?.received == Self.device)
  }

  @Test func `the stages of USBPcap are one transfer`() throws {
    let status = SetupPacket(
      RequestType(rawValue: 0xA1), request: 3, value: 0, index: 0, length: 6)
    let download = SetupPacket(
      RequestType(rawValue: 0x21), request: 1, value: 2, index: 0, length: 3)
    let packets = [
      // The newer form: the setup stage with what is sent, and the end.
      CaptureBuilder.usbPcap(
        isCompletion: false, endpoint: 0, stage: 0, data: download.bytes + [1, 2, 3]),
      CaptureBuilder.usbPcap(isCompletion: true, endpoint: 0, stage: 3),
      // The older one: data and status for themselves.
      CaptureBuilder.usbPcap(isCompletion: false, endpoint: 0, stage: 0, data: download.bytes),
      CaptureBuilder.usbPcap(isCompletion: false, endpoint: 0, stage: 1, data: [4, 5, 6]),
      CaptureBuilder.usbPcap(
        status: 0xC000_0004, isCompletion: true, endpoint: 0, stage: 2),
      CaptureBuilder.usbPcap(isCompletion: false, stage: 0, data: status.bytes),
      CaptureBuilder.usbPcap(isCompletion: true, stage: 1, data: [0, 0, 0, 0, 2, 0]),
      CaptureBuilder.usbPcap(isCompletion: true, stage: 2),
      // Bulk, and something that is no transfer.
      CaptureBuilder.usbPcap(isCompletion: false, endpoint: 0x81, kind: 3),
      CaptureBuilder.usbPcap(isCompletion: true, endpoint: 0x81, kind: 3, data: [9]),
      CaptureBuilder.usbPcap(isCompletion: false, kind: 0xFE),
    ]
    let file = try CaptureFile(
      parsing: CaptureBuilder.pcap(
        linkType: 249, packets.enumerated().map { (UInt32($0.offset), 0, $0.element) }))
    let transfers = file.transfers
    try #require(transfers.count == 4)
    #expect(transfers.map(\.sent) == [[1, 2, 3], [4, 5, 6], [], []])
    #expect(transfers.map(\.received) == [[], [], [0, 0, 0, 0, 2, 0], [9]])
    #expect(transfers.map { $0.status?.meaning } == [.success, .stall, .success, .success])
    #expect(transfers.map(\.packets) == [1...2, 3...5, 6...8, 9...10])
    #expect(transfers.map(\.setup) == [download, download, status, nil])
    #expect(transfers[0].bus == 2 && transfers[0].address == 6)
    #expect(transfers[1].status?.name == "USBD_STATUS_STALL_PID (0xc0000004)")
    #expect(file.otherPackets == 1)
  }

  @Test func `an end without a beginning, and a beginning without an end, are kept`() throws {
    let maker = CaptureBuilder()
    let file = try CaptureFile(
      parsing: CaptureBuilder.pcap(
        linkType: 220,
        [
          (1, 0, maker.usbmon("C", id: 1, length: 18, data: Self.device)),
          (2, 0, maker.usbmon("S", id: 2, setup: Self.setup, length: 18)),
          (3, 0, maker.usbmon("S", id: 3, setup: Self.setup, length: 18)),
          (4, 0, maker.usbmon("E", id: 3, status: -19, length: 0)),
        ]))
    let transfers = file.transfers
    try #require(transfers.count == 3)
    #expect(transfers[0].submitted == nil && transfers[0].ended == 1_000_000_000)
    #expect(transfers[1].ended == nil && transfers[1].status == nil)
    #expect(transfers[2].wasRefused && transfers[2].status?.meaning == .disconnected)
  }

  @Test func `what a snap length has cut off is told`() throws {
    let maker = CaptureBuilder()
    let file = try CaptureFile(
      parsing: CaptureBuilder.pcap(
        linkType: 220,
        [
          (1, 0, maker.usbmon("S", setup: Self.setup, length: 18)),
          (2, 0, maker.usbmon("C", length: 18, data: Array(Self.device.prefix(8)))),
        ]))
    let transfer = try #require(file.transfers.first)
    #expect(transfer.isTruncated && transfer.received.count == 8 && transfer.actualLength == 18)
  }

  // MARK: What is wrong

  static func pcapng(_ change: (inout CaptureBuilder) -> Void) -> [UInt8] {
    var file = CaptureBuilder()
    file.section()
    change(&file)
    return file.bytes
  }

  static let broken: [Broken] = [
    Broken("text", Array("dfu-recording 1\n".utf8), .notACapture, at: 0),
    Broken("two bytes", [0xD4, 0xC3], .notACapture, at: 0),
    Broken("Ethernet", CaptureBuilder.pcap(linkType: 1, [(0, 0, [1, 2])]), .linkType, at: 20),
    Broken("pcapng of Ethernet", pcapng { $0.interface(linkType: 1) }, .linkType, at: 0),
    Broken(
      "a header of usbmon that is short",
      CaptureBuilder.pcap(linkType: 220, [(0, 0, [UInt8](repeating: 0, count: 63))]), .malformed,
      at: 40),
    Broken(
      "an event that is none",
      CaptureBuilder.pcap(linkType: 220, [(0, 0, CaptureBuilder().usbmon("X", length: 0))]),
      .malformed, at: 48),
    Broken(
      "a header of USBPcap that is short",
      CaptureBuilder.pcap(linkType: 249, [(0, 0, [26, 0] + [UInt8](repeating: 0, count: 30))]),
      .malformed, at: 40),
    Broken(
      "a setup stage without a setup packet",
      CaptureBuilder.pcap(
        linkType: 249,
        [(0, 0, CaptureBuilder.usbPcap(isCompletion: false, stage: 0, data: [1, 2]))]),
      .malformed, at: 68),
    Broken(
      "a stage that is none",
      CaptureBuilder.pcap(
        linkType: 249, [(0, 0, CaptureBuilder.usbPcap(isCompletion: false, stage: 7))]),
      .malformed, at: 67),
    Broken(
      "a block of 13 bytes",
      pcapng { $0.bytes += [1, 0, 0, 0, 13, 0, 0, 0] + [UInt8](repeating: 0, count: 16) },
      .malformed, at: 32),
    Broken(
      "a block with two lengths",
      pcapng { file in
        file.interface(linkType: 220)
        file.bytes[file.bytes.count - 4] += 4
      }, .malformed, at: 44),
    Broken(
      "a packet of no interface", pcapng { $0.packet([1, 2, 3, 4], interface: 2) }, .malformed,
      at: 36),
    Broken(
      "an option beyond its block",
      pcapng { $0.block(1, [220, 0, 0, 0, 0, 0, 0, 0, 9, 0, 200, 0]) }, .malformed, at: 48),
    Broken(
      "a time beyond all",
      pcapng { file in
        file.interface(linkType: 220, resolution: 0)
        file.packet([], ticks: .max)
      }, .malformed, at: 68),
  ]

  @Test(arguments: broken)
  func `what is wrong is told with its byte`(_ file: Broken) {
    let error = #expect(throws: CaptureError.self) { try CaptureFile(parsing: file.bytes) }
    #expect(error?.code == file.code, "\(error?.sentence ?? "")")
    #expect(error?.offset == file.offset, "\(error?.sentence ?? "")")
  }

  @Test func `a capture that was cut off anywhere is read up to there`() throws {
    let whole = Array(try CaptureBuilder.fixture().prefix(3000))
    let records = try CaptureFile(parsing: whole).records
    for length in 24..<whole.count {
      let part = try CaptureFile(parsing: Array(whole[..<length]))
      #expect(records.starts(with: part.records))
      #expect(part.records.count < records.count || part.records == records)
    }
    #expect(try CaptureFile(parsing: whole).cutOffset != nil)
    #expect(try CaptureFile(parsing: try CaptureBuilder.fixture()).cutOffset == nil)
  }
}

/// A file that is no capture, and what is said of it.
struct Broken: CustomTestStringConvertible, Sendable {
  var testDescription: String
  var bytes: [UInt8]
  var code: CaptureError.Code
  var offset: Int

  init(_ name: String, _ bytes: [UInt8], _ code: CaptureError.Code, at offset: Int) {
    testDescription = name
    self.bytes = bytes
    self.code = code
    self.offset = offset
  }
}
