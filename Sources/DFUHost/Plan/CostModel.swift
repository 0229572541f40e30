internal import DFU

/// What steps cost on one alternate setting (DFU 1.1, 6.1; AN3156, section 4).
///
/// Every command and every block is three control transfers: DFU_DNLOAD, the DFU_GETSTATUS that starts
/// the work, and the one that finds it done. The time is that of the chip's data sheet, of the bytes on
/// a full-speed bus, and of the transfers.
public struct CostModel: Hashable, Sendable {
  /// The alternate setting.
  public var target: FlashTarget
  /// One small control transfer on a full-speed bus: 0.3 to 1 ms are met.
  public var transferTime: Duration
  /// One byte on a full-speed bus: about 1.1 MB/s.
  public var byteTime: Duration

  /// The costs of `target` on a full-speed bus.
  public init(
    _ target: FlashTarget, transferTime: Duration = .microseconds(500),
    byteTime: Duration = .nanoseconds(909)
  ) {
    self.target = target
    self.transferTime = transferTime
    self.byteTime = byteTime
  }

  private static let statusLength = 6

  /// Transfers and bytes, and the time that they and the device's own work take.
  private func cost(
    _ transfers: Int, out: Int = 0, in bytesIn: Int = 0, work: Duration = .zero
  ) -> PlanCost {
    PlanCost(
      controlTransfers: transfers, bytesOut: out, bytesIn: bytesIn,
      duration: transferTime * transfers + byteTime * (out + bytesIn) + work)
  }

  /// DFU_DNLOAD with `length` bytes and two DFU_GETSTATUS.
  private func command(_ length: Int, work: Duration = .zero) -> PlanCost {
    cost(3, out: length, in: 2 * CostModel.statusLength, work: work)
  }

  /// SET_INTERFACE and DFU_GETSTATUS.
  public var select: PlanCost { cost(2, in: CostModel.statusLength) }

  /// Set Address Pointer.
  public var setAddress: PlanCost { command(5) }

  /// Erasing one sector.
  public func erase(sectorOf size: UInt64) -> PlanCost {
    command(
      5, work: target.chip?.eraseTime(of: size) ?? CostModel.typicalErase(size))
  }

  /// Erasing the whole memory.
  public var massErase: PlanCost {
    command(1, work: target.chip?.massEraseTime ?? .seconds(10))
  }

  /// Writing a run: its address, and its blocks.
  public func write(_ run: WriteRun) -> PlanCost {
    let count = run.byteCount
    return setAddress
      + cost(
        3 * run.blockCount, out: count, in: 2 * CostModel.statusLength * run.blockCount,
        work: target.chip?.programTime(count) ?? .microseconds(5) * count)
  }

  /// Sending a payload to a device without addresses: its blocks, the empty one, and a status.
  public func download(_ download: PlainDownload) -> PlanCost {
    cost(
      3 * download.blockCount + 2, out: download.bytes.count,
      in: CostModel.statusLength * (2 * download.blockCount + 1),
      work: .microseconds(5) * download.bytes.count)
  }

  /// Reading a range: its address, DFU_ABORT and DFU_GETSTATUS, the blocks, and the two again.
  public func read(_ range: Range<UInt64>) -> PlanCost {
    let blocks = (range.count + target.transferSize - 1) / target.transferSize
    // A device without addresses is read from its first block on, and DFU_ABORT ends it.
    guard target.dialect == .dfuSe else { return cost(blocks + 1, in: range.count) }
    return setAddress + cost(4 + blocks, in: range.count + 2 * CostModel.statusLength)
  }

  /// Leaving: the address, the empty block, and a status.
  public var leave: PlanCost { setAddress + cost(2, in: CostModel.statusLength) }

  /// Any step.
  public func cost(of step: FlashStep) -> PlanCost {
    switch step {
    case .select: select
    case .massErase: massErase
    case .erase(let sector): erase(sectorOf: UInt64(sector.range.count))
    case .write(let run): write(run)
    // The part resets instead of answering the second DFU_GETSTATUS of the block.
    case .writeOptionBytes(let run):
      setAddress + cost(2, out: run.byteCount, in: CostModel.statusLength)
    case .download(let run): download(run)
    case .verify(let range): read(range)
    case .leave: leave
    }
  }

  /// What flash of unknown make takes for a sector: an F4's speed, and at least a page's 25 ms.
  private static func typicalErase(_ size: UInt64) -> Duration {
    max(.milliseconds(25), .microseconds(8) * Int(clamping: min(size, 1 << 26)))
  }
}

extension FlashPlan {
  /// Every step with what it costs.
  public var costs: [(step: FlashStep, cost: PlanCost)] {
    let models = parts.map { CostModel($0.target) }
    var model = models.first { $0.target.alternateSetting == selected } ?? models.first
    return steps.compactMap { step in
      if case .select(let number) = step {
        model = models.first { $0.target.alternateSetting == number } ?? model
      }
      return model.map { (step, $0.cost(of: step)) }
    }
  }

  /// What all steps cost together.
  public var cost: PlanCost { costs.reduce(.zero) { $0 + $1.cost } }
}

extension FlashSurvey {
  /// What the survey costs, selecting its alternate settings included.
  public var cost: PlanCost {
    parts.reduce(.zero) { (sum, part) in
      let model = CostModel(part.target)
      return part.ranges.reduce(sum + model.select) { $0 + model.read($1) }
    }
  }
}
