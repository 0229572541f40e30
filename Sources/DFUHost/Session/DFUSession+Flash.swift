internal import DFU
internal import Firmware
internal import USB

extension DFUSession {
  /// Carries out a plan: erases, writes, proves, leaves.
  ///
  /// - Parameters:
  ///   - plan: a plan for this device, made with
  ///     ``plan(_:options:keepsContents:progress:)-(TargetChoice,_,_,_)``.
  ///   - progress: is told how far each phase is.
  /// - Returns: what was done.
  /// - Throws: ``DFUError``; its ``DFUError/condition`` says what is certain about the memory.
  public func flash(
    _ plan: FlashPlan, progress: DFUProgress.Handler? = nil
  ) async throws(DFUError) -> FlashReport {
    var report = try await exclusively(.write, progress: progress) {
      (operation) throws(DFUError) in
      var run = FlashRun(plan)
      return try await run.carryOut(&operation)
    }
    report.transfers = transfers
    report.durations = durations
    return report
  }
}

/// A plan on its way.
struct FlashRun {
  let plan: FlashPlan
  var report: FlashReport
  var condition = MemoryCondition()
  /// The alternate setting that the next step is for.
  var setting: UInt8?
  private var done: [DFUPhase: UInt64] = [:]
  private var totals: [DFUPhase: UInt64] = [:]
  var mismatch: Mismatch?
  /// Why reading a device without addresses proved nothing; a clause.
  var doubt: String?

  init(_ plan: FlashPlan) {
    self.plan = plan
    report = FlashReport(plan)
    setting = plan.selected
    for part in plan.parts {
      condition.toErase += part.erases.byteCount
      condition.toWrite += part.runs.reduce(0) { $0 + UInt64($1.bytes.count) }
      condition.toProve += UInt64(part.verify.byteCount)
      totals[.write, default: 0] += part.runs.reduce(0) { $0 + UInt64($1.byteCount) }
      totals[.download, default: 0] += UInt64(part.download?.bytes.count ?? 0)
    }
    totals[.erase] = condition.toErase
    totals[.verify] = condition.toProve
  }

  mutating func carryOut(_ operation: inout Operation) async throws(DFUError) -> FlashReport {
    do throws(DFUError) {
      try await confirmKept(&operation)
      let steps = plan.steps
      var index = 0
      while index < steps.count {
        index = try await perform(steps, from: index, &operation)
      }
      conclude()
      return report
    } catch {
      var error = error
      // A device that refuses everything with errVENDOR is protected, not broken (facts 2.7).
      if error.status == .errVendor, error.code == .refused, condition.erased.isEmpty,
        condition.written.isEmpty, await operation.isProtected(plan, setting)
      {
        error.code = .readProtected
        condition.doubtful = nil
        condition.massErased = false
      }
      error.state = error.state ?? operation.lastState
      if error.condition == nil { error.condition = condition }
      for part in plan.parts { error.condition?.noteLoss(of: part.kept) }
      throw error
    }
  }

  /// Carries out the step at `index`, with those of its kind behind it; the index of the next one.
  private mutating func perform(
    _ steps: [FlashStep], from index: Int, _ operation: inout Operation
  ) async throws(DFUError) -> Int {
    if case .select(let number) = steps[index] {
      setting = number
      try await operation.select(number)
      return index + 1
    }
    guard let setting,
      let partIndex = plan.parts.firstIndex(where: {
        $0.target.alternateSetting == setting
      })
    else {
      throw DFUError(.internalFault, during: .select)
    }
    if !operation.hasLeft { try await operation.ensure(setting) }
    switch steps[index] {
    case .erase:
      var sectors: [Range<UInt64>] = []
      var end = index
      while end < steps.count, case .erase(let sector) = steps[end] {
        sectors.append(sector.range)
        end += 1
      }
      try await erase(sectors, partIndex, &operation)
      return end
    case .verify:
      var ranges: [Range<UInt64>] = []
      var end = index
      while end < steps.count, case .verify(let range) = steps[end] {
        ranges.append(range)
        end += 1
      }
      if let download = plan.parts[partIndex].download {
        try await verify(download, partIndex, &operation)
      } else {
        try await verify(ranges, partIndex, &operation)
      }
      return end
    case .massErase: try await massErase(partIndex, &operation)
    case .write(let run): try await write(run, partIndex, .write, &operation)
    case .writeOptionBytes(let run): try await write(run, partIndex, .optionBytes, &operation)
    case .download(let download): try await send(download, partIndex, &operation)
    case .leave(let address):
      report.departure = .left(for: address, try await operation.leave(for: address))
    case .select: break
    }
    return index + 1
  }

  private func notify(
    _ phase: DFUPhase, _ operation: borrowing Operation, _ part: Int
  ) -> (_ done: UInt64, _ address: UInt64?) -> Void {
    let before = done[phase, default: 0]
    let total = totals[phase, default: 0]
    let progress = operation.progress
    let setting = plan.parts[part].target.alternateSetting
    return { done, address in
      progress?(
        DFUProgress(
          phase: phase, done: before + done, total: total, address: address,
          alternateSetting: setting))
    }
  }

