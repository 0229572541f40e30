internal import DFU
internal import Firmware
internal import USB

/// Plans one alternate setting with a map: which sectors are erased, what is written, what is proved.
struct PartPlanner {
  private let image: FirmwareImage
  private let options: FlashOptions
  private let contents: FirmwareImage
  private var part: FlashPlan.Part
  private var builder: RunBuilder
  private var kept = FirmwareImage()
  private var written: [Range<UInt64>] = []
  private var proof: [Range<UInt64>] = []
  private var erasesEverything = false
  /// The first sector above an erased one that the plan relies on without touching it.
  private var witness: Range<UInt64>?

  /// The plan for `image`, which has been checked against `target`.
  static func plan(
    _ image: FirmwareImage, for target: FlashTarget, _ options: FlashOptions
  )
    throws(PlanError) -> FlashPlan.Part
  {
    var planner = PartPlanner(image, target, options)
    return try planner.run()
  }

  private init(_ image: FirmwareImage, _ target: FlashTarget, _ options: FlashOptions) {
    self.image = image
    self.options = options
    contents = target.contents ?? FirmwareImage()
    part = FlashPlan.Part(target: target)
    builder = RunBuilder(
      transferSize: target.transferSize,
      granularity: HostRule.padsToUnits.isKept ? target.granularityWhenBlank : 1,
      erasedByte: target.erasedByte)
  }

  private mutating func run() throws(PlanError) -> FlashPlan.Part {
    guard let map = part.target.usableMap(force: options.force) else { return part }
    let extents = image.extents
    if part.target.kind == .optionBytes {
      planOptionBytes(map, extents)
      return part
    }
    if options.erase == .all, part.target.kind.mayBeErased {
      let erasable = map.runs.filter { $0.rights.contains(.erasable) }
      part.massErase = !erasable.isEmpty && part.target.isErasedByOneCommand
      if !part.massErase { part.erases = erasable }
    }
    erasesEverything = part.massErase || !part.erases.isEmpty
    try map.forEachSector(touching: extents) { (sector) throws(PlanError) in
      try plan(SectorNeeds(sector, of: part.target, image))
    }
    builder.flush()
    part.runs = builder.runs
    part.blankBytesSkipped = extents.overlap(written) - extents.overlap(sentRanges)
    finishProof(map)
    return part
  }

  private mutating func plan(_ needs: SectorNeeds) throws(PlanError) {
    if erasesEverything && needs.isErasable {
      write(needs, over: nil)
    } else if options.differential && !erasesEverything && isUnchanged(needs) {
      part.unchanged.append(needs.sector)
      if witness == nil, let last = part.erases.last,
        last.range.upperBound <= needs.sector.range.lowerBound
      {
        witness = firstWrittenBlock(in: needs.sector.range)
      }
    } else if !needs.isErasable {
      try writeInPlace(needs)
    } else if options.differential, isBlank(needs.sector.range) {
      part.alreadyBlank.append(needs.sector)
      write(needs, over: nil)
    } else {
      try eraseAndWrite(needs)
    }
  }

  /// What an erased byte holds.
  private var blank: UInt8 { part.target.erasedByte }

  private func isUnchanged(_ needs: SectorNeeds) -> Bool {
    HostRule.leavesUnchangedAlone.isKept
      && needs.pieces.allSatisfy { piece in
        contents.covers(piece)
          && contents.bytes(in: piece, fill: 0xFF) == image.bytes(in: piece, fill: 0xFF)
      }
  }

  private func isBlank(_ range: Range<UInt64>) -> Bool {
    contents.covers(range)
      && contents.pieces(in: range).allSatisfy { holdsOnly(blank, $0.bytes) }
  }

  private mutating func eraseAndWrite(_ needs: SectorNeeds) throws(PlanError) {
    let neighbours = needs.neighbours
    if options.discardNeighbours {
      for range in neighbours where !isBlank(range) { part.discarded.appendJoining(range) }
      part.erases.append(needs.sector)
      write(needs, over: nil)
      return
    }
    if let unknown = neighbours.first(where: { !contents.covers($0) }) {
      throw PartPlanner.cannotKeep(unknown, needs, part.target)
    }
    var beside = FirmwareImage()
    for range in neighbours {
      let bytes = contents.bytes(in: range, fill: blank)
      guard !holdsOnly(blank, bytes[...]) else { continue }
      let segment = FirmwareImage.Segment(
        address: range.lowerBound, bytes: bytes, origin: .device)
      do {
        try beside.insert(segment)
        try kept.insert(segment)
      } catch {
        throw PlanError(.contradiction, error.sentence, help: error.help, wanted: range)
      }
      part.kept.appendJoining(range)
    }
    part.erases.append(needs.sector)
    write(needs, over: beside)
  }

