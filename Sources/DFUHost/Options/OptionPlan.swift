public import DFU
public import USB

/// What changing option bytes will do to a part: a value to print, to confirm and to carry out.
public struct OptionPlan: Hashable, Sendable {
  /// A wish: a field, and the value it shall have, both as a person types them.
  public struct Setting: Hashable, Sendable {
    /// The name of the field, in any case.
    public var name: String
    /// A number, or words.
    public var value: String

    /// A wish.
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// Something that follows from the change, and that a person should know before.
  public struct Consequence: Hashable, Sendable {
    /// What kind it is.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
      /// The part resets.
      case resets
      /// The flash cannot be read any more, nor written through this bootloader.
      case readProtects = "read-protects"
      /// Nothing and nobody gets into the part any more.
      case closesForEver = "closes-for-ever"
      /// Everything in the flash is erased.
      case erases
      /// Sectors cannot be erased or written any more.
      case writeProtects = "write-protects"
      /// Sectors can be erased and written again.
      case writeEnables = "write-enables"
      /// Something about a field.
      case caution
    }

    /// What kind it is.
    public var kind: Kind
    /// One sentence.
    public var sentence: String
  }

  /// The alternate setting that shows the option bytes.
  public var target: FlashTarget
  /// What the part holds.
  public var old: OptionBytes
  /// What it shall hold.
  public var new: OptionBytes
  /// What follows from that, the gravest last.
  public var consequences: [Consequence]
  private var doubts: [String]

  /// Plans to change some fields.
  ///
  /// - Parameters:
  ///   - settings: what to change, in order.
  ///   - contents: what was read of the part.
  ///   - flash: its internal flash, for the addresses of sectors.
  /// - Throws: ``OptionPlanError`` for a name or a value that there is not, and for a part whose option
  ///   bytes are not known.
  public init(
    _ settings: [Setting], of contents: OptionByteContents, flash: MemoryMap? = nil
  ) throws(OptionPlanError) {
    guard let options = contents.options else {
      throw .unknownPart(contents.obstacle ?? "The option bytes of this part are not known here.")
    }
    target = contents.target
    doubts = contents.doubts
    old = options
    var new = options
    do throws(OptionByteError) {
      for setting in settings { new = try new.setting(setting.name, to: setting.value) }
    } catch { throw .options(error) }
    self.new = new
    let blocks = new.changedBlocks(from: options)
    if let block = blocks.first(where: { $0.bytes.count > contents.target.transferSize }) {
      throw .blockTooLong(block, contents.target.transferSize)
    }
    consequences = []
    if !blocks.isEmpty { consequences = expected(blocks.count, flash) }
  }

  /// The fields that change.
  public var changes: [OptionBytes.Change] { new.changes(from: old) }

  /// The blocks that are written, in their order: each resets the part, and behind read protection
  /// there is no more writing, so that the block which holds it is the last.
  public var blocks: [OptionBytes.Block] {
    let first = old.layout.blocks.first?.address
    let changed = new.changedBlocks(from: old)
    return changed.filter { $0.address != first } + changed.filter { $0.address == first }
  }

  /// Whether nothing would change.
  public var changesNothing: Bool { blocks.isEmpty }

  /// Whether it would close the part for ever.
  public var closesForEver: Bool { consequences.contains { $0.kind == .closesForEver } }

  /// Whether the part is read-protected afterwards, so that its option bytes cannot be read back.
  public var readProtects: Bool { (new.readProtection ?? .zero) > .zero }

