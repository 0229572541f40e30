internal import DFU

/// What a block or a command will do to the part, how long it will take, and how it will end: decided
/// before anything is changed.
extension VirtualBootloader {
  func plan(_ block: PendingBlock) -> PlannedWork {
    let work: PlannedWork =
      switch block {
      case .refused(let status): .refused(status)
      case .command(let command): plan(command)
      case .write(let address, let bytes): planWrite(bytes, at: address)
      case .block(let bytes): planBlock(bytes)
      }
    return slowed(work)
  }

  /// The work of a part that is slower than the hosts that wait for it.
  func slowed(_ work: PlannedWork) -> PlannedWork {
    guard profile.quirks.contains(.holdsStatusForSeconds), work.kind != .command else {
      return work
    }
    var work = work
    work.duration += .seconds(6)
    return work
  }

  private func plan(_ command: DfuSeCommand) -> PlannedWork {
    if command == .readUnprotect {
      return PlannedWork(.unprotect, duration: massEraseTime(0))
    }
    if isReadProtected { return .refused(.errVendor) }
    switch command {
    case .setAddressPointer(let address):
      // The others take any address and fail when it is used.
      if profile.dialect == .stROM, !isClaimed(UInt64(address)) {
        return PlannedWork(.nothing, duration: profile.setAddressTime, status: .errTarget)
      }
      return PlannedWork(.setPointer(address), duration: profile.setAddressTime)
    case .erase(let address): return planErase(UInt64(address))
    case .massErase:
      let first = memories.firstIndex {
        $0.description.kind == .flash && $0.range.contains(UInt64(pointer))
      }
      return PlannedWork(.massErase(memory: first ?? 0), duration: massEraseTime(first ?? 0))
    case .readUnprotect: return .refused(.errUnknown)
    }
  }

  func planErase(_ address: UInt64) -> PlannedWork {
    if isBeyondTheEnd(address..<address + 1) { return PlannedWork(.die) }
    guard let memory = memoryIndex(containing: address..<address + 1),
      let sector = memories[memory].description.map.sector(containing: address),
      sector.rights.contains(.erasable)
    else { return .refused(profile.dialect.addressStatus) }
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

  func massEraseTime(_ memory: Int) -> Duration {
    memories[memory].description.massEraseTime
      ?? eraseTime(of: memories[memory].range, in: memory)
  }

  private func planWrite(_ bytes: [UInt8], at address: UInt64) -> PlannedWork {
    if isReadProtected { return .refused(.errVendor) }
    let range = address..<address + UInt64(bytes.count)
    if isBeyondTheEnd(range) { return PlannedWork(.die) }
    guard let index = memoryIndex(containing: range), isWritable(range, in: index) else {
      return .refused(profile.dialect.addressStatus)
    }
    let memory = memories[index]
    let duration = memory.description.programTime(bytes.count)
    if memory.description.kind == .optionBytes {
      if profile.quirks.contains(.ignoresOptionWrites) {
        return PlannedWork(.ignore(range), duration: duration)
      }
      return PlannedWork(
        .writeOptions(memory: index, address: address, bytes: bytes), duration: duration)
    }
    let work = Work.program(memory: index, address: address, bytes: bytes)
    switch memory.fault(programming: bytes, at: address) {
    case nil: return PlannedWork(work, duration: duration)
    case .misaligned?: return .refused(isVague ? .errVendor : .errWrite)
    case .alreadyProgrammed?: return .refused(isVague ? .errVendor : .errProg)
    }
  }

  /// One error for everything that the flash refuses, as ST's library and its descendants have it.
  private var isVague: Bool { profile.dialect == .stLibrary || profile.dialect == .gd32ROM }

  // MARK: Where there is no memory

  /// Whether the bootloader takes an address for one of its memories. The one that dies behind its
  /// first memory does not know where that ends.
  private func isClaimed(_ address: UInt64) -> Bool {
    memoryIndex(containing: address..<address + 1) != nil
      || isBeyondTheEnd(address..<address + 1)
  }

  /// Whether something of `range` lies behind the first memory, where this part dies of it: as far as
  /// a memory of twice the size would reach, and in no other memory.
  func isBeyondTheEnd(_ range: Range<UInt64>) -> Bool {
    guard profile.quirks.contains(.diesBeyondItsEnd), let first = memories.first?.range,
      !range.isEmpty
    else { return false }
    let (end, overflow) = first.upperBound.addingReportingOverflow(UInt64(first.count))
    let ghost = first.upperBound..<(overflow ? UInt64.max : end)
    return range.overlaps(ghost) && !memories.dropFirst().contains { $0.contains(range) }
  }

  /// Nothing is answered any more.
  mutating func die(at now: Duration) {
    note(.died, at: now)
    isDead = true
    operation = nil
    postponed = nil
    held = nil
    departure = nil
    returnsAt = nil
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
}
