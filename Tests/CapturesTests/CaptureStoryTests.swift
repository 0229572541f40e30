import Captures
import DFU
import DFUHost
import Testing
import USB
import VirtualDFU
import VirtualUSB

/// What captures tell: from real ones, from those of virtual devices, and from some made by hand.
@Suite struct CaptureStoryTests {
  /// Transfers to one device, one millisecond each.
  struct Script {
    var events: [Recording.Event] = []
    var number: UInt32 = 0
    var time: Int64 = 0

    init(_ info: DeviceInfo? = CaptureStoryTests.board) {
      guard let info else { return }
      add(.attached(info))
      add(.opened(info.id, handle: 1))
    }

    mutating func add(_ kind: Recording.Kind) {
      events.append(Recording.Event(nanoseconds: time, kind))
    }

    mutating func call(_ call: DeviceCall, _ outcome: CallOutcome?) {
      number += 1
      add(.began(number: number, handle: 1, call))
      time += 1_000_000
      if let outcome { add(.ended(number: number, outcome)) }
    }

    mutating func download(_ block: UInt16, _ data: [UInt8], _ outcome: CallOutcome? = .done) {
      let setup = DFURequest.download.setup(
        value: block, interface: 0, length: UInt16(data.count))
      call(.controlOut(setup, data), outcome)
    }

    mutating func status(_ state: DFUState, _ status: DFUStatus = .ok) {
      let answer = GetStatusResponse(status: status, pollTimeout: 0, state: state)
      call(.controlIn(DFURequest.getStatus(interface: 0)), .received(answer.bytes))
    }

    mutating func upload(_ block: UInt16, _ length: UInt16, count: Int) {
      call(
        .controlIn(DFURequest.upload.setup(value: block, interface: 0, length: length)),
        .received([UInt8](repeating: 1, count: count)))
    }

    var file: [UInt8] {
      var writer = CaptureWriter()
      return events.reduce(writer.header(program: "test")) { $0 + writer.packets(of: $1) }
    }

    func story() throws -> CaptureStory { CaptureStory(try CaptureFile(parsing: file)) }

    /// The steps without the introduction.
    func steps() throws -> [CaptureStory.Step] {
      try story().steps.filter { $0.kind != .introduced }
    }
  }

  static func device(version: UInt16, interfaceClass: ClassTriple = .dfuMode) -> DeviceInfo {
    DeviceInfo(
      id: DeviceID(rawValue: 5), path: PortPath(bus: 2, ports: [1]), address: 9, speed: .full,
      descriptor: DeviceDescriptor(
        vendor: VendorID(0x0483), product: ProductID(0xDF11), deviceVersion: BCDVersion(0x2200)),
      configurations: [
        ConfigurationDescriptor(interfaces: [
          InterfaceDescriptor(
            number: 0, interfaceClass: interfaceClass,
            extra: [
              RawDescriptor(
                bytes: [9, 0x21, 0x0B, 255, 0, 0x00, 0x01] + version.littleEndianBytes, offset: 0)
            ])
        ])
      ], activeConfiguration: 1)
  }

  static let board = device(version: 0x011A)

  /// A status that says that all is well, or that it takes a while.
  static func polls(_ count: Int, _ state: DFUState) -> CaptureStory.Polls {
    var polls = CaptureStory.Polls()
    polls.count = count
    polls.last = GetStatusResponse(state: state)
    return polls
  }

