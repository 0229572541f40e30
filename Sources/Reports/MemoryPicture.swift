public import DFU
public import Firmware
internal import USB

/// A drawing of an image in memory: one row for each stretch of addresses, with a bar that shows
/// where its bytes lie.
///
///     0x08000000 │████████████████████████████░░░░│ 16 KiB  vector table
///                ⋮ 48 KiB without bytes
///     0x08010000 │████························│ 2 KiB
///
/// The rows are either equal parts of the image, or the sectors of a device.
public struct MemoryPicture: Hashable, Sendable {
  /// What lies in one cell of a bar.
  public enum Cell: Hashable, Sendable, CaseIterable {
    /// No byte of the image.
    case absent
    /// Bytes, all of them what erased flash holds anyway.
    case blank
    /// Bytes.
    case filled
  }

  /// One stretch of addresses.
  public struct Row: Hashable, Sendable {
    /// The addresses that the bar covers.
    public var range: Range<UInt64>
    /// The bar, ascending.
    public var cells: [Cell]
    /// How many of its bytes the image has.
    public var byteCount: UInt64
    /// What else is to be said of it; in few words.
    public var label: String
    /// How the label looks.
    public var tone: TextStyle.Tone
  }

  /// Something at an address, named in the row that covers it.
  public struct Mark: Hashable, Sendable {
    /// Where it is.
    public var address: UInt64
    /// What it is, in few words.
    public var label: String

    /// A mark.
    public init(address: UInt64, label: String) {
      self.address = address
      self.label = label
    }
  }

  /// The cells of a bar.
  public static let cellCount = 32
  /// Whether the places are offsets in a payload, and not addresses of a memory.
  public var showsOffsets = false
  /// What an erased byte holds.
  private let erasedByte: UInt8
  /// The rows, ascending, never overlapping; between them no byte of the image lies.
  public private(set) var rows: [Row] = []

  /// Draws an image in rows of equal size: the smallest power of two that needs no more than
  /// `maximumRows`.
  ///
  /// - Parameters:
  ///   - image: what is drawn.
  ///   - marks: what is named.
  ///   - maximumRows: how many rows the picture may have.
  ///   - erasedByte: what an erased byte of the memory holds.
  public init(
    of image: FirmwareImage, marks: [Mark] = [], maximumRows: Int = 12, erasedByte: UInt8 = 0xFF
  ) {
    self.erasedByte = erasedByte
    let extents = image.extents
    // At least one byte for each cell.
    var size = UInt64(Self.cellCount)
    while size < 1 << 40, Self.starts(of: extents, size: size, limit: maximumRows) == nil {
      size *= 2
    }
    for start in Self.starts(of: extents, size: size, limit: maximumRows) ?? [] {
      let range = start..<start + size
      let labels = marks.filter { range.contains($0.address) }.map(\.label)
      rows.append(row(range, of: image, label: labels.joined(separator: ", "), tone: .faint))
    }
  }

  /// Draws an image over the sectors of a device, one row for each.
  ///
  /// - Parameters:
  ///   - image: what is drawn.
  ///   - sectors: ascending, not overlapping.
  ///   - erasedByte: what an erased byte of the memory holds.
  ///   - label: what to say of a sector, and how it looks.
  public init(
    of image: FirmwareImage, sectors: some Sequence<Sector>, erasedByte: UInt8 = 0xFF,
    label: (Sector) -> (String, TextStyle.Tone)
  ) {
    self.erasedByte = erasedByte
    for sector in sectors {
      let (text, tone) = label(sector)
      rows.append(row(sector.range, of: image, label: text, tone: tone))
    }
  }

  // The starts of the aligned blocks of `size` that hold a byte; nil where they are too many.
  private static func starts(
    of extents: [Range<UInt64>], size: UInt64, limit: Int
  ) -> [UInt64]? {
    var starts: [UInt64] = []
    for extent in extents where !extent.isEmpty {
      var start = extent.lowerBound / size * size
      if let last = starts.last, start <= last { start = last + size }
      while start < extent.upperBound {
        if starts.count == limit { return nil }
        starts.append(start)
        start += size
      }
    }
    return starts
  }

