internal import DFU
internal import USB
internal import VirtualUSB

/// What mboot has been told last.
enum MbootCommand: Hashable, Sendable {
  case none
  /// DNLOAD without data.
  case exit
  case upload
  case download(block: UInt16, bytes: [UInt8])
}

/// MicroPython's mboot (ports/stm32/mboot of micropython/micropython).
///
/// It keeps no DFU states to speak of: a request is noted whatever the state, and GETSTATUS makes a
/// state of it. Its own loop does the work when an answer has gone out, and serves no request
/// meanwhile. What it does not know it acknowledges where it goes to the device, and does not answer
/// where something should come back.
extension VirtualBootloader {
  /// iString for an attempt on mboot's own sectors.
  static let mbootOverwriteText: UInt8 = 0x10
  /// iString for an address where there is no memory.
  static let mbootAddressText: UInt8 = 0x11

  mutating func respondAsMboot(
    _ setup: SetupPacket, _ data: [UInt8], at now: Duration
  ) -> VirtualResponse {
    let request = DFURequest(rawValue: setup.request)
    guard setup.requestType.direction == .in else {
      return takeAsMboot(request, setup, data, at: now)
    }
    switch request {
    case .upload? where setup.value >= 2: return uploadAsMboot(setup, at: now)
    case .getStatus? where setup.length == 6: return statusOfMboot(setup, at: now)
    case .getState? where setup.length == 1: return .data([state.rawValue])
    default: return .noAnswer
    }
  }

  private mutating func takeAsMboot(
    _ request: DFURequest?, _ setup: SetupPacket, _ data: [UInt8], at now: Duration
  ) -> VirtualResponse {
    switch request {
    case .download? where data.isEmpty:
      mboot = .exit
      if profile.leave == .afterDownload, mayLeave { leaveRule = (.download, .zero) }
    case .download?:
      guard data.count <= profile.transferSize else {
        // It runs over its buffer.
        die(at: now)
        return .noAnswer
      }
      mboot = .download(block: setup.value, bytes: data)
      hasTransferred = true
    case .clearStatus?, .abort?: becomeIdle()
    default: break
    }
    return .acknowledged
  }

  private mutating func uploadAsMboot(
    _ setup: SetupPacket, at now: Duration
  ) -> VirtualResponse {
    let start = address(ofBlock: setup.value)
    let range = start..<start + UInt64(setup.length)
    // It copies from wherever it is told: where there is nothing, that is its end.
    guard Int(setup.length) <= profile.transferSize, let memory = memoryIndex(containing: range)
    else {
      die(at: now)
      return .noAnswer
    }
    mboot = .upload
    hasTransferred = true
    return .data(memories[memory].read(range))
  }

  private mutating func statusOfMboot(
    _ setup: SetupPacket, at now: Duration
  ) -> VirtualResponse {
    switch mboot {
    case .none: break
    case .exit:
      mboot = .none
      state = .dfuManifest
      return manifest(setup, at: now)
    case .upload: state = .dfuUploadIdle
    case .download(let block, let bytes):
      mboot = .none
      state = .dfuDnBusy
      let work = slowed(planAsMboot(block, bytes))
      announced = announcement(for: work)
      postponed = work
    }
    return report(state == .dfuDnBusy ? announced : idleMilliseconds, setup)
  }

  // MARK: The work

  private mutating func planAsMboot(_ block: UInt16, _ bytes: [UInt8]) -> PlannedWork {
    // The rest of its buffer is what blocks before have left there.
    let buffer = bytes + lastBlock.dropFirst(bytes.count)
    lastBlock = buffer
    switch block {
    case 0: return planAsMboot(DfuSeCommand(bytes))
    case 1: return VirtualBootloader.unexplained
    default:
      let whole = (bytes.count + 3) / 4 * 4
      let words = Array((buffer + [0, 0, 0]).prefix(whole))
      return planMbootWrite(words, at: address(ofBlock: block))
    }
  }

  /// dfuERROR with the status OK and no text: mboot has no words for most of what goes wrong.
  private static let unexplained: PlannedWork = {
    var work = PlannedWork(.nothing)
    work.fails = true
    return work
  }()

  private static func refused(_ text: UInt8) -> PlannedWork {
    var work = PlannedWork.refused(.errAddress)
    work.text = text
    return work
  }

  private func planAsMboot(_ command: DfuSeCommand?) -> PlannedWork {
    switch command {
    case .setAddressPointer(let address)?: return PlannedWork(.setPointer(address))
    case .erase(let address)?:
      let start = UInt64(address)
      guard let sector = memories[0].description.map.sector(containing: start) else {
        return VirtualBootloader.refused(VirtualBootloader.mbootAddressText)
      }
      guard sector.rights.contains(.erasable) else {
        return VirtualBootloader.refused(VirtualBootloader.mbootOverwriteText)
      }
      return planErase(start)
    case .massErase?: return PlannedWork(.massErase(memory: 0), duration: massEraseTime(0))
    case .readUnprotect?, nil: return VirtualBootloader.unexplained
    }
  }

  private func planMbootWrite(_ words: [UInt8], at address: UInt64) -> PlannedWork {
    let memory = memories[0]
    let range = address..<address + UInt64(words.count)
    guard memory.range.contains(address), memory.contains(range) else {
      return VirtualBootloader.refused(VirtualBootloader.mbootAddressText)
    }
    let isOwn = memory.description.map.runs.contains {
      !$0.rights.contains(.writable) && $0.range.overlaps(range)
    }
    if isOwn { return VirtualBootloader.refused(VirtualBootloader.mbootOverwriteText) }
    guard memory.fault(programming: words, at: address) == nil else {
      return VirtualBootloader.unexplained
    }
    return PlannedWork(
      .program(memory: 0, address: address, bytes: words),
      duration: memory.description.programTime(words.count))
  }

  /// No dfuDNLOAD-SYNC: the state is that of the outcome.
  mutating func settleAsMboot(_ done: Operation) {
    guard done.fails else {
      state = .dfuDnloadIdle
      return
    }
    enter(.to(.dfuError, done.status), at: done.end)
    textIndex = done.text
  }
}
