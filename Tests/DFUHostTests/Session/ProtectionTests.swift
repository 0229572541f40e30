import DFU
import Firmware
import Testing
import USB
import VirtualDFU
import VirtualUSB

@testable import DFUHost

struct ProtectionTests {
  @Test func `a read-protected part is refused with the command that helps`() async throws {
    try await Bench.run(.stm32f407ReadProtected) { bench in
      let session = try await bench.open()
      let target = try #require(session.targets.first)
      #expect(try await session.protection(of: target) == .readProtected)
      let error = await #expect(throws: SessionError.self) {
        try await session.plan(
          TargetChoice(image((0x0800_0000, program(4096, at: 0x0800_0000))), for: target))
      }
      #expect(error?.slug == "read-protected")
      #expect(error?.help?.contains("dfu unprotect") == true)
    }
  }

  @Test func `a read-protected part that is not read first is refused as well`() async throws {
    try await Bench.run(.stm32f407ReadProtected) { bench in
      let session = try await bench.open()
      let error = await #expect(throws: DFUError.self) {
        _ = try await session.flash(
          image((0x0800_0000, program(0x4000, at: 0x0800_0000))),
          .with { $0.differential = false })
      }
      #expect(error?.code == .readProtected)
      #expect(error?.condition?.isUntouched == true)
    }
  }

  @Test func `an open part is open`() async throws {
    try await Bench.run(.stm32f407) { bench in
      let session = try await bench.open()
      #expect(try await session.protection(of: #require(session.targets.first)) == .open)
    }
  }

  @Test func `rule 13: unprotect erases the part, which resets itself`() async throws {
    try await Bench.run(
      .stm32f407ReadProtected, prepare: { $0.load([1, 2, 3, 4], at: 0x0800_0000) }
    ) { bench in
      let session = try await bench.open()
      #expect(try await session.unprotect() == .resetting)
      await session.close()
      try await bench.clock.sleep(for: .seconds(60))
      #expect(try bench.journal().contains(.unprotected))
      let again = try await bench.open()
      #expect(try await again.protection(of: #require(again.targets.first)) == .open)
      #expect(try bench.contents(0x0800_0000..<0x0800_0004) == [0xFF, 0xFF, 0xFF, 0xFF])
    }
  }

  @Test func `rule 10: a write-protected sector is noticed by reading back, and named`()
    async throws
  {
    try await Bench.run(
      .stm32f407WriteProtected, prepare: { $0.load(noise(0x10000, seed: 3), at: 0x0800_0000) }
    ) { bench in
      let session = try await bench.open()
      let error = await #expect(throws: DFUError.self) {
        _ = try await session.flash(
          image((0x0800_0000, program(0x10000, at: 0x0800_0000))))
      }
      #expect(error?.code == .writeProtected)
      #expect(error?.address == 0x0800_8000)
      #expect(error?.sentence.contains("0x08008000–0x0800FFFF") == true)
      #expect(error?.condition?.isIncomplete == true)
      #expect(error?.condition?.proved == [0x0800_0000..<0x0800_8000])
      // It must not be started.
      #expect(
        try !bench.journal().contains { if case .launched = $0 { true } else { false } })
    }
  }
}
