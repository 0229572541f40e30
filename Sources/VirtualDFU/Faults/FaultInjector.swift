internal import DFU
internal import Synchronization
public import USB
public import VirtualUSB

extension FaultSchedule {
  /// What lets the faults happen, for `VirtualBus/intercept(_:)`.
  ///
  /// - Parameters:
  ///   - profile: what is plugged in: the addresses of its blocks, and what an intruder looks like.
  ///   - path: the port of the device; transfers of others are left alone, and nil means any.
  ///   - observer: is told of each transfer that a fault happens to, with its number.
  /// - Returns: a function that keeps count; make a new one for each bus.
  public func interceptor(
    for profile: Profile, at path: PortPath? = nil,
    observer: (@Sendable (Entry, Int) -> Void)? = nil
  ) -> TransferInterceptor {
    let injector = Mutex(FaultInjector(self, profile))
    return { transfer in
      guard transfer.endpoint == 0, path == nil || transfer.path == path else { return .pass }
      return injector.withLock { $0.fault(for: transfer, observer) }
    }
  }
}

/// Counts transfers, follows the address pointer, and says which faults strike.
struct FaultInjector: Sendable {
  private let schedule: FaultSchedule
  private let profile: Profile
  private var counts: [TransferWord: Int] = [:]
  /// The transfers of this device so far.
  private var total = 0
  /// At which transfers the entries of the schedule strike, where a word has been met.
  private var due: [Int: [FaultSchedule.Entry]] = [:]
  private var pointer: UInt64
  /// Until when DFU_GETSTATUS says busy, and with which poll timeout.
  private var busyUntil: Duration?
  private var busyPoll: UInt32 = 0
  private var cutsPower = false

  init(_ schedule: FaultSchedule, _ profile: Profile) {
    self.schedule = schedule
    self.profile = profile
    pointer = UInt64(profile.defaultPointer)
    for entry in schedule.entries {
      if case .number(let number) = entry.place { due[number, default: []].append(entry) }
    }
  }

  mutating func fault(
    for transfer: InterceptedTransfer,
    _ observer: ((FaultSchedule.Entry, Int) -> Void)? = nil
  ) -> TransferFault {
    let number = total
    total += 1
    guard let setup = transfer.setup else { return .pass }
    let word = TransferWord(setup, transfer.data, isDfuSe: profile.dialect.isDfuSe)
    if let word { count(word, at: number) }
    follow(transfer, word)
    var faults: [TransferFault] = []
    for entry in due.removeValue(forKey: number) ?? [] {
      observer?(entry, number)
      faults += strike(entry.kind, setup, at: transfer.time)
    }
    for entry in schedule.entries {
      guard case .byte(let wanted, let address, let bit) = entry.place, wanted == word,
        let offset = offset(of: address, in: transfer)
      else { continue }
      observer?(entry, number)
      faults +=
        entry.kind == .flip
        ? [FaultInjector.flip(offset, bit ?? 0)] : strike(entry.kind, setup, at: transfer.time)
    }
    if word == .status { faults += statusFaults(at: transfer.time) }
    switch faults.count {
    case 0: return .pass
    case 1: return faults[0]
    default: return .together(faults)
    }
  }

  private mutating func count(_ word: TransferWord, at number: Int) {
    let count = (counts[word] ?? 0) + 1
    counts[word] = count
    for entry in schedule.entries {
      guard case .word(word, let wanted, let offset) = entry.place, wanted == count || wanted == 0
      else { continue }
      due[number + offset, default: []].append(entry)
    }
  }

  private mutating func follow(_ transfer: InterceptedTransfer, _ word: TransferWord?) {
    guard word == .address, case .setAddressPointer(let address)? = DfuSeCommand(transfer.data)
    else { return }
    pointer = UInt64(address)
  }

  /// Where the byte at `address` lies in the data stage of a read or a write.
  private func offset(of address: UInt64, in transfer: InterceptedTransfer) -> Int? {
    guard let setup = transfer.setup else { return nil }
    let start: UInt64
    if profile.dialect.isDfuSe {
      guard setup.value >= 2 else { return nil }
      start = pointer + UInt64(setup.value - 2) * UInt64(profile.transferSize)
    } else {
      start = UInt64(setup.value) * UInt64(profile.transferSize)
    }
    guard address >= start, address - start < UInt64(setup.length) else { return nil }
    return Int(address - start)
  }

