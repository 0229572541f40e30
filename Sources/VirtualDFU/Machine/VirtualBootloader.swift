public import DFU
public import USB
public import VirtualUSB

/// A bootloader as a virtual device: descriptors, the state machine of DFU, a dialect, memories that
/// behave as flash does, and the time that all of it takes.
///
/// It is in DFU mode whenever the bus sees it, unless its profile has an ``Application``. What it does to
/// its memories is in ``journal``.
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

  /// The speed of its profile.
  public var speed: USBSpeed { record.profile.speed }

  /// Whether its pull-up resistor is on.
  public internal(set) var isConnected = false
  /// It has gone to where there is no memory, and answers nothing until it gets power anew.
  public internal(set) var isDead = false

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
  /// A request that came while the part was at work and held it by NAK: it counts when that is done.
  var held: HeldRequest?
  /// iString: the text for `status`.
  var textIndex: UInt8 = 0
  /// What mboot was told last and GETSTATUS has not taken up.
  var mboot = MbootCommand.none
  /// mboot's buffer: the last block, whose rest pads a shorter one behind it.
  var lastBlock: [UInt8] = []
  /// Something has been uploaded or downloaded since it started.
  var hasTransferred = false
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
  /// Where it is between application and bootloader.
  var modeChange = ModeChange()
  /// A download into the application's memory has begun and has not come to its end.
  var isDownloadUnfinished = false

  /// The profile apart, so that a device that is passed around stays small.
  private final class Record: Sendable {
    let profile: Profile
    let bootloader: StandardRequests
    let application: StandardRequests?

    init(_ profile: Profile) {
      self.profile = profile
      bootloader = StandardRequests(profile.presented)
      application = profile.application.map { StandardRequests($0.description) }
    }
  }

  var standardOfBootloader: StandardRequests { record.bootloader }
  var standardOfApplication: StandardRequests { record.application ?? record.bootloader }

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

  struct HeldRequest: Hashable, Sendable {
    var setup: SetupPacket
    var data: [UInt8]
  }

  struct Departure: Hashable, Sendable {
    enum Cause: Hashable, Sendable {
      case leave
      case restart
      case detach
    }
    var time: Duration
    var cause: Cause
  }

  /// A new part of this profile, with blank memory, not plugged in.
  public init(_ profile: Profile) {
    record = Record(profile)
    memories = profile.memories.map(VirtualMemory.init)
    standard = record.bootloader
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
    var bytes = [UInt8](repeating: 0xFF, count: range.count)
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

  /// The operation that has been begun: an erase, a program.
  public var workUnderWay: Range<Duration>? {
    operation.flatMap { $0.start < $0.end ? $0.start..<$0.end : nil }
  }

  private func earliest(_ one: Duration?, _ other: Duration?) -> Duration? {
    guard let one else { return other }
    guard let other else { return one }
    return min(one, other)
  }

  /// Ends the work whose time has passed, leaves, comes back.
  public mutating func advance(to now: Duration) {
    while let next = nextChange, next <= now {
      if let operation, operation.end == next {
        finishOperation(operation)
      } else if let departure, departure.time == next {
        depart(departure)
      } else if modeChange.timerEnd == next {
        endDetachTimer(at: next)
      } else {
        start(at: next)
      }
    }
  }

  /// When something next changes by itself, seen by the bus or not.
  private var nextChange: Duration? {
    earliest(
      earliest(operation?.end, departure?.time), earliest(returnsAt, modeChange.timerEnd))
  }

  /// The bootloader begins, or the application where there is one.
  public mutating func powerOn(at now: Duration) { start(at: now) }

  /// Whatever it was doing to its memory is half done.
  public mutating func powerOff(at now: Duration) {
    interruptOperation(at: now)
    held = nil
    isDead = false
    isConnected = false
    departure = nil
    returnsAt = nil
    modeChange = ModeChange()
    for index in memories.indices where memories[index].description.kind == .ram {
      memories[index].erase(memories[index].range)
    }
  }

  /// The part begins: after power-up, after a reset of its own, or on its way between two modes.
  private mutating func start(at time: Duration) {
    loadProtection()
    isConnected = !isClosedForEver
    isDead = false
    hasTransferred = false
    returnsAt = nil
    departure = nil
    pointer = profile.defaultPointer
    standard = record.bootloader
    if !beginsWithoutBootloader(at: time) { begin() }
  }

  /// The state of a bootloader that has just begun, or been reset by the bus.
  mutating func begin() {
    becomeIdle()
    guard profile.reportsMissingFirmware, !isFirmwareIntact else { return }
    state = .dfuError
    status = .errFirmware
  }

  /// dfuIDLE, with nothing left of what was before.
  mutating func becomeIdle() {
    state = .dfuIdle
    status = .ok
    textIndex = 0
    mboot = .none
    held = nil
    pending = nil
    postponed = nil
    result = .ok
    isStuck = false
    isManifested = false
    leaveRule = nil
    transfer = PartitionTransfer()
  }

  /// dfuIDLE; a device that waited for the reset leaves instead, and one with an application may change
  /// its mode.
  public mutating func busReset(at now: Duration) {
    guard !isDead else { return }
    let wasConfigured = standard.configurationValue != 0
    standard.reset()
    guard isConnected, !changesMode(byResetAt: now, wasConfigured: wasConfigured) else { return }
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
    guard !isDead else { return .noAnswer }
    if setup.requestType.kind == .standard { return respondToStandard(setup) }
    guard setup.requestType.kind == .class, setup.requestType.recipient == .interface,
      setup.index == UInt16(interfaceNumber), standard.configurationValue != 0,
      !modeChange.isOnDetour
    else { return .stall }
    if busy == .holds, let end = operation?.end, end > now {
      return hold(setup, data, until: end)
    }
    return respondToClass(setup, data, at: now)
  }

  private mutating func respondToStandard(_ setup: SetupPacket) -> VirtualResponse {
    if let answer = functionalDescriptor(setup) { return answer }
    guard let answer = standard.respond(to: setup) else { return .stall }
    if setup.request == StandardRequest.setInterface.rawValue, answer == .acknowledged,
      profile.dialect == .tinyUSB, !runsApplication
    {
      becomeIdle()
    }
    return answer
  }

  /// GET_DESCRIPTOR of the functional descriptor, which is no part of DFU 1.1: those of ST answer it,
  /// most others stall, and some never answer.
  private func functionalDescriptor(_ setup: SetupPacket) -> VirtualResponse? {
    guard setup.request == StandardRequest.getDescriptor.rawValue,
      setup.requestType.direction == .in,
      UInt8(truncatingIfNeeded: setup.value >> 8) == DescriptorType.dfuFunctional.rawValue
    else { return nil }
    if profile.quirks.contains(.silentFunctionalDescriptor) { return .noAnswer }
    switch profile.dialect {
    case .stROM, .stLibrary:
      return .data(Array(profile.presentedFunctional.bytes.prefix(Int(setup.length))))
    // Its class handler gets what is for the interface, and ends without a word.
    case .mboot where setup.requestType.recipient == .interface: return .noAnswer
    default: return nil
    }
  }

  mutating func respondToClass(
    _ setup: SetupPacket, _ data: [UInt8], at now: Duration
  ) -> VirtualResponse {
    if profile.dialect == .mboot { return respondAsMboot(setup, data, at: now) }
    if runsApplication { return respondAsApplication(DFURequest(setup), setup, at: now) }
    guard let request = DFURequest(setup) else {
      enter(.stallToError(), at: now)
      return .stall
    }
    return respond(request, setup, data, at: now)
  }

  /// Everything is held by NAK until the work is done, and counts then. The answer is that of the part
  /// as it will be.
  private mutating func hold(
    _ setup: SetupPacket, _ data: [UInt8], until end: Duration
  ) -> VirtualResponse {
    var later = self
    later.held = nil
    later.advance(to: end)
    held = HeldRequest(setup: setup, data: data)
    // A part that restarts after its work, or dies of it, never comes to answer.
    guard later.isConnected, !later.isDead else { return .noAnswer }
    let response = later.respondToClass(setup, data, at: end)
    return VirtualResponse(response.outcome, readyAt: max(response.readyAt ?? end, end))
  }

  /// What requests meet while it works.
  var busy: BusyBehaviour {
    profile.quirks.contains(.holdsStatusForSeconds) ? .holds : profile.busy
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
      departure = Departure(
        time: now + rule.delay, cause: runsApplication ? .detach : .leave)
    }
  }
}
