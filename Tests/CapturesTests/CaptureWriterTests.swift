import Captures
import DFU
import DFUHost
import Testing
import USB
import VirtualDFU
import VirtualUSB

/// Captures of our own: what went over the wire is in them, and nothing else.
@Suite struct CaptureWriterTests {
  /// What a file would hold of some events.
  static func file(_ events: [Recording.Event], start: Int64 = 0) -> [UInt8] {
    var writer = CaptureWriter(start: start)
    return events.reduce(writer.header(program: "dfu 9.9")) { $0 + writer.packets(of: $1) }
  }

  static func flash() async throws -> Recording {
    let (_, tape) = try await RecordedBench.run(.stm32f407) { bench in
      let session = try await open(bench.host, bench.clock)
      return try await CapturesTests.flash(noise(3000), at: 0x0800_0000, on: session)
    }
    return tape.recording
  }

  @Test func `every transfer of a flash is in its capture, and nothing that is none`() async throws
  {
    let recording = try await Self.flash()
    let capture = try CaptureFile(parsing: Self.file(recording.events, start: 1_000_000_000))
    #expect(capture.program == "dfu 9.9")
    #expect(capture.linkTypes == [.usbLinuxMmapped])
    #expect(capture.cutOffset == nil && capture.otherPackets == 0)
    let transfers = capture.transfers.filter { !$0.isInjected }
    var calls: [(DeviceCall, Int64)] = []
    var ends: [UInt32: (CallOutcome, Int64)] = [:]
    var numbers: [UInt32] = []
    for event in recording.events {
      switch event.kind {
      case .began(let number, _, let call) where call.isTransfer:
        calls.append((call, event.nanoseconds))
        numbers.append(number)
      case .ended(let number, let outcome): ends[number] = (outcome, event.nanoseconds)
      default: break
      }
    }
    try #require(transfers.count == calls.count && calls.count > 20)
    for ((transfer, call), number) in zip(zip(transfers, calls), numbers) {
      let end = try #require(ends[number])
      #expect(transfer.setup == call.0.setup)
      #expect(transfer.sent == call.0.data)
      #expect(transfer.submitted == 1_000_000_000 + call.1)
      #expect(transfer.ended == 1_000_000_000 + end.1)
      #expect(transfer.status == .errno(0) && !transfer.isTruncated)
      if case .received(let bytes) = end.0 { #expect(transfer.received == bytes) }
    }
  }

  @Test func `a device is introduced by its descriptors, once`() async throws {
    let recording = try await Self.flash()
    let info = try #require(Self.info(of: recording))
    let again = recording.events + [Recording.Event(nanoseconds: 99 << 30, .attached(info))]
    let injected = try CaptureFile(parsing: Self.file(again)).transfers.filter(\.isInjected)
    try #require(injected.count == 3)
    #expect(injected[0].received == info.descriptor.bytes)
    #expect(injected[1].received == info.configurations[0].bytes)
    let units = try #require(info.serialNumber).utf16.flatMap(\.littleEndianBytes)
    #expect(injected[2].received == [UInt8(units.count + 2), 3] + units)
    #expect(injected.allSatisfy { $0.address == 1 && $0.bus == 1 })
  }

  static func info(of recording: Recording) -> DeviceInfo? {
    for case .attached(let info) in recording.events.map(\.kind) { return info }
    return nil
  }

  @Test(arguments: TransferError.Code.allCases)
  func `a transfer that failed has an errno`(_ code: TransferError.Code) async throws {
    let info = try #require(Self.info(of: try await Self.flash()))
    let setup = DFURequest.getStatus(interface: 0)
    let kinds: [Recording.Kind] = [
      .attached(info), .opened(info.id, handle: 1),
      .began(number: 1, handle: 1, .controlIn(setup)),
      .ended(number: 1, .failed(code, detail: nil)),
    ]
    let capture = try CaptureFile(
      parsing: Self.file(kinds.map { Recording.Event(nanoseconds: 0, $0) }))
    let transfer = try #require(capture.transfers.last)
    let meaning: CaptureStatus.Meaning =
      switch code {
      case .stall: .stall
      case .timeout, .cancelled: .noAnswer
      case .disconnected, .closed: .disconnected
      case .protocolError: .broken
      case .overflow: .overflow
      case .busy, .permission, .unsupported, .other: .failed
      }
    #expect(transfer.status?.meaning == meaning)
    #expect(transfer.wasRefused == [.busy, .permission, .closed, .unsupported].contains(code))
  }

  @Test func `addresses that the host does not tell are made up, each once`() async throws {
    var info = try #require(Self.info(of: try await Self.flash()))
    var kinds: [Recording.Kind] = []
    for id in 1...130 as ClosedRange<UInt64> {
      info.id = DeviceID(rawValue: id)
      info.address = 0
      info.serialNumber = nil
      kinds.append(.attached(info))
    }
    let events = kinds.map { Recording.Event(nanoseconds: 0, $0) }
    let addresses = try CaptureFile(parsing: Self.file(events)).transfers.map(\.address)
    #expect(addresses.prefix(6) == [127, 127, 126, 126, 125, 125])
    #expect(addresses.allSatisfy { (1...127).contains($0) })
  }

  @Test func `bulk and interrupt transfers keep their endpoints and lengths`() async throws {
    let info = try #require(Self.info(of: try await Self.flash()))
    let calls: [(DeviceCall, CallOutcome)] = [
      (.bulkIn(0x81, length: 64), .received([1, 2])), (.bulkOut(0x02, [3, 4, 5]), .sent(2)),
      (.interruptIn(0x83, length: 8), .received([])), (.interruptOut(0x04, [6]), .sent(1)),
      (.reset, .done), (.claim(0), .done),
    ]
    var kinds: [Recording.Kind] = [.attached(info), .opened(info.id, handle: 1)]
    for (index, call) in calls.enumerated() {
      kinds += [
        .began(number: UInt32(index + 1), handle: 1, call.0),
        .ended(number: UInt32(index + 1), call.1),
      ]
    }
    let file = Self.file(kinds.map { Recording.Event(nanoseconds: 0, $0) })
    let transfers = try CaptureFile(parsing: file).transfers.filter { !$0.isInjected }
    #expect(transfers.map(\.kind) == [.bulk, .bulk, .interrupt, .interrupt])
    #expect(transfers.map(\.endpoint) == [0x81, 0x02, 0x83, 0x04])
    #expect(transfers.map(\.requestedLength) == [64, 3, 8, 1])
    #expect(transfers.map(\.actualLength) == [2, 2, 0, 1])
    #expect(transfers.map(\.received) == [[1, 2], [], [], []])
    #expect(transfers.map(\.sent) == [[], [3, 4, 5], [], [6]])
  }
}
