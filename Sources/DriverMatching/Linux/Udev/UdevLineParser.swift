/// Why udev passes over a whole line, or a part of it.
struct UdevLineFault {
  var slug: String
  var what: String
  var help: String?
  var isWholeLine = true
}

/// Reads one logical line as systemd 252 does (`src/udev/udev-rules.c`, `parse_line` and `parse_token`).
struct UdevLineParser {
  private let bytes: [UInt8]
  private var at = 0
  private(set) var tokens: [UdevToken] = []
  private(set) var label: String?
  private(set) var goto: String?
  /// What does not end the line.
  private(set) var soft: [UdevLineFault] = []

  /// The builtins of systemd 252.
  static let builtins: Set<String> = [
    "blkid", "btrfs", "hwdb", "input_id", "keyboard", "kmod", "net_id", "net_setup_link", "path_id",
    "uaccess", "usb_id",
  ]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Reads all tokens; the fault where the line as a whole is passed over.
  mutating func parse() -> UdevLineFault? {
    while true {
      skip { Self.isBlank($0) || $0 == UInt8(ascii: ",") }
      guard at < bytes.count else { break }
      switch pair() {
      case .failure(let fault): return fault.fault
      case .success(let pair): if let fault = add(pair) { return fault }
      }
    }
    guard label != nil || goto != nil || tokens.contains(where: \.kind.hasEffect) else {
      return UdevLineFault(
        slug: "no-effect", what: "the rule compares and does nothing.",
        help: "Add what it should set, for example TAG+=\"uaccess\".")
    }
    // In the order of the kinds; of one kind as they stand.
    tokens = tokens.enumerated().sorted {
      ($0.element.kind, $0.offset) < ($1.element.kind, $1.offset)
    }.map(\.element)
    return nil
  }

  private struct Pair {
    var key: String
    var attribute: String?
    var operation: UdevToken.Operator
    var value: String
  }

  private struct Failure: Error { var fault: UdevLineFault }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
  }

  private mutating func skip(_ condition: (UInt8) -> Bool) {
    while at < bytes.count, condition(bytes[at]) { at += 1 }
  }

  /// `KEY{attribute}OPERATOR"value"`.
  private mutating func pair() -> Result<Pair, Failure> {
    let start = at
    func fault(_ what: String, _ help: String?) -> Result<Pair, Failure> {
      .failure(Failure(fault: UdevLineFault(slug: "key-value", what: what, help: help)))
    }
    if bytes[start] == UInt8(ascii: "#") {
      return fault(
        "a comment stands behind a rule; the whole line is invalid.",
        "Put the comment on a line of its own.")
    }
    skip { byte in !Self.isBlank(byte) && !"={+-!:".utf8.contains(byte) }
    // A sign only ends a key before an equals sign.
    while at + 1 < bytes.count, "+-!:".utf8.contains(bytes[at]), bytes[at + 1] != UInt8(ascii: "=")
    {
      at += 1
      skip { byte in !Self.isBlank(byte) && !"={+-!:".utf8.contains(byte) }
    }
    let key = bytes[start..<at].text
    guard at < bytes.count else {
      return fault("\"\(shown(key))\" has no operator and no value.", nil)
    }
    var attribute: String?
    if bytes[at] == UInt8(ascii: "{") {
      guard let end = bytes[at...].firstIndex(of: UInt8(ascii: "}")) else {
        return fault("the brace behind \(shown(key)) is not closed.", nil)
      }
      attribute = bytes[(at + 1)..<end].text
      at = end + 1
    }
    skip(Self.isBlank)
    guard let operation = Self.operation(bytes[at...]) else {
      return fault(
        "behind \"\(shown(key))\" stands no operator.",
        "The operators are ==, !=, =, +=, -= and :=.")
    }
    at += operation.rawValue.utf8.count
    skip(Self.isBlank)
    guard let value = value() else {
      let isSingle = at < bytes.count && bytes[at] == UInt8(ascii: "'")
      return fault(
        isSingle
          ? "the value of \(shown(key)) stands in single quotes."
          : "the value of \(shown(key)) is not in double quotes, or they do not end.",
        "Write \(shown(key))\(operation.rawValue)\"...\".")
    }
    return .success(Pair(key: key, attribute: attribute, operation: operation, value: value))
  }

  private static func operation(_ rest: ArraySlice<UInt8>) -> UdevToken.Operator? {
    UdevToken.Operator.allCases.first { rest.starts(with: $0.rawValue.utf8) }
  }

  /// What stands in double quotes; nil where there are none. `e"..."` has escapes as in C.
  private mutating func value() -> String? {
    var isEscaped = false
    if at + 1 < bytes.count, bytes[at] == UInt8(ascii: "e"), bytes[at + 1] == UInt8(ascii: "\"") {
      isEscaped = true
      at += 1
    }
    guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else { return nil }
    var index = at + 1
    var result: [UInt8] = []
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "\"") {
        at = index + 1
        return isEscaped ? Self.unescaped(result) : String(decoding: result, as: UTF8.self)
      }
      if byte == UInt8(ascii: "\\"), index + 1 < bytes.count {
        if isEscaped {
          result.append(byte)
          index += 1
        } else if bytes[index + 1] == UInt8(ascii: "\"") {
          index += 1
        }
      }
      result.append(bytes[index])
      index += 1
    }
    return nil
  }

  /// Resolves escapes as in C; nil where one is none.
  private static func unescaped(_ bytes: [UInt8]) -> String? {
    let simple: [UInt8: UInt8] = [
      0x61: 7, 0x62: 8, 0x66: 12, 0x6E: 10, 0x72: 13, 0x74: 9, 0x76: 11, 0x5C: 0x5C, 0x22: 0x22,
      0x27: 0x27,
      0x73: 0x20,
    ]
    var result: [UInt8] = []
    var at = 0
    while at < bytes.count {
      guard bytes[at] == 0x5C else {
        result.append(bytes[at])
        at += 1
        continue
      }
      guard at + 1 < bytes.count else { return nil }
      if let byte = simple[bytes[at + 1]] {
        result.append(byte)
        at += 2
      } else if bytes[at + 1] == UInt8(ascii: "x"), at + 3 < bytes.count,
        let high = hexDigit(bytes[at + 2]),
        let low = hexDigit(bytes[at + 3]), high | low != 0
      {
        result.append(high << 4 | low)
        at += 4
      } else if at + 3 < bytes.count,
        bytes[(at + 1)...(at + 3)].allSatisfy({ (0x30...0x37).contains($0) }),
        let byte = UInt8(bytes[(at + 1)...(at + 3)].text, radix: 8), byte != 0
      {
        result.append(byte)
        at += 4
      } else {
        return nil
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}

// MARK: What a key may be

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

  private mutating func add(_ pair: Pair) -> UdevLineFault? {
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
        "\"\(sign)\" in \"\(shown(pair.value))\" stands for nothing and stays as it is.",
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
      } else if let (_, _, length) = UdevSubstitution.read(rest) {
        rest = rest.dropFirst(length)
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
