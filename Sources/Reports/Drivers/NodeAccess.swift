public import DriverMatching

/// Who may open the node of a device on Linux, and which rule says so.
public struct NodeAccess: Encodable, Hashable, Sendable {
  /// A value and the rule that has set it.
  public struct Setting: Encodable, Hashable, Sendable {
    /// `mode`, `owner`, `group`, `link`, `tag`.
    public var name: String
    /// What was set.
    public var value: String
    /// The rule, as file and line; `devtmpfs` for what was there before.
    public var place: String
  }

  /// What was read: `38 files of rules`.
  public var knowledge: String
  /// As `ls -l` shows it: `crw-rw-r--+ root plugdev`.
  public var listing: String
  /// Mode, owner, group, links and tags.
  public var settings: [Setting]
  /// What the rules set in each event that a device causes when it is plugged in, the last one last.
  public struct Event: Encodable, Hashable, Sendable {
    /// `add`, `bind`.
    public var action: String
    /// Mode, owner, group, links and tags, where a rule sets them.
    public var settings: [Setting]
  }
  /// The events, in their order.
  public var events: [Event]
  /// What somebody may do, each with the rule.
  public var verdicts: [DriverDecision.Step]
  /// Rules of which nobody can tell whether they hold, each with the reason.
  public var uncertain: [String]
  /// What rules that name the device, or held for it, do otherwise than their author will have meant; each with its
  /// place, and what to write instead.
  public var advice: [String]
  /// Lines that udev passes over, and what else is wrong with rules that are not the system's, each with its place.
  public var findings: [String]
  /// What else there is to say of rules, which changes nothing for this device.
  public var otherFindings: [String]

  /// Works through the rules for a device.
  ///
  /// - Parameters:
  ///   - device: the device, and what happens to it.
  ///   - rules: the rules.
  ///   - environment: what is known of the machine.
  ///   - users: who wants to open it.
  public init(
    of device: UdevDevice, under rules: UdevRuleSet,
    in environment: UdevEnvironment = UdevEnvironment(), users: [UdevAccess.User]
  ) {
    let plugging = UdevPlugging(of: device, under: rules, in: environment)
    let access = plugging.access
    knowledge = "\(rules.files.count) \(rules.files.count == 1 ? "file" : "files") of rules"
    listing = access.listing
    settings = [
      Setting(
        name: "mode", value: "0" + String(access.mode.value, radix: 8), place: access.mode.place),
      Setting(name: "owner", value: access.owner.value, place: access.owner.place),
      Setting(name: "group", value: access.group.value, place: access.group.place),
    ]
    settings += Self.lists(plugging.symlinks, plugging.tags)
    events = plugging.events.map { event in
      let outcome = event.outcome
      var settings: [Setting] = []
      if let mode = outcome.mode {
        settings.append(
          Setting(name: "mode", value: "0" + String(mode.value, radix: 8), place: mode.place))
      }
      for (name, value) in [("owner", outcome.owner), ("group", outcome.group)] {
        if let value {
          settings.append(Setting(name: name, value: value.value, place: value.place))
        }
      }
      return Event(
        action: event.action, settings: settings + Self.lists(outcome.symlinks, outcome.tags))
    }
    verdicts = users.map { access.verdict(for: $0).step }
    // A group's members are those for whom most rules are written.
    let group = access.group.value
    if group != "root", group != "0", !users.contains(where: { $0.groups.contains(group) }) {
      let member = UdevAccess.User(
        name: "a member of \(group)", id: UInt32.max, groups: [group], isAtSeat: false)
      verdicts.append(access.verdict(for: member).step)
    }
    uncertain = plugging.uncertain.prefix(32).map { "\($0.place): \($0.reason)" }
    let applied = plugging.applied
    let named = Set(rules.rules.filter { $0.names(device) }.map { "\($0.file):\($0.line)" })
    func isOwn(_ finding: SettingsFinding) -> Bool {
      applied.contains(finding.place) || named.contains(finding.place)
    }
    func text(_ finding: SettingsFinding) -> String {
      finding.sentence + (finding.help.map { " \($0)" } ?? "")
    }
    let own = plugging.findings + (rules.findings + rules.advice).filter(isOwn)
    advice = own.prefix(32).map(text)
    let rest = rules.findings.filter { !isOwn($0) }
    // Of what a system brings only lines that are lost are worth a word.
    func isIgnored(_ finding: SettingsFinding) -> Bool {
      let isOfTheSystem = ["/usr/lib/", "/lib/"].contains { finding.file.hasPrefix($0) }
      return finding.consequence == .lineIgnored || finding.consequence == .fileIgnored
        || !isOfTheSystem
    }
    findings = rest.filter(isIgnored).prefix(32).map(text)
    otherFindings = rest.filter { !isIgnored($0) }.prefix(32).map(text)
  }

  private static func lists(
    _ links: [UdevOutcome.Setting<String>], _ tags: [UdevOutcome.Setting<String>]
  ) -> [Setting] {
    links.map { Setting(name: "link", value: "/dev/\($0.value)", place: $0.place) }
      + tags.map { Setting(name: "tag", value: $0.value, place: $0.place) }
  }
}
