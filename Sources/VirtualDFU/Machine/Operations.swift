internal import DFU

/// Something done to the part that takes time.
enum Work: Hashable, Sendable {
  case nothing
  case setPointer(UInt32)
  case erase(memory: Int, Range<UInt64>)
  case massErase(memory: Int)
  case unprotect
  case program(memory: Int, address: UInt64, bytes: [UInt8])
  case writeOptions(memory: Int, address: UInt64, bytes: [UInt8])
  /// Erases the sectors that begin in the stretch, then programs it (plain DFU).
  case replace(memory: Int, sectors: Range<UInt64>?, address: UInt64, bytes: [UInt8])
  case manifest

  /// Whether the part restarts when it is done.
  var restarts: Bool {
    switch self {
    case .unprotect, .writeOptions: true
    default: false
    }
  }
}

/// Work, how long it takes, and how it ends; nothing is changed before its time has passed.
struct PlannedWork: Hashable, Sendable {
  var work: Work
  var duration: Duration
  var status: DFUStatus

  init(_ work: Work, duration: Duration = .zero, status: DFUStatus = .ok) {
    self.work = work
    self.duration = duration
    self.status = status
  }

  /// It will not be done.
  static func refused(_ status: DFUStatus) -> PlannedWork { PlannedWork(.nothing, status: status) }
}

/// Work under way.
struct Operation: Hashable, Sendable {
  var work: Work
  var start: Duration
  var end: Duration
  var status: DFUStatus

  init(_ planned: PlannedWork, from now: Duration) {
    work = planned.work
    start = now
    end = now + planned.duration
    status = planned.status
  }
}

extension VirtualBootloader {
  // MARK: Planning

  func plan(_ block: PendingBlock) -> PlannedWork {
    switch block {
    case .refused(let status): .refused(status)
    case .command(let command): plan(command)
    case .write(let address, let bytes): planWrite(bytes, at: address)
    case .block(let bytes): planBlock(bytes)
    }
  }

  private func plan(_ command: DfuSeCommand) -> PlannedWork {
    if command == .readUnprotect {
      return PlannedWork(.unprotect, duration: massEraseTime(0))
    }
    if isReadProtected { return .refused(.errVendor) }
    switch command {
    case .setAddressPointer(let address):
      // The library takes any address and fails when it is used.
      if profile.dialect == .stROM,
        memoryIndex(containing: UInt64(address)..<UInt64(address) + 1) == nil
      {
        return PlannedWork(.nothing, duration: profile.setAddressTime, status: .errTarget)
      }
      return PlannedWork(.setPointer(address), duration: profile.setAddressTime)
    case .erase(let address): return planErase(UInt64(address))
    case .massErase:
      let first = memories.firstIndex {
        $0.description.kind == .flash && $0.range.contains(UInt64(pointer))
      }
      let memory = first ?? 0
      return PlannedWork(.massErase(memory: memory), duration: massEraseTime(memory))
    case .readUnprotect: return .refused(.errUnknown)
    }
  }

  private func planErase(_ address: UInt64) -> PlannedWork {
    guard let memory = memoryIndex(containing: address..<address + 1),
      let sector = memories[memory].description.map.sector(containing: address),
      sector.rights.contains(.erasable)
    else { return .refused(addressStatus) }
    let description = memories[memory].description
    guard profile.quirks.contains(.erasesToTheEnd) else {
      return PlannedWork(
        .erase(memory: memory, sector.range),
        duration: description.eraseTime(UInt64(sector.range.count)))
    }
    let all = sector.range.lowerBound..<memories[memory].range.upperBound
    return PlannedWork(.erase(memory: memory, all), duration: eraseTime(of: all, in: memory))
  }

  private func eraseTime(of range: Range<UInt64>, in memory: Int) -> Duration {
    let description = memories[memory].description
    return description.map.runs.reduce(.zero) { time, run in
      let part = run.range.clamped(to: range)
      let count = (UInt64(part.count) + run.sectorSize - 1) / run.sectorSize
      return time + description.eraseTime(run.sectorSize) * Int(count)
    }
  }

  private func massEraseTime(_ memory: Int) -> Duration {
    memories[memory].description.massEraseTime
      ?? eraseTime(of: memories[memory].range, in: memory)
  }

