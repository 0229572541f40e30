import DFU
import DFUHost
import Firmware
import USB
import VirtualDFU

/// What a run showed.
public struct Verdict: Sendable {
  /// What must not be, in sentences; empty where all is well.
  public var violations: [String]
  /// How the first operation ended: `done`, or the slug of the error.
  public var outcome: String
}

/// Looks for what must never be.
struct Judge {
  let run: FaultRun
  let baseline: Baseline
  let evidence: FaultRun.Evidence

  private var workload: Workload { run.workload }

  var verdict: Verdict {
    var violations: [String] = []
    let outcome: String
    switch evidence.first {
    case .done(_, let read, let plain):
      outcome = "done"
      violations += success(evidence.middle, "success")
      violations += bytes(read, plain)
    case .failed(let error):
      outcome = error.slug
      violations += failure(error)
    }
    violations += damage
    if !evidence.intrusions.isEmpty { violations.append("another device was touched") }
    switch evidence.second {
    case .done where baseline.refusal == nil: violations += success(evidence.last, "the second run")
    case .failed(let error) where error.slug == baseline.refusal: break
    case .done where isFoundOut: break
    case .done: violations.append("the second run succeeded although the part refuses")
    case .failed(let error): violations.append("the second run failed: \(error.sentence)")
    }
    return Verdict(violations: violations, outcome: outcome)
  }

  /// A bootloader that erases more than it was told to is found out by what lies above, where
  /// something lies there.
  private var isFoundOut: Bool {
    workload.profile.quirks.contains(.erasesToTheEnd) && workload.operation == .erase
  }

  /// The memory must confirm it.
  private func success(_ finding: FaultRun.Finding, _ what: String) -> [String] {
    guard baseline.refusal == nil || isFoundOut else { return ["\(what) on a part that refuses"] }
    // What was in RAM is gone with the power, and such a device cannot be asked.
    if isInRAM, hasLostPower { return [] }
    guard
      let index = finding.contents.indices.first(where: {
        finding.contents[$0] != workload.after[$0] && isMeant($0) && !isToldLost($0)
      })
    else { return [] }
    let address = addressText(workload.span.lowerBound + UInt64(index))
    return [
      "\(what) with wrong memory at \(address): 0x\(hex(finding.contents[index])) instead of "
        + "0x\(hex(workload.after[index]))"
    ]
  }

  /// Whether the operation promises anything about this byte.
  private func isMeant(_ index: Int) -> Bool {
    let address = workload.span.lowerBound + UInt64(index)
    if workload.operation == .leave || workload.operation == .read { return true }
    guard workload.profile.quirks.contains(.erasesToTheEnd), workload.operation == .erase else {
      return workload.hasAddresses
        ? workload.sectors.contains { $0.contains(address) }
        : index < workload.payload.count
    }
    return workload.sectors[0].contains(address)
  }

  private var isInRAM: Bool {
    workload.profile.memories.contains {
      $0.kind == .ram && $0.range.overlaps(workload.span)
    }
  }

  private var hasLostPower: Bool {
    run.schedule.entries.contains {
      [.disconnect, .disconnectInside, .disconnectAfter, .gone, .powerCut].contains($0.kind)
    }
  }

  /// Whether the first run has said that this byte, which was to be kept, is gone.
  private func isToldLost(_ index: Int) -> Bool {
    guard case .failed(let error) = evidence.first else { return false }
    let device =
      (error as? DFUError)
      ?? { () -> DFUError? in
        if case .device(let error)? = error as? SessionError { error } else { nil }
      }()
    let address = workload.span.lowerBound + UInt64(index)
    return device?.condition?.lost.contains { $0.contains(address) } ?? false
  }

  /// Whether the device had told its state before the first fault struck.
  private var hasAnsweredStatus: Bool {
    guard case .number(let number)? = run.schedule.entries.first?.place else { return true }
    return baseline.transfers.prefix(number).contains { $0.isStatus }
  }

  /// What was read is what is there, but for a fault that changed it on the wire.
  private func bytes(_ read: FirmwareImage?, _ plain: [UInt8]?) -> [String] {
    let isDistorted = run.schedule.entries.contains {
      [.flip, .corruptAnswer].contains($0.kind)
    }
    guard !isDistorted else { return [] }
    if let read {
      for extent in workload.image.extents {
        let start = Int(extent.lowerBound - workload.span.lowerBound)
        let wanted = Array(workload.before[start..<start + extent.count])
        if read.bytes(in: extent, fill: 0) != wanted { return ["wrong bytes were read"] }
      }
    }
    if let plain, plain != Array(workload.before.prefix(plain.count)) {
      return ["wrong bytes were read"]
    }
    return []
  }

  // MARK: Failures

  private func failure(_ error: any ExplainedError) -> [String] {
    var violations: [String] = []
    if let refusal = baseline.refusal, error.slug == refusal { return [] }
    var allowed = run.schedule.entries.flatMap { Judge.slugs(for: $0.kind) }
    // A part that keeps its protection says so, or refuses without saying why.
    if workload.profile.isReadProtected { allowed += ["read-protected", "device-refused"] }
    // So does one that does not come, or not as a bootloader: from its application, or protected.
    let mayStayAway =
      workload.profile.application != nil || workload.operation == .unprotectThenFlash
    if mayStayAway { allowed += ["did-not-detach", "not-returned", "run-time-mode"] }
    if !allowed.contains(error.slug) {
      violations.append("the error \(error.slug) does not fit: \(error.sentence)")
    }
    var device: DFUError?
    switch error {
    case let error as DFUError: device = error
    case SessionError.device(let error): device = error
    default: break
    }
    guard let device else { return violations }
    let isPlaced: Bool =
      switch device.phase {
      case .erase, .write, .verify, .survey, .read: workload.hasAddresses
      default: false
      }
    if isPlaced, device.address == nil {
      violations.append("no address: \(device.sentence)")
    }
    // The first answer of a session may be the one that never comes.
    let isBeginning =
      workload.operation == .unprotectThenFlash && [.describe, .select].contains(device.phase)
    // What is waited for has no state.
    if device.state == nil, hasAnsweredStatus, !isBeginning, device.phase != .follow {
      violations.append("no state: \(device.sentence)")
    }
    if let condition = device.condition { violations += truth(of: condition) }
    if device.condition == nil || device.condition?.isUntouched == true {
      violations += untouched(device)
    }
    return violations
  }

