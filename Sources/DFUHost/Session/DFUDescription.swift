public import DFU
public import USB

/// What an opened device is, as a plain value: found in its descriptors and strings.
public struct DFUDescription: Hashable, Sendable {
  /// What was known before it was opened.
  public var info: DeviceInfo
  /// Its DFU interface.
  public var function: DFUFunction
  /// The text of `iManufacturer`.
  public var manufacturer: String?
  /// The text of `iProduct`.
  public var product: String?
  /// The text of `iSerialNumber`.
  public var serialNumber: String?
  /// The texts of the alternate settings, in the order of `DFUFunction.settings`; empty where there
  /// is none.
  public var names: [String]
  /// Whether the application or the bootloader runs.
  public var mode: DFUMode
  /// `bState`, where it had to be asked to find the mode.
  public var state: DFUState?
  /// Which protocol it speaks.
  public var dialect: DFUDialect
  /// What is known to be wrong with it.
  public var quirks: DFUQuirks
  /// The chip, as far as it is known.
  public var chip: Chip?
  /// What can be flashed: one for each alternate setting; none while the application runs.
  public var targets: [FlashTarget]
  /// What is odd about it and was put right, in sentences.
  public var notes: [String]

  /// The target with this alternate setting.
  public func target(_ number: UInt8) -> FlashTarget? {
    targets.first { $0.alternateSetting == number }
  }
}

extension DFUDescription {
  /// A description from what was read; dialect, chip and targets follow from it.
  init(
    info: DeviceInfo, function: DFUFunction, manufacturer: String?, product: String?,
    serialNumber: String?, names: [String], mode: DFUMode, state: DFUState?
  ) {
    self.info = info
    self.function = function
    self.manufacturer = manufacturer
    self.product = product
    self.serialNumber = serialNumber
    self.names = names
    self.mode = mode
    self.state = state
    let device = info.descriptor
    quirks = DFUQuirks.quirks(
      vendor: device.vendor, product: device.product, version: device.deviceVersion)
    dialect = function.dialect(names: names, quirks: quirks)
    notes = function.corrections + function.faults.map(\.sentence)
    targets = []
    guard mode == .dfu else { return }
    var maps: [MemoryMap?] = names.map { _ in nil }
    if dialect == .dfuSe {
      for (index, name) in names.enumerated() where name.hasPrefix("@") {
        do throws(MemoryMapError) {
          let map = try MemoryMap(dfuseString: name)
          notes += map.warnings.map(\.sentence)
          maps[index] = map
        } catch {
          notes.append(error.sentence)
        }
      }
    }
    chip = Chip.identify(
      vendor: device.vendor, product: device.product, version: device.deviceVersion,
      productString: product, serialNumber: serialNumber, maps: maps.compactMap(\.self))
    if let chip { quirks.formUnion(chip.quirks) }
    if let size = chip?.realSectorSize { correctSectors(of: &maps, to: size) }
    let attributes = function.attributes
    for (index, setting) in function.settings.enumerated() {
      targets.append(
        FlashTarget(
          vendor: device.vendor, product: device.product, version: device.deviceVersion,
          alternateSetting: setting.number, name: maps[index]?.name ?? names[index],
          dialect: dialect, map: maps[index], transferSize: function.transferSize,
          canDownload: attributes.contains(.canDownload),
          canUpload: attributes.contains(.canUpload),
          manifestationTolerant: attributes.contains(.manifestationTolerant), quirks: quirks,
          chip: chip))
      // Once for all settings that repeat a map.
      if let cut = targets.last?.usableMap?.warnings.last, cut.rule == .claimsTooMuch,
        !notes.contains(cut.sentence)
      {
        notes.append(cut.sentence)
      }
    }
  }

  /// Puts the sectors of the flash right where the chip is known to have others.
  private mutating func correctSectors(of maps: inout [MemoryMap?], to size: UInt64) {
    for index in maps.indices {
      guard let map = maps[index], map.kind == .internalFlash else { continue }
      let corrected = map.divided(intoSectorsOf: size)
      guard corrected.runs != map.runs else { continue }
      maps[index] = corrected
      if let warning = corrected.warnings.last { notes.append(warning.sentence) }
    }
  }

  /// What the engines have to know.
  func link(window: Int) -> DFULink {
    var stuck: UInt64?
    if quirks.contains(.bankTwoEraseSticks) { stuck = 0x0810_0000 }
    // A device whose poll times mean nothing is best asked one thing at a time.
    let isSlow = quirks.contains(.ignorePollTimeout) || quirks.contains(.noStatusDuringUpload)
    return DFULink(
      interface: function.interfaceNumber,
      transferSize: min(function.transferSize, FlashTarget.maximumTransferSize),
      window: isSlow ? 1 : window, ignoresPollTimeout: quirks.contains(.ignorePollTimeout),
      noStatusWhileUploading: quirks.contains(.noStatusDuringUpload),
      leavesWithoutStatus: quirks.contains(.leavesWithoutStatus), stuckEraseFrom: stuck)
  }
}
