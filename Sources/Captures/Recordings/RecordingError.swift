public import USB

/// Why a text is no recording.
public struct RecordingError: ExplainedError, Hashable {
  /// What kind of failure it is.
  public enum Code: String, Hashable, Sendable, CaseIterable {
    /// It does not begin like a recording.
    case notARecording = "recording-not-recognised"
    /// Another version of the format.
    case version = "recording-version"
    /// A line does not follow the format.
    case malformed = "recording-malformed"
    /// A line contradicts those before it.
    case contradiction = "recording-contradiction"
    /// More than is read.
    case beyondLimit = "recording-beyond-limit"
  }

  /// What kind of failure it is.
  public var code: Code
  /// The line, counted from 1.
  public var line: Int
  /// What is wrong with it: a clause.
  public var reason: String

  init(_ code: Code, line: Int, _ reason: String) {
    self.code = code
    self.line = line
    self.reason = reason
  }

  /// The code's name.
  public var slug: String { code.rawValue }

  /// The line, and what is wrong with it.
  public var sentence: String { "Line \(line) of the recording cannot be read: \(reason)." }

  /// What to do next.
  public var help: String? {
    switch code {
    case .notARecording: "A recording is made with --record FILE."
    case .version: "Use the version of the program that wrote it, or record anew."
    case .malformed, .contradiction: "Put the line right, or record anew with --record."
    case .beyondLimit: "Record less at a time."
    }
  }
}
