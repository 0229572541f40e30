public import USB

/// Which of the three protocols a device speaks.
public enum DFUDialect: String, Hashable, Sendable, CaseIterable {
  /// DFU 1.0: a 7-byte functional descriptor.
  case dfu10 = "dfu-1.0"
  /// DFU 1.1.
  case dfu11 = "dfu-1.1"
  /// DfuSe, ST's extension with addresses ("1.1a"; UM0391, AN3156).
  case dfuSe = "dfuse"

  /// The usual name.
  public var name: String {
    switch self {
    case .dfu10: "DFU 1.0"
    case .dfu11: "DFU 1.1"
    case .dfuSe: "DfuSe"
    }
  }
}

/// Whether the application or the bootloader of a device is running.
public enum DFUMode: String, Hashable, Sendable, CaseIterable {
  /// The application runs; DFU_DETACH leads to DFU mode.
  case runtime
  /// The bootloader runs and takes downloads.
  case dfu
  /// The descriptors do not tell; DFU_GETSTATUS does.
  case unknown
}

extension DFUFunction {
  /// The transfer size that is used where the device gives none.
  public static let smallestTransferSize = 64
  /// The transfer size that is used where the device gives 0xFFFF.
  public static let unboundedTransferSize = 1024
  /// The longest time that a device is given to detach.
  public static let longestDetachTimeout: UInt16 = 10_000

  /// The most bytes of one transfer: `wTransferSize`, with 64 for 0 and 1024 for 0xFFFF.
  public var transferSize: Int {
    switch functional?.transferSize {
    case nil, 0: Self.smallestTransferSize
    case 0xFFFF: Self.unboundedTransferSize
    case .some(let size): Int(size)
    }
  }

  /// `wDetachTimeOut` in milliseconds, at most 10 000. A number like 0xFF00 is 255 with its bytes
  /// swapped, as Openmoko and its relatives send it.
  public var detachTimeout: UInt16 {
    guard let timeout = functional?.detachTimeout else { return 1000 }
    guard timeout > Self.longestDetachTimeout else { return timeout }
    return timeout & 0xFF == 0 ? timeout.byteSwapped : Self.longestDetachTimeout
  }

  /// `bcdDFUVersion`, with 0x1A01 for 0x011A put right (OPC-20), and 1.0 for the 7-byte form.
  public var version: BCDVersion {
    switch functional?.version?.rawValue {
    case nil: BCDVersion(0x0100)
    case 0x1A01: BCDVersion(0x011A)
    case .some(let version): BCDVersion(version)
    }
  }

  /// `bmAttributes` without what the version does not have: `bitWillDetach` is new in DFU 1.1.
  ///
  /// A device without a functional descriptor is taken to accept downloads.
  public var attributes: DFUFunctionalDescriptor.Attributes {
    guard let functional else { return [.canDownload] }
    return functional.version == nil
      ? functional.attributes.subtracting([.willDetach, .canAccelerate]) : functional.attributes
  }

  /// What was put right in the functional descriptor, in words; empty where nothing was.
  public var corrections: [String] {
    guard let functional else { return [] }
    var notes: [String] = []
    if functional.transferSize == 0 || functional.transferSize == 0xFFFF {
      notes.append(
        "wTransferSize is \(functional.transferSize); \(transferSize) bytes are used.")
    }
    if detachTimeout != functional.detachTimeout {
      notes.append(
        "wDetachTimeOut is \(functional.detachTimeout) ms; \(detachTimeout) ms are used.")
    }
    if let version = functional.version, version != self.version {
      notes.append("bcdDFUVersion is byte-swapped; \(self.version) is used.")
    }
    return notes
  }

  /// Whether the device is in DFU mode (DFU 1.1, tables 4.1 and 4.4).
  ///
  /// The protocol code alone does not tell: devices in DFU mode that say 0 or 1 are common. A run-time
  /// interface that says so is believed until its state says otherwise, because asking disturbs
  /// webcams and sound cards. One that says DFU mode and is not alone contradicts itself, for a device in
  /// DFU mode has no other interface (4.2.1): its state decides.
  ///
  /// - Parameters:
  ///   - state: `bState` from DFU_GETSTATUS, where it has been asked.
  ///   - quirks: what is known of the device.
  /// - Returns: the mode; unknown where only DFU_GETSTATUS can tell.
  public func mode(state: DFUState? = nil, quirks: DFUQuirks = []) -> DFUMode {
    if quirks.contains(.isInDFUMode) { return .dfu }
    if quirks.contains(.modeByInterfaceCount) { return interfaceCount == 1 ? .dfu : .runtime }
    let isOldProtocol = settings.allSatisfy { $0.protocolCode == 0 }
    if settings.contains(where: { $0.protocolCode == 2 })
      || isOldProtocol && version == BCDVersion(0x011A)
    {
      if interfaceCount == 1 { return .dfu }
      guard state != nil else { return .unknown }
    }
    if let state { return state.rawValue >= DFUState.dfuIdle.rawValue ? .dfu : .runtime }
    return !settings.isEmpty && settings.allSatisfy { $0.protocolCode == 1 } ? .runtime : .unknown
  }

  /// Which protocol the device speaks.
  ///
  /// The strongest sign is a name that is a memory layout. The version can be wrong both ways, so it
  /// decides only where no names could be read.
  ///
  /// - Parameters:
  ///   - names: the names of the alternate settings that could be read.
  ///   - quirks: what is known of the device.
  /// - Returns: the protocol.
  public func dialect(names: [String], quirks: DFUQuirks = []) -> DFUDialect {
    if names.contains(where: { (try? MemoryMap(dfuseString: $0)) != nil }) { return .dfuSe }
    if quirks.contains(.versionIs11) { return .dfu11 }
    // Plain names mean a plain device, even with ST's ids or ST's version.
    let isPlain = names.contains { !$0.isEmpty } && !names.contains { $0.hasPrefix("@") }
    if !isPlain, quirks.contains(.versionIsDfuSe) || version == BCDVersion(0x011A) {
      return .dfuSe
    }
    return version <= BCDVersion(0x0100) ? .dfu10 : .dfu11
  }
}
