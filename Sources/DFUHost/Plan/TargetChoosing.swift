internal import DFU
public import Firmware
internal import USB

extension TargetChoice {
  /// Decides which bytes of `file` go to which of `targets`, the alternate settings of one device.
  ///
  /// A DfuSe file says it by number. Bytes with addresses go where the maps have those addresses. Raw
  /// bytes go where `options.address` says, or where their vector table fits. A device without
  /// addresses gets the payload whole.
  ///
  /// - Parameters:
  ///   - file: a file that was read and checked whole.
  ///   - targets: all alternate settings of the device that was opened.
  ///   - options: how to flash.
  /// - Throws: ``PlanError`` when the file is for another device, or its bytes have no one place.
  public init(
    _ file: FirmwareFile, targets: [FlashTarget], options: FlashOptions
  ) throws(PlanError) {
    self.init(assignments: [], targets: targets)
    guard let device = targets.first else {
      throw PlanError(
        .noSuchTarget, "The device has no alternate setting in DFU mode.",
        help: "Is it in its bootloader?")
    }
    try checkIDs(file, device, options)
    let named = try TargetChoice.candidates(targets, named: options.target)
    if targets.contains(where: { $0.map != nil }) {
      let addressed = named.filter { $0.map != nil }
      if file.format == .dfuSe {
        try assignByNumber(file, named, options)
      } else {
        try assignByAddress(file, addressed, options)
      }
    } else {
      try assignPlain(file, named, options)
    }
    assignments.sort { $0.target.alternateSetting < $1.target.alternateSetting }
  }

  /// Rule 2 of the safe host: the ids of the device that was opened decide, whoever opened it.
  private mutating func checkIDs(
    _ file: FirmwareFile, _ device: FlashTarget, _ options: FlashOptions
  ) throws(PlanError) {
    if device.quirks.contains(.speaksFLIP) || device.quirks.contains(.notDFU) {
      throw PlanError(
        .cannotDownload,
        "The device \(device.vendor):\(device.product) has a DFU interface but speaks another "
          + "protocol.",
        help: "Use the program of its maker.")
    }
    guard let suffix = file.suffix, HostRule.matchesIDs.isKept,
      !file.allows(vendor: device.vendor, product: device.product)
    else { return }
    if let ids = options.runtimeIDs, file.allows(vendor: ids.vendor, product: ids.product) {
      return
    }
    let sentence =
      "The file is for the device \(suffix.vendor):\(suffix.product), and the one that was opened "
      + "is \(device.vendor):\(device.product)"
    guard options.force.contains(.ids) else {
      throw PlanError(
        .wrongDevice, sentence + ".",
        help: "Select the right device with `-d`; `--force ids` writes it all the same.")
    }
    notes.append(PlanNote("ids-forced", sentence + "; written all the same, as forced."))
  }

  /// The targets with that name or number, or all.
  public static func candidates(
    _ targets: [FlashTarget], named name: FlashOptions.TargetName?
  ) throws(PlanError) -> [FlashTarget] {
    guard let name else { return targets }
    let found = targets.filter { target in
      switch name {
      case .number(let number): target.alternateSetting == number
      case .name(let name): target.name.lowercased() == name.lowercased()
      }
    }
    guard found.isEmpty else { return found }
    throw PlanError(
      .noSuchTarget, "The device has no target “\(name)”. It has \(list(targets)).",
      help: "Give one of these names or numbers to `--target`.")
  }

  /// The targets of a sentence.
  static func list(_ targets: [FlashTarget]) -> String {
    targets.map { target in
      let name = target.name.isEmpty ? "" : " \(target.name)"
      let place = target.map.flatMap { map in
        map.runs.first.flatMap { first in
          map.runs.last.map { " (\(rangeText(first.start..<$0.range.upperBound)))" }
        }
      }
      return "\(target.alternateSetting)\(name)\(place ?? "")"
    }.joined(separator: ", ")
  }

  // MARK: DfuSe files

