import DFU
import Testing

@testable import DFUHost

/// What changing option bytes is said to do, before anything is done.
struct OptionPlanTests {
  /// Contents as a session would have read them.
  static func contents(
    _ layout: OptionByteLayout, _ settings: [(String, String)] = [], transferSize: Int = 2048
  ) throws -> OptionByteContents {
    var options = OptionBytes(factory: layout)
    for (name, value) in settings { options = try options.setting(name, to: value) }
    var target = try FlashTarget.part("@Option Bytes  /0x1FFFC000/01*016 e")
    target.transferSize = transferSize
    var contents = OptionByteContents(of: target, blocks: options.blocks)
    contents.options = options
    contents.obstacle = nil
    return contents
  }

  static func flash(_ string: String) throws -> MemoryMap { try MemoryMap(dfuseString: string) }

  struct Case: CustomTestStringConvertible, Sendable {
    var name: String
    var layout = OptionByteLayout.stm32f4
    var before: [(String, String)] = []
    var settings: [(String, String)]
    var flash = "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg"
    var kinds: [OptionPlan.Consequence.Kind]
    /// Part of the sentence of the last of them.
    var sentence: String
    var testDescription: String { name }
  }

  static let cases: [Case] = [
    Case(
      name: "a level of brown-out", settings: [("BOR_LEV", "level 3")], kinds: [.resets],
      sentence: "The part resets when they are written."),
    Case(
      name: "a hardware watchdog", settings: [("WDG_SW", "hardware")], kinds: [.resets, .caution],
      sentence: "WDG_SW: A hardware watchdog runs from reset on"),
    Case(
      name: "write protection", settings: [("nWRP", "sectors 1, 4-5")],
      kinds: [.resets, .writeProtects],
      sentence: "Sectors 1 (0x08004000-0x08007FFF), 4-5 (0x08010000-0x0803FFFF) can then not be "
        + "erased or written any more."),
    Case(
      name: "one sector", settings: [("nWRP", "sector 11")], kinds: [.resets, .writeProtects],
      sentence: "Sector 11 (0x080E0000-0x080FFFFF) can then not"),
    Case(
      name: "write protection that moves", before: [("nWRP", "sectors 0-1")],
      settings: [("nWRP", "sectors 1-2")], kinds: [.resets, .writeProtects, .writeEnables],
      sentence: "Sector 0 (0x08000000-0x08003FFF) can then be erased and written again."),
    Case(
      name: "read protection on", settings: [("RDP", "1")], kinds: [.resets, .readProtects],
      sentence: "`dfu unprotect`, erases ALL of the flash."),
    Case(
      name: "read protection off", before: [("RDP", "1")], settings: [("RDP", "0")],
      kinds: [.resets, .erases], sentence: "The part erases ALL of its flash."),
    Case(
      name: "level 2", settings: [("RDP", "2")], kinds: [.resets, .closesForEver],
      sentence: "FOR EVER"),
    Case(
      name: "level 2 from level 1", before: [("RDP", "1")], settings: [("RDP", "0xCC")],
      kinds: [.resets, .closesForEver], sentence: "FOR EVER"),
    Case(
      name: "an F1, which has no level 2", layout: .stm32f1, settings: [("RDP", "0xCC")],
      kinds: [.resets, .readProtects], sentence: "will not read, write or erase any more"),
    Case(
      name: "two blocks", layout: .stm32f429,
      settings: [("nWRP", "sector 0"), ("nWRP12_23", "sector 12")],
      flash: "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg,04*016Kg,01*064Kg,07*128Kg",
      kinds: [.resets, .writeProtects],
      sentence: "Sectors 0 (0x08000000-0x08003FFF), 12 (0x08100000-0x08103FFF)"),
    Case(
      name: "the registers of an H7", layout: .stm32h7, settings: [("BOR_LEV", "1")],
      kinds: [.resets, .caution], sentence: "is not published"),
  ]

  @Test(arguments: cases)
  func `what follows is said, the gravest last`(_ test: Case) throws {
    let contents = try Self.contents(test.layout, test.before)
    let plan = try OptionPlan(
      test.settings.map { .init($0.0, $0.1) }, of: contents, flash: Self.flash(test.flash))
    #expect(plan.consequences.map(\.kind) == test.kinds)
    #expect(plan.consequences.last?.sentence.contains(test.sentence) == true)
    #expect(plan.closesForEver == test.kinds.contains(.closesForEver))
    #expect(Set(plan.changes.map(\.field.name)) == Set(test.settings.map(\.0)))
    #expect(!plan.changesNothing)
  }

