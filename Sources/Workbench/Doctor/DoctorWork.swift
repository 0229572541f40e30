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
  /// Where nodes of devices are: `/dev/bus/usb`.
  public var nodes: String
  /// Where it is kept which drivers have let interfaces go; gone after a restart, as that is.
  public var notes: String

  /// The folders of this machine, or of a test.
  public init(
    rules: String = "/etc/udev/rules.d", sysfs: String = "/sys", nodes: String = "/dev/bus/usb",
    notes: String = "/run/dfu-doctor"
  ) {
    self.rules = rules
    self.sysfs = sysfs
    self.nodes = nodes
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
      if exists(path), !isOurs(file.name) {
        throw Failure(
          "\(path) is there and was not written by dfu.", help: "Look at it, and move it away.")
      }
      try write(file.text, to: path)
      guard reload(device, action: "change", run) else {
        throw Failure(
          "\(path) is written, and udev could not be told.",
          help: "Plug the device in again, and run `dfu doctor`.")
      }
    case .unbind(let interface, let driver):
      try makeFolder(notes)
      // Noted first: what is known can be taken back, also where this process ends here.
      try write("\(driver) \(ids(of: interface) ?? "")", to: "\(notes)/\(interface)")
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
    var failed: [String] = []
    for name in SettingsFolder.names(in: rules) where isOurs(name) {
      let path = "\(rules)/\(name)"
      if unlink(path) == 0 {
        resetNodes(of: name)
        done.append("\(path) is removed.")
      } else {
        failed.append("\(path) cannot be removed.")
      }
    }
    // The other rules then set what they set when a device is added.
    if !done.isEmpty, !reload(nil, action: "add", run) {
      failed.append("udev could not be told: plug the device in again.")
    }
    for interface in SettingsFolder.names(in: notes) where !interface.hasSuffix(".new") {
      takeBack(interface, &done, &failed)
    }
    guard failed.isEmpty else {
      throw Failure((done + failed).joined(separator: " "), help: "Look at what is named.")
    }
    return done
  }

  /// What a rule has set stays on a node that is there: udev never takes it back. They become again what the kernel makes.
  ///
  /// - Parameter rule: the name of the file, `70-dfu-0483-df11.rules`.
  private func resetNodes(of rule: String) {
    let wanted = rule.dropFirst("70-dfu-".count).dropLast(".rules".count).split(separator: "-")
    guard wanted.count == 2 else { return }
    for device in SettingsFolder.names(in: "\(sysfs)/bus/usb/devices") {
      func value(_ name: String) -> String? {
        text("\(sysfs)/bus/usb/devices/\(device)/\(name)").map { $0.filter { !$0.isWhitespace } }
      }
      guard value("idVendor") == String(wanted[0]), value("idProduct") == String(wanted[1]),
        let bus = value("busnum").flatMap({ Int($0) }),
        let address = value("devnum").flatMap({ Int($0) })
      else { continue }
      func three(_ number: Int) -> String { String("00\(number)".suffix(3)) }
      let node = "\(nodes)/\(three(bus))/\(three(address))"
      chown(node, 0, 0)
      chmod(node, 0o600)
    }
  }

  /// Gives an interface back to the driver that is noted for it.
  private func takeBack(_ interface: String, _ done: inout [String], _ failed: inout [String]) {
    let path = "\(notes)/\(interface)"
    let words = (text(path) ?? "").split(separator: " ")
    unlink(path)
    guard let driver = words.first, !driver.contains("/") else { return }
    // Another device may be there now, or the driver may have it already.
    let folder = "\(sysfs)/bus/usb/devices/\(interface)"
    guard exists(folder), !exists("\(folder)/driver"),
      words.count < 2 || ids(of: interface).map({ $0 == words[1] }) ?? false
    else { return }
    do throws(Failure) {
      try poke(interface, into: "\(sysfs)/bus/usb/drivers/\(driver)/bind")
      done.append("\(driver) has \(interface) again.")
    } catch {
      failed.append("\(driver) does not take \(interface): plug the device in again.")
    }
  }

  /// Whether a file is one that was written here and by nobody else since: its name, and all that is in it.
  private func isOurs(_ name: String) -> Bool {
    guard name.hasPrefix("70-dfu-"), name.hasSuffix(".rules"),
      let text = text("\(rules)/\(name)")
    else { return false }
    let lines = text.split(separator: "\n")
    return lines.count == 3 && lines[0].hasPrefix("# ") && lines[0].hasSuffix(Self.signature)
      && lines[1].hasPrefix("# ") && lines[2].hasPrefix("SUBSYSTEM==\"usb\", ")
  }

  private func text(_ path: String) -> String? {
    guard SettingsFolder.isFile(path) else { return nil }
    return (try? InputFile.read(FilePath(path), limit: 1 << 16)).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  /// Whether anything is there, a link that leads nowhere included.
  private func exists(_ path: String) -> Bool {
    (try? Stat(FilePath(path), followTargetSymlink: false)) != nil
  }

  /// Vendor, product and address of the device that has an interface.
  private func ids(of interface: String) -> String? {
    let device = interface.prefix { $0 != ":" }
    let values = ["idVendor", "idProduct", "devnum"].compactMap { name in
      text("\(sysfs)/bus/usb/devices/\(device)/\(name)").map { $0.filter { !$0.isWhitespace } }
    }
    return values.count == 3 ? values.joined(separator: ":") : nil
  }

  /// Whether udev has read its rules and looked at the device again.
  private func reload(_ device: String?, action: String, _ run: ([String]) -> Bool) -> Bool {
    guard run(["udevadm", "control", "--reload"]) else { return false }
    var trigger = ["udevadm", "trigger", "--action=\(action)", "--subsystem-match=usb"]
    if let device { trigger.append("--sysname-match=\(device)") }
    guard run(trigger) else { return false }
    return run(["udevadm", "settle", "--timeout=10"])
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
      // A leftover of ours, or what somebody has put there: neither is written through.
      unlink(beside)
      let file = try FileDescriptor.open(
        FilePath(beside), .writeOnly,
        options: [.create, .exclusiveCreate, .noFollow, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
      try file.closeAfter {
        _ = try file.writeAll(text.utf8)
        fchmod(file.rawValue, 0o644)
      }
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
