import ArgumentParser
import DFU
import DFUHost
import Reports
import USB
import Workbench

/// Which device.
struct DeviceOptions: ParsableArguments {
  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "The device: virtual:PROFILE[?state=FILE&speed=real|instant&…]. Without it, DFU_DEVICE.",
      valueName: "selector"))
  var device: [String] = []

  @Flag(help: "Wait until the device is there.")
  var wait = false

  /// The selectors: those of the command line, else the one of the environment.
  var selectors: [String] {
    if !device.isEmpty { return device }
    let environment = Terminal.environment("DFU_DEVICE") ?? ""
    return environment.isEmpty ? [] : [environment]
  }
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
    guard let map = target.map else {
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

/// Opens the device, does a job, gives the device back, and keeps the memories of a virtual one:
/// whatever happened to it, happened.
func withSession<Result>(
  _ options: DeviceOptions, _ body: (DFUSession, FoundDevice) async throws -> Result
) async throws -> Result {
  let found = try await DeviceSearch.device(options.selectors, waits: options.wait)
  return try await withSession(on: found, body)
}

/// As above, for a device that has been found.
func withSession<Result>(
  on found: FoundDevice, _ body: (DFUSession, FoundDevice) async throws -> Result
) async throws -> Result {
  try await keepingBoard(of: found) { try await session(on: found, body) }
}

/// Opens a device, does a job, and gives it back.
func session<Result>(
  on found: FoundDevice, _ body: (DFUSession, FoundDevice) async throws -> Result
) async throws -> Result {
  let session = try await DFUSession.open(found.info, on: found.host, clock: found.clock)
  do {
    let result = try await body(session, found)
    await session.close()
    return result
  } catch {
    await session.close()
    throw error
  }
}

/// Does a job that may take several sessions, and keeps the memories of a virtual device once, at
/// its end.
func keepingBoard<Result>(
  of found: FoundDevice, _ body: () async throws -> Result
) async throws -> Result {
  let result: Result
  do {
    result = try await body()
  } catch {
    // The first failure is the one to tell.
    try? found.board?.save()
    throw error
  }
  try found.board?.save()
  return result
}
