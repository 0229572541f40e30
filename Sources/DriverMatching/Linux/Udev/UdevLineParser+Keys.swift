/// What keys there are, and what each goes with (systemd 252, `parse_token`).
extension UdevLineParser {
  /// What a key needs and becomes.
  private struct Rule {
    /// What it compares as, if it may.
    var match: UdevToken.Kind?
    /// What it sets as, if it may.
    var assign: UdevToken.Kind?
    /// Whether it has braces: never, always, or as one likes.
    var braces: Braces = .never
    /// The operators that set.
    var operators: Set<UdevToken.Operator> = []
    /// Operators that count as `=`, with a warning.
    var lenient: Set<UdevToken.Operator> = []
  }

  private enum Braces { case never, always, optional }

  private static let rules: [String: Rule] = [
    "ACTION": Rule(match: .matchAction), "DEVPATH": Rule(match: .matchDevpath),
    "KERNEL": Rule(match: .matchKernel), "SUBSYSTEM": Rule(match: .matchSubsystem),
    "DRIVER": Rule(match: .matchDriver), "KERNELS": Rule(match: .matchKernels),
    "SUBSYSTEMS": Rule(match: .matchSubsystems), "DRIVERS": Rule(match: .matchDrivers),
    "TAGS": Rule(match: .matchTags), "RESULT": Rule(match: .matchResult),
    "ATTRS": Rule(match: .matchAttributes, braces: .always),
    "CONST": Rule(match: .matchConstant, braces: .always),
    "TEST": Rule(match: .test, braces: .optional),
    "SYMLINK": Rule(
      match: .matchSymlink, assign: .symlink, operators: [.assign, .add, .assignFinal]),
    "NAME": Rule(
      match: .matchName, assign: .name, operators: [.assign, .assignFinal], lenient: [.add]),
    "ENV": Rule(
      match: .matchEnvironment, assign: .environment, braces: .always, operators: [.assign, .add],
      lenient: [.assignFinal]),
    "TAG": Rule(
      match: .matchTag, assign: .tag, operators: [.assign, .add, .remove], lenient: [.assignFinal]),
    "ATTR": Rule(
      match: .matchAttribute, assign: .attribute, braces: .always, operators: [.assign],
      lenient: [.add, .assignFinal]),
    "SYSCTL": Rule(
      match: .matchSysctl, assign: .sysctl, braces: .always, operators: [.assign],
      lenient: [.add, .assignFinal]),
    "OWNER": Rule(assign: .owner, operators: [.assign, .assignFinal], lenient: [.add]),
    "GROUP": Rule(assign: .group, operators: [.assign, .assignFinal], lenient: [.add]),
    "MODE": Rule(assign: .mode, operators: [.assign, .assignFinal], lenient: [.add]),
    "SECLABEL": Rule(
      assign: .securityLabel, braces: .always, operators: [.assign, .add], lenient: [.assignFinal]),
    "RUN": Rule(assign: .runProgram, braces: .optional, operators: [.assign, .add, .assignFinal]),
    "OPTIONS": Rule(assign: .optionWatch, operators: [.assign, .add, .assignFinal]),
  ]

  /// Properties that are the kernel's and udev's own.
  private static let fixedProperties: Set<String> = [
    "ACTION", "DEVLINKS", "DEVNAME", "DEVPATH", "DEVTYPE", "DRIVER", "IFINDEX", "MAJOR", "MINOR",
    "SEQNUM", "SUBSYSTEM",
    "TAGS",
  ]

