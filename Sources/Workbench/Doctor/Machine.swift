public import DriverMatching
internal import FoundationEssentials
internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// What kind of place this is, and who wants to use a device there.
public struct Machine: Hashable, Sendable {
  /// Where the program runs.
  public enum Place: String, Codable, Hashable, Sendable, CaseIterable {
    /// Linux on a machine of its own.
    case linux
    /// Linux inside of Windows: devices come by `usbipd attach`.
    case wsl
    /// A container: devices come from outside, when it is started.
    case container
    /// Any other system.
    case other
  }

  /// Where the program runs.
  public var place: Place
  /// Who wants to use the device: the user behind `sudo` where that was used.
  public var user: UdevAccess.User
  /// The name of the user's first group; nil where it has none.
  public var firstGroup: String?
  /// The groups that exist.
  public var groups: Set<String>
  /// Whether udev runs, so that rules count.
  public var hasUdev: Bool
  /// Whether the process itself may write everywhere.
  public var isRoot: Bool
  /// The numbers of the user's groups.
  public var groupNumbers: [UInt32] = []

  /// A machine; see the properties.
  public init(
    place: Place, user: UdevAccess.User, firstGroup: String? = nil, groups: Set<String> = [],
    hasUdev: Bool = true, isRoot: Bool = false
  ) {
    self.place = place
    self.user = user
    self.firstGroup = firstGroup
    self.groups = groups
    self.hasUdev = hasUdev
    self.isRoot = isRoot
  }

  /// This machine, as far as its files tell.
  ///
  /// - Parameter environment: the value of a variable.
  /// - Returns: the machine.
  public static func current(environment: (String) -> String?) -> Machine {
    let isRoot = geteuid() == 0
    let behind = isRoot ? environment("SUDO_UID").flatMap { UInt32($0) } : nil
    let id = behind ?? getuid()
    let groups = groupTable()
    let account = account(id)
    let firstGroup = account.flatMap { account in groups.first { $0.id == account.group }?.name }
    let name = account?.name ?? "user \(id)"
    var own = Set(groups.filter { $0.members.contains(name) }.map(\.name))
    if let firstGroup { own.insert(firstGroup) }
    // logind knows, also behind sudo; where it is not, the environment of the session tells.
    let session = text("/run/systemd/users/\(id)").split(separator: "\n")
    let isAtSeat =
      session.isEmpty
      ? environment("XDG_SEAT")?.isEmpty == false && environment("SSH_CONNECTION") == nil
      : session.contains { $0.hasPrefix("ACTIVE_SEATS=") && $0 != "ACTIVE_SEATS=" }
    var machine = Machine(
      place: place(environment),
      user: UdevAccess.User(name: name, id: id, groups: own, isAtSeat: isAtSeat),
      firstGroup: firstGroup, groups: Set(groups.map(\.name)),
      hasUdev: FileManager.default.fileExists(atPath: "/run/udev/control"), isRoot: isRoot)
    machine.groupNumbers = groups.filter { own.contains($0.name) }.map(\.id)
    return machine
  }

  /// Whether the user could open a node for writing; asked as root, by trying it with the user's rights.
  ///
  /// The rights of the whole process change for that moment: nothing else may go on meanwhile.
  ///
  /// - Parameter node: the node, `/dev/bus/usb/001/004`.
  /// - Returns: whether it could be opened; false also where the process is not root.
  public func userMayOpen(_ node: String) -> Bool {
    #if os(Linux)
      guard isRoot else { return false }
      let first = groupNumbers.first ?? user.id
      guard setgroups(groupNumbers.count, groupNumbers) == 0, setegid(first) == 0,
        seteuid(user.id) == 0
      else { return false }
      let file = open(node, O_RDWR | O_CLOEXEC)
      if file >= 0 { close(file) }
      // Back, in the order in which it is allowed.
      let isBack = seteuid(0) == 0 && setegid(0) == 0 && setgroups(0, nil) == 0
      return file >= 0 && isBack
    #else
      return false
    #endif
  }

  private static func text(_ path: String) -> String {
    let bytes = (try? InputFile.read(FilePath(path), limit: 1 << 20)) ?? []
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func place(_ environment: (String) -> String?) -> Place {
    #if os(Linux)
      let files = FileManager.default
      let isInside =
        files.fileExists(atPath: "/.dockerenv") || files.fileExists(atPath: "/run/.containerenv")
        || environment("container")?.isEmpty == false
        || ["docker", "kubepods", "lxc", "containerd"].contains(
          where: text("/proc/1/cgroup").contains)
      if isInside { return .container }
      return text("/proc/version").lowercased().contains("microsoft") ? .wsl : .linux
    #else
      return .other
    #endif
  }

  private static func account(_ id: UInt32) -> (name: String, group: UInt32)? {
    // name:password:id:group:…
    for line in text("/etc/passwd").split(separator: "\n") {
      let parts = line.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count >= 4, UInt32(parts[2]) == id, let group = UInt32(parts[3]) else { continue }
      return (String(parts[0]), group)
    }
    return nil
  }

  private static func groupTable() -> [(name: String, id: UInt32, members: [String])] {
    // name:password:id:member,member
    text("/etc/group").split(separator: "\n").compactMap { line in
      let parts = line.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count >= 4, let id = UInt32(parts[2]) else { return nil }
      return (String(parts[0]), id, parts[3].split(separator: ",").map(String.init))
    }
  }
}
