import ArgumentParser
import DFU
import DFUHost
import Reports
import USB
import Workbench

/// `dfu detach`: from run time into DFU mode.
struct Detach: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Bring a device whose application runs into DFU mode.",
    discussion: """
      Sends DFU_DETACH, resets the device unless it goes by itself, and follows the port that it is \
      plugged into: what comes back may have other ids. `dfu flash` does the same by itself, and the \
      other verbs do with --detach. A virtual device is powered anew by every command, so that it is \
      in its application again in the next one.

      Examples:
        dfu detach -d virtual:runtime
        dfu detach --timeout 5 -d 'virtual:runtime?return-time=2000'
      """
  )

  @OptionGroup var which: DeviceOptions

  @Option(
    help: ArgumentHelp(
      "How long it may take to come back; without it 30, and 180 for devices that are known to be "
        + "slow.", valueName: "seconds"))
  var timeout: SecondsArgument?

  @Flag(help: "Print what happens as lines of JSON while it happens.")
  var events = false

  @OptionGroup var output: OutputOptions

  var sendsEvents: Bool { events }

  func perform(on console: Console) async throws -> ExitStatus {
    let progress = ProgressDisplay(console)
    let found = try await which.device(for: .any, on: console)
    return try await keeping([found], console) {
      try await withSession(with: found, in: .any, on: console) { session, found in
        try await detach(found, session, progress, console)
      }
    }
  }

  private func detach(
    _ found: FoundDevice, _ session: DFUSession, _ progress: ProgressDisplay, _ console: Console
  ) async throws -> ExitStatus {
    guard session.description.mode == .runtime else {
      let document = OutcomeDocument(
        schema: "dfu.detach/1", outcome: "The device is in DFU mode already.",
        help: "Select it with -d '\(terminalSafe(found.selector))'.")
      try console.print(document) { document.text($0) }
      return .done
    }
    let (_, back) = try await Following.measured(found.clock, at: found.info.path) {
      .bootloader(
        try await session.enterDFUMode(
          on: found.host, within: timeout?.value, progress: progress.handler))
    }
    console.clearProgress()
    let document = OutcomeDocument(
      schema: "dfu.detach/1", outcome: "The application has made room for the bootloader.",
      help: advice(found), returned: back)
    try console.print(document) { document.text($0) }
    return .done
  }

  /// What to type next.
  private func advice(_ found: FoundDevice) -> String {
    // It is named by its place, which has stayed.
    guard found.board != nil else {
      return "Select it with -d '\(terminalSafe(found.selector))'."
    }
    return "The next command powers this virtual device anew; add --detach to it, with "
      + "-d '\(terminalSafe(found.selector))'."
  }
}
