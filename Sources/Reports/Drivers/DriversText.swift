internal import DriverMatching

extension DriversReport {
  /// Both systems beside each other, and then each decision with what it rests on.
  ///
  /// - Parameters:
  ///   - style: colours and width.
  ///   - isVerbose: with every rule that was applied, and where each is known from.
  /// - Returns: the text.
  public func text(_ style: TextStyle, isVerbose: Bool = false) -> String {
    var writer = DriversWriter(style: style, isVerbose: isVerbose)
    writer.write(self)
    return writer.lines.joined(separator: "\n") + "\n"
  }
}

private struct DriversWriter {
  let style: TextStyle
  let isVerbose: Bool
  private(set) var lines: [String] = []

  init(style: TextStyle, isVerbose: Bool) {
    self.style = style
    self.isVerbose = isVerbose
  }

  mutating func write(_ report: DriversReport) {
    let name = [report.device ?? report.source, report.product.map { "“\($0)”" }]
      .compactMap(\.self).map { terminalSafe($0) }.joined(separator: "  ")
    lines.append(style(.strong, name))
    if let linux = report.linux, let windows = report.windows { writeBoth(linux, windows) }
    if let linux = report.linux { write(linux) }
    if let windows = report.windows { write(windows) }
  }

  /// A line for each part, with the two answers.
  private mutating func writeBoth(_ linux: DriversReport.Linux, _ windows: DriversReport.Windows) {
    var table = TextTable()
    table.add(["", style(.faint, "Linux"), style(.faint, windows.profile.name)])
    let theirs = windows.parts.map { part in
      (
        part.outcome.decision.subject,
        Self.short(part.outcome)
      )
    }
    var left = theirs[...]
    for decision in linux.decisions {
      let number = decision.subject.split(separator: " ").last.flatMap { UInt8($0) }
      let own: String
      if decision.subject == "device" {
        own = terminalSafe(theirs.first?.1 ?? "")
        left = left.dropFirst()
      } else if let number, let index = left.firstIndex(where: { $0.0 == Self.function(number) }) {
        own = terminalSafe(left.remove(at: index).1)
      } else {
        own = style(.faint, "–")
      }
      table.add([terminalSafe(decision.subject), terminalSafe(Self.short(decision)), own])
    }
    for part in left {
      table.add([terminalSafe(part.0), style(.faint, "–"), terminalSafe(part.1)])
    }
    lines.append("")
    lines += table.lines(indent: 2)
  }

  private static func function(_ number: UInt8) -> String {
    let digits = String(number, radix: 16, uppercase: true)
    return "function MI_" + (digits.count < 2 ? "0" : "") + digits
  }

  private static func short(_ outcome: WindowsDecision) -> String {
    var words: [String] = []
    if outcome.problemCode == 52 {
      words.append("no driver")
    } else if let binding = outcome.binding, outcome.problemCode != 43 {
      let service = binding.service ?? binding.node.file
      words.append(service.isEmpty ? "no driver needed" : service)
    } else if outcome.problemCode == 28 {
      words.append("no driver")
    }
    if outcome.problemCode != 0 { words.append("code \(outcome.problemCode)") }
    return words.joined(separator: ", ")
  }

  private static func short(_ decision: DriverDecision) -> String {
    let drivers = decision.drivers
    if drivers.isEmpty { return "no driver" }
    return drivers.count == 1 ? drivers[0] : "one of " + drivers.joined(separator: ", ")
  }

  // MARK: The systems

  private mutating func write(_ linux: DriversReport.Linux) {
    heading("Linux", linux.knowledge)
    for decision in linux.decisions { write(decision) }
    if let access = linux.access { write(access) }
  }

  private mutating func write(_ windows: DriversReport.Windows) {
    heading("Windows", windows.profile.name)
    for part in windows.parts { write(part) }
    for finding in windows.findings { sentence(style(.warning, "note "), finding, 2) }
    let set =
      windows.parts.first?.outcome.decision.steps.filter { $0.rule.hasPrefix("usbflags-") } ?? []
    if !set.isEmpty {
      subheading("What is set in usbflags")
      for step in set { write(step, 4) }
    }
    guard isVerbose, !windows.flags.isEmpty else { return }
    subheading("Settings of the registry that change the outcome")
    for flag in windows.flags {
      sentence("", "\(flag.name) (\(flag.type)): \(flag.meaning) \(flag.effect)", 4)
    }
  }

