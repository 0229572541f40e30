public import USB

/// Why a file is no INF to Windows, or more than is read here; with its name and line.
public struct INFError: ExplainedError, Hashable {
  /// What is wrong.
  public enum Kind: Hashable, Sendable {
    /// There is no `[Version]` with a `Signature` (0xE0000100).
    case noVersion
    /// The signature is neither `$Windows NT$` nor `$Chicago$`.
    case unknownSignature(String)
    /// Something stands before the first section (0xE0000000).
    case textBeforeSection
    /// A section name has no closing bracket (0xE0000001).
    case unclosedSection
    /// A section name has more than 255 characters.
    case sectionNameTooLong
    /// A field has more than 4095 characters.
    case fieldTooLong
    /// The file is larger than any that is read.
    case tooLarge(bytes: Int)
    /// The file has more fields than are read.
    case tooManyFields
  }

  /// What is wrong.
  public var kind: Kind
  /// The name of the file.
  public var file: String
  /// The number of the line, from 1; 0 where it is about the whole file.
  public var line: Int

  /// An error about a line of a file.
  public init(_ kind: Kind, file: String, line: Int) {
    self.kind = kind
    self.file = file
    self.line = line
  }

  /// A stable name for the kind of error.
  public var slug: String {
    switch kind {
    case .noVersion: "inf-no-version"
    case .unknownSignature: "inf-unknown-signature"
    case .textBeforeSection: "inf-text-before-section"
    case .unclosedSection: "inf-unclosed-section"
    case .sectionNameTooLong: "inf-section-name-too-long"
    case .fieldTooLong: "inf-field-too-long"
    case .tooLarge: "inf-too-large"
    case .tooManyFields: "inf-too-many-fields"
    }
  }

  /// What happened, in one sentence.
  public var sentence: String {
    let place = line > 0 ? "\(file):\(line)" : file
    switch kind {
    case .noVersion: return "\(place) has no [Version] section with a Signature."
    case .unknownSignature(let signature):
      let shown = signature.unicodeScalars.prefix(40).map { $0.escaped(asASCII: false) }.joined()
      return "\(place) has the signature \"\(shown)\", which Windows does not know."
    case .textBeforeSection: return "\(place): there is text before the first [section]."
    case .unclosedSection: return "\(place): the name of a section has no closing bracket."
    case .sectionNameTooLong:
      return "\(place): the name of a section has more than \(INF.sectionNameLimit) characters."
    case .fieldTooLong: return "\(place): a field has more than \(INF.fieldLimit) characters."
    case .tooLarge(let bytes):
      return "\(place) has \(bytes) bytes, beyond the limit of \(INF.sizeLimit)."
    case .tooManyFields: return "\(place): there are more than \(INF.fieldCountLimit) fields."
    }
  }

  /// What to do next.
  public var help: String? {
    switch kind {
    case .noVersion, .unknownSignature:
      "An INF has [Version] with Signature = \"$Windows NT$\"; is this one?"
    case .textBeforeSection: "Put a ; before what is meant as a comment."
    case .unclosedSection: "Write the name as [name], on one line."
    case .sectionNameTooLong: "Give the section a shorter name."
    case .fieldTooLong: "Is a quotation mark or a line break missing?"
    case .tooLarge, .tooManyFields: "Driver packages do not come in this size; is it an INF?"
    }
  }
}
