/// Peculiarities of single parts that a virtual bootloader can show.
///
/// ``named`` has a name and a sentence for each, for the command line and for files that describe a
/// device.
public struct BootloaderQuirks: OptionSet, Hashable, Sendable {
  /// The bits.
  public var rawValue: UInt32

  /// Peculiarities from their bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  private init(bit: UInt32) { rawValue = 1 << bit }

  // MARK: What the state machine does otherwise

  /// CLRSTATUS outside dfuERROR leads into it, with errUNKNOWN.
  public static let clearStatusTrap = BootloaderQuirks(bit: 0)
  /// An erase at or above 0x08100000 is never seen to end; two CLRSTATUS help (H7 with two banks).
  public static let secondBankErasesForEver = BootloaderQuirks(bit: 1)
  /// Erase erases from that sector to the end of the memory (STM32446E-EVAL example).
  public static let erasesToTheEnd = BootloaderQuirks(bit: 2)
  /// A mass erase announces 100 ms whatever it takes (F405, F407 ROM).
  public static let massEraseAnnounces100 = BootloaderQuirks(bit: 3)
  /// Get Commands does not list Read Unprotect, and the opcode is unknown.
  public static let noReadUnprotect = BootloaderQuirks(bit: 4)
  /// The work is done while DNLOAD itself is held; the first GETSTATUS finds it done (U-Boot).
  public static let worksInsideDownload = BootloaderQuirks(bit: 5)
  /// Asked for its status between two uploads it breaks them off (Openmoko).
  public static let breaksOnStatusInUpload = BootloaderQuirks(bit: 6)
  /// Whatever it was told to do, it says dfuDNBUSY and 0 ms for ever (Black Magic Probe of old).
  public static let endlessBusy = BootloaderQuirks(bit: 7)
  /// An erase or a write is held for 6 s inside GETSTATUS, longer than most hosts wait (ESP32-S2,
  /// nRF52840, STM32F745).
  public static let holdsStatusForSeconds = BootloaderQuirks(bit: 8)
  /// bStatus and iString are told once and then forgotten, while the state stays dfuERROR (mboot).
  public static let tellsErrorsOnce = BootloaderQuirks(bit: 9)
  /// Reading fails although bitCanUpload is set (Jabra, Sonix).
  public static let uploadBroken = BootloaderQuirks(bit: 10)
  /// It does not leave before something has been uploaded or downloaded (m-stack, ColorHug).
  public static let needsTransferToLeave = BootloaderQuirks(bit: 11)
  /// DETACH in DFU mode leads back to the application (Realtek, Sonix, AVer).
  public static let detachLeaves = BootloaderQuirks(bit: 12)
  /// Manifestation ends only when somebody asks for the status meanwhile (Poly, FlatFrog).
  public static let manifestsWhenPolled = BootloaderQuirks(bit: 13)
  /// Touched at or above the end of its first memory it answers nothing more until it is plugged in
  /// anew (STM32L072).
  public static let diesBeyondItsEnd = BootloaderQuirks(bit: 14)
  /// Writing option bytes is reported as done, and nothing happens (STM32G0).
  public static let ignoresOptionWrites = BootloaderQuirks(bit: 15)

  // MARK: What the descriptors say otherwise

  /// bwPollTimeout is 65 280 ms in every answer (Openmoko, OpenPCD).
  public static let bogusPoll = BootloaderQuirks(bit: 16)
  /// wDetachTimeOut has its bytes swapped.
  public static let swappedDetachTimeout = BootloaderQuirks(bit: 17)
  /// bcdDFUVersion has its bytes swapped (OPC-20).
  public static let swappedVersion = BootloaderQuirks(bit: 18)
  /// bcdDFUVersion is of another protocol: 1.1 where it speaks DfuSe, 1.1a where it does not (Maple).
  public static let wrongVersion = BootloaderQuirks(bit: 19)
  /// bInterfaceProtocol is 0 in DFU mode (DSO Nano, Jabra).
  public static let protocolZero = BootloaderQuirks(bit: 20)
  /// bInterfaceProtocol is 1 in DFU mode (NXP).
  public static let protocolOne = BootloaderQuirks(bit: 21)
  /// The serial number is sent as single bytes instead of UTF-16 (GD32VF103).
  public static let singleByteSerial = BootloaderQuirks(bit: 22)
  /// Long string descriptors end before their bLength (STM32F427).
  public static let truncatedStrings = BootloaderQuirks(bit: 23)
  /// The bLength of long string descriptors is too large, and what lies behind is sent (STM32F429).
  public static let rubbishBehindStrings = BootloaderQuirks(bit: 24)
  /// GET_DESCRIPTOR of the functional descriptor is never answered (STM32C5, GD32VF103).
  public static let silentFunctionalDescriptor = BootloaderQuirks(bit: 25)