  mutating func add(_ pair: Pair) -> UdevLineFault? {
    switch pair.key {
    case "GOTO", "LABEL": return addJump(pair)
    case "PROGRAM", "IMPORT": return addImport(pair)
    default: break
    }
    guard let rule = Self.rules[pair.key] else { return Self.unknown(pair) }
    if let fault = Self.bracesFault(rule.braces, pair) { return fault }
    if pair.operation.isMatch {
      guard let kind = rule.match else { return Self.wrongOperator(pair) }
      if pair.key == "CONST", !["arch", "virt"].contains(pair.attribute) {
        return Self.wrongBraces(pair)
      }
      if pair.key == "TEST", let mode = pair.attribute, !mode.isEmpty, UInt16(mode, radix: 8) == nil
      {
        return Self.wrongBraces(pair)
      }
      append(kind, pair)
      return nil
    }
    guard var kind = rule.assign else { return Self.wrongOperator(pair) }
    var pair = pair
    if rule.lenient.contains(pair.operation) {
      soften("operator", "\(pair.operation.rawValue) of \(pair.key) counts as =.", nil)
      pair.operation = .assign
    } else if !rule.operators.contains(pair.operation) {
      return Self.wrongOperator(pair)
    }
    switch pair.key {
    case "ENV" where Self.fixedProperties.contains(pair.attribute ?? ""):
      return UdevLineFault(
        slug: "fixed-property", what: "ENV{\(pair.attribute ?? "")} cannot be set.")
    case "NAME" where pair.value.isEmpty || pair.value == "%k":
      return UdevLineFault(
        slug: "name", what: "NAME=\"\(pair.value)\" does nothing, and the line is not used.")
    case "RUN":
      switch pair.attribute {
      case nil, "program"?: break
      case "builtin"?:
        kind = .runBuiltin
        guard Self.isBuiltin(pair.value) else { return Self.unknownBuiltin(pair) }
      default: return Self.wrongBraces(pair)
      }
    case "OPTIONS":
      guard let option = Self.option(pair.value) else {
        soften("option", "OPTIONS has no value \"\(shown(pair.value))\".", nil)
        return nil
      }
      kind = option
    case "MODE":
      if Self.mode(pair.value) == nil, !pair.value.contains("%"), !pair.value.contains("$") {
        soften(
          "mode", "\"\(shown(pair.value))\" is no mode in octal digits.", "Write MODE=\"0660\".")
        return nil
      }
    default: break
    }
    append(kind, pair)
    return nil
  }

  /// A mode in octal digits.
  static func mode(_ text: String) -> UInt16? {
    guard !text.hasPrefix("+"), !text.hasPrefix("-"), let mode = UInt16(text, radix: 8),
      mode <= 0o7777
    else {
      return nil
    }
    return mode
  }

  private static func option(_ value: String) -> UdevToken.Kind? {
    switch value {
    case "string_escape=none", "string_escape=replace": return .optionEscape
    case "db_persist": return .optionPersist
    case "watch", "nowatch": return .optionWatch
    default: break
    }
    if value.hasPrefix("link_priority="), Int32(value.dropFirst("link_priority=".count)) != nil {
      return .optionPriority
    }
    if value.hasPrefix("log_level=") { return .optionLogLevel }
    if value.hasPrefix("static_node=") { return .optionStaticNode }
    return nil
  }

  private mutating func addJump(_ pair: Pair) -> UdevLineFault? {
    if let fault = Self.bracesFault(.never, pair) { return fault }
    guard pair.operation == .assign else { return Self.wrongOperator(pair) }
    if pair.key == "LABEL" {
      label = pair.value
    } else if goto != nil {
      soften("two-gotos", "a second GOTO on one line is not used.", nil)
    } else {
      goto = pair.value
    }
    return nil
  }

  private mutating func addImport(_ pair: Pair) -> UdevLineFault? {
    var pair = pair
    guard pair.operation != .remove else { return Self.wrongOperator(pair) }
    if let fault = Self.bracesFault(pair.key == "IMPORT" ? .always : .never, pair) { return fault }
    if !pair.operation.isMatch { pair.operation = .match }
    if pair.key == "PROGRAM" {
      append(.program, pair)
      return nil
    }
    switch pair.attribute {
    case "file": append(.importFile, pair)
    case "program": append(Self.isBuiltin(pair.value) ? .importBuiltin : .importProgram, pair)
    case "builtin":
      guard Self.isBuiltin(pair.value) else { return Self.unknownBuiltin(pair) }
      append(.importBuiltin, pair)
    case "db": append(.importDatabase, pair)
    case "cmdline": append(.importCommandLine, pair)
    case "parent": append(.importParent, pair)
    default: return Self.wrongBraces(pair)
    }
    return nil
  }

