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
      read-protected. Nothing in its memory is changed.

      Examples:
        dfu list -d virtual:stm32f407
        dfu list -d virtual:stm32f407 -d virtual:stm32h743 --json
      """
  )

  @OptionGroup var which: DeviceOptions
  @OptionGroup var output: OutputOptions

  func perform(on console: Console) async throws -> ExitStatus {
    let devices = try await DeviceSearch.devices(
      which.selectors, waits: which.wait, record: try which.recordingRequest)
    let reports = try await keeping(devices, console) {
      var reports: [DeviceReport] = []
      for found in devices { reports.append(try await report(on: found)) }
      return reports
    }
    try console.print(DeviceListReport(reports)) { DeviceListReport(reports).text($0) }
    return .done
  }

  private func report(on found: FoundDevice) async throws -> DeviceReport {
    try await withSession(on: found) { session, found in
      var protection = Protection.unknown
      if session.description.mode == .dfu, let first = session.targets.first {
        protection = try await session.protection(of: first)
      }
      return DeviceReport(session.description, selector: found.selector, protection: protection)
    }
  }
}