  private func planWrite(_ bytes: [UInt8], at address: UInt64) -> PlannedWork {
    if isReadProtected { return .refused(.errVendor) }
    let range = address..<address + UInt64(bytes.count)
    guard let index = memoryIndex(containing: range), isWritable(range, in: index) else {
      return .refused(addressStatus)
    }
    let memory = memories[index]
    let duration = memory.description.programTime(bytes.count)
    if memory.description.kind == .optionBytes {
      return PlannedWork(
        .writeOptions(memory: index, address: address, bytes: bytes), duration: duration)
    }
    let work = Work.program(memory: index, address: address, bytes: bytes)
    switch memory.fault(programming: bytes, at: address) {
    case nil: return PlannedWork(work, duration: duration)
    case .misaligned?: return .refused(profile.dialect == .stLibrary ? .errVendor : .errWrite)
    case .alreadyProgrammed?:
      return .refused(profile.dialect == .stLibrary ? .errVendor : .errProg)
    }
  }

  private func isWritable(_ range: Range<UInt64>, in memory: Int) -> Bool {
    memories[memory].description.map.runs.allSatisfy {
      $0.rights.contains(.writable) || $0.range.clamped(to: range).isEmpty
    }
  }

  /// The next block of a partition. It is erased as the download comes to it.
  private func planBlock(_ bytes: [UInt8]) -> PlannedWork {
    guard let index = partition else { return .refused(.errTarget) }
    var bytes = bytes
    var start = transfer.offset
    if profile.dialect == .lpcROM {
      if start == 0 {
        guard VirtualBootloader.lpcLength(bytes) != nil else { return .refused(.errFile) }
        bytes.removeFirst(16)
      } else {
        start -= 16
      }
    }
    let memory = memories[index]
    let address = memory.range.lowerBound + start
    let range = address..<address + UInt64(bytes.count)
    guard memory.contains(range) else { return .refused(.errAddress) }
    var duration = memory.description.programTime(bytes.count)
    var sectors: Range<UInt64>?
    if memory.description.kind == .flash, let first = firstSectorStart(from: address, in: memory),
      first < range.upperBound,
      let last = memory.description.map.sector(containing: range.upperBound - 1)
    {
      sectors = first..<last.range.upperBound
      duration += eraseTime(of: first..<last.range.upperBound, in: index)
    }
    return PlannedWork(
      .replace(memory: index, sectors: sectors, address: address, bytes: bytes),
      duration: duration)
  }

  private func firstSectorStart(from address: UInt64, in memory: VirtualMemory) -> UInt64? {
    guard let sector = memory.description.map.sector(containing: address) else { return nil }
    return sector.range.lowerBound == address ? address : sector.range.upperBound
  }

  /// The length that NXP's prefix announces, in bytes with the prefix; nil where there is none.
  ///
  /// `1A 3F`, of which only six bits count, and the length in units of 512 bytes.
  static func lpcLength(_ bytes: [UInt8]) -> UInt64? {
    guard bytes.count >= 16, bytes[0] & 0x3F == 0x1A, bytes[1] & 0x3F == 0x3F else { return nil }
    let units = UInt64(bytes[2]) | UInt64(bytes[3]) << 8
    return units == 0 ? nil : units * 512
  }

  // MARK: Doing

  /// Starts work, behind what the part may still be doing for a host that did not wait.
  ///
  /// - Returns: when it will be done.
  @discardableResult
  mutating func begin(_ work: PlannedWork, at now: Duration) -> Duration {
    var start = now
    if let running = operation {
      operation = nil
      carryOut(running)
      start = max(now, running.end)
    }
    let next = Operation(work, from: start)
    operation = next
    return next.end
  }

  /// The time of the operation has passed: what it does is done.
  mutating func finishOperation(_ done: Operation) {
    operation = nil
    carryOut(done)
    switch (done.work, state) {
    case (.manifest, _):
      isManifested = true
      state = transition(.timer, conditions).state
    case (_, .dfuDnBusy):
      if case .erase(_, let range) = done.work, range.lowerBound >= 0x0810_0000,
        profile.quirks.contains(.secondBankErasesForEver)
      {
        isStuck = true
      } else if isResultTaken {
        enter(done.status == .ok ? .to(.dfuDnloadIdle) : .to(.dfuError, done.status), at: done.end)
      } else {
        state = .dfuDnloadSync
        result = done.status
      }
    case (_, .dfuDnloadSync): result = done.status
    default: break
    }
    isResultTaken = false
    if done.work.restarts {
      note(.reset, at: done.end)
      depart(Departure(time: done.end, cause: .restart))
    }
  }

