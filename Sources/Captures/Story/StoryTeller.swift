internal import DFU
internal import USB

/// Makes the steps of one device of its transfers.
struct StoryTeller {
  private(set) var steps: [CaptureStory.Step] = []
  private let device: Int
  private let dfu: CapturedDFU
  private let origin: Int64
  /// DfuSe: where block 2 is.
  private var pointer: UInt32?
  /// Whether the last step is a download whose DFU_GETSTATUS are still coming.
  private var isPolling = false
  /// Whether the device was told to go, so that it may.
  private var mayLeave = false

  init(device: Int, _ dfu: CapturedDFU, origin: Int64) {
    self.device = device
    self.dfu = dfu
    self.origin = origin
  }

  mutating func take(_ transfer: CapturedTransfer) {
    guard !transfer.isInjected else { return introduce(transfer) }
    guard let setup = transfer.setup else { return takePipe(transfer) }
    if let request = dfu.request(setup) { return take(transfer, setup, request) }
    isPolling = false
    if let kind = standardKind(setup, transfer) {
      add(kind, transfer)
    } else if case .request(let other, let count)? = steps.last?.kind, steps.last?.problem == nil,
      other.requestType == setup.requestType, other.request == setup.request,
      problem(of: transfer) == nil
    {
      extend(with: transfer) { $0 = .request(other, count: count + 1) }
    } else {
      add(.request(setup, count: 1), transfer)
    }
  }

  private mutating func introduce(_ transfer: CapturedTransfer) {
    if case .introduced? = steps.last?.kind {
      extend(with: transfer) { _ in }
    } else {
      add(.introduced, transfer)
    }
  }

  private func standardKind(
    _ setup: SetupPacket, _ transfer: CapturedTransfer
  ) -> CaptureStory.Kind? {
    let low = UInt8(truncatingIfNeeded: setup.value)
    switch (setup.requestType.rawValue, StandardRequest(rawValue: setup.request)) {
    case (0x80, .getDescriptor):
      let type = DescriptorType(rawValue: UInt8(setup.value >> 8))
      guard type == .string else {
        return .descriptor(type, index: low, length: transfer.received.count)
      }
      var reader = ByteReader(transfer.received.span.bytes)
      let text = low == 0 ? nil : try? StringDescriptor(parsing: &reader).text
      return .string(index: low, text: text)
    case (0x00, .setAddress): return .setAddress(low)
    case (0x00, .setConfiguration): return .setConfiguration(low)
    case (0x01, .setInterface):
      return .setInterface(UInt8(truncatingIfNeeded: setup.index), setting: low)
    default: return nil
    }
  }

  private mutating func takePipe(_ transfer: CapturedTransfer) {
    isPolling = false
    let bytes = transfer.isIn ? transfer.received.count : transfer.sent.count
    let failed = problem(of: transfer) != nil
    if !failed, steps.last?.problem == nil,
      case .pipe(transfer.kind, transfer.endpoint, let count, let sum)? = steps.last?.kind
    {
      extend(with: transfer) {
        $0 = .pipe(
          transfer.kind, endpoint: transfer.endpoint, count: count + 1, bytes: sum + bytes)
      }
    } else {
      add(.pipe(transfer.kind, endpoint: transfer.endpoint, count: 1, bytes: bytes), transfer)
    }
  }

  // MARK: DFU

  private mutating func take(
    _ transfer: CapturedTransfer, _ setup: SetupPacket, _ request: DFURequest
  ) {
    switch request {
    case .getStatus: return takeStatus(transfer)
    case .download: return takeDownload(transfer, setup)
    default: isPolling = false
    }
    switch request {
    case .upload where dfu.isDfuSe && setup.value == 0:
      add(.commands(transfer.received), transfer, request)
    case .upload:
      let blocks = blocks(setup, count: transfer.received.count)
      add(.read(blocks), transfer, request)
      merge()
    case .getState:
      add(.state(transfer.received.first.map { DFUState(rawValue: $0) }), transfer, request)
    case .clearStatus: add(.clearStatus, transfer, request)
    case .abort: add(.abort, transfer, request)
    case .detach:
      mayLeave = true
      add(.detach(setup.value), transfer, request)
    case .getStatus, .download: break
    }
  }

