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
  private var symlinksAreFinal = false
  private var runIsFinal = false
  private var escape = Escape.unset
  /// Comparisons cost the product of both lengths; nothing real comes near the limit.
  private var cost = 0

  private enum Escape { case unset, none, replace }

  private static let costLimit = 50_000_000
  /// More properties, links or commands are not kept.
  private static let countLimit = 10_000

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
      return node.hasAllAttributes
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

// MARK: Setting

extension UdevEvent {
  private mutating func setProperty(_ key: String, _ value: String?, _ place: String) {
    guard let value else {
      outcome.properties[key] = nil
      return
    }
    guard outcome.properties.count < Self.countLimit || outcome.properties[key] != nil else {
      return
    }
    outcome.properties[key] = UdevOutcome.Setting(value: value, place: place, isFinal: false)
  }

  private mutating func note(_ slug: String, _ rule: UdevRule, _ what: String) {
    guard outcome.findings.count < 1000 else { return }
    outcome.findings.append(
      SettingsFinding(
        slug, file: rule.file, line: rule.line, .partIgnored, what,
        Evidence("systemd 252, src/udev/udev-rules.c", .read)))
  }

  private mutating func assign(_ token: UdevToken, _ rule: UdevRule) {
    let isFinal = token.operation == .assignFinal
    let place = rule.place
    func setting<Value>(_ value: Value) -> UdevOutcome.Setting<Value> {
      UdevOutcome.Setting(value: value, place: place, isFinal: isFinal)
    }
    let joins = token.kind == .symlink && escape != .none
    let (value, unknown) = formatted(token.value, joinsBlanks: joins)
    if let unknown, token.kind != .optionEscape {
      outcome.uncertain.append(
        UdevOutcome.Uncertain(place: place, reason: unknown, assignments: [token.text]))
      return
    }
    switch token.kind {
    case .optionEscape: escape = token.value.hasSuffix("none") ? .none : .replace
    case .owner where outcome.owner?.isFinal != true:
      if exists(value, environment.users) {
        outcome.owner = setting(value)
      } else {
        // It is then nobody's, whoever had it before.
        outcome.owner = nil
        note(
          "udev-user", rule,
          "there is no user \"\(shown(value))\" here; the rest of the line holds.")
      }
    case .group where outcome.group?.isFinal != true:
      if exists(value, environment.groups) {
        outcome.group = setting(value)
      } else {
        outcome.group = nil
        note(
          "udev-group", rule,
          "there is no group \"\(shown(value))\" here; the rest of the line holds.")
      }
    case .mode where outcome.mode?.isFinal != true:
      if let mode = UdevLineParser.mode(value) {
        outcome.mode = setting(mode)
      } else {
        note("udev-mode", rule, "\"\(shown(value))\" is no mode in octal digits.")
      }
    case .tag: assignTag(value, token, rule)
    case .environment: assignProperty(value, token, rule)
    case .name:
      note("udev-name", rule, "only network interfaces can be renamed; NAME does nothing here.")
    case .symlink: assignLinks(value, token, rule)
    case .attribute, .sysctl:
      guard outcome.writes.count < Self.countLimit else { return }
      outcome.writes.append(setting("\(formatted(token.attribute).text) = \(value)"))
    case .securityLabel, .optionPersist, .optionWatch, .optionPriority, .optionLogLevel,
      .optionStaticNode:
      guard outcome.options.count < Self.countLimit else { return }
      outcome.options.append(
        setting(token.kind == .securityLabel ? "SECLABEL{\(token.attribute)}=\(value)" : value))
    case .runProgram, .runBuiltin:
      guard !runIsFinal else { return }
      runIsFinal = isFinal
      if token.operation != .add { outcome.run = [] }
      let command = UdevOutcome.Command(text: value, isBuiltin: token.kind == .runBuiltin)
      guard outcome.run.count < Self.countLimit else { return }
      outcome.run.append(setting(command))
    default: break
    }
  }

  private func exists(_ name: String, _ known: Set<String>?) -> Bool {
    UInt32(name) != nil || known?.contains(name) != false
  }

