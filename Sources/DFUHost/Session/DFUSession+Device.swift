internal import DFU
internal import Firmware
internal import USB

/// Whether a part lets itself be read.
public enum Protection: String, Hashable, Sendable {
  /// It can be read.
  case open
  /// Read-out protection is on.
  case readProtected = "read-protected"
  /// It cannot be found out.
  case unknown
}

/// What an erase did.
public struct EraseReport: Hashable, Sendable {
  /// Whether the whole memory was erased by one command.
  public var massErased = false
  /// The sectors that were erased, those that touch joined.
  public var erased: [Range<UInt64>] = []
  /// How many sectors that are; 0 after a mass erase.
  public var sectorsErased = 0
  /// What reading it back showed; nil where it was not read.
  public var blank: BlankReport?
  /// How long it took.
  public var duration = Duration.zero
}

/// How taking read-out protection away ended.
public enum UnprotectReport: Hashable, Sendable {
  /// The part has erased itself and is resetting: wait until it is back.
  case resetting
  /// The part answered that it is done, and has not reset.
  case answered

  /// What it means, in one sentence.
  public var sentence: String {
    switch self {
    case .resetting: "The part has erased and reset itself; wait until it is back."
    case .answered: "The part says that its protection is gone, and has not reset itself yet."
    }
  }
}

extension DFUSession {
  /// Erases sectors, or the whole memory.
  ///
  /// - Parameters:
  ///   - plan: what to erase.
  ///   - verify: whether it is read back, where it can be.
  ///   - progress: is told how far it is.
  /// - Returns: what was erased.
  /// - Throws: ``DFUError``; its ``DFUError/condition`` says which sectors are erased.
  public func erase(
    _ plan: ErasePlan, verify: Bool = true, progress: DFUProgress.Handler? = nil
  ) async throws(DFUError) -> EraseReport {
    var part = FlashPlan.Part(target: plan.target)
    part.massErase = plan.massErase
    part.erases = plan.massErase ? [] : plan.sectors
    let flash: FlashPlan
    do throws(DFUError) {
      flash = try await witnessed(
        FlashPlan(parts: [part], leave: .stays(because: "it was only erased")))
    } catch { throw error.untouched }
    let start = clock.now
    let done = try await exclusively(.erase, progress: progress) { (operation) throws(DFUError) in
      var run = FlashRun(flash)
      return try await run.carryOut(&operation)
    }
    var report = EraseReport()
    report.massErased = plan.massErase
    report.erased = done.parts.flatMap(\.erased)
    report.sectorsErased = done.parts.reduce(0) { $0 + $1.sectorsErased }
    report.duration = start.duration(to: clock.now)
    guard verify, plan.target.canRead,
      let reading = try? ReadPlan(plan.sectors.map(\.range), of: plan.target)
    else { return report }
    do throws(DFUError) {
      report.blank = try await blankCheck(reading, progress: progress)
    } catch {
      var error = error
      var condition = MemoryCondition()
      condition.toErase = plan.sectors.byteCount
      condition.toProve = condition.toErase
      condition.massErased = report.massErased
      condition.erased = report.erased
      error.condition = condition
      throw error
    }
    return report
  }

  /// Leaves the bootloader for the program whose vector table is at `address` (rule 12).
  ///
  /// - Parameters:
  ///   - address: the start of the program.
  ///   - setting: the alternate setting that has the address; nil for the first whose map has it, or
  ///     the first of all.
  /// - Returns: how the device left; losing it is success.
  /// - Throws: ``DFUError`` where the device refuses.
  public func leave(
    for address: UInt64, from setting: UInt8? = nil
  ) async throws(DFUError) -> LeaveEngine.Output {
    let target =
      targets.first { setting == $0.alternateSetting }
      ?? targets.first { $0.map?.sector(containing: address) != nil } ?? targets.first
    guard description.dialect == .dfuSe, let target else {
      throw DFUError(
        .unsupported, during: .leave, address: address,
        sentence: "The device speaks \(description.dialect.name), which has no jump to an address.",
        help: "Flash a file, or reset the board.")
    }
    if targets.contains(where: { $0.map?.sector(containing: address) != nil }),
      targets.allSatisfy({ $0.usableMap?.sector(containing: address) == nil })
    {
      throw DFUError(
        .badAddress, during: .leave, address: address,
        sentence:
          "The device cannot leave for \(addressText(address)): its map claims memory there, "
          + "but a \(description.chip?.name ?? "part of this kind") has none.",
        help: "Give the address of the program's vector table; `dfu list` shows where memory is.")
    }
    return try await exclusively(.leave, progress: nil) { (operation) throws(DFUError) in
      try await operation.ensure(target.alternateSetting)
      return try await operation.leave(for: address)
    }
  }