  private mutating func takeDownload(_ transfer: CapturedTransfer, _ setup: SetupPacket) {
    let none = CaptureStory.Polls()
    var kind: CaptureStory.Kind
    // What was cut off by the capture was sent nevertheless.
    let length = transfer.isTruncated ? Int(setup.length) : transfer.sent.count
    if length == 0 {
      mayLeave = true
      kind = .finish(address: dfu.isDfuSe ? pointer : nil, none)
    } else if dfu.isDfuSe, setup.value == 0 {
      switch DfuSeCommand(transfer.sent) {
      case .setAddressPointer(let address)?:
        // One that was refused stays where it was.
        if problem(of: transfer, .download) == nil { pointer = address }
        kind = .pointer(address, none)
      case .erase(let address)?: kind = .erase(first: address, last: address, count: 1, none)
      case .massErase?: kind = .massErase(none)
      case .readUnprotect?:
        mayLeave = true
        kind = .readUnprotect(none)
      case nil: kind = .unknownCommand(Array(transfer.sent.prefix(64)), none)
      }
    } else {
      kind = .write(blocks(setup, count: length), none)
    }
    add(kind, transfer, .download)
    isPolling = steps.last?.problem == nil
  }

  private func blocks(_ setup: SetupPacket, count: Int) -> CaptureStory.Blocks {
    var start: UInt64?
    // AN3156, 4.2 and 4.4: block 2 is where the pointer is.
    if dfu.isDfuSe, setup.value >= 2, let pointer, dfu.transferSize > 0 {
      start = UInt64(pointer) + UInt64(setup.value - 2) * UInt64(dfu.transferSize)
    }
    return CaptureStory.Blocks(
      first: setup.value, last: setup.value, count: 1, length: count, bytes: count, start: start)
  }

  private mutating func takeStatus(_ transfer: CapturedTransfer) {
    var reader = ByteReader(transfer.received.span.bytes)
    let answer = try? GetStatusResponse(parsing: &reader)
    var problem = problem(of: transfer, .getStatus)
    if let answer, answer.status != .ok || answer.state == .dfuError { problem = .status(answer) }
    guard isPolling else {
      if problem == nil, steps.last?.problem == nil,
        case .status(answer, let count)? = steps.last?.kind
      {
        return extend(with: transfer) { $0 = .status(answer, count: count + 1) }
      }
      add(.status(answer, count: 1), transfer, .getStatus)
      if let problem, let last = steps.indices.last { steps[last].problem = problem }
      return
    }
    extend(with: transfer) { kind in
      kind.poll { polls in
        polls.count += 1
        polls.last = answer ?? polls.last
      }
    }
    if let last = steps.indices.last { steps[last].problem = problem }
    guard problem == nil, answer?.state.isBusy == true else {
      isPolling = false
      if problem == nil { merge() }
      return
    }
  }

  // MARK: Steps

  private func problem(
    of transfer: CapturedTransfer, _ request: DFURequest? = nil
  ) -> CaptureStory.Problem? {
    guard let status = transfer.status else {
      // Interrupt transfers wait until there is something.
      return transfer.kind == .interrupt || transfer.isInjected ? nil : .unanswered
    }
    if transfer.wasRefused { return .refused(status) }
    switch status.meaning {
    case .success: return nil
    case .disconnected where mayLeave, .noAnswer where mayLeave && request == .getStatus: return nil
    // Somebody who waits may stop.
    case .noAnswer where transfer.kind == .interrupt: return nil
    default: return .failed(status, request)
    }
  }

  private mutating func add(
    _ kind: CaptureStory.Kind, _ transfer: CapturedTransfer, _ request: DFURequest? = nil
  ) {
    let start = max(0, transfer.nanoseconds - origin)
    steps.append(
      CaptureStory.Step(
        device: device, start: start,
        end: max(start, (transfer.ended ?? transfer.nanoseconds) - origin),
        packets: transfer.packets, transfers: 1, kind: kind,
        problem: problem(of: transfer, request), isTruncated: transfer.isTruncated))
  }