  @Test func `what is there already is no change, and nothing follows`() throws {
    let contents = try Self.contents(.stm32f4, [("RDP", "0x55")])
    let plan = try OptionPlan([.init("rdp", "level 1"), .init("BOR_LEV", "off")], of: contents)
    #expect(plan.changesNothing && plan.changes.isEmpty && plan.consequences.isEmpty)
  }

  @Test func `the block that holds read protection is the last, for nothing is written behind it`()
    throws
  {
    let settings: [OptionPlan.Setting] = [.init("RDP", "1"), .init("nWRP12_23", "all")]
    let plan = try OptionPlan(settings, of: Self.contents(.stm32f429))
    #expect(plan.blocks.map(\.address) == [0x1FFE_C000, 0x1FFF_C000])
    #expect(plan.consequences[0].sentence == "The part resets after each of the 2 blocks.")
    #expect(plan.readProtects)
  }

  struct Refusal: CustomTestStringConvertible, Sendable {
    var name: String
    var value: String
    var slug: String
    var testDescription: String { "\(name)=\(value)" }
  }

  @Test(arguments: [
    Refusal(name: "BOOT_ADD0", value: "1", slug: "unknown-option"),
    Refusal(name: "BOR_LEV", value: "7", slug: "bad-option-value"),
  ])
  func `a wrong name and a wrong value are refused`(_ test: Refusal) throws {
    let contents = try Self.contents(.stm32f4)
    let error = #expect(throws: OptionPlanError.self) {
      try OptionPlan([.init(test.name, test.value)], of: contents)
    }
    #expect(error?.slug == test.slug)
    #expect(error?.help?.isEmpty == false)
  }

  @Test func `a part without names, and a block that is too long, are refused`() throws {
    var unknown = try Self.contents(.stm32f4)
    unknown.options = nil
    unknown.obstacle = "Nobody knows."
    let error = #expect(throws: OptionPlanError.self) {
      try OptionPlan([.init("RDP", "1")], of: unknown)
    }
    #expect(error?.slug == "unknown-option-bytes")
    #expect(error?.sentence == "Nobody knows.")
    let long = #expect(throws: OptionPlanError.self) {
      try OptionPlan([.init("RDP", "1")], of: Self.contents(.stm32f4, transferSize: 8))
    }
    #expect(long?.slug == "option-bytes-too-long")
  }

  // MARK: Outcomes

  @Test func `read back and the same is proved; a field that differs is named`() throws {
    let contents = try Self.contents(.stm32f4)
    let plan = try OptionPlan([.init("BOR_LEV", "0"), .init("nWRP", "none")], of: contents)
    #expect(try plan.outcome(of: Self.contents(.stm32f4, [("BOR_LEV", "0")])) == .proved)
    // The bits of a F405 that mean nothing may come back as they like.
    var other = try Self.contents(.stm32f4, [("BOR_LEV", "0")])
    other.options = try OptionBytes(
      .stm32f4,
      blocks: [
        .init(
          address: 0x1FFF_C000, bytes: OptionByteCoding.doubledHalfWords.encoded([0xAAF2, 0x0FFF]))
      ])
    #expect(plan.outcome(of: other) == .proved)
    guard case .differs(let differences) = plan.outcome(of: contents) else {
      Issue.record("an unchanged part must differ")
      return
    }
    #expect(differences.map(\.field.name) == ["BOR_LEV"])
    #expect(differences[0].old.number == 0 && differences[0].new.number == 3)
    var unknown = contents
    unknown.options = nil
    #expect(!plan.outcome(of: unknown).isAsPlanned)
  }

  @Test func `a part that refuses to be read is as planned only if that was planned`() throws {
    let contents = try Self.contents(.stm32f4)
    let protected = SessionError.device(DFUError(.readProtected, during: .read))
    let one = try OptionPlan([.init("RDP", "1"), .init("BOR_LEV", "0")], of: contents)
    #expect(one.outcome(refusedWith: protected) == .readProtected(unproved: ["BOR_LEV"]))
    let open = try OptionPlan([.init("BOR_LEV", "0")], of: contents)
    #expect(!open.outcome(refusedWith: protected).isAsPlanned)
    let lost = SessionError.device(DFUError(.lost, during: .read))
    #expect(!one.outcome(refusedWith: lost).isAsPlanned)
    #expect(!one.outcomeWithoutDevice.isAsPlanned)
    let two = try OptionPlan([.init("RDP", "2")], of: contents)
    #expect(two.outcomeWithoutDevice == .closed)
  }
}

extension OptionOutcome {
  fileprivate var isAsPlanned: Bool {
    switch self {
    case .proved, .readProtected, .closed: true
    case .differs, .notProved: false
    }
  }
}
