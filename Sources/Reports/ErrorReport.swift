public import USB

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
    if let help = error.help {
      text += "  " + wrapped(safe(help), width: style.width, indent: 2) + "\n"
    }
    return text
  }

  private func safe(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { terminalSafe(String($0)) }.joined(separator: "\n")
  }
}
