internal import DFU
internal import USB
internal import VirtualUSB

/// The class requests (DFU 1.1, chapter 3; AN3156).
extension VirtualBootloader {
  var conditions: DFUConditions {
    DFUConditions(
      canDownload: profile.functional.attributes.contains(.canDownload),
      canUpload: profile.functional.attributes.contains(.canUpload),
      isTolerant: profile.functional.attributes.contains(.manifestationTolerant),
      isBlockDone: pending == nil, agreesToEnd: hasReceivedAll, isManifested: isManifested)
  }

  func transition(_ trigger: DFUTrigger, _ conditions: DFUConditions) -> DFUTransition {
    profile.dialect.transition(state, trigger, conditions, profile.quirks)
  }

  /// Takes a transition; an error forgets what was to be done.
  mutating func enter(_ transition: DFUTransition, at now: Duration) {
    state = transition.state
    if let new = transition.status { status = new }
    if transition.state == .dfuError {
      pending = nil
      if let new = transition.status, new != .errStalledPkt { note(.refused(new), at: now) }
    }
  }

  mutating func respond(
    _ request: DFURequest, _ setup: SetupPacket, _ data: [UInt8], at now: Duration
  ) -> VirtualResponse {
    switch request {
    case .download: return download(setup, data, at: now)
    case .upload: return upload(setup, at: now)
    case .getStatus: return getStatus(setup, at: now)
    case .getState:
      let transition = transition(.getState, conditions)
      enter(transition, at: now)
      return answer(transition, [state.rawValue], setup)
    case .clearStatus:
      let old = state
      let transition = transition(.clearStatus, conditions)
      if transition.answer == .answered { settleForClearStatus(from: old, at: now) }
      enter(transition, at: now)
      return answer(transition)
    case .abort:
      let transition = transition(.abort, conditions)
      if transition.answer == .answered { becomeIdle() }
      enter(transition, at: now)
      return answer(transition)
    case .detach:
      if let answer = respondToDetachInDFUMode() { return answer }
      let transition = transition(.detach, conditions)
      enter(transition, at: now)
      return answer(transition)
    }
  }

  /// CLRSTATUS ends whatever is going on, in the middle if need be.
  private mutating func settleForClearStatus(from old: DFUState, at now: Duration) {
    if old == .dfuDnBusy, operation != nil { interruptOperation(at: now) }
    becomeIdle()
  }

  private func answer(
    _ transition: DFUTransition, _ bytes: [UInt8]? = nil, _ setup: SetupPacket? = nil
  ) -> VirtualResponse {
    switch transition.answer {
    case .stalled: return .stall
    case .silent: return .noAnswer
    case .answered:
      guard let bytes, let setup else { return .acknowledged }
      return .data(Array(bytes.prefix(Int(setup.length))))
    }
  }

  // MARK: DFU_DNLOAD

  private mutating func download(
    _ setup: SetupPacket, _ data: [UInt8], at now: Duration
  ) -> VirtualResponse {
    if data.isEmpty { return downloadEnd(at: now) }
    let isFirst = state == .dfuIdle
    let transition = transition(.download, conditions)
    guard transition.answer == .answered, data.count <= profile.transferSize else {
      enter(transition.answer == .answered ? .stallToError() : transition, at: now)
      return transition.answer == .silent ? .noAnswer : .stall
    }
    if profile.dialect.isDfuSe {
      guard let block = dfuSeBlock(setup.value, data) else {
        enter(.stallToError(), at: now)
        return .stall
      }
      pending = block
    } else {
      if isFirst { transfer = PartitionTransfer() }
      pending = plainBlock(setup.value, data)
    }
    enter(transition, at: now)
    guard profile.quirks.contains(.worksInsideDownload), let block = pending else {
      return .acknowledged
    }
    // The work is done before the status stage.
    pending = nil
    return .acknowledged(readyAt: begin(plan(block), at: now))
  }

  /// Block 0 is a command, block 1 is reserved, the others are memory; nil for what is refused.
  private func dfuSeBlock(_ number: UInt16, _ data: [UInt8]) -> PendingBlock? {
    switch number {
    case 0:
      guard let command = DfuSeCommand(data) else { return nil }
      if command == .readUnprotect, profile.quirks.contains(.noReadUnprotect) { return nil }
      return .command(command)
    case 1: return nil
    default: return .write(address: address(ofBlock: number), bytes: data)
    }
  }

