import ArgumentParser
import DFU
import DFUHost
import Reports
import USB
import Workbench

/// `dfu leave`: out of the bootloader.
struct Leave: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Leave the bootloader and start the program.",
    discussion: """
      A DfuSe device jumps to an address; whether a program runs there is seen only where it brings a \
      device to the bus, and --follow waits for that. A device without addresses is reset on the bus, \
      or gets DFU_DETACH where it is known to want that, and is followed in any case.

      Examples:
        dfu leave -d 'virtual:stm32f407?state=board.bin'
        dfu leave --address 0x08010000 -d 'virtual:stm32f407?state=board.bin'
        dfu leave --follow 10 -d virtual:dfu11
      """
  )

  @OptionGroup var which: DeviceOptions

  @Option(
    help: ArgumentHelp(
      "Where the vector table of the program is; without it the start of the first memory.",
      valueName: "address"))
  var address: AddressArgument?

  @OptionGroup var following: FollowOptions
  @OptionGroup var output: OutputOptions

  func perform(on console: Console) async throws -> ExitStatus {
    let progress = ProgressDisplay(console).handler
    return try await withSession(which, in: .any, on: console) { session, found in
      if session.description.mode == .runtime {
        let document = OutcomeDocument(
          schema: "dfu.leave/1", outcome: "The application of the device runs already.")
        try console.print(document) { document.text($0) }
        return .done
      }
      if session.description.dialect != .dfuSe, address == nil {
        return try await goHome(session, found, progress, console)
      }
      return try await jump(session, found, progress, console)
    }
  }

  /// Leaves for an address.
  private func jump(
    _ session: DFUSession, _ found: FoundDevice, _ progress: DFUProgress.Handler,
    _ console: Console
  ) async throws -> ExitStatus {
    let first = session.targets.first?.map?.runs.first?.start
    let address = self.address?.value ?? first ?? 0
    let follower = following.follow.map { _ in Following(found) }
    let how = try await session.leave(for: address)
    let said =
      switch how {
      case .vanished: "It was gone before it answered, as many are."
      case .unasked: "It goes without an answer, as this bootloader does."
      case .answered, .pending: "It answered that it is on its way."
      }
    var back: ReturnedDocument?
    if let follower {
      (_, back) = try await follower.home(
        session, on: found, within: following.limit, progress)
      console.clearProgress()
    }
    let document = OutcomeDocument(
      schema: "dfu.leave/1",
      outcome: "The device has left its bootloader for \(addressText(address)). \(said)",
      help: back == nil ? "Whether a program runs there is not known from here." : nil,
      returned: back)
    try console.print(document) { document.text($0) }
    return back?.isApplication == false ? .tryAgain : .done
  }

  /// Leaves for the application of a device without addresses.
  private func goHome(
    _ session: DFUSession, _ found: FoundDevice, _ progress: @escaping DFUProgress.Handler,
    _ console: Console
  ) async throws -> ExitStatus {
    let (_, back) = try await Following.measured(found.clock, at: found.info.path) {
      try await session.leaveForApplication(
        on: found.host, within: following.limit, progress: progress)
    }
    console.clearProgress()
    let document = OutcomeDocument(
      schema: "dfu.leave/1",
      outcome: back.isApplication
        ? "The device has left its bootloader."
        : "The device was told to start its application, which is not to be seen.",
      help: back.isApplication ? nil : "Unplug it and plug it in again.", returned: back)
    try console.print(document) { document.text($0) }
    return back.isApplication ? .done : .tryAgain
  }
}

/// `dfu unprotect`: read-out protection off, everything erased.
struct Unprotect: Verb {
  static let question =
    "Take read-out protection away? The part erases ALL of its flash and resets, and its option bytes "
    + "go back to their defaults."

