import ArgumentParser
import Reports
import USB
import VirtualDFU
import Workbench

/// `dfu emulate`: the virtual devices.
struct Emulate: Verb {
  static let configuration = CommandConfiguration(
    abstract: "List and describe the virtual devices that there are.",
    discussion: """
      Each behaves like a real bootloader, down to its faults and to the time that an erase takes. \
      Every verb that takes -d works on one: virtual:NAME, or virtual:NAME?OPTION=VALUE&…. \
      A file that describes a device works as well, virtual:./board.json; --describe prints one to \
      begin with. Exporting them over USB/IP comes with a later version.

      Examples:
        dfu emulate --list
        dfu emulate --list --verbose
        dfu emulate --describe stm32f407 > board.json
        dfu list -d 'virtual:gd32vf103?speed=instant'
      """
  )

  @Flag(help: "Print every virtual device with a sentence; with --verbose what can be changed.")
  var list = false

  @Option(
    help: ArgumentHelp(
      "Print a virtual device as the file that describes it, to be changed and used.",
      valueName: "NAME[?OPTION=VALUE&…]"))
  var describe: String?

  @OptionGroup var output: OutputOptions

  func perform(on console: Console) async throws -> ExitStatus {
    if let describe {
      guard !list else {
        throw UsageError(
          "--list and --describe print different things.", help: "Use one of the two.")
      }
      return try print(descriptionOf: describe, on: console)
    }
    guard list else {
      throw UsageError(
        "`dfu emulate` cannot export a device yet: that comes with USB/IP, in a later version.",
        help: "--list prints the virtual devices, --describe one as a file; -d uses one.")
    }
    let report = ProfileListReport(Profile.all)
    try console.print(report) { report.text($0, isVerbose: console.isVerbose) }
    return .done
  }

  /// The file is JSON whether `--json` is there or not.
  private func print(descriptionOf name: String, on console: Console) throws -> ExitStatus {
    let prefix = name.hasPrefix("virtual:") ? "" : "virtual:"
    guard case .virtual(let selector) = try DeviceSelector(prefix + name) else { return .done }
    let (profile, notes) = try selector.namedProfile()
    for note in notes { console.note(note) }
    console.write(try ProfileDescription.text(of: profile))
    return .done
  }
}