  /// A peculiarity with the words for it.
  public struct Named: Hashable, Sendable {
    /// Its stable name, words joined by hyphens.
    public var name: String
    /// The peculiarity: one bit.
    public var quirk: BootloaderQuirks
    /// What it is, in one sentence.
    public var sentence: String

    init(_ name: String, _ quirk: BootloaderQuirks, _ sentence: String) {
      self.name = name
      self.quirk = quirk
      self.sentence = sentence
    }
  }

  /// Every peculiarity, in the order of their bits.
  public static let named: [Named] = [
    Named(
      "clear-status-trap", .clearStatusTrap,
      "CLRSTATUS outside dfuERROR leads into it, with errUNKNOWN."),
    Named(
      "second-bank-erases-for-ever", .secondBankErasesForEver,
      "An erase at or above 0x08100000 stays busy until two CLRSTATUS have come."),
    Named(
      "erases-to-the-end", .erasesToTheEnd,
      "Erasing a sector erases all behind it as well."),
    Named(
      "mass-erase-understated", .massEraseAnnounces100,
      "A mass erase announces 100 ms whatever it takes."),
    Named(
      "no-read-unprotect", .noReadUnprotect,
      "Read Unprotect is an unknown command."),
    Named(
      "works-inside-download", .worksInsideDownload,
      "The work is done before DNLOAD is acknowledged."),
    Named(
      "breaks-on-status-in-upload", .breaksOnStatusInUpload,
      "GETSTATUS between two UPLOAD is stalled and ends in dfuERROR."),
    Named(
      "endless-busy", .endlessBusy,
      "After a command or a block it says dfuDNBUSY and 0 ms for ever."),
    Named(
      "holds-status-for-seconds", .holdsStatusForSeconds,
      "Erasing and writing take 6 s more, during which GETSTATUS is held."),
    Named(
      "tells-errors-once", .tellsErrorsOnce,
      "bStatus and iString are told once; then the status is OK, still in dfuERROR."),
    Named(
      "upload-broken", .uploadBroken,
      "UPLOAD is refused although bitCanUpload is set."),
    Named(
      "needs-transfer-to-leave", .needsTransferToLeave,
      "It stays in DFU mode until something has been uploaded or downloaded."),
    Named(
      "detach-leaves", .detachLeaves,
      "DETACH in DFU mode leads back to the application."),
    Named(
      "manifests-when-polled", .manifestsWhenPolled,
      "Manifestation ends only when GETSTATUS asks for it."),
    Named(
      "dies-beyond-its-end", .diesBeyondItsEnd,
      "Touched behind its first memory it answers nothing more until it is plugged in anew."),
    Named(
      "ignores-option-writes", .ignoresOptionWrites,
      "Writing option bytes is reported as done, and nothing happens."),
    Named(
      "bogus-poll", .bogusPoll, "bwPollTimeout is 65280 ms in every answer."),
    Named(
      "swapped-detach-timeout", .swappedDetachTimeout,
      "wDetachTimeOut has its bytes swapped."),
    Named(
      "swapped-version", .swappedVersion, "bcdDFUVersion has its bytes swapped."),
    Named(
      "wrong-version", .wrongVersion,
      "bcdDFUVersion is 1.1 where it speaks DfuSe, and 1.1a where it does not."),
    Named(
      "protocol-0", .protocolZero, "bInterfaceProtocol is 0 in DFU mode."),
    Named(
      "protocol-1", .protocolOne, "bInterfaceProtocol is 1 in DFU mode."),
    Named(
      "single-byte-serial", .singleByteSerial,
      "The serial number is sent as single bytes instead of UTF-16."),
    Named(
      "truncated-strings", .truncatedStrings,
      "String descriptors of more than 64 bytes end before their bLength."),
    Named(
      "rubbish-behind-strings", .rubbishBehindStrings,
      "String descriptors of more than 64 bytes go on with what lies behind the text."),
    Named(
      "silent-functional-descriptor", .silentFunctionalDescriptor,
      "GET_DESCRIPTOR of the functional descriptor is never answered."),
  ]

  /// The peculiarity with this name; nil for an unknown one.
  public init?(named name: String) {
    guard let found = BootloaderQuirks.named.first(where: { $0.name == name }) else { return nil }
    self = found.quirk
  }

  /// The names of those that are set, in the order of the table.
  public var names: [String] {
    BootloaderQuirks.named.filter { contains($0.quirk) }.map(\.name)
  }
}
