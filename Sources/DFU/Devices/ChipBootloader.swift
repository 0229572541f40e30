public import USB

extension Chip {
  /// `wTransferSize` that the bootloader in the part's ROM announces, for dumps that do not have it; nil where
  /// revisions differ, and where there is no ROM that is known.
  ///
  /// What the descriptor says goes before it.
  public var bootloaderTransferSize: UInt16? {
    switch family {
    case .stm32f0, .stm32f1, .stm32f3, .stm32f4, .stm32f7, .stm32l0, .stm32l1: 2048
    case .stm32l4plus, .stm32g0, .stm32g4, .stm32wb, .stm32h7, .stm32h7ab, .stm32c5, .stm32u5: 1024
    case .stm32l4, .gd32vf103, .at32f4, .apm32: nil
    }
  }

  /// `bcdDFUVersion` that the bootloader in the part's ROM announces: that of DfuSe.
  public var bootloaderVersion: BCDVersion? {
    bootloaderTransferSize == nil ? nil : BCDVersion(0x011A)
  }
}
