import Firmware
import Testing
import USB
import VirtualDFU
import VirtualUSB

@testable import DFUHost

/// 512 KiB at 0x08000000 of an F407 with 2048-byte transfers, onto a part whose every sector differs.
struct TransferBudgetTests {
  static let new = program(512 << 10, at: 0x0800_0000, seed: 7)
  static let old = noise(1 << 20, seed: 8)

  @Test func `all sectors, no verify, leave: at most 820 control transfers`() async throws {
    let report = try await Bench.run(.stm32f407, prepare: { $0.load(Self.old, at: 0x0800_0000) }) {
      bench in
      let session = try await bench.open()
      let report = try await session.flash(
        image((0x0800_0000, Self.new)),
        .with {
          $0.differential = false
          $0.verify = false
          $0.leave = .always
        })
      #expect(try bench.contents(0x0800_0000..<0x0808_0000) == Self.new)
      return report
    }
    #expect(report.transfers.controlTransfers <= 820)
    #expect(report.transfers.controlTransfers >= 802)
    guard case .left(for: 0x0800_0000, _) = report.departure else {
      Issue.record("it did not leave: \(report.departure)")
      return
    }
  }

  @Test func `read first and read back, no leave: at most 1350 control transfers`() async throws {
    let report = try await Bench.run(.stm32f407, prepare: { $0.load(Self.old, at: 0x0800_0000) }) {
      bench in
      let session = try await bench.open()
      let report = try await session.flash(
        image((0x0800_0000, Self.new)), .with { $0.leave = .never })
      #expect(try bench.contents(0x0800_0000..<0x0808_0000) == Self.new)
      return report
    }
    #expect(report.transfers.controlTransfers <= 1350)
    #expect(report.proof == .proved)
    #expect(report.parts.map(\.sectorsErased) == [8])
  }

  @Test func `the same file again: at most 290 control transfers and no erase`() async throws {
    try await Bench.run(
      .stm32f407,
      prepare: {
        $0.load(Self.old, at: 0x0800_0000); $0.load(Self.new, at: 0x0800_0000)
      }
    ) { bench in
      let session = try await bench.open()
      let report = try await session.flash(
        image((0x0800_0000, Self.new)), .with { $0.leave = .never })
      #expect(report.transfers.controlTransfers <= 290)
      #expect(report.changedNothing)
      #expect(report.proof == .proved)
      #expect(report.parts.map(\.sectorsUnchanged) == [8])
      #expect(try bench.erases().isEmpty)
    }
  }

  @Test(arguments: [1, 2, 4, 16])
  func `a window brings the same bytes`(window: Int) async throws {
    try await Bench.run(.stm32f407, prepare: { $0.load(Self.old, at: 0x0800_0000) }) { bench in
      let session = try await bench.open(window: window)
      let report = try await session.flash(
        image((0x0800_0000, Array(Self.new.prefix(100_000)))), .with { $0.leave = .never })
      #expect(report.proof == .proved)
      #expect(
        try bench.contents(0x0800_0000..<0x0800_0000 + 100_000) == Array(Self.new.prefix(100_000)))
    }
  }
}
