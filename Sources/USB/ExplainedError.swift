/// An error that a person can act on. The command, the JSON and the page render the same three texts.
public protocol ExplainedError: Error, Sendable, CustomStringConvertible {
  /// A stable name for the kind of error: lower case, words joined by hyphens.
  var slug: String { get }
  /// What happened: one sentence, with the byte, the address or the name that it is about.
  var sentence: String { get }
  /// What to do next, or nil where nothing useful can be said.
  var help: String? { get }
}

extension ExplainedError {
  /// The sentence, and the help behind it.
  public var description: String {
    guard let help else { return sentence }
    return "\(sentence) \(help)"
  }
}
