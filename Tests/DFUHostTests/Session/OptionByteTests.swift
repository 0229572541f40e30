import DFU
import Firmware
import Testing
import USB
import VirtualDFU
import VirtualUSB

@testable import DFUHost

/// Option bytes of virtual parts, read and written by the host.
struct OptionByteTests {
  struct Part: CustomTestStringConvertible, Sendable {
    var profile: Profile
    var settings: [OptionPlan.Setting]
    /// How many blocks, and with that resets, it takes.
    var resets = 1
    var testDescription: String { profile.name }
  }

  static let parts: [Part] = [
    Part(
      profile: .stm32f407,
      settings: [.init("BOR_LEV", "level 2"), .init("nWRP", "sectors 2-3"), .init("WDG_SW", "0")]),
    Part(
      profile: .stm32f429,
      settings: [.init("BFB2", "bank 2"), .init("nWRP12_23", "sector 13")], resets: 2),
    Part(
      profile: .stm32l476,
      settings: [.init("BOR_LEV", "4"), .init("WRP1A_STRT", "1"), .init("WRP1A_END", "2")]),
    Part(
      profile: .stm32h743,
      settings: [.init("SWAP_BANK_OPT", "swapped"), .init("BOOT_ADD0", "0x08100000")]),
  ]

  @Test(arguments: parts)
  func `every field of a new part is read as the factory sets it`(_ part: Part) async throws {
    try await Bench.run(part.profile) { bench in
      let contents = try await bench.open().optionBytes()
      let options = try #require(contents.options)
      #expect(contents.obstacle == nil)
      #expect(options.layout == part.profile.optionBytes)
      #expect(options.readProtection == .zero)
      #expect(options.values.allSatisfy { $0.isFactoryValue })
      #expect(contents.blocks == contents.blocks.sorted { $0.address < $1.address })
    }
  }

  @Test(arguments: parts)
  func `a change is written block by block, resets the part, and is read back`(
    _ part: Part
  ) async throws {
    try await Bench.run(
      part.profile, prepare: { $0.load([1, 2, 3, 4], at: 0x0800_0000) }
    ) { bench in
      var session = try await bench.open()
      let first = try await OptionPlan(
        part.settings, of: session.optionBytes(), flash: session.internalFlash)
      #expect(first.blocks.count == part.resets)
      for block in first.blocks {
        try await session.write(block, of: first.target)
        await session.close()
        try await bench.clock.sleep(for: .seconds(5))
        session = try await bench.open()
      }
      let found = try await session.optionBytes()
      #expect(first.outcome(of: found) == .proved)
      #expect(found.options?.changes(from: first.old).count == part.settings.count)
      await session.close()
      let written = try bench.journal().filter {
        if case .wroteOptionBytes = $0 { true } else { false }
      }
      #expect(written.count == part.resets)
      // Option bytes are not the flash.
      #expect(try bench.contents(0x0800_0000..<0x0800_0004) == [1, 2, 3, 4])
    }
  }

  @Test func `what was protected by name cannot be flashed, and can again afterwards`()
    async throws
  {
    try await Bench.run(.stm32l476) { bench in
      let file = try image((0x0800_0800, noise(2048)))
      func set(_ settings: [OptionPlan.Setting]) async throws {
        let session = try await bench.open()
        let plan = try await OptionPlan(settings, of: session.optionBytes())
        for block in plan.blocks { try await session.write(block, of: plan.target) }
        await session.close()
        try await bench.clock.sleep(for: .seconds(5))
      }
      try await set([.init("WRP1A_STRT", "1"), .init("WRP1A_END", "1")])
      let session = try await bench.open()
      let error = await #expect(throws: DFUError.self) { _ = try await session.flash(file) }
      #expect(error?.code == .writeProtected)
      #expect(error?.help?.contains("dfu options") == true)
      await session.close()
      try await set([.init("WRP1A_STRT", "255"), .init("WRP1A_END", "0")])
      let again = try await bench.open()
      let report = try await again.flash(file)
      #expect(report.proof == .proved)
    }
  }

  @Test func `level 1 is proved by a refusal, and taken away by unprotect`() async throws {
    try await Bench.run(
      .stm32f407, prepare: { $0.load([1, 2, 3, 4], at: 0x0800_0000) }
    ) { bench in
      let session = try await bench.open()
      let plan = try await OptionPlan([.init("RDP", "level 1")], of: session.optionBytes())
      try await session.write(plan.blocks[0], of: plan.target)
      await session.close()
      try await bench.clock.sleep(for: .seconds(5))

      let closed = try await bench.open()
      let error = await #expect(throws: SessionError.self) { try await closed.optionBytes() }
      #expect(try plan.outcome(refusedWith: #require(error)) == .readProtected(unproved: []))
      #expect(error?.help?.contains("dfu unprotect") == true)
      #expect(try await closed.unprotect() == .resetting)
      await closed.close()
      try await bench.clock.sleep(for: .seconds(60))

      let open = try await bench.open()
      #expect(try await open.optionBytes().options?.readProtection == .zero)
      #expect(try bench.contents(0x0800_0000..<0x0800_0004) == [0xFF, 0xFF, 0xFF, 0xFF])
    }
  }