  private mutating func strike(
    _ kind: FaultKind, _ setup: SetupPacket, at now: Duration
  ) -> [TransferFault] {
    let absence = FaultKind.absence
    switch kind {
    case .stall: return [.stall]
    case .timeout: return [.timeout]
    case .broken: return [.broken]
    case .disconnect: return [.disconnect(comesBackAfter: absence)]
    case .disconnectInside: return [.disconnectInside(comesBackAfter: absence)]
    case .disconnectAfter: return [.disconnectAfter(comesBackAfter: absence)]
    case .powerCut:
      cutsPower = true
      // The work begins with DFU_GETSTATUS; what needs none is cut off at once.
      return DFURequest(setup) == .download ? [] : cutPower()
    case .gone: return [.disconnect(comesBackAfter: nil)]
    case .reconnect: return [.reconnect(after: absence)]
    case .intruder: return [.plugIn(VirtualBootloader(profile))]
    case .shortAnswer: return [.corruptAnswer { _ = $0.popLast() }]
    case .corruptAnswer:
      return [
        .corruptAnswer { bytes in for index in bytes.indices { bytes[index] ^= 0x55 } }
      ]
    case .wrongState(let state): return [FaultInjector.status { $0[4] = state }]
    case .wrongStatus(let status): return [FaultInjector.status { $0[0] = status }]
    case .endlessBusy: return makeBusy(until: .seconds(Int64.max / 2), poll: 5, setup)
    case .zeroBusy: return makeBusy(until: .seconds(Int64.max / 2), poll: 0, setup)
    case .busy(let duration): return makeBusy(until: now + duration, poll: 5, setup)
    case .flip: return [FaultInjector.flip(0, 0)]
    }
  }

  private mutating func makeBusy(
    until end: Duration, poll: UInt32, _ setup: SetupPacket
  ) -> [TransferFault] {
    busyUntil = end
    busyPoll = poll
    return []
  }

  private mutating func cutPower() -> [TransferFault] {
    cutsPower = false
    return [.cutPower(comesBackAfter: FaultKind.absence)]
  }

  private mutating func statusFaults(at now: Duration) -> [TransferFault] {
    if cutsPower { return cutPower() }
    guard let busyUntil, now < busyUntil else { return [] }
    let answer = GetStatusResponse(pollTimeout: busyPoll, state: .dfuDnBusy).bytes
    return [.corruptAnswer { $0 = Array(answer.prefix($0.count)) }]
  }

  /// Changes the answer to DFU_GETSTATUS, and no other.
  private static func status(_ change: @escaping @Sendable (inout [UInt8]) -> Void) -> TransferFault
  {
    .corruptAnswer { bytes in if bytes.count == 6 { change(&bytes) } }
  }

  private static func flip(_ offset: Int, _ bit: Int) -> TransferFault {
    .corruptAnswer { bytes in
      if bytes.indices.contains(offset) { bytes[offset] ^= 1 << bit }
    }
  }
}

extension TransferWord {
  /// What a control transfer is; nil for what no word stands for.
  init?(_ setup: SetupPacket, _ data: [UInt8], isDfuSe: Bool) {
    guard let request = DFURequest(setup) else {
      switch (setup.requestType.kind, StandardRequest(rawValue: setup.request)) {
      case (.standard, .getDescriptor):
        switch DescriptorType(rawValue: UInt8(truncatingIfNeeded: setup.value >> 8)) {
        case .device: self = .device
        case .configuration: self = .configuration
        case .string: self = .string
        case .binaryObjectStore: self = .binaryObjectStore
        case .deviceQualifier: self = .qualifier
        default: return nil
        }
      case (.standard, .setAddress): self = .setAddress
      case (.standard, .setConfiguration): self = .configure
      case (.standard, .setInterface): self = .select
      default: return nil
      }
      return
    }
    switch request {
    case .download where data.isEmpty: self = .end
    case .download where isDfuSe && setup.value == 0:
      switch DfuSeCommand(data) {
      case .setAddressPointer: self = .address
      case .erase: self = .erase
      case .massErase: self = .massErase
      case .readUnprotect: self = .unprotect
      case nil: return nil
      }
    case .download: self = .write
    case .upload: self = .read
    case .getStatus: self = .status
    case .getState: self = .state
    case .clearStatus: self = .clear
    case .abort: self = .abort
    case .detach: self = .detach
    }
  }
}
