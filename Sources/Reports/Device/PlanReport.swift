public import DFU
public import DFUHost
internal import USB

/// What would be done to a device, step by step, and what it costs: `dfu flash --plan`.
public struct PlanReport: Encodable, Hashable, Sendable {
  /// One kind of thing done to one stretch of memory.
  public struct Step: Encodable, Hashable, Sendable {
    /// `mass-erase`, `erase`, `write`, `option-bytes`, `download`, `verify` or `leave`.
    public var action: String
    /// The alternate setting.
    public var target: UInt8?
    /// The address, as `0x08000000`.
    public var address: String?
    /// How many bytes.
    public var bytes: UInt64?
    /// How many sectors or blocks.
    public var count: UInt64?
    /// What a person may want to know of it.
    public var detail: String?
  }

  /// What is left alone, in one target.
  public struct Untouched: Encodable, Hashable, Sendable {
    /// The alternate setting.
    public var target: UInt8
    /// Sectors that hold what the image says already.
    public var unchangedSectors: UInt64
    /// Sectors that are blank already, so that they need no erase.
    public var blankSectors: UInt64
    /// Bytes outside the image that are kept although their sector is erased.
    public var keptBytes: UInt64
    /// Bytes outside the image that are lost.
    public var discardedBytes: UInt64
    /// Blank bytes that are not sent.
    public var blankBytesSkipped: Int
  }

  /// Transfers, bytes and time.
  public struct Cost: Encodable, Hashable, Sendable {
    /// Control transfers.
    public var controlTransfers: Int
    /// Bytes to the device.
    public var bytesOut: Int
    /// Bytes from the device.
    public var bytesIn: Int
    /// Seconds, from the chip table.
    public var seconds: Double

    /// A cost as a document.
    public init(_ cost: PlanCost) {
      controlTransfers = cost.controlTransfers
      bytesOut = cost.bytesOut
      bytesIn = cost.bytesIn
      seconds = secondsNumber(cost.duration)
    }
  }

  /// The name and version of this document's shape.
  public var schema = "dfu.flash-plan/1"
  /// The steps, in order.
  public var steps: [Step]
  /// What is left alone.
  public var untouched: [Untouched]
  /// Where the device goes when all is done: one clause.
  public var afterwards: String
  /// What the steps cost, reading first not included: that has been done.
  public var cost: Cost
  /// What a person should know.
  public var notes: [String]

  /// The report of a plan.
  public init(_ plan: FlashPlan) {
    steps = plan.parts.flatMap(Self.erasing)
    steps += plan.parts.flatMap(Self.writing)
    steps += plan.parts.flatMap { part in
      part.verify.map { range in
        Step(
          action: "verify", target: part.target.alternateSetting,
          address: addressText(range.lowerBound), bytes: UInt64(range.count),
          detail: "by reading it back")
      }
    }
    steps += plan.parts.flatMap { part in
      part.optionBytes.map { run in
        Step(
          action: "option-bytes", target: part.target.alternateSetting,
          address: addressText(run.address), bytes: UInt64(run.bytes.count),
          detail: "the part resets itself")
      }
    }
    if case .leaves(let address, _) = plan.leave {
      steps.append(Step(action: "leave", address: addressText(address)))
    }
    untouched = plan.parts.map(Self.untouched)
    afterwards = plan.leave.clause
    cost = Cost(plan.cost)
    notes = plan.notes.map(\.sentence)
  }

  private static func erasing(_ part: FlashPlan.Part) -> [Step] {
    var steps: [Step] = []
    if part.massErase {
      steps.append(
        Step(
          action: "mass-erase", target: part.target.alternateSetting, detail: "the whole memory"))
    }
    for stretch in joined(part.erases) {
      steps.append(
        Step(
          action: "erase", target: part.target.alternateSetting,
          address: addressText(stretch[0].start),
          bytes: stretch.reduce(0) { $0 + $1.count * $1.sectorSize },
          count: stretch.reduce(0) { $0 + $1.count }, detail: sectorsText(stretch)))
    }
    return steps
  }

  private static func writing(_ part: FlashPlan.Part) -> [Step] {
    var steps: [Step] = part.runs.map { run in
      let skipped = run.bytes.count - run.byteCount
      return Step(
        action: "write", target: part.target.alternateSetting, address: addressText(run.address),
        bytes: UInt64(run.byteCount), count: UInt64(run.blockCount),
        detail: "\(countText(run.blockCount, "block")) of \(run.transferSize)"
          + (skipped > 0 ? ", \(sizeText(UInt64(skipped))) blank skipped" : ""))
    }
    if let download = part.download {
      steps.append(
        Step(
          action: "download", target: part.target.alternateSetting,
          bytes: UInt64(download.bytes.count), count: UInt64(download.blockCount),
          detail: "\(countText(download.blockCount, "block")) of \(download.transferSize)"))
    }
    return steps
  }

