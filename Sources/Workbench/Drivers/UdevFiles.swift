public import DriverMatching
public import Reports
public import SystemPackage
public import USB

/// The rules of udev, of this machine or of files that somebody names.
public struct UdevFiles: Sendable {
  /// The rules.
  public var rules: UdevRuleSet
  /// What the rules ask of the machine.
  public var environment: UdevEnvironment
  /// Whether they are systemd's usual ones in our words, for none are at hand.
  public var areStandIns = false
  /// Whether udev has no compiled hardware database here, whatever its texts say.
  public var lacksDatabase = false

  /// Where udev looks for what `systemd-hwdb update` makes of the texts (hwdb(7); systemd 252, hwdb-util).
  static let compiledDatabases = [
    "/etc/systemd/hwdb/hwdb.bin", "/etc/udev/hwdb.bin", "/usr/lib/systemd/hwdb/hwdb.bin",
    "/lib/systemd/hwdb/hwdb.bin", "/usr/lib/udev/hwdb.bin", "/lib/udev/hwdb.bin",
  ]

  /// The rules of this machine; systemd's usual ones where there are none.
  ///
  /// - Parameters:
  ///   - machine: whose groups exist.
  ///   - device: the one product that they are going to be asked about; nil for any.
  /// - Returns: the rules.
  public static func installed(
    on machine: Machine, for device: (vendor: VendorID, product: ProductID)? = nil
  ) -> UdevFiles {
    let files = SettingsFolder.files(in: UdevRuleSet.directories, suffix: ".rules")
    // Packages leave rules where udev itself is not, as in containers.
    guard files.contains(where: { $0.name == "50-udev-default.rules" }) else {
      return UdevFiles(
        rules: UdevRuleSet(files + UdevRuleSet.standIns), environment: UdevEnvironment(),
        areStandIns: true)
    }
    // udev asks the compiled database alone; its texts are the same, and can be read without knowing its form.
    let isCompiled = compiledDatabases.contains { SettingsFolder.isFile($0) }
    let database =
      isCompiled
      ? SettingsFolder.files(in: UdevHardwareDatabase.directories, suffix: ".hwdb") : []
    return UdevFiles(
      rules: UdevRuleSet(files, groups: machine.groups),
      environment: UdevEnvironment(
        groups: machine.groups,
        hardwareDatabase: isCompiled && database.isEmpty
          ? nil : UdevHardwareDatabase(database, only: device)),
      lacksDatabase: !isCompiled)
  }

  /// The rules of files and folders, with systemd's usual ones among them where they bring none of their own.
  ///
  /// - Parameter paths: files that end in `.rules`, or folders with some.
  /// - Returns: the rules.
  /// - Throws: ``FileError`` where a path is neither.
  public static func named(_ paths: [FilePath]) throws -> UdevFiles {
    var files: [ConfigurationFile] = []
    for path in paths {
      guard !SettingsFolder.isFolder(path.string) else {
        files += SettingsFolder.files(in: [path.string], suffix: ".rules")
        continue
      }
      guard path.string.hasSuffix(".rules") else {
        throw FileError(
          .notReadable, "\(path) does not end in .rules, and udev would pass it over.",
          help: "Give a file or a folder as they are in /etc/udev/rules.d.")
      }
      let bytes = try InputFile.read(path, limit: ConfigurationFile.sizeLimit)
      files.append(
        ConfigurationFile(
          directory: path.removingLastComponent().string,
          name: path.lastComponent?.string ?? path.string, bytes: bytes))
    }
    let names = Set(files.map(\.name))
    files += UdevRuleSet.standIns.filter { !names.contains($0.name) }
    return UdevFiles(rules: UdevRuleSet(files), environment: UdevEnvironment())
  }

  /// Who may open the node of a device.
  ///
  /// - Parameters:
  ///   - subject: the device.
  ///   - users: who wants to.
  ///   - sysfs: where the system shows it, and what it is plugged into; nil for a device of which only its
  ///     descriptors are known.
  /// - Returns: what the rules set, and what each user may do.
  public func access(
    of subject: DriverSubject, users: [UdevAccess.User], sysfs: UdevSysfs? = nil
  ) -> NodeAccess {
    var device = UdevDevice.usb(
      device: subject.device, configurations: subject.configurations,
      strings: UdevDevice.Strings(
        manufacturer: subject.manufacturer, product: subject.product,
        serialNumber: subject.serialNumber),
      path: subject.path ?? PortPath(bus: 1, ports: [1]), address: subject.address ?? 2,
      speed: subject.speed ?? .full, activeConfiguration: subject.activeConfiguration)
    sysfs?.complete(&device)
    var access = NodeAccess(of: device, under: rules, in: environment, users: users)
    if areStandIns { access.knowledge = "no rules are at hand: systemd's usual ones" }
    if lacksDatabase { access.knowledge += ", no hwdb.bin" }
    return access
  }

  /// The two kinds of users that rules tell apart.
  public static let usualUsers = [
    UdevAccess.User(name: "who sits at the machine", id: 1000, groups: ["users"], isAtSeat: true),
    UdevAccess.User(
      name: "a user over ssh, or a service", id: 1001, groups: ["users"], isAtSeat: false),
  ]
}