  private mutating func write(_ part: DriversReport.Windows.Part) {
    write(part.outcome.decision)
    // A driver that is loaded and cannot start: why stands last in the trace.
    if !isVerbose, part.outcome.binding != nil, ![0, 43].contains(part.outcome.problemCode),
      let step = part.outcome.decision.steps.last
    {
      write(step, 4, mark: style(.bad, "! "))
    }
    if !part.outcome.extensions.isEmpty {
      for node in part.outcome.extensions {
        sentence("", "\(node.place) is applied after it, as an extension.", 4)
      }
    }
    subheading("How Windows comes by it")
    for link in part.chain.links {
      let mark: String
      switch link.state {
      case .stops: mark = style(.bad, style.usesDrawing ? "■ " : "# ")
      case .skipped: mark = style(.faint, style.usesDrawing ? "· " : ". ")
      default: mark = style(.good, style.usesDrawing ? "→ " : "> ")
      }
      var words = "\(link.name.replacing("-", with: " ")): \(link.sentence)"
      if !link.seen.isEmpty { words += " Seen: \(link.seen)" }
      sentence(mark, words, 4)
    }
    subheading("Which programs find it")
    for reach in part.outcome.reach {
      let mark =
        reach.isReached
        ? style(.good, style.usesDrawing ? "✓ " : "+ ")
        : style(.bad, style.usesDrawing ? "✗ " : "- ")
      sentence(mark, "\(reach.program): \(reach.sentence)", 4)
    }
    for symptom in part.symptoms {
      subheading("What people see")
      sentence("", symptom.seen, 4)
      sentence("", symptom.cause, 4)
      sentence("shown by: ", symptom.proof, 4)
    }
    if !part.registry.isEmpty {
      subheading("What shows it in the registry")
      for proof in part.registry { sentence("", "\(proof.key)  \(proof.name) = \(proof.value)", 4) }
    }
    guard !part.instructions.isEmpty else { return }
    subheading("What to do")
    for instruction in part.instructions {
      sentence("", instruction.goal + ":", 4)
      for step in instruction.steps { sentence(style.usesDrawing ? "• " : "* ", step, 6) }
      for command in instruction.commands {
        lines.append("        " + style(.accent, terminalSafe(command)))
      }
    }
  }

  private mutating func write(_ access: NodeAccess) {
    lines.append("")
    lines.append("  " + style(.strong, "its node in /dev") + "  " + style(.faint, access.knowledge))
    lines.append("    " + style(.accent, terminalSafe(access.listing)))
    for step in access.verdicts { write(step, 4) }
    if isVerbose {
      for setting in access.settings {
        sentence("", "\(setting.name) \(setting.value), set by \(setting.place)", 6)
      }
    }
    for finding in access.advice.prefix(isVerbose ? 32 : 4) {
      sentence(style(.warning, "note "), finding, 4)
    }
    for finding in access.findings.prefix(isVerbose ? 32 : 4) {
      sentence(style(.warning, "note "), finding, 4)
    }
    for rule in access.uncertain.prefix(isVerbose ? 32 : 4) {
      sentence(style(.warning, "not known: "), rule, 4)
    }
    if isVerbose {
      for finding in access.otherFindings { sentence("of other rules: ", finding, 4) }
    }
  }

  // MARK: A decision

  private mutating func write(_ decision: DriverDecision) {
    lines.append("")
    let name = decision.names.first.map { "  " + style(.faint, terminalSafe($0)) } ?? ""
    lines.append("  " + style(.strong, terminalSafe(decision.subject)) + name)
    if isVerbose {
      for name in decision.names.dropFirst() { lines.append("    " + terminalSafe(name)) }
      for step in decision.steps { write(step, 4) }
    }
    let hasDriver = !decision.drivers.isEmpty
    write(decision.outcome, 4, mark: hasDriver ? style(.good, "= ") : style(.warning, "= "))
    for candidate in decision.candidates { write(candidate) }
    guard !decision.changes.isEmpty else { return }
    subheading("What would change it")
    for step in decision.changes { write(step, 4, mark: style.usesDrawing ? "• " : "* ") }
  }

  private mutating func write(_ candidate: DriverDecision.Candidate) {
    let verdict: String
    switch candidate.verdict {
    case .wins: verdict = style(.good, "wins     ")
    case .ties: verdict = style(.warning, "ties     ")
    case .outranked: verdict = "outranked"
    case .dropped: verdict = style(.faint, "dropped  ")
    }
    var words = [verdict]
    if let rank = candidate.rank { words.append(Self.rank(rank)) }
    words.append(terminalSafe(candidate.driver))
    if candidate.origin != candidate.driver {
      words.append(style(.faint, terminalSafe(candidate.origin)))
    }
    if let match = candidate.match { words.append(style(.faint, terminalSafe(match))) }
    lines.append("    " + words.joined(separator: "  "))
    let steps = isVerbose ? candidate.steps[...] : candidate.steps.suffix(1)
    for step in steps { write(step, 6) }
  }

  private static func rank(_ rank: UInt32) -> String {
    let digits = String(rank, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 8 - digits.count)) + digits
  }

  private mutating func write(_ step: DriverDecision.Step, _ indent: Int, mark: String = "") {
    // What is not certain is said with how well it is known.
    var words = step.sentence
    if isVerbose {
      words += " [\(step.evidence.certainty.text); \(step.evidence.source)]"
    } else if !step.evidence.certainty.isFirm {
      words += " (\(step.evidence.certainty.text))"
    }
    sentence(mark, words, indent)
  }

  // MARK: Lines

  private mutating func heading(_ title: String, _ words: String) {
    lines.append("")
    lines.append(style(.strong, title) + "  " + style(.faint, terminalSafe(words)))
  }

  private mutating func subheading(_ title: String) {
    lines.append("    " + style(.faint, title))
  }

  private mutating func sentence(_ mark: String, _ words: String, _ indent: Int) {
    let head = String(repeating: " ", count: indent) + mark
    lines.append(
      head + wrapped(terminalSafe(words), width: style.width, indent: displayWidth(of: head)))
  }
}
