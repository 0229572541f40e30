public import DFU
public import USB
public import VirtualUSB

/// A bootloader as a virtual device: descriptors, the state machine of DFU, a dialect, memories that
/// behave as flash does, and the time that all of it takes.
///
/// It is in DFU mode whenever the bus sees it. What it does to its memories is in ``journal``.
public struct VirtualBootloader: VirtualDevice {
  /// What it is.
  public var profile: Profile { _read { yield record.profile } }
  private let record: Record
  /// What has happened to the part, in order.
  public internal(set) var journal: [JournalEntry] = []
  /// Where the state machine is.
  public internal(set) var state = DFUState.dfuIdle
  /// bStatus.
  public internal(set) var status = DFUStatus.ok
  /// DfuSe's address pointer.
  public internal(set) var pointer: UInt32
  /// Read-out protection of level 1.
  public internal(set) var isReadProtected: Bool
  /// The numbers of the sectors of the first memory that are write-protected.
  public internal(set) var writeProtectedSectors: Set<Int>
  /// Read-out protection of level 2: the part never comes back.
  public internal(set) var isClosedForEver = false

  /// Whether its pull-up resistor is on.
  public internal(set) var isConnected = false

  var memories: [VirtualMemory]
  var standard: StandardRequests

  /// The block or command that DNLOAD has brought and GETSTATUS has not taken up.
  var pending: PendingBlock?
  /// What is being done to the part.
  var operation: Operation?
  /// What will be done when the answer to GETSTATUS has gone out (ST library).
  var postponed: PlannedWork?
  /// How the last operation ended: the next GETSTATUS in dfuDNLOAD-SYNC tells.
  var result = DFUStatus.ok
  /// A GETSTATUS that is held by NAK has taken the result of `operation` already.
  var isResultTaken = false
  /// The poll timeout that was announced last.
  var announced: UInt32 = 0
  /// An operation is over and the state does not show it (H7, second bank).
  var isStuck = false
  var isManifested = false
  /// Progress through a partition (plain DFU).
  var transfer = PartitionTransfer()
  /// Which completed request makes the device leave, and how long after it.
  var leaveRule: (request: DFURequest, delay: Duration)?
  /// When the device will disappear, and why.
  var departure: Departure?
  /// When it comes back.
  var returnsAt: Duration?

  /// The profile apart, so that a device that is passed around stays small.
  private final class Record: Sendable {
    let profile: Profile

    init(_ profile: Profile) { self.profile = profile }
  }

  /// What DNLOAD has brought.
  enum PendingBlock: Hashable, Sendable {
    case command(DfuSeCommand)
    case write(address: UInt64, bytes: [UInt8])
    case block([UInt8])
    case refused(DFUStatus)
  }

  struct PartitionTransfer: Hashable, Sendable {
    var offset: UInt64 = 0
    var nextBlock: UInt16 = 0
    var hasEnded = false
    /// LPC: the bytes that the prefix has announced, rounded up to units of 512.
    var announcedLength: UInt64?
  }

  struct Departure: Hashable, Sendable {
    enum Cause: Hashable, Sendable {
      case leave
      case restart
    }
    var time: Duration
    var cause: Cause
  }

  /// A new part of this profile, with blank memory, not plugged in.
  public init(_ profile: Profile) {
    record = Record(profile)
    memories = profile.memories.map(VirtualMemory.init)
    standard = StandardRequests(profile.description)
    pointer = profile.defaultPointer
    isReadProtected = profile.isReadProtected
    writeProtectedSectors = profile.writeProtectedSectors
    loadFactoryOptionBytes()
    for item in profile.factoryContents { load(item.bytes, at: item.address) }
    storeProtection()
    loadProtection()
  }

  // MARK: What is in it

  /// What its memories hold, past all protection; 0xFF where there is no memory.
  public func contents(_ range: Range<UInt64>) -> [UInt8] {
    var bytes = [UInt8](repeating: SparseBytes.blank, count: range.count)
    for memory in memories {
      let part = range.clamped(to: memory.range)
      guard !part.isEmpty else { continue }
      let start = Int(part.lowerBound - range.lowerBound)
      bytes.replaceSubrange(start..<start + part.count, with: memory.read(part))
    }
    return bytes
  }

