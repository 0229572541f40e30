public import USB

/// The way to a value of a description: the names of members and the numbers of entries.
public struct DescriptionPath: Hashable, Sendable {
  /// A step from an object or a list to what is in it.
  public enum Step: Hashable, Sendable {
    /// To a member of an object.
    case member(String)
    /// To an entry of a list: what it is (`memory`), its number as people count it, its index from
    /// 0, and its own name where it has one.
    case entry(noun: String, number: Int, index: Int, name: String?)
  }

  /// From the whole description to the value.
  public var steps: [Step]

  /// A way; without steps to the whole description.
  public init(_ steps: [Step] = []) { self.steps = steps }

  func appending(_ step: Step) -> DescriptionPath { DescriptionPath(steps + [step]) }

  /// As a person reads it, the nearest first: `“size” in run 2 in memory 1 (Flash)`; nil for the whole
  /// description.
  public var words: String? {
    var words: [String] = []
    var isNamedByEntry = false
    for step in steps.reversed() {
      switch step {
      case .entry(let noun, let number, _, let name):
        words.append("\(noun) \(number)" + (name.map { " (\($0))" } ?? ""))
        isNamedByEntry = true
      case .member(let name):
        // A memory is known to be in “memories”.
        if !isNamedByEntry { words.append("“\(name)”") }
        isNamedByEntry = false
      }
    }
    return words.isEmpty ? nil : words.joined(separator: " in ")
  }

  /// As a program reads it: `memories[0].sectors[1].size`; empty for the whole description.
  public var keys: String {
    steps.reduce(into: "") { text, step in
      switch step {
      case .member(let name): text += text.isEmpty ? name : ".\(name)"
      case .entry(_, _, let index, _): text += "[\(index)]"
      }
    }
  }
}

/// Something wrong, or only remarkable, at a place of a description.
public struct DescriptionFault: Hashable, Sendable {
  /// Where it is in the text.
  public var place: TextPlace
  /// Which value it is about.
  public var path: DescriptionPath
  /// What is wrong: one sentence.
  public var sentence: String
  /// What to write instead.
  public var help: String?

  /// A fault.
  public init(place: TextPlace, path: DescriptionPath, sentence: String, help: String?) {
    self.place = place
    self.path = path
    self.sentence = sentence
    self.help = help
  }
}

/// A text that describes no virtual device, with everything that is wrong with it.
public struct ProfileDescriptionError: ExplainedError, Hashable {
  /// How many faults are told.
  public static let limit = 20

  /// The file, as a person named it.
  public var file: String
  /// What is wrong, in the order of the text; at least one, at most ``limit``.
  public var faults: [DescriptionFault]
  /// How many faults there are beyond those that are told.
  public var untold: Int

  /// An error.
  public init(file: String, faults: [DescriptionFault], untold: Int = 0) {
    self.file = file
    self.faults = faults
    self.untold = untold
  }

  /// `device-description`.
  public var slug: String { "device-description" }

  /// The file, and how much is wrong with it.
  public var sentence: String {
    let count = faults.count + untold
    return "\(file) does not describe a device: \(count == 1 ? "1 mistake" : "\(count) mistakes")."
  }

  /// Where the keys are told.
  public var help: String? { nil }

  /// Everything, a line for each fault.
  public var description: String {
    var text = sentence
    for fault in faults {
      text += "\n\(file):\(fault.place.line):\(fault.place.column): "
      if let words = fault.path.words { text += "\(words): " }
      text += fault.sentence
      if let help = fault.help { text += " \(help)" }
    }
    if untold > 0 { text += "\nand \(untold) more." }
    return text
  }
}