  private mutating func assignByNumber(
    _ file: FirmwareFile, _ candidates: [FlashTarget], _ options: FlashOptions
  ) throws(PlanError) {
    try refuseAddress(options, "The file says itself where its bytes go.")
    var images: [UInt8: FirmwareImage] = [:]
    for content in file.targets {
      guard case .image(let image) = content.content else { continue }
      var number = content.alternateSetting ?? 0
      // A single target may be sent elsewhere on purpose; of several, the named one is taken.
      if options.target != nil, let first = candidates.first {
        if file.targets.count == 1 {
          number = first.alternateSetting
        } else if !candidates.contains(where: { $0.alternateSetting == number }) {
          continue
        }
      }
      guard candidates.contains(where: { $0.alternateSetting == number }) else {
        throw PlanError(
          .noSuchTarget,
          "The file has bytes for alternate setting \(number), which the device has not. It has "
            + "\(TargetChoice.list(targets)).",
          help: "Is the file for another device? A file of one target can be sent elsewhere with "
            + "`--target`.")
      }
      try TargetChoice.merge(image, into: &images[number, default: FirmwareImage()])
    }
    take(images)
    guard !assignments.isEmpty else {
      throw options.target.map {
        PlanError(
          .noSuchTarget, "The file has no bytes for the target “\($0)”.",
          help: "`dfu file info` shows what it has.")
      } ?? PlanError(.emptyImage, "The file holds no bytes.", help: "Check the file.")
    }
  }

  static func merge(_ image: FirmwareImage, into all: inout FirmwareImage) throws(PlanError) {
    guard !all.isEmpty else {
      all = image
      return
    }
    for segment in image.segments {
      do {
        try all.insert(segment)
      } catch {
        throw PlanError(.contradiction, error.sentence, help: error.help, wanted: segment.range)
      }
    }
  }

  private mutating func take(_ images: [UInt8: FirmwareImage]) {
    for target in targets {
      guard let image = images[target.alternateSetting], !image.isEmpty,
        !assignments.contains(where: { $0.target.alternateSetting == target.alternateSetting })
      else { continue }
      assignments.append(Assignment(target: target, payload: .image(image)))
    }
  }

  // MARK: Bytes with addresses, and raw bytes that get one

  private mutating func assignByAddress(
    _ file: FirmwareFile, _ candidates: [FlashTarget], _ options: FlashOptions
  ) throws(PlanError) {
    var image = FirmwareImage()
    for content in file.targets {
      switch content.content {
      case .image(let addressed):
        try refuseAddress(options, "The file has addresses of its own.")
        try TargetChoice.merge(addressed, into: &image)
      case .raw(let bytes):
        let address = try rawAddress(bytes, candidates, options)
        guard address <= 1 << 32, !bytes.isEmpty else {
          throw PlanError(
            bytes.isEmpty ? .emptyImage : .doesNotFit,
            bytes.isEmpty
              ? "The file holds no bytes."
              : "The address \(addressText(address)) is beyond the 32 bits of the protocol.",
            help: "Check the file and the address.")
        }
        let segment = FirmwareImage.Segment(address: address, bytes: bytes, origin: .offset(0))
        do { try image.insert(segment) } catch {
          throw PlanError(.contradiction, error.sentence, help: error.help, wanted: segment.range)
        }
      }
    }
    guard !image.isEmpty else {
      throw PlanError(.emptyImage, "The file holds no bytes.", help: "Check the file.")
    }
    if let only = candidates.first, candidates.count == 1 {
      assignments = [Assignment(target: only, payload: .image(image))]
    } else {
      try split(image, over: candidates, options)
    }
  }

  private func refuseAddress(_ options: FlashOptions, _ reason: String) throws(PlanError) {
    guard let address = options.address else { return }
    throw PlanError(
      .addressUnexpected, "`--address \(addressText(address))` cannot be used: \(reason)",
      help: "Leave it out; `dfu file convert` moves bytes to another address.")
  }

  /// Gives each piece to the target whose map has it; a piece that goes on in another is split.
  private mutating func split(
    _ image: FirmwareImage, over candidates: [FlashTarget], _ options: FlashOptions
  ) throws(PlanError) {
    var images: [UInt8: FirmwareImage] = [:]
    for extent in image.extents {
      var address = extent.lowerBound
      while address < extent.upperBound {
        guard let (target, end) = TargetChoice.home(of: address, candidates, options) else {
          throw nowhere(address, extent, image, candidates, options)
        }
        let piece = image.clipped(to: address..<min(end, extent.upperBound))
        try TargetChoice.merge(piece, into: &images[target.alternateSetting, default: .init()])
        address = min(end, extent.upperBound)
      }
    }
    take(images)
  }

  /// The target that has `address`, and where its memory ends: a writable one before others, then the
  /// lowest number, because some ROMs repeat the string of setting 0 on every setting.
  private static func home(
    of address: UInt64, _ candidates: [FlashTarget], _ options: FlashOptions
  ) -> (target: FlashTarget, end: UInt64)? {
    for right: SectorRights in [.writable, []] {
      for target in candidates {
        if let end = target.usableMap(force: options.force)?.stretch(around: address, right)?
          .upperBound
        {
          return (target, end)
        }
      }
    }
    return nil
  }

