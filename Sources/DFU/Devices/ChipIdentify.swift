public import USB

extension Chip {
  /// Tells a part by its ids and by the memory that it describes.
  ///
  /// ST's ROM bootloaders all have the ids 0483:df11, so the geometry of the flash and the addresses
  /// of the option bytes and the OTP decide; a bootloader of somebody's own with the same ids and the
  /// same geometry sits on the same kind of part, and that is what matters here.
  ///
  /// - Parameters:
  ///   - vendor: `idVendor`.
  ///   - product: `idProduct`.
  ///   - version: `bcdDevice`.
  ///   - productString: the text of `iProduct`.
  ///   - serialNumber: the text of `iSerialNumber`; it tells the size of a GD32VF103.
  ///   - maps: the memory maps of all alternate settings that have one.
  /// - Returns: the part, with how sure that is; nil where nothing fits.
  public static func identify(
    vendor: VendorID, product: ProductID, version: BCDVersion, productString: String? = nil,
    serialNumber: String? = nil, maps: [MemoryMap]
  ) -> Chip? {
    switch (vendor.rawValue, product.rawValue) {
    case (0x28E9, 0x0189):
      var chip = Chip(.gd32vf103)
      chip.realFlashSize = serialNumber.flatMap(gd32FlashSize)
      // GD32VF103 User Manual, 2.3.1; the string of revision 10.00 says 2 KiB.
      chip.realSectorSize = 1 << 10
      return chip
    case (0x2E3C, 0xDF11): return Chip(.at32f4)
    case (0x314B, 0x0106): return Chip(.apm32)
    case (0x0483, _):
      let signs = Signs(maps: maps, version: version, productString: productString ?? "")
      return signs.chip
    default: return nil
    }
  }

  /// The flash of a GD32VF103 in bytes: its serial number is `3xyJ` with a letter for the size.
  ///
  /// - Parameter serialNumber: the serial number, read as single bytes.
  /// - Returns: the size; nil where the serial number does not have this form.
  public static func gd32FlashSize(serialNumber: String) -> UInt64? {
    let scalars = Array(serialNumber.unicodeScalars)
    guard scalars.count == 4, scalars[0] == "3", scalars[3] == "J" else { return nil }
    switch scalars[2] {
    case "2": return 8 << 10
    case "4": return 16 << 10
    case "6": return 32 << 10
    case "8": return 64 << 10
    case "B": return 128 << 10
    case "D": return 256 << 10
    default: return nil
    }
  }
}

/// What the memory maps of an ST device show.
private struct Signs {
  /// The runs of the flash that programs run from, whatever may be done with them.
  var flash: [(count: UInt64, size: UInt64)] = []
  var flashSize: UInt64 = 0
  var optionAddress: UInt64?
  var optionSize: UInt64 = 0
  var optionBlocks = 0
  var otpAddress: UInt64?
  var flashMapCount = 0
  let version: BCDVersion
  let isNewROM: Bool

  init(maps: [MemoryMap], version: BCDVersion, productString: String) {
    self.version = version
    isNewROM = productString == "DFU in FS Mode"
    for map in maps {
      switch map.kind {
      case .optionBytes:
        optionAddress = map.range?.lowerBound
        optionSize = map.runs.first?.size ?? 0
        optionBlocks = map.areas.count
      case .otp: otpAddress = map.range?.lowerBound
      default:
        guard map.range?.lowerBound == 0x0800_0000 else { continue }
        flashMapCount += 1
        guard flash.isEmpty else { continue }
        flashSize = map.size
        for run in map.runs {
          if let last = flash.last, last.size == run.sectorSize {
            flash[flash.count - 1].count += run.count
          } else {
            flash.append((run.count, run.sectorSize))
          }
        }
      }
    }
  }

