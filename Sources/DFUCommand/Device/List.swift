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
      `dfu detach` brings them into DFU mode.

      Examples:
        dfu list -d virtual:stm32f407
        dfu list -d virtual:stm32f407 -d virtual:stm32h743 --json
        dfu list -d virtual:./board.json     # a device that a file describes
      """
  )

  @OptionGroup var which: DeviceOptions
  @OptionGroup var output: OutputOptions

  func perform(on console: Console) async throws -> ExitStatus {
    let wait = which.wait.map { DeviceWait($0.value) }
    let found = try await DeviceSearch.devices(
      which.selectors, waiting: wait, record: try which.selection.recordingRequest
    ) {
      tellWait(on: console)
    }
    try await keeping(found, console) { try await printList(of: found, on: console) }
    return .done
  }
}

/// Opens each device, and prints what they are.
func printList(of found: [FoundDevice], on console: Console) async throws {
  var reports: [DeviceReport] = []
  for found in found {
    let report = try await withSession(with: found, in: .any, on: console) { session, found in
      var protection = Protection.unknown
      if session.description.mode == .dfu, let first = session.targets.first {
        protection = try await session.protection(of: first)
      }
      return DeviceReport(
        session.description, selector: found.selector, protection: protection)
    }
    reports.append(report)
    for note in found.board?.notes ?? [] { console.note(note) }
  }
  try console.print(DeviceListReport(reports)) { DeviceListReport(reports).text($0) }
}
