public import DFU
public import DFUHost
internal import USB

/// The option bytes of a device in words: `dfu options`.
public struct OptionReport: Encodable, Hashable, Sendable {
  /// A field.
  public struct Field: Encodable, Hashable, Sendable {
    /// Its name, as in the manual.
    public var name: String
    /// What it is, in a few words.
    public var sentence: String
    /// Its number.
    public var value: UInt32
    /// The number as it is printed, for example `0xAA`.
    public var text: String
    /// What the number means.
    public var words: String
    /// Whether the factory sets it so.
    public var isFactoryValue: Bool
    /// What it takes.
    public var takes: String
    /// What to know before changing it.
    public var caution: String?

    /// What a person reads behind the number: a number alone means nothing.
    var meaning: String { words == text ? sentence : words }

    /// A field with what it holds.
    public init(_ value: OptionBytes.Value) {
      name = value.field.name
      sentence = value.field.sentence
      self.value = value.number
      text = value.field.text(value.number)
      words = value.words
      isFactoryValue = value.isFactoryValue
      takes = value.field.possibleValues
      caution = value.field.caution
    }
  }

  /// A block, as it is in memory.
  public struct Block: Encodable, Hashable, Sendable {
    /// Its first address, as `0x1FFFC000`.
    public var address: String
    /// Its bytes in hexadecimal digits, blanks between them.
    public var bytes: String

    /// A block.
    public init(_ block: OptionBytes.Block) {
      address = addressText(block.address)
      bytes = block.bytes.map { hex($0).uppercased() }.joined(separator: " ")
    }

    /// Lines of sixteen bytes, the address before the first.
    func lines(_ style: TextStyle) -> [String] {
      let bytes = bytes.split(separator: " ")
      let blank = String(repeating: " ", count: address.count)
      return stride(from: 0, to: bytes.count, by: 16).map { start in
        let row = bytes[start..<min(start + 16, bytes.count)].joined(separator: " ")
        return "\(start == 0 ? style(.accent, address) : blank)  \(row)"
      }
    }
  }

  /// The name and version of this document's shape.
  public var schema = "dfu.options/1"
  /// What a person types to name the device.
  public var device: String
  /// The chip, as far as it is known.
  public var chip: String?
  /// The alternate setting that shows them.
  public var target: UInt8
  /// The key of the layout, for example `stm32f4`; nil where it is not known.
  public var layout: String?
  /// Where the names come from: manual and section; nil where there are none.
  public var manual: String?
  /// The level of read protection; nil where it is not known.
  public var readProtection: UInt8?
  /// The numbers of the write-protected sectors of the flash; nil where they are not known.
  public var writeProtectedSectors: [Int]?
  /// The fields; empty where their names are not known.
  public var fields: [Field]
  /// The bytes.
  public var blocks: [Block]
  /// What is odd or not known.
  public var notes: [String]

  /// The report of what was read.
  ///
  /// - Parameters:
  ///   - contents: what was read.
  ///   - description: the device.
  ///   - flash: its internal flash; nil where it is not known.
  ///   - selector: what a person types to name it.
  public init(
    _ contents: OptionByteContents, of description: DFUDescription, flash: MemoryMap?,
    selector: String
  ) {
    device = selector
    chip = description.chip.map { $0.certainty == .certain ? $0.name : "probably \($0.name)" }
    target = contents.target.alternateSetting
    layout = contents.options?.layout.key
    manual = contents.options?.layout.manual
    readProtection = contents.options?.readProtection?.rawValue
    if let options = contents.options, let flash {
      writeProtectedSectors = options.writeProtectedSectors(in: flash).sorted()
    }
    fields = contents.options?.values.map(Field.init) ?? []
    blocks = contents.blocks.map(Block.init)
    notes = [contents.obstacle].compactMap(\.self)
    notes += (contents.options?.notes ?? []) + contents.doubts
  }

  /// An aligned table: name, value, meaning; and the bytes where they are asked for or all there is.
  ///
  /// - Parameters:
  ///   - style: how it may look.
  ///   - isVerbose: whether sentences, values and bytes are shown.
  /// - Returns: the lines, with a line end behind each.
  public func text(_ style: TextStyle, isVerbose: Bool = false) -> String {
    let what = chip.map { "Option bytes, \($0)" } ?? "Option bytes"
    var lines = [
      "\(style(.strong, what))  \(style(.faint, "at \(terminalSafe(device))"))"
    ]
    lines += isVerbose ? fieldsAtLength(style) : fieldTable(style)
    if fields.contains(where: { !$0.isFactoryValue }) {
      lines.append("  " + style(.faint, "* is not as the factory sets it"))
    }
    if isVerbose || fields.isEmpty {
      for block in blocks { lines += block.lines(style).map { "  " + $0 } }
    }
    if isVerbose, let manual { lines.append("  " + style(.faint, "named as in \(manual)")) }
    for note in notes {
      lines.append(
        "  " + style(.warning, "note") + " "
          + wrapped(terminalSafe(note), width: style.width, indent: 7))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func fieldTable(_ style: TextStyle) -> [String] {
    optionLines(
      fields.map { field in
        let value = (field.isFactoryValue ? " " : "*") + field.text
        return OptionLine(
          cells: [
            style(.strong, field.name), field.isFactoryValue ? value : style(.warning, value),
          ], words: field.meaning)
      }, style)
  }

  private func fieldsAtLength(_ style: TextStyle) -> [String] {
    var lines: [String] = []
    for (field, line) in zip(fields, fieldTable(style)) {
      lines.append(line)
      let more = ["\(field.sentence); takes \(field.takes)", field.caution].compactMap(\.self)
      for text in more {
        lines.append(
          "      " + style(.faint, wrapped(text, width: style.width, indent: 6)))
      }
    }
    return lines
  }
}

/// A line of a table: short cells, and words that may need several lines.
struct OptionLine {
  var cells: [String]
  var words: String
}

/// A table; the words at the end of a line go on below themselves where they are too long.
func optionLines(_ rows: [OptionLine], _ style: TextStyle) -> [String] {
  var table = TextTable()
  for row in rows { table.add(row.cells) }
  let heads = table.lines(indent: 2)
  let place = (heads.map(displayWidth).max() ?? 0) + 2
  return zip(rows, heads).map { row, head in
    guard !row.words.isEmpty else { return head }
    return head + String(repeating: " ", count: place - displayWidth(of: head))
      + wrapped(row.words, width: style.width, indent: place)
  }
}

extension OptionField {
  /// A number as people write it: choices and pages in decimal digits, everything else in
  /// hexadecimal ones.
  func text(_ number: UInt32) -> String {
    switch kind {
    case .choice, .areaStart, .areaEnd: "\(number)"
    case .readProtection, .number, .protection, .address: digits(number)
    }
  }
}
