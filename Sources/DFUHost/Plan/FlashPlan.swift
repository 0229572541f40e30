public import DFU
public import Firmware
internal import USB

/// One thing that is done to the device.
public enum FlashStep: Hashable, Sendable {
  /// SET_INTERFACE to this alternate setting, then DFU_GETSTATUS: all that follows goes there.
  case select(UInt8)
  /// Erases the whole memory of the alternate setting.
  case massErase
  /// Erases one sector.
  case erase(Sector)
  /// Writes bytes behind one Set Address Pointer.
  case write(WriteRun)
  /// Writes one whole block of option bytes; the device resets at once, and answers no more.
  case writeOptionBytes(WriteRun)
  /// Sends a payload to a device without addresses, and lets it manifest.
  case download(PlainDownload)
  /// Reads the range back and compares it with what the part of the plan expects.
  case verify(Range<UInt64>)
  /// Leaves the bootloader for the program whose vector table is at this address.
  case leave(UInt64)
}

/// Where the device goes when all is done.
public enum LeaveDecision: Hashable, Sendable {
  /// It leaves the bootloader for the program at this address; the reason is a clause.
  case leaves(at: UInt64, because: String)
  /// It stays in the bootloader; the reason is a clause.
  case stays(because: String)
  /// It manifests: a device without addresses goes where it goes.
  case manifests
  /// It manifests, and would stay: whoever runs the plan sends it back to its application, with
  /// ``DFUSession/leaveForApplication(on:within:progress:)``.
  case returns
  /// It resets by itself, because option bytes have been written.
  case resets
}

/// Something about a plan that a person should know.
public struct PlanNote: Hashable, Sendable {
  /// A stable name of the kind of note.
  public var slug: String
  /// One sentence.
  public var sentence: String

  /// A note.
  public init(_ slug: String, _ sentence: String) {
    self.slug = slug
    self.sentence = sentence
  }
}

/// All that will be done to a device, in order, and what it costs: a value to print, compare and run.
///
/// Whatever is erased is erased before the first byte is written, ascending, each sector once.
public struct FlashPlan: Hashable, Sendable {
  /// What happens to one alternate setting.
  public struct Part: Hashable, Sendable {
    /// The alternate setting, with what was read of it.
    public var target: FlashTarget
    /// Whether the whole memory is erased first.
    public var massErase = false
    /// The sectors that are erased, ascending.
    public var erases: [SectorRun] = []
    /// What is written, ascending.
    public var runs: [WriteRun] = []
    /// Blocks of option bytes that are written last.
    public var optionBytes: [WriteRun] = []
    /// What a device without addresses is sent.
    public var download: PlainDownload?
    /// What is read back, ascending.
    public var verify: [Range<UInt64>] = []
    /// What memory must hold afterwards; bytes of verified ranges that are not in here do not matter.
    public var expected = FirmwareImage()
    /// Sectors that already hold what the image says: neither erased nor written.
    public var unchanged: [SectorRun] = []
    /// Sectors that are written without being erased, because they are blank.
    public var alreadyBlank: [SectorRun] = []
    /// Bytes outside the image that are written back because they share a sector with new data.
    public var kept: [Range<UInt64>] = []
    /// Bytes outside the image that are lost because nobody wants them kept.
    public var discarded: [Range<UInt64>] = []
    /// Bytes of blank blocks that are not sent.
    public var blankBytesSkipped = 0

    /// A part that does nothing yet.
    public init(target: FlashTarget) { self.target = target }
  }

  /// The alternate settings, in the order in which they are written.
  public var parts: [Part]
  /// Where the device goes when all is done.
  public var leave: LeaveDecision
  /// What a person should know.
  public var notes: [PlanNote]
  /// The alternate setting that the device has when the plan starts, where that is known: a survey
  /// has just selected it, and selecting it again would cost two transfers.
  public var selected: UInt8?

  /// A plan from its parts.
  public init(
    parts: [Part], leave: LeaveDecision, notes: [PlanNote] = [], selected: UInt8? = nil
  ) {
    self.parts = parts
    self.leave = leave
    self.notes = notes
    self.selected = selected
  }

  /// The steps, in order: every erase, every write, every proof, option bytes, leaving.
  public var steps: [FlashStep] {
    var steps: [FlashStep] = []
    var selected = self.selected
    func select(_ part: Part) {
      guard selected != part.target.alternateSetting else { return }
      selected = part.target.alternateSetting
      steps.append(.select(part.target.alternateSetting))
    }
    #if RULE_SWITCHES
      if !HostRule.erasesFirst.isKept { return stepsInDescendingOrder }
    #endif
    for part in parts where part.massErase || !part.erases.isEmpty {
      select(part)
      if part.massErase { steps.append(.massErase) }
      for run in part.erases {
        for index in 0..<run.count {
          let start = run.start + index * run.sectorSize
          steps.append(
            .erase(Sector(range: start..<start + run.sectorSize, rights: run.rights)))
        }
      }
    }
    for part in parts where !part.runs.isEmpty || part.download != nil {
      select(part)
      steps += part.runs.map { .write($0) }
      if let download = part.download { steps.append(.download(download)) }
    }
    for part in parts where !part.verify.isEmpty {
      select(part)
      steps += part.verify.map { .verify($0) }
    }
    for part in parts where !part.optionBytes.isEmpty {
      select(part)
      steps += part.optionBytes.map { .writeOptionBytes($0) }
    }
    if case .leaves(let address, _) = leave {
      let home = parts.first { $0.target.map?.sector(containing: address) != nil }
      if let part = home ?? (selected == nil ? parts.first : nil) { select(part) }
      steps.append(.leave(address))
    }
    return steps
  }

}
