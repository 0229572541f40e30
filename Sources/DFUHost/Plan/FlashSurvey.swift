internal import DFU
public import Firmware

/// What has to be read before a plan can be made: for the comparison, and for the neighbours.
public struct FlashSurvey: Hashable, Sendable {
  /// What is read of one alternate setting.
  public struct Part: Hashable, Sendable {
    /// The alternate setting.
    public var target: FlashTarget
    /// What is read, ascending.
    public var ranges: [Range<UInt64>]

    /// A part of a survey.
    public init(target: FlashTarget, ranges: [Range<UInt64>]) {
      self.target = target
      self.ranges = ranges
    }
  }

  /// The alternate settings; those of which nothing is read are not among them.
  public var parts: [Part]

  /// A survey from its parts.
  public init(parts: [Part]) { self.parts = parts }

  /// How many bytes are read.
  public var byteCount: Int { parts.reduce(0) { $0 + $1.ranges.byteCount } }

  /// What has to be read before ``FlashPlan`` can be made for `choice`.
  ///
  /// Checks the images against the maps first, so that nothing is read for a plan that cannot be.
  ///
  /// - Parameters:
  ///   - choice: which bytes go where.
  ///   - options: how to flash.
  ///   - keepsContents: whether everything that may change is read whole, for a backup.
  /// - Throws: what ``FlashPlan`` would throw whatever the contents are.
  public init(
    _ choice: TargetChoice, options: FlashOptions, keepsContents: Bool = false
  ) throws(PlanError) {
    parts = []
    try FlashPlan.checkLeaveAddress(choice, options)
    for assignment in choice.assignments {
      guard case .image(let image) = assignment.payload else { continue }
      try ImageCheck(target: assignment.target, others: choice.targets, force: options.force)
        .check(image)
      var ranges = try FlashSurvey.ranges(image, assignment.target, options)
      if keepsContents { ranges = FlashSurvey.everything(image, assignment.target, options) }
      if !ranges.isEmpty { parts.append(Part(target: assignment.target, ranges: ranges)) }
    }
  }

  /// What has to be read of one target.
  ///
  /// - Parameters:
  ///   - image: what will be written.
  ///   - target: where to.
  ///   - options: how to flash.
  /// - Throws: what ``FlashPlan`` would throw whatever the contents are.
  public init(
    _ image: FirmwareImage, for target: FlashTarget, options: FlashOptions = FlashOptions()
  ) throws(PlanError) {
    try self.init(TargetChoice(image, for: target), options: options)
  }

  /// All that may change and can be read: the sectors that the image touches, or, where everything is
  /// erased, every sector.
  private static func everything(
    _ image: FirmwareImage, _ target: FlashTarget, _ options: FlashOptions
  ) -> [Range<UInt64>] {
    guard target.canRead, let map = target.usableMap(force: options.force) else { return [] }
    var ranges: [Range<UInt64>] = []
    if options.erase == .all, target.kind.mayBeErased {
      for run in map.runs where run.rights.contains(.readable) { ranges.appendJoining(run.range) }
      return ranges
    }
    for extent in image.extents {
      for sector in map.sectors(intersecting: extent) where sector.rights.contains(.readable) {
        if ranges.last.map({ $0.contains(sector.range.lowerBound) }) ?? false { continue }
        ranges.appendJoining(sector.range)
      }
    }
    return ranges
  }

  private static func ranges(
    _ image: FirmwareImage, _ target: FlashTarget, _ options: FlashOptions
  ) throws(PlanError) -> [Range<UInt64>] {
    guard let map = target.usableMap(force: options.force) else { return [] }
    var ranges: [Range<UInt64>] = []
    try map.forEachSector(touching: image.extents) { (sector) throws(PlanError) in
      let needs = SectorNeeds(sector, of: target, image)
      if options.erase == .all && needs.isErasable { return }
      let neighbours = needs.neighboursAtRisk(target)
      if !options.discardNeighbours, !needs.isReadable, let first = neighbours.first {
        throw PartPlanner.cannotKeep(first, needs, target)
      }
      guard needs.isReadable else { return }
      if !options.differential {
        if !options.discardNeighbours { neighbours.forEach { ranges.appendJoining($0) } }
      } else if needs.isErasable || target.kind == .optionBytes {
        ranges.appendJoining(sector.range)
      } else {
        needs.widened(to: target.granularityInPlace).forEach { ranges.appendJoining($0) }
      }
    }
    return ranges.joinedForReading(in: map, transferSize: target.transferSize)
  }
}

extension SectorNeeds {
  /// The bytes outside the image that writing it would change: those of the whole sector where it is
  /// erased, the padding elsewhere.
  func neighboursAtRisk(_ target: FlashTarget) -> [Range<UInt64>] {
    guard !isErasable else { return neighbours }
    guard target.kind != .optionBytes else { return [] }
    let widened = widened(to: target.granularityInPlace)
    return neighbours.flatMap { gap in
      widened.map { gap.clamped(to: $0) }.filter { !$0.isEmpty }
    }
  }
}
