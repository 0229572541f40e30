/// What kind of memory a map describes, told by its name.
///
/// DfuSe has no field for this; hosts go by the names that ST's bootloaders use.
public enum MemoryKind: String, Hashable, Sendable, CaseIterable {
  /// The flash of the part, where programs run from.
  case internalFlash = "internal-flash"
  /// Flash on another chip.
  case externalFlash = "external-flash"
  /// Settings of the part: written as a whole block, never erased, and the part resets.
  case optionBytes = "option-bytes"
  /// One-time programmable memory: bits can be cleared once and for ever.
  case otp = "otp"
  /// ST's pseudo-memory for settings such as the supply voltage; not flash.
  case deviceFeature = "device-feature"
  /// Memory that is lost with the power.
  case ram = "ram"
  /// A partition or phase: the "address" is its number (STM32MP1).
  case partition = "partition"
  /// Something else.
  case other = "other"

  /// The kind that a name stands for.
  ///
  /// - Parameters:
  ///   - name: the name between `@` and the first `/`.
  ///   - lowestAddress: where the memory begins; a partition is one only if this is a small number.
  public init(name: String, lowestAddress: UInt64? = nil) {
    let words = name.lowercased().split { !$0.isLetter && !$0.isNumber }
    func has(_ word: String) -> Bool { words.contains { $0 == word } }
    func begins(_ start: String) -> Bool { words.first?.hasPrefix(start) == true }
    let isNumber = lowestAddress.map { $0 <= 0xFF } ?? false
    if has("option") && words.contains(where: { $0.hasPrefix("byte") }) {
      self = .optionBytes
    } else if has("otp") {
      self = .otp
    } else if has("device") && has("feature") {
      self = .deviceFeature
    } else if has("flash") && has("internal") {
      self = .internalFlash
    } else if has("flash")
      && ["external", "spi", "qspi", "ospi", "nor", "nand", "serial"].contains(where: has)
    {
      self = .externalFlash
    } else if words.contains(where: {
      ["ram", "sram", "dram", "sdram", "psram", "ddr"].contains($0)
    }) {
      self = .ram
    } else if isNumber,
      ["partition", "fsbl", "ssbl", "flashlayout", "virtual"].contains(where: begins)
    {
      self = .partition
    } else {
      self = .other
    }
  }

  /// Whether a host may erase such memory where the type letter allows it.
  ///
  /// Early F4 ROMs call option bytes and OTP erasable; neither is.
  public var mayBeErased: Bool {
    switch self {
    case .optionBytes, .otp, .deviceFeature: false
    case .internalFlash, .externalFlash, .ram, .partition, .other: true
    }
  }
}
