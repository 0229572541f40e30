public import USB

/// What is known to be wrong with a device, and what a host does about it.
///
/// Gathered from the quirk tables of dfu-util 0.11 and fwupd, and from reports about single devices;
/// ``QuirkEntry/all`` names the devices.
public struct DFUQuirks: OptionSet, Hashable, Sendable {
  /// The number itself.
  public var rawValue: UInt64

  /// A value from its number.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  private init(bit: UInt64) { rawValue = 1 << bit }

  /// `bwPollTimeout` is nonsense: wait a small constant instead.
  public static let ignorePollTimeout = DFUQuirks(bit: 0)
  /// The product id is the same in both modes.
  public static let sameProductInBothModes = DFUQuirks(bit: 1)
  /// DFU_GETSTATUS during an upload breaks it.
  public static let noStatusDuringUpload = DFUQuirks(bit: 2)
  /// `wDetachTimeOut` has its bytes swapped.
  public static let swappedDetachTimeout = DFUQuirks(bit: 3)
  /// The run-time interface is not usable: treat it as absent.
  public static let noRuntime = DFUQuirks(bit: 4)
  /// `bcdDFUVersion` is wrong: it is 1.1.
  public static let versionIs11 = DFUQuirks(bit: 5)
  /// `bcdDFUVersion` may be wrong or missing: it is DfuSe.
  public static let versionIsDfuSe = DFUQuirks(bit: 6)
  /// String descriptors are single bytes, not UTF-16.
  public static let singleByteStrings = DFUQuirks(bit: 7)
  /// The memory layout may be wrong: the serial number tells the size.
  public static let layoutFromSerialNumber = DFUQuirks(bit: 8)
  /// It leaves on the zero-length download, without a DFU_GETSTATUS.
  public static let leavesWithoutStatus = DFUQuirks(bit: 9)
  /// It is in DFU mode whatever its protocol code says.
  public static let isInDFUMode = DFUQuirks(bit: 10)
  /// It is in DFU mode exactly when it has one interface.
  public static let modeByInterfaceCount = DFUQuirks(bit: 11)
  /// The image must begin with the 16-byte LPC prefix.
  public static let keepsLPCPrefix = DFUQuirks(bit: 12)
  /// It says that it can be read, but cannot.
  public static let uploadBroken = DFUQuirks(bit: 13)
  /// It needs a second bus reset to come back.
  public static let needsSecondReset = DFUQuirks(bit: 14)
  /// It may hold DFU_GETSTATUS for many seconds while it erases.
  public static let slowStatus = DFUQuirks(bit: 15)
  /// An erase in bank 2 never leaves dfuDNBUSY: two DFU_CLRSTATUS end it, and it is done.
  public static let bankTwoEraseSticks = DFUQuirks(bit: 16)
  /// Asked too early it stalls DFU_GETSTATUS: wait the announced time again, up to three times.
  public static let stallsWhenPolledEarly = DFUQuirks(bit: 17)
  /// A mass erase announces far less time than it takes: keep asking.
  public static let massEraseUnderstated = DFUQuirks(bit: 18)
  /// Its strings are cut short.
  public static let truncatedStrings = DFUQuirks(bit: 19)
  /// Its serial number is the same on every part: tell devices apart by their port.
  public static let serialNotUnique = DFUQuirks(bit: 20)
  /// GET_DESCRIPTOR of the functional descriptor hangs.
  public static let noFunctionalRequest = DFUQuirks(bit: 21)
  /// It may answer dfuDNBUSY with no time to wait, for ever: count the answers.
  public static let zeroPollForever = DFUQuirks(bit: 22)
  /// It cannot be detached: DFU mode is entered by a button.
  public static let cannotDetach = DFUQuirks(bit: 23)
  /// It needs a transfer before it lets go of DFU mode.
  public static let readBeforeAttach = DFUQuirks(bit: 24)
  /// It speaks Atmel's FLIP protocol, which only looks like DFU: refuse.
  public static let speaksFLIP = DFUQuirks(bit: 25)
  /// DFU_DETACH leads from DFU mode back to the application.
  public static let detachToLeave = DFUQuirks(bit: 26)
  /// It takes up to three minutes to come back.
  public static let slowReturn = DFUQuirks(bit: 27)
  /// It must be asked for its status while it manifests.
  public static let pollInManifest = DFUQuirks(bit: 28)
  /// Its DFU interface speaks something else: leave alone.
  public static let notDFU = DFUQuirks(bit: 29)
  /// A built-in part whose run-time interface its owner does not know of: never pick by itself.
  public static let builtIn = DFUQuirks(bit: 30)
  /// A Read Unprotect ends in an unexpected state or with the device gone; both are success.
  public static let unprotectEndsOddly = DFUQuirks(bit: 31)
  /// It resets as soon as it is told to leave.
  public static let leaveResetsAtOnce = DFUQuirks(bit: 32)
  /// It may disappear after leaving, which is success. (Every DfuSe device may.)
  public static let vanishesAfterLeave = DFUQuirks(bit: 33)
  /// Its layout string may lack the size letter.
  public static let sizeLetterMissing = DFUQuirks(bit: 34)
  /// DFU_CLRSTATUS outside dfuERROR stalls or makes an error: send it only there.
  public static let clearStatusOnlyInError = DFUQuirks(bit: 35)
  /// It must not be reset on the bus.
  public static let noBusReset = DFUQuirks(bit: 36)
  /// Zero is an honest poll time-out.
  public static let zeroPollIsValid = DFUQuirks(bit: 37)
  /// Mass Erase fails or does harm: erase sector by sector.
  public static let noMassErase = DFUQuirks(bit: 38)

  /// What is known of a device.
  ///
  /// - Parameters:
  ///   - vendor: `idVendor`.
  ///   - product: `idProduct`.
  ///   - version: `bcdDevice`.
  /// - Returns: all quirks of the entries that fit; empty for an unknown device.
  public static func quirks(
    vendor: VendorID, product: ProductID, version: BCDVersion
  ) -> DFUQuirks {
    QuirkEntry.entries(vendor: vendor, product: product, version: version).reduce(into: []) {
      $0.formUnion($1.quirks)
    }
  }
}

/// A line of the quirk table: which devices, what is wrong.
public struct QuirkEntry: Hashable, Sendable {
  /// `idVendor`.
  public var vendor: VendorID
  /// The products, as ranges of `idProduct`.
  public var products: [ClosedRange<UInt16>]
  /// `bcdDevice`, where only one version is concerned.
  public var version: BCDVersion?
  /// What the device is.
  public var device: String
  /// What is wrong.
  public var quirks: DFUQuirks

  /// Whether a device with these ids is meant.
  public func matches(vendor: VendorID, product: ProductID, version: BCDVersion) -> Bool {
    self.vendor == vendor && products.contains { $0.contains(product.rawValue) }
      && (self.version == nil || self.version == version)
  }

  /// The entries that are about a device with these ids.
  public static func entries(
    vendor: VendorID, product: ProductID, version: BCDVersion
  ) -> [QuirkEntry] {
    all.filter { $0.matches(vendor: vendor, product: product, version: version) }
  }
}