  private mutating func massErase(
    _ part: Int, _ operation: inout Operation
  ) async throws(DFUError) {
    var engine = try CommandEngine(.massErase, link: operation.link)
    condition.massErased = true
    report.parts[part].massErased = true
    notify(.massErase, operation, part)(0, nil)
    _ = try await operation.run(&engine, .massErase)
  }

  private mutating func erase(
    _ sectors: [Range<UInt64>], _ part: Int, _ operation: inout Operation
  ) async throws(DFUError) {
    var engine = try EraseEngine(sectors, link: operation.link)
    let notify = notify(.erase, operation, part)
    var sum: UInt64 = 0
    var counted = 0
    let failure: DFUError?
    do throws(DFUError) {
      _ = try await operation.run(&engine, .erase) { now in
        while counted < min(Int(now.done), sectors.count) {
          sum += UInt64(sectors[counted].count)
          counted += 1
        }
        notify(sum, now.address)
      }
      failure = nil
    } catch {
      failure = error
      if error.code != .cancelled { condition.doubtful = engine.current }
    }
    for sector in sectors.prefix(engine.output.erased) {
      MemoryCondition.add(sector, to: &condition.erased)
      report.parts[part].erased.appendJoining(sector)
      report.parts[part].sectorsErased += 1
      done[.erase, default: 0] += UInt64(sector.count)
    }
    if let failure { throw failure }
  }

  private mutating func write(
    _ run: WriteRun, _ part: Int, _ phase: DFUPhase, _ operation: inout Operation
  ) async throws(DFUError) {
    var engine = try WriteEngine(run, link: operation.link, during: phase)
    let notify = notify(phase, operation, part)
    var failure: DFUError?
    do throws(DFUError) {
      _ = try await operation.run(&engine, phase) { now in notify(now.done, now.address) }
    } catch {
      failure = error
      if error.code != .cancelled, engine.step == .writing { condition.doubtful = engine.current }
    }
    let end = failure == nil ? run.range.upperBound : engine.output.end
    let written = run.address..<max(end, run.address)
    MemoryCondition.add(written, to: &condition.written)
    report.parts[part].written.appendJoining(written)
    report.parts[part].bytesSent += engine.output.byteCount
    done[phase, default: 0] += UInt64(engine.output.byteCount)
    if let failure { throw failure }
    if phase == .optionBytes {
      operation.selected = nil
      operation.hasLeft = engine.hasDisappeared
      report.departure = .reset
    }
  }

  private mutating func send(
    _ download: PlainDownload, _ part: Int, _ operation: inout Operation
  ) async throws(DFUError) {
    let target = plan.parts[part].target
    var engine = try PlainDownloadEngine(
      download, link: operation.link, manifestationTolerant: target.manifestationTolerant)
    let notify = notify(.download, operation, part)
    let output: PlainDownloadEngine.Output
    do throws(DFUError) {
      output = try await operation.run(&engine, .download) { now in notify(now.done, nil) }
    } catch {
      var error = error
      if error.ownHelp == nil {
        let count = engine.output.byteCount
        error.ownHelp =
          count == 0
          ? "Nothing has been changed yet; repeat the same `dfu flash` when the cause is gone."
          : "The device has \(count) of \(download.bytes.count) bytes of the new file, and its old "
            + "one may be gone. Put it in bootloader mode again and repeat the same `dfu flash`."
      }
      throw error
    }
    report.parts[part].bytesSent = output.byteCount
    let ending = output.ending ?? .vanished
    report.departure = .manifested(ending)
    if ending != .idle {
      operation.selected = nil
      operation.hasLeft = true
    }
  }

  private mutating func conclude() {
    switch plan.leave {
    case .stays(let reason): report.departure = .stays(because: reason)
    case .leaves, .manifests, .returns, .resets: break
    }
    report.proof = .proved
    for part in plan.parts {
      let isWritten = !part.runs.isEmpty || part.download != nil || !part.optionBytes.isEmpty
      guard isWritten else { continue }
      if part.download != nil, let doubt {
        report.proof = .notProved(because: doubt)
      } else if part.download != nil, part.verify.isEmpty, part.target.canRead,
        !part.target.manifestationTolerant
      {
        report.proof = .notProved(
          because: "the device runs the file and does not answer any more")
      } else if let obstacle = part.target.readObstacle {
        report.proof = .notProved(
          because: "\(part.target.described) cannot be read (\(obstacle))")
      } else if !part.optionBytes.isEmpty {
        let others = plan.parts.contains { !$0.verify.isEmpty }
        report.proof = .notProved(
          because: "option bytes take effect with a reset"
            + (others ? "; what was written beside them was read back and is right" : ""))
      } else if part.verify.isEmpty {
        report.proof = .notProved(because: "it was asked not to be read back")
      }
    }
  }
}