  private mutating func extend(
    with transfer: CapturedTransfer, _ change: (inout CaptureStory.Kind) -> Void
  ) {
    guard let last = steps.indices.last else { return }
    change(&steps[last].kind)
    steps[last].join(
      end: (transfer.ended ?? transfer.nanoseconds) - origin, transfer.packets, transfers: 1,
      isTruncated: transfer.isTruncated)
  }

  /// Joins the last step with what it goes on with: the step before, or the one before a pointer that was set
  /// to just there, as dfu-util does before each block.
  private mutating func merge() {
    guard let last = steps.last, last.problem == nil else { return }
    for distance in 2...3 where steps.count >= distance {
      let index = steps.count - distance
      if distance == 3 {
        guard case .pointer = steps[index + 1].kind, steps[index + 1].problem == nil,
          case .write = last.kind
        else { return }
      }
      guard steps[index].problem == nil,
        let joined = steps[index].kind.joined(with: last.kind, isJump: distance == 3)
      else { continue }
      let joining = steps[(index + 1)...]
      steps.removeLast(distance - 1)
      steps[index].kind = joined
      for step in joining {
        steps[index].join(
          end: step.end, step.packets, transfers: step.transfers, isTruncated: step.isTruncated)
      }
      return
    }
  }
}

extension CaptureStory.Step {
  fileprivate mutating func join(
    end: Int64, _ packets: ClosedRange<Int>, transfers: Int, isTruncated: Bool
  ) {
    self.end = max(self.end, end)
    self.packets =
      min(
        self.packets.lowerBound, packets.lowerBound)...max(
        self.packets.upperBound, packets.upperBound)
    self.transfers += transfers
    self.isTruncated = self.isTruncated || isTruncated
  }
}

extension CaptureStory.Kind {
  /// Changes the polls of a download.
  fileprivate mutating func poll(_ change: (inout CaptureStory.Polls) -> Void) {
    switch self {
    case .pointer(let address, var polls):
      change(&polls)
      self = .pointer(address, polls)
    case .erase(let first, let last, let count, var polls):
      change(&polls)
      self = .erase(first: first, last: last, count: count, polls)
    case .massErase(var polls):
      change(&polls)
      self = .massErase(polls)
    case .readUnprotect(var polls):
      change(&polls)
      self = .readUnprotect(polls)
    case .unknownCommand(let bytes, var polls):
      change(&polls)
      self = .unknownCommand(bytes, polls)
    case .write(let blocks, var polls):
      change(&polls)
      self = .write(blocks, polls)
    case .finish(let address, var polls):
      change(&polls)
      self = .finish(address: address, polls)
    default: break
    }
  }

  /// This and the next as one; nil where it does not go on with it. At a jump the pointer was set in between, so
  /// that the numbers of the blocks do not go on.
  fileprivate func joined(with next: Self, isJump: Bool) -> Self? {
    switch (self, next) {
    case (.write(let blocks, let polls), .write(let more, let others)):
      return blocks.joined(with: more, isJump).map { .write($0, polls.joined(with: others)) }
    case (.read(let blocks), .read(let more)):
      return blocks.joined(with: more, isJump).map { .read($0) }
    case (.erase(let first, _, let count, let polls), .erase(_, let last, let more, let others))
    where !isJump:
      return .erase(first: first, last: last, count: count + more, polls.joined(with: others))
    default: return nil
    }
  }
}

extension CaptureStory.Polls {
  fileprivate func joined(with next: Self) -> Self {
    var both = next
    both.count += count
    return both
  }
}

extension CaptureStory.Blocks {
  fileprivate func joined(with next: Self, _ isJump: Bool) -> Self? {
    guard isJump || next.first == last &+ 1 else { return nil }
    if let start {
      guard let nextStart = next.start, start + UInt64(bytes) == nextStart else { return nil }
    } else if isJump || next.start != nil {
      return nil
    }
    var both = self
    both.last = next.last
    both.count += next.count
    both.length = max(length, next.length)
    both.bytes += next.bytes
    return both
  }
}
