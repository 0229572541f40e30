public import DFU
public import USB

/// What a capture tells, step by step: enumeration, then what was done over DFU, with what went wrong.
///
/// Steps that repeat themselves are one: blocks that follow each other, with the DFU_GETSTATUS that belong to
/// them. A value to print, compare and test; `Reports` puts it in words.
public struct CaptureStory: Hashable, Sendable {
  /// The devices, in the order in which they appear.
  public var devices: [CapturedDevice]
  /// What happened, in order.
  public var steps: [Step]
  /// How many transfers there are.
  public var transferCount: Int
  /// From the first packet to the last, in nanoseconds.
  public var nanoseconds: Int64

  /// A step.
  public struct Step: Hashable, Sendable {
    /// Whose, as an index into the devices.
    public var device: Int
    /// When it began, in nanoseconds since the first packet.
    public var start: Int64
    /// When it ended.
    public var end: Int64
    /// The packets of the file, from the first to the last of it.
    public var packets: ClosedRange<Int>
    /// How many transfers it is made of.
    public var transfers: Int
    /// What happened.
    public var kind: Kind
    /// What went wrong; nil where nothing did.
    public var problem: Problem?
    /// Whether bytes that went over the wire are missing in the capture.
    public var isTruncated = false
  }

  /// What can happen.
  public enum Kind: Hashable, Sendable {
    /// The capturing program put in what the host knew of the device.
    case introduced
    /// SET_ADDRESS.
    case setAddress(UInt8)
    /// GET_DESCRIPTOR, and how many bytes came.
    case descriptor(DescriptorType, index: UInt8, length: Int)
    /// GET_DESCRIPTOR of a string, and what it says; index 0 are the languages.
    case string(index: UInt8, text: String?)
    /// SET_CONFIGURATION.
    case setConfiguration(UInt8)
    /// SET_INTERFACE.
    case setInterface(UInt8, setting: UInt8)
    /// Any other request; `count` of them alike.
    case request(SetupPacket, count: Int)
    /// Transfers on an endpoint that is not 0, of one kind.
    case pipe(TransferKind, endpoint: UInt8, count: Int, bytes: Int)
    /// DfuSe: where the next read, write or jump goes.
    case pointer(UInt32, Polls)
    /// DfuSe: sectors were erased; the first and the last address that was given.
    case erase(first: UInt32, last: UInt32, count: Int, Polls)
    /// DfuSe: all memory was erased.
    case massErase(Polls)
    /// DfuSe: read-out protection was taken away.
    case readUnprotect(Polls)
    /// DfuSe: a command that is not known.
    case unknownCommand([UInt8], Polls)
    /// Blocks were written.
    case write(Blocks, Polls)
    /// Blocks were read.
    case read(Blocks)
    /// DfuSe: the list of commands was read.
    case commands([UInt8])
    /// A download of no bytes: the end of a firmware, or with DfuSe the device is to leave, to an address.
    case finish(address: UInt32?, Polls)
    /// DFU_GETSTATUS that belongs to no download; so many alike.
    case status(GetStatusResponse?, count: Int)
    /// DFU_GETSTATE.
    case state(DFUState?)
    /// DFU_CLRSTATUS.
    case clearStatus
    /// DFU_ABORT.
    case abort
    /// DFU_DETACH, with its time-out in milliseconds.
    case detach(UInt16)
  }

  /// Blocks of a download or an upload that follow each other.
  public struct Blocks: Hashable, Sendable {
    /// `wBlockNum` of the first.
    public var first: UInt16
    /// `wBlockNum` of the last.
    public var last: UInt16
    /// How many.
    public var count: Int
    /// How many bytes the longest of them has.
    public var length: Int
    /// All bytes.
    public var bytes: Int
    /// Where, with DfuSe; nil where nothing tells.
    public var start: UInt64?

    /// Blocks from their parts.
    public init(
      first: UInt16, last: UInt16, count: Int, length: Int, bytes: Int, start: UInt64? = nil
    ) {
      self.first = first
      self.last = last
      self.count = count
      self.length = length
      self.bytes = bytes
      self.start = start
    }

    /// The addresses; nil where nothing tells.
    public var range: Range<UInt64>? {
      guard let start else { return nil }
      let (end, overflow) = start.addingReportingOverflow(UInt64(bytes))
      return overflow ? nil : start..<end
    }
  }

  /// The DFU_GETSTATUS behind a download.
  public struct Polls: Hashable, Sendable {
    /// How many.
    public var count = 0
    /// The last answer.
    public var last: GetStatusResponse?

    /// None.
    public init() {}
  }

  /// What can go wrong.
  public enum Problem: Hashable, Sendable {
    /// A transfer failed.
    case failed(CaptureStatus, DFURequest?)
    /// The host controller did not take a transfer.
    case refused(CaptureStatus)
    /// The capture does not have the end of a transfer.
    case unanswered
    /// The device says that something went wrong.
    case status(GetStatusResponse)
  }

  /// The story of a capture.
  ///
  /// - Parameter capture: the file.
  public init(_ capture: CaptureFile) {
    self.init(capture.transfers)
  }

  /// The story of some transfers.
  ///
  /// - Parameter transfers: in their order.
  public init(_ transfers: [CapturedTransfer]) {
    let known = CaptureOwners(transfers)
    devices = known.devices
    transferCount = transfers.count
    let origin = transfers.map(\.nanoseconds).min() ?? 0
    nanoseconds = (transfers.map { $0.ended ?? $0.nanoseconds }.max() ?? origin) - origin
    var tellers = devices.enumerated().map {
      StoryTeller(device: $0.offset, CapturedDFU($0.element), origin: origin)
    }
    for (transfer, owner) in zip(transfers, known.owners) { tellers[owner].take(transfer) }
    // Each device's steps are in order; those that began together stay in the order of the packets.
    steps = tellers.flatMap(\.steps).sorted {
      ($0.packets.lowerBound, $0.device) < ($1.packets.lowerBound, $1.device)
    }
  }

  /// The steps with which something went wrong.
  public var problems: [Step] { steps.filter { $0.problem != nil } }
}
