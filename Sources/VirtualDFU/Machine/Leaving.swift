internal import DFU
internal import USB

/// Protection, and the ways out of the bootloader.
extension VirtualBootloader {
  // MARK: Protection

  /// Writes the protection into the option bytes, where the part has them there.
  mutating func storeProtection() {
    if let address = profile.protectionByte, isReadProtected { load([0x55], at: address) }
    if let address = profile.sectorProtectionBits, !writeProtectedSectors.isEmpty {
      var bits: UInt16 = 0xFFFF
      for sector in writeProtectedSectors where (0..<16).contains(sector) { bits &= ~(1 << sector) }
      load(bits.littleEndianBytes, at: address)
    }
  }

  /// The option bytes have been written: they count from the reset that follows.
  mutating func loadProtection(at now: Duration) {
    if let address = profile.protectionByte {
      switch contents(address..<address + 1)[0] {
      case 0xAA: isReadProtected = false
      case 0xCC:
        isClosedForEver = true
        note(.closedForEver, at: now)
      default: isReadProtected = true
      }
    }
    if let address = profile.sectorProtectionBits {
      let bytes = contents(address..<address + 2)
      let bits = UInt16(bytes[0]) | UInt16(bytes[1]) << 8
      writeProtectedSectors = Set((0..<16).filter { bits >> $0 & 1 == 0 })
    }
  }

  mutating func unprotect(at now: Duration) {
    for index in memories.indices where memories[index].description.kind == .flash {
      memories[index].erase(memories[index].range)
    }
    isReadProtected = false
    if let address = profile.protectionByte { load([0xAA], at: address) }
    note(.unprotected, at: now)
  }

  // MARK: Leaving

  /// The device goes off the bus.
  mutating func depart(_ departure: Departure) {
    self.departure = nil
    let start = UInt64(profile.applicationAddress ?? pointer)
    if departure.cause == .leave, isBeyondTheEnd(start..<start + 8) {
      // It looks for a vector table where there is no memory.
      die(at: departure.time)
      return
    }
    isConnected = false
    operation = nil
    let time = departure.time
    switch departure.cause {
    case .detach: departForDFUMode(at: time)
    case .leave:
      isDownloadUnfinished = false
      guard let address = jumpTarget else {
        note(.notLaunched(UInt64(profile.applicationAddress ?? pointer)), at: time)
        note(.reset, at: time)
        returnsAt = time + profile.restartTime
        return
      }
      note(.launched(address), at: time)
      guard let application = profile.application else { return }
      modeChange.arrival = .application
      returnsAt = application.absence.map { time + $0 }
    case .restart:
      if !isClosedForEver { returnsAt = time + profile.restartTime }
    }
  }

  /// Where the application starts; nil when there is none worth starting.
  var jumpTarget: UInt64? {
    guard profile.dialect.isDfuSe else {
      guard isImageIntact else { return nil }
      return profile.partitions.first.map { memories[$0].range.lowerBound }
    }
    let address = UInt64(profile.applicationAddress ?? pointer)
    guard let index = memoryIndex(containing: address..<address + 8) else { return nil }
    if profile.startsAnything {
      return memories[index].isBlank(address..<address + 4) ? nil : address
    }
    let words = contents(address..<address + 8)
    func word(_ start: Int) -> UInt64 {
      words[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    // Word 0 is the stack pointer, which grows down from the end of RAM; word 1 the reset vector,
    // whose bit 0 says Thumb.
    let stack = word(0)
    let reset = word(4)
    let isStackPlausible = profile.ramRanges.contains {
      $0.contains(stack) && stack > $0.lowerBound && stack.isMultiple(of: 4)
    }
    let isResetPlausible = profile.codeRanges.contains { $0.contains(reset) } && reset & 1 == 1
    return isStackPlausible && isResetPlausible ? address : nil
  }
}
