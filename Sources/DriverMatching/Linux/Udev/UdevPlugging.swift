/// What udev makes of a USB device that is plugged in: of all the events that come then.
///
/// The kernel sends `add`, and once the driver `usb` is bound `bind` (Linux 4.14,
/// Documentation/ABI/testing/sysfs-uevent). udev works through all rules for both; what the second one sets
/// stays. systemd's own rules set the mode of USB devices on `add` alone, so that a rule for every action
/// has the last word, wherever its file sorts (tried with Linux 6.1 and udev 252).
public struct UdevPlugging: Sendable {
  /// One event and what the rules make of it.
  public struct Event: Sendable {
    /// `add`, `bind`.
    public var action: String
    /// What the rules set in it.
    public var outcome: UdevOutcome
  }

  /// The events, in their order.
  public private(set) var events: [Event] = []
  /// Who may open the node after the last one.
  public private(set) var access: UdevAccess

  /// Works through the rules for a device.
  ///
  /// - Parameters:
  ///   - device: the device as it is added; where something else happens to it, that alone is looked at.
  ///   - rules: the rules.
  ///   - environment: what is known of the machine.
  public init(
    of device: UdevDevice, under rules: UdevRuleSet,
    in environment: UdevEnvironment = UdevEnvironment()
  ) {
    let first = rules.evaluate(device, in: environment)
    events = [Event(action: device.action, outcome: first)]
    access = UdevAccess(first, device)
    if device.action == "add", device.driver != nil {
      var bound = device
      bound.action = "bind"
      // TAG== does not see what an event just before has set, although the tags stay (tried with udev 252).
      bound.databaseProperties = first.properties.mapValues(\.value)
      let second = rules.evaluate(bound, in: environment)
      events.append(Event(action: bound.action, outcome: second))
      access.follow(second)
    }
    if access.userAccess == nil, let tag = tags.first(where: { $0.value == "uaccess" }) {
      access.lateTag = tag.place
      access.isTagRead = rules.rules.contains { rule in
        rule.tokens.contains { $0.kind == .runBuiltin && $0.value.hasPrefix("uaccess") }
      }
    }
  }

  /// The links that are there in the end: those of the last event.
  public var symlinks: [UdevOutcome.Setting<String>] { events.last?.outcome.symlinks ?? [] }

  /// All tags; they stay from one event to the next.
  public var tags: [UdevOutcome.Setting<String>] {
    var seen: Set<String> = []
    return events.flatMap(\.outcome.tags).filter { seen.insert($0.value).inserted }
  }

  /// The rules that held in any event.
  public var applied: Set<String> { Set(events.flatMap(\.outcome.applied)) }

  /// The rules of which nobody can tell whether they hold, each once.
  public var uncertain: [UdevOutcome.Uncertain] {
    var seen: Set<String> = []
    return events.flatMap(\.outcome.uncertain).filter { seen.insert($0.place).inserted }
  }

  /// What went wrong while rules were worked through, each once.
  public var findings: [SettingsFinding] {
    var seen: Set<SettingsFinding> = []
    return events.flatMap(\.outcome.findings).filter { seen.insert($0).inserted }
  }
}

extension UdevAccess {
  /// What a further event of the same device changes.
  mutating func follow(_ outcome: UdevOutcome) {
    owner = outcome.owner ?? owner
    group = outcome.group ?? group
    if let mode = outcome.mode {
      self.mode = mode
    } else if let group = outcome.group, group.value != "root", group.value != "0" {
      mode = UdevOutcome.Setting(value: 0o660, place: group.place, isFinal: false)
    }
    if userAccess == nil {
      userAccess =
        outcome.run.first {
          $0.value.isBuiltin && $0.value.text.hasPrefix("uaccess")
        }?.place
    }
    if userAccess != nil { lateTag = nil }
  }
}
