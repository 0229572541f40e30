internal import Reports
internal import Synchronization
internal import SystemPackage
public import USB
public import VirtualDFU
public import VirtualUSB

/// An emulated board on a bus of its own, with the file that keeps its memories between runs.
///
/// Each board is powered anew: it is in its bootloader, whatever it did in the run before, or in its
/// application where the bus sees that. Only its memories and its option bytes survive, as on a desk.
/// What is kept is what the part would hold if its power went at that moment, so that an erase or a write
/// that is under way is kept half done: at the end of the process, and while ``keepSaving(every:on:)``
/// runs at any moment at which it is killed.
public struct VirtualBoard: Sendable {
  /// The bus, with this board alone on it.
  public let bus: VirtualBus
  /// The time of the bus.
  public let clock: AnyClock
  /// Where the board is plugged in.
  public let path: PortPath
  /// What it is.
  public let profile: Profile
  /// What its description says that may be a mistake, a sentence each; none for a built-in profile.
  public let notes: [String]

  private let keeper: BoardKeeper?

  /// Builds the board that a selector names, and plugs it in.
  ///
  /// - Parameter selector: a profile, with its settings.
  /// - Throws: `ProfileOptionError` for an option that the profile has not; ``BoardError`` for an
  ///   unknown profile or a state file that is damaged or of another
  ///   board; `ProfileDescriptionError` for a description that is wrong; ``FileError`` where a file
  ///   cannot be read.
  public init(_ selector: VirtualSelector) throws {
    let profile: Profile
    (profile, notes) = try selector.namedProfile()
    var board = VirtualBootloader(profile)
    // Whether the result can be kept is known before anything is done.
    let stateFile = try selector.statePath.map { try StateFile(FilePath($0)) }
    let loaded = try Self.load(&board, from: stateFile, named: selector.statePath)
    self.profile = profile
    path = PortPath(bus: 1, ports: [1])
    switch selector.speed {
    case .real:
      clock = AnyClock(ContinuousClock())
      bus = VirtualBus(clock: clock)
    case .instant:
      let simulated = SimulatedClock()
      clock = AnyClock(simulated)
      bus = VirtualBus(clock: simulated)
    }
    keeper = stateFile.map { [bus, path] in
      BoardKeeper($0, known: loaded, bus: bus, path: path, mark: board.changeMark)
    }
    if !selector.faults.entries.isEmpty {
      bus.intercept(selector.faults.interceptor(for: profile, at: path))
    }
    if let delay = selector.pluggedAfter {
      bus.attach(board, path: path, after: delay)
    } else {
      bus.attach(board, path: path)
    }
  }

  /// The board that a selector names, in the state of its file, plugged in nowhere. Nothing of it is kept.
  ///
  /// - Parameter selector: a profile, with its settings.
  /// - Returns: the board, what it is, and what its description says that may be a mistake.
  /// - Throws: what ``init(_:)`` throws.
  public static func unplugged(
    _ selector: VirtualSelector
  ) throws -> (board: VirtualBootloader, profile: Profile, notes: [String]) {
    let (profile, notes) = try selector.namedProfile()
    var board = VirtualBootloader(profile)
    let file = try selector.statePath.map { try StateFile(FilePath($0)) }
    _ = try load(&board, from: file, named: selector.statePath)
    return (board, profile, notes)
  }

  /// Puts a board into the state that a file holds.
  ///
  /// - Returns: what the file holds; nil where there is none.
  private static func load(
    _ board: inout VirtualBootloader, from file: StateFile?, named name: String?
  ) throws -> [UInt8]? {
    guard let file, let name else { return nil }
    let bytes: [UInt8]?
    do {
      bytes = try file.read()
    } catch {
      throw error.code == .empty ? BoardError.emptyState(name) : error
    }
    guard let bytes else { return nil }
    do {
      try board.restore(bytes)
    } catch {
      throw BoardError.badState(name, board.profile.name, error)
    }
    return bytes
  }

  /// Keeps the memories in the state file, where there is one.
  ///
  /// - Throws: ``FileError`` where the file cannot be written, ``BoardError`` where another process
  ///   has changed it meanwhile; then it is left as it is.
  public func save() throws { try keeper?.save() }

  /// Keeps the memories in the state file while the board is used, whenever they have changed, so that
  /// a process that is killed leaves what its board was. Returns when the task is cancelled; failures
  /// are told by ``save()``.
  ///
  /// - Parameters:
  ///   - period: how often it is looked whether something has changed.
  ///   - clock: measures the period: real time, also where the board lives in simulated time.
  public func keepSaving(
    every period: Duration = .milliseconds(100), on clock: AnyClock
  ) async {
    await keeper?.keep(every: period, on: clock)
  }
}

extension VirtualSelector {
  /// The profile that is named, a built-in or a described one, with its options.
  ///
  /// - Returns: the profile, and what its description says that may be a mistake, a sentence each.
  /// - Throws: `ProfileOptionError`, `ProfileDescriptionError`, ``BoardError`` for an unknown profile,
  ///   ``FileError`` where a file cannot be read.
  public func namedProfile() throws -> (profile: Profile, notes: [String]) {
    var profile: Profile
    var notes: [String] = []
    if namesFile {
      let description = try DescribedDevice.read(FilePath(self.profile))
      profile = description.profile
      notes = description.notes.map { DescribedDevice.sentence($0, of: self.profile) }
    } else {
      guard let known = Profile.named(self.profile) else {
        throw BoardError.unknownProfile(self.profile)
      }
      profile = known
    }
    for option in options { profile = try profile.setting(option.name, to: option.value) }
    return (profile, notes)
  }
}

/// Why a virtual board cannot be had, or not be kept.
public struct BoardError: ExplainedError, Hashable {
  /// A stable name for the kind of error.
  public var slug: String
  /// What happened.
  public var sentence: String
  /// What to do next.
  public var help: String?

  static func unknownProfile(_ name: String) -> BoardError {
    let isFile = (try? Stat(FilePath(name))) != nil
    let names = Profile.all.map(\.name).joined(separator: ", ")
    return BoardError(
      slug: "unknown-profile", sentence: "There is no virtual device “\(name)”.",
      help: isFile
        ? "There is a file of that name: with virtual:./\(name) it is read as a description."
        : "There are \(names), and every file that describes one: virtual:./FILE.json.")
  }

  static func hugeDescription(_ file: String) -> BoardError {
    BoardError(
      slug: "device-description",
      sentence:
        "\(file) has more than \(sizeText(UInt64(ProfileDescription.sizeLimit))): it is no "
        + "description of a device.",
      help: "Check that it is the file you mean.")
  }

  static func badState(_ file: String, _ profile: String, _ error: any Error) -> BoardError {
    let reason = (error as? any ExplainedError)?.sentence ?? "\(error)"
    return BoardError(
      slug: "bad-state-file",
      sentence: "\(file) is no state of the virtual device \(profile): \(reason)",
      help: "Name another file, or remove this one to begin with a blank board.")
  }

  static func emptyState(_ file: String) -> BoardError {
    BoardError(
      slug: "bad-state-file", sentence: "\(file) is empty: it holds no state of a virtual device.",
      help: "Remove it to begin with a blank board, or name another file.")
  }

  static func stateChanged(_ file: String) -> BoardError {
    BoardError(
      slug: "state-changed",
      sentence:
        "\(file) was changed by another process meanwhile; what this one has done since is not "
        + "kept in it.",
      help: "Use one state file for one command at a time, and run this one again.")
  }
}
