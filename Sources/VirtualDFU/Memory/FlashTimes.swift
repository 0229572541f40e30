/// How long the flash of a family takes: erases by the size of the sector, programming by the unit
/// that the flash controller programs at once.
///
/// The tags say how well a number is known: [M] measured, [R] reported by users or makers of real
/// parts, [K] what data sheets usually say, from memory and not checked against them. A profile uses
/// one table; all of them are here.
public struct FlashTimes: Hashable, Sendable {
  /// A typical duration and the longest that the part may take.
  public struct Pair: Hashable, Sendable {
    /// What it takes usually.
    public var typical: Duration
    /// What it may take.
    public var longest: Duration

    /// A pair; `longest` is not shorter than `typical`.
    public init(typical: Duration, longest: Duration) {
      self.typical = typical
      self.longest = max(typical, longest)
    }

    static func milliseconds(_ typical: Int64, _ longest: Int64) -> Pair {
      Pair(typical: .milliseconds(typical), longest: .milliseconds(longest))
    }

    static func microseconds(_ typical: Int64, _ longest: Int64) -> Pair {
      Pair(typical: .microseconds(typical), longest: .microseconds(longest))
    }

    func pick(_ pace: Pace) -> Duration { pace == .typical ? typical : longest }
  }

  /// Which of the two durations a part takes.
  public enum Pace: String, Hashable, Sendable, CaseIterable {
    /// Those of most parts.
    case typical
    /// Those of a part at the end of its life.
    case longest
  }

  /// Erases, by the size of the sector in bytes.
  public var erase: [UInt64: Pair]
  /// Bytes that are programmed at once.
  public var programmedBytes: Int
  /// How long programming these takes.
  public var program: Pair
  /// Erasing all of it by one command; nil for the sum over the sectors.
  public var massErase: Pair?

  /// A table.
  public init(
    erase: [UInt64: Pair], programmedBytes: Int, program: Pair, massErase: Pair? = nil
  ) {
    self.erase = erase
    self.programmedBytes = max(programmedBytes, 1)
    self.program = program
    self.massErase = massErase
  }

  /// How long one byte takes to program.
  func programTime(_ pace: Pace) -> Duration { program.pick(pace) / programmedBytes }
}

extension FlashTimes {
  /// F0, F1, F3: pages, half-words [K].
  public static let stm32f1 = FlashTimes(
    erase: [1 << 10: .milliseconds(20, 40), 2 << 10: .milliseconds(20, 40)],
    programmedBytes: 2, program: .microseconds(52, 70), massErase: .milliseconds(20, 40))

  /// F2 and F4 at x32 [K]; 6854 ms of announced time for 512 KiB were measured with it [M], and the
  /// mass erase takes 8 s and up to 32 s [R dfu-util].
  public static let stm32f4 = FlashTimes(
    erase: [
      16 << 10: .milliseconds(250, 500), 64 << 10: .milliseconds(550, 1100),
      128 << 10: .milliseconds(1000, 2000),
    ],
    programmedBytes: 4, program: .microseconds(16, 100), massErase: .milliseconds(8000, 32_000))

  /// F7 at x32 [K]; a mass erase of 2 MiB takes 8 to 10 s [R micropython/micropython#5730].
  public static let stm32f7 = FlashTimes(
    erase: [
      16 << 10: .milliseconds(200, 500), 32 << 10: .milliseconds(250, 500),
      64 << 10: .milliseconds(400, 800), 128 << 10: .milliseconds(500, 1100),
      256 << 10: .milliseconds(1000, 2000),
    ],
    programmedBytes: 4, program: .microseconds(16, 100), massErase: .milliseconds(8000, 10_000))

  /// L0: pages of 128 bytes, half-pages of 64 [K].
  public static let stm32l0 = FlashTimes(
    erase: [128: .microseconds(3200, 3900)],
    programmedBytes: 64, program: .microseconds(3200, 3900))

  /// L4, G4 and WB [K].
  public static let stm32l4 = FlashTimes(
    erase: [2 << 10: .milliseconds(22, 25), 4 << 10: .milliseconds(22, 25)],
    programmedBytes: 8, program: .microseconds(82, 91), massErase: .milliseconds(45, 50))

  /// G0 [K].
  public static let stm32g0 = FlashTimes(
    erase: [2 << 10: .milliseconds(22, 40)],
    programmedBytes: 8, program: .microseconds(85, 125), massErase: .milliseconds(22, 40))

  /// H743: 1.1 s typically and 2.2 s at the most for 128 KiB at x32 [R an employee of ST,
  /// community.st.com thread 734674]; 0.9 s were seen [M betaflight/betaflight-configurator#1861].
  /// Programming [K].
  public static let stm32h7 = FlashTimes(
    erase: [128 << 10: .milliseconds(1100, 2200)],
    programmedBytes: 32, program: .microseconds(100, 290), massErase: .milliseconds(9000, 18_000))

  /// U5, H5 and C5 [K].
  public static let stm32u5 = FlashTimes(
    erase: [8 << 10: .microseconds(1500, 2000)],
    programmedBytes: 16, program: .microseconds(30, 120), massErase: .milliseconds(100, 250))

  /// GD32VF103 [K]; what its bootloader announces instead is reported (``Profile/gd32vf103``).
  public static let gd32vf103 = FlashTimes(
    erase: [1 << 10: .milliseconds(45, 400)],
    programmedBytes: 4, program: .microseconds(38, 105), massErase: .milliseconds(250, 2000))

  /// Serial flash of 8 MiB: 4, 32 and 64 KiB, pages of 256 bytes [K]; with the bytes on their way a
  /// block of 2048 may take seconds [R openmv/openmv#2685].
  public static let serialNOR = FlashTimes(
    erase: [
      4 << 10: .milliseconds(45, 400), 32 << 10: .milliseconds(120, 1600),
      64 << 10: .milliseconds(150, 2000),
    ],
    programmedBytes: 256, program: .microseconds(768, 3000),
    massErase: .milliseconds(20_000, 100_000))

  /// The flash of a microcontroller under TinyUSB: 4 KiB as on an nRF52840 or RP2040 [K].
  public static let smallPages = FlashTimes(
    erase: [4 << 10: .milliseconds(40, 200)],
    programmedBytes: 1, program: .microseconds(10, 40))

  /// NAND behind U-Boot: blocks of 16 KiB [K].
  public static let nand = FlashTimes(
    erase: [16 << 10: .milliseconds(2, 3)],
    programmedBytes: 1, program: .microseconds(1, 2))

  /// Every table with the family that it is for: to print and to test.
  public static let all: [(family: String, times: FlashTimes)] = [
    ("STM32F0/F1/F3", .stm32f1), ("STM32F2/F4", .stm32f4), ("STM32F7", .stm32f7),
    ("STM32L0", .stm32l0), ("STM32L4/G4/WB", .stm32l4), ("STM32G0", .stm32g0),
    ("STM32H7", .stm32h7), ("STM32U5/H5/C5", .stm32u5), ("GD32VF103", .gd32vf103),
    ("serial NOR", .serialNOR), ("TinyUSB parts", .smallPages), ("NAND", .nand),
  ]
}