  func address(ofBlock number: UInt16) -> UInt64 {
    UInt64(pointer) + (UInt64(number) - 2) * UInt64(profile.transferSize)
  }

  /// Blocks are numbered from 0, wrap at 65 536, and only the last may be short.
  private mutating func plainBlock(_ number: UInt16, _ data: [UInt8]) -> PendingBlock {
    guard number == transfer.nextBlock else { return .refused(.errAddress) }
    guard !transfer.hasEnded else { return .refused(.errFile) }
    if transfer.offset == 0, profile.dialect == .lpcROM {
      transfer.announcedLength = VirtualBootloader.lpcLength(data)
    }
    transfer.nextBlock &+= 1
    transfer.hasEnded = data.count < profile.transferSize
    return .block(data)
  }

  /// Whether a download may end now.
  private var hasReceivedAll: Bool {
    guard profile.dialect == .lpcROM else { return true }
    // The length counts units of 512 bytes, rounded up.
    return transfer.announcedLength.map { transfer.offset + 512 > $0 } ?? false
  }

  private mutating func downloadEnd(at now: Duration) -> VirtualResponse {
    let transition = transition(.downloadEnd, conditions)
    enter(transition, at: now)
    if transition.answer == .answered, profile.leave == .afterDownload, leavesByItself {
      leaveRule = (.download, .zero)
    }
    return answer(transition)
  }

  /// Whether it goes away after a download without being reset.
  var leavesByItself: Bool {
    let attributes = profile.functional.attributes
    if profile.dialect.isDfuSe { return true }
    return !attributes.contains(.manifestationTolerant) && attributes.contains(.willDetach)
  }

  // MARK: DFU_UPLOAD

  private mutating func upload(_ setup: SetupPacket, at now: Duration) -> VirtualResponse {
    var conditions = conditions
    let allowed = transition(.upload, conditions)
    guard allowed.answer == .answered, Int(setup.length) <= profile.transferSize else {
      enter(allowed.answer == .answered ? .stallToError() : allowed, at: now)
      return allowed.answer == .silent ? .noAnswer : .stall
    }
    let found = profile.dialect.isDfuSe ? readDfuSe(setup) : readPlain(setup)
    switch found {
    case .failure(let refusal):
      enter(.stallToError(refusal.status), at: now)
      return .stall
    case .success(let bytes):
      conditions.isShortBlock = bytes.count < Int(setup.length)
      enter(transition(.upload, conditions), at: now)
      return .data(bytes)
    }
  }

  struct Refusal: Error { var status: DFUStatus }

  private func readDfuSe(_ setup: SetupPacket) -> Result<[UInt8], Refusal> {
    switch setup.value {
    case 0:
      let commands: [UInt8] =
        profile.quirks.contains(.noReadUnprotect) ? [0x00, 0x21, 0x41] : [0x00, 0x21, 0x41, 0x92]
      return .success(Array(commands.prefix(Int(setup.length))))
    case 1:
      return .failure(Refusal(status: .errStalledPkt))
    default:
      if isReadProtected { return .failure(Refusal(status: .errVendor)) }
      let start = address(ofBlock: setup.value)
      guard let memory = memories.first(where: { $0.range.contains(start) }) else {
        return .failure(Refusal(status: addressStatus))
      }
      let end = min(start + UInt64(setup.length), memory.range.upperBound)
      return .success(memory.read(start..<end))
    }
  }

  private mutating func readPlain(_ setup: SetupPacket) -> Result<[UInt8], Refusal> {
    guard let memory = partition else { return .failure(Refusal(status: .errUnknown)) }
    if state == .dfuIdle { transfer = PartitionTransfer() }
    guard setup.value == transfer.nextBlock else {
      return .failure(Refusal(status: .errAddress))
    }
    transfer.nextBlock &+= 1
    let range = memories[memory].range
    let start = min(range.lowerBound + transfer.offset, range.upperBound)
    let end = min(start + UInt64(setup.length), range.upperBound)
    transfer.offset = end - range.lowerBound
    return .success(memories[memory].read(start..<end))
  }

