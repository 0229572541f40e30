/// Who may open the node of a device, after udev has worked through its rules.
public struct UdevAccess: Codable, Hashable, Sendable {
  /// Somebody who wants to open it.
  public struct User: Hashable, Sendable {
    /// The name.
    public var name: String
    /// The number; 0 is root.
    public var id: UInt32
    /// The groups, the first one included.
    public var groups: Set<String>
    /// Whether the session is the active one of a local seat: at the machine itself, not by ssh, in a
    /// service or in a container.
    public var isAtSeat: Bool

    /// Somebody; see the properties.
    public init(name: String, id: UInt32, groups: Set<String>, isAtSeat: Bool) {
      self.name = name
      self.id = id
      self.groups = groups
      self.isAtSeat = isAtSeat
    }
  }

  /// What somebody may do with the node.
  public struct Verdict: Codable, Hashable, Sendable {
    /// Whether it can be opened for reading: its descriptors.
    public var canRead: Bool
    /// Whether it can be opened for writing, which transfers need.
    public var canWrite: Bool
    /// Why, with the rule.
    public var step: DriverDecision.Step
  }

  /// The mode, with the rule or what it was before.
  public var mode: UdevOutcome.Setting<UInt16>
  /// The owner.
  public var owner: UdevOutcome.Setting<String>
  /// The group.
  public var group: UdevOutcome.Setting<String>
  /// The rule by which the user at the machine gets an entry of the node's own; nil where none does.
  public var userAccess: String?
  /// The rule that has set the tag `uaccess` too late to count in this event; nil where that is not so.
  public var lateTag: String?
  /// Whether any rule looks for that tag.
  public var isTagRead = true

  /// Before udev changes it.
  public static let untouched = "devtmpfs"

  /// The access that follows from what the rules have set.
  public init(_ outcome: UdevOutcome, _ device: UdevDevice) {
    owner =
      outcome.owner
      ?? UdevOutcome.Setting(value: device.nodeOwner, place: Self.untouched, isFinal: false)
    group =
      outcome.group
      ?? UdevOutcome.Setting(value: device.nodeGroup, place: Self.untouched, isFinal: false)
    mode =
      outcome.mode
      ?? UdevOutcome.Setting(value: device.nodeMode, place: Self.untouched, isFinal: false)
    if outcome.mode == nil, let group = outcome.group, group.value != "root", group.value != "0" {
      // A group without a mode would be of no use: udev then makes it 0660.
      mode = UdevOutcome.Setting(value: 0o660, place: group.place, isFinal: false)
    }
    if let run = outcome.run.first(where: {
      $0.value.isBuiltin && $0.value.text.hasPrefix("uaccess")
    }) {
      userAccess = run.place
    } else if let tag = outcome.userAccessTag {
      lateTag = tag.place
    }
  }

  /// Mode, owner and group as `ls -l` shows them: `crw-rw-r--+ root plugdev`.
  public var listing: String {
    let letters = Array("rwxrwxrwx")
    let bits = letters.enumerated().map { index, letter in
      mode.value >> UInt16(8 - index) & 1 == 1 ? String(letter) : "-"
    }
    return "c\(bits.joined())\(userAccess == nil ? "" : "+") \(owner.value) \(group.value)"
  }

  /// What `user` may do.
  public func verdict(for user: User) -> Verdict {
    func verdict(_ bits: UInt16, _ rule: String, _ who: String, _ place: String) -> Verdict {
      let (canRead, canWrite) = (bits & 4 != 0, bits & 2 != 0)
      let what =
        canRead && canWrite
        ? "may open it"
        : canRead ? "may only read it" : canWrite ? "may only write it" : "may not open it"
      return Verdict(
        canRead: canRead, canWrite: canWrite,
        step: DriverDecision.Step(
          rule, "\(user.name) \(what): \(who) (\(place)).",
          // What stands in for a file is known from its like.
          place.hasPrefix(UdevRuleSet.standInFolder)
            ? Evidence("systemd 252, rules.d", .read) : Evidence(place, .read)))
    }
    if user.id == 0 { return verdict(6, "root", "root opens every node", "the kernel") }
    let text = "0" + String(mode.value & 0o777, radix: 8)
    if user.name == owner.value || String(user.id) == owner.value {
      return verdict(
        mode.value >> 6 & 7, "owner", "the node is its own, with mode \(text)", mode.place)
    }
    // An entry for the user counts before the group does.
    if let userAccess, user.isAtSeat {
      return verdict(6, "uaccess", "uaccess gives the node to the user at the machine", userAccess)
    }
    if user.groups.contains(group.value) {
      return verdict(
        mode.value >> 3 & 7, "group", "it is of group \(group.value), and the mode is \(text)",
        mode.place)
    }
    var who = "the mode is \(text) for all others"
    if userAccess != nil {
      who +=
        "; uaccess gives the node only to who sits at the machine, not over ssh or in a service"
    } else if let lateTag, !isTagRead {
      who +=
        "; \(lateTag) sets the tag uaccess, and no rule looks for it: systemd's 73-seat-late.rules is not here"
    } else if let lateTag {
      who +=
        "; the tag uaccess was set by \(lateTag), after 73-seat-late.rules had looked for it, and counts"
        + " only in the next event"
    }
    return verdict(mode.value & 7, "others", who, mode.place)
  }
}

/// A rules file that gives a device to the users of this machine.
public struct UdevRuleFile: Hashable, Sendable {
  /// Its name; it goes to `/etc/udev/rules.d`.
  public var name: String
  /// Its text.
  public var text: String

  /// As a file in the folder for the machine's own rules.
  public var file: ConfigurationFile {
    ConfigurationFile(directory: "/etc/udev/rules.d", name: name, text: text)
  }
}
