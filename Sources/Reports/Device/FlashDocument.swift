internal import DFU
public import DFUHost
internal import Firmware
public import USB

/// What `dfu flash` did: the receipt as a document and as text.
public struct FlashDocument: Encodable, Hashable, Sendable {
  /// What was done to one alternate setting.
  public struct Part: Encodable, Hashable, Sendable {
    /// `bAlternateSetting`.
    public var target: UInt8
    /// Its name.
    public var name: String
    /// Whether the whole memory was erased by one command.
    public var massErased: Bool
    /// How many sectors were erased one by one.
    public var sectorsErased: Int
    /// How many sectors held what the image says already.
    public var sectorsUnchanged: Int
    /// Bytes that were sent.
    public var bytesSent: Int
    /// Bytes that were not sent because they are blank.
    public var blankBytesSkipped: Int
    /// Bytes beside the image that were kept.
    public var bytesKept: UInt64
    /// Bytes that were read back after writing and are right.
    public var bytesProved: UInt64
  }

  /// All that went over the wire.
  public struct Transfers: Encodable, Hashable, Sendable {
    /// Control transfers, strings and all.
    public var control: Int
    /// Bytes to the device.
    public var bytesOut: Int
    /// Bytes from the device.
    public var bytesIn: Int
    /// How many of each request.
    public var requests: [String: Int]

    /// The transfers that were counted.
    public init(_ count: TransferCount) {
      control = count.controlTransfers
      bytesOut = count.bytesOut
      bytesIn = count.bytesIn
      requests = [:]
      for (key, number) in count.byRequest { requests[requestName(key), default: 0] += number }
    }
  }

  /// The name and version of this document's shape.
  public var schema = "dfu.flash/1"
  /// The file, as it was named.
  public var file: String
  /// What a person types to name the device.
  public var device: String
  /// What was done.
  public var parts: [Part]
  /// Whether the memory is known to hold the image.
  public var isProved: Bool
  /// Why it is not known, as a clause.
  public var notProvedBecause: String?
  /// Whether the memory was left as it was.
  public var changedNothing: Bool
  /// Where the device is now: one clause.
  public var departure: String
  /// Whether the device has left its bootloader.
  public var hasLeft: Bool
  /// The ids of the application that was detached for this, as `cafe:4001`.
  public var detachedFrom: String?
  /// What came back, where the device has left and was followed.
  public var returned: ReturnedDocument?
  /// All that went over the wire.
  public var transfers: Transfers
  /// Seconds of each phase.
  public var seconds: [String: Double]
  /// Seconds of all phases.
  public var totalSeconds: Double
  /// What a person should know.
  public var notes: [String]

  /// The receipt of a flash.
  public init(_ report: FlashReport, file: String, device: String) {
    self.file = file
    self.device = device
    parts = report.parts.map { part in
      Part(
        target: part.alternateSetting, name: part.name, massErased: part.massErased,
        sectorsErased: part.sectorsErased, sectorsUnchanged: part.sectorsUnchanged,
        bytesSent: part.bytesSent, blankBytesSkipped: part.blankBytesSkipped,
        bytesKept: part.kept.reduce(0) { $0 + UInt64($1.count) },
        bytesProved: part.proved.reduce(0) { $0 + UInt64($1.count) })
    }
    switch report.proof {
    case .proved: (isProved, notProvedBecause) = (true, nil)
    case .notProved(let reason): (isProved, notProvedBecause) = (false, reason)
    }
    changedNothing = report.changedNothing
    departure = report.departure.clause
    hasLeft = report.departure.hasLeft
    transfers = Transfers(report.transfers)
    seconds = [:]
    for (phase, duration) in report.durations { seconds[phase.rawValue] = secondsNumber(duration) }
    totalSeconds = secondsNumber(report.duration)
    notes = report.notes.map(\.sentence)
  }

  /// Some lines: what was done, the proof, where the device is.
  public func text(_ style: TextStyle) -> String {
    var lines: [String] = []
    let sectors = parts.reduce(0) { $0 + $1.sectorsErased }
    let unchanged = parts.reduce(0) { $0 + $1.sectorsUnchanged }
    let sent = parts.reduce(0) { $0 + $1.bytesSent }
    if changedNothing {
      lines.append(
        "\(style(.good, "Nothing to do")): \(countText(unchanged, "sector")) \(unchanged == 1 ? "holds" : "hold") the file already; "
          + "nothing was erased or written.")
    } else {
      var words: [String] = []
      if parts.contains(where: \.massErased) { words.append("erased the whole memory") }
      if sectors > 0 { words.append("erased \(countText(sectors, "sector"))") }
      words.append("wrote \(sizeText(UInt64(sent)))")
      if unchanged > 0 { words.append("left \(countText(unchanged, "unchanged sector")) alone") }
      let kept = parts.reduce(UInt64(0)) { $0 + $1.bytesKept }
      if kept > 0 { words.append("kept \(sizeText(kept)) beside the image") }
      lines.append("\(style(.good, "Done")): \(listText(words)).")
    }
    if isProved {
      lines.append("\(style(.good, "Proved")): read back, and every byte is right.")
    } else if let notProvedBecause {
      lines.append("\(style(.warning, "Not proved")): \(notProvedBecause).")
    }
    lines.append("The device \(departure).")
    if let returned { lines.append(returned.sentence) }
    lines.append(
      style(
        .faint,
        "\(countText(transfers.control, "control transfer")), \(sizeText(UInt64(transfers.bytesOut))) "
          + "out, \(sizeText(UInt64(transfers.bytesIn))) in, "
          + durationText(.seconds(totalSeconds)) + phases))
    return lines.map { wrapped($0, width: style.width, indent: 2) }.joined(separator: "\n") + "\n"
  }

