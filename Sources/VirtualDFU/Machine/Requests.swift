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
    if let new = transition.status {
      status = new
      textIndex = 0
    }
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
      if transition.answer == .answered, profile.quirks.contains(.detachLeaves) {
        leaveRule = (.detach, .zero)
      }
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
    hasTransferred = true
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

  /// The address of a block from 2 on, in the 32 bits that the part has for it.
  func address(ofBlock number: UInt16) -> UInt64 {
    UInt64(pointer &+ (UInt32(number) &- 2) &* UInt32(truncatingIfNeeded: profile.transferSize))
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
    if transition.answer == .answered, profile.leave == .afterDownload, leavesByItself, mayLeave {
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

  /// Whether it is willing to go.
  var mayLeave: Bool { hasTransferred || !profile.quirks.contains(.needsTransferToLeave) }

  // MARK: DFU_UPLOAD

  private mutating func upload(_ setup: SetupPacket, at now: Duration) -> VirtualResponse {
    var conditions = conditions
    let allowed = transition(.upload, conditions)
    guard allowed.answer == .answered, Int(setup.length) <= profile.transferSize else {
      enter(allowed.answer == .answered ? .stallToError() : allowed, at: now)
      return allowed.answer == .silent ? .noAnswer : .stall
    }
    guard !profile.quirks.contains(.uploadBroken) else {
      enter(.stallToError(.errUnknown), at: now)
      return .stall
    }
    if profile.dialect == .gd32ROM, setup.value < 2 {
      // Get Commands is not known to be answered, and what is reserved is not answered either.
      return .noAnswer
    }
    let found = profile.dialect.isDfuSe ? readDfuSe(setup, at: now) : readPlain(setup)
    guard !isDead else { return .noAnswer }
    switch found {
    case .failure(let refusal):
      enter(.stallToError(refusal.status), at: now)
      return .stall
    case .success(let bytes):
      hasTransferred = true
      conditions.isShortBlock = bytes.count < Int(setup.length)
      enter(transition(.upload, conditions), at: now)
      return .data(bytes)
    }
  }

  struct Refusal: Error { var status: DFUStatus }

  private mutating func readDfuSe(
    _ setup: SetupPacket, at now: Duration
  ) -> Result<[UInt8], Refusal> {
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
      if isBeyondTheEnd(start..<start + UInt64(setup.length)) {
        die(at: now)
        return .success([])
      }
      guard let memory = memories.first(where: { $0.range.contains(start) }) else {
        return .failure(Refusal(status: profile.dialect.addressStatus))
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

  // MARK: DFU_GETSTATUS

  private mutating func getStatus(_ setup: SetupPacket, at now: Duration) -> VirtualResponse {
    if state == .dfuDnBusy { return statusWhileBusy(setup, at: now) }
    if state == .dfuManifest, !profile.dialect.isDfuSe {
      guard isManifested else { return report(announced, setup) }
      // It has been done for a while and has waited to be asked.
      state = transition(.timer, conditions).state
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
    return report(idleMilliseconds, setup)
  }

  /// bwPollTimeout where there is nothing to wait for.
  var idleMilliseconds: UInt32 {
    profile.quirks.contains(.bogusPoll)
      ? VirtualBootloader.bogusMilliseconds : profile.pollPolicy.idleMilliseconds
  }

  /// 255 with its bytes swapped.
  private static let bogusMilliseconds: UInt32 = 0xFF00

  mutating func report(_ pollTimeout: UInt32, _ setup: SetupPacket) -> VirtualResponse {
    let answer = GetStatusResponse(
      status: status, pollTimeout: pollTimeout, state: state, stringIndex: textIndex)
    if profile.quirks.contains(.tellsErrorsOnce) {
      status = .ok
      textIndex = 0
    }
    return .data(Array(answer.bytes.prefix(Int(setup.length))))
  }

  /// The first GETSTATUS after DNLOAD: announces dfuDNBUSY, and begins.
  private mutating func takeUp(_ setup: SetupPacket, at now: Duration) -> VirtualResponse {
    guard let block = pending else { return report(0, setup) }
    pending = nil
    let work = plan(block)
    announced = announcement(for: work)
    if profile.dialect.beginsAfterAnswer {
      postponed = work
    } else {
      begin(work, at: now)
    }
    return report(announced, setup)
  }

  func announcement(for work: PlannedWork) -> UInt32 {
    if profile.quirks.contains(.endlessBusy) { return 0 }
    if profile.quirks.contains(.bogusPoll) { return VirtualBootloader.bogusMilliseconds }
    if case .massErase = work.work, profile.quirks.contains(.massEraseAnnounces100) { return 100 }
    return profile.pollPolicy.milliseconds(work.duration, for: work.kind)
  }

  /// Asked before it is done. A part that holds its requests while it works is not asked here.
  private mutating func statusWhileBusy(
    _ setup: SetupPacket, at now: Duration
  ) -> VirtualResponse {
    guard operation != nil else { return report(announced, setup) }
    switch busy {
    case .answers, .holds: return report(announced, setup)
    case .stalls: return .stall
    case .fails:
      enter(.stallToError(), at: now)
      return .stall
    }
  }

  /// The first GETSTATUS after the end of a download.
  mutating func manifest(_ setup: SetupPacket, at now: Duration) -> VirtualResponse {
    if leavesByItself {
      guard mayLeave else {
        becomeIdle()
        return report(idleMilliseconds, setup)
      }
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
      // The library announces 1 ms; so do we for all who are about to go but mboot.
      let least: UInt32 = profile.dialect == .mboot ? 0 : 1
      return report(max(least, idleMilliseconds), setup)
    }
    let work = PlannedWork(.manifest, duration: profile.manifestTime)
    announced = announcement(for: work)
    begin(work, at: now)
    return report(announced, setup)
  }
}