  /// The memory of the selected alternate setting (plain DFU).
  var partition: Int? {
    let setting = Int(standard.alternateSetting(of: 0))
    return setting < profile.partitions.count ? profile.partitions[setting] : nil
  }

  /// What a wrong address leads to.
  var addressStatus: DFUStatus {
    switch profile.dialect {
    case .stROM: .errTarget
    case .stLibrary: .errVendor
    case .tinyUSB, .openmoko, .lpcROM: .errAddress
    }
  }

  // MARK: DFU_GETSTATUS

  private mutating func getStatus(_ setup: SetupPacket, at now: Duration) -> VirtualResponse {
    if state == .dfuDnBusy { return statusWhileBusy(setup, at: now) }
    if state == .dfuManifest, !profile.dialect.isDfuSe {
      return report(announced, setup)
    }
    let old = state
    let transition = transition(.getStatus, conditions)
    enter(transition, at: now)
    guard transition.answer == .answered else { return answer(transition) }
    switch (old, state) {
    case (.dfuDnloadSync, .dfuDnBusy): return takeUp(setup, at: now)
    case (.dfuDnloadSync, _) where result != .ok:
      let status = result
      result = .ok
      enter(.to(.dfuError, status), at: now)
    case (.dfuManifestSync, .dfuManifest): return manifest(setup, at: now)
    case (.dfuManifestSync, .dfuIdle): becomeIdle()
    default: break
    }
    return report(profile.pollPolicy.idleMilliseconds, setup)
  }

  private func report(
    _ pollTimeout: UInt32, _ setup: SetupPacket, readyAt: Duration? = nil
  ) -> VirtualResponse {
    let answer = GetStatusResponse(status: status, pollTimeout: pollTimeout, state: state)
    return .data(Array(answer.bytes.prefix(Int(setup.length))), readyAt: readyAt)
  }

  /// The first GETSTATUS after DNLOAD: announces dfuDNBUSY, and begins.
  private mutating func takeUp(_ setup: SetupPacket, at now: Duration) -> VirtualResponse {
    guard let block = pending else { return report(0, setup) }
    pending = nil
    let work = plan(block)
    announced = announcement(for: work)
    isResultTaken = false
    if profile.dialect == .stLibrary {
      postponed = work
    } else {
      begin(work, at: now)
    }
    return report(announced, setup)
  }

  private func announcement(for work: PlannedWork) -> UInt32 {
    if case .massErase = work.work, profile.quirks.contains(.massEraseAnnounces100) { return 100 }
    return profile.pollPolicy.milliseconds(work.duration)
  }

  /// Asked before it is done.
  private mutating func statusWhileBusy(
    _ setup: SetupPacket, at now: Duration
  ) -> VirtualResponse {
    guard let operation else { return report(announced, setup) }
    switch profile.busy {
    case .answers: return report(announced, setup)
    case .stalls: return .stall
    case .fails:
      enter(.stallToError(), at: now)
      return .stall
    case .holds:
      // A part that restarts after its work never comes to answer.
      if operation.work.restarts { return .noAnswer }
      isResultTaken = true
      let answer = GetStatusResponse(
        status: operation.status, pollTimeout: profile.pollPolicy.idleMilliseconds,
        state: operation.status == .ok ? .dfuDnloadIdle : .dfuError)
      return .data(Array(answer.bytes.prefix(Int(setup.length))), readyAt: operation.end)
    }
  }

  /// The first GETSTATUS after the end of a download.
  private mutating func manifest(_ setup: SetupPacket, at now: Duration) -> VirtualResponse {
    if leavesByItself {
      switch profile.leave {
      case .afterDownload: break
      case .insideGetStatus:
        departure = Departure(time: now, cause: .leave)
        advance(to: now)
        return .noAnswer
      case .afterGetStatus:
        leaveRule = (.getStatus, max(.milliseconds(1), profile.manifestTime))
      case .later: leaveRule = (.getStatus, .milliseconds(200))
      }
      // The library announces 1 ms; so do we for all who are about to go.
      return report(max(1, profile.pollPolicy.idleMilliseconds), setup)
    }
    let work = PlannedWork(.manifest, duration: profile.manifestTime)
    announced = announcement(for: work)
    begin(work, at: now)
    return report(announced, setup)
  }
}
