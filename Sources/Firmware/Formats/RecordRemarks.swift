/// What a reader of records accepted although the format does not have it: said once per kind, with the
/// line where it first happened and how often it did.
struct RecordRemarks {
  /// The kinds, in the order in which they are told.
  enum Kind: Int, CaseIterable {
    case byteOrderMark, blanks, comment, lowerCaseLetter, emptyRecord, secondFile
    case entryPointChanged, missingEnd, noData
  }

  private var first: [Int?] = Array(repeating: nil, count: Kind.allCases.count)
  private var counts: [Int] = Array(repeating: 0, count: Kind.allCases.count)
  /// The text of the first S0 record, where it is text.
  var header: String?

  /// Remembers that `kind` happened at `line`.
  mutating func add(_ kind: Kind, line: Int) {
    if first[kind.rawValue] == nil { first[kind.rawValue] = line }
    counts[kind.rawValue] += 1
  }

  /// One note for each kind that happened.
  func notes(format: FirmwareFormat) -> [FirmwareNote] {
    var notes: [FirmwareNote] = []
    if let header {
      notes.append(FirmwareNote("header-text", .info, "The header record says “\(header)”."))
    }
    for kind in Kind.allCases {
      guard let line = first[kind.rawValue] else { continue }
      notes.append(Self.note(kind, line: line, count: counts[kind.rawValue], format: format))
    }
    return notes
  }

  private static func note(
    _ kind: Kind, line: Int, count: Int, format: FirmwareFormat
  ) -> FirmwareNote {
    let place = count == 1 ? "Line \(line)" : "Line \(line) (and \(count - 1) more)"
    switch kind {
    case .byteOrderMark:
      return FirmwareNote(
        "byte-order-mark", .warning, "The file begins with a UTF-8 byte order mark.",
        help: "It was passed over; some programs lose the first line because of it.")
    case .blanks:
      return FirmwareNote("blanks-around-record", .info, "\(place) has blanks around its record.")
    case .comment:
      return FirmwareNote(
        "comment-line", .warning, "\(place) is a comment, which the format does not have.")
    case .lowerCaseLetter:
      return FirmwareNote(
        "lower-case-record", .warning, "\(place) begins with a lower-case “s”.",
        help: "Most programs refuse such a file.")
    case .emptyRecord:
      return FirmwareNote("empty-record", .info, "\(place) is a data record without data.")
    case .secondFile:
      return FirmwareNote(
        "second-file", .warning,
        "A complete second \(format.name) file begins at line \(line); both were read.",
        help: "Most programs read only the first.")
    case .entryPointChanged:
      return FirmwareNote(
        "entry-point-changed", .warning,
        "\(place) gives another entry point than a line before it; the last one counts.")
    case .missingEnd:
      return FirmwareNote(
        "end-missing", .warning, "The file ends at line \(line) without an end record.",
        help: "If lines are missing there, nothing else would show it: compare with the original.")
    case .noData:
      return FirmwareNote("no-data", .warning, "The file holds no data.")
    }
  }
}
