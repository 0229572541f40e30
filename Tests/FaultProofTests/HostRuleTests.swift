import DFU
import DFUHost
import Firmware
import Synchronization
import Testing
import USB
import VirtualDFU
import VirtualUSB
import Workbench

/// A rule of the safe host, and what a virtual device makes of a host without it.
struct RuleProof: CustomTestStringConvertible, Sendable {
  var rule: HostRule
  /// The device that notices.
  var profile: String
  /// Whether all is well.
  var isWell: @Sendable () async throws -> Bool

  var testDescription: String { "\(rule): \(profile)" }

  init(
    _ rule: HostRule, _ profile: Profile, _ isWell: @escaping @Sendable () async throws -> Bool
  ) {
    self.rule = rule
    self.profile = profile.name
    self.isWell = isWell
  }

  /// An error is not well.
  func holds() async -> Bool { (try? await isWell()) ?? false }
}

@Suite("The fifteen rules, taken away one by one") struct HostRuleTests {
  @Test(arguments: RuleProof.all)
  func `with the rule all is well, and without it the device notices`(
    _ proof: RuleProof
  ) async throws {
    #expect(await proof.holds())
    #expect(await HostRule.withoutRule(proof.rule) { await proof.holds() } == false)
  }

  @Test func `every rule has a device that notices`() {
    #expect(Set(RuleProof.all.map(\.rule)) == Set(HostRule.allCases))
  }
}

/// A board on a bus.
private struct Desk: Sendable {
  let bus: VirtualBus
  let clock: SimulatedClock
  let path = PortPath(bus: 1, ports: [1])

  static func with<Result: Sendable>(
    _ profile: Profile, holding contents: [(UInt64, [UInt8])] = [],
    _ body: @escaping @Sendable (Desk, DFUSession) async throws -> Result
  ) async throws -> Result {
    try await Simulation().run { clock in
      let desk = Desk(bus: VirtualBus(clock: clock), clock: clock)
      var board = VirtualBootloader(profile)
      for (address, bytes) in contents { board.load(bytes, at: address) }
      desk.bus.attach(board, path: desk.path)
      return try await body(desk, try await desk.open())
    }
  }

  func open() async throws -> DFUSession {
    let info = try #require(try await bus.devices().first)
    return try await DFUSession.open(info, on: bus, clock: AnyClock(clock))
  }

  func contents(_ range: Range<UInt64>) -> [UInt8] {
    bus.withDevice(at: path, as: VirtualBootloader.self) { $0.contents(range) } ?? []
  }

  var journal: [JournalEntry.Event] {
    bus.withDevice(at: path, as: VirtualBootloader.self) { $0.journal.map(\.event) } ?? []
  }

  var erases: [Range<UInt64>] {
    journal.compactMap { if case .erased(let range) = $0 { range } else { nil } }
  }
}

extension DFUSession {
  /// Flashes pieces to the target that holds the first of them.
  @discardableResult
  fileprivate func flash(
    _ pieces: [(UInt64, [UInt8])], change: (inout FlashOptions) -> Void = { _ in }
  ) async throws -> FlashReport {
    var image = FirmwareImage()
    for (index, piece) in pieces.enumerated() {
      try image.insert(
        FirmwareImage.Segment(
          address: piece.0, bytes: piece.1, origin: .element(target: 1, element: index + 1)))
    }
    let start = try #require(pieces.first?.0)
    let target = try #require(targets.first { $0.map?.sector(containing: start) != nil })
    var options = FlashOptions()
    options.leave = .never
    change(&options)
    let plan = try await plan(TargetChoice(image, for: target), options: options)
    return try await flash(plan)
  }
}

private func bytes(_ count: Int, _ seed: Int = 1) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ seed &* 57 + $0 / 251) & 0x7F }
}

/// A program with a vector table that an STM32F407 finds plausible.
private func program(at address: UInt32, _ count: Int = 4096) -> [UInt8] {
  UInt32(0x2000_1000).littleEndianBytes + (address + 0x41).littleEndianBytes + bytes(count - 8)
}

extension RuleProof {
  static let all: [RuleProof] = planning + talking + ending

