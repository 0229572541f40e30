internal import DriverMatching
internal import FoundationEssentials
internal import SystemPackage
public import USB

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// Does what a diagnosis asks for, and takes it back. What was done is kept in a folder, so that it can be.
public struct DoctorWork: Sendable {
  /// Where rules go: `/etc/udev/rules.d`.
  public var rules: String
  /// Where sysfs is: `/sys`.
  public var sysfs: String
  /// Where it is kept which drivers have let interfaces go; gone after a restart, as that is.
  public var notes: String

  /// The folders of this machine, or of a test.
  public init(
    rules: String = "/etc/udev/rules.d", sysfs: String = "/sys", notes: String = "/run/dfu-doctor"
  ) {
    self.rules = rules
    self.sysfs = sysfs
    self.notes = notes
  }

  /// By what a rule of ours is known.
  static let signature = "Written by dfu."

  /// What the work could not do.
  public struct Failure: ExplainedError, Hashable {
    /// What happened.
    public var sentence: String
    /// What to do next.
    public var help: String?
    /// `doctor`.
    public var slug: String { "doctor" }

    init(_ sentence: String, help: String? = nil) {
      self.sentence = sentence
      self.help = help
    }
  }

  /// Does it.
  ///
  /// - Parameters:
  ///   - remedy: what to do.
  ///   - run: runs a command with its words, and tells whether it has ended with 0.
  /// - Throws: ``Failure`` where it could not be done; nothing is then left half done.
  public func perform(
    _ remedy: Diagnosis.Remedy, run: ([String]) -> Bool
  ) throws(Failure) {
    switch remedy {
    case .rule(let file, let device):
      let path = "\(rules)/\(file.name)"
      if let old = try? InputFile.read(FilePath(path), limit: 1 << 20),
        !String(decoding: old, as: UTF8.self).contains(Self.signature)
      {
        throw Failure(
          "\(path) is there and was not written by dfu.", help: "Look at it, and move it away.")
      }
      try write(file.text, to: path)
      reload(device, action: "change", run)
    case .unbind(let interface, let driver):
      try makeFolder(notes)
      // Noted first: what is known can be taken back, also where this process ends here.
      try write(driver, to: "\(notes)/\(interface)")
      do throws(Failure) {
        try poke(interface, into: "\(sysfs)/bus/usb/drivers/\(driver)/unbind")
      } catch {
        unlink("\(notes)/\(interface)")
        throw error
      }
    }
  }

  /// Takes everything back that was done.
  ///
  /// - Parameter run: runs a command with its words, and tells whether it has ended with 0.
  /// - Returns: what was taken back, each as a sentence; none where there was nothing.
  /// - Throws: ``Failure`` where something cannot be taken back.
  public func undo(run: ([String]) -> Bool) throws(Failure) -> [String] {
    var done: [String] = []
    for name in SettingsFolder.names(in: rules) where name.hasSuffix(".rules") {
      let path = "\(rules)/\(name)"
      guard let bytes = try? InputFile.read(FilePath(path), limit: 1 << 20),
        String(decoding: bytes, as: UTF8.self).contains(Self.signature)
      else { continue }
      guard unlink(path) == 0 else {
        throw Failure("\(path) cannot be removed.", help: "Run `sudo dfu doctor --undo`.")
      }
      done.append("\(path) is removed.")
    }
    // What a rule has set stays on the node until the device is added anew, as udev sees it.
    if !done.isEmpty { reload(nil, action: "add", run) }
    for interface in SettingsFolder.names(in: notes) {
      let path = "\(notes)/\(interface)"
      guard let bytes = try? InputFile.read(FilePath(path), limit: 256) else { continue }
      let driver = String(decoding: bytes, as: UTF8.self)
      guard !driver.contains("/"), !interface.contains("/") else { continue }
      if FileManager.default.fileExists(atPath: "\(sysfs)/bus/usb/devices/\(interface)") {
        try poke(interface, into: "\(sysfs)/bus/usb/drivers/\(driver)/bind")
        done.append("\(driver) has \(interface) again.")
      }
      unlink(path)
    }
    return done
  }

  private func reload(_ device: String?, action: String, _ run: ([String]) -> Bool) {
    guard run(["udevadm", "control", "--reload"]) else { return }
    var trigger = ["udevadm", "trigger", "--action=\(action)", "--subsystem-match=usb"]
    if let device { trigger.append("--sysname-match=\(device)") }
    _ = run(trigger)
    _ = run(["udevadm", "settle", "--timeout=10"])
  }

  private func makeFolder(_ path: String) throws(Failure) {
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
      throw Failure("\(path) cannot be made.", help: "Run `sudo dfu doctor --fix`.")
    }
  }

  /// Through a file beside it, so that nobody reads half of it.
  private func write(_ text: String, to path: String) throws(Failure) {
    let beside = "\(path).new"
    do {
      let file = try FileDescriptor.open(
        FilePath(beside), .writeOnly, options: [.create, .truncate, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
      try file.closeAfter { _ = try file.writeAll(text.utf8) }
    } catch {
      throw Failure("\(path) cannot be written.", help: "Run `sudo dfu doctor --fix`.")
    }
    guard rename(beside, path) == 0 else {
      unlink(beside)
      throw Failure("\(path) cannot be written.", help: "Run `sudo dfu doctor --fix`.")
    }
  }

  private func poke(_ text: String, into path: String) throws(Failure) {
    do {
      let file = try FileDescriptor.open(FilePath(path), .writeOnly, options: [.closeOnExec])
      try file.closeAfter { _ = try file.writeAll(text.utf8) }
    } catch {
      throw Failure(
        "“\(text)” cannot be written to \(path).",
        help: "Root may; the driver may have gone: ask `dfu doctor` again.")
    }
  }

  /// Runs a command of the system, found by PATH, with nothing on its input.
  ///
  /// - Parameter words: the command and its arguments.
  /// - Returns: whether it was found and ended with 0.
  public static func run(_ words: [String]) -> Bool {
    guard let first = words.first else { return false }
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    var process: pid_t = 0
    guard posix_spawnp(&process, first, nil, nil, arguments, environ) == 0 else { return false }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 {
      guard errno == EINTR else { return false }
    }
    return status == 0
  }
}
