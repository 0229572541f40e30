internal import DFU

/// The ways out of the bootloader.
extension VirtualBootloader {
  /// The device goes off the bus.
  mutating func depart(_ departure: Departure) {
    self.departure = nil
    isConnected = false
    operation = nil
    let time = departure.time
    if departure.cause == .leave {
      guard let address = jumpTarget else {
        note(.notLaunched(UInt64(profile.applicationAddress ?? pointer)), at: time)
        note(.reset, at: time)
        returnsAt = time + profile.restartTime
        return
      }
      note(.launched(address), at: time)
    } else if !isClosedForEver {
      returnsAt = time + profile.restartTime
    }
  }

  /// Where the application starts; nil when there is none worth starting.
  var jumpTarget: UInt64? {
    guard profile.dialect.isDfuSe else {
      return profile.partitions.first.map { memories[$0].range.lowerBound }
    }
    let address = UInt64(profile.applicationAddress ?? pointer)
    guard memoryIndex(containing: address..<address + 8) != nil else { return nil }
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
