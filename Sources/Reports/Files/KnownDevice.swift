public import USB

/// A name for the ids that firmware files are commonly made for; nil where we know none.
///
/// - Parameters:
///   - vendor: `idVendor` of the suffix.
///   - product: `idProduct` of the suffix.
/// - Returns: who and what it is, in few words.
public func knownDeviceName(vendor: VendorID, product: ProductID) -> String? {
  switch (vendor.rawValue, product.rawValue) {
  case (0x0483, 0xDF11): "STMicroelectronics STM32 bootloader (DfuSe)"
  case (0x0483, 0xA291): "NumWorks calculator"
  case (0x0483, 0x0000), (0x0483, 0xFFFF): "any product of STMicroelectronics"
  case (0x1209, 0x70B1): "Tomu (toboot bootloader)"
  case (0x1CBE, 0x00FF): "Texas Instruments Stellaris or Tiva boot loader"
  case (0x1D50, 0x6000), (0x1D50, 0x6001): "Ubertooth Zero"
  case (0x1D50, 0x6002): "Ubertooth One"
  case (0x1D50, 0x6003): "Ubertooth One bootloader"
  case (0x1D50, 0x6089): "HackRF One"
  case (0x1FC9, 0x000C): "NXP LPC43xx boot ROM"
  case (0x28E9, 0x0189): "GigaDevice GD32 bootloader (DfuSe)"
  case (0x2E3C, 0xDF11): "Artery AT32 bootloader (DfuSe)"
  case (0x1EAF, 0x0003): "Maple bootloader"
  case (0xFFFF, 0xFFFF): "any device"
  default: nil
  }
}
