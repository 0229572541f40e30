/// How well a rule or a fact is known. What is printed carries it on: the reader learns what is certain.
public enum Certainty: String, Codable, Hashable, Sendable, CaseIterable {
  /// The system's own documentation says so.
  case documented
  /// It stands in the source of the system, or in a file that was read.
  case read
  /// Seen in a log of a real machine, or tried on one.
  case seen
  /// Long-standing common knowledge that was not checked against a source.
  case known
  /// It follows from the other rules; nobody saw it.
  case derived
  /// Not known: what is said is a guess.
  case open

  /// Whether a sentence that rests on it may be said without "probably".
  public var isFirm: Bool { self == .documented || self == .read || self == .seen }

  /// In words: `documented`, `seen in a log`.
  public var text: String {
    switch self {
    case .documented: "documented"
    case .read: "read in a file"
    case .seen: "seen in a log"
    case .known: "common knowledge"
    case .derived: "probably: it follows from the other rules"
    case .open: "not known for certain"
    }
  }
}

/// Where a fact comes from, and how well it is known.
public struct Evidence: Codable, Hashable, Sendable {
  /// The file and line, or the document and section: `oem12.inf:34`, `drivers/usb/core/driver.c, usb_match_device`.
  public var source: String
  /// How well it is known.
  public var certainty: Certainty

  /// What rests on `source`.
  public init(_ source: String, _ certainty: Certainty) {
    self.source = source
    self.certainty = certainty
  }
}