  @Test func `a flash through libusb is told in a few steps`() throws {
    let story = CaptureStory(try CapturedFlashTests.capture())
    #expect(story.devices.map(\.ids) == ["0483:df11", "1d6b:0002"])
    #expect(story.devices.map(\.place) == ["3.2", "3.1"])
    #expect(story.devices[0].productName == "STM32  BOOTLOADER")
    #expect(story.problems.isEmpty)
    #expect(story.transferCount == 69)
    let blocks = story.steps.compactMap { step -> CaptureStory.Blocks? in
      switch step.kind {
      case .write(let blocks, _), .read(let blocks): blocks
      default: nil
      }
    }
    #expect(
      blocks.map(\.range) == [
        0x0800_0000..<0x0800_4000, 0x0800_0000..<0x0800_4000,
        0x0800_0000..<0x0800_4000,
      ])
    #expect(
      blocks.allSatisfy { $0.count == 8 && $0.length == 2048 && $0.first == 2 && $0.last == 9 })
    #expect(story.steps.map(\.transfers).reduce(0, +) == 69)
  }

  @Test func `blocks with their status are one step, and so are sectors`() throws {
    var script = Script()
    for sector in 0..<3 as Range<UInt32> {
      script.download(0, DfuSeCommand.erase(0x0800_0000 + sector * 0x400).bytes)
      script.status(.dfuDnBusy)
      script.status(.dfuDnloadIdle)
    }
    script.download(0, DfuSeCommand.setAddressPointer(0x0800_0000).bytes)
    script.status(.dfuDnBusy)
    script.status(.dfuDnloadIdle)
    for (block, count) in [(2, 256), (3, 256), (4, 100)] as [(UInt16, Int)] {
      script.download(block, noise(count))
      script.status(.dfuDnBusy)
      script.status(.dfuDnloadIdle)
    }
    let steps = try script.steps()
    let blocks = CaptureStory.Blocks(
      first: 2, last: 4, count: 3, length: 256, bytes: 612, start: 0x0800_0000)
    #expect(
      steps.map(\.kind) == [
        .erase(first: 0x0800_0000, last: 0x0800_0800, count: 3, Self.polls(6, .dfuDnloadIdle)),
        .pointer(0x0800_0000, Self.polls(2, .dfuDnloadIdle)),
        .write(blocks, Self.polls(6, .dfuDnloadIdle)),
      ])
    #expect(steps.map(\.transfers) == [9, 3, 9])
    #expect(steps.map(\.start) == [0, 9_000_000, 12_000_000])
    #expect(steps.map(\.end) == [9_000_000, 12_000_000, 21_000_000])
    #expect(steps.map(\.packets) == [5...22, 23...28, 29...46])
    #expect(steps.allSatisfy { $0.problem == nil })
  }

  /// dfu-util sets the pointer before each block, and always writes block 2.
  @Test func `a pointer that is set to where the last block ended does not divide a write`() throws
  {
    var script = Script()
    for address in [0x0800_0000, 0x0800_0100, 0x0800_0200, 0x0800_0800] as [UInt32] {
      script.download(0, DfuSeCommand.setAddressPointer(address).bytes)
      script.status(.dfuDnloadIdle)
      script.download(2, noise(256))
      script.status(.dfuDnloadIdle)
    }
    let kinds = try script.steps().map(\.kind)
    try #require(kinds.count == 4)
    guard case .write(let first, _) = kinds[1], case .write(let second, _) = kinds[3] else {
      Issue.record("\(kinds)")
      return
    }
    #expect(first.range == 0x0800_0000..<0x0800_0300 && first.count == 3)
    #expect(second.range == 0x0800_0800..<0x0800_0900 && second.count == 1)
  }

  @Test func `without addresses blocks are counted`() throws {
    var script = Script(Self.device(version: 0x0110))
    for block in 0..<4 as Range<UInt16> {
      script.download(block, noise(64))
      script.status(.dfuDnloadIdle)
    }
    script.download(4, [])
    script.status(.dfuManifestSync)
    script.status(.dfuIdle)
    let blocks = CaptureStory.Blocks(first: 0, last: 3, count: 4, length: 64, bytes: 256)
    #expect(
      try script.steps().map(\.kind) == [
        .write(blocks, Self.polls(4, .dfuDnloadIdle)),
        .finish(address: nil, Self.polls(2, .dfuIdle)),
      ])
    script = Script(Self.device(version: 0x0110))
    script.upload(0xFFFF, 64, count: 64)
    script.upload(0, 64, count: 64)
    script.upload(1, 64, count: 3)
    script.upload(9, 64, count: 3)
    #expect(
      try script.steps().map(\.kind) == [
        .read(CaptureStory.Blocks(first: 0xFFFF, last: 1, count: 3, length: 64, bytes: 131)),
        .read(CaptureStory.Blocks(first: 9, last: 9, count: 1, length: 3, bytes: 3)),
      ])
  }

  // MARK: What went wrong

  @Test func `a refused block, an error status and an answer that is missing are marked`() throws {
    var script = Script()
    script.download(2, noise(256), .failed(.stall, detail: nil))
    script.status(.dfuError, .errStalledPkt)
    script.call(.controlOut(DFURequest.clearStatus.setup(interface: 0), []), .done)
    script.download(2, noise(256))
    script.status(.dfuDnBusy)
    script.status(.dfuError, .errProg)
    script.download(2, noise(256))
    script.call(.controlIn(DFURequest.getStatus(interface: 0)), .failed(.timeout, detail: nil))
    script.download(2, noise(256), nil)
    let steps = try script.steps()
    let stalled = GetStatusResponse(status: .errStalledPkt, state: .dfuError)
    let failed = GetStatusResponse(status: .errProg, state: .dfuError)
    #expect(
      steps.map(\.problem) == [
        .failed(.errno(-32), .download), .status(stalled), nil, .status(failed),
        .failed(.errno(-110), .getStatus), .unanswered,
      ])
    #expect(steps[3].transfers == 3 && steps[4].transfers == 2)
  }

  @Test func `a device may go when it was told to, and not otherwise`() throws {
    var script = Script()
    script.download(0, DfuSeCommand.setAddressPointer(0x0800_0000).bytes)
    script.status(.dfuDnloadIdle)
    script.download(2, [])
    script.status(.dfuManifest)
    script.call(.controlIn(DFURequest.getStatus(interface: 0)), .failed(.disconnected, detail: nil))
    let steps = try script.steps()
    #expect(steps.allSatisfy { $0.problem == nil })
    #expect(steps.last?.kind == .finish(address: 0x0800_0000, Self.polls(2, .dfuManifest)))
    script = Script()
    script.download(2, noise(256))
    script.call(.controlIn(DFURequest.getStatus(interface: 0)), .failed(.disconnected, detail: nil))
    #expect(try script.steps().last?.problem == .failed(.errno(-19), .getStatus))
  }

  @Test func `a pointer that was refused stays where it was`() throws {
    var script = Script()
    script.download(0, DfuSeCommand.setAddressPointer(0x0800_0000).bytes)
    script.status(.dfuDnloadIdle)
    script.download(
      0, DfuSeCommand.setAddressPointer(0x0900_0000).bytes, .failed(.stall, detail: nil))
    script.download(2, noise(16))
    script.status(.dfuDnloadIdle)
    guard case .write(let blocks, _)? = try script.steps().last?.kind else {
      Issue.record("nothing was written")
      return
    }
    #expect(blocks.range == 0x0800_0000..<0x0800_0010)
  }

  @Test func `requests of other classes with the same numbers are none of DFU`() throws {
    var script = Script(Self.device(version: 0x0110, interfaceClass: ClassTriple(3, 0, 0)))
    let setup = SetupPacket(
      RequestType(rawValue: 0xA1), request: 3, value: 0, index: 0, length: 1)
    script.call(.controlIn(setup), .received([1]))
    script.call(.controlIn(setup), .received([1]))
    #expect(try script.steps().map(\.kind) == [.request(setup, count: 2)])
  }

  // MARK: Devices

  static func enumeration() -> [UInt8] {
    let maker = CaptureBuilder()
    var packets: [(UInt32, UInt32, [UInt8])] = []
    var id: UInt64 = 100
    func transfer(_ address: UInt8, _ setup: SetupPacket, _ answer: [UInt8]) {
      id += 1
      let endpoint: UInt8 = setup.requestType.direction == .in ? 0x80 : 0
      packets.append(
        (
          UInt32(id), 0,
          maker.usbmon(
            "S", id: id, endpoint: endpoint, address: address, setup: setup, status: -115,
            length: UInt32(setup.length), data: endpoint == 0 ? [] : nil)
        ))
      packets.append(
        (
          UInt32(id), 1,
          maker.usbmon(
            "C", id: id, endpoint: endpoint, address: address, length: UInt32(answer.count),
            data: endpoint == 0 ? nil : answer)
        ))
    }
    let other = Self.device(version: 0x0110)
    for (address, info) in [(7, Self.board), (8, other)] as [(UInt8, DeviceInfo)] {
      let device = info.descriptor.bytes
      transfer(0, .getDescriptor(.device, length: 64), device)
      transfer(0, .setAddress(address), [])
      transfer(address, .getDescriptor(.device, length: 18), device)
      let whole = info.configurations[0].bytes
      transfer(address, .getDescriptor(.configuration, length: 9), Array(whole.prefix(9)))
      transfer(address, .getDescriptor(.configuration, length: 255), whole)
      transfer(address, .setConfiguration(1), [])
    }
    transfer(8, DFURequest.getStatus(interface: 0), [0, 0, 0, 0, 2, 0])
    return CaptureBuilder.pcap(linkType: 220, packets)
  }

  @Test func `an enumeration is that of the device that gets the address`() throws {
    let story = CaptureStory(try CaptureFile(parsing: Self.enumeration()))
    #expect(story.devices.map(\.address) == [7, 8])
    #expect(story.devices.map(\.activeConfiguration) == [1, 1])
    #expect(story.devices.map { $0.configurations.count } == [1, 1])
    #expect(
      story.steps.filter { $0.device == 0 }.map(\.kind) == [
        .descriptor(.device, index: 0, length: 18), .setAddress(7),
        .descriptor(.device, index: 0, length: 18),
        .descriptor(.configuration, index: 0, length: 9),
        .descriptor(.configuration, index: 0, length: 27), .setConfiguration(1),
      ])
    #expect(story.steps.last?.kind == .status(GetStatusResponse(state: .dfuIdle), count: 1))
  }

  @Test func `another device at the same address is another device`() throws {
    var other = Self.board
    other.descriptor.product = ProductID(1)
    other.id = DeviceID(rawValue: 6)
    var script = Script()
    script.status(.dfuIdle)
    script.add(.detached(Self.board.id, Self.board.path))
    script.add(.attached(other))
    let story = try script.story()
    #expect(story.devices.map(\.ids) == ["0483:df11", "0483:0001"])
    #expect(story.steps.map(\.device) == [0, 0, 1])
  }

  @Test(arguments: [Profile.stm32f407, .dfu11, .stm32f429])
  func `a flash of a virtual device has no problem in its story`(_ profile: Profile) async throws {
    let (_, tape) = try await RecordedBench.run(profile) { bench in
      let session = try await open(bench.host, bench.clock)
      return try await flash(noise(3000), at: 0x0800_8000, on: session)
    }
    let story = CaptureStory(
      try CaptureFile(parsing: CaptureWriterTests.file(tape.recording.events)))
    #expect(story.problems.isEmpty, "\(story.problems)")
    let written = story.steps.compactMap { step -> Int? in
      if case .write(let blocks, _) = step.kind { blocks.bytes } else { nil }
    }
    #expect(written.reduce(0, +) >= 3000 && written.count <= 3, "\(written)")
  }
}
