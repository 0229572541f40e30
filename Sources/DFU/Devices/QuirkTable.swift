internal import USB

extension QuirkEntry {
  private init(
    _ vendor: UInt16, _ products: [ClosedRange<UInt16>], version: UInt16? = nil, _ device: String,
    _ quirks: DFUQuirks
  ) {
    self.vendor = VendorID(vendor)
    self.products = products
    self.version = version.map { BCDVersion($0) }
    self.device = device
    self.quirks = quirks
  }

  /// The whole table.
  public static let all: [QuirkEntry] = bootloaders + dfu10Devices + runtimeDevices + poly

  private static let any: [ClosedRange<UInt16>] = [0x0000...0xFFFF]
  private static func one(_ products: UInt16...) -> [ClosedRange<UInt16>] {
    products.map { $0...$0 }
  }

  /// Chip makers' bootloaders and those of boards.
  private static let bootloaders: [QuirkEntry] = [
    QuirkEntry(
      0x0483, one(0xDF11), "STM32 in DFU mode",
      [
        .versionIsDfuSe, .sizeLetterMissing, .vanishesAfterLeave, .slowStatus, .truncatedStrings,
        .serialNotUnique, .clearStatusOnlyInError,
      ]),
    // OPC-20's byte-swapped version is put right for every device: DFUFunction.version.
    QuirkEntry(
      0x1EAF, one(0x0003), version: 0x0200, "Leaflabs Maple bootloader", [.versionIs11]),
    QuirkEntry(
      0x28E9, one(0x0189), "GigaDevice GD32VF103 in DFU mode",
      [
        .singleByteStrings, .layoutFromSerialNumber, .leavesWithoutStatus, .vanishesAfterLeave,
        .clearStatusOnlyInError, .noFunctionalRequest,
      ]),
    // riscv-mcu/gd32-dfu-utils#5.
    QuirkEntry(
      0x28E9, one(0x0189), version: 0x0100, "GigaDevice GD32VF103 with a bootloader 1.00",
      [.noMassErase]),
    QuirkEntry(
      0x1FC9, one(0x000C), "NXP LPC ROM bootloader", [.isInDFUMode, .keepsLPCPrefix]),
    QuirkEntry(
      0x2E3C, one(0xDF11), "Artery AT32 in DFU mode",
      [.versionIsDfuSe, .vanishesAfterLeave, .unprotectEndsOddly, .clearStatusOnlyInError]),
    QuirkEntry(
      0x314B, one(0x0106), "Geehy APM32 in DFU mode",
      [.versionIsDfuSe, .vanishesAfterLeave, .clearStatusOnlyInError]),
    QuirkEntry(
      0x3997, one(0xDF11), "X32 in DFU mode",
      [.versionIsDfuSe, .vanishesAfterLeave, .clearStatusOnlyInError]),
    QuirkEntry(
      0x1D50, [0x6017...0x6018], "Black Magic Probe", [.zeroPollForever]),
    QuirkEntry(0x1D50, one(0x60A7), "HydraBus", [.cannotDetach]),
    QuirkEntry(
      0x273F, one(0x1003, 0x1008, 0x100A), "ColorHug and m-stack bootloaders",
      [.readBeforeAttach]),
    QuirkEntry(
      0x03EB, one(0x2FF7, 0x2FF9, 0x2FFA, 0x2FFB), "Atmel AT90USB FLIP bootloader",
      [.speaksFLIP]),
    QuirkEntry(
      0x03EB, one(0x2FEE, 0x2FEF, 0x2FF0, 0x2FF2, 0x2FF3, 0x2FF4), "Atmel ATmega FLIP bootloader",
      [.speaksFLIP]),
    QuirkEntry(0x03EB, one(0x2FE2), "Atmel XMEGA FLIP bootloader", [.speaksFLIP]),
    QuirkEntry(0x2B04, any, "Particle", [.leaveResetsAtOnce, .vanishesAfterLeave]),
    QuirkEntry(0xCAFE, one(0x4000), "TinyUSB example", [.slowStatus]),
  ]