  private func expected(_ blockCount: Int, _ flash: MemoryMap?) -> [Consequence] {
    var list: [Consequence] = []
    func add(_ kind: Consequence.Kind, _ sentence: String) {
      list.append(Consequence(kind: kind, sentence: sentence))
    }
    add(
      .resets,
      blockCount == 1
        ? "The part resets when they are written."
        : "The part resets after each of the \(blockCount) blocks.")
    for caution in doubts + cautions { add(.caution, caution) }
    if let flash {
      let before = old.writeProtectedSectors(in: flash)
      let after = new.writeProtectedSectors(in: flash)
      if let words = flash.words(ofSectors: after.subtracting(before)) {
        add(.writeProtects, "\(words) can then not be erased or written any more.")
      }
      if let words = flash.words(ofSectors: before.subtracting(after)) {
        add(.writeEnables, "\(words) can then be erased and written again.")
      }
    }
    switch (old.readProtection ?? .zero, new.readProtection ?? .zero) {
    case (.one, .zero): add(.erases, "The part erases ALL of its flash.")
    case (.zero, .one):
      add(
        .readProtects,
        "The bootloader will not read, write or erase any more. Going back, `dfu unprotect`, erases "
          + "ALL of the flash.")
    default: break
    }
    if new.closesForEverWhenWritten {
      add(
        .closesForEver,
        "Read protection of level 2 closes the bootloader and the debug port FOR EVER: nobody gets "
          + "into this part again, its maker included.")
    }
    return list
  }

  private var cautions: [String] {
    var seen: Set<String> = []
    var cautions: [String] = []
    for change in changes {
      guard let caution = change.field.caution, seen.insert(caution).inserted else { continue }
      let names = changes.filter { $0.field.caution == caution }.map(\.field.name)
      cautions.append("\(names.joined(separator: ", ")): \(caution)")
    }
    return cautions
  }
}

/// Why option bytes cannot be changed as wished.
public enum OptionPlanError: ExplainedError, Hashable {
  /// A name or a value that there is not.
  case options(OptionByteError)
  /// The fields of this part are not known; the sentence says why.
  case unknownPart(String)
  /// A block does not fit into one transfer.
  case blockTooLong(OptionBytes.Block, Int)
  /// Level 2, without the words that it is for ever.
  case forEver(words: String)

  /// A stable name for the kind of error.
  public var slug: String {
    switch self {
    case .options(let error): error.slug
    case .unknownPart: "unknown-option-bytes"
    case .blockTooLong: "option-bytes-too-long"
    case .forEver: "for-ever"
    }
  }

  /// What happened.
  public var sentence: String {
    switch self {
    case .options(let error): error.sentence
    case .unknownPart(let sentence): sentence
    case .blockTooLong(let block, let size):
      "The option bytes at \(addressText(block.address)) are written as one block of "
        + "\(byteCountText(UInt64(block.bytes.count))), and the device takes \(size) at a time."
    case .forEver:
      "Read protection of level 2 closes the bootloader and the debug port of this part for ever; "
        + "nothing has been changed."
    }
  }

  /// What to do next.
  public var help: String? {
    switch self {
    case .options(let error): error.help
    case .unknownPart:
      "A block that was read with `dfu read` can be changed by hand and written with `dfu flash`."
    case .blockTooLong: nil
    case .forEver(let words):
      "Level 1 protects as well, and can be taken back. If it must be level 2, say so in these words: "
        + "--for-ever \"\(words)\". --yes is not enough."
    }
  }
}

extension MemoryMap {
  /// Sectors by number and address: `Sectors 2-3 (0x08008000-0x0800FFFF)`; nil for none.
  fileprivate func words(ofSectors numbers: Set<Int>) -> String? {
    var stretches: [(numbers: ClosedRange<Int>, range: Range<UInt64>)] = []
    for (number, sector) in sectors.prefix(1 << 16).enumerated() where numbers.contains(number) {
      if let last = stretches.last, last.numbers.upperBound + 1 == number,
        last.range.upperBound == sector.range.lowerBound
      {
        stretches[stretches.count - 1] = (
          last.numbers.lowerBound...number, last.range.lowerBound..<sector.range.upperBound
        )
      } else {
        stretches.append((number...number, sector.range))
      }
    }
    guard let first = stretches.first else { return nil }
    let words = stretches.prefix(4).map { stretch in
      let name =
        stretch.numbers.count == 1
        ? "\(stretch.numbers.lowerBound)"
        : "\(stretch.numbers.lowerBound)-\(stretch.numbers.upperBound)"
      return "\(name) (\(rangeText(stretch.range)))"
    }
    let isOne = stretches.count == 1 && first.numbers.count == 1
    let more = stretches.count > 4 ? " and \(stretches.count - 4) more stretches" : ""
    return "Sector\(isOne ? "" : "s") \(words.joined(separator: ", "))\(more)"
  }
}
