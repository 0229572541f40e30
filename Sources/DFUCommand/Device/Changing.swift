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
  @OptionGroup var mode: DetachOptions
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
    return try await withSession(which, in: mode.wanted, on: console) { session, _ in
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
      let report = try await session.erase(
        plan, verify: !noVerify, progress: progress.handler)
      console.clearProgress()
      let document = EraseDocument(
        report, target: target.alternateSetting, blank: report.blank)
      try console.print(document) { document.text($0) }
      return report.blank?.isBlank == false ? .protected : .done
    }
  }

  private func ask(_ question: String, _ console: Console) throws {
    guard try console.confirm(question, isConfirmed: job.confirmed) else {
      throw UsageError("The answer was no. Nothing has been changed.")
    }
  }
}
