public import DFU
internal import Firmware
internal import USB

/// What an image must satisfy before anything is read, erased or written.
struct ImageCheck {
  let target: FlashTarget
  /// The other alternate settings of the device, to point at one that would fit.
  var others: [FlashTarget] = []
  let force: Set<FlashOptions.Force>

  /// A sector beyond this is no flash, and would have to be held in memory whole.
  static let largestSector: UInt64 = 64 << 20

  /// More sectors than this are no flash: 1 KiB each, they would be 1 GiB.
  static let mostSectors: UInt64 = 1 << 20

  /// Throws unless every byte of `image` may be written to the target.
  func check(_ image: FirmwareImage) throws(PlanError) {
    guard HostRule.checksEverythingFirst.isKept else { return }
    guard target.canDownload else {
      throw PlanError(
        .cannotDownload, "\(target.described) does not take downloads (bitCanDnload is 0).",
        help: "It can be read with `dfu read`, if it allows that.")
    }
    guard let map = target.usableMap(force: force) else {
      throw PlanError(
        .mapMissing, "\(target.described) has no map of its memory.",
        help: "Its name should begin with @ and list sectors; nothing is written without that.")
    }
    let extents = image.extents
    guard !extents.isEmpty else {
      throw PlanError(.emptyImage, "The image holds no bytes.", help: "Check the file.")
    }
    var sectors: UInt64 = 0
    for extent in extents {
      try checkPlace(of: extent, in: map, image)
      sectors += map.sectorCount(touching: extent)
    }
    try ImageCheck.checkCount(sectors, target)
    switch target.kind {
    case .optionBytes: try checkOptionBytes(image, map)
    case .otp: try checkOneTimeProgrammable(image)
    default: break
    }
  }

  /// Throws if a damaged map would make a plan that never ends.
  static func checkCount(_ sectors: UInt64, _ target: FlashTarget) throws(PlanError) {
    guard sectors > mostSectors else { return }
    throw PlanError(
      .tooManySectors,
      "\(sectors) sectors of \(target.described) would be touched, which no flash has.",
      help: "Its map is damaged; nothing is written by it.")
  }

  private func checkPlace(
    of extent: Range<UInt64>, in map: MemoryMap, _ image: FirmwareImage
  )
    throws(PlanError)
  {
    var address = extent.lowerBound
    var index = map.indexOfRun(atOrAbove: address)
    while address < extent.upperBound {
      let run = index < map.runs.count ? map.runs[index] : nil
      guard let run, run.range.contains(address), address < 1 << 32 else {
        let outside = address..<min(extent.upperBound, max(run?.start ?? .max, address + 1))
        throw doesNotFit(outside, extent, image, map)
      }
      guard run.rights.contains(.writable) else {
        let refused = address..<min(extent.upperBound, run.range.upperBound)
        throw PlanError(
          .readOnly,
          "The bytes at \(rangeText(refused)) (\(origin(of: address, image))) lie in "
            + "\(sectorsText(run)) of \(target.described), which cannot be written.",
          help: nearest(image) ?? "Link the program for memory that can be written.",
          wanted: refused, against: run.range)
      }
      guard run.sectorSize <= ImageCheck.largestSector else {
        throw PlanError(
          .sectorTooLarge,
          "The sector of \(target.described) at \(addressText(run.start)) claims "
            + "\(byteCountText(run.sectorSize)), which no flash has.",
          help: "Its map is damaged; nothing is written by it.", wanted: extent,
          against: run.range)
      }
      address = run.range.upperBound
      index += 1
    }
  }

  private func doesNotFit(
    _ outside: Range<UInt64>, _ extent: Range<UInt64>, _ image: FirmwareImage, _ map: MemoryMap
  ) -> PlanError {
    let place = map.runs.first.flatMap { first in
      map.runs.last.map { first.start..<$0.range.upperBound }
    }
    var sentence =
      "The bytes at \(rangeText(outside)) (\(origin(of: outside.lowerBound, image))) lie outside "
      + target.described
    if let place { sentence += ", which has \(rangeText(place))" }
    sentence += "."
    var help = nearest(image)
    if let chip = target.chip, let full = target.map, full != map, full.contains(outside) {
      help =
        "Its map claims more, but a \(chip.name) ends there, and touching what is not there may "
        + "hang it; `--force size` believes the map."
    } else if let chip = target.chip,
      chip.ramRanges.contains(where: { $0.contains(outside.lowerBound) })
    {
      help =
        "That is RAM of the \(chip.name), which a bootloader does not fill; link the program so "
        + "that its start-up code copies its data there."
    }
    return PlanError(
      .doesNotFit, sentence,
      help: help ?? "Is the file for another device, or linked for another address?",
      wanted: outside, against: place)
  }

  /// Where the whole image would fit, in words.
  private func nearest(_ image: FirmwareImage) -> String? {
    let fits = others.first { other in
      guard other.alternateSetting != target.alternateSetting, other.canDownload,
        let map = other.usableMap(force: force)
      else { return false }
      return image.extents.allSatisfy { map.holds($0, with: .writable) }
    }
    return fits.map { "It would fit into \($0.described): `--target \($0.alternateSetting)`." }
  }

