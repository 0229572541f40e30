extension UdevRuleSet {
  /// Works through all rules for a device.
  ///
  /// Programs are not run and files not read: of a rule that depends on one it is said that nobody knows,
  /// and what it would set is not set.
  ///
  /// - Parameters:
  ///   - device: the device and what happens to it.
  ///   - environment: what is known of the machine.
  /// - Returns: what is set, each with its rule.
  public func evaluate(
    _ device: UdevDevice, in environment: UdevEnvironment = UdevEnvironment()
  ) -> UdevOutcome {
    var event = UdevEvent(device, environment)
    var index = 0
    while index < rules.count, !event.isExhausted {
      // Only forward: `resolve` finds no other label.
      index = event.apply(rules[index]) ? jumps[index] ?? index + 1 : index + 1
    }
    return event.outcome
  }
}

/// One event while the rules are worked through (systemd 252, `udev_rule_apply_token_to_event`).
struct UdevEvent {
  let device: UdevDevice
  let environment: UdevEnvironment
  var outcome = UdevOutcome()
  /// The ancestor that the parent keys of the current rule have matched.
  var parent: UdevDevice?
  /// The name that a rule has given a network interface.
  var name: String?
  /// Whether no program has left a result that nobody knows.
  var isResultKnown = true
  var symlinksAreFinal = false
  var runIsFinal = false
  var escape = Escape.unset
  /// Comparisons cost the product of both lengths; nothing real comes near the limit.
  private var cost = 0

  enum Escape { case unset, none, replace }

  private static let costLimit = 50_000_000
  /// More properties, links or commands are not kept.
  static let countLimit = 10_000

  init(_ device: UdevDevice, _ environment: UdevEnvironment) {
    self.device = device
    self.environment = environment
    for (key, value) in device.initialProperties {
      outcome.properties[key] = UdevOutcome.Setting(
        value: value, place: UdevOutcome.kernel, isFinal: false)
    }
    for tag in device.databaseTags.sorted() {
      outcome.tags.append(
        UdevOutcome.Setting(value: tag, place: UdevOutcome.database, isFinal: false))
    }
  }

  /// Whether hostile patterns have used up what a device may cost; the rest of the rules is then left.
  var isExhausted: Bool { cost > Self.costLimit }

  private enum Verdict {
    case yes, no
    case unknown(String)

    init(_ holds: Bool) { self = holds ? .yes : .no }
  }

  /// Works through one rule.
  ///
  /// - Returns: whether it held, and so its GOTO counts.
  mutating func apply(_ rule: UdevRule) -> Bool {
    guard concerns(rule) else { return false }
    parent = nil
    escape = .unset
    var unknown: String?
    var parentsAreDone = false
    for token in rule.tokens where token.kind.isMatch {
      let verdict: Verdict
      if token.kind.isForParents {
        if parentsAreDone { continue }
        parentsAreDone = true
        verdict = matchParents(rule.tokens.filter(\.kind.isForParents))
      } else {
        // What comes behind something unknown must not leave traces.
        verdict = match(token, rule, canImport: unknown == nil)
      }
      switch verdict {
      case .yes: continue
      case .no: return false
      case .unknown(let reason): unknown = unknown ?? reason
      }
    }
    let assignments = rule.tokens.filter { !$0.kind.isMatch }
    if let unknown {
      if outcome.uncertain.count < 1000, !assignments.isEmpty || rule.goto != nil {
        outcome.uncertain.append(
          UdevOutcome.Uncertain(
            place: rule.place, reason: unknown,
            assignments: assignments.map(\.text) + (rule.goto.map { ["GOTO=\"\($0)\""] } ?? [])))
      }
      return false
    }
    if rule.tokens.contains(where: \.kind.hasEffect) { outcome.applied.append(rule.place) }
    for token in assignments { assign(token, rule) }
    return true
  }

  /// Whether a rule can do anything here: one that only sets what a node has is passed over where there is
  /// none, and when the device goes; one that only names is for network interfaces.
  private func concerns(_ rule: UdevRule) -> Bool {
    if rule.goto != nil { return true }
    let hasNode = device.number != nil && device.action != "remove"
    return rule.tokens.contains { token in
      switch token.kind {
      case .symlink, .owner, .group, .mode: hasNode
      case .name, .optionStaticNode: false
      default: token.kind.hasEffect
      }
    }
  }

  // MARK: Comparing

  /// No file of sysfs is longer than a page.
  static func page(_ text: String) -> String {
    text.utf8.count > 4096 ? String(decoding: text.utf8.prefix(4096), as: UTF8.self) : text
  }

  private mutating func matches(_ token: UdevToken, _ text: String) -> Bool {
    guard let matcher = token.matcher else { return false }
    let text = Self.page(text)
    cost += matcher.cost * (text.utf8.count + 1)
    return matcher.matches(text) == (token.operation == .match)
  }

  /// A file of sysfs: one that does not exist matches nothing, whatever the operator.
  private mutating func matches(_ token: UdevToken, attributeOf node: UdevDevice) -> Verdict {
    let (name, unknown) = formatted(token.attribute)
    if let unknown { return .unknown(unknown) }
    // `[subsystem/name]file` is a file of another device.
    if name.hasPrefix("[") { return .unknown("\(name) is a file of another device") }
    guard let value = node.attributes[name] else {
      return node.lacks(name)
        ? .no : .unknown("the attribute \(shown(name)) of \(node.name) is not known")
    }
    return Verdict(
      matches(
        token,
        token.matcher?.keepsTrailingBlanks == true ? value : UdevText.trimmedAtEnd(Self.page(value))
      ))
  }