  private func row(
    _ range: Range<UInt64>, of image: FirmwareImage, label: String, tone: TextStyle.Tone
  ) -> Row {
    var row = Row(range: range, cells: [], byteCount: 0, label: label, tone: tone)
    let size = range.upperBound - range.lowerBound
    let count = min(UInt64(Self.cellCount), size)
    var lower = range.lowerBound
    for index in 1...max(1, count) {
      // Divided before it is multiplied, so that no sector is too large.
      let upper =
        range.lowerBound + size / count * index + size % count * index / count
      let pieces = image.pieces(in: lower..<upper)
      row.byteCount += pieces.reduce(0) { $0 + UInt64($1.bytes.count) }
      let cell: Cell =
        if pieces.isEmpty {
          .absent
        } else if pieces.allSatisfy({ $0.bytes.allSatisfy { $0 == erasedByte } }) {
          .blank
        } else {
          .filled
        }
      row.cells.append(cell)
      lower = upper
    }
    return row
  }

  // MARK: Text

  /// The drawing, line by line, each behind `indent` blanks.
  public func lines(_ style: TextStyle, indent: Int = 2) -> [String] {
    var lines: [String] = []
    let margin = String(repeating: " ", count: indent)
    var end: UInt64?
    let sizes = rows.map { sizeText($0.byteCount) }
    let width = sizes.map(\.count).max() ?? 0
    for (row, size) in zip(rows, sizes) {
      if let end, end < row.range.lowerBound {
        let gap = sizeText(row.range.lowerBound - end)
        lines.append(
          margin + style(.faint, "           \(style.usesDrawing ? "⋮" : ":") \(gap) without bytes")
        )
      }
      end = row.range.upperBound
      let address = placeText(row.range.lowerBound)
      let border = style(.faint, style.usesDrawing ? "│" : "|")
      var line = "\(margin)\(style(.accent, address)) \(border)\(bar(row, style))\(border) "
      line += String(repeating: " ", count: width - size.count) + size
      if !row.label.isEmpty { line += "  " + style(row.tone, terminalSafe(row.label)) }
      lines.append(line)
    }
    return lines
  }

  private func placeText(_ place: UInt64) -> String {
    // As wide as an address.
    showsOffsets ? "+0x" + hex(place, digits: 7).uppercased() : addressText(place)
  }

  /// One line that says what the signs of the bars mean; only those that occur.
  public func legend(_ style: TextStyle, indent: Int = 2) -> String {
    let used = Set(rows.flatMap(\.cells))
    let words: [(Cell, String)] = [
      (.filled, "data"), (.blank, "0x\(hex(erasedByte).uppercased()), as erased"),
      (.absent, "no bytes"),
    ]
    let parts = words.filter { used.contains($0.0) }
      .map { "\(sign($0.0, style)) \($0.1)" }
    return String(repeating: " ", count: indent) + style(.faint, parts.joined(separator: "   "))
  }

  private func bar(_ row: Row, _ style: TextStyle) -> String {
    var bar = ""
    // On a narrow terminal each sign is for two cells.
    let isNarrow = style.width < Self.cellCount + 40
    let cells = isNarrow ? Self.halved(row.cells) : row.cells
    let width = isNarrow ? Self.cellCount / 2 : Self.cellCount
    var index = cells.startIndex
    while index < cells.endIndex {
      let cell = cells[index]
      let end = cells[index...].firstIndex { $0 != cell } ?? cells.endIndex
      let signs = String(repeating: sign(cell, style), count: end - index)
      bar += style(cell == .filled ? .accent : .faint, signs)
      index = end
    }
    return bar + String(repeating: " ", count: max(0, width - cells.count))
  }

  private static func halved(_ cells: [Cell]) -> [Cell] {
    stride(from: 0, to: cells.count, by: 2).map { index in
      let pair = cells[index..<min(index + 2, cells.count)]
      return pair.contains(.filled) ? .filled : pair.contains(.blank) ? .blank : .absent
    }
  }

  private func sign(_ cell: Cell, _ style: TextStyle) -> String {
    switch cell {
    case .absent: style.usesDrawing ? "·" : "."
    case .blank: style.usesDrawing ? "░" : "-"
    case .filled: style.usesDrawing ? "█" : "#"
    }
  }
}