  private mutating func carryOut(_ done: Operation) {
    switch done.work {
    case .nothing, .manifest: break
    case .setPointer(let address): pointer = address
    case .erase(let memory, let range): erase(range, in: memory, at: done.end)
    case .massErase(let memory):
      // Refused in silence while any sector is write-protected.
      let range = memories[memory].range
      if memory == 0, !writeProtectedSectors.isEmpty {
        note(.dropped(range), at: done.end)
      } else {
        memories[memory].erase(range)
        note(.erased(range), at: done.end)
      }
    case .unprotect: unprotect(at: done.end)
    case .program(let memory, let address, let bytes):
      program(bytes, at: address, in: memory, time: done.end)
    case .writeOptions(_, let address, let bytes):
      writeOptionBytes(bytes, at: address, time: done.end)
    case .replace(let memory, let sectors, let address, let bytes):
      if let sectors { erase(sectors, in: memory, at: done.end) }
      program(bytes, at: address, in: memory, time: done.end)
      let prefix = profile.dialect == .lpcROM && transfer.offset == 0 ? 16 : 0
      transfer.offset += UInt64(bytes.count + prefix)
    }
  }

  private mutating func erase(_ range: Range<UInt64>, in memory: Int, at time: Duration) {
    for (part, isProtected) in pieces(of: range, in: memory) {
      if isProtected {
        note(.dropped(part), at: time)
      } else {
        memories[memory].erase(part)
        note(.erased(part), at: time)
      }
    }
  }

  private mutating func program(
    _ bytes: [UInt8], at address: UInt64, in memory: Int, time: Duration
  ) {
    let range = address..<address + UInt64(bytes.count)
    for (part, isProtected) in pieces(of: range, in: memory) {
      guard !isProtected else {
        note(.dropped(part), at: time)
        continue
      }
      let start = Int(part.lowerBound - address)
      let failed = memories[memory].program(
        Array(bytes[start..<start + part.count]), at: part.lowerBound)
      note(.programmed(part), at: time)
      if failed { note(.bitsStayedZero(part), at: time) }
    }
  }

  /// The range in pieces that are write-protected and pieces that are not.
  private func pieces(
    of range: Range<UInt64>, in memory: Int
  ) -> [(Range<UInt64>, isProtected: Bool)] {
    if let locks = memories[memory].description.locks {
      return memories[memory].pieces(of: range, locks)
    }
    guard memory == 0, !writeProtectedSectors.isEmpty else { return [(range, false)] }
    var pieces: [(Range<UInt64>, isProtected: Bool)] = []
    var start = range.lowerBound
    while start < range.upperBound, let (number, sector) = sector(containing: start) {
      let end = min(sector.upperBound, range.upperBound)
      let isProtected = writeProtectedSectors.contains(number)
      if let last = pieces.last, last.isProtected == isProtected {
        pieces[pieces.count - 1].0 = last.0.lowerBound..<end
      } else {
        pieces.append((start..<end, isProtected))
      }
      start = end
    }
    return pieces
  }

  /// The number, in the first memory, and the addresses of a sector.
  private func sector(containing address: UInt64) -> (Int, Range<UInt64>)? {
    var first = 0
    for run in memories[0].description.map.runs {
      if let sector = run.sector(containing: address) {
        return (first + Int((address - run.start) / run.sectorSize), sector.range)
      }
      first += Int(run.count)
    }
    return nil
  }

  /// Power goes, or the operation is broken off: half of it has happened.
  mutating func interruptOperation(at now: Duration) {
    guard let broken = operation else { return }
    operation = nil
    switch broken.work {
    case .erase(let memory, let range): eraseHalf(of: range, in: memory, at: now)
    case .massErase(let memory):
      if memory != 0 || writeProtectedSectors.isEmpty {
        eraseHalf(of: memories[memory].range, in: memory, at: now)
      }
    case .unprotect:
      eraseHalf(of: memories[0].range, in: 0, at: now)
    case .program(let memory, let address, let bytes),
      .replace(let memory, _, let address, let bytes):
      let unit = memories[memory].description.unit
      let half = bytes.count / 2 / unit * unit
      program(Array(bytes[..<half]), at: address, in: memory, time: now)
      note(.interrupted(address..<address + UInt64(bytes.count)), at: now)
    case .writeOptions(_, let address, let bytes):
      interruptOptionBytes(bytes, at: address, from: broken.start, to: broken.end, now: now)
    case .nothing, .setPointer, .manifest: break
    }
  }

  private mutating func eraseHalf(of range: Range<UInt64>, in memory: Int, at now: Duration) {
    let middle = range.lowerBound + UInt64(range.count / 2)
    erase(range.lowerBound..<middle, in: memory, at: now)
    note(.interrupted(range), at: now)
  }
}
