/// Whether a device can be used here, in four ticks, and the one thing to do: `dfu doctor`.
public struct DiagnosisReport: Encodable, Hashable, Sendable {
  /// One of the four things that have to be right, in their order.
  public struct Tick: Encodable, Hashable, Sendable {
    /// `seen`, `dfu-mode`, `driver`, `permission`.
    public var name: String
    /// Whether it is right.
    public var isGood: Bool
    /// What was found.
    public var sentence: String

    /// A tick.
    public init(name: String, isGood: Bool, sentence: String) {
      self.name = name
      self.isGood = isGood
      self.sentence = sentence
    }
  }

  /// What to do.
  public struct Instruction: Encodable, Hashable, Sendable {
    /// Its stable name: lower case, words joined by hyphens.
    public var name: String
    /// What to do, in a sentence.
    public var sentence: String
    /// The commands for it.
    public var commands: [String]

    /// An instruction.
    public init(_ name: String, _ sentence: String, _ commands: [String]) {
      self.name = name
      self.sentence = sentence
      self.commands = commands
    }
  }

  /// The four names, in their order: what stands behind one that is not right was not looked at.
  public static let names = ["seen", "dfu-mode", "driver", "permission"]

  /// The name and version of this document's shape.
  public var schema = "dfu.diagnosis/1"
  /// Where the program runs: `linux`, `wsl`, `container`, `other`.
  public var place: String
  /// What was found, as far as it was looked at.
  public var ticks: [Tick]
  /// The one thing to do; nil where nothing is wrong.
  public var instruction: Instruction?
  /// The text of a file that the instruction writes; nil where it writes none.
  public var file: String?
  /// Whether `--fix` can do it.
  public var canBeFixed: Bool

  /// A report.
  public init(
    place: String, ticks: [Tick], instruction: Instruction?, file: String? = nil, canBeFixed: Bool
  ) {
    self.place = place
    self.ticks = ticks
    self.instruction = instruction
    self.file = file
    self.canBeFixed = canBeFixed
  }

  /// Four lines, and what to do.
  public func text(_ style: TextStyle) -> String {
    var lines: [String] = []
    let width = Self.names.map(\.count).max() ?? 0
    for name in Self.names {
      let head = name.replacing("-", with: " ")
      let padding = String(repeating: " ", count: width - head.count + 2)
      guard let tick = ticks.first(where: { $0.name == name }) else {
        lines.append(
          style(.faint, (style.usesDrawing ? "·" : ".") + " " + head + padding + "not looked at"))
        continue
      }
      let mark =
        tick.isGood
        ? style(.good, style.usesDrawing ? "✓" : "+") : style(.bad, style.usesDrawing ? "✗" : "x")
      lines.append(
        "\(mark) \(head)\(padding)"
          + wrapped(terminalSafe(tick.sentence), width: style.width, indent: width + 4))
    }
    if place == "wsl" || place == "container" {
      lines.append("")
      lines.append(
        style(
          .faint, place == "wsl" ? "This is Linux inside of Windows (WSL)." : "This is a container."
        ))
    }
    guard let instruction else { return lines.joined(separator: "\n") + "\n" }
    lines.append("")
    lines.append(
      style(.strong, "Do this: ")
        + wrapped(terminalSafe(instruction.sentence), width: style.width, indent: 9))
    for command in instruction.commands {
      lines.append("  " + style(.accent, terminalSafe(command)))
    }
    if let file {
      lines.append("with")
      lines += file.split(separator: "\n", omittingEmptySubsequences: true).map {
        "  " + style(.faint, terminalSafe(String($0)))
      }
    }
    if canBeFixed {
      lines.append("")
      lines.append("`sudo dfu doctor --fix` does that, and `sudo dfu doctor --undo` takes it back.")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