  private static func isBuiltin(_ command: String) -> Bool {
    builtins.contains(
      String(command.split(whereSeparator: { $0 == " " || $0 == "\t" }).first ?? ""))
  }

  private mutating func append(_ kind: UdevToken.Kind, _ pair: Pair) {
    if !(kind < .test || kind == .matchResult), let sign = Self.strangeSubstitution(pair.value) {
      soften(
        "substitution",
        "\"\(sign)\" in \"\(shown(pair.value))\" stands for nothing.",
        "Write \(sign)\(sign) for the sign itself.")
    }
    let isCompared = kind < .test || kind == .matchResult
    tokens.append(
      UdevToken(
        kind: kind, attribute: pair.attribute ?? "", operation: pair.operation, value: pair.value,
        matcher: isCompared ? ValueMatcher(pair.value) : nil))
  }

  private mutating func soften(_ slug: String, _ what: String, _ help: String?) {
    // A line of 16 KiB may have many.
    guard soft.count < 20 else { return }
    soft.append(UdevLineFault(slug: slug, what: what, help: help, isWholeLine: false))
  }

  /// A sign of a substitution behind which none stands.
  private static func strangeSubstitution(_ value: String) -> String? {
    var rest = Array(value.utf8)[...]
    while let sign = rest.first {
      guard sign == UInt8(ascii: "$") || sign == UInt8(ascii: "%") else {
        rest = rest.dropFirst()
        continue
      }
      if rest.dropFirst().first == sign {
        rest = rest.dropFirst(2)
      } else if let reading = UdevSubstitution.read(rest), !reading.isUnclosed {
        rest = rest.dropFirst(reading.length)
      } else {
        return sign == UInt8(ascii: "$") ? "$" : "%"
      }
    }
    return nil
  }

  private static func bracesFault(_ braces: Braces, _ pair: Pair) -> UdevLineFault? {
    switch braces {
    case .never: pair.attribute == nil ? nil : wrongBraces(pair)
    case .always: (pair.attribute ?? "").isEmpty ? wrongBraces(pair) : nil
    case .optional: nil
    }
  }

  private static func wrongBraces(_ pair: Pair) -> UdevLineFault {
    let what =
      pair.attribute.map { "{\(shown($0))} cannot stand behind \(pair.key)." }
      ?? "\(pair.key) needs a name in braces."
    return UdevLineFault(slug: "braces", what: what)
  }

  private static func wrongOperator(_ pair: Pair) -> UdevLineFault {
    let isMatchKey = rules[pair.key].map { $0.assign == nil } ?? false
    return UdevLineFault(
      slug: "operator", what: "\(pair.key) does not go with \(pair.operation.rawValue).",
      help: isMatchKey ? "To compare write \(pair.key)==\"\(shown(pair.value))\"." : nil)
  }

  private static func unknownBuiltin(_ pair: Pair) -> UdevLineFault {
    UdevLineFault(slug: "builtin", what: "udev has no builtin \"\(shown(pair.value))\".")
  }

  private static func unknown(_ pair: Pair) -> UdevLineFault {
    let upper = pair.key.uppercased()
    let obsolete = ["BUS": "SUBSYSTEMS", "ID": "KERNELS", "SYSFS": "ATTRS", "PLACE": "KERNELS"]
    var help: String?
    if let newer = obsolete[pair.key] {
      help = "It is obsolete; write \(newer)."
    } else if rules[upper] != nil {
      help = "Keys are written in capital letters: \(upper)."
    }
    return UdevLineFault(slug: "key", what: "there is no key \"\(shown(pair.key))\".", help: help)
  }
}
