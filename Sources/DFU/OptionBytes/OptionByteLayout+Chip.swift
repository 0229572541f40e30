/// Which layout a part has.
extension OptionByteLayout {
  /// Every layout that is known.
  public static let all: [OptionByteLayout] = [
    .stm32f0, .stm32f1, .stm32f3, .stm32f4, .stm32f411, .stm32f413, .stm32f429, .stm32f746,
    .stm32f767, .stm32f730, .stm32l0, .stm32l4, .stm32l4plus, .stm32g0, .stm32g4, .stm32wb,
    .stm32h7, .stm32h72x, .stm32h7ab,
  ]

  /// The layout with this key; nil if there is none.
  public static func named(_ key: String) -> OptionByteLayout? { all.first { $0.key == key } }

  /// The layout of a part that is known by its family and by the memory that it shows.
  ///
  /// Families of one name differ: an F429 has two blocks, an F411 a bit that the F407 has not.
  ///
  /// - Parameters:
  ///   - family: the family.
  ///   - flash: the internal flash; nil where it is not known.
  ///   - optionBytes: the option bytes as the bootloader shows them; nil where it does not.
  /// - Returns: the layout; nil for a family whose option bytes are not known here.
  public static func of(
    _ family: ChipFamily, flash: MemoryMap? = nil, optionBytes: MemoryMap? = nil
  ) -> OptionByteLayout? {
    switch family {
    case .stm32f0: .stm32f0
    case .stm32f1: .stm32f1
    case .stm32f3: .stm32f3
    case .stm32f4: f4(flash, optionBytes)
    case .stm32f7: f7(flash)
    case .stm32l0: .stm32l0
    case .stm32l4: .stm32l4
    case .stm32l4plus: .stm32l4plus
    case .stm32g0: .stm32g0
    case .stm32g4: .stm32g4
    case .stm32wb: .stm32wb
    case .stm32h7: (optionBytes?.size ?? 128) < 128 ? .stm32h72x : .stm32h7
    case .stm32h7ab: .stm32h7ab
    case .stm32l1, .stm32c5, .stm32u5, .gd32vf103, .at32f4, .apm32: nil
    }
  }

  private static func f4(_ flash: MemoryMap?, _ optionBytes: MemoryMap?) -> OptionByteLayout {
    let starts = optionBytes?.areas.map(\.lowerBound) ?? []
    let size = flash?.size ?? 1 << 20
    if starts.contains(0x1FFE_C000) || size >= 2 << 20 { return .stm32f429 }
    if size == 3 << 19 { return .stm32f413 }
    // With 1 MiB it may be an F412 as well; its bit 15 is 0 when it comes from the factory.
    return size >= 1 << 20 ? .stm32f4 : .stm32f411
  }

  private static func f7(_ flash: MemoryMap?) -> OptionByteLayout {
    guard let flash else { return .stm32f746 }
    if flash.runs.first?.sectorSize == 16 << 10, flash.size <= 512 << 10 { return .stm32f730 }
    return flash.size > 1 << 20 ? .stm32f767 : .stm32f746
  }
}
