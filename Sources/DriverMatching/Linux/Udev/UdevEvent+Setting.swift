/// What assign keys do.
extension UdevEvent {
  mutating func setProperty(_ key: String, _ value: String?, _ place: String) {
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

  mutating func assign(_ token: UdevToken, _ rule: UdevRule) {
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
