extension Chip {
  /// What the table knows of a family.
  ///
  /// Reported by users or makers, so fairly sure: about 1 s for a sector of an H743 and 2.2 s at the
  /// most, 8 to 10 s for a mass erase of an F7, poll time-outs of 30 and 40 ms on L1 and L4, 100 ms
  /// for an erase of a GD32VF103. Everything else, granularities, other times, RAM and the addresses
  /// of option bytes that no layout string shows among it, is what data sheets usually say and has
  /// not been checked against them: defaults for plans and simulations, nothing to rely on.
  public init(_ family: ChipFamily, name: String? = nil, certainty: Certainty = .certain) {
    let facts = FamilyFacts.of(family)
    self.family = family
    self.name = name ?? family.name
    self.certainty = certainty
    writeGranularity = facts.granularity
    eraseTimes = facts.erase.map {
      EraseTime(
        sectorSize: $0.size, typical: .milliseconds($0.typical), longest: .milliseconds($0.longest))
    }
    unitProgramTime = .microseconds(facts.program)
    massEraseTime = .milliseconds(facts.massErase)
    realFlashSize = nil
    realSectorSize = nil
    erasedByte = facts.erasedByte
    ramRanges = facts.ram
    pollBehaviour = facts.poll
    optionBytes = OptionByteLayout.of(family)?.blocks.map(\.range) ?? facts.optionBytes
    quirks = facts.quirks
  }

  /// Where any of the families has RAM; for parts that are not known.
  public static let anyRAM: [Range<UInt64>] = [
    0x1000_0000..<0x1002_0000, 0x2000_0000..<0x2014_0000, 0x2400_0000..<0x2410_0000,
    0x3000_0000..<0x3005_0000, 0x3800_0000..<0x3802_0000,
  ]
}

/// One line of the table. Times in milliseconds, programming in microseconds.
private struct FamilyFacts {
  var granularity: Int
  var erase: [(size: UInt64, typical: Int, longest: Int)]
  var program: Int
  var massErase: Int
  var ram: [Range<UInt64>]
  /// Of families without an ``OptionByteLayout``.
  var optionBytes: [Range<UInt64>] = []
  var erasedByte: UInt8 = 0xFF
  var poll: PollBehaviour = .trustworthy
  var quirks: DFUQuirks = []

  static func kibibytes(_ count: UInt64, at start: UInt64 = 0x2000_0000) -> Range<UInt64> {
    start..<start + count << 10
  }

  static func block(_ start: UInt64, _ count: UInt64) -> Range<UInt64> { start..<start + count }

  static func of(_ family: ChipFamily) -> FamilyFacts {
    switch family {
    case .stm32f0, .stm32f1, .stm32f3, .gd32vf103, .at32f4, .apm32: pages(family)
    case .stm32f4:
      FamilyFacts(
        // The ROM programs words whatever the supply; times are those of x32.
        granularity: 4,
        erase: [(16 << 10, 250, 500), (64 << 10, 550, 1100), (128 << 10, 1000, 2000)],
        program: 16, massErase: 8000, ram: [kibibytes(64, at: 0x1000_0000), kibibytes(320)],
        poll: .understatesMassErase, quirks: [.massEraseUnderstated])
    case .stm32f7:
      FamilyFacts(
        granularity: 4,
        erase: [
          (16 << 10, 200, 500), (32 << 10, 250, 500), (64 << 10, 400, 800),
          (128 << 10, 500, 1100), (256 << 10, 1000, 2000),
        ],
        program: 16, massErase: 8000, ram: [kibibytes(16, at: 0), kibibytes(512)],
        quirks: [.slowStatus])
    case .stm32h7:
      FamilyFacts(
        granularity: 32, erase: [(128 << 10, 1000, 2200)], program: 200, massErase: 16_000,
        ram: h7RAM, poll: .sticksInBankTwo, quirks: [.bankTwoEraseSticks])
    case .stm32h7ab:
      FamilyFacts(
        granularity: 16, erase: [(8 << 10, 2, 4)], program: 60, massErase: 20, ram: h7RAM)
    case .stm32c5, .stm32u5:
      FamilyFacts(
        granularity: 16, erase: [(8 << 10, 2, 4)], program: 60, massErase: 250,
        ram: [kibibytes(2496)], quirks: family == .stm32c5 ? [.noFunctionalRequest] : [])
    case .stm32l0, .stm32l1, .stm32l4, .stm32l4plus, .stm32g0, .stm32g4, .stm32wb: lowPower(family)
    }
  }

  static let h7RAM = [
    kibibytes(64, at: 0), kibibytes(128), kibibytes(1024, at: 0x2400_0000),
    kibibytes(288, at: 0x3000_0000), kibibytes(64, at: 0x3800_0000),
  ]

  /// F1-like flash: pages, half-words.
  private static func pages(_ family: ChipFamily) -> FamilyFacts {
    var facts = FamilyFacts(
      granularity: 2, erase: [(1 << 10, 20, 40), (2 << 10, 20, 40), (4 << 10, 40, 80)], program: 52,
      massErase: 20, ram: [kibibytes(64)], optionBytes: [block(0x1FFF_F800, 16)])
    switch family {
    case .gd32vf103:
      facts.granularity = 4
      facts.erase = [(1 << 10, 100, 400)]
      // It announces 104 ms for a block of 2048 bytes, and they are waited.
      facts.program = 203
      facts.ram = [kibibytes(32)]
    case .stm32f3:
      facts.ram = [kibibytes(16, at: 0x1000_0000), kibibytes(64)]
    case .at32f4:
      facts.granularity = 4
      facts.massErase = 1000
      facts.ram = [kibibytes(512)]
      facts.optionBytes = []
      facts.quirks = [.unprotectEndsOddly]
    default: break
    }
    return facts
  }

  /// Flash of small pages and wide words.
  private static func lowPower(_ family: ChipFamily) -> FamilyFacts {
    var facts = FamilyFacts(
      granularity: 8, erase: [(2 << 10, 22, 25), (4 << 10, 22, 25)], program: 82, massErase: 22,
      ram: [kibibytes(16, at: 0x1000_0000), kibibytes(320)])
    switch family {
    case .stm32l0, .stm32l1:
      facts.granularity = 4
      facts.erasedByte = 0x00
      facts.erase = [(128, 3, 4), (256, 3, 4)]
      // A half-page of 64 bytes at once takes 3.2 ms.
      facts.program = 200
      facts.massErase = 20
      facts.ram = [kibibytes(80)]
      if family == .stm32l1 {
        facts.optionBytes = [block(0x1FF8_0000, 32)]
        facts.poll = .tooShort(atLeast: .milliseconds(30))
        facts.quirks = [.stallsWhenPolledEarly]
      }
    case .stm32l4, .stm32l4plus:
      facts.poll = .tooShort(atLeast: .milliseconds(40))
      facts.quirks = [.stallsWhenPolledEarly]
      facts.ram = [kibibytes(64, at: 0x1000_0000), kibibytes(640)]
    case .stm32g0:
      facts.program = 85
      facts.erase = [(2 << 10, 22, 40)]
      facts.massErase = 22
      facts.ram = [kibibytes(144)]
    case .stm32g4:
      facts.ram = [kibibytes(32, at: 0x1000_0000), kibibytes(128)]
    case .stm32wb:
      facts.ram = [kibibytes(256)]
    default: break
    }
    return facts
  }
}