  private mutating func matches(_ token: UdevToken, oneOf list: [String]) -> Bool {
    guard let matcher = token.matcher else { return false }
    for text in list {
      cost += matcher.cost * (text.utf8.count + 1)
      if matcher.matches(text) { return token.operation == .match }
    }
    return token.operation == .noMatch
  }

  private mutating func matches(_ token: UdevToken, subsystemOf node: UdevDevice) -> Bool {
    // These three words stand for each other.
    if ["subsystem", "bus", "class"].contains(token.value) {
      let isOne = ["subsystem", "bus", "class"].contains(node.subsystem ?? "")
      return isOne == (token.operation == .match)
    }
    return matches(token, node.subsystem ?? "")
  }

  /// All parent keys have to hold for one device: this one or one ancestor, the nearest first.
  private mutating func matchParents(_ tokens: [UdevToken]) -> Verdict {
    var unknown: String?
    candidates: for node in [device] + device.parents.prefix(UdevDevice.parentLimit) {
      var open: String?
      for token in tokens {
        let verdict: Verdict
        switch token.kind {
        case .matchKernels: verdict = Verdict(matches(token, node.name))
        case .matchSubsystems: verdict = Verdict(matches(token, subsystemOf: node))
        case .matchDrivers: verdict = Verdict(matches(token, node.driver ?? ""))
        case .matchAttributes: verdict = matches(token, attributeOf: node)
        default:
          let tags = node.name == device.name ? outcome.tags.map(\.value) : Array(node.databaseTags)
          verdict = Verdict(matches(token, oneOf: tags))
        }
        switch verdict {
        case .yes: continue
        case .no: continue candidates
        case .unknown(let reason): open = open ?? reason
        }
      }
      guard let open else {
        parent = node
        return unknown.map(Verdict.unknown) ?? .yes
      }
      unknown = unknown ?? open
    }
    return unknown.map(Verdict.unknown) ?? .no
  }

  private mutating func match(_ token: UdevToken, _ rule: UdevRule, canImport: Bool) -> Verdict {
    switch token.kind {
    case .matchAction: return Verdict(matches(token, device.action))
    case .matchDevpath: return Verdict(matches(token, device.devpath))
    case .matchKernel: return Verdict(matches(token, device.name))
    case .matchSymlink: return Verdict(matches(token, oneOf: outcome.symlinks.map(\.value)))
    case .matchName: return Verdict(matches(token, name ?? ""))
    case .matchEnvironment:
      return Verdict(matches(token, outcome.properties[token.attribute]?.value ?? ""))
    case .matchConstant:
      guard let value = environment.constants[token.attribute] else {
        return .unknown("CONST{\(token.attribute)} is not known")
      }
      return Verdict(matches(token, value))
    case .matchTag: return Verdict(matches(token, oneOf: outcome.tags.map(\.value)))
    case .matchSubsystem: return Verdict(matches(token, subsystemOf: device))
    case .matchDriver: return Verdict(matches(token, device.driver ?? ""))
    case .matchAttribute: return matches(token, attributeOf: device)
    case .test: return test(token)
    case .matchSysctl: return .unknown("SYSCTL{\(shown(token.attribute))} is not known")
    case .program:
      isResultKnown = false
      return .unknown("PROGRAM=\"\(shown(token.value))\" was not run")
    case .matchResult:
      return isResultKnown
        ? Verdict(matches(token, "")) : .unknown("the result of a program is not known")
    default: return importing(token, rule, canImport)
    }
  }

  private func test(_ token: UdevToken) -> Verdict {
    let (path, unknown) = formatted(token.value)
    if let unknown { return .unknown(unknown) }
    let isWanted = token.operation == .match
    guard !path.hasPrefix("/"), token.attribute.isEmpty else {
      return .unknown("TEST=\"\(shown(path))\" was not looked at")
    }
    if device.attributes[path] != nil { return Verdict(isWanted) }
    return device.hasAllAttributes
      ? Verdict(!isWanted) : .unknown("TEST=\"\(shown(path))\" was not looked at")
  }

  private mutating func importing(
    _ token: UdevToken, _ rule: UdevRule, _ canImport: Bool
  ) -> Verdict {
    let isWanted = token.operation == .match
    func set(_ properties: [String: String]) {
      guard canImport else { return }
      for (key, value) in properties { setProperty(key, value, rule.place) }
    }
    let (value, unknown) = formatted(token.value)
    if let unknown { return .unknown(unknown) }
    switch token.kind {
    case .importBuiltin:
      switch UdevBuiltins.run(value, device, [:], environment) {
      case .properties(let properties):
        set(properties)
        return Verdict(isWanted)
      case .failure: return Verdict(!isWanted)
      case .unknown(let reason): return .unknown(reason)
      }
    case .importDatabase:
      guard let stored = device.databaseProperties[value] else { return Verdict(!isWanted) }
      set([value: stored])
      return Verdict(isWanted)
    case .importParent:
      guard let parent = device.parents.first else { return Verdict(!isWanted) }
      let pattern = ShellPattern(value)
      set(parent.properties.filter { pattern.matches($0.key) })
      return Verdict(isWanted)
    case .importCommandLine:
      guard let line = environment.commandLine else {
        return .unknown("the kernel's command line is not known")
      }
      for word in line.split(separator: " ") {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts[0] == value else { continue }
        set([value: parts.count > 1 ? String(parts[1]) : "1"])
        return Verdict(isWanted)
      }
      return Verdict(!isWanted)
    default:
      let word = token.kind == .importFile ? "read" : "run"
      return .unknown("IMPORT{\(token.attribute)}=\"\(shown(token.value))\" was not \(word)")
    }
  }
}
