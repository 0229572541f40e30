public import DFU
internal import Firmware
internal import USB

/// Which sectors an erase erases: a value to print, compare and run.
public struct ErasePlan: Hashable, Sendable {
  /// The alternate setting.
  public var target: FlashTarget
  /// Whether the whole memory is erased by one command.
  public var massErase: Bool
  /// The sectors, ascending; with a mass erase those that it is about.
  public var sectors: [SectorRun]
  /// Bytes of these sectors outside the range that was asked for; they are lost too.
  public var beyond: [Range<UInt64>]

  /// Plans to erase a range: sector by sector, ascending, each by its true start.
  ///
  /// - Parameters:
  ///   - range: what shall be blank.
  ///   - target: the alternate setting.
  ///   - discardNeighbours: whether bytes that share a sector with the range may be lost.
  /// - Throws: ``PlanError`` for addresses outside, sectors that cannot be erased, and neighbours.
  public init(
    _ range: Range<UInt64>, of target: FlashTarget, discardNeighbours: Bool = false
  ) throws(PlanError) {
    self.target = target
    massErase = false
    sectors = []
    beyond = []
    let map = try target.readableOrErasableMap(for: range)
    guard target.kind.mayBeErased else { throw ErasePlan.notErasable(range, target) }
    try ImageCheck.checkCount(map.sectorCount(touching: range), target)
    var sectors: [SectorRun] = []
    try map.forEachSector(touching: [range]) { (sector) throws(PlanError) in
      guard sector.rights.contains(.erasable) else {
        throw ErasePlan.notErasable(sector.range, target)
      }
      sectors.append(sector)
    }
    self.sectors = sectors
    if let first = sectors.first, first.start < range.lowerBound {
      beyond.append(first.start..<range.lowerBound)
    }
    if let last = sectors.last, last.range.upperBound > range.upperBound {
      beyond.append(range.upperBound..<last.range.upperBound)
    }
    guard discardNeighbours || beyond.isEmpty else {
      let whole = (sectors.first?.start ?? 0)..<(sectors.last?.range.upperBound ?? 0)
      throw PlanError(
        .misaligned,
        "\(rangeText(range)) does not end where sectors do: the sectors that hold it are "
          + "\(rangeText(whole)), and erasing them would also erase "
          + "\(beyond.map(rangeText).joined(separator: " and "))\(ErasePlan.contentsText(beyond, target)).",
        help: "`--discard-neighbours` erases these too; or give `--address "
          + "\(addressText(whole.lowerBound)) --length \(whole.count)`.",
        wanted: range, against: whole)
    }
  }

  /// Plans to erase everything that the target has and allows to erase.
  ///
  /// - Parameters:
  ///   - target: the alternate setting.
  ///   - massErase: whether to use the one command for it, which not every bootloader has; never
  ///     used where the map has several memories.
  /// - Throws: ``PlanError`` where nothing may be erased.
  public init(everythingOf target: FlashTarget, massErase: Bool) throws(PlanError) {
    self.target = target
    let massErase = massErase && target.isErasedByOneCommand
    self.massErase = massErase
    beyond = []
    sectors = (target.usableMap(force: [])?.runs ?? []).filter { $0.rights.contains(.erasable) }
    guard target.kind.mayBeErased, !sectors.isEmpty else {
      throw ErasePlan.notErasable(target.map?.runs.first?.range ?? 0..<0, target)
    }
    if !massErase {
      try ImageCheck.checkCount(sectors.reduce(0) { $0 + $1.count }, target)
    }
  }

  private static func notErasable(_ range: Range<UInt64>, _ target: FlashTarget) -> PlanError {
    guard target.map != nil else {
      return PlanError(
        .notErasable,
        "\(target.described) cannot be erased: a device without addresses has no command for it.",
        help: "A download replaces what it holds.")
    }
    let why =
      target.kind.mayBeErased ? "its map does not allow it" : "this kind of memory never is"
    return PlanError(
      .notErasable, "\(rangeText(range)) of \(target.described) cannot be erased: \(why).",
      help: "`dfu list` shows what can be.", wanted: range)
  }

  /// What is known to be in ranges, as a clause.
  private static func contentsText(_ ranges: [Range<UInt64>], _ target: FlashTarget) -> String {
    guard let contents = target.contents, ranges.allSatisfy({ contents.covers($0) }) else {
      return ""
    }
    let blank = ranges.allSatisfy { range in
      contents.pieces(in: range).allSatisfy { holdsOnly(target.erasedByte, $0.bytes) }
    }
    return blank ? " (blank)" : " (not blank)"
  }

  /// The steps, in order.
  public var steps: [FlashStep] {
    var part = FlashPlan.Part(target: target)
    part.massErase = massErase
    part.erases = massErase ? [] : sectors
    return FlashPlan(parts: [part], leave: .stays(because: "it was only erased")).steps
  }

