public import DFU

/// Something that happened to a virtual part: what its user could not see through the wire.
public struct JournalEntry: Hashable, Sendable {
  /// When, since the bus was made.
  public var time: Duration
  /// What.
  public var event: Event

  /// What can happen.
  public enum Event: Hashable, Sendable {
    /// A stretch of memory has been erased.
    case erased(Range<UInt64>)
    /// Bytes have been programmed.
    case programmed(Range<UInt64>)
    /// The option bytes have been written.
    case wroteOptionBytes(Range<UInt64>)
    /// Read-out protection has been removed, and the memory erased for it.
    case unprotected
    /// An erase or a write of a protected sector was reported as done, and was not.
    case dropped(Range<UInt64>)
    /// A program operation asked for bits to become 1 that were 0: they stayed 0, and nothing said so.
    case bitsStayedZero(Range<UInt64>)
    /// A program operation met memory that was not blank: it passed that over, and nothing said so.
    case passedOver(Range<UInt64>)
    /// The part has gone to where there is no memory; it answers nothing until it gets power anew.
    case died
    /// An operation was refused with this status.
    case refused(DFUStatus)
    /// The application has been started at this address; the bootloader is gone.
    case launched(UInt64)
    /// There was no plausible application at this address: the part has reset into its bootloader.
    case notLaunched(UInt64)
    /// The part has reset by itself.
    case reset
    /// Power went while memory was being changed; the stretch is in an undefined state.
    case interrupted(Range<UInt64>)
    /// The application has gone off the bus after DFU_DETACH, for DFU mode.
    case detached
    /// DFU_DETACH came, and no USB reset in time: the application runs on.
    case detachExpired
    /// A USB reset came although the part detaches by itself: it has forgotten DFU_DETACH.
    case detachDisturbed
    /// Read-out protection of level 2 has been set: this part has no bootloader any more.
    case closedForEver
  }
}