  /// Why neighbours cannot be kept; also thrown by the survey, before anything is touched.
  static func cannotKeep(
    _ range: Range<UInt64>, _ needs: SectorNeeds, _ target: FlashTarget
  ) -> PlanError {
    let reason =
      target.readObstacle
      ?? (needs.sector.rights.contains(.readable)
        ? "they have not been read" : "its map says that it cannot be read")
    return PlanError(
      .cannotKeepNeighbours,
      "The bytes at \(rangeText(range)) share the sector \(rangeText(needs.sector.range)) of "
        + "\(target.described) with new data and cannot be kept: \(reason).",
      help: "`--discard-neighbours` erases them with the sector.", wanted: range,
      against: needs.sector.range)
  }

  /// Writes a sector that is blank by then: the image over what is kept.
  private mutating func write(_ needs: SectorNeeds, over beside: FirmwareImage?) {
    var bytes = (beside ?? FirmwareImage()).bytes(in: needs.sector.range, fill: blank)
    for piece in image.pieces(in: needs.sector.range) {
      let offset = Int(piece.address - needs.sector.range.lowerBound)
      bytes.replaceSubrange(offset..<offset + piece.bytes.count, with: piece.bytes)
    }
    builder.append(bytes, at: needs.sector.range.lowerBound, intoBlank: true)
    for piece in needs.pieces { written.appendJoining(piece) }
    prove(needs, and: beside?.extents ?? [])
  }

  /// Writes into memory that is not erased before: RAM, EEPROM, one-time programmable memory.
  private mutating func writeInPlace(_ needs: SectorNeeds) throws(PlanError) {
    for range in needs.widened(to: part.target.granularityInPlace) {
      // Padding must not change what is there.
      var bytes = contents.bytes(in: range, fill: blank)
      let unknown = needs.neighbours.map { $0.clamped(to: range) }
        .first { !$0.isEmpty && !contents.covers($0) }
      if let unknown, !options.discardNeighbours {
        throw PartPlanner.cannotKeep(unknown, needs, part.target)
      }
      for piece in image.pieces(in: range) {
        let offset = Int(piece.address - range.lowerBound)
        bytes.replaceSubrange(offset..<offset + piece.bytes.count, with: piece.bytes)
      }
      builder.append(bytes, at: range.lowerBound, intoBlank: false)
    }
    for piece in needs.pieces { written.appendJoining(piece) }
    prove(needs, and: [])
  }

  private mutating func prove(_ needs: SectorNeeds, and beside: [Range<UInt64>]) {
    guard options.verify, needs.isReadable else { return }
    let all = (needs.pieces + beside).sorted { $0.lowerBound < $1.lowerBound }
    for range in all { proof.appendJoining(range) }
  }

  /// The first block of `range` that erasing too much would destroy.
  private func firstWrittenBlock(in range: Range<UInt64>) -> Range<UInt64>? {
    let blank = blank
    let bytes = contents.bytes(in: range, fill: blank)
    guard let first = bytes.firstIndex(where: { $0 != blank }) else { return nil }
    let start = range.lowerBound + UInt64(first)
    let block = start..<min(start + UInt64(part.target.transferSize), range.upperBound)
    return contents.covers(block) ? block : nil
  }

  private mutating func finishProof(_ map: MemoryMap) {
    var expected = kept.isEmpty ? image : kept.overlaying(image)
    // Some bootloaders erase more than they are asked to (one of ST's examples, to the end of the
    // flash); a block of the first sector that must still be there tells.
    if options.verify, let witness {
      let bytes = contents.bytes(in: witness, fill: 0xFF)
      let segment = FirmwareImage.Segment(
        address: witness.lowerBound, bytes: bytes, origin: .device)
      if (try? expected.insert(segment)) != nil {
        let above = proof.firstIndex { $0.lowerBound >= witness.lowerBound } ?? proof.count
        proof.insert(witness, at: above)
      }
    }
    part.expected = expected
    part.verify = proof.joinedForReading(in: map, transferSize: part.target.transferSize)
  }

  private var sentRanges: [Range<UInt64>] {
    var ranges: [Range<UInt64>] = []
    for run in builder.runs {
      for stretch in run.sent {
        let start = run.address + UInt64(stretch.lowerBound * run.transferSize)
        let end = run.address + UInt64(stretch.upperBound * run.transferSize)
        ranges.append(start..<min(end, run.range.upperBound))
      }
    }
    return ranges
  }

  private mutating func planOptionBytes(_ map: MemoryMap, _ extents: [Range<UInt64>]) {
    for run in map.runs where extents.contains(where: { $0.overlaps(run.range) }) {
      let bytes = image.bytes(in: run.range, fill: 0xFF)
      if options.differential, contents.covers(run.range),
        contents.bytes(in: run.range, fill: 0xFF) == bytes
      {
        part.unchanged.append(run)
      } else {
        part.optionBytes.append(
          WriteRun(
            address: run.start, bytes: bytes, transferSize: part.target.transferSize))
      }
    }
  }
}
