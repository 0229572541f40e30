import ArgumentParser
import DFU
import DFUHost
import Reports
import USB
import Workbench

/// `dfu erase`: makes memory blank.
struct Erase: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Erase sectors, or everything.",
    discussion: """
      A range must end where sectors end, or --discard-neighbours says that what else is in them may \
      go. What was erased is read back. --all uses the one command for the whole memory, \
      where it is one memory.

      Examples:
        dfu erase --address 0x08010000 --length 64K -d 'virtual:stm32f407?state=board.bin'
        dfu erase --all --yes -d 'virtual:stm32f407?state=board.bin'
      """
  )

  @OptionGroup var which: DeviceOptions
  @OptionGroup var place: RangeOptions

  @Flag(help: "Erase the whole memory.")
  var all = false

  @Flag(help: "Give up bytes that share a sector with the range.")
  var discardNeighbours = false

  @Flag(help: "Do not read back what was erased.")
  var noVerify = false

  @OptionGroup var job: JobOptions
  @OptionGroup var output: OutputOptions

  var sendsEvents: Bool { job.events }

  func validate() throws {
    guard all != (place.address != nil) else {
      throw ValidationError("Give either --all, or --address with or without --length.")
    }
  }

  func perform(on console: Console) async throws -> ExitStatus {
    let progress = ProgressDisplay(console, sendsEvents: job.events)
    return try await withSession(which, console) { session, _ in
      let target = try place.target(of: session)
      let plan: ErasePlan
      if let range = try place.range(in: target) {
        plan = try ErasePlan(range, of: target, discardNeighbours: discardNeighbours)
        if place.length == nil {
          try ask(
            "Erase \(sizeText(plan.byteCount)) of \(terminalSafe(target.described)), from "
              + "\(addressText(range.lowerBound)) to the end?", console)
        }
      } else {
        plan = try ErasePlan(everythingOf: target, massErase: true)
        try ask(
          "Erase everything that \(terminalSafe(target.described)) holds "
            + "(\(sizeText(plan.byteCount)))?", console)
      }
      let report = try await session.erase(plan, progress: progress.handler)
      var isBlank: Bool?
      if !noVerify, target.canRead {
        let reading = try ReadPlan(plan.sectors.map(\.range), of: target)
        do throws(DFUError) {
          isBlank = try await session.blankCheck(reading, progress: progress.handler).isBlank
        } catch { throw error.after(report, of: plan) }
      }
      console.clearProgress()
      let document = EraseDocument(
        report, target: target.alternateSetting, isBlank: isBlank)
      try console.print(document) { document.text($0) }
      return isBlank == false ? .protected : .done
    }
  }

  private func ask(_ question: String, _ console: Console) throws {
    guard try console.confirm(question, isConfirmed: job.confirmed) else {
      throw UsageError("The answer was no. Nothing has been changed.")
    }
  }
}

/// `dfu leave`: out of the bootloader.
struct Leave: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Leave the bootloader and start the program.",
    discussion: """
      Examples:
        dfu leave -d 'virtual:stm32f407?state=board.bin'
        dfu leave --address 0x08010000 -d 'virtual:stm32f407?state=board.bin'
      """
  )

  @OptionGroup var which: DeviceOptions

  @Option(
    help: ArgumentHelp(
      "Where the vector table of the program is; without it the start of the first memory.",
      valueName: "address"))
  var address: AddressArgument?

  @OptionGroup var output: OutputOptions

  func perform(on console: Console) async throws -> ExitStatus {
    try await withSession(which, console) { session, _ in
      let first = session.targets.first?.map?.runs.first?.start
      let address = self.address?.value ?? first ?? 0
      let how = try await session.leave(for: address)
      let said =
        how == .vanished
        ? "It was gone before it answered, as many are." : "It answered that it is on its way."
      let document = OutcomeDocument(
        schema: "dfu.leave/1",
        outcome: "The device has left its bootloader for \(addressText(address)). \(said)",
        help: "Whether a program runs there is not known from here.")
      try console.print(document) { document.text($0) }
      return .done
    }
  }
}

/// `dfu unprotect`: read-out protection off, everything erased.
struct Unprotect: Verb {
  static let question =
    "Take read-out protection away? The part erases ALL of its flash and resets, and its option bytes "
    + "go back to their defaults."

  static let configuration = CommandConfiguration(
    abstract: "Take read-out protection away, which erases everything.",
    discussion: """
      The part erases all of its flash, sets its option bytes back and resets. On a few boards the \
      option bytes that the board needs are lost with that.

      Examples:
        dfu unprotect --yes -d 'virtual:stm32f407-rdp1?state=board.bin'
      """
  )

  @OptionGroup var which: DeviceOptions
  @OptionGroup var job: JobOptions
  @OptionGroup var output: OutputOptions

  var sendsEvents: Bool { job.events }

  func perform(on console: Console) async throws -> ExitStatus {
    try await withSession(which, console) { session, _ in
      guard try console.confirm(Self.question, isConfirmed: job.confirmed) else {
        throw UsageError("The answer was no. Nothing has been changed.")
      }
      let report = try await session.unprotect()
      let document: OutcomeDocument =
        switch report {
        case .resetting:
          OutcomeDocument(
            schema: "dfu.unprotect/1",
            outcome:
              "The part is erasing itself and has reset; it is not proved from here that the "
              + "protection is gone.",
            help: "Wait until it is back, then look with `dfu list`.")
        case .answered:
          OutcomeDocument(
            schema: "dfu.unprotect/1",
            outcome: "The part answered that it is done, and has not reset.",
            help: "Look with `dfu list`; unplug it and plug it in again if it is still protected.")
        }
      try console.print(document) { document.text($0) }
      return .done
    }
  }
}

extension DFUError {
  /// The error of looking at memory that has been erased before.
  fileprivate func after(_ report: EraseReport, of plan: ErasePlan) -> DFUError {
    var error = self
    var condition = MemoryCondition()
    condition.massErased = report.massErased
    condition.toErase = report.massErased ? 0 : plan.byteCount
    condition.erased = report.erased
    error.condition = condition
    return error
  }
}
