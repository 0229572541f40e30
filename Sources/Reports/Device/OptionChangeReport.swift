public import DFU
public import DFUHost
internal import USB

/// What changing option bytes would do: `dfu options --set … --plan`.
public struct OptionPlanReport: Encodable, Hashable, Sendable {
  /// A field that changes.
  public struct Change: Encodable, Hashable, Sendable {
    /// Its name.
    public var name: String
    /// What it holds, for example `0xAA`.
    public var old: String
    /// What that means.
    public var oldWords: String
    /// What it shall hold.
    public var new: String
    /// What that means.
    public var newWords: String

    /// A change.
    public init(_ change: OptionBytes.Change) {
      name = change.field.name
      old = change.field.text(change.old.number)
      oldWords = change.old.words
      new = change.field.text(change.new.number)
      newWords = change.new.words
    }
  }

  /// Something that follows.
  public struct Consequence: Encodable, Hashable, Sendable {
    /// What kind it is, for example `read-protects`.
    public var kind: String
    /// One sentence.
    public var sentence: String
  }

  /// The name and version of this document's shape.
  public var schema = "dfu.options-plan/1"
  /// The fields that change.
  public var changes: [Change]
  /// The blocks that are written, in their order.
  public var blocks: [OptionReport.Block]
  /// What follows, the gravest last.
  public var consequences: [Consequence]
  /// Whether the part holds everything already.
  public var changesNothing: Bool

  /// The report of a plan.
  public init(_ plan: OptionPlan) {
    changes = plan.changes.map(Change.init)
    blocks = plan.blocks.map(OptionReport.Block.init)
    consequences = plan.consequences.map {
      Consequence(kind: $0.kind.rawValue, sentence: $0.sentence)
    }
    changesNothing = plan.changesNothing
  }

  /// The plan as lines: each field from what to what, the bytes, what follows.
  public func text(_ style: TextStyle) -> String {
    guard !changesNothing else {
      return "\(style(.good, "Nothing to do")): the option bytes hold that already.\n"
    }
    var lines = [style(.strong, "Plan")]
    lines += changeLines(changes, ("from", "to"), style)
    for block in blocks {
      let rows = block.lines(style)
      lines += rows.enumerated().map { ($0 == 0 ? "  write  " : "         ") + $1 }
    }
    for consequence in consequences { lines.append(consequence.line(style)) }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension OptionPlanReport.Consequence {
  fileprivate func line(_ style: TextStyle) -> String {
    let isGrave: Bool
    let label: String
    switch OptionPlan.Consequence.Kind(rawValue: kind) {
    case .resets, .writeEnables, nil: (isGrave, label) = (false, style(.warning, "note"))
    case .caution: (isGrave, label) = (false, style(.warning, "caution"))
    case .writeProtects, .readProtects, .erases, .closesForEver:
      (isGrave, label) = (true, style(.bad, "warning"))
    }
    let indent = displayWidth(of: label) + 3
    let words = wrapped(sentence, width: style.width, indent: indent)
    return "  \(label) \(isGrave ? style(.strong, words) : words)"
  }
}

/// Two lines for each change, so that both meanings stand below each other.
private func changeLines(
  _ changes: [OptionPlanReport.Change], _ labels: (old: String, new: String), _ style: TextStyle
) -> [String] {
  optionLines(
    changes.flatMap { change in
      [
        OptionLine(
          cells: [style(.strong, change.name), labels.old, change.old],
          words: change.oldWords == change.old ? "" : change.oldWords),
        OptionLine(
          cells: ["", labels.new, style(.warning, change.new)],
          words: change.newWords == change.new ? "" : change.newWords),
      ]
    }, style)
}

/// What changing option bytes did: `dfu options --set`.
public struct OptionChangeDocument: Encodable, Hashable, Sendable {
  /// The name and version of this document's shape.
  public var schema = "dfu.options-change/1"
  /// What a person types to name the device.
  public var device: String
  /// The fields that were changed.
  public var changes: [OptionPlanReport.Change]
  /// How many blocks were written.
  public var blocksWritten: Int
  /// Whether the part is known to hold every field as planned.
  public var isProved: Bool
  /// How that is known, or why it is not, as a clause.
  public var because: String
  /// The fields that hold something else: `old` is what they should hold, `new` what they do.
  public var differences: [OptionPlanReport.Change]
  /// What to do next.
  public var help: String?

  /// The report of a change.
  ///
  /// - Parameters:
  ///   - plan: what was planned.
  ///   - outcome: what came out of it.
  ///   - blocksWritten: how many blocks were written.
  ///   - selector: what a person types to name the device.
  public init(
    _ plan: OptionPlan, _ outcome: OptionOutcome, blocksWritten: Int, selector: String
  ) {
    device = selector
    changes = plan.changes.map(OptionPlanReport.Change.init)
    self.blocksWritten = blocksWritten
    differences = []
    switch outcome {
    case .proved:
      isProved = true
      because = "read back after the reset, and every field is right"
    case .readProtected(let unproved):
      isProved = unproved.isEmpty
      because = "the part refuses to be read now, as it should"
      if !isProved { because += ", so that nothing is known of \(listText(unproved))" }
    case .closed:
      isProved = false
      because = "the part does not come back, as it must not at level 2"
    case .differs(let found):
      isProved = false
      because = "the part holds something else"
      differences = found.map(OptionPlanReport.Change.init)
      help = "`dfu options` shows all of them; a field may be locked by another one."
    case .notProved(let reason):
      isProved = false
      because = reason
      help = "Bring it into its bootloader again, and look with `dfu options`."
    }
  }

  /// Some lines: what was written, and whether it is so.
  public func text(_ style: TextStyle) -> String {
    func line(_ tone: TextStyle.Tone, _ label: String, _ text: String) -> String {
      "\(style(tone, label)): "
        + wrapped(text, width: style.width, indent: 2, used: label.count + 2)
    }
    guard blocksWritten > 0 else {
      return line(.good, "Nothing to do", "the option bytes hold that already.") + "\n"
    }
    var lines: [String] = []
    if differences.isEmpty {
      let fields = changes.map {
        "\($0.name) to \($0.new)" + ($0.newWords == $0.new ? "" : " (\($0.newWords))")
      }
      lines.append(line(.good, "Done", "set \(listText(fields)); the part has reset."))
      lines.append(
        line(isProved ? .good : .warning, isProved ? "Proved" : "Not proved", because + "."))
    } else {
      lines.append(line(.bad, "Failed", "the part has reset, and holds something else."))
      lines += changeLines(differences, ("should be", "is"), style)
    }
    if let help { lines.append(wrapped(help, width: style.width)) }
    return lines.joined(separator: "\n") + "\n"
  }
}
