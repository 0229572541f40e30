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

      Examples:
        dfu flash app.hex -d 'virtual:stm32f407?state=board.bin'
        dfu flash app.bin --address 0x08004000 --plan -d virtual:stm32f407
        dfu flash 0x08000000:boot.bin 0x08010000:app.bin -d virtual:stm32f407
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

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var job: JobOptions
  @OptionGroup var overwriting: OverwriteOptions
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

  func perform(on console: Console) async throws -> ExitStatus {
    // Rule 1: everything is read and checked before a device is touched.
    let inputs = try files.map {
      try FirmwareInput(try PlacedInput($0), options: reading.options)
    }
    for input in inputs { console.tellWarnings(of: input) }
    let saving = try backup.map {
      try OutputFile(FilePath($0), overwrites: overwriting.overwrite)
    }
    if let saving { try checkBackupFormat(of: saving) }
    if unprotect { try ask(Unprotect.question, console) }
    var device = try await DeviceSearch.device(which.selectors, waits: which.wait)
    if unprotect { device = try await unprotected(device, console) }
    let progress = ProgressDisplay(console, sendsEvents: job.events)
    return try await withSession(on: device) { session, found in
      if !console.isJSON, !job.events { console.tell(headline(session.description, found, inputs)) }
      let plan = try await session.plan(
        try TargetChoice(inputs, for: session, options), options: options,
        keepsContents: saving != nil, progress: progress.handler)
      console.clearProgress()
      if self.plan {
        try console.print(PlanReport(plan)) { style in
          let picture = memoryPicture(of: plan, isDone: false, isProved: false, style)
          return PlanReport(plan).text(style) + picture.map { $0 + "\n" }.joined()
        }
        return .done
      }
      if job.events {
        try console.event(PlanReport(plan))
      } else if !console.isJSON {
        console.tell(PlanReport(plan).text(console.noteStyle), ends: false)
      }
      try confirm(plan, console)
      try confirmOneTimeProgramming(plan, console)
      if let saving { try save(plan, to: saving, console) }
      let report = try await session.flash(plan, progress: progress.handler)
      console.clearProgress()
      let document = FlashDocument(
        report, file: files.joined(separator: " "), device: found.selector)
      try console.print(document) { style in
        let picture = memoryPicture(
          of: plan, isDone: true, isProved: document.isProved, style)
        return picture.map { $0 + "\n" }.joined() + document.text(style)
      }
      return .done
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
    let device = description.info.descriptor
    let what = description.chip?.name ?? description.product.map(terminalSafe) ?? "DFU device"
    let names = inputs.map { "\(terminalSafe($0.name)) (\($0.file.format.name))" }
    return "\(listText(names)) → \(what), \(device.vendor):\(device.product), "
      + terminalSafe(found.selector)
  }

  /// Erasing what the file does not speak of, and option bytes, are asked about.
  private func confirm(_ plan: FlashPlan, _ console: Console) throws {
    if erase == .all, plan.parts.contains(where: { $0.target.kind.mayBeErased }) {
      try ask("Erase the whole memory of the device first?", console)
    }
    if plan.parts.contains(where: { !$0.optionBytes.isEmpty }) {
      try ask(
        "Write option bytes? They change how the part starts and what it protects.", console)
    }
  }

  /// What nothing can take back is asked about as well.
  private func confirmOneTimeProgramming(_ plan: FlashPlan, _ console: Console) throws {
    for part in plan.parts where part.target.kind == .otp && !part.runs.isEmpty {
      try ask(
        "Write \(terminalSafe(part.target.described))? It can be written once, and never be erased.",
        console)
    }
  }

  private func ask(_ question: String, _ console: Console) throws {
    guard try console.confirm(question, isConfirmed: job.confirmed) else {
      throw UsageError("Nothing has been changed, because the answer was no.")
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
  private func unprotected(_ found: FoundDevice, _ console: Console) async throws -> FoundDevice {
    do {
      _ = try await session(on: found) { session, _ in try await session.unprotect() }
      let back = try await DeviceSearch.returned(found)
      console.note("the part has erased itself and taken its protection away")
      return back
    } catch {
      try? found.board?.save()
      throw error
    }
  }
}
