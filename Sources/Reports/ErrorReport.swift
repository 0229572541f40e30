public import USB
private import VirtualDFU

/// An error as a JSON document, and as text for stderr.
public struct ErrorReport: Encodable, Hashable, Sendable {
  /// What happened, in the three texts of `ExplainedError`.
  public struct Explanation: Encodable, Hashable, Sendable {
    /// A stable name for the kind of error.
    public var slug: String
    /// What happened.
    public var sentence: String
    /// What to do next.
    public var help: String?
    /// Where a text that somebody wrote is wrong; absent for other errors.
    public var faults: [Fault]?
    /// How many faults there are beyond those; absent where these are all.
    public var untoldFaults: Int?
  }

  /// Something wrong at a place of a text.
  public struct Fault: Encodable, Hashable, Sendable {
    /// The file, as it was named.
    public var file: String
    /// The line, from 1.
    public var line: Int
    /// The character in the line, from 1, counted in Unicode scalars.
    public var column: Int
    /// The way to the value, as a program reads it: `memories[0].sectors[1].size`.
    public var path: String
    /// The same, as a person reads it; absent for the whole text.
    public var subject: String?
    /// What is wrong.
    public var sentence: String
    /// What to write instead.
    public var help: String?
  }

  /// The name and version of this document's shape.
  public var schema = "dfu.error/1"
  /// What happened.
  public var error: Explanation
  /// The status with which the process ends.
  public var exitStatus: Int32

  /// The report of an explained error.
  public init(_ error: any ExplainedError, exitStatus: Int32) {
    self.init(
      slug: error.slug, sentence: error.sentence, help: error.help, exitStatus: exitStatus)
    guard let error = error as? ProfileDescriptionError else { return }
    self.error.faults = error.faults.map { fault in
      Fault(
        file: error.file, line: fault.place.line, column: fault.place.column,
        path: fault.path.keys, subject: fault.path.words, sentence: fault.sentence,
        help: fault.help)
    }
    self.error.untoldFaults = error.untold > 0 ? error.untold : nil
  }

  /// The report of an error that has no type of its own.
  public init(slug: String, sentence: String, help: String?, exitStatus: Int32) {
    self.error = Explanation(slug: slug, sentence: sentence, help: help)
    self.exitStatus = exitStatus
  }

  /// `dfu: sentence`, and the help on lines of its own.
  public func text(_ style: TextStyle) -> String {
    var text = style(.bad, "dfu:") + " "
    text += wrapped(safe(error.sentence), width: style.width, indent: 2, used: 5) + "\n"
    for fault in error.faults ?? [] { text += lines(fault, style) }
    if let untold = error.untoldFaults { text += "  and \(untold) more.\n" }
    if let help = error.help {
      text += "  " + wrapped(safe(help), width: style.width, indent: 2) + "\n"
    }
    return text
  }

  /// The place and the subject on a line, and what is wrong with it below.
  private func lines(_ fault: Fault, _ style: TextStyle) -> String {
    let place = "\(terminalSafe(fault.file)):\(fault.line):\(fault.column)"
    var text = "  " + style(.accent, place)
    if let subject = fault.subject { text += "  " + style(.strong, terminalSafe(subject)) }
    text += "\n    " + wrapped(safe(fault.sentence), width: style.width, indent: 4) + "\n"
    if let help = fault.help {
      text += "    " + wrapped(safe(help), width: style.width, indent: 4) + "\n"
    }
    return text
  }

  private func safe(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { terminalSafe(String($0)) }.joined(separator: "\n")
  }
}