  private func nowhere(
    _ address: UInt64, _ extent: Range<UInt64>, _ image: FirmwareImage,
    _ candidates: [FlashTarget], _ options: FlashOptions
  ) -> PlanError {
    // The check of the nearest target knows about chips and RAM.
    for target in candidates where target.canDownload {
      do {
        try ImageCheck(target: target, force: options.force).check(
          image.clipped(to: address..<extent.upperBound))
      } catch {
        var error = error
        if let origin = image.segment(containing: address)?.origin {
          error.sentence =
            "The bytes at \(rangeText(error.wanted ?? extent)) (from \(origin)) lie in no memory of "
            + "the device, which has \(TargetChoice.list(candidates))."
        }
        return error
      }
    }
    return PlanError(
      .doesNotFit,
      "The bytes at \(rangeText(extent)) lie in no memory of the device, which has "
        + "\(TargetChoice.list(candidates)).",
      help: "Is the file for another device, or linked for another address?", wanted: extent)
  }

  private mutating func rawAddress(
    _ bytes: [UInt8], _ candidates: [FlashTarget], _ options: FlashOptions
  ) throws(PlanError) -> UInt64 {
    if let address = options.address { return address }
    var places: [(target: FlashTarget, range: Range<UInt64>)] = []
    for target in candidates where target.kind.mayBeErased && target.canDownload {
      let map = target.usableMap(force: options.force)
      for run in map?.runs ?? [] {
        guard run.rights.contains(.writable),
          let stretch = map?.stretch(around: run.start, .writable),
          stretch.lowerBound == run.start
        else { continue }
        places.append((target, stretch))
      }
    }
    let bases = VectorTable.inferredBases(ofRaw: bytes, candidates: places.map(\.range))
    guard let base = bases.first, bases.count == 1,
      let place = places.first(where: { $0.range.lowerBound == base })
    else {
      throw PlanError(
        .addressMissing,
        bases.isEmpty
          ? "The file does not say where its bytes go, and it begins with no vector table that fits "
            + "the device, which has \(TargetChoice.list(candidates))."
          : "The file does not say where its bytes go, and its vector table fits at "
            + bases.map(addressText).joined(separator: " and ") + ".",
        help: "Give the address with `--address`.")
    }
    notes.append(
      PlanNote(
        "address-inferred",
        "The file does not say where its bytes go; its vector table is for "
          + "\(addressText(base)), the start of \(place.target.described)."))
    return base
  }

  // MARK: Devices without addresses

  private mutating func assignPlain(
    _ file: FirmwareFile, _ candidates: [FlashTarget], _ options: FlashOptions
  ) throws(PlanError) {
    guard let target = candidates.first, candidates.count == 1 else {
      throw PlanError(
        .ambiguousTarget,
        "The device has several targets and nothing says which one is meant: "
          + "\(TargetChoice.list(candidates)).",
        help: "Give one of these names or numbers to `--target`.")
    }
    try refuseAddress(options, "The device knows no addresses.")
    let payload = try plainPayload(of: file, for: target, options)
    if target.quirks.contains(.keepsLPCPrefix), !options.force.contains(.prefix) {
      guard case .lpc? = file.prefix else {
        throw PlanError(
          .prefixMissing,
          "\(target.vendor):\(target.product) takes only images that begin with the 16-byte LPC "
            + "prefix, and the file has none.",
          help: "`dfu file prefix` adds it; `--force prefix` sends the bytes as they are.")
      }
    }
    assignments = [Assignment(target: target, payload: .plain(payload))]
  }

  private mutating func plainPayload(
    of file: FirmwareFile, for target: FlashTarget, _ options: FlashOptions
  ) throws(PlanError) -> [UInt8] {
    if let payload = file.plainPayload { return payload }
    let extents = file.targets.flatMap { content -> [Range<UInt64>] in
      if case .image(let image) = content.content { return image.extents }
      return []
    }
    let refusal =
      "The file has addresses (\(extents.prefix(3).map(rangeText).joined(separator: ", "))), and "
      + "\(target.described) knows none"
    guard file.targets.count == 1, case .image(let image) = file.targets[0].content,
      let extent = extents.first, extents.count == 1
    else {
      throw PlanError(
        .notAddressable, refusal + "; its bytes are not one contiguous piece.",
        help: "`dfu file convert` makes a raw file of it.", wanted: extents.first)
    }
    guard options.force.contains(.addresses) else {
      throw PlanError(
        .notAddressable, refusal + ".",
        help: "If its bytes are what the device wants from its first byte on: "
          + "`--force addresses`.", wanted: extent)
    }
    notes.append(
      PlanNote("addresses-dropped", refusal + "; its bytes are sent from the first on, as forced."))
    return image.bytes(in: extent, fill: 0xFF)
  }
}
