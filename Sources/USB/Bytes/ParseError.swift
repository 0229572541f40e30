/// Bytes that do not follow their specification: what is wrong, in which field, at which offset.
public struct ParseError: ExplainedError, Hashable {
  /// What is wrong.
  public enum Kind: Hashable, Sendable {
    /// The field needs more bytes than there are.
    case truncated(needed: Int, available: Int)
    /// The value is not one that the specification allows; the rule says which are.
    case invalid(value: String, rule: String)
    /// The value is legal but larger than this implementation accepts.
    case beyondLimit(value: String, limit: String)
  }

  /// What is wrong.
  public var kind: Kind
  /// The name of the field, as its specification spells it.
  public var field: String
  /// The offset in bytes from the start of the document.
  public var offset: Int

  /// An error about `field` at `offset`.
  public init(_ kind: Kind, field: String, offset: Int) {
    self.kind = kind
    self.field = field
    self.offset = offset
  }

  /// A stable name for the kind of error.
  public var slug: String {
    switch kind {
    case .truncated: "bytes-truncated"
    case .invalid: "bytes-invalid"
    case .beyondLimit: "bytes-beyond-limit"
    }
  }

  /// What happened, in one sentence.
  public var sentence: String {
    switch kind {
    case .truncated(let needed, let available):
      "\(field) at offset \(offset) needs \(needed) bytes, but only \(available) are left."
    case .invalid(let value, let rule):
      "\(field) at offset \(offset) is \(value); \(rule)."
    case .beyondLimit(let value, let limit):
      "\(field) at offset \(offset) is \(value), beyond the limit of \(limit)."
    }
  }

  /// What to do next; nil where nothing useful can be said.
  public var help: String? { nil }
}
