internal import DFU
internal import USB

extension FlashPlan {
  /// The numbers of a plan, for reports.
  public struct Summary: Hashable, Sendable {
    /// Bytes that are sent, padding and kept bytes included.
    public var bytesToWrite = 0
    /// Blocks that are sent.
    public var blocks = 0
    /// Sectors that are erased one by one.
    public var sectorsErased = 0
    /// Whether a whole memory is erased.
    public var massErase = false
    /// Sectors that hold already what they shall.
    public var sectorsUnchanged = 0
    /// Sectors that are written without being erased.
    public var sectorsAlreadyBlank = 0
    /// Bytes beside the image that are written back.
    public var bytesKept = 0
    /// Bytes beside the image that are lost.
    public var bytesDiscarded = 0
    /// Bytes of the image that are not sent because they are blank.
    public var blankBytesSkipped = 0
    /// Bytes that are read back.
    public var bytesToVerify = 0

    /// Whether the device's memory stays as it is.
    public var changesNothing: Bool { bytesToWrite == 0 && sectorsErased == 0 && !massErase }
  }

  /// The numbers of all parts together.
  public var summary: Summary {
    var summary = Summary()
    for part in parts {
      let runs = part.runs + part.optionBytes
      summary.bytesToWrite += runs.reduce(part.download?.bytes.count ?? 0) { $0 + $1.byteCount }
      summary.blocks += runs.reduce(part.download?.blockCount ?? 0) { $0 + $1.blockCount }
      summary.sectorsErased += part.erases.sectorCount
      summary.massErase = summary.massErase || part.massErase
      summary.sectorsUnchanged += part.unchanged.sectorCount
      summary.sectorsAlreadyBlank += part.alreadyBlank.sectorCount
      summary.bytesKept += part.kept.byteCount
      summary.bytesDiscarded += part.discarded.byteCount
      summary.blankBytesSkipped += part.blankBytesSkipped
      summary.bytesToVerify += part.verify.byteCount
    }
    return summary
  }

  /// The plan line by line, as a person reads it: what is left alone, then every step in order.
  ///
  /// Sectors that follow each other and are of one size share a line.
  public var lines: [String] {
    var lines: [String] = []
    for part in parts {
      lines += part.unchanged.map { "unchanged \(FlashPlan.text($0))" }
    }
    var selected = self.selected
    func head(_ part: Part) {
      guard selected != part.target.alternateSetting else { return }
      selected = part.target.alternateSetting
      lines.append("select \(part.target.described)")
    }
    for part in parts where part.massErase || !part.erases.isEmpty {
      head(part)
      if part.massErase { lines.append("mass erase") }
      lines += part.erases.map { "erase \(FlashPlan.text($0))" }
      lines += part.kept.map {
        "  keep \(addressText($0.lowerBound)) \(byteCountText(UInt64($0.count)))"
      }
      lines += part.discarded.map {
        "  lose \(addressText($0.lowerBound)) \(byteCountText(UInt64($0.count)))"
      }
    }
    for part in parts where !part.runs.isEmpty || part.download != nil {
      head(part)
      lines += part.runs.map { FlashPlan.text("write", $0) }
      if let download = part.download {
        lines.append(
          "download \(byteCountText(UInt64(download.bytes.count))) in \(blocksText(download.blockCount))"
        )
      }
    }
    for part in parts where !part.verify.isEmpty {
      head(part)
      lines += part.verify.map {
        "verify \(addressText($0.lowerBound)) \(byteCountText(UInt64($0.count)))"
      }
    }
    for part in parts where !part.optionBytes.isEmpty {
      head(part)
      lines += part.optionBytes.map { FlashPlan.text("write option bytes", $0) }
    }
    switch leave {
    case .leaves(let address, let reason):
      lines.append("leave for \(addressText(address)), because \(reason)")
    case .stays(let reason): lines.append("stay in the bootloader, because \(reason)")
    case .manifests: lines.append("manifest")
    case .returns: lines.append("manifest, and go back to the application")
    case .resets: lines.append("the part resets by itself")
    }
    return lines
  }

  private static func text(_ run: SectorRun) -> String {
    let size = byteCountText(run.sectorSize)
    return "\(addressText(run.start)) \(run.count == 1 ? size : "\(run.count) × \(size)")"
  }

  private static func text(_ verb: String, _ run: WriteRun) -> String {
    var text =
      "\(verb) \(addressText(run.address)) \(byteCountText(UInt64(run.byteCount))) in "
      + blocksText(run.blockCount)
    if run.byteCount < run.bytes.count {
      text += ", \(byteCountText(UInt64(run.bytes.count - run.byteCount))) blank between"
    }
    return text
  }
}

extension FlashPlan: CustomStringConvertible {
  /// The lines of the plan.
  public var description: String { lines.joined(separator: "\n") }
}

func blocksText(_ count: Int) -> String { count == 1 ? "1 block" : "\(count) blocks" }
