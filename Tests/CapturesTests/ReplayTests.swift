import Captures
import DFUHost
import Firmware
import Synchronization
import Testing
import USB
import VirtualDFU
import VirtualUSB

/// A host that does what was recorded gets what was answered; one that does something else is told
/// where.
@Suite struct ReplayTests {
  struct Board: CustomTestStringConvertible, Sendable {
    var profile: Profile
    var address: UInt64 = 0x0800_0000
    var window = 1
    var testDescription: String { "\(profile.name), \(window) at a time" }

    static let all = [
      Board(profile: .stm32f407), Board(profile: .stm32f407, window: 4),
      Board(profile: .stm32h743, address: 0x0810_0000), Board(profile: .stm32l476),
      Board(profile: .stm32l476, window: 3), Board(profile: .stLibrary, address: 0x0800_C000),
      Board(profile: .stm32f730External), Board(profile: .dfu11), Board(profile: .dfu10),
      Board(profile: .dfu11, window: 2),
    ]
  }

  @Test(arguments: Board.all)
  func `the same flash on the recording gives the same report, to the nanosecond`(
    _ board: Board
  ) async throws {
    let old = noise(9000, seed: 5)
    let new = noise(7001, seed: 6)
    let (report, tape) = try await RecordedBench.run(
      board.profile, prepare: { $0.load(old, at: board.address) }
    ) { bench in
      let session = try await open(bench.host, bench.clock, window: board.window)
      return try await flash(new, at: board.address, on: session)
    }
    let document = try tape.document()
    #expect(document == RecordingDocument(tape.recording))
    try await Simulation().run { clock in
      let host = ReplayHost(document, clock: AnyClock(clock))
      let session = try await open(host, clock, window: board.window)
      let again = try await flash(new, at: board.address, on: session)
      #expect(again == report)
      #expect(host.difference == nil)
      #expect(host.remainder == nil)
    }
  }

  @Test func `what a device says of itself is played back as it was`() async throws {
    for profile in Profile.all {
      let (info, tape) = try await RecordedBench.run(profile) { bench in
        let info = try #require(try await bench.host.devices().first)
        await (try await bench.host.open(info.id)).close()
        return info
      }
      let host = ReplayHost(try tape.document(), clock: AnyClock(SimulatedClock()))
      #expect(try await host.devices() == [info])
      #expect(try await host.open(info.id).info == info)
    }
  }

  // MARK: Differences

  /// A recorded flash of 7001 bytes onto a blank STM32F407.
  static func recorded(_ bytes: [UInt8] = noise(7001, seed: 6)) async throws -> RecordingDocument {
    let (_, tape) = try await RecordedBench.run(.stm32f407) { bench in
      try await flash(bytes, at: 0x0800_0000, on: open(bench.host, bench.clock))
    }
    return try tape.document()
  }

  /// What a session with a replay comes to.
  func play(
    _ document: RecordingDocument, _ body: @escaping @Sendable (DFUSession) async throws -> Void
  ) async throws -> (error: (any Error)?, host: ReplayHost) {
    try await Simulation().run { clock in
      let host = ReplayHost(document, clock: AnyClock(clock))
      do {
        try await body(try await open(host, clock))
        return (nil, host)
      } catch {
        return (error, host)
      }
    }
  }

