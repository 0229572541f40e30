import ArgumentParser
import DFU
import DriverMatching
import Reports
import USB
import Workbench

/// `dfu doctor`: why a device cannot be used here, and the one thing to do.
struct Doctor: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Tell why a device cannot be used on this machine, and the one thing to do.",
    discussion: """
      Four things have to be right, one after the other: it is seen on the bus, it is in DFU mode, no driver holds its \
      DFU interface, and this user may open it. The first that is not gets one instruction. --fix shows what it would \
      write and run, asks, and does it; --undo takes all of that back. Both need root. In WSL and in containers, where \
      devices come from outside, the instruction is for outside. Exit status 0 where nothing is wrong, 69 where there is \
      no device in DFU mode, 77 for a driver or a permission.

      Examples:
        dfu doctor -d virtual:stm32f407
        dfu doctor -d virtual:runtime --json
      """
  )

  @OptionGroup var which: DeviceOptions

  @Flag(help: "Do what is to be done here, after asking.")
  var fix = false

  @Flag(
    help: "Take back what --fix has done: rules that it has written, drivers that it has sent away."
  )
  var undo = false

  @Flag(name: [.customShort("y"), .customLong("yes")], help: "Answer every question with yes.")
  var confirmed = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard !(fix && undo) else {
      throw ValidationError("--fix and --undo are the opposite of each other: give one.")
    }
    guard !(undo && !which.selection.device.isEmpty) else {
      throw ValidationError(
        "--undo takes everything back, whatever device it was for: leave -d away.")
    }
  }

  func perform(on console: Console) async throws -> ExitStatus {
    if undo { return try takeBack(on: console) }
    let machine = Machine.current(environment: Terminal.environment)
    let (found, others) = try await look()
    guard let found else {
      let wanted = which.selectors.first
      return try conclude(
        Diagnosis(of: nil, wanted: wanted, others: wanted == nil ? others : [], on: machine),
        machine, console)
    }
    return try await keeping([found], console) {
      let diagnosis = Diagnosis(of: await examine(found, machine), on: machine)
      guard fix else { return try conclude(diagnosis, machine, console) }
      guard try repair(diagnosis, machine, console) else { return Self.status(of: diagnosis) }
      // What was done is believed only where it has helped.
      return try conclude(
        Diagnosis(of: await examine(found, machine), on: machine), machine, console)
    }
  }

  // MARK: Looking

  /// The device that is meant, and what else there is.
  private func look() async throws -> (FoundDevice?, [DeviceInfo]) {
    let selectors = which.selectors
    let wait = which.wait.map { DeviceWait($0.value) }
    do {
      // Without a selector everything is looked at, unless a DFU device is to be waited for.
      let found = try await DeviceSearch.devices(
        selectors, kind: selectors.isEmpty && wait != nil ? .dfu : .any, waiting: wait,
        record: try which.selection.recordingRequest)
      guard selectors.isEmpty else { return (try DeviceSearch.only(of: found), []) }
      let fitting = found.filter { $0.mode == .dfu }
      return (fitting.isEmpty ? nil : try DeviceSearch.only(of: fitting), found.map(\.info))
    } catch let error as DeviceSearchError where error.slug == "no-device" {
      let all = try? await DeviceSearch.devices([], kind: .any)
      return (nil, all?.map(\.info) ?? [])
    }
  }

  private func examine(_ found: FoundDevice, _ machine: Machine) async -> Diagnosis.Patient {
    let info = found.info
    let surroundings = found.host.surroundings(of: info)
    // Only interfaces of the configuration that is set exist.
    let active = info.configurations.filter {
      info.activeConfiguration == nil || $0.value == info.activeConfiguration
    }
    let interface = active.flatMap(\.interfaces).first {
      $0.interfaceClass == .dfuMode || $0.interfaceClass == .dfuRuntime
    }
    let number = interface?.number ?? 0
    var patient = Diagnosis.Patient(
      info, selector: found.selector, mode: found.mode,
      driver: interface == nil ? nil : surroundings?.interfaceDrivers[number],
      interface: "\(info.path):\(info.activeConfiguration ?? 1).\(number)")
    patient.isLocal = surroundings != nil
    do {
      await (try found.host.open(info.id)).close()
    } catch {
      patient.refusal = error.code
    }
    // Root opens everything; what is asked is whether the user behind sudo may.
    if patient.isLocal, machine.isRoot, machine.user.id != 0, patient.refusal == nil,
      !machine.userMayOpen(Diagnosis.node(of: info))
    {
      patient.refusal = .permission
    }
    guard patient.isLocal, patient.refusal == .permission, machine.hasUdev else { return patient }
    var subject = DriverSubject(info)
    subject.place(info, surroundings)
    let access = UdevFiles.installed(
      on: machine, for: (subject.device.vendor, subject.device.product)
    ).access(of: subject, users: [machine.user], sysfs: UdevSysfs())
    patient.access = access.verdicts.first?.sentence
    // A rule that is there and does not do what its author meant.
    if let advice = access.advice.first { patient.access? += " " + advice }
    return patient
  }

  // MARK: Doing

  private func conclude(
    _ diagnosis: Diagnosis, _ machine: Machine, _ console: Console
  ) throws -> ExitStatus {
    let report = Self.report(diagnosis, machine, offersFix: !fix)
    try console.print(report) { report.text($0) }
    return Self.status(of: diagnosis)
  }

  private static func report(
    _ diagnosis: Diagnosis, _ machine: Machine, offersFix: Bool
  ) -> DiagnosisReport {
    var file: String?
    if case .rule(let rule, _)? = diagnosis.remedy { file = rule.text }
    return DiagnosisReport(
      place: machine.place.rawValue, ticks: diagnosis.ticks, instruction: diagnosis.instruction,
      file: file, canBeFixed: diagnosis.remedy != nil && offersFix)
  }

  private static func status(of diagnosis: Diagnosis) -> ExitStatus {
    switch diagnosis.ticks.last {
    case let tick? where tick.isGood: .done
    case let tick? where tick.name == "driver" || tick.name == "permission": .noPermission
    default: .noDevice
    }
  }

  /// Shows what is to be done, asks, and does it; false where the answer was no.
  private func repair(
    _ diagnosis: Diagnosis, _ machine: Machine, _ console: Console
  ) throws -> Bool {
    guard let remedy = diagnosis.remedy else {
      if diagnosis.instruction != nil {
        console.note("there is nothing that --fix could do here")
      }
      return true
    }
    guard machine.isRoot else {
      var error = UsageError(
        "--fix writes files of the system, which only root may.",
        help: "Run `sudo dfu doctor --fix`.")
      error.status = .noPermission
      throw error
    }
    // What is about to happen is shown before it is asked, beside the result and not in it.
    let plan = Self.report(diagnosis, machine, offersFix: false).text(console.noteStyle)
    Terminal.write(plan, to: .error)
    guard try console.confirm("Do that?", isConfirmed: confirmed) else {
      console.note("nothing has been changed")
      return false
    }
    try DoctorWork().perform(remedy, run: DoctorWork.run)
    console.note("done; `sudo dfu doctor --undo` takes it back")
    return true
  }

  private func takeBack(on console: Console) throws -> ExitStatus {
    guard Machine.current(environment: Terminal.environment).isRoot else {
      var error = UsageError(
        "--undo removes files of the system, which only root may.",
        help: "Run `sudo dfu doctor --undo`.")
      error.status = .noPermission
      throw error
    }
    guard
      try console.confirm(
        "Take back every rule and every driver that dfu doctor has changed?", isConfirmed: confirmed
      )
    else {
      console.note("nothing has been changed")
      return .done
    }
    let done = try DoctorWork().undo(run: DoctorWork.run)
    let document = OutcomeDocument(
      schema: "dfu.doctor/1",
      outcome: done.isEmpty ? "There was nothing to take back." : done.joined(separator: " "),
      help: nil)
    try console.print(document) { document.text($0) }
    return .done
  }
}