  var chip: Chip? {
    guard let first = flash.first else { return nil }
    if flash.count > 1 { return mixedSectors(first) }
    switch first.size {
    case 128:
      var chip = Chip(.stm32l0, certainty: .likely)
      // The ROM of 128 KiB parts claims 192 KiB, and hangs when it is taken at its word.
      if first.count == 1536 {
        chip.name = "STM32L072"
        chip.realFlashSize = 128 << 10
        // Its users report that it fails, and it would go as far as the claim.
        chip.quirks.insert(.noMassErase)
      }
      return chip
    case 256: return Chip(.stm32l1, certainty: .likely)
    case 1 << 10: return Chip(.stm32f0, certainty: .guess)
    case 2 << 10: return smallPages(first.count)
    case 4 << 10: return largePages(first.count)
    case 8 << 10:
      if optionAddress == 0x5200_201C || optionSize == 297 {
        return Chip(.stm32h7ab, certainty: .certain)
      }
      if first.count == 64, optionAddress == nil, otpAddress == nil {
        return Chip(.stm32c5, certainty: .likely)
      }
      return Chip(.stm32u5, certainty: .guess)
    case 128 << 10:
      let name = optionSize == 88 ? "STM32H72x/H73x" : first.count == 1 ? "STM32H750" : "STM32H743"
      return Chip(
        .stm32h7, name: name, certainty: optionAddress == 0x5200_201C ? .certain : .likely)
    default: return nil
    }
  }

  /// F2, F4 and F7: a few small sectors, one middle one, large ones.
  private func mixedSectors(_ first: (count: UInt64, size: UInt64)) -> Chip? {
    let sizes = flash.map(\.size)
    if first.size == 16 << 10, sizes.prefix(3) == [16 << 10, 64 << 10, 128 << 10][...] {
      // F72x has the sectors of an F401, but its option bytes elsewhere.
      if let optionAddress, optionAddress == 0x1FFF_0000 {
        return Chip(.stm32f7, name: "STM32F72x/F73x", certainty: .likely)
      }
      let isROM = optionAddress == 0x1FFF_C000
      let name: String =
        switch flashSize {
        case 256 << 10: "STM32F401"
        case 512 << 10: "STM32F401/F411/F446"
        case 1 << 20: "STM32F405/F407"
        case 3 << 19: "STM32F413"
        case 2 << 20: "STM32F427/F429/F469"
        default: "STM32F4"
        }
      return Chip(.stm32f4, name: name, certainty: isROM ? .certain : .likely)
    }
    if first.size == 32 << 10, sizes == [32 << 10, 128 << 10, 256 << 10] {
      let name = flashSize > 1 << 20 ? "STM32F76x/F77x" : "STM32F74x/F75x"
      return Chip(.stm32f7, name: name, certainty: .certain)
    }
    return nil
  }

  /// Pages of 2 KiB: F0, F1, F3, L4, G0, G4.
  private func smallPages(_ count: UInt64) -> Chip? {
    switch optionAddress {
    case 0x1FFF_7800?:
      if optionBlocks > 1 || optionSize == 48 { return Chip(.stm32g4, certainty: .likely) }
      return Chip(.stm32l4, certainty: .likely)
    case 0x1FFF_F800?:
      if version == BCDVersion(0x2000) { return Chip(.stm32f1, certainty: .likely) }
      // F0 and F3 differ in nothing that a programmer notices.
      return Chip(count > 64 ? .stm32f3 : .stm32f0, certainty: .guess)
    default:
      if flashMapCount > 1 { return Chip(.stm32g0, certainty: .certain) }
      if version == BCDVersion(0x2000) { return Chip(.stm32f1, certainty: .likely) }
      if otpAddress == 0x1FFF_7000 { return Chip(.stm32g4, certainty: .guess) }
      if isNewROM { return Chip(.stm32g4, certainty: .guess) }
      return Chip(count > 64 ? .stm32f3 : .stm32f0, certainty: .guess)
    }
  }

  /// Pages of 4 KiB: L4+, WB, G4 with one bank.
  private func largePages(_ count: UInt64) -> Chip? {
    switch optionAddress {
    case 0x1FF0_0000?: Chip(.stm32l4plus, certainty: .certain)
    case 0x1FFF_8000?: Chip(.stm32wb, certainty: .certain)
    case 0x1FFF_7800?: Chip(.stm32g4, certainty: .likely)
    default: Chip(count == 512 ? .stm32l4plus : .stm32wb, certainty: .guess)
    }
  }
}
