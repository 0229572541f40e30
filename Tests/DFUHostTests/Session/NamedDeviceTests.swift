import DFU
import Firmware
import Synchronization
import Testing
import USB
import VirtualDFU
import VirtualUSB

@testable import DFUHost

/// The devices that have made hosts fail, one test for each, by its name.
struct NamedDeviceTests {
  // MARK: STM32H7

  @Test func `H7 bank 2: stuck busy after erase, rescued by two CLRSTATUS`() async throws {
    let new = program(0x6_0000, at: 0x080E_0000, seed: 1)
    try await Bench.run(
      .stm32h743, prepare: { $0.load(noise(0x8_0000, seed: 2), at: 0x080E_0000) }
    ) { bench in
      let wire = Wire(bench)
      let session = try await bench.open(through: wire)
      let report = try await session.flash(image((0x080E_0000, new)), .with { $0.leave = .never })
      #expect(report.proof == .proved)
      #expect(try bench.holds(new, at: 0x080E_0000))
      // One sector below 0x08100000, two above: two for each of those, the first while it is stuck,
      // the second in the error that the first one makes.
      #expect(report.parts.map(\.sectorsErased) == [3])
      #expect(
        wire.sent(.clearStatus).map(\.state) == [.dfuDnBusy, .dfuError, .dfuDnBusy, .dfuError])
      #expect(try bench.erases().count == 3)
    }
  }

  @Test func `H7 bank 1 needs no rescue`() async throws {
    try await Bench.run(
      .stm32h743, prepare: { $0.load(noise(0x4_0000, seed: 2), at: 0x0800_0000) }
    ) { bench in
      let wire = Wire(bench)
      let session = try await bench.open(through: wire)
      let new = program(0x3_0000, at: 0x0800_0000)
      let report = try await session.flash(image((0x0800_0000, new)), .with { $0.leave = .never })
      #expect(report.proof == .proved)
      #expect(wire.sent(.clearStatus).isEmpty)
    }
  }

  // MARK: STM32C5

  @Test(arguments: ["idle", "error"])
  func `C5: never sent CLRSTATUS outside dfuERROR, nor GET_DESCRIPTOR 0x21`(
    begins: String
  ) async throws {
    let profile = try Profile.stm32c5.setting("blank", to: begins)
    try await Bench.run(profile) { bench in
      let wire = Wire(bench)
      try await everything(bench, wire, at: 0x0800_0000, sector: 0x2000)
      let clears = wire.sent(.clearStatus)
      #expect(clears.allSatisfy { $0.state == .dfuError })
      // A blank part that begins in errFIRMWARE has to be cleared; this shows that it is looked at.
      #expect(clears.isEmpty == (begins == "idle"))
      #expect(wire.functionalRequests.isEmpty)
    }
  }

  // MARK: STM32L4

  @Test func `L4: early poll stalls, survived`() async throws {
    let new = program(0x5001, at: 0x0800_0000, seed: 3)
    try await Bench.run(
      .stm32l476, prepare: { $0.load(noise(0x8000, seed: 4), at: 0x0800_0000) }
    ) { bench in
      let wire = Wire(bench)
      let session = try await bench.open(through: wire)
      let report = try await session.flash(image((0x0800_0000, new)), .with { $0.leave = .never })
      #expect(report.proof == .proved)
      #expect(try bench.holds(new, at: 0x0800_0000))
      let target = try #require(session.targets.first)
      let erased = try await session.erase(ErasePlan(everythingOf: target, massErase: true))
      #expect(erased.massErased)
      #expect(try bench.contents(0x0800_0000..<0x0800_8000).allSatisfy { $0 == 0xFF })
      // Each of these was stalled: the part announces 10 ms and takes 22, or 45.
      let early = wire.sent(.getStatus).filter { $0.state == .dfuDnBusy }
      #expect(early.count >= 11)
    }
  }

  // MARK: STM32L072

  @Test func `L072: never touched above its real end when the chip table knows it`() async throws {
    try await Bench.run(
      .stm32l072, prepare: { $0.load(noise(0x2_0000, seed: 5), at: 0x0800_0000) }
    ) { bench in
      let session = try await bench.open()
      let target = try #require(session.targets.first)
      #expect(target.map?.size == 192 << 10)
      #expect(target.usableMap?.size == 128 << 10)
      await session.close()
      try await everything(bench, Wire(bench), at: 0x0801_F000, sector: 128)
      // Erasing the last page: what would tell of too much erasing lies where nothing is.
      let again = try await bench.open()
      let last = try await again.erase(ErasePlan(0x0801_FF80..<0x0802_0000, of: target))
      #expect(last.erased == [0x0801_FF80..<0x0802_0000])
      #expect(try bench.board { $0.isDead } == false)
      #expect(try !bench.journal().contains(.died))
    }
  }

  @Test func `L072: what would touch more is refused before anything is sent`() async throws {
    try await Bench.run(.stm32l072) { bench in
      let session = try await bench.open()
      let target = try #require(session.targets.first)
      let before = session.transfers.controlTransfers
      #expect(throws: PlanError.self) {
        try ErasePlan(0x0801_FF80..<0x0802_0080, of: target)
      }
      let error = #expect(throws: PlanError.self) {
        try ReadPlan([0x0802_0000..<0x0802_0080], of: target)
      }
      #expect(error?.help?.contains("STM32L072 ends there") == true)
      await #expect(throws: SessionError.self) {
        try await session.plan(TargetChoice(image((0x0801_FF00, noise(0x200))), for: target))
      }
      await #expect(throws: SessionError.self) {
        try await session.plan(
          TargetChoice(image((0x0800_0000, noise(64))), for: target),
          options: .with { $0.leaveAddress = 0x0802_0000 })
      }
      let jump = await #expect(throws: DFUError.self) { try await session.leave(for: 0x0802_0000) }
      #expect(jump?.code == .badAddress)
      #expect(session.transfers.controlTransfers == before)
      // Who knows better may insist.
      let plan = try FlashPlan(
        image((0x0802_0000, noise(128))), for: target,
        options: .with {
          $0.force = [.size]; $0.differential = false; $0.discardNeighbours = true
        })
      #expect(plan.parts[0].erases.map(\.start) == [0x0802_0000])
    }
  }

  @Test func `L072: zeros are blank, and bytes of 0xFF are written`() async throws {
    var new = program(0x400, at: 0x0800_0000, seed: 6)
    new.replaceSubrange(0x100..<0x200, with: [UInt8](repeating: 0xFF, count: 0x100))
    new.replaceSubrange(0x200..<0x300, with: [UInt8](repeating: 0x00, count: 0x100))
    let wanted = new
    try await Bench.run(.stm32l072) { bench in
      let session = try await bench.open()
      let target = try #require(session.targets.first)
      #expect(try await session.blankCheck(ReadPlan(everythingOf: target)).isBlank)
      let report = try await session.flash(
        image((0x0800_0000, wanted)), .with { $0.leave = .never })
      #expect(report.proof == .proved)
      #expect(try bench.contents(0x0800_0000..<0x0800_0400) == wanted)
      #expect(try bench.erases().isEmpty)
      // A neighbour in the last page is kept, and what is padded stays blank.
      let more = try await session.flash(
        image((0x0800_03C0, [1, 2, 3])), .with { $0.leave = .never })
      #expect(more.proof == .proved)
      #expect(
        try bench.contents(0x0800_0380..<0x0800_0408)
          == wanted[0x380..<0x3C0] + [1, 2, 3] + wanted[0x3C3...] + [UInt8](repeating: 0, count: 8))
    }
  }

  // MARK: GD32VF103

  @Test func `GD32: serial decoded, layout corrected, leave without GETSTATUS`() async throws {
    let new = program(0x1401, at: 0x0800_0000, seed: 7)
    let old = noise(0x2000, seed: 8)
    try await Bench.run(.gd32vf103, prepare: { $0.load(old, at: 0x0800_0000) }) { bench in
      let wire = Wire(bench)
      let session = try await bench.open(through: wire)
      #expect(session.description.serialNumber == "3CBJ")
      let target = try #require(session.targets.first)
      #expect(
        target.usableMap?.runs == [
          SectorRun(
            start: 0x0800_0000, count: 128, sectorSize: 1024,
            rights: [.readable, .writable, .erasable])
        ])
      let report = try await session.flash(image((0x0800_0000, new)))
      #expect(report.proof == .proved)
      // Pages of 1 KiB, each erased: with the 2 KiB of its string every second one would not be.
      #expect(
        try bench.erases() == (0..<6).map { 0x0800_0000 + $0 * 1024..<0x0800_0400 + $0 * 1024 })
      #expect(try bench.holds(new + old[new.count...], at: 0x0800_0000))
      #expect(report.departure == .left(for: 0x0800_0000, .unasked))
      #expect(try bench.journal().last == .launched(0x0800_0000))
      // The empty download is the last word.
      let last = try #require(wire.all.last)
      #expect(last.setup.request == DFURequest.download.rawValue && last.setup.length == 0)
      #expect(wire.functionalRequests.isEmpty && wire.commandReads.isEmpty)
      #expect(wire.sent(.clearStatus).allSatisfy { $0.state == .dfuError })
      await session.close()
    }
  }

  @Test func `GD32: a serial number that tells no size leaves the size, and not the pages`()
    async throws
  {
    let profile = try Profile.gd32vf103.setting("serial", to: "4711")
    try await Bench.run(profile) { bench in
      let session = try await bench.open()
      #expect(session.description.serialNumber == "4711")
      let map = try #require(session.targets.first?.usableMap)
      #expect(map.runs.map(\.sectorSize) == [1024])
      #expect(map.size == 1 << 20)
      #expect(session.description.notes.contains { $0.contains("sectors of 2 KiB") })
    }
  }

  // MARK: mboot

  @Test func `mboot: no unsolicited Get Commands`() async throws {
    try await Bench.run(.mboot) { bench in
      let wire = Wire(bench)
      try await everything(bench, wire, at: 0x0800_8000, sector: 0x8000, massErases: false)
      #expect(wire.commandReads.isEmpty)
      #expect(wire.functionalRequests.isEmpty)
      #expect(wire.sent(.getStatus).allSatisfy { $0.setup.length == 6 })
    }
  }

  @Test func `mboot: Mass Erase spares mboot itself`() async throws {
    try await Bench.run(.mboot, prepare: { $0.load(noise(0x9000), at: 0x0800_8000) }) { bench in
      let session = try await bench.open()
      let target = try #require(session.targets.first)
      let own = try bench.contents(0x0800_0000..<0x0800_0008)
      let report = try await session.erase(ErasePlan(everythingOf: target, massErase: true))
      #expect(report.massErased)
      #expect(try bench.contents(0x0800_0000..<0x0800_0008) == own)
      let blank = try await session.blankCheck(ReadPlan(everythingOf: target))
      #expect(blank.used == [0x0800_0000..<0x0800_0008])
    }
  }

  @Test func `mboot: what it says of an error once is told`() async throws {
    try await Bench.run(.mboot) { bench in
      let session = try await bench.open()
      let error = await #expect(throws: DFUError.self) {
        _ = try await session.flash(image((0x0800_0000, program(64, at: 0x0800_0000))))
      }
      #expect(error?.status == .errAddress)
      #expect(error?.deviceText == "Can't overwrite mboot")
      // And the device goes on.
      let report = try await session.flash(
        image((0x0800_8000, program(64, at: 0x0800_8000))), .with { $0.leave = .never })
      #expect(report.proof == .proved)
    }
  }

  // MARK: Black Magic Probe and others

  /// What a host does to a device that never ends, and how long that may last.
  enum Patient: String, CaseIterable {
    case read, erase, write, download
  }

  @Test(arguments: Patient.allCases)
  func `Endless zero-timeout busy is ended by a bound`(patient: Patient) async throws {
    let base: Profile = patient == .download ? .dfu11 : .stm32f407
    let profile = try base.setting("quirks", to: "endless-busy")
    try await Bench.run(profile) { bench in
      let session = try await bench.open()
      let target = try #require(session.targets.first)
      let start = bench.clock.now
      let error = await #expect(throws: DFUError.self) {
        switch patient {
        case .read: _ = try await session.read(ReadPlan([0x0800_0000..<0x0800_0800], of: target))
        case .erase:
          _ = try await session.erase(ErasePlan(0x0800_0000..<0x0800_4000, of: target))
        case .write:
          _ = try await session.flash(
            image((0x0800_0000, noise(64))),
            .with {
              $0.differential = false; $0.discardNeighbours = true; $0.verify = false
            })
        case .download:
          _ = try await session.flash(
            session.plan(
              TargetChoice(
                assignments: [.init(target: target, payload: .plain(noise(64)))],
                targets: session.targets)))
        }
      }
      #expect(error?.code == .stillBusy)
      #expect(error?.state == .dfuDnBusy)
      #expect(start.duration(to: bench.clock.now) < .seconds(70))
      // It is asked ever more slowly, not as fast as the bus can.
      #expect(session.transfers.controlTransfers < 1000)
    }
  }
}