  /// How many sectors are erased.
  public var sectorCount: Int { sectors.sectorCount }

  /// How many bytes are erased.
  public var byteCount: UInt64 { sectors.byteCount }

  /// What it costs.
  public var cost: PlanCost {
    let model = CostModel(target)
    guard !massErase else { return model.select + model.massErase }
    return sectors.reduce(model.select) {
      $0 + model.erase(sectorOf: $1.sectorSize) * Int(clamping: $1.count)
    }
  }
}

/// Which ranges a read reads: a value to print, compare and run.
public struct ReadPlan: Hashable, Sendable {
  /// The alternate setting.
  public var target: FlashTarget
  /// The ranges, ascending.
  public var ranges: [Range<UInt64>]

  /// Plans to read ranges of a target.
  ///
  /// - Parameters:
  ///   - ranges: what to read, in any order.
  ///   - target: the alternate setting.
  /// - Throws: ``PlanError`` for addresses outside and memory that cannot be read.
  public init(_ ranges: [Range<UInt64>], of target: FlashTarget) throws(PlanError) {
    self.target = target
    self.ranges = []
    try ReadPlan.checkReadable(target)
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) where !range.isEmpty {
      let map = try target.readableOrErasableMap(for: range)
      guard map.holds(range, with: .readable) else {
        throw PlanError(
          .cannotUpload,
          "\(rangeText(range)) of \(target.described) cannot be read: its map does not allow it.",
          help: "`dfu list` shows what can be.", wanted: range)
      }
      self.ranges.appendJoining(range)
    }
  }

  /// Plans to read everything of a target that its map allows to read.
  ///
  /// - Parameter target: the alternate setting.
  /// - Throws: ``PlanError`` where nothing can be read.
  public init(everythingOf target: FlashTarget) throws(PlanError) {
    self.target = target
    ranges = []
    try ReadPlan.checkReadable(target)
    for run in target.usableMap(force: [])?.runs ?? [] where run.rights.contains(.readable) {
      ranges.appendJoining(run.range)
    }
    guard !ranges.isEmpty else {
      throw PlanError(
        .cannotUpload, "\(target.described) has no memory that can be read.",
        help: "`dfu list` shows what can be.")
    }
  }

  private static func checkReadable(_ target: FlashTarget) throws(PlanError) {
    guard target.map != nil || !target.canUpload else {
      throw PlanError(
        .notAddressable, "\(target.described) has no addresses and no known size.",
        help: "`dfu read` reads it until the device says that this is all.")
    }
    guard let obstacle = target.readObstacle else { return }
    throw PlanError(
      .cannotUpload, "\(target.described) cannot be read: \(obstacle).",
      help: target.readRefusal == nil
        ? nil : "`dfu unprotect` takes read-out protection away and erases everything.")
  }

  /// How many bytes are read.
  public var byteCount: Int { ranges.byteCount }

  /// How many blocks that is.
  public var blockCount: Int {
    ranges.reduce(0) { $0 + ($1.count + target.transferSize - 1) / target.transferSize }
  }

  /// What it costs.
  public var cost: PlanCost {
    let model = CostModel(target)
    return ranges.reduce(model.select) { $0 + model.read($1) }
  }
}

extension FlashTarget {
  /// Whether Mass Erase can be trusted to erase all of it.
  ///
  /// The command has no address. Of several memories, such as a part's own flash and a chip beside it,
  /// a bootloader may erase the one that its pointer is in, so that they are erased by sectors; and
  /// some bootloaders fail at it, or go as far as they believe to have memory.
  var isErasedByOneCommand: Bool {
    map?.areas.count == 1 && !quirks.contains(.noMassErase)
  }
}

extension FlashTarget {
  /// The map, if it has memory throughout `range`.
  fileprivate func readableOrErasableMap(for range: Range<UInt64>) throws(PlanError) -> MemoryMap {
    guard let map = usableMap(force: []) else {
      throw PlanError(
        .mapMissing, "\(described) has no map of its memory, so addresses mean nothing to it.",
        help: "Leave the address out.", wanted: range)
    }
    guard !range.isEmpty, map.holds(range, with: []), range.upperBound <= 1 << 32 else {
      let place = map.runs.first.flatMap { first in
        map.runs.last.map { first.start..<$0.range.upperBound }
      }
      let isClaimed = self.map != map && self.map?.holds(range, with: []) == true
      throw PlanError(
        range.isEmpty ? .emptyImage : .doesNotFit,
        range.isEmpty
          ? "The range holds no bytes."
          : "\(rangeText(range)) is not all in \(described)"
            + (place.map { ", which has \(rangeText($0))" } ?? "") + ".",
        help: isClaimed
          ? "Its map claims more, but a \(chip?.name ?? "part of this kind") ends there, and "
            + "touching what is not there may hang it."
          : "`dfu list` shows what the device has.", wanted: range, against: place)
    }
    return map
  }
}