  private var phases: String {
    let order = DFUPhase.allCases.map(\.rawValue)
    let shown = order.compactMap { name -> String? in
      guard let time = seconds[name], time >= 0.001 else { return nil }
      return "\(name) \(durationText(.seconds(time)))"
    }
    return shown.count > 1 ? " (\(shown.joined(separator: ", ")))" : ""
  }
}

extension FlashReport.Departure {
  /// Where the device is, as a clause behind “the device”.
  public var clause: String {
    switch self {
    case .left(let address, .vanished):
      "has left its bootloader for \(addressText(address)) (it was gone before it answered, as many "
        + "are)"
    case .left(let address, _): "has left its bootloader for \(addressText(address))"
    case .stays(let reason): "is still in its bootloader: \(reason)"
    case .manifested(.idle): "has taken the file over and is back in dfuIDLE"
    case .manifested(.vanished): "has taken the file over and gone away"
    case .manifested(.reset): "has taken the file over and was given the USB reset it waits for"
    case .reset: "has reset itself, because option bytes were written"
    case .sentHome: "has taken the file over and was sent back to its application"
    }
  }

  /// Whether the device is not in its bootloader any more, as far as is known.
  public var hasLeft: Bool {
    switch self {
    case .left, .manifested(.vanished), .manifested(.reset), .sentHome: true
    case .stays, .reset, .manifested(.idle): false
    }
  }
}

/// The name of a request as its specification spells it.
func requestName(_ key: TransferCount.RequestKey) -> String {
  if key.requestType.kind == .class, key.requestType.recipient == .interface,
    let request = DFURequest(rawValue: key.request)
  {
    return request.specificationName
  }
  guard key.requestType.kind == .standard else { return "0x\(hex(key.request))" }
  switch StandardRequest(rawValue: key.request) {
  case .getDescriptor: return "GET_DESCRIPTOR"
  case .setInterface: return "SET_INTERFACE"
  case .setConfiguration: return "SET_CONFIGURATION"
  case .getInterface: return "GET_INTERFACE"
  case .clearFeature: return "CLEAR_FEATURE"
  default: return "0x\(hex(key.request))"
  }
}

/// The memory of a plan's parts as a picture: every sector that the image touches, and what happens
/// to it.
///
/// - Parameters:
///   - plan: what was done.
///   - isDone: whether it was done; otherwise it is going to be.
///   - isProved: whether it was read back.
///   - style: how the text may look.
/// - Returns: the lines; empty for a device without addresses.
public func memoryPicture(
  of plan: FlashPlan, isDone: Bool, isProved: Bool, _ style: TextStyle
) -> [String] {
  var lines: [String] = []
  for part in plan.parts {
    guard let map = part.target.map, !part.expected.isEmpty else { continue }
    func holds(_ runs: [SectorRun], _ sector: Sector) -> Bool {
      runs.contains { $0.range.contains(sector.range.lowerBound) }
    }
    // More sectors than a screen shows are drawn as equal parts.
    let touched = map.touched(by: part.expected, limit: 24)
    let picture: MemoryPicture
    if let touched {
      picture = MemoryPicture(
        of: part.expected, sectors: touched, erasedByte: part.target.erasedByte
      ) { sector in
        if holds(part.unchanged, sector) { return ("unchanged", .faint) }
        let erased = part.massErase || holds(part.erases, sector)
        let words =
          switch (isDone, erased) {
          case (true, true): "erased, written"
          case (true, false): "written"
          case (false, true): "erase, write"
          case (false, false): "write"
          }
        return (isDone && isProved ? "\(words), proved" : words, isDone ? .good : .warning)
      }
    } else {
      picture = MemoryPicture(of: part.expected, erasedByte: part.target.erasedByte)
    }
    lines.append(style(.strong, terminalSafe(part.target.described)))
    lines += picture.lines(style)
    lines.append(picture.legend(style))
  }
  return lines
}

extension MemoryMap {
  /// The sectors that hold bytes of an image; nil where they are more than `limit`.
  fileprivate func touched(by image: FirmwareImage, limit: Int) -> [Sector]? {
    var touched: [Sector] = []
    for extent in image.extents {
      for sector in sectors(intersecting: extent) where touched.last != sector {
        if touched.count == limit { return nil }
        touched.append(sector)
      }
    }
    return touched
  }
}
