import ArgumentParser
import DFU
import DFUHost
import Reports
import Workbench

/// `dfu list`: the DFU devices, in words.
struct List: Verb {
  static let configuration = CommandConfiguration(
    abstract: "List DFU devices: what they are, their memory, whether they are protected.",
    discussion: """
      Opens each device, reads its strings, and tries to read one block to find out whether it is \
      read-protected. Nothing in its memory is changed. Devices whose application runs come last: \
      `dfu detach` brings them into DFU mode. A device that cannot be opened is listed with the reason; \
      exit status 77 where that is missing permission, and none could be opened. --any opens nothing.

      Examples:
        dfu list                             # the DFU devices of this machine
        dfu list --any                       # every USB device of this machine
        dfu list -d virtual:stm32f407
        dfu list -d virtual:stm32f407 -d virtual:stm32h743 --json
        dfu list -d virtual:./board.json     # a device that a file describes
      """
  )

  @OptionGroup var which: DeviceOptions

  @Flag(help: "Every USB device, hubs included; none of them is opened.")
  var any = false

  @OptionGroup var output: OutputOptions

  func perform(on console: Console) async throws -> ExitStatus {
    let wait = which.wait.map { DeviceWait($0.value) }
    let found = try await DeviceSearch.devices(
      which.selectors, kind: any ? .any : .dfu, waiting: wait,
      record: try which.selection.recordingRequest
    ) {
      tellWait(on: console)
    }
    return try await keeping(found, console) {
      guard any else { return try await printList(of: found, on: console) }
      let report = AttachedListReport(
        found.map { AttachedReport($0.info, selector: $0.selector) })
      try console.print(report) { report.text($0) }
      return .done
    }
  }
}

/// Opens each device, and prints what they are; those that cannot be opened with what is known of them.
///
/// - Returns: the status to end with: that of a failure only where no device could be described.
func printList(of found: [FoundDevice], on console: Console) async throws -> ExitStatus {
  var reports: [DeviceReport] = []
  var failures: [ExitStatus] = []
  for found in found {
    var failure: DFUError?
    reports.append(try await describe(found, &failure, on: console))
    if let failure { failures.append(ExitStatus(for: failure)) }
    for note in found.board?.notes ?? [] { console.note(note) }
  }
  try console.print(DeviceListReport(reports)) { DeviceListReport(reports).text($0) }
  guard failures.count == found.count, let first = failures.first else { return .done }
  return failures.contains(.noPermission) ? .noPermission : first
}

/// What is known of a device; where that is not all, `failure` tells why.
private func describe(
  _ found: FoundDevice, _ failure: inout DFUError?, on console: Console
) async throws -> DeviceReport {
  var description: DFUDescription?
  do {
    return try await withSession(with: found, in: .any, on: console) { session, found in
      description = session.description
      var protection = Protection.unknown
      if session.description.mode == .dfu, let first = session.targets.first {
        protection = try await session.protection(of: first)
      }
      return DeviceReport(
        session.description, selector: found.selector, protection: protection)
    }
  } catch let error as DFUError where isOfOneDevice(error, found) {
    failure = error
    let problem = console.errorReport(error).error
    guard let description else {
      return DeviceReport(unopened: found.info, selector: found.selector, problem: problem)
    }
    var report = DeviceReport(description, selector: found.selector, protection: .unknown)
    report.problem = problem
    return report
  }
}

/// Whether an error says something of this device only, so that the others can be listed.
private func isOfOneDevice(_ error: DFUError, _ found: FoundDevice) -> Bool {
  // What is played back may differ from what is asked, and that is told.
  guard found.replay == nil else { return false }
  switch error.code {
  case .cancelled, .internalFault, .notDFU: return false
  default: return true
  }
}