  private func origin(of address: UInt64, _ image: FirmwareImage) -> String {
    image.segment(containing: address).map { "from \($0.origin)" } ?? "of unknown origin"
  }

  private func sectorsText(_ run: SectorRun) -> String {
    let what = run.count == 1 ? "the sector" : "the \(run.count) sectors"
    return "\(what) at \(rangeText(run.range)) (\(run.rights.words))"
  }

  private func checkOptionBytes(_ image: FirmwareImage, _ map: MemoryMap) throws(PlanError) {
    for extent in image.extents {
      var address = extent.lowerBound
      while let run = map.run(containing: address), address < extent.upperBound {
        guard image.covers(run.range), run.size <= UInt64(target.transferSize) else {
          throw PlanError(
            .partialOptionBytes,
            "Option bytes are written as one whole block, \(rangeText(run.range)); the image has "
              + "\(rangeText(extent)).",
            help: "Read the block with `dfu read`, change it, and write all of it.",
            wanted: extent, against: run.range)
        }
        let block = image.bytes(in: run.range, fill: 0xFF)
        if closesForEver(block, at: run.start), !force.contains(.optionBytes) {
          throw PlanError(
            .lockingOptionBytes,
            "These option bytes hold 0xCC where the level of read-out protection stands: level 2 "
              + "closes the bootloader and the debug port for ever.",
            help: "If that is what you want: `--force option-bytes`.", wanted: run.range,
            against: run.range)
        }
        address = run.range.upperBound
      }
    }
  }

  /// Whether a block sets read protection of level 2: by the table of the part; where there is none,
  /// or where another part may be meant, by the byte 0xCC in any of the places where families have it.
  private func closesForEver(_ block: [UInt8], at address: UInt64) -> Bool {
    let flash = (others + [target]).first { $0.kind == .internalFlash }?.map
    guard let layout = target.optionByteLayout(flash: flash), target.chip?.certainty != .guess,
      let options = try? OptionBytes(layout, blocks: [.init(address: address, bytes: block)])
    else { return block.prefix(8).contains(0xCC) }
    return options.closesForEverWhenWritten
  }

  private func checkOneTimeProgrammable(_ image: FirmwareImage) throws(PlanError) {
    guard let contents = target.contents else { return }
    for extent in image.extents {
      for piece in contents.pieces(in: extent) {
        let range = piece.address..<piece.address + UInt64(piece.bytes.count)
        let wanted = image.bytes(in: range, fill: 0xFF)
        for (index, pair) in zip(wanted, piece.bytes).enumerated() where pair.0 & ~pair.1 != 0 {
          let address = piece.address + UInt64(index)
          throw PlanError(
            .alreadyProgrammed,
            "The byte at \(addressText(address)) of \(target.described) is already "
              + "0x\(hex(pair.1)) and cannot become 0x\(hex(pair.0)): its bits can only be cleared.",
            help: "One-time programmable memory cannot be erased.",
            wanted: address..<address + 1, against: range)
        }
      }
    }
  }
}

extension FlashTarget {
  /// The map, cut to what the chip is known to have: touching what is not there may hang it. Nil on a
  /// device without addresses.
  public var usableMap: MemoryMap? { usableMap(force: []) }

  /// The map, cut to what the chip is known to have unless that is overridden.
  func usableMap(force: Set<FlashOptions.Force>) -> MemoryMap? {
    guard let map, kind == .internalFlash, !force.contains(.size), let size = chip?.realFlashSize,
      let start = map.runs.first?.start
    else { return map }
    let (end, overflow) = start.addingReportingOverflow(size)
    return overflow ? map : map.limited(to: start..<end)
  }
}

extension MemoryMap {
  /// How many sectors hold a byte of `range`, without walking over them.
  func sectorCount(touching range: Range<UInt64>) -> UInt64 {
    runs.reduce(0) { (sum, run) in
      let common = run.range.clamped(to: range)
      guard !common.isEmpty, run.sectorSize > 0 else { return sum }
      let first = (common.lowerBound - run.start) / run.sectorSize
      let last = (common.upperBound - 1 - run.start) / run.sectorSize
      return sum + (last - first + 1)
    }
  }

  /// Whether there is memory with `right` at every address of `range`.
  func holds(_ range: Range<UInt64>, with right: SectorRights) -> Bool {
    guard !range.isEmpty else { return true }
    return stretch(around: range.lowerBound, right).map { $0.upperBound >= range.upperBound }
      ?? false
  }
}

/// Addresses from the first to the last, as a person reads them.
func rangeText(_ range: Range<UInt64>) -> String {
  range.upperBound - range.lowerBound == 1
    ? addressText(range.lowerBound)
    : "\(addressText(range.lowerBound))-\(addressText(max(range.upperBound, 1) - 1))"
}