  private static let planning: [RuleProof] = [
    RuleProof(.checksEverythingFirst, .stm32f407) {
      try await Desk.with(.stm32f407) { desk, session in
        // The second piece lies where the part has no memory.
        let report = try? await session.flash([
          (0x0800_0000, bytes(64)), (0x0900_0000, bytes(64)),
        ])
        return report == nil && desk.journal.isEmpty
      }
    },
    RuleProof(.matchesIDs, .stm32f407) {
      try await Desk.with(.stm32f407) { desk, session in
        let payload = bytes(64)
        let target = FirmwareTarget(
          alternateSetting: 0, name: "Flash",
          content: .image(
            try FirmwareImage([
              .init(
                address: 0x0800_0000, bytes: payload, origin: .element(target: 1, element: 1))
            ])))
        var file = FirmwareFile(format: .dfuSe, targets: [target])
        file.suffix = DFUSuffix(
          vendor: VendorID(0x1209), product: ProductID(1), deviceVersion: BCDVersion(0),
          dfuVersion: BCDVersion(0x011A))
        guard let plan = try? await session.plan(file) else { return desk.journal.isEmpty }
        _ = try await session.flash(plan)
        return false
      }
    },
    RuleProof(.erasesFirst, .stLibrary446) {
      // Erasing the lower sector takes the upper one along: it must come before the writing.
      let low = bytes(1024, 2)
      let high = bytes(1024, 3)
      return try await Desk.with(
        .stLibrary446,
        holding: [(0x0800_8000, bytes(64, 8)), (0x0801_0000, bytes(64, 9))]
      ) { desk, session in
        try await session.flash([(0x0800_8000, low), (0x0801_0000, high)])
        return desk.contents(0x0800_8000..<0x0800_8400) == low
          && desk.contents(0x0801_0000..<0x0801_0400) == high
      }
    },
    RuleProof(.padsToUnits, .stm32l476) {
      try await Desk.with(.stm32l476) { desk, session in
        try await session.flash([(0x0800_0000, bytes(2051))])
        return desk.contents(0x0800_0000..<0x0800_0803) == bytes(2051)
      }
    },
    RuleProof(.leavesUnchangedAlone, .stm32f407) {
      try await Desk.with(.stm32f407, holding: [(0x0800_0000, bytes(0x4000))]) { desk, session in
        try await session.flash([(0x0800_0000, bytes(0x4000))])
        return desk.erases.isEmpty
      }
    },
    RuleProof(.setsAddressInTime, smallBlocks) {
      // The last blocks lie beyond the number 65 535; between them nothing has to be sent.
      let end: UInt64 = 0x0800_0000 + 65_540 * 16
      var image = [UInt8](repeating: 0xFF, count: Int(end - 0x0800_0000))
      image.replaceSubrange(0..<16, with: bytes(16))
      image.replaceSubrange(image.count - 16..<image.count, with: bytes(16, 4))
      let wanted = image
      return try await Desk.with(smallBlocks) { desk, session in
        try await session.flash([(0x0800_0000, wanted)])
        return desk.contents(end - 16..<end) == bytes(16, 4)
      }
    },
  ]

  /// An STM32F407 whose bootloader takes blocks of 16 bytes.
  static let smallBlocks: Profile = {
    var profile = Profile.stm32f407
    profile.name = "stm32f407 with blocks of 16 bytes"
    profile.functional.transferSize = 16
    let text = "@Internal Flash  /0x08000000/1*2Mg"
    let last = profile.description.configurations[0].interfaces.count - 1
    profile.description.configurations[0].interfaces[last].extra = [
      RawDescriptor(bytes: profile.functional.bytes, offset: 0)
    ]
    profile.description.strings[4] = text
    profile.memories[0] = MemoryDescription(
      "Internal Flash", .flash,
      runs: [
        SectorRun(
          start: 0x0800_0000, count: 1, sectorSize: 2 << 20,
          rights: [.readable, .erasable, .writable])
      ], unitTime: .microseconds(4))
    return profile
  }()

