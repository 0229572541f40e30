internal import USB

/// `familyID` of a UF2 block: which chips its address belongs to.
public struct UF2Family: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The number in the block.
  public var rawValue: UInt32

  /// A family from its number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// A family from its number.
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// A family from its name, in any case, or from its number as `0x57755a57` or decimal digits.
  public init?(_ text: String) {
    let lower = text.lowercased()
    if let entry = Self.table.first(where: { $0.name.lowercased() == lower }) {
      self = entry.family
    } else if lower.hasPrefix("0x"), let number = UInt32(lower.dropFirst(2), radix: 16) {
      self.init(number)
    } else if let number = UInt32(lower) {
      self.init(number)
    } else {
      return nil
    }
  }

  /// RP2350's blocks whose addresses belong to no family: an erratum's work-around in front of files.
  public static let absolute = UF2Family(0xE48B_FF57)

  /// The name, where the family is known.
  public var name: String? { Self.table.first { $0.family == self }?.name }

  /// The name and the number, for example `STM32F4 (0x57755a57)`.
  public var description: String {
    name.map { "\($0) (0x\(hex(rawValue)))" } ?? "0x\(hex(rawValue))"
  }

  /// The families with a name, as the register of the UF2 project has them.
  public static let known: [UF2Family] = table.map(\.family)

  private static let table: [(family: UF2Family, name: String)] = [
    (UF2Family(0x6478_24B6), "STM32F0"), (UF2Family(0x5EE2_1072), "STM32F1"),
    (UF2Family(0x5D1A_0A2E), "STM32F2"), (UF2Family(0x6B84_6188), "STM32F3"),
    (UF2Family(0x5775_5A57), "STM32F4"), (UF2Family(0x6D09_22FA), "STM32F407"),
    (UF2Family(0x8FB0_60FE), "STM32F407VG"), (UF2Family(0x53B8_0F00), "STM32F7"),
    (UF2Family(0x300F_5633), "STM32G0"), (UF2Family(0x4C71_240A), "STM32G4"),
    (UF2Family(0x6DB6_6082), "STM32H7"), (UF2Family(0x202E_3A91), "STM32L0"),
    (UF2Family(0x1E1F_432D), "STM32L1"), (UF2Family(0x00FF_6919), "STM32L4"),
    (UF2Family(0x0424_0BDF), "STM32L5"), (UF2Family(0x70D1_6653), "STM32WB"),
    (UF2Family(0x2146_0FF0), "STM32WL"), (UF2Family(0x31D2_28C6), "GD32F350"),
    (UF2Family(0x9AF0_3E33), "GD32VF103"), (UF2Family(0xE48B_FF56), "RP2040"),
    (absolute, "RP2-absolute"), (UF2Family(0xE48B_FF58), "RP2-data"),
    (UF2Family(0xE48B_FF59), "RP2350-ARM-S"), (UF2Family(0xE48B_FF5A), "RP2350-RISC-V"),
    (UF2Family(0xE48B_FF5B), "RP2350-ARM-NS"),
  ]
}
