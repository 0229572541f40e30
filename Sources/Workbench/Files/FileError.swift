public import USB

/// Why a file could not be read or written.
public struct FileError: ExplainedError, Hashable {
  /// What kind of failure it is.
  public enum Code: String, Hashable, Sendable, CaseIterable {
    /// There is no such file.
    case notFound = "file-not-found"
    /// It is a directory, and a file is needed.
    case isDirectory = "file-is-directory"
    /// The system refuses to open it.
    case notReadable = "file-not-readable"
    /// It has no bytes.
    case empty = "file-empty"
    /// It is larger than any firmware.
    case tooLarge = "file-too-large"
    /// Reading broke off.
    case readFailed = "file-read-failed"
    /// The user interrupted the program while it waited for input.
    case interrupted = "interrupted"
    /// It exists, and it was not said that it may be replaced.
    case exists = "output-exists"
    /// It cannot be created.
    case cannotCreate = "output-cannot-create"
    /// Writing broke off; what was there before is untouched.
    case writeFailed = "output-write-failed"
  }

  /// What kind of failure it is.
  public var code: Code
  /// What happened.
  public var sentence: String
  /// What to do next.
  public var help: String?

  /// A failure with the words for it.
  public init(_ code: Code, _ sentence: String, help: String? = nil) {
    self.code = code
    self.sentence = sentence
    self.help = help
  }

  /// The code's name.
  public var slug: String { code.rawValue }
}