  /// Devices of the days of DFU 1.0.
  private static let dfu10Devices: [QuirkEntry] = [
    QuirkEntry(0x1D50, [0x5117...0x5126], "Openmoko GTA01 or GTA02", openmoko),
    QuirkEntry(0x1457, [0x5117...0x5126], "Openmoko GTA01 or GTA02", openmoko),
    QuirkEntry(
      0x16C0, one(0x0762, 0x076B, 0x076C), "SIMtrace, OpenPCD or OpenPICC",
      [.ignorePollTimeout, .swappedDetachTimeout]),
    QuirkEntry(
      0x0908, [0x02C4...0x02C5], version: 0x0000, "Siemens PXM 40 or 50", [.ignorePollTimeout]),
    QuirkEntry(0x0763, one(0x2806), "M-Audio Transit", [.ignorePollTimeout]),
  ]

  private static let openmoko: DFUQuirks = [
    .ignorePollTimeout, .sameProductInBothModes, .noStatusDuringUpload, .swappedDetachTimeout,
    .noRuntime,
  ]

  /// Peripherals that carry a DFU interface beside their work.
  private static let runtimeDevices: [QuirkEntry] = [
    QuirkEntry(
      0x0B0E, any, "Jabra headset", [.modeByInterfaceCount, .sameProductInBothModes]),
    QuirkEntry(
      0x0B0E, one(0x0411, 0x0421, 0x0971, 0x0982), "Jabra 410, 510, 710 or 810",
      [.uploadBroken, .needsSecondReset]),
    QuirkEntry(
      0x0BDA, one(0x5800, 0x5850, 0x5855, 0x58FE), "Realtek camera", [.detachToLeave, .builtIn]),
    QuirkEntry(0x34AD, one(0x0006), "AVer camera", [.detachToLeave, .slowReturn]),
    QuirkEntry(0x2574, one(0x0A30), "AVer camera", [.detachToLeave, .slowReturn]),
    QuirkEntry(
      0x25B5, one(0x0004), "FlatFrog", [.pollInManifest, .detachToLeave, .uploadBroken]),
    QuirkEntry(
      0x1BCF, one(0x0B1D), "SunplusIT camera",
      [.detachToLeave, .uploadBroken, .ignorePollTimeout]),
    QuirkEntry(
      0x1BCF, one(0x0B1E, 0x0B22), "SunplusIT camera", [.detachToLeave, .uploadBroken]),
    QuirkEntry(
      0x0C45, [0x636C...0x636F, 0x6373...0x6374], "Sonix camera",
      [.detachToLeave, .uploadBroken]),
    QuirkEntry(
      0x10A5, one(0x9800, 0xD805, 0xFFE0, 0xFFE1), "FPC fingerprint reader", [.notDFU]),
    QuirkEntry(0x05AC, one(0x8290), "Apple Bluetooth", [.builtIn]),
    QuirkEntry(0x0BDA, one(0x5517), "Realtek camera", [.builtIn]),
    QuirkEntry(0x0489, one(0xE042), "Foxconn Bluetooth", [.builtIn]),
    QuirkEntry(0x1235, any, "Focusrite sound card", [.builtIn]),
  ]

  private static let poly: [QuirkEntry] = [
    QuirkEntry(
      0x095D,
      one(
        0x3001, 0x3002, 0x9160, 0x927B, 0x9290, 0x9291, 0x92A1, 0x92A2)
        + [
          0x9212...0x9213, 0x9217...0x9218, 0x9296...0x9299, 0x92B2...0x92B4, 0x92C6...0x92C8,
          0x92D2...0x92D4, 0x92D8...0x92DA,
        ], "Poly camera or bar", [.pollInManifest, .zeroPollIsValid, .slowReturn])
  ]
}
