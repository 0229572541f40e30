public import DFUHost
internal import USB

/// A stretch of memory in a document.
public struct StretchDocument: Encodable, Hashable, Sendable {
  /// The alternate setting.
  public var target: UInt8
  /// The first address, as `0x08000000`.
  public var address: String
  /// How many bytes.
  public var bytes: UInt64

  /// A stretch.
  public init(target: UInt8, _ range: Range<UInt64>) {
    self.target = target
    address = addressText(range.lowerBound)
    bytes = range.upperBound - range.lowerBound
  }

  var line: String { "\(address)  \(exactSizeText(bytes))" }
}

/// How a comparison with a device went: `dfu verify`.
public struct VerifyDocument: Encodable, Hashable, Sendable {
  /// The name and version of this document's shape.
  public var schema = "dfu.verify/1"
  /// Whether every byte is the same.
  public var isSame: Bool
  /// How many bytes were compared.
  public var bytesCompared: Int
  /// How many of them differ.
  public var bytesDiffering: Int
  /// Where they differ.
  public var differences: [StretchDocument]
  /// All that went over the wire.
  public var transfers: FlashDocument.Transfers

  /// The outcome of a comparison.
  public init(_ report: VerifyReport, transfers: FlashDocument.Transfers) {
    isSame = report.isSame
    bytesCompared = report.bytesCompared
    bytesDiffering = report.bytesDiffering
    differences = report.differences.map {
      StretchDocument(target: $0.alternateSetting, $0.range)
    }
    self.transfers = transfers
  }

  /// The outcome in words, and the first differences.
  public func text(_ style: TextStyle) -> String {
    guard !isSame else {
      return "\(style(.good, "Same")): all \(exactSizeText(UInt64(bytesCompared))) of the file are "
        + "in the device.\n"
    }
    return
      "\(style(.bad, "Different")): \(bytesDiffering) of \(bytesCompared) bytes differ.\n"
      + stretchLines(differences, style)
  }
}

/// What a blank check found: `dfu blank-check`.
public struct BlankDocument: Encodable, Hashable, Sendable {
  /// The name and version of this document's shape.
  public var schema = "dfu.blank-check/1"
  /// Whether everything is erased.
  public var isBlank: Bool
  /// What an erased byte of this memory holds, as `0xFF`.
  public var erasedByte: String
  /// How many bytes were looked at.
  public var bytesChecked: Int
  /// How many of them are not erased.
  public var bytesUsed: Int
  /// Where they are.
  public var used: [StretchDocument]

  /// The outcome of a blank check.
  public init(_ report: BlankReport, target: UInt8) {
    isBlank = report.isBlank
    erasedByte = "0x\(hex(report.erasedByte).uppercased())"
    bytesChecked = report.bytesChecked
    bytesUsed = report.bytesUsed
    used = report.used.map { StretchDocument(target: target, $0) }
  }

  /// The outcome in words, and the first stretches that are used.
  public func text(_ style: TextStyle) -> String {
    guard !isBlank else {
      return "\(style(.good, "Blank")): all \(exactSizeText(UInt64(bytesChecked))) are "
        + "\(erasedByte).\n"
    }
    return "\(style(.bad, "Not blank")): \(bytesUsed) of \(bytesChecked) bytes are used.\n"
      + stretchLines(used, style)
  }
}

private func stretchLines(_ stretches: [StretchDocument], _ style: TextStyle) -> String {
  let shown = 16
  var lines = stretches.prefix(shown).map { "  " + $0.line }
  if stretches.count > shown {
    lines.append("  " + style(.faint, "and \(stretches.count - shown) more stretches"))
  }
  return lines.joined(separator: "\n") + "\n"
}

/// What an erase did: `dfu erase`.
public struct EraseDocument: Encodable, Hashable, Sendable {
  /// The name and version of this document's shape.
  public var schema = "dfu.erase/1"
  /// The alternate setting.
  public var target: UInt8
  /// Whether the whole memory was erased by one command.
  public var massErased: Bool
  /// How many sectors were erased one by one.
  public var sectorsErased: Int
  /// Where they are.
  public var erased: [StretchDocument]
  /// Whether the memory was read afterwards and is blank; nil where it was not read.
  public var isBlank: Bool?
  /// What an erased byte of this memory holds, as `0xFF`; nil where it was not read.
  public var erasedByte: String?
  /// Where it is not blank, if it was read.
  public var used: [StretchDocument]
  /// Seconds that it took.
  public var seconds: Double

  /// The outcome of an erase.
  ///
  /// - Parameters:
  ///   - report: what was erased.
  ///   - target: the alternate setting.
  ///   - blank: what a blank check found afterwards; nil where there was none.
  public init(_ report: EraseReport, target: UInt8, blank: BlankReport?) {
    self.target = target
    massErased = report.massErased
    sectorsErased = report.sectorsErased
    erased = report.erased.map { StretchDocument(target: target, $0) }
    isBlank = blank?.isBlank
    used = blank?.used.map { StretchDocument(target: target, $0) } ?? []
    erasedByte = blank.map { "0x\(hex($0.erasedByte).uppercased())" }
    seconds = secondsNumber(report.duration)
  }

  /// The outcome in words.
  public func text(_ style: TextStyle) -> String {
    var text =
      massErased
      ? "\(style(.good, "Done")): erased the whole memory"
      : "\(style(.good, "Done")): erased \(countText(sectorsErased, "sector"))"
    text += " in \(durationText(.seconds(seconds))).\n"
    switch isBlank {
    case true?:
      text += "\(style(.good, "Proved")): read back, and every byte is \(erasedByte ?? "").\n"
    case false?:
      text += "\(style(.bad, "Not blank")): some of it still holds data.\n"
      text += stretchLines(used, style)
    case nil: text += "\(style(.warning, "Not proved")): it was not read back.\n"
    }
    if !massErased {
      for stretch in erased { text += "  \(stretch.line)\n" }
    }
    return text
  }
}

/// A short outcome: what was done, and what the device does now.
public struct OutcomeDocument: Encodable, Hashable, Sendable {
  /// The name and version of this document's shape.
  public var schema: String
  /// What was done: one sentence.
  public var outcome: String
  /// What to do next, if anything.
  public var help: String?
  /// What came back, where the device went away and was followed.
  public var returned: ReturnedDocument?

  /// An outcome.
  public init(
    schema: String, outcome: String, help: String? = nil, returned: ReturnedDocument? = nil
  ) {
    self.schema = schema
    self.outcome = outcome
    self.help = help
    self.returned = returned
  }

  /// The sentence, what came back, and the help on a line of its own.
  public func text(_ style: TextStyle) -> String {
    var text = wrapped(outcome, width: style.width, indent: 2) + "\n"
    if let returned { text += wrapped(returned.sentence, width: style.width, indent: 2) + "\n" }
    if let help { text += "  " + wrapped(help, width: style.width - 2, indent: 2) + "\n" }
    return text
  }
}

/// One step on the way, for `--events`.
public struct ProgressDocument: Encodable, Hashable, Sendable {
  /// `progress`.
  public var event = "progress"
  /// What is being done.
  public var phase: String
  /// Bytes that are done in this phase.
  public var done: UInt64
  /// Bytes that there are; 0 where that is not known.
  public var total: UInt64
  /// The address that is worked at.
  public var address: String?
  /// The alternate setting.
  public var target: UInt8?

  /// A step.
  public init(_ progress: DFUProgress) {
    phase = progress.phase.rawValue
    done = progress.done
    total = progress.total
    address = progress.address.map(addressText)
    target = progress.alternateSetting
  }
}
