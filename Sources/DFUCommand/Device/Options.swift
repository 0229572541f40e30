import ArgumentParser
import DFU
import DFUHost
import Reports
import USB
import Workbench

/// `dfu options`: the option bytes, by name.
struct Options: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Show the option bytes in words, or change them.",
    discussion: """
      Option bytes say what a part protects, how it starts and what watches over it. --set takes the \
      names and the words that are shown, numbers as well; --verbose tells what each takes. The whole \
      block is written, the part resets, and the fields are read back. RDP=1 closes the part for \
      reading until `dfu unprotect` erases it.

      Examples:
        dfu options -d virtual:stm32f407
        dfu options --set BOR_LEV=0 --plan -d virtual:stm32f407
        dfu options --set 'nWRP=sectors 2-3' -y -d 'virtual:stm32f407?state=b.bin'
      """
  )

  /// What level 2 has to be told.
  static let words = "close this part for ever"

  @OptionGroup var which: DeviceOptions

  @Option(
    help: ArgumentHelp(
      "Change a field; may be repeated, for other fields.", valueName: "name=value"))
  var set: [String] = []

  @Flag(help: "Show what would be done; change nothing.")
  var plan = false

  @Option(
    help: ArgumentHelp(
      "Confirms read protection of level 2, with exactly these words: \(words).",
      valueName: "words"))
  var forEver: String?

  @OptionGroup var job: JobOptions
  @OptionGroup var output: OutputOptions

  var sendsEvents: Bool { job.events }

  func validate() throws {
    if set.isEmpty, plan || forEver != nil {
      throw ValidationError("--plan and --for-ever need --set.")
    }
    if let forEver, forEver != Self.words {
      throw ValidationError("--for-ever takes exactly these words: \(Self.words).")
    }
    var names: Set<String> = []
    for text in set {
      guard let setting = Self.setting(text) else {
        throw ValidationError("“\(text)” is no NAME=VALUE.")
      }
      guard names.insert(setting.name.lowercased()).inserted else {
        throw ValidationError("\(setting.name) is set twice.")
      }
    }
  }

  private static func setting(_ text: String) -> OptionPlan.Setting? {
    guard let sign = text.firstIndex(of: "="), sign != text.startIndex else { return nil }
    let value = text[text.index(after: sign)...]
    return value.isEmpty ? nil : .init(String(text[..<sign]), String(value))
  }

  func perform(on console: Console) async throws -> ExitStatus {
    let found = try await which.device(for: .dfu, on: console)
    return try await keeping([found], console) {
      guard set.isEmpty else { return try await change(found, console) }
      return try await withSession(with: found, on: console) { session, found in
        try await show(session, found, console)
      }
    }
  }

  // MARK: Showing

  private func show(
    _ session: DFUSession, _ found: FoundDevice, _ console: Console
  ) async throws -> ExitStatus {
    let report = OptionReport(
      try await session.optionBytes(), of: session.description, flash: session.internalFlash,
      selector: found.selector)
    try console.print(report) { report.text($0, isVerbose: console.isVerbose) }
    return .done
  }

  // MARK: Changing

  /// What is planned, and the first of its blocks, which has been written.
  private struct Begun {
    var plan: OptionPlan
    var first: OptionBytes.Block
  }

  private func change(_ found: FoundDevice, _ console: Console) async throws -> ExitStatus {
    // Listening begins before the part can go.
    let following = Following(found)
    let begun = try await withSession(with: found, on: console) { session, found -> Begun? in
      let plan = try await optionPlan(session)
      guard try isWanted(plan, console, found) else { return nil }
      guard let first = plan.blocks.first else { return nil }
      try await session.write(first, of: plan.target, progress: progress(console))
      return Begun(plan: plan, first: first)
    }
    guard let begun else { return .done }
    var written = [begun.first.address]
    let outcome = try await follow(found, following, begun.plan, &written, console)
    console.clearProgress()
    let document = OptionChangeDocument(
      begun.plan, outcome, blocksWritten: written.count, selector: found.selector)
    try console.print(document) { document.text($0) }
    switch outcome {
    case .proved, .readProtected, .closed: return .done
    case .differs: return .different
    case .notProved: return .tryAgain
    }
  }

  /// A display for one block: each is told of anew.
  private func progress(_ console: Console) -> DFUProgress.Handler {
    ProgressDisplay(console, sendsEvents: job.events).handler
  }

  private func optionPlan(_ session: DFUSession) async throws -> OptionPlan {
    try OptionPlan(
      set.compactMap(Self.setting), of: try await session.optionBytes(),
      flash: session.internalFlash)
  }

  /// Shows the plan and asks.
  private func isWanted(
    _ plan: OptionPlan, _ console: Console, _ found: FoundDevice
  ) throws -> Bool {
    console.clearProgress()
    let report = OptionPlanReport(plan)
    if forEver != nil, !plan.closesForEver {
      throw UsageError(
        "--for-ever confirms read protection of level 2, and that is not what this sets.",
        help: "Leave it away.")
    }
    if self.plan {
      try console.print(report) { report.text($0) }
      return false
    }
    if plan.changesNothing {
      let document = OptionChangeDocument(
        plan, .proved, blocksWritten: 0, selector: found.selector)
      try console.print(document) { document.text($0) }
      return false
    }
    if job.events {
      try console.event(report)
    } else if !console.isJSON {
      console.tell(report.text(console.noteStyle), ends: false)
    }
    if plan.closesForEver, forEver == nil { throw OptionPlanError.forEver(words: Self.words) }
    guard try console.confirm(question(plan), isConfirmed: job.confirmed) else {
      throw UsageError("Nothing has been changed, because the answer was no.")
    }
    return true
  }

  private func question(_ plan: OptionPlan) -> String {
    if plan.closesForEver { return "Close this part FOR EVER?" }
    if plan.consequences.contains(where: { $0.kind == .readProtects }) {
      return "Write these option bytes? The part resets, and cannot be read any more."
    }
    return "Write these option bytes? The part resets."
  }

  /// Waits for the part after each block, writes what is still to be written, and reads back.
  private func follow(
    _ found: FoundDevice, _ following: Following, _ plan: OptionPlan,
    _ written: inout [UInt64], _ console: Console
  ) async throws -> OptionOutcome {
    var device = found
    var following = following
    // Each turn writes one more block, and a part has a few.
    while true {
      if !console.isJSON, !job.events { console.tell("  waiting until the part is back") }
      let limit = plan.closesForEver ? Duration.seconds(10) : .seconds(60)
      let returned = try await following.returned(.bootloader, within: limit) { _ in }.0
      guard let info = returned.info else { return plan.outcomeWithoutDevice }
      device.info = info
      following = Following(device)
      let next: Step
      do {
        next = try await withSession(with: device, in: .any, on: console) { session, _ in
          try await step(session, plan, written, console)
        }
      } catch let error as SessionError {
        return plan.outcome(refusedWith: error)
      } catch let error as DFUError where error.code == .notDFU {
        // Its program runs, and has no DFU interface.
        return plan.outcomeWithoutDevice
      }
      switch next {
      case .ends(let outcome): return outcome
      case .wrote(let address): written.append(address)
      }
    }
  }

  /// What one session after a reset leads to.
  private enum Step {
    case ends(OptionOutcome)
    case wrote(UInt64)
  }

  private func step(
    _ session: DFUSession, _ plan: OptionPlan, _ written: [UInt64], _ console: Console
  ) async throws -> Step {
    guard session.description.mode == .dfu, session.optionByteTarget != nil else {
      return .ends(plan.outcomeWithoutDevice)
    }
    let contents = try await session.optionBytes()
    // What is still to be done is found out anew: the part has the last word.
    guard
      let rest = try? OptionPlan(
        set.compactMap(Self.setting), of: contents, flash: session.internalFlash),
      let block = rest.blocks.first(where: { !written.contains($0.address) }),
      written.count < plan.blocks.count
    else { return .ends(plan.outcome(of: contents)) }
    try await session.write(block, of: rest.target, progress: progress(console))
    return .wrote(block.address)
  }
}
