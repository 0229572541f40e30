/// Columns of text, aligned by the columns that they take on a terminal.
public struct TextTable: Hashable, Sendable {
  /// On which side of its column a cell stands.
  public enum Alignment: Hashable, Sendable {
    /// Text.
    case leading
    /// Numbers.
    case trailing
  }

  /// One for each column; columns beyond are leading.
  public var alignments: [Alignment]
  /// The cells, row by row; they may hold escape sequences.
  public private(set) var rows: [[String]] = []

  /// An empty table.
  public init(_ alignments: [Alignment] = []) {
    self.alignments = alignments
  }

  /// Adds a row; it may be shorter than others.
  public mutating func add(_ cells: [String]) { rows.append(cells) }

  /// The lines, each behind `indent` blanks, the columns two blanks apart, nothing after the last
  /// word.
  public func lines(indent: Int = 0) -> [String] {
    var widths: [Int] = []
    for row in rows {
      for (column, cell) in row.enumerated() {
        let width = displayWidth(of: cell)
        if column < widths.count {
          widths[column] = max(widths[column], width)
        } else {
          widths.append(width)
        }
      }
    }
    return rows.map { row in
      var line = String(repeating: " ", count: indent)
      var owed = 0
      for (column, cell) in row.enumerated() {
        let blanks = String(repeating: " ", count: widths[column] - displayWidth(of: cell))
        let isTrailing = column < alignments.count && alignments[column] == .trailing
        if isTrailing { owed += blanks.count }
        if !cell.isEmpty {
          line += String(repeating: " ", count: owed) + cell
          owed = 0
        }
        if !isTrailing { owed += blanks.count }
        owed += 2
      }
      return line
    }
  }
}
