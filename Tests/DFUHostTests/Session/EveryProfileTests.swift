import DFU
import Firmware
import Testing
import USB
import VirtualDFU
import VirtualUSB

@testable import DFUHost

/// A profile and where a program goes on it.
struct ProfileCase: CustomTestStringConvertible, Sendable {
  var profile: Profile
  var address: UInt32
  var count: Int
  var testDescription: String { profile.name }

  static let addressed = [
    ProfileCase(profile: .stm32f105, address: 0x0800_0000, count: 100_001),
    ProfileCase(profile: .stm32l072, address: 0x0800_1000, count: 20_003),
    ProfileCase(profile: .stm32g0b1, address: 0x0800_0000, count: 100_001),
    ProfileCase(profile: .stm32c5, address: 0x0800_0000, count: 100_001),
    ProfileCase(profile: .gd32vf103, address: 0x0800_0000, count: 50_001),
    ProfileCase(profile: .mboot, address: 0x0800_8000, count: 100_001),
    ProfileCase(profile: .stm32f407, address: 0x0800_0000, count: 100_001),
    ProfileCase(profile: .stm32h743, address: 0x080E_0000, count: 300_007),
    ProfileCase(profile: .stm32f429, address: 0x0810_0000, count: 50_003),
    ProfileCase(profile: .stm32l476, address: 0x0800_0000, count: 50_003),
    ProfileCase(profile: .stLibrary, address: 0x0800_C000, count: 60_000),
    ProfileCase(profile: .stLibrary446, address: 0x0800_8000, count: 60_000),
  ]
}

struct EveryProfileTests {
  @Test(arguments: ProfileCase.addressed)
  func `flashing, reading back, and flashing again which changes nothing`(
    _ test: ProfileCase
  ) async throws {
    let start = UInt64(test.address)
    let new = program(test.count, at: test.address)
    let old = noise(test.count + 5000, seed: 99)
    try await Bench.run(test.profile, prepare: { $0.load(old, at: start) }) { bench in
      let session = try await bench.open()
      let first = try await session.flash(
        image((start, new)), .with { $0.leave = .never })
      #expect(first.proof == .proved)
      #expect(!first.changedNothing)
      // What shares the last sector is kept.
      let expected = new + old[new.count...]
      #expect(try bench.contents(start..<start + UInt64(expected.count)) == expected)

      let target = try #require(session.targets.first)
      let read = try await session.read(
        ReadPlan([start..<start + UInt64(new.count)], of: target))
      #expect(read.bytes(in: start..<start + UInt64(new.count), fill: 0) == new)

      let verified = try await session.verify(TargetChoice(image((start, new)), for: target))
      #expect(verified.isSame)
      #expect(verified.bytesCompared == new.count)

      let erases = try bench.erases().count
      let again = try await session.flash(image((start, new)), .with { $0.leave = .never })
      #expect(again.changedNothing)
      #expect(again.proof == .proved)
      #expect(try bench.erases().count == erases)
      await session.close()
    }
  }

  @Test(arguments: ProfileCase.addressed)
  func `leaving starts the program at the start of the image`(_ test: ProfileCase) async throws {
    let new = program(test.count, at: test.address)
    try await Bench.run(test.profile) { bench in
      let session = try await bench.open()
      let report = try await session.flash(image((UInt64(test.address), new)))
      guard case .left(for: UInt64(test.address), _) = report.departure else {
        Issue.record("\(report.departure)")
        return
      }
      await session.close()
      try await bench.clock.sleep(for: .seconds(2))
      #expect(try bench.journal().contains(.launched(UInt64(test.address))))
    }
  }

  @Test func `external flash is flashed like any other`() async throws {
    let new = noise(200_000)
    try await Bench.run(.stm32f730External) { bench in
      let session = try await bench.open()
      let index = try #require(
        session.targets.firstIndex { $0.map?.sector(containing: 0x9000_0000) != nil })
      let choice = try TargetChoice(image((0x9000_0000, new)), for: session.targets[index])
      let report = try await session.flash(session.plan(choice))
      #expect(report.proof == .proved)
      #expect(try bench.contents(0x9000_0000..<0x9000_0000 + 200_000) == new)
    }
  }

  @Test(arguments: [Profile.dfu11, .dfu10])
  func `plain DFU takes a file, gives it back, and verifies it`(_ profile: Profile) async throws {
    try await Bench.run(profile) { bench in
      let session = try await bench.open()
      #expect(session.description.dialect != .dfuSe)
      let target = try #require(session.targets.first)
      let bytes = noise(10_000)
      let choice = TargetChoice(
        assignments: [.init(target: target, payload: .plain(bytes))], targets: session.targets)
      let plan = try await session.plan(choice)
      let report = try await session.flash(plan)
      guard case .manifested = report.departure else {
        Issue.record("\(report.departure)")
        return
      }
      #expect(report.proof == .proved)
      if report.departure == .manifested(.idle) {
        let back = try await session.readPlain(target, count: bytes.count)
        #expect(back == bytes)
        #expect(try await session.verify(choice).isSame)
      }
    }
  }

  @Test func `plain DFU that gives back something else is not proved, and no failure`() async throws
  {
    try await Bench.run(.dfu11) { bench in
      let session = try await bench.open()
      let target = try #require(session.targets.first)
      bench.bus.intercept { transfer in
        guard transfer.setup?.request == 2, transfer.setup?.value == 1 else { return .pass }
        return .corrupt { $0[0] ^= 1 }
      }
      let choice = TargetChoice(
        assignments: [.init(target: target, payload: .plain(noise(1000)))],
        targets: session.targets)
      let report = try await session.flash(session.plan(choice))
      guard case .notProved(let reason) = report.proof else {
        Issue.record("\(report.proof)")
        return
      }
      #expect(reason.contains("from byte 64 on"))
    }
  }
}
