/// One `KEY{attribute}OPERATOR"value"` of a udev rule (udev(7)).
public struct UdevToken: Hashable, Sendable {
  /// The operators.
  public enum Operator: String, Hashable, Sendable, CaseIterable {
    /// Matches.
    case match = "=="
    /// Does not match.
    case noMatch = "!="
    /// Adds to a list.
    case add = "+="
    /// Takes out of a list.
    case remove = "-="
    /// Sets for good: later rules change it no more.
    case assignFinal = ":="
    /// Sets.
    case assign = "="

    /// Whether it compares.
    public var isMatch: Bool { self == .match || self == .noMatch }
  }

  /// What a token does. The order is that in which udev works through a line, whatever the order in the text
  /// (systemd 252, `src/udev/udev-rules.c`, `sort_tokens`).
  public enum Kind: Int, Hashable, Sendable, CaseIterable, Comparable {
    case matchAction, matchDevpath, matchKernel, matchSymlink, matchName, matchEnvironment,
      matchConstant
    case matchTag, matchSubsystem, matchDriver, matchAttribute, matchSysctl
    case matchKernels, matchSubsystems, matchDrivers, matchAttributes, matchTags
    case test, program, importFile, importProgram, importBuiltin, importDatabase, importCommandLine,
      importParent
    case matchResult
    case optionEscape, optionPersist, optionWatch, optionPriority, optionLogLevel
    case owner, group, mode, tag, optionStaticNode, securityLabel, environment, name, symlink,
      attribute, sysctl
    case runBuiltin, runProgram

    /// Whether the left one is worked through earlier.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// Whether it is asked of the device or one of its ancestors.
    var isForParents: Bool { (Self.matchKernels...Self.matchTags).contains(self) }
    /// Whether it only compares.
    var isMatch: Bool { self <= .matchResult }
    /// Whether a line with it does something.
    var hasEffect: Bool { self > .matchResult || (Self.program...Self.importParent).contains(self) }
  }

  /// What it does.
  public var kind: Kind
  /// What stands in braces; empty where nothing does.
  public var attribute: String
  /// How it compares or sets.
  public var operation: Operator
  /// The value, without its quotes.
  public var value: String

  /// What a value is compared with; nil where it is not compared.
  var matcher: ValueMatcher?
}

/// The value of a match key: alternatives, globs, or nothing.
struct ValueMatcher: Hashable, Sendable {
  private enum Alternative: Hashable, Sendable {
    case plain(String)
    case glob(ShellPattern)
  }

  private var alternatives: [Alternative] = []
  private var matchesEmpty = false
  /// Whether a value's blanks at the end count: those of the pattern do, if it ends in one.
  private(set) var keepsTrailingBlanks = false
  /// Whether it was `?*`, which udev turns into "not empty".
  private(set) var isAnything = false
  /// How much a comparison with one byte may cost at most.
  private(set) var cost = 1

  init(_ value: String) {
    guard value != "?*" else {
      isAnything = true
      return
    }
    matchesEmpty = value.isEmpty
    let bytes = Array(value.utf8)
    if let last = bytes.last, last == 0x20 || (0x09...0x0D).contains(last) {
      keepsTrailingBlanks = true
    }
    // One wildcard anywhere makes patterns of all alternatives, with their backslashes.
    let isGlob = bytes.contains {
      $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "[")
    }
    for part in bytes.split(separator: UInt8(ascii: "|"), omittingEmptySubsequences: false) {
      if part.isEmpty {
        matchesEmpty = true
      } else if isGlob {
        let pattern = ShellPattern(bytes: Array(part))
        cost += pattern.count
        alternatives.append(.glob(pattern))
      } else {
        cost += 1
        alternatives.append(.plain(part[...].text))
      }
    }
  }

  func matches(_ text: String) -> Bool {
    if isAnything { return !text.isEmpty }
    if matchesEmpty, text.isEmpty { return true }
    return alternatives.contains { alternative in
      switch alternative {
      case .plain(let own): own == text
      case .glob(let pattern): pattern.matches(text)
      }
    }
  }
}

/// One logical line of a rules file that udev accepts.
public struct UdevRule: Hashable, Sendable {
  /// The file's path.
  public var file: String
  /// The line where it begins, from 1.
  public var line: Int
  /// Its tokens in the order in which they are worked through.
  public var tokens: [UdevToken]
  /// The name that a GOTO may jump to.
  public var label: String?
  /// The label that the rule jumps to.
  public var goto: String?

  /// Where it stands: `/etc/udev/rules.d/70-board.rules:3`.
  public var place: String { "\(file):\(line)" }
  /// The file's name without its folder.
  public var fileName: String { String(file.split(separator: "/").last ?? "") }
}