  private static let talking: [RuleProof] = [
    RuleProof(.comesToIdle, .stm32f407) {
      // A blank part greets with dfuERROR, errFIRMWARE.
      var profile = Profile.stm32f407
      profile.reportsMissingFirmware = true
      return try await Desk.with(profile) { desk, session in
        try await session.flash([(0x0800_0000, bytes(64))])
        return desk.contents(0x0800_0000..<0x0800_0040) == bytes(64)
      }
    },
    RuleProof(.selectsSetting, .dfu11) {
      // The second partition: without SET_INTERFACE the first one gets the bytes.
      try await Desk.with(.dfu11) { desk, session in
        let target = try #require(session.targets.last)
        let choice = TargetChoice(
          assignments: [.init(target: target, payload: .plain(bytes(100)))],
          targets: session.targets)
        _ = try await session.flash(try await session.plan(choice))
        return desk.contents(0x0100_0000..<0x0100_0064) == bytes(100)
      }
    },
    RuleProof(.pausesOnlyWhenBusy, .dfu10) {
      // It announces 65 s in every answer; the ids are those of nobody, so that nothing is known.
      var profile = Profile.dfu10
      profile.description.device.vendor = VendorID(0x1209)
      return try await Desk.with(profile) { desk, session in
        let target = try #require(session.targets.first)
        let choice = TargetChoice(
          assignments: [.init(target: target, payload: .plain(bytes(20_000)))],
          targets: session.targets)
        var options = FlashOptions()
        options.verify = false
        _ = try await session.flash(try await session.plan(choice, options: options))
        return desk.clock.now.elapsed < .seconds(200)
      }
    },
    RuleProof(.waitsForSlowStatus, .stm32f407) {
      // A part that holds DFU_GETSTATUS through a mass erase of 8 s.
      var profile = Profile.stm32f407
      profile.busy = .holds
      return try await Desk.with(profile, holding: [(0x0800_0000, bytes(64))]) { desk, session in
        let target = try #require(session.targets.first)
        _ = try await session.erase(ErasePlan(everythingOf: target, massErase: true))
        return desk.contents(0x0800_0000..<0x0800_0040).allSatisfy { $0 == 0xFF }
      }
    },
    RuleProof(.waitsForSlowStatus, .stm32l476) {
      // It stalls when it is asked early.
      try await Desk.with(.stm32l476, holding: [(0x0800_0000, bytes(0x800, 7))]) { desk, session in
        try await session.flash([(0x0800_0000, bytes(0x800))])
        return desk.contents(0x0800_0000..<0x0800_0800) == bytes(0x800)
      }
    },
    RuleProof(.sendsNothingUnasked, .stm32h743) {
      // CLRSTATUS in dfuIDLE is an error to it; a device that was only looked at stays in dfuIDLE.
      try await Desk.with(.stm32h743) { desk, session in
        await session.close()
        return desk.bus.withDevice(at: desk.path, as: VirtualBootloader.self) {
          $0.state == .dfuIdle
        } ?? false
      }
    },
  ]

  private static let ending: [RuleProof] = [
    RuleProof(.provesByReading, .stm32f407WriteProtected) {
      // Sector 2 reports success and stays as it was.
      try await Desk.with(.stm32f407WriteProtected) { desk, session in
        let report = try? await session.flash([(0x0800_8000, bytes(64))])
        return report == nil || desk.contents(0x0800_8000..<0x0800_8040) == bytes(64)
      }
    },
    RuleProof(.leavesFromTheStart, .stm32f407) {
      // Two pieces: the pointer is left at the second one.
      try await Desk.with(.stm32f407) { desk, session in
        try await session.flash(
          [(0x0800_0000, program(at: 0x0800_0000)), (0x0801_0000, bytes(64))]
        ) {
          $0.leave = .automatic
          $0.verify = false
        }
        try await desk.clock.sleep(for: .seconds(1))
        return desk.journal.contains(.launched(0x0800_0000))
      }
    },
    RuleProof(.expectsReset, .stm32f407) {
      let block: [UInt8] = [0xEB, 0xAA] + [UInt8](repeating: 0xFF, count: 14)
      return try await Desk.with(.stm32f407) { desk, session in
        let report = try await session.flash([(0x1FFF_C000, block)])
        return report.departure == .reset
      }
    },
    RuleProof(.choosesNothing, .stm32f407) {
      // Two boards: nobody says which.
      try await Desk.with(.stm32f407) { desk, _ in
        desk.bus.attach(VirtualBootloader(.stm32f407))
        let found = try await desk.bus.devices().map {
          FoundDevice(
            selector: "\($0.path)", info: $0, host: desk.bus, clock: AnyClock(desk.clock))
        }
        try #require(found.count == 2)
        do throws(DeviceSearchError) {
          _ = try DeviceSearch.only(of: found)
          return false
        } catch {
          return error.slug == "several-devices"
        }
      }
    },
  ]
}