  /// Takes read-out protection away: **erases everything** and resets the part.
  ///
  /// The part has reset itself when this returns ``UnprotectReport/resetting``; this session is of no
  /// more use then. Ask before calling (rule 13).
  ///
  /// - Returns: how it ended; losing the device is success.
  /// - Throws: ``DFUError`` where the device refuses.
  public func unprotect() async throws(DFUError) -> UnprotectReport {
    guard description.dialect == .dfuSe, let target = targets.first else {
      throw DFUError(
        .unsupported, during: .unprotect,
        sentence: "The device speaks \(description.dialect.name), which has no such command.")
    }
    return try await exclusively(.unprotect, progress: nil) { (operation) throws(DFUError) in
      var engine = try CommandEngine(.readUnprotect, link: operation.link)
      do throws(DFUError) {
        try await operation.ensure(target.alternateSetting)
        operation.selected = nil
        _ = try await operation.run(&engine, .unprotect)
      } catch {
        // What is done is done, also where somebody wants an end by now.
        guard error.code == .cancelled else { throw error }
        if case .done = engine.output { return .answered }
        throw error.untouched
      }
      if case .done = engine.output { return .answered }
      operation.hasLeft = true
      return .resetting
    }
  }

  /// Finds out whether read-out protection is on, by trying to read one block (facts 2.7).
  ///
  /// - Parameter target: the alternate setting to try.
  /// - Returns: what was found; `.unknown` where nothing can be read anyway.
  /// - Throws: ``DFUError`` where the device is lost.
  public func protection(of target: FlashTarget) async throws(DFUError) -> Protection {
    guard target.canUpload, target.dialect == .dfuSe, target.firstReadable != nil else {
      return .unknown
    }
    return try await exclusively(.probe, progress: nil) { (operation) throws(DFUError) in
      try await operation.protection(of: target)
    }
  }
}

extension FlashTarget {
  /// The first bytes that its map allows to read, a block at most.
  var firstReadable: Range<UInt64>? {
    guard let run = usableMap?.runs.first(where: { $0.rights.contains(.readable) }) else {
      return nil
    }
    let end = min(run.range.upperBound, run.start + UInt64(transferSize))
    return run.start..<end
  }
}

extension Operation {
  /// Leaves for `address`; afterwards the device is somebody else's.
  mutating func leave(for address: UInt64) async throws(DFUError) -> LeaveEngine.Output {
    var engine = try LeaveEngine(for: address, link: link)
    let output = try await run(&engine, .leave)
    selected = nil
    hasLeft = true
    return output
  }

  /// Tries to read one block.
  mutating func protection(of target: FlashTarget) async throws(DFUError) -> Protection {
    guard let range = target.firstReadable else { return .unknown }
    try await ensure(target.alternateSetting)
    do throws(DFUError) {
      _ = try await read(
        [ReadEngine.Piece(range)], of: target.alternateSetting, .probe, total: 0)
      return .open
    } catch {
      selected = nil
      switch error.code {
      case .readProtected: return .readProtected
      case .refused, .stalled, .shortRead: return .unknown
      default: throw error
      }
    }
  }

  /// Whether a refusal was protection, found out by reading.
  mutating func isProtected(_ plan: FlashPlan, _ setting: UInt8?) async -> Bool {
    guard let target = plan.parts.first(where: { $0.target.alternateSetting == setting })?.target,
      target.canUpload
    else { return false }
    selected = nil
    return (try? await protection(of: target)) == .readProtected
  }
}