  /// Which errors a kind of fault may lead to.
  private static func slugs(for kind: FaultKind) -> [String] {
    switch kind {
    case .stall: ["stalled", "device-refused", "unexpected-state"]
    case .timeout: ["device-timeout", "device-refused", "unexpected-state", "device-lost"]
    case .broken: ["transfer-failed", "device-lost"]
    case .disconnect, .disconnectInside, .disconnectAfter, .gone, .powerCut:
      ["device-lost", "device-not-found"]
    // It has kept its power, and may still be at what it was told.
    case .reconnect: ["device-lost", "device-not-found", "device-timeout"]
    case .intruder: []
    case .shortAnswer: ["malformed-answer", "short-read", "contents-differ"]
    case .corruptAnswer:
      [
        "unexpected-state", "device-refused", "contents-differ", "still-busy", "malformed-answer",
        "not-blank",
      ]
    case .wrongState:
      [
        "unexpected-state", "device-refused", "still-busy", "run-time-mode", "waits-for-reset",
        "stalled", "contents-differ", "device-timeout",
      ]
    case .wrongStatus: ["device-refused", "read-protected", "unexpected-state"]
    case .endlessBusy, .zeroBusy: ["still-busy"]
    case .busy: ["still-busy"]
    case .flip:
      ["contents-differ", "device-refused", "unexpected-state", "not-blank", "still-busy"]
    }
  }

  /// Where the error says nothing of the memory, nothing may have happened to it.
  private func untouched(_ error: DFUError) -> [String] {
    guard evidence.middle.contents != workload.before else { return [] }
    // What a download without addresses has changed is told in words.
    if error.phase == .download || error.phase == .manifest { return [] }
    if isInRAM, hasLostPower { return [] }
    if workload.operation == .unprotectThenFlash { return [] }
    return ["the memory has changed, and the error does not say so: \(error.sentence)"]
  }

  /// What is called certain must be so.
  private func truth(of condition: MemoryCondition) -> [String] {
    let contents = evidence.middle.contents
    let start = workload.span.lowerBound
    func holds(_ range: Range<UInt64>, _ test: (Int) -> Bool) -> Bool {
      range.clamped(to: workload.span).allSatisfy { address in
        if let doubtful = condition.doubtful, doubtful.contains(address) { return true }
        return test(Int(address - start))
      }
    }
    // A device that says that it is done when it is not is found out by reading, not by listening.
    let isLying = run.schedule.entries.contains {
      if case .wrongState = $0.kind { true } else { false }
    }
    guard !isLying else { return [] }
    var violations: [String] = []
    for range in condition.erased {
      // What was erased is blank, or holds a part of what was to come.
      if !holds(
        range, { contents[$0] == workload.erasedByte || contents[$0] == workload.after[$0] })
      {
        violations.append("\(addressText(range.lowerBound)) is not erased, as the error says")
      }
    }
    if !workload.profile.writeProtectedSectors.isEmpty { return violations }
    for range in condition.written {
      if !holds(range, { contents[$0] == workload.after[$0] }) {
        violations.append("\(addressText(range.lowerBound)) is not written, as the error says")
      }
    }
    return violations
  }

  // MARK: Damage

  /// Nothing outside of the plan may be erased or written.
  private var damage: [String] {
    var violations: [String] = []
    let isUnprotecting = workload.operation == .unprotectThenFlash
    for event in evidence.middle.journal {
      switch event {
      case .erased(let range) where !mayErase(range):
        violations.append("erased \(addressText(range.lowerBound)), which nobody asked for")
      case .programmed(let range) where !mayWrite(range):
        violations.append("wrote \(addressText(range.lowerBound)), which nobody asked for")
      case .wroteOptionBytes, .closedForEver:
        violations.append("wrote option bytes")
      case .unprotected where !isUnprotecting: violations.append("took the protection away")
      default: break
      }
    }
    return violations
  }

  private func mayErase(_ range: Range<UInt64>) -> Bool {
    switch workload.operation {
    case .read, .leave: return false
    case .unprotectThenFlash: return true
    case .erase, .flashBlank, .reflash: break
    }
    if workload.profile.quirks.contains(.erasesToTheEnd) {
      return workload.sectors.contains { $0.lowerBound == range.lowerBound }
    }
    let sectors =
      workload.operation == .erase ? Array(workload.sectors.prefix(1)) : workload.sectors
    return sectors.contains {
      $0.lowerBound <= range.lowerBound && range.upperBound <= $0.upperBound
    }
  }

  private func mayWrite(_ range: Range<UInt64>) -> Bool {
    switch workload.operation {
    case .read, .leave, .erase: false
    case .flashBlank, .reflash, .unprotectThenFlash:
      workload.span.lowerBound <= range.lowerBound && range.upperBound <= workload.span.upperBound
    }
  }
}
