import ArgumentParser
import DFU
import DFUHost
import Reports
import SystemPackage
import USB
import Workbench

/// Which device.
struct SelectorOptions: ParsableArguments {
  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "The device: VVVV:PPPP, serial:TEXT or path:BUS-PORT for one of this machine, "
        + "usbip://HOST[:PORT][/BUSID] for one of another, "
        + "virtual:PROFILE[?state=FILE&speed=real|instant&…] or replay:FILE. PROFILE is a built-in "
        + "device, or a file that describes one, such as ./board.json. Without it, DFU_DEVICE, or else "
        + "the DFU devices of this machine.",
      valueName: "selector"))
  var device: [String] = []

  @Option(
    help: ArgumentHelp(
      "Record every transfer, with its time, in this file; -d replay:FILE plays it back.",
      valueName: "file"))
  var record: String?

  @Option(
    help: ArgumentHelp(
      "Capture what goes over USB in this file, as pcapng for Wireshark and `dfu usb capture`.",
      valueName: "file"))
  var capture: String?

  @OptionGroup var overwriting: OverwriteOptions

  /// The selectors: those of the command line, else the one of the environment.
  var selectors: [String] {
    if !device.isEmpty { return device }
    let environment = Terminal.environment("DFU_DEVICE") ?? ""
    return environment.isEmpty ? [] : [environment]
  }

  /// Where everything is recorded and captured; nil where nothing is. Refused before a device is asked.
  var recordingRequest: RecordingRequest? {
    get throws {
      guard record != nil || capture != nil else { return nil }
      guard record != "-" else {
        throw UsageError(
          "Standard output carries results, not recordings.", help: "Name a file with --record.")
      }
      guard capture != "-" else {
        throw UsageError(
          "Standard output carries results, not captures.", help: "Name a file with --capture.")
      }
      guard record != capture else {
        throw UsageError(
          "One file cannot be both a recording and a capture.", help: "Give them two names.")
      }
      return RecordingRequest(
        try output(record), capture: try output(capture), program: "dfu \(Version.text)")
    }
  }

  private func output(_ name: String?) throws -> OutputFile? {
    try name.map { try OutputFile(FilePath($0), overwrites: overwriting.overwrite) }
  }
}

/// Which device, and whether it is waited for.
struct DeviceOptions: ParsableArguments {
  @OptionGroup var selection: SelectorOptions

  // An optional value takes the next argument only where that is a number of seconds: a file behind a
  // bare --wait stays a file.
  @Option(
    defaultAsFlag: SecondsArgument(DeviceWait.longest), parsing: .next,
    help: ArgumentHelp(
      "Wait until the device is there, so many seconds at most.", valueName: "seconds"))
  var wait: SecondsArgument?

  /// The selectors: those of the command line, else the one of the environment.
  var selectors: [String] { selection.selectors }

  /// Whether files that exist are replaced.
  var overwriting: OverwriteOptions { selection.overwriting }

  func validate() throws { try checkOptionalSeconds(of: "--wait") }

  /// The device, waited for where that was asked: until it is in DFU mode, where it has to come there by
  /// itself.
  func device(for mode: WantedMode, on console: Console) async throws -> FoundDevice {
    let wait = wait.map { DeviceWait($0.value, needsDFUMode: mode == .dfu) }
    return try await DeviceSearch.device(
      selectors, waiting: wait, record: try selection.recordingRequest
    ) {
      tellWait(on: console)
    }
  }
}

/// From run time into DFU mode.
struct DetachOptions: ParsableArguments {
  @Flag(help: "Where the application runs, detach it first: into DFU mode.")
  var detach = false

  /// In which mode the verb needs its device.
  var wanted: WantedMode { detach ? .dfuByDetaching : .dfu }
}

/// Tells that something is waited for.
func tellWait(on console: Console) {
  ProgressDisplay(console).handler(DFUProgress(phase: .wait, done: 0, total: 0))
}

/// What becomes of a device that has left.
struct FollowOptions: ParsableArguments {
  @Option(
    defaultAsFlag: SecondsArgument(DeviceFollower.usualLimit), parsing: .next,
    help: ArgumentHelp(
      "Wait for what comes back after leaving, and tell it; exit status 75 where no application does.",
      valueName: "seconds"))
  var follow: SecondsArgument?

  /// How long to wait; nil for what suits the device, which is what a bare `--follow` means.
  var limit: Duration? {
    follow.flatMap { $0.value == DeviceFollower.usualLimit ? nil : $0.value }
  }

  func validate() throws { try checkOptionalSeconds(of: "--follow") }
}

/// Which part of its memory.
struct RangeOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The alternate setting.", valueName: "name|number"))
  var target: String?

  @Option(help: ArgumentHelp("Where it begins.", valueName: "address"))
  var address: AddressArgument?

  @Option(help: ArgumentHelp("How many bytes: 4096, 0x1000, 16K, 1M.", valueName: "length"))
  var length: LengthArgument?

  /// The target that is meant: named, or the one that has the address, or the first.
  func target(of session: DFUSession) throws -> FlashTarget {
    try chosenTarget(target, of: session, holding: address?.value)
  }

  /// The range that is meant; nil for all of the target.
  func range(in target: FlashTarget) throws -> Range<UInt64>? {
    guard address != nil || length != nil else { return nil }
    guard let address = address?.value else {
      throw UsageError("--length needs --address.", help: "Say where the range begins.")
    }
    guard let map = target.usableMap else {
      throw UsageError(
        "\(target.described) has no addresses.", help: "Leave --address away.")
    }
    if let length = length?.value { return address..<address + length }
    guard let area = map.areas.first(where: { $0.contains(address) }) else {
      throw PlanError(
        .doesNotFit, "\(addressText(address)) is not in \(target.described).",
        help: "`dfu list` shows where memory is.", wanted: address..<address + 1)
    }
    return address..<area.upperBound
  }
}

/// The alternate setting that a name, a number or an address means; without any, the first.
func chosenTarget(
  _ name: String?, of session: DFUSession, holding address: UInt64? = nil
) throws -> FlashTarget {
  let targets = session.targets
  let named = try TargetChoice.candidates(
    targets, named: name.map { FlashOptions.TargetName($0) })
  if let address, let holder = named.first(where: { $0.map?.sector(containing: address) != nil }) {
    return holder
  }
  guard let first = named.first else {
    throw PlanError(
      .noSuchTarget, "The device has no alternate setting in DFU mode.",
      help: "Is it in its bootloader?")
  }
  if let name, named.count > 1 {
    throw PlanError(
      .ambiguousTarget, "\(named.count) targets are named “\(name)”.",
      help: "Give the number of one of them to `--target`.")
  }
  // A device whose settings are partitions has no “first” that anybody means.
  if name == nil, targets.count > 1, targets.allSatisfy({ $0.map == nil }) {
    throw PlanError(
      .ambiguousTarget,
      "The device has \(targets.count) targets: "
        + listText(targets.map { "\($0.alternateSetting) (\(terminalSafe($0.name)))" }) + ".",
      help: "Give the name or the number of one of them to `--target`.")
  }
  return first
}