  static let configuration = CommandConfiguration(
    abstract: "Take read-out protection away, which erases everything.",
    discussion: """
      The part erases all of its flash, sets its option bytes back and resets. It is waited for, and \
      a block is read as the proof that it can be. On a few boards the option bytes that the board \
      needs are lost with that.

      Examples:
        dfu unprotect --yes -d 'virtual:stm32f407-rdp1?state=board.bin'
      """
  )

  @OptionGroup var which: DeviceOptions
  @OptionGroup var mode: DetachOptions
  @OptionGroup var job: JobOptions
  @OptionGroup var output: OutputOptions

  var sendsEvents: Bool { job.events }

  func perform(on console: Console) async throws -> ExitStatus {
    let progress = ProgressDisplay(console).handler
    return try await withSession(which, in: mode.wanted, on: console) { session, found in
      guard try console.confirm(Self.question, isConfirmed: job.confirmed) else {
        throw UsageError("Nothing has been changed, because the answer was no.")
      }
      let (found, back) = try await unprotected(found, session, progress)
      let protection = try await withSession(with: found, on: console) { session, _ in
        guard let first = session.targets.first else { return Protection.unknown }
        return try await session.protection(of: first)
      }
      console.clearProgress()
      let document = OutcomeDocument(
        schema: "dfu.unprotect/1", outcome: protection.outcome,
        help: protection == .readProtected
          ? "Unplug the device, plug it in again in bootloader mode, and look with `dfu list`."
          : nil,
        returned: back)
      try console.print(document) { document.text($0) }
      return protection == .readProtected ? .protected : .done
    }
  }
}

/// Takes the protection of a device away and follows it through its reset; the session is closed by that.
///
/// - Parameters:
///   - found: the device.
///   - session: a session with it.
///   - progress: is told when the wait begins.
/// - Returns: the device as it is back.
/// - Throws: `DFUError`: `.notReturned` where it is not back in a minute; ``Interrupted`` where nobody
///   waits for it any longer.
func unprotected(
  _ found: FoundDevice, _ session: DFUSession, _ progress: DFUProgress.Handler
) async throws -> (FoundDevice, ReturnedDocument) {
  let following = Following(found)
  progress(DFUProgress(phase: .unprotect, done: 0, total: 0))
  let report = try await session.unprotect()
  await session.close()
  // One that has answered is not expected to reset any more, but some do.
  let limit: Duration = report == .answered ? .seconds(5) : .seconds(60)
  let returned: Returned
  let back: ReturnedDocument
  do {
    (returned, back) = try await following.returned(.bootloader, within: limit, progress)
  } catch let error as DFUError where error.code == .cancelled {
    // It goes on without the host: what was told to it cannot be taken back.
    let state =
      report == .resetting
      ? "it has begun to erase itself, and was not back from its reset yet"
      : "it answered that it is done, and had not reset itself yet"
    throw Interrupted(
      "Interrupted after the part was told to take its protection away: \(state).",
      help: "`dfu list` says whether it is still protected.")
  }
  if case .stayed = returned, report == .resetting {
    throw DFUError(
      .notReturned, during: .follow,
      sentence: "The part was told to take its protection away, and has not reset itself within "
        + "\(durationText(limit)): whether it has done so is not known.",
      help: "Unplug it, plug it in again in bootloader mode, and look with `dfu list`.")
  }
  guard let info = returned.info else {
    throw DFUError(
      .notReturned, during: .follow,
      sentence: "The part has erased itself, and has not come back at \(found.info.path) within "
        + "\(durationText(limit)).",
      help: "Plug it in again in bootloader mode, and look with `dfu list`.")
  }
  var found = found
  found.info = info
  return (found, back)
}

extension Protection {
  /// What was found after the protection was taken away.
  fileprivate var outcome: String {
    switch self {
    case .open: "The part has erased itself, and its protection is gone: it can be read."
    case .readProtected: "The part is still read-protected."
    case .unknown:
      "The part has erased itself; whether its protection is gone cannot be found out by reading."
    }
  }
}