  @Test func `a part of level 2 does not come back`() async throws {
    try await Bench.run(.stm32h743) { bench in
      let session = try await bench.open()
      let plan = try await OptionPlan([.init("RDP", "2")], of: session.optionBytes())
      #expect(plan.closesForEver)
      try await session.write(plan.blocks[0], of: plan.target)
      await session.close()
      try await bench.clock.sleep(for: .seconds(60))
      #expect(try await bench.bus.devices().isEmpty)
      #expect(plan.outcomeWithoutDevice == .closed)
    }
  }

  @Test(arguments: [Profile.stLibrary, .dfu11, .stm32f730External])
  func `a device that shows none is refused`(_ profile: Profile) async throws {
    try await Bench.run(profile) { bench in
      let session = try await bench.open()
      #expect(session.optionByteTarget == nil)
      let error = await #expect(throws: SessionError.self) { try await session.optionBytes() }
      guard case .plan(let error)? = error else {
        Issue.record("it must be refused before the device is asked")
        return
      }
      #expect(error.code == .noSuchTarget)
    }
  }

  @Test func `a part that nobody knows shows bytes without names`() async throws {
    // The ids of an Artery AT32, whose option bytes have no table here.
    let profile = try Profile.stm32f407.setting("id", to: "2E3C:DF11")
    try await Bench.run(profile) { bench in
      let contents = try await bench.open().optionBytes()
      #expect(contents.options == nil)
      #expect(contents.obstacle?.contains("not known here") == true)
      #expect(contents.blocks.map(\.bytes.count) == [16])
      #expect(throws: OptionPlanError.self) { try OptionPlan([.init("RDP", "0")], of: contents) }
    }
  }

  /// A target that claims more option bytes than any part has.
  @Test func `a device that claims megabytes of option bytes is not read`() async throws {
    var profile = Profile.stm32f407
    profile.description.strings[5] = "@Option Bytes  /0x1FFFC000/01*016Me"
    try await Bench.run(profile) { bench in
      let session = try await bench.open()
      let error = await #expect(throws: SessionError.self) { try await session.optionBytes() }
      #expect(error?.slug == "sector-too-large")
    }
  }

  // MARK: Images

  struct Block: CustomTestStringConvertible, Sendable {
    var name: String
    var profile: Profile
    var address: UInt64
    var bytes: [UInt8]
    var isRefused: Bool
    var testDescription: String { name }
  }

  static let f4 = OptionByteCoding.doubledHalfWords
  static let h7 = OptionBytes(factory: .stm32h7).blocks[0].bytes

  @Test(arguments: [
    Block(
      name: "level 2 of an F4", profile: .stm32f407, address: 0x1FFF_C000,
      bytes: f4.encoded([0xCCFF, 0xFFFF]), isRefused: true),
    Block(
      name: "0xCC in the user byte of an F4", profile: .stm32f407, address: 0x1FFF_C000,
      bytes: f4.encoded([0xAACC, 0xFFFF]), isRefused: false),
    Block(
      name: "0xCC where the complement of an F4 is", profile: .stm32f407, address: 0x1FFF_C000,
      bytes: [0xFF, 0xAA, 0xCC, 0xCC] + [UInt8](repeating: 0xFF, count: 12), isRefused: false),
    Block(
      name: "level 2 of an L4", profile: .stm32l476, address: 0x1FFF_7800,
      bytes: OptionByteCoding.words.encoded([0xFFEF_F8CC, 0xFFFF_FFFF, 0, 0xFF, 0xFF]),
      isRefused: true),
    Block(
      name: "0xCC in the user bytes of an L4", profile: .stm32l476, address: 0x1FFF_7800,
      bytes: OptionByteCoding.words.encoded([0xFFEF_CCAA, 0xFFFF_FFFF, 0, 0xFF, 0xFF]),
      isRefused: false),
    Block(
      name: "the second bank of an F429", profile: .stm32f429, address: 0x1FFE_C000,
      bytes: f4.encoded([0xCCCC, 0xFCCC]), isRefused: false),
    Block(
      name: "level 2 in the register to program of an H7", profile: .stm32h743,
      address: 0x5200_201C, bytes: Array(h7[..<5] + [0xCC] + h7[6...]), isRefused: true),
    Block(
      name: "level 2 in the current register of an H7", profile: .stm32h743,
      address: 0x5200_201C, bytes: Array(h7[..<1] + [0xCC] + h7[2...]), isRefused: true),
  ])
  func `an image that closes the part for ever is told from one that holds 0xCC elsewhere`(
    _ block: Block
  ) async throws {
    try await Bench.run(block.profile) { bench in
      let session = try await bench.open()
      let target = try #require(session.optionByteTarget)
      let choice = TargetChoice(
        assignments: [
          .init(target: target, payload: .image(try image((block.address, block.bytes))))
        ], targets: session.targets)
      do {
        _ = try await session.plan(choice)
        #expect(!block.isRefused)
      } catch {
        #expect(block.isRefused)
        #expect((error as? SessionError)?.slug == "locking-option-bytes")
      }
    }
  }
}
