internal import DFU
public import USB

/// What a flash did: the receipt.
public struct FlashReport: Hashable, Sendable {
  /// What was done to one alternate setting.
  public struct Part: Hashable, Sendable {
    /// `bAlternateSetting`.
    public var alternateSetting: UInt8
    /// Its name.
    public var name: String
    /// Whether the whole memory was erased by one command.
    public var massErased = false
    /// The sectors that were erased, those that touch joined.
    public var erased: [Range<UInt64>] = []
    /// How many sectors that are.
    public var sectorsErased = 0
    /// What was written; blank blocks that were left out count as written.
    public var written: [Range<UInt64>] = []
    /// Bytes that were sent, padding and kept bytes included.
    public var bytesSent = 0
    /// Bytes of blank blocks that were not sent.
    public var blankBytesSkipped = 0
    /// Sectors that held already what the image says; reading them proved it.
    public var unchanged: [Range<UInt64>] = []
    /// How many sectors that are.
    public var sectorsUnchanged = 0
    /// Bytes beside the image that were kept.
    public var kept: [Range<UInt64>] = []
    /// Bytes beside the image that were given up.
    public var discarded: [Range<UInt64>] = []
    /// What was read back after writing and is right.
    public var proved: [Range<UInt64>] = []

    init(alternateSetting: UInt8, name: String) {
      self.alternateSetting = alternateSetting
      self.name = name
    }
  }

  /// Whether the memory is known to hold the image.
  public enum Proof: Hashable, Sendable {
    /// It was read, before or after writing, and holds what it should.
    case proved
    /// It was not read; the reason is a clause.
    case notProved(because: String)
  }

  /// Where the device is now.
  public enum Departure: Hashable, Sendable {
    /// It has left its bootloader for the program at this address.
    case left(for: UInt64, LeaveEngine.Output)
    /// It is still in its bootloader; the reason is a clause.
    case stays(because: String)
    /// A device without addresses has taken the file over.
    case manifested(PlainDownloadEngine.Ending)
    /// It has reset itself, because option bytes were written.
    case reset
    /// A device without addresses has taken the file over and was then made to leave for its application
    /// (``DFUSession/leaveForApplication(on:within:progress:)``).
    case sentHome
  }

  /// The alternate settings, in the order of the plan.
  public var parts: [Part]
  /// Whether the memory is known to hold the image.
  public var proof: Proof
  /// Where the device is now.
  public var departure: Departure
  /// All that went over the wire since the device was opened, strings included.
  public var transfers = TransferCount()
  /// The time spent in each phase since the device was opened.
  public var durations: [DFUPhase: Duration] = [:]
  /// What a person should know.
  public var notes: [PlanNote]

  /// Whether the memory of the device was changed.
  public var changedNothing: Bool {
    parts.allSatisfy {
      !$0.massErased && $0.erased.isEmpty && $0.written.isEmpty && $0.bytesSent == 0
    }
  }

  /// The time of all phases.
  public var duration: Duration { durations.values.reduce(.zero, +) }

  init(_ plan: FlashPlan) {
    parts = plan.parts.map { part in
      var report = Part(
        alternateSetting: part.target.alternateSetting, name: part.target.name)
      report.unchanged = part.unchanged.map(\.range)
      report.sectorsUnchanged = part.unchanged.sectorCount
      report.blankBytesSkipped = part.blankBytesSkipped
      report.kept = part.kept
      report.discarded = part.discarded
      return report
    }
    notes = plan.notes
    proof = .notProved(because: "it has not come to that")
    departure = .stays(because: "it has not come to that")
  }
}