  private mutating func assignTag(_ value: String, _ token: UdevToken, _ rule: UdevRule) {
    if token.operation == .assign {
      outcome.tags = []
      outcome.currentTags = []
    }
    guard !value.isEmpty else { return }
    guard
      value.utf8.allSatisfy({
        (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
          || "-_".utf8.contains($0)
      })
    else { return note("udev-tag", rule, "\"\(shown(value))\" is no name for a tag.") }
    if token.operation == .remove {
      // It stays one of all tags, and TAG== still holds.
      outcome.currentTags.remove(value)
      return
    }
    outcome.currentTags.insert(value)
    if let index = outcome.tags.firstIndex(where: { $0.value == value }) {
      // What an earlier event has left is now this rule's.
      if outcome.tags[index].place == UdevOutcome.database {
        outcome.tags[index].place = rule.place
      }
    } else if outcome.tags.count < Self.countLimit {
      outcome.tags.append(UdevOutcome.Setting(value: value, place: rule.place, isFinal: false))
    }
  }

  private mutating func assignProperty(_ value: String, _ token: UdevToken, _ rule: UdevRule) {
    let key = token.attribute
    if token.value.isEmpty {
      if token.operation != .add { setProperty(key, nil, rule.place) }
      return
    }
    var value = escape == .replace ? UdevText.replacingCharacters(value) : value
    if token.operation == .add, let old = outcome.properties[key]?.value {
      value = "\(old) \(value)"
    }
    // udev has room for 512 bytes and leaves the property as it was where they do not do.
    guard value.utf8.count < 512 else {
      return note(
        "udev-property-size", rule,
        "the property \(shown(key)) would be longer than 512 bytes; it is not set.")
    }
    setProperty(key, value, rule.place)
  }

  private mutating func assignLinks(_ value: String, _ token: UdevToken, _ rule: UdevRule) {
    guard !symlinksAreFinal, device.node != nil else { return }
    symlinksAreFinal = token.operation == .assignFinal
    if token.operation != .add { outcome.symlinks = [] }
    let text: String
    switch escape {
    case .unset: text = UdevText.replacingCharacters(value, allowing: "/ ")
    case .replace: text = UdevText.replacingCharacters(value, allowing: "/")
    case .none: text = value
    }
    for link in text.split(separator: " ") where outcome.symlinks.count < Self.countLimit {
      let name = String(link.hasPrefix("/dev/") ? link.dropFirst(5) : link[...])
      guard !outcome.symlinks.contains(where: { $0.value == name }) else { continue }
      outcome.symlinks.append(
        UdevOutcome.Setting(
          value: name, place: rule.place, isFinal: token.operation == .assignFinal))
    }
  }
}

extension UdevToken {
  /// As it stands in a rule.
  public var text: String {
    let key: String
    switch kind {
    case .matchAction: key = "ACTION"
    case .matchDevpath: key = "DEVPATH"
    case .matchKernel: key = "KERNEL"
    case .matchSymlink, .symlink: key = "SYMLINK"
    case .matchName, .name: key = "NAME"
    case .matchEnvironment, .environment: key = "ENV"
    case .matchConstant: key = "CONST"
    case .matchTag, .tag: key = "TAG"
    case .matchSubsystem: key = "SUBSYSTEM"
    case .matchDriver: key = "DRIVER"
    case .matchAttribute, .attribute: key = "ATTR"
    case .matchSysctl, .sysctl: key = "SYSCTL"
    case .matchKernels: key = "KERNELS"
    case .matchSubsystems: key = "SUBSYSTEMS"
    case .matchDrivers: key = "DRIVERS"
    case .matchAttributes: key = "ATTRS"
    case .matchTags: key = "TAGS"
    case .test: key = "TEST"
    case .program: key = "PROGRAM"
    case .importFile, .importProgram, .importBuiltin, .importDatabase, .importCommandLine,
      .importParent:
      key = "IMPORT"
    case .matchResult: key = "RESULT"
    case .owner: key = "OWNER"
    case .group: key = "GROUP"
    case .mode: key = "MODE"
    case .securityLabel: key = "SECLABEL"
    case .runBuiltin, .runProgram: key = "RUN"
    case .optionEscape, .optionPersist, .optionWatch, .optionPriority, .optionLogLevel,
      .optionStaticNode:
      key = "OPTIONS"
    }
    return key + (attribute.isEmpty ? "" : "{\(attribute)}") + operation.rawValue + "\"\(value)\""
  }
}
