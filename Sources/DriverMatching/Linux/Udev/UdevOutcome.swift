/// What udev makes of a device: each result with the rule that it comes from.
public struct UdevOutcome: Codable, Hashable, Sendable {
  /// A value and the rule that set it.
  public struct Setting<Value: Codable & Hashable & Sendable>: Codable, Hashable, Sendable {
    /// The value.
    public var value: Value
    /// The rule, as file and line: `/etc/udev/rules.d/70-board.rules:1`.
    public var place: String
    /// Whether later rules can change it no more (`:=`).
    public var isFinal: Bool
  }

  /// A program or a builtin that runs once the node is there.
  public struct Command: Codable, Hashable, Sendable {
    /// The command with its words.
    public var text: String
    /// Whether it is part of udev.
    public var isBuiltin: Bool
  }

  /// A rule of which it is not known whether it holds.
  public struct Uncertain: Codable, Hashable, Sendable {
    /// The rule.
    public var place: String
    /// Why that is not known.
    public var reason: String
    /// What it would set.
    public var assignments: [String]
  }

  /// The mode of the node; nil where no rule sets it.
  public var mode: Setting<UInt16>?
  /// The owner; nil where no rule sets it.
  public var owner: Setting<String>?
  /// The group; nil where no rule sets it.
  public var group: Setting<String>?
  /// Links below `/dev`, without that.
  public var symlinks: [Setting<String>] = []
  /// All tags, which TAG== compares: those of earlier events, whose place is `the database`, and those that
  /// a later rule has taken away with -= (udev's `TAGS`).
  public var tags: [Setting<String>] = []
  /// The tags that this event leaves (udev's `CURRENT_TAGS`).
  public var currentTags: Set<String> = []
  /// Properties; the place of those of the kernel's event is `the kernel`.
  public var properties: [String: Setting<String>] = [:]
  /// What runs at the end, in this order.
  public var run: [Setting<Command>] = []
  /// Files of sysfs that are written, as `power/control = on`.
  public var writes: [Setting<String>] = []
  /// OPTIONS and SECLABEL.
  public var options: [Setting<String>] = []
  /// The rules that held and did something, in their order.
  public var applied: [String] = []
  /// The rules of which nobody can tell without running a program or reading a file.
  public var uncertain: [Uncertain] = []
  /// What went wrong while rules were worked through.
  public var findings: [SettingsFinding] = []

  /// The place of what the kernel says.
  public static let kernel = "the kernel"
  /// The place of what an earlier event has left.
  public static let database = "the database"

  /// Whether logind is asked to let the user at the machine open the node.
  public var grantsUserAccess: Bool {
    run.contains { $0.value.isBuiltin && $0.value.text.hasPrefix("uaccess") }
  }
  /// The tag `uaccess`, where it is set.
  public var userAccessTag: Setting<String>? { tags.first { $0.value == "uaccess" } }
}