  @Test func `another byte is found in its line, with its place`() async throws {
    let document = try await Self.recorded()
    let (error, host) = try await play(document) { session in
      var other = noise(7001, seed: 6)
      other[2048 + 99] ^= 1
      _ = try await flash(other, at: 0x0800_0000, on: session)
    }
    #expect(error is DFUError)
    let difference = try #require(host.difference)
    let old = noise(7001, seed: 6)[2048 + 99]
    #expect(
      difference.sentence
        == "The recording has DFU_DNLOAD: block 3, 2048 bytes (21 01 03 00 00 00 00 08) in line "
        + "\(difference.line): byte 99 of its data is 0x\(hex(old)), and the host sends "
        + "0x\(hex(old ^ 1)).")
    let line = String(decoding: document.recording.text, as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false)[difference.line - 1]
    #expect(line.contains("21 01 03 00 00 00 00 08 >"))
    #expect(difference.slug == "replay-differs")
    #expect(try #require(host.remainder).line == difference.line)
  }

  @Test func `after a difference everything fails with the same sentence`() async throws {
    let document = try await Self.recorded()
    let host = ReplayHost(document, clock: AnyClock(SimulatedClock()))
    let info = try #require(try await host.devices().first)
    let device = try await host.open(info.id)
    var errors: [TransferError] = []
    for setup in [SetupPacket.getConfiguration, .getDescriptor(.device, length: 18)] {
      do throws(TransferError) {
        _ = try await device.controlIn(setup, timeout: .seconds(1))
      } catch { errors.append(error) }
    }
    let sentence = try #require(host.difference?.sentence)
    #expect(errors.count == 2)
    #expect(errors.allSatisfy { $0.detail == sentence && $0.code == .other })
    let claim = await #expect(throws: TransferError.self) { try await device.claimInterface(0) }
    #expect(claim?.detail == sentence)
    let list = await #expect(throws: HostError.self) { try await host.devices() }
    #expect(list?.sentence == sentence)
    let opening = await #expect(throws: HostError.self) { try await host.open(info.id) }
    #expect(opening?.sentence == sentence)
    await device.close()
  }

  struct Slip: CustomTestStringConvertible, Sendable {
    var title: String
    var says: String
    var body: @Sendable (any USBDevice) async throws -> Void
    var testDescription: String { title }
  }

  /// A handle whose recording has one claim, SET_INTERFACE, a bulk write and a GETSTATUS.
  static let script = """
    dfu-recording 1
    0.0 attached 1 at 1-1 address 1 speed full configurations 0
      device 12 01 00 02 00 00 00 40 09 12 01 00 00 01 00 00 00 00
    0.0 open 1 = handle 1
    0.0 1 claim 0 = ok +0
    0.0 1 set-interface 0 1 = ok +0
    0.0 1 bulk-out 02 > 01 02 03 = sent 3 +0
    0.0 1 in a1 03 00 00 00 00 06 00 = 00 00 00 00 02 00 +0

    """

  @Test(arguments: [
    Slip(title: "another interface", says: "claim of interface 0 in line 5") {
      try await $0.claimInterface(1)
    },
    Slip(title: "nothing claimed", says: "the host sends SET_INTERFACE 0, setting 1") {
      try await $0.setAlternateSetting(1, interface: 0)
    },
    Slip(title: "another setting", says: "SET_INTERFACE 0, setting 1 in line 6") {
      try await $0.claimInterface(0)
      try await $0.setAlternateSetting(2, interface: 0)
    },
    Slip(title: "another byte to a bulk endpoint", says: "byte 1 of its data is 0x02") {
      _ = try await $0.bulkOut(endpoint: 2, data: [1, 9, 3], timeout: .seconds(1))
    },
    Slip(title: "fewer bytes to a bulk endpoint", says: "3 bytes of data, and the host sends 2") {
      _ = try await $0.bulkOut(endpoint: 2, data: [1, 2], timeout: .seconds(1))
    },
    Slip(title: "a longer answer", says: "byte 6 of its setup packet (wLength) is 0x06") {
      try await $0.claimInterface(0)
      try await $0.setAlternateSetting(1, interface: 0)
      _ = try await $0.controlIn(
        SetupPacket(RequestType(rawValue: 0xA1), request: 3, value: 0, index: 0, length: 7),
        timeout: .seconds(1))
    },
    Slip(title: "one more", says: "ends with line 8, and the host goes on with reset") {
      try await $0.claimInterface(0)
      try await $0.setAlternateSetting(1, interface: 0)
      _ = try await $0.controlIn(
        SetupPacket(RequestType(rawValue: 0xA1), request: 3, value: 0, index: 0, length: 6),
        timeout: .seconds(1))
      try await $0.reset()
    },
    Slip(title: "given back, and used", says: "gave the device back before it") {
      try await $0.releaseInterface(0)
      try await $0.claimInterface(0)
    },
  ])
  func `each way to differ is named`(_ slip: Slip) async throws {
    let document = try RecordingDocument(parsing: Array(Self.script.utf8))
    let host = ReplayHost(document, clock: AnyClock(SimulatedClock()))
    let device = try await host.open(DeviceID(rawValue: 1))
    await #expect(throws: TransferError.self) { try await slip.body(device) }
    let sentence = try #require(host.difference?.sentence)
    #expect(sentence.contains(slip.says), "\(sentence)")
  }

  @Test func `each endpoint has an order of its own`() async throws {
    let document = try RecordingDocument(parsing: Array(Self.script.utf8))
    let host = ReplayHost(document, clock: AnyClock(SimulatedClock()))
    let device = try await host.open(DeviceID(rawValue: 1))
    #expect(try await device.bulkOut(endpoint: 2, data: [1, 2, 3], timeout: .seconds(1)) == 3)
    try await device.claimInterface(0)
    #expect(host.difference == nil)
    #expect(host.remainder == Replay.Remainder(transfers: 2, total: 3, line: 6))
  }

  @Test func `a host that ends early does not differ, and what is left is counted`() async throws {
    let document = try await Self.recorded()
    let (error, host) = try await play(document) { await $0.close() }
    #expect(error == nil)
    #expect(host.difference == nil)
    let remainder = try #require(host.remainder)
    #expect(remainder.transfers < remainder.total)
    #expect(remainder.transfers > 10)
  }

  @Test func `a recording that was cut off is played up to there`() async throws {
    let document = try await Self.recorded()
    let text = document.recording.text
    let cut = try RecordingDocument(parsing: Array(text[..<(text.count * 2 / 3)]))
    #expect(cut.cutLine == cut.lines.last.map { $0 + 1 })
    let (error, host) = try await play(cut) { session in
      _ = try await flash(noise(7001, seed: 6), at: 0x0800_0000, on: session)
    }
    #expect(error is DFUError)
    let difference = try #require(host.difference)
    #expect(difference.slug == "replay-unanswered")
    #expect(difference.line == cut.cutLine)
    #expect(host.remainder == nil)
  }

  // MARK: Coming and going

  @Test func `a part that resets itself comes back in the replay, under its new id`() async throws {
    @Sendable func job(_ host: some USBHost, _ clock: SimulatedClock) async throws -> FlashReport {
      let first = try await open(host, clock)
      #expect(try await first.unprotect() == .resetting)
      await first.close()
      let id = first.description.info.id
      while try await host.devices().first.map({ $0.id == id }) ?? true {
        try await clock.sleep(for: .milliseconds(100))
      }
      return try await flash(noise(5000), at: 0x0800_0000, on: open(host, clock))
    }
    let (report, tape) = try await RecordedBench.run(.stm32f407ReadProtected) { bench in
      try await job(bench.host, bench.clock)
    }
    let document = try tape.document()
    #expect(
      document.recording.events.contains { if case .detached = $0.kind { true } else { false } })
    try await Simulation().run { clock in
      let host = ReplayHost(document, clock: AnyClock(clock))
      let again = try await job(host, clock)
      #expect(again == report)
      #expect(host.remainder == nil)
    }
  }

  @Test func `attachments are told to those who listen, and the stream ends with the recording`()
    async throws
  {
    let (heard, tape) = try await RecordedBench.run(.stm32f407) { bench in
      let events = bench.host.events()
      let session = try await open(bench.host, bench.clock)
      bench.bus.detach(bench.path)
      let id = bench.bus.attach(VirtualBootloader(.stm32f407), path: bench.path)
      var heard: [HostEvent] = []
      for await event in events {
        heard.append(event)
        if case .attached(let info) = event, info.id == id { break }
      }
      await session.close()
      return heard
    }
    #expect(heard.count == 2)
    let document = try tape.document()
    try await Simulation().run { clock in
      let host = ReplayHost(document, clock: AnyClock(clock))
      let events = host.events()
      await (try await open(host, clock)).close()
      var again: [HostEvent] = []
      for await event in events { again.append(event) }
      #expect(again == heard)
    }
  }

  @Test func `a device that is not there cannot be opened, in the replay either`() async throws {
    let (error, tape) = try await RecordedBench.run(.stm32f407) { bench in
      do throws(HostError) {
        _ = try await bench.host.open(DeviceID(rawValue: 77))
        return HostError?.none
      } catch { return error }
    }
    let host = ReplayHost(try tape.document(), clock: AnyClock(SimulatedClock()))
    let again = await #expect(throws: HostError.self) {
      try await host.open(DeviceID(rawValue: 77))
    }
    #expect(again == error)
    #expect(again?.code == .notFound)
  }
}