  private static func untouched(_ part: FlashPlan.Part) -> Untouched {
    Untouched(
      target: part.target.alternateSetting,
      unchangedSectors: part.unchanged.reduce(0) { $0 + $1.count },
      blankSectors: part.alreadyBlank.reduce(0) { $0 + $1.count },
      keptBytes: part.kept.reduce(0) { $0 + UInt64($1.count) },
      discardedBytes: part.discarded.reduce(0) { $0 + UInt64($1.count) },
      blankBytesSkipped: part.blankBytesSkipped)
  }

  /// The plan as lines, aligned; empty steps say that there is nothing to do.
  public func text(_ style: TextStyle) -> String {
    var table = TextTable([.leading, .leading, .trailing, .leading])
    for step in steps where step.action != "leave" {
      table.add([
        style(.strong, step.action), step.address.map { style(.accent, $0) } ?? "",
        step.bytes.map(sizeText) ?? "", step.detail ?? "",
      ])
    }
    var lines = [style(.strong, "Plan")]
    if steps.allSatisfy({ $0.action == "leave" }) {
      lines.append("  nothing to erase or to write")
    }
    lines += table.lines(indent: 2)
    for part in untouched { lines += part.lines.map { "  " + $0 } }
    lines.append("  then " + wrapped(afterwards, width: style.width, indent: 7))
    lines.append(
      "  cost "
        + wrapped(
          "\(countText(cost.controlTransfers, "control transfer")), "
            + "\(sizeText(UInt64(cost.bytesOut))) out, \(sizeText(UInt64(cost.bytesIn))) in, about "
            + durationText(.seconds(cost.seconds)), width: style.width, indent: 7))
    for note in notes {
      lines.append(
        "  " + style(.warning, "note") + " " + wrapped(note, width: style.width - 7, indent: 7))
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension PlanReport.Untouched {
  fileprivate var lines: [String] {
    var lines: [String] = []
    if unchangedSectors > 0 {
      lines.append("\(countText(unchangedSectors, "sector")) unchanged, left alone")
    }
    if blankSectors > 0 {
      lines.append("\(countText(blankSectors, "sector")) blank already, not erased")
    }
    if keptBytes > 0 {
      lines.append("\(sizeText(keptBytes)) beside the image kept, written back")
    }
    if discardedBytes > 0 {
      lines.append("\(sizeText(discardedBytes)) beside the image lost, as you said")
    }
    return lines
  }
}

extension LeaveDecision {
  /// What happens, as a clause behind “then”.
  public var clause: String {
    switch self {
    case .leaves(let address, let reason):
      "leave the bootloader for \(addressText(address)): \(reason)"
    case .stays(let reason): "stay in the bootloader: \(reason)"
    case .manifests: "let the device manifest, and go where it goes"
    case .returns: "let the device manifest, and send it back to its application"
    case .resets: "the part resets itself"
    }
  }
}

/// Sectors in the fewest words: `4×16 K + 64 K + 7×128 K`.
public func sectorsText(_ runs: [SectorRun]) -> String {
  var words: [(count: UInt64, size: UInt64)] = []
  for run in runs {
    if let last = words.last, last.size == run.sectorSize {
      words[words.count - 1].count += run.count
    } else {
      words.append((run.count, run.sectorSize))
    }
  }
  return words.map { word in
    let size =
      word.size % (1 << 20) == 0
      ? "\(word.size >> 20) M" : word.size % 1024 == 0 ? "\(word.size >> 10) K" : "\(word.size) B"
    return word.count == 1 ? size : "\(word.count)×\(size)"
  }.joined(separator: " + ")
}

/// Runs that touch each other, together.
func joined(_ runs: [SectorRun]) -> [[SectorRun]] {
  var stretches: [[SectorRun]] = []
  for run in runs {
    if let last = stretches.last?.last, last.range.upperBound == run.start {
      stretches[stretches.count - 1].append(run)
    } else {
      stretches.append([run])
    }
  }
  return stretches
}

/// A duration as a number of seconds, for documents.
public func secondsNumber(_ duration: Duration) -> Double {
  let (seconds, attoseconds) = duration.components
  return Double(seconds) + Double(attoseconds) / 1e18
}
