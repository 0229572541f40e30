internal import DFU

/// The ways out of the bootloader.
extension VirtualBootloader {
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
