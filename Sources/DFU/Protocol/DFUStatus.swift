internal import USB

/// `bStatus` (DFU 1.1, 6.1.2): how the last request went.
public struct DFUStatus: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The number itself.
  public var rawValue: UInt8

  /// A value from its number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// No error.
  public static let ok = DFUStatus(rawValue: 0x00)
  /// The file is not for this device; the DfuSe ROM: a bad or forbidden address.
  public static let errTarget = DFUStatus(rawValue: 0x01)
  /// The file fails a check of the vendor's.
  public static let errFile = DFUStatus(rawValue: 0x02)
  /// Unable to write memory.
  public static let errWrite = DFUStatus(rawValue: 0x03)
  /// Erase failed.
  public static let errErase = DFUStatus(rawValue: 0x04)
  /// The memory is not blank after the erase.
  public static let errCheckErased = DFUStatus(rawValue: 0x05)
  /// Programming failed.
  public static let errProg = DFUStatus(rawValue: 0x06)
  /// Programmed data do not verify.
  public static let errVerify = DFUStatus(rawValue: 0x07)
  /// The address is out of range.
  public static let errAddress = DFUStatus(rawValue: 0x08)
  /// A download ended before the device had all it expects.
  public static let errNotDone = DFUStatus(rawValue: 0x09)
  /// The run-time firmware is corrupt: normal on a blank part.
  public static let errFirmware = DFUStatus(rawValue: 0x0A)
  /// Vendor-specific; the DfuSe ROM: read-out protection is on.
  public static let errVendor = DFUStatus(rawValue: 0x0B)
  /// An unexpected USB reset.
  public static let errUsbReset = DFUStatus(rawValue: 0x0C)
  /// An unexpected power-on reset.
  public static let errPowerOnReset = DFUStatus(rawValue: 0x0D)
  /// The device does not know what went wrong.
  public static let errUnknown = DFUStatus(rawValue: 0x0E)
  /// The device stalled an unexpected request.
  public static let errStalledPkt = DFUStatus(rawValue: 0x0F)

  /// The name as the specification spells it, or the number.
  public var description: String {
    let names = [
      "OK", "errTARGET", "errFILE", "errWRITE", "errERASE", "errCHECK_ERASED", "errPROG",
      "errVERIFY", "errADDRESS", "errNOTDONE", "errFIRMWARE", "errVENDOR", "errUSBR", "errPOR",
      "errUNKNOWN", "errSTALLEDPKT",
    ]
    return Int(rawValue) < names.count ? names[Int(rawValue)] : "status 0x\(hex(rawValue))"
  }
}