/// Everything a host does to one device: describes it, looks for protection, flashes in each way, reads,
/// verifies, checks for blank memory, erases, leaves.
private func everything(
  _ bench: Bench, _ wire: Wire, at start: UInt64, sector: UInt64, massErases: Bool = true
) async throws {
  let new = program(3 * Int(sector) + 100, at: UInt32(start), seed: 9)
  let range = start..<start + UInt64(new.count)
  let session = try await bench.open(through: wire)
  let target = try #require(session.targets.first)
  #expect(try await session.protection(of: target) == .open)
  for options in [
    FlashOptions.with { $0.leave = .never },
    .with {
      $0.leave = .never; $0.differential = false
    },
    .with {
      $0.leave = .never; $0.verify = false; $0.discardNeighbours = true
    },
  ] {
    _ = try await session.flash(image((start, new)), options)
    #expect(try bench.holds(new, at: start))
  }
  let plan = try await session.plan(
    TargetChoice(image((start, new)), for: target), keepsContents: true)
  #expect(plan.parts.first?.erases.isEmpty == true)
  let all = try ReadPlan(everythingOf: target)
  let isRead = try await session.read(all).bytes(in: range, fill: 0) == new
  #expect(isRead)
  #expect(try await session.verify(TargetChoice(image((start, new)), for: target)).isSame)
  #expect(try await !session.blankCheck(all).isBlank)
  _ = try await session.erase(ErasePlan(start..<start + sector, of: target))
  let blank = try await session.blankCheck(ReadPlan([start..<start + sector], of: target))
  #expect(blank.isBlank)
  if massErases {
    _ = try await session.erase(ErasePlan(everythingOf: target, massErase: true))
    #expect(try await session.blankCheck(all).isBlank)
    _ = try await session.flash(
      image((start, new)),
      .with {
        $0.leave = .never; $0.erase = .all
      })
  } else {
    _ = try await session.flash(image((start, new)), .with { $0.leave = .never })
  }
  #expect(try bench.holds(new, at: start))
  _ = try await session.flash(image((start, new)), .with { $0.leave = .always })
  await session.close()
  // It comes back when it is plugged in anew.
  try await bench.clock.sleep(for: .seconds(2))
  #expect(try bench.journal().contains { if case .launched = $0 { true } else { false } })
  let board = try #require(bench.bus.detach(bench.path) as? VirtualBootloader)
  bench.bus.attach(board, path: bench.path)
}
