public import Firmware
internal import USB

/// Where two firmware files put different bytes into memory: `dfu file diff`.
public struct FileDiffReport: Encodable, Hashable, Sendable {
  /// How a stretch of memory differs.
  public enum Kind: String, Encodable, Hashable, Sendable, CaseIterable {
    /// Both have bytes there, and they differ.
    case different
    /// Only the first file has bytes there.
    case onlyFirst = "only-first"
    /// Only the second file has bytes there.
    case onlySecond = "only-second"
  }

  /// A stretch of memory that differs.
  public struct Difference: Encodable, Hashable, Sendable {
    /// The alternate setting, where both files say one.
    public var alternateSetting: UInt8?
    /// The address of the first byte; an offset where neither file has addresses.
    public var address: String
    /// How many bytes it is long.
    public var length: UInt64
    /// How it differs.
    public var kind: Kind
    /// The first bytes of the first file, in hexadecimal; at most eight.
    public var first: String?
    /// The first bytes of the second file, in hexadecimal; at most eight.
    public var second: String?
  }

  /// The name and version of this document's shape.
  public var schema = "dfu.file-diff/1"
  /// The name of the first file.
  public var first: String
  /// The name of the second file.
  public var second: String
  /// Whether both put the same bytes at the same addresses.
  public var isSame: Bool
  /// How many bytes differ, or are in one file only.
  public var byteCount: UInt64
  /// The stretches, ascending in each target.
  public var differences: [Difference]

  /// Compares nothing yet; see ``compare(_:_:alternateSetting:)``.
  public init(first: String, second: String) {
    self.first = first
    self.second = second
    isSame = true
    byteCount = 0
    differences = []
  }

  /// Adds the differences of two images.
  ///
  /// - Parameters:
  ///   - first: what the first file puts into a memory.
  ///   - second: what the second file puts there.
  ///   - alternateSetting: which memory, where it is said.
  public mutating func compare(
    _ first: FirmwareImage, _ second: FirmwareImage, alternateSetting: UInt8?
  ) {
    for range in first.differences(from: second) {
      for (part, kind) in Self.parts(of: range, first, second) {
        let head = part.lowerBound..<min(part.upperBound, part.lowerBound + 8)
        differences.append(
          Difference(
            alternateSetting: alternateSetting, address: addressText(part.lowerBound),
            length: part.upperBound - part.lowerBound, kind: kind,
            first: kind == .onlySecond ? nil : Self.hexText(first, head),
            second: kind == .onlyFirst ? nil : Self.hexText(second, head)))
        byteCount += part.upperBound - part.lowerBound
      }
    }
    isSame = differences.isEmpty
  }

  // A range that differs may begin where both have bytes and end where one has.
  private static func parts(
    of range: Range<UInt64>, _ first: FirmwareImage, _ second: FirmwareImage
  ) -> [(Range<UInt64>, Kind)] {
    var edges: Set<UInt64> = [range.lowerBound, range.upperBound]
    for piece in first.pieces(in: range) + second.pieces(in: range) {
      edges.insert(piece.address)
      edges.insert(piece.address + UInt64(piece.bytes.count))
    }
    var parts: [(Range<UInt64>, Kind)] = []
    let sorted = edges.sorted()
    for (lower, upper) in zip(sorted, sorted.dropFirst()) {
      let kind: Kind =
        switch (first.covers(lower..<upper), second.covers(lower..<upper)) {
        case (true, false): .onlyFirst
        case (false, true): .onlySecond
        default: .different
        }
      if let last = parts.last, last.1 == kind, last.0.upperBound == lower {
        parts[parts.count - 1].0 = last.0.lowerBound..<upper
      } else {
        parts.append((lower..<upper, kind))
      }
    }
    return parts
  }

  private static func hexText(_ image: FirmwareImage, _ range: Range<UInt64>) -> String {
    image.bytes(in: range, fill: 0xFF).map { hex($0) }.joined(separator: " ")
  }

  // MARK: Text

  private static let listLimit = 24

  /// The report for a person.
  public func text(_ style: TextStyle) -> String {
    let names = "\(terminalSafe(first)) and \(terminalSafe(second))"
    if isSame {
      return style(.good, "Same:") + " \(names) put the same bytes at the same addresses.\n"
    }
    var lines = [
      style(.bad, "Different:") + " \(names) differ in \(exactSizeText(byteCount)), in "
        + countText(differences.count, "place") + "."
    ]
    var table = TextTable([.leading, .trailing])
    for difference in differences.prefix(Self.listLimit) {
      let place = difference.alternateSetting.map { "@\($0) " } ?? ""
      table.add([
        place + style(.accent, difference.address), sizeText(difference.length),
        words(difference, style),
      ])
    }
    lines += table.lines(indent: 2)
    if differences.count > Self.listLimit {
      lines.append("  and \(differences.count - Self.listLimit) places more")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func words(_ difference: Difference, _ style: TextStyle) -> String {
    // Eight bytes of each fit a line of 80 columns only without the words; four of each do.
    let count = difference.kind == .different ? 4 * 3 - 1 : 8 * 3 - 1
    func short(_ text: String?) -> String {
      let text = text ?? ""
      let isCut = text.count > count || difference.length > 8
      return String(text.prefix(count)) + (isCut ? style.usesDrawing ? "…" : "..." : "")
    }
    return switch difference.kind {
    case .different:
      "\(short(difference.first)) \(style.usesDrawing ? "→" : "->") \(short(difference.second))"
    case .onlyFirst: "only in the first: \(short(difference.first))"
    case .onlySecond: "only in the second: \(short(difference.second))"
    }
  }
}
