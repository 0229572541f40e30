import DFU
import Firmware
import Synchronization
import Testing
import USB
import VirtualDFU
import VirtualUSB

@testable import DFUHost

/// The rules of the safe host that show only on a whole flash; the others are with the engines.
struct RulesTests {
  @Test func `rule 1: nothing is sent for a plan that cannot be`() async throws {
    try await Bench.run(.stm32f407) { bench in
      let session = try await bench.open()
      let target = try #require(session.targets.first)
      let before = session.transfers.controlTransfers
      await #expect(throws: SessionError.self) {
        try await session.plan(
          TargetChoice(image((0x0800_0000, noise(100)), (0x0900_0000, noise(4))), for: target))
      }
      #expect(session.transfers.controlTransfers == before)
    }
  }

  @Test(arguments: [(0x0483, 0x0000), (0xFFFF, 0xFFFF), (0x0483, 0xFFFF)] as [(UInt16, UInt16)])
  func `rule 2: wildcards in the file's ids fit the device that was opened`(
    _ ids: (UInt16, UInt16)
  ) async throws {
    let file = try FirmwareFile(
      parsing: MeasuredDefectTests.dfuSeFile(
        [
          FirmwareTarget(
            alternateSetting: 0, name: "Flash", content: .image(image((0x0800_0000, noise(64)))))
        ], vendor: ids.0, product: ids.1))
    try await Bench.run(.stm32f407) { bench in
      let session = try await bench.open()
      let report = try await session.flash(session.plan(file))
      #expect(report.proof == .proved)
    }
  }

  @Test func `rule 4: the alternate setting is selected and the address set again for each`()
    async throws
  {
    let file = try FirmwareFile(
      parsing: MeasuredDefectTests.dfuSeFile([
        FirmwareTarget(
          alternateSetting: 0, name: "Flash", content: .image(image((0x0800_0000, noise(64))))),
        FirmwareTarget(
          alternateSetting: 2, name: "OTP", content: .image(image((0x1FFF_7800, noise(32))))),
      ]))
    let requests = Mutex<[SetupPacket]>([])
    try await Bench.run(.stm32f407) { bench in
      let session = try await bench.open()
      bench.bus.intercept { transfer in
        if let setup = transfer.setup { requests.withLock { $0.append(setup) } }
        return .pass
      }
      let report = try await session.flash(session.plan(file))
      #expect(report.proof == .proved)
      #expect(try bench.contents(0x1FFF_7800..<0x1FFF_7820) == noise(32))
    }
    let sent = requests.withLock { $0 }
    let selects = sent.indices.filter { sent[$0].request == 11 && $0 + 1 < sent.count }
    #expect(Set(selects.map { sent[$0].value }) == [0, 2])
    // Each is followed by DFU_GETSTATUS.
    #expect(selects.allSatisfy { sent[$0 + 1].request == 3 })
  }

  @Test func `rule 9: the tail is padded to the 8 bytes of an L476`() async throws {
    try await Bench.run(.stm32l476) { bench in
      let session = try await bench.open()
      _ = try await session.flash(
        image((0x0800_0000, program(2049, at: 0x0800_0000))), .with { $0.leave = .never })
      for event in try bench.journal() {
        if case .programmed(let range) = event {
          #expect(range.lowerBound.isMultiple(of: 8))
          #expect(range.upperBound.isMultiple(of: 8))
        }
      }
    }
  }

  @Test func `rule 10: without read-back the report says that nothing is proved`() async throws {
    try await Bench.run(.stm32f407) { bench in
      let session = try await bench.open()
      let report = try await session.flash(
        image((0x0800_0000, noise(64))), .with { $0.verify = false })
      #expect(report.proof == .notProved(because: "it was asked not to be read back"))
    }
  }

  @Test func `rule 11: only the sectors that change are erased and written`() async throws {
    let old = noise(0x10000, seed: 50)
    var new = old
    new[0x5000] ^= 1
    let wanted = new
    try await Bench.run(.stm32f407, prepare: { $0.load(old, at: 0x0800_0000) }) { bench in
      let session = try await bench.open()
      let report = try await session.flash(
        image((0x0800_0000, wanted)), .with { $0.leave = .never })
      #expect(report.parts.map(\.sectorsErased) == [1])
      #expect(report.parts.map(\.sectorsUnchanged) == [3])
      #expect(try bench.erases() == [0x0800_4000..<0x0800_8000])
      #expect(try bench.contents(0x0800_0000..<0x0801_0000) == wanted)
    }
  }

  @Test func `rule 12: without a vector table the device stays, and the report says why`()
    async throws
  {
    try await Bench.run(.stm32f407) { bench in
      let session = try await bench.open()
      let report = try await session.flash(image((0x0800_0000, noise(64))))
      guard case .stays(let reason) = report.departure else {
        Issue.record("\(report.departure)")
        return
      }
      #expect(reason.contains("vector table"))
    }
  }

  @Test func `rule 13: option bytes are written whole, not erased, and the part resets`()
    async throws
  {
    var bytes: [UInt8] = [0xEF, 0xAA]
    bytes += [UInt8](repeating: 0xFF, count: 14)
    bytes[0] = 0xEB
    let wanted = bytes
    try await Bench.run(.stm32f407) { bench in
      let session = try await bench.open()
      let option = try #require(session.targets.first { $0.kind == .optionBytes })
      let choice = TargetChoice(
        assignments: [.init(target: option, payload: .image(try image((0x1FFF_C000, wanted))))],
        targets: session.targets)
      let report = try await session.flash(session.plan(choice))
      #expect(report.departure == .reset)
      try await bench.clock.sleep(for: .seconds(2))
      #expect(
        try bench.journal().contains { if case .wroteOptionBytes = $0 { true } else { false } })
      #expect(try bench.erases().isEmpty)
    }
  }

  @Test func `rule 15: an application is opened to be described, and never flashed`() async throws {
    var profile = Profile.dfu11
    for index in profile.description.configurations[0].interfaces.indices {
      profile.description.configurations[0].interfaces[index].interfaceClass = .dfuRuntime
    }
    try await Bench.run(profile) { bench in
      let session = try await bench.open()
      #expect(session.description.mode == .runtime)
      #expect(session.targets.isEmpty)
      let error = await #expect(throws: DFUError.self) { try await session.unprotect() }
      #expect(error != nil)
    }
  }

  @Test func `erasing everything first is one command`() async throws {
    let new = program(0x5000, at: 0x0800_0000)
    try await Bench.run(
      .stm32f407, prepare: { $0.load(noise(0x20000), at: 0x0800_0000) }
    ) { bench in
      let session = try await bench.open()
      let report = try await session.flash(
        image((0x0800_0000, new)),
        .with {
          $0.erase = .all; $0.leave = .never
        })
      #expect(report.parts.map(\.massErased) == [true])
      #expect(report.proof == .proved)
      #expect(
        try bench.contents(0x0800_0000..<0x0802_0000)
          == new + [UInt8](repeating: 0xFF, count: 0x20000 - 0x5000))
    }
  }

  @Test func `a bootloader that erases to the end is found out, and flashing again repairs`()
    async throws
  {
    let low = program(0x4000, at: 0x0800_8000, seed: 1)
    let high = noise(0x4000, seed: 2)
    try await Bench.run(
      .stLibrary446,
      prepare: {
        $0.load(noise(0x4000, seed: 3), at: 0x0800_8000)
        $0.load(high, at: 0x0801_0000)
      }
    ) { bench in
      let session = try await bench.open()
      let both = try image((0x0800_8000, low), (0x0801_0000, high))
      let error = await #expect(throws: DFUError.self) {
        _ = try await session.flash(both, .with { $0.leave = .never })
      }
      #expect(error?.code == .differs)
      #expect((error?.address ?? 0) >= 0x0801_0000)
      let report = try await session.flash(both, .with { $0.leave = .never })
      #expect(report.proof == .proved)
      #expect(try bench.contents(0x0800_8000..<0x0800_C000) == low)
      #expect(try bench.contents(0x0801_0000..<0x0801_4000) == high)
    }
  }

  @Test func `for a backup the sectors are read whole, before anything is changed`() async throws {
    let old = noise(0x4000, seed: 60)
    try await Bench.run(.stm32f407, prepare: { $0.load(old, at: 0x0800_0000) }) { bench in
      let session = try await bench.open()
      let target = try #require(session.targets.first)
      let plan = try await session.plan(
        TargetChoice(image((0x0800_0000, program(0x4000, at: 0x0800_0000))), for: target),
        keepsContents: true)
      #expect(
        plan.parts.first?.target.contents?.bytes(in: 0x0800_0000..<0x0800_4000, fill: 0) == old)
      #expect(try bench.journal().isEmpty)
    }
  }

  @Test func `an LPC in DFU mode takes the file with its prefix`() async throws {
    let payload = noise(2048 - 16, seed: 70)
    let bytes: [UInt8] =
      [0x1A, 0x3F, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF] + payload
    try await Bench.run(.lpc43xx) { bench in
      let session = try await bench.open()
      let target = try #require(session.targets.first)
      let choice = TargetChoice(
        assignments: [.init(target: target, payload: .plain(bytes))], targets: session.targets)
      let report = try await session.flash(session.plan(choice))
      guard case .manifested(let ending) = report.departure else {
        Issue.record("\(report.departure)")
        return
      }
      #expect(ending != .idle)
    }
  }
}
