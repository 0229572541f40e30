/// A family of microcontrollers whose flash behaves alike.
public enum ChipFamily: String, Hashable, Sendable, CaseIterable {
  /// STM32F0.
  case stm32f0
  /// STM32F1 with USB on-the-go: F105 and F107.
  case stm32f1
  /// STM32F3.
  case stm32f3
  /// STM32F2 and STM32F4.
  case stm32f4
  /// STM32F7.
  case stm32f7
  /// STM32L0.
  case stm32l0
  /// STM32L1.
  case stm32l1
  /// STM32L4.
  case stm32l4
  /// STM32L4+: L4R and L4S.
  case stm32l4plus
  /// STM32G0.
  case stm32g0
  /// STM32G4.
  case stm32g4
  /// STM32WB.
  case stm32wb
  /// STM32H7 with sectors of 128 KiB: H72x to H75x.
  case stm32h7
  /// STM32H7A3 and H7B3.
  case stm32h7ab
  /// STM32C5.
  case stm32c5
  /// STM32U5 and STM32H5.
  case stm32u5
  /// GigaDevice GD32VF103.
  case gd32vf103
  /// Artery AT32F4.
  case at32f4
  /// Geehy APM32.
  case apm32

  /// The name that people use.
  public var name: String {
    switch self {
    case .stm32f0: "STM32F0"
    case .stm32f1: "STM32F105/F107"
    case .stm32f3: "STM32F3"
    case .stm32f4: "STM32F2/F4"
    case .stm32f7: "STM32F7"
    case .stm32l0: "STM32L0"
    case .stm32l1: "STM32L1"
    case .stm32l4: "STM32L4"
    case .stm32l4plus: "STM32L4+"
    case .stm32g0: "STM32G0"
    case .stm32g4: "STM32G4"
    case .stm32wb: "STM32WB"
    case .stm32h7: "STM32H7"
    case .stm32h7ab: "STM32H7A3/H7B3"
    case .stm32c5: "STM32C5"
    case .stm32u5: "STM32U5/H5"
    case .gd32vf103: "GD32VF103"
    case .at32f4: "AT32F4"
    case .apm32: "APM32"
    }
  }
}

/// How far the announced poll time-outs of a part can be believed.
public enum PollBehaviour: Hashable, Sendable {
  /// They are what the specification says: a least time to wait.
  case trustworthy
  /// They are too short, and a part that is asked early stalls the pipe; wait at least this long.
  case tooShort(atLeast: Duration)
  /// Those of a mass erase are far too short; keep asking.
  case understatesMassErase
  /// An erase in the upper half of the flash stays busy for ever; see
  /// ``DFUQuirks/bankTwoEraseSticks``.
  case sticksInBankTwo
}

/// What is known of a part beyond what its descriptors say: how its flash works and how long it takes.
///
/// Some of it has been reported from real parts, most of it is usual values that have not been
/// checked (see ``init(_:name:certainty:)``): good enough for plans and simulations, not for a
/// promise. The device's own descriptors go before it.
public struct Chip: Hashable, Sendable {
  /// How sure ``identify(vendor:product:version:productString:serialNumber:maps:)`` is.
  public enum Certainty: String, Hashable, Sendable, CaseIterable, Comparable {
    /// Another family fits nearly as well.
    case guess
    /// Several signs agree.
    case likely
    /// The ids or an unmistakable layout say so.
    case certain

    /// Whether the left one comes before the right one.
    public static func < (left: Self, right: Self) -> Bool { left.order < right.order }

    private var order: Int {
      switch self {
      case .guess: 0
      case .likely: 1
      case .certain: 2
      }
    }
  }

  /// The family.
  public var family: ChipFamily
  /// The part as far as it is known, for example `STM32F405/F407`.
  public var name: String
  /// How sure that is.
  public var certainty: Certainty
  /// The smallest correct unit of programming, in bytes: writes are aligned to it and padded with
  /// 0xFF.
  public var writeGranularity: Int
  /// How long a sector takes to erase, by its size, ascending.
  public var eraseTimes: [EraseTime]
  /// How long a unit of `writeGranularity` takes to program.
  public var unitProgramTime: Duration
  /// How long a mass erase takes.
  public var massEraseTime: Duration
  /// The flash that is really there, where the layout string claims more.
  public var realFlashSize: UInt64?
  /// The bytes of a sector of the flash, where the layout string may say otherwise.
  public var realSectorSize: UInt64?
  /// What an erased byte of the flash holds: 0xFF, but 0x00 on L0 and L1, whose cells are those of an
  /// EEPROM (embassy-rs/embassy#3342, ARMmbed/mbed-os#9256).
  public var erasedByte: UInt8
  /// Where RAM is: a stack pointer of a vector table points into it, or to its end.
  public var ramRanges: [Range<UInt64>]
  /// How far its poll time-outs can be believed.
  public var pollBehaviour: PollBehaviour
  /// Where its option bytes are, one range for each block that is written at once.
  public var optionBytes: [Range<UInt64>]
  /// What is wrong with its bootloader, beside what the ids tell.
  public var quirks: DFUQuirks

  /// The erase time of one size of sector.
  public struct EraseTime: Hashable, Sendable {
    /// The size of the sector in bytes.
    public var sectorSize: UInt64
    /// How long it takes, typically.
    public var typical: Duration
    /// How long it may take.
    public var longest: Duration

    /// An erase time.
    public init(sectorSize: UInt64, typical: Duration, longest: Duration) {
      self.sectorSize = sectorSize
      self.typical = typical
      self.longest = longest
    }
  }

  /// How long a sector of `sectorSize` bytes takes to erase, typically: that of the nearest size
  /// known that is not smaller, or in proportion to the largest.
  public func eraseTime(of sectorSize: UInt64) -> Duration {
    time(of: sectorSize) { $0.typical }
  }

  /// How long a sector of `sectorSize` bytes may take to erase.
  public func longestEraseTime(of sectorSize: UInt64) -> Duration {
    time(of: sectorSize) { $0.longest }
  }

  private func time(of sectorSize: UInt64, _ pick: (EraseTime) -> Duration) -> Duration {
    if let entry = eraseTimes.first(where: { $0.sectorSize >= sectorSize }) { return pick(entry) }
    guard let largest = eraseTimes.last, largest.sectorSize > 0 else { return .zero }
    // Capped: a layout may claim a sector of 4 GiB.
    let factor = min(sectorSize / largest.sectorSize + 1, 4096)
    return pick(largest) * Int(factor)
  }

  /// How long `count` bytes take to program, typically.
  public func programTime(_ count: Int) -> Duration {
    guard count > 0, writeGranularity > 0 else { return .zero }
    return unitProgramTime * ((count - 1) / writeGranularity + 1)
  }
}