  /// Sets bytes past all rules and protection, as a factory programmer does. Bytes that fall where
  /// there is no memory are dropped.
  public mutating func load(_ bytes: [UInt8], at address: UInt64) {
    let (end, overflow) = address.addingReportingOverflow(UInt64(bytes.count))
    let range = address..<(overflow ? UInt64.max : end)
    for index in memories.indices {
      let part = range.clamped(to: memories[index].range)
      guard !part.isEmpty else { continue }
      let start = Int(part.lowerBound - address)
      memories[index].load(Array(bytes[start..<start + part.count]), at: part.lowerBound)
    }
  }

  func memoryIndex(containing range: Range<UInt64>) -> Int? {
    memories.firstIndex { $0.contains(range) }
  }

  mutating func note(_ event: JournalEntry.Event, at time: Duration) {
    journal.append(JournalEntry(time: time, event: event))
  }

  // MARK: The bus

  /// When it next disappears or comes back.
  public var nextEvent: Duration? {
    let restart = operation?.work.restarts == true ? operation?.end : nil
    return earliest(earliest(departure?.time, returnsAt), restart)
  }

  private func earliest(_ one: Duration?, _ other: Duration?) -> Duration? {
    guard let one else { return other }
    guard let other else { return one }
    return min(one, other)
  }

  /// Ends the work whose time has passed, leaves, comes back.
  public mutating func advance(to now: Duration) {
    while let next = earliest(earliest(operation?.end, departure?.time), returnsAt), next <= now {
      if let operation, operation.end == next {
        finishOperation(operation)
      } else if let departure, departure.time == next {
        depart(departure)
      } else {
        start()
      }
    }
  }

  /// The bootloader begins.
  public mutating func powerOn(at now: Duration) { start() }

  /// Whatever it was doing to its memory is half done.
  public mutating func powerOff(at now: Duration) {
    interruptOperation(at: now)
    isConnected = false
    departure = nil
    returnsAt = nil
    for index in memories.indices where memories[index].description.kind == .ram {
      memories[index].erase(memories[index].range)
    }
  }

  /// The bootloader begins: after power-up, or after a reset of the part.
  private mutating func start() {
    loadProtection()
    isConnected = !isClosedForEver
    returnsAt = nil
    departure = nil
    pointer = profile.defaultPointer
    standard.reset()
    begin()
  }

  /// The state of a bootloader that has just begun, or been reset by the bus.
  private mutating func begin() {
    becomeIdle()
    guard profile.reportsMissingFirmware, jumpTarget == nil else { return }
    state = .dfuError
    status = .errFirmware
  }

  /// dfuIDLE, with nothing left of what was before.
  mutating func becomeIdle() {
    state = .dfuIdle
    status = .ok
    pending = nil
    postponed = nil
    result = .ok
    isStuck = false
    isManifested = false
    leaveRule = nil
    transfer = PartitionTransfer()
  }

  /// dfuIDLE; a device that waited for the reset leaves instead.
  public mutating func busReset(at now: Duration) {
    standard.reset()
    guard isConnected else { return }
    if state == .dfuManifestWaitReset {
      departure = Departure(time: now, cause: .leave)
      advance(to: now)
    } else {
      // Annex A would start the application; bootloaders stay, and so does what they do to flash.
      begin()
    }
  }

  /// Standard requests by the description, DFU requests by the state machine; the rest is stalled.
  public mutating func respond(
    to setup: SetupPacket, data: [UInt8], at now: Duration
  ) -> VirtualResponse {
    if let answer = standard.respond(to: setup) {
      if setup.request == StandardRequest.setInterface.rawValue, answer == .acknowledged,
        profile.dialect == .tinyUSB
      {
        becomeIdle()
      }
      return answer
    }
    guard setup.requestType.kind == .class, setup.requestType.recipient == .interface,
      setup.index == 0, standard.configurationValue != 0
    else { return .stall }
    guard let request = DFURequest(setup) else {
      enter(.stallToError(), at: now)
      return .stall
    }
    return respond(request, setup, data, at: now)
  }

  /// Does what waits until an answer has gone out.
  public mutating func completed(_ setup: SetupPacket, at now: Duration) {
    guard let request = DFURequest(setup) else { return }
    if request == .getStatus, let work = postponed {
      postponed = nil
      begin(work, at: now)
    }
    if let rule = leaveRule, rule.request == request {
      leaveRule = nil
      departure = Departure(time: now + rule.delay, cause: .leave)
    }
  }
}
