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
  /// Reports success, and does nothing.
  case ignore(Range<UInt64>)
  /// Erases the sectors that begin in the stretch, then programs it (plain DFU).
  case replace(memory: Int, sectors: Range<UInt64>?, address: UInt64, bytes: [UInt8])
  case manifest
  /// Goes to where there is no memory, and never comes back.
  case die

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
  /// iString for `status`.
  var text: UInt8 = 0
  /// It ends in dfuERROR, which mboot can do with the status OK.
  var fails: Bool

  init(_ work: Work, duration: Duration = .zero, status: DFUStatus = .ok) {
    self.work = work
    self.duration = duration
    self.status = status
    fails = status != .ok
  }

  /// It will not be done.
  static func refused(_ status: DFUStatus) -> PlannedWork { PlannedWork(.nothing, status: status) }

  /// How it is announced.
  var kind: PollPolicy.Kind {
    switch work {
    case .erase, .massErase, .unprotect: .erase
    case .program, .writeOptions, .ignore, .replace: .write
    case .nothing, .setPointer, .manifest, .die: .command
    }
  }
}

/// Work under way.
struct Operation: Hashable, Sendable {
  var work: Work
  var start: Duration
  var end: Duration
  var status: DFUStatus
  var text: UInt8
  var fails: Bool

  init(_ planned: PlannedWork, from now: Duration) {
    work = planned.work
    start = now
    end = now + planned.duration
    status = planned.status
    text = planned.text
    fails = planned.fails
  }
}

extension VirtualBootloader {
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
    guard !isDead else { return }
    switch (done.work, state) {
    case (.manifest, _):
      isManifested = true
      isDownloadUnfinished = false
      if !profile.quirks.contains(.manifestsWhenPolled) {
        state = transition(.timer, conditions).state
      }
    case (_, .dfuDnBusy): settle(done)
    case (_, .dfuDnloadSync): result = done.status
    default: break
    }
    if done.work.restarts {
      note(.reset, at: done.end)
      depart(Departure(time: done.end, cause: .restart))
      return
    }
    // What was held meanwhile counts now; its answer was given with the question.
    if let held {
      self.held = nil
      _ = respondToClass(held.setup, held.data, at: done.end)
    }
  }

  /// The state after work that was announced as dfuDNBUSY.
  private mutating func settle(_ done: Operation) {
    if profile.quirks.contains(.endlessBusy) {
      isStuck = true
    } else if case .erase(_, let range) = done.work, range.lowerBound >= 0x0810_0000,
      profile.quirks.contains(.secondBankErasesForEver)
    {
      isStuck = true
    } else if profile.dialect == .mboot {
      settleAsMboot(done)
    } else {
      state = .dfuDnloadSync
      result = done.status
    }
  }

  private mutating func carryOut(_ done: Operation) {
    switch done.work {
    case .nothing, .manifest: break
    case .die: die(at: done.end)
    case .setPointer(let address): pointer = address
    case .erase(let memory, let range): erase(range, in: memory, at: done.end)
    case .massErase(let memory):
      // Refused in silence while any sector is write-protected.
      let range = massErasedRange(memory)
      if memory == 0, !writeProtectedSectors.isEmpty {
        note(.dropped(range), at: done.end)
      } else {
        memories[memory].erase(range)
        note(.erased(range), at: done.end)
      }
      // It erases as much as it believes to have.
      if memory == 0, profile.quirks.contains(.diesBeyondItsEnd) { die(at: done.end) }
    case .unprotect: unprotect(at: done.end)
    case .program(let memory, let address, let bytes):
      program(bytes, at: address, in: memory, time: done.end)
    case .ignore(let range): note(.dropped(range), at: done.end)
    case .writeOptions(_, let address, let bytes):
      writeOptionBytes(bytes, at: address, time: done.end)
    case .replace(let memory, let sectors, let address, let bytes):
      noteReplacement(in: memory)
      if let sectors { erase(sectors, in: memory, at: done.end) }
      program(bytes, at: address, in: memory, time: done.end)
      let prefix = profile.dialect == .lpcROM && transfer.offset == 0 ? 16 : 0
      transfer.offset += UInt64(bytes.count + prefix)
    }
  }

  /// What a mass erase erases: all but the sectors of the bootloader itself.
  private func massErasedRange(_ memory: Int) -> Range<UInt64> {
    let range = memories[memory].range
    guard profile.dialect == .mboot, memory == 0,
      let first = memories[0].description.map.runs.first(where: {
        $0.rights.contains(.erasable)
      })
    else { return range }
    return first.start..<range.upperBound
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
      guard failed else { continue }
      let isPassedOver = memories[memory].description.reprogramming == .skippedUnlessBlank
      note(isPassedOver ? .passedOver(part) : .bitsStayedZero(part), at: time)
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

  /// Power goes, or the operation is broken off in the middle.
  ///
  /// A sector whose erase is broken off holds anything between what it held and blank: here its first
  /// quarter is blank, and in the rest some bits of every byte are. Of a program operation the first
  /// half is done, and in the unit behind it only some of the bits have been changed; it counts as
  /// programmed.
  mutating func interruptOperation(at now: Duration) {
    guard let broken = operation else { return }
    operation = nil
    switch broken.work {
    case .erase(let memory, let range): breakErase(of: range, in: memory, at: now)
    case .massErase(let memory):
      if memory != 0 || writeProtectedSectors.isEmpty {
        breakErase(of: massErasedRange(memory), in: memory, at: now)
      }
    case .unprotect: breakErase(of: memories[0].range, in: 0, at: now)
    case .program(let memory, let address, let bytes):
      breakProgram(bytes, at: address, in: memory, now: now)
    case .replace(let memory, let sectors, let address, let bytes):
      noteReplacement(in: memory)
      if let sectors, now - broken.start < (broken.end - broken.start) / 2 {
        breakErase(of: sectors, in: memory, at: now)
      } else {
        if let sectors { erase(sectors, in: memory, at: now) }
        breakProgram(bytes, at: address, in: memory, now: now)
      }
    case .writeOptions(_, let address, let bytes):
      interruptOptionBytes(bytes, at: address, from: broken.start, to: broken.end, now: now)
    case .nothing, .setPointer, .manifest, .ignore, .die: break
    }
  }

  private mutating func breakErase(of range: Range<UInt64>, in memory: Int, at now: Duration) {
    for (part, isProtected) in pieces(of: range, in: memory) where !isProtected {
      let quarter = part.lowerBound + UInt64(part.count / 4)
      let rest = quarter..<part.upperBound
      memories[memory].weaken(rest)
      memories[memory].erase(part.lowerBound..<quarter)
      note(.interrupted(part), at: now)
    }
  }

  private mutating func breakProgram(
    _ bytes: [UInt8], at address: UInt64, in memory: Int, now: Duration
  ) {
    let unit = memories[memory].description.unit
    let half = bytes.count / 2 / unit * unit
    program(Array(bytes[..<half]), at: address, in: memory, time: now)
    let torn = bytes[half..<min(half + unit, bytes.count)]
    // Half of the bits that were to be changed.
    let blank = memories[memory].description.erasedByte
    let weak = torn.enumerated().map { place, byte -> UInt8 in
      let late: UInt8 = place.isMultiple(of: 2) ? 0xAA : 0x55
      return byte & ~late | blank & late
    }
    program(weak, at: address + UInt64(half), in: memory, time: now)
    note(.interrupted(address..<address + UInt64(bytes.count)), at: now)
  }
}
