public import ArgumentParser
import DFU
public import DFUHost
import Firmware
import Reports
import SystemPackage
import USB
import Workbench

extension FlashOptions.Erase: ExpressibleByArgument {}
extension FlashOptions.Force: ExpressibleByArgument {}

/// `dfu flash`: firmware onto a device, and the proof that it is there.
struct Flash: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Write firmware to a device, and prove it by reading it back.",
    discussion: """
      Reads the device first; erases and writes only the sectors that differ; keeps the bytes that \
      share a sector with the new ones; reads everything back. Then the device leaves its bootloader \
      if the image holds a plausible vector table. Everything is checked against the device's memory \
      map before anything is changed.

      A device whose application runs is detached first, flashed, sent back to its application unless \
      --no-leave says otherwise, and followed until that is there; with --plan it is detached only \
      where --detach says so, and sent back. After leaving from DFU mode nothing \
      is waited for, because most programs bring no device to the bus; --follow does.

      Examples:
        dfu flash app.hex -d 'virtual:stm32f407?state=board.bin'
        dfu flash app.bin --address 0x08004000 --plan -d virtual:stm32f407
        dfu flash 0x08000000:boot.bin 0x08010000:app.bin -d virtual:stm32f407
        dfu flash app.bin --target 0 -d 'virtual:runtime?state=runtime.bin'
      """
  )

  @OptionGroup var which: DeviceOptions

  @Argument(
    help: ArgumentHelp(
      "The firmware; raw files may say where they go.", valueName: "[address[@alt]:]file"))
  var files: [String]

  @Option(help: ArgumentHelp("The alternate setting.", valueName: "name|number"))
  var target: String?

  @Option(help: ArgumentHelp("Where raw bytes go.", valueName: "address"))
  var address: AddressArgument?

  @Option(help: "Erase the sectors that need it, or the whole memory first.")
  var erase = FlashOptions.Erase.needed

  @Flag(help: "Erase and write every sector that the image covers, without comparing first.")
  var allSectors = false

  @Flag(help: "Give up bytes that share a sector with the new ones.")
  var discardNeighbours = false

  @Flag(help: "Do not read back what was written.")
  var noVerify = false

  @Flag(
    inversion: .prefixedNo,
    help: "Leave the bootloader afterwards; without either, if there is something to run.")
  var leave: Bool?

  @Option(help: ArgumentHelp("Leave for the program at this address.", valueName: "address"))
  var leaveAddress: AddressArgument?

  @Flag(help: "Read the device and show what would be done; change nothing.")
  var plan = false

  @Option(
    help: ArgumentHelp(
      "First save the sectors that will change to this file.", valueName: "file"))
  var backup: String?

  @Flag(help: "First take read-out protection away, which erases the whole part.")
  var unprotect = false

  @Option(help: ArgumentHelp("Override a check; may be repeated."))
  var force: [FlashOptions.Force] = []

  @OptionGroup var detaching: DetachOptions
  @OptionGroup var following: FollowOptions
  @OptionGroup var reading: ReadingOptions
  @OptionGroup var job: JobOptions
  @OptionGroup var output: OutputOptions

  var sendsEvents: Bool { job.events }

  func validate() throws {
    if leave == false, leaveAddress != nil {
      throw ValidationError("--no-leave and --leave-address contradict each other.")
    }
    if plan, unprotect {
      throw ValidationError("--plan changes nothing, and --unprotect erases the part.")
    }
  }

  private var options: FlashOptions {
    var options = FlashOptions()
    options.erase = erase
    options.differential = !allSectors
    options.verify = !noVerify
    options.leave =
      leaveAddress != nil || leave == true ? .always : leave == false ? .never : .automatic
    options.leaveAddress = leaveAddress?.value
    options.discardNeighbours = discardNeighbours
    options.force = Set(force)
    options.target = target.map { FlashOptions.TargetName($0) }
    options.address = address?.value
    return options
  }

  /// The options for one device: what was taken away from its work goes back to it.
  private func options(for session: DFUSession, _ found: FoundDevice) -> FlashOptions {
    var options = options
    options.runtimeIDs = found.cameFrom.map { FlashOptions.RuntimeIDs($0) }
    if found.cameFrom != nil, session.description.dialect != .dfuSe, leave == nil {
      options.leave = .always
    }
    return options
  }

  func perform(on console: Console) async throws -> ExitStatus {
    // Rule 1: everything is read and checked before a device is touched.
    let inputs = try files.map {
      try FirmwareInput(try PlacedInput($0), options: reading.options)
    }
    for input in inputs { console.tellWarnings(of: input) }
    let saving = try backup.map {
      try OutputFile(FilePath($0), overwrites: which.overwriting.overwrite)
    }
    if let saving { try checkBackupFormat(of: saving) }
    if unprotect { try ask(Unprotect.question, console) }
    let mode: WantedMode = plan && !detaching.detach ? .dfu : .dfuByDetaching
    let found = try await which.device(for: mode, on: console)
    return try await keeping([found], console) {
      guard unprotect else { return try await flash(inputs, onto: found, mode, saving, console) }
      let progress = ProgressDisplay(console, sendsEvents: job.events)
      let back = try await withoutProtection(found, progress.handler, console)
      do {
        return try await flash(inputs, onto: back, mode, saving, console)
      } catch {
        throw afterUnprotecting(error)
      }
    }
  }

  private func flash(
    _ inputs: [FirmwareInput], onto device: FoundDevice, _ mode: WantedMode,
    _ saving: OutputFile?, _ console: Console
  ) async throws -> ExitStatus {
    let progress = ProgressDisplay(console, sendsEvents: job.events)
    return try await withSession(with: device, in: mode, on: console) { session, found in
      if !console.isJSON, !job.events { console.tell(headline(session.description, found, inputs)) }
      let plan = try await prepared(inputs, session, found, saving, progress.handler, console)
      if self.plan {
        await sendBack(found, session, progress.handler, console)
        return .done
      }
      return try await carryOut(plan, session, found, progress.handler, console)
    }
  }

  /// Plans, shows the plan, asks what has to be asked, and saves what there was. A device that was taken
  /// from its work for this goes back to it where nothing comes of it.
  private func prepared(
    _ inputs: [FirmwareInput], _ session: DFUSession, _ found: FoundDevice, _ saving: OutputFile?,
    _ progress: @escaping DFUProgress.Handler, _ console: Console
  ) async throws -> FlashPlan {
    do {
      let options = options(for: session, found)
      let plan = try await session.plan(
        try TargetChoice(inputs, for: session, options), options: options,
        keepsContents: saving != nil, progress: progress)
      console.clearProgress()
      try show(plan, console)
      guard !self.plan else { return plan }
      try confirm(plan, console)
      try confirmOneTimeProgramming(plan, console)
      if let saving { try save(plan, to: saving, console) }
      return plan
    } catch {
      await sendBack(found, session, progress, console)
      throw error
    }
  }

  /// Flashes, lets the device go where it goes, and prints the receipt.
  private func carryOut(
    _ plan: FlashPlan, _ session: DFUSession, _ found: FoundDevice,
    _ progress: @escaping DFUProgress.Handler, _ console: Console
  ) async throws -> ExitStatus {
    // Listening begins before the device can go.
    let follower = follows(found) ? Following(found) : nil
    var report = try await flashKeepingNeighbours(
      plan, on: session, progress: progress)
    if plan.leave == .returns, report.departure == .manifested(.idle) {
      report.departure = .sentHome
    }
    let homecoming = await Homecoming(
      after: report.departure, session, found, follower, within: following.limit, progress)
    console.clearProgress()
    var document = FlashDocument(
      report, file: files.joined(separator: " "), device: found.selector)
    document.detachedFrom = found.cameFrom?.ids
    document.returned = homecoming.returned
    let failure = homecoming.failure.map { console.errorReport($0) }
    if let failure { document.notes.append(failure.error.sentence) }
    try console.print(document) { style in
      let picture = memoryPicture(of: plan, isDone: true, isProved: document.isProved, style)
      return picture.map { $0 + "\n" }.joined() + document.text(style)
    }
    if let failure, !console.isJSON { console.warn(failure.error.sentence) }
    return homecoming.status
  }

  /// Whether the device is waited for after it has left.
  private func follows(_ found: FoundDevice) -> Bool {
    following.follow != nil || found.cameFrom != nil
  }

  /// Shows the plan: the result of --plan, and otherwise a note before the work.
  private func show(_ plan: FlashPlan, _ console: Console) throws {
    let report = PlanReport(plan)
    if self.plan {
      try console.print(report) { style in
        let picture = memoryPicture(of: plan, isDone: false, isProved: false, style)
        return report.text(style) + picture.map { $0 + "\n" }.joined()
      }
    } else if job.events {
      try console.event(report)
    } else if !console.isJSON {
      console.tell(report.text(console.noteStyle), ends: false)
    }
  }

  /// A backup has no option for its format: its name alone says it.
  private func checkBackupFormat(of output: OutputFile) throws {
    do {
      try checkFormat(of: output)
    } catch var error as OutputFormatError {
      error.hasOption = false
      throw error
    }
  }

  private func headline(
    _ description: DFUDescription, _ found: FoundDevice, _ inputs: [FirmwareInput]
  ) -> String {
    let what = description.chip?.name ?? description.product.map(terminalSafe) ?? "DFU device"
    let names = inputs.map { "\(terminalSafe($0.name)) (\($0.file.format.name))" }
    return "\(listText(names)) → \(what), \(description.info.ids), "
      + terminalSafe(found.selector)
  }

  /// Erasing what the file does not speak of, and option bytes, are asked about.
  private func confirm(_ plan: FlashPlan, _ console: Console) throws {
    if erase == .all, plan.parts.contains(where: { $0.target.kind.mayBeErased }) {
      try ask(
        "Erase the whole memory of the device first?", console, isUnprotected: unprotect)
    }
    if plan.parts.contains(where: { !$0.optionBytes.isEmpty }) {
      try ask(
        "Write option bytes? They change how the part starts and what it protects.", console,
        isUnprotected: unprotect)
    }
  }

  /// What nothing can take back is asked about as well.
  private func confirmOneTimeProgramming(_ plan: FlashPlan, _ console: Console) throws {
    for part in plan.parts where part.target.kind == .otp && !part.runs.isEmpty {
      try ask(
        "Write \(terminalSafe(part.target.described))? It can be written once, and never be erased.",
        console, isUnprotected: unprotect)
    }
  }

  private func ask(_ question: String, _ console: Console, isUnprotected: Bool = false) throws {
    let soFar =
      isUnprotected
      ? "The part has erased itself and taken its protection away; nothing of the file is written."
      : "Nothing has been changed."
    guard try console.confirm(question, isConfirmed: job.confirmed, soFar: soFar) else {
      throw UsageError("The answer was no. \(soFar)")
    }
  }

  /// The contents of the sectors that will change, as they were.
  private func save(_ plan: FlashPlan, to output: OutputFile, _ console: Console) throws {
    var targets: [FirmwareTarget] = []
    var count = 0
    for part in plan.parts {
      // A backup that lacks something is worse than none, for it is trusted.
      guard let contents = part.target.contents, !contents.isEmpty else {
        throw UsageError(
          "\(part.target.described) cannot be saved: "
            + "\(part.target.readObstacle ?? "it has not been read").",
          help: "Leave --backup away; what it holds is lost then.")
      }
      count += contents.byteCount
      targets.append(
        FirmwareTarget(
          alternateSetting: part.target.alternateSetting, name: part.target.name,
          content: .image(contents)))
    }
    guard let first = plan.parts.first else { return }
    _ = try write(targets, of: first.target, to: output)
    console.note("saved \(sizeText(UInt64(count))) that the device held to \(output.path)")
  }

  /// The same device with its protection taken away, when it is back from the reset.
  private func withoutProtection(
    _ found: FoundDevice, _ progress: @escaping DFUProgress.Handler, _ console: Console
  ) async throws -> FoundDevice {
    let back = try await withSession(with: found, in: .dfuByDetaching, on: console) {
      session, found in
      do {
        return try await unprotected(found, session, progress).0
      } catch let error as Interrupted {
        throw Interrupted(
          "\(error.sentence) Nothing of the file has been written.",
          help: "`dfu list` says whether it is still protected; then repeat the same `dfu flash`.")
      }
    }
    console.note("the part has erased itself and taken its protection away")
    return back
  }

  /// An error of the flash itself, with what was done before it.
  private func afterUnprotecting(_ error: any Error) -> any Error {
    func told(_ error: DFUError) -> DFUError {
      var error = error
      var condition = error.condition ?? MemoryCondition()
      condition.massErased = true
      error.condition = condition
      if error.code == .cancelled, !condition.isIncomplete {
        error.ownHelp = "Repeat the same `dfu flash` without --unprotect: the part is blank."
      }
      return error
    }
    return switch error {
    case SessionError.device(let error): SessionError.device(told(error))
    case let error as DFUError: told(error)
    default: error
    }
  }
}
