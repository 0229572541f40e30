public import USB

/// Where a host does something else than was recorded.
public struct ReplayDifference: ExplainedError, Hashable {
  /// What kind of difference it is.
  public enum Kind: Hashable, Sendable {
    /// The host does something else than this line of the recording has. The reason is a clause.
    case differs(line: Int, recorded: String, because: String)
    /// The host goes on behind the last line.
    case ended(line: Int, sent: String)
    /// The recording was cut off before the answer.
    case unanswered(line: Int, recorded: String)
  }

  /// What kind of difference it is.
  public var kind: Kind

  init(_ kind: Kind) { self.kind = kind }

  /// The line of the recording, counted from 1.
  public var line: Int {
    switch kind {
    case .differs(let line, _, _), .ended(let line, _), .unanswered(let line, _): line
    }
  }

  /// A stable name for the kind of error.
  public var slug: String {
    switch kind {
    case .differs: "replay-differs"
    case .ended: "replay-ended"
    case .unanswered: "replay-unanswered"
    }
  }

  /// What happened, in one sentence.
  public var sentence: String {
    switch kind {
    case .differs(let line, let recorded, let because):
      "The recording has \(recorded) in line \(line): \(because)."
    case .ended(let line, let sent):
      "The recording ends with line \(line), and the host goes on with \(sent)."
    case .unanswered(let line, let recorded):
      "The recording was cut off in line \(line), before there was an answer to \(recorded)."
    }
  }

  /// What to do next.
  public var help: String? {
    switch kind {
    case .differs, .ended:
      "Repeat exactly the command that was recorded, with the same files, or record anew with "
        + "--record."
    case .unanswered: "Up to there it was played back; record anew with --record for the rest."
    }
  }
}

extension HostError {
  init(_ difference: ReplayDifference) {
    self.init(.other, difference.sentence, help: difference.help)
  }
}
