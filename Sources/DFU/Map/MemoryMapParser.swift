extension MemoryMap {
  /// Reads the interface string of a DfuSe alternate setting, for example
  /// `@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg`.
  ///
  /// Reading is lenient: ``warnings`` tells every oddity and how it was taken. A segment of which
  /// only the type is unclear is left out and the later ones keep their places; behind a segment of
  /// unknown length nothing can be placed until the next `/address/`. Nothing is expanded, so a
  /// count of 4 294 967 295 costs nothing.
  ///
  /// - Parameter text: the string; any length, any characters.
  /// - Throws: ``MemoryMapError`` when it does not begin with `@`, or holds no group or no segment.
  public init(dfuseString text: String) throws(MemoryMapError) {
    var parser = MemoryMapParser(text)
    self = try parser.parse()
  }
}

/// The grammar of UM0424, read with recovery.
struct MemoryMapParser {
  /// A string descriptor holds 126 UTF-16 units, ST's own host accepts 511 characters; nothing
  /// honest is longer than this.
  static let maximumCharacters = 4096
  /// At most as many runs as a string of that length can hold, after overlaps are cut out, too.
  static let maximumRuns = 1024
  /// Addresses are 32 bits; memory may end exactly here.
  static let addressEnd: UInt64 = 1 << 32

  let text: [Unicode.Scalar]
  let isCut: Bool
  var position = 0
  var runs: [(run: SectorRun, position: Int)] = []
  var warnings: [MemoryMapWarning] = []
  var understoodSegments = 0

  init(_ string: String) {
    let scalars = string.unicodeScalars.prefix(Self.maximumCharacters + 1)
    isCut = scalars.count > Self.maximumCharacters
    text = Array(scalars.prefix(Self.maximumCharacters))
  }

  var current: Unicode.Scalar? { position < text.count ? text[position] : nil }

  mutating func warn(_ rule: MemoryMapWarning.Rule, at start: Int, to end: Int? = nil) {
    // The text is shown to people: no more than a glance, and nothing that moves a cursor.
    let end = min(end ?? start + 1, start + 24, text.count)
    let found = start < end ? text[start..<end].map(Self.printable).joined() : ""
    warnings.append(MemoryMapWarning(rule, position: start, found: found))
  }

  static func printable(_ scalar: Unicode.Scalar) -> String {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator:
      "\u{FFFD}"
    default: String(Character(scalar))
    }
  }

  /// Whether a character may stand in a layout behind the name. Anything else means that the text
  /// runs into memory that is not part of it: rubbish, or the next `@` string.
  static func belongs(_ scalar: Unicode.Scalar) -> Bool {
    (0x20...0x7E).contains(scalar.value) && scalar != "@"
  }

  mutating func parse() throws(MemoryMapError) -> MemoryMap {
    guard current == "@" else { throw MemoryMapError(.notALayout, position: 0) }
    let slash = text.firstIndex(of: "/") ?? text.count
    let name = Self.trimmed(text[1..<slash])
    position = slash
    var groups = 0
    while current == "/" {
      if let address = readAddress() {
        groups += 1
        readSegments(from: address)
      }
      guard skipToGroup() else { break }
    }
    if isCut { warn(.tooLong, at: text.count) }
    guard groups > 0 else {
      throw MemoryMapError(
        .noGroup, position: warnings.first?.position ?? slash, warnings: warnings)
    }
    guard understoodSegments > 0 else {
      throw MemoryMapError(
        .noSegment, position: warnings.first?.position ?? position, warnings: warnings)
    }
    return finished(name: name)
  }

  static func trimmed(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    let head = scalars.drop { $0 == " " }
    let end = (head.lastIndex { $0 != " " }).map { $0 + 1 } ?? head.startIndex
    var name = String.UnicodeScalarView()
    name.append(contentsOf: head[head.startIndex..<end])
    return String(name)
  }

  // MARK: Groups

  /// Passes over what is no group, to the next `/` that an address follows.
  ///
  /// - Returns: false at the end, and where the text stops being a layout.
  private mutating func skipToGroup() -> Bool {
    while let scalar = current {
      guard Self.belongs(scalar) else {
        warn(.trailingGarbage, at: position, to: text.count)
        position = text.count
        return false
      }
      if scalar == "/" {
        let next = text[(position + 1)...].drop { $0 == " " }.prefix(2)
        if next.first == "0", next.last == "x" || next.last == "X" { return true }
      }
      position += 1
    }
    return false
  }

  /// Reads `/address[-alias]/`; leaves the cursor behind the second slash, or where it got lost.
  private mutating func readAddress() -> UInt64? {
    position += 1
    skipBlanks()
    let start = position
    guard let (address, digits) = readHexadecimal() else {
      warn(.unclearAddress, at: start, to: segmentEnd(from: start))
      return nil
    }
    if digits == 7 { warn(.sevenDigitAddress, at: start, to: position) }
    if current == "-" {
      let alias = position
      position += 1
      guard readHexadecimal() != nil else {
        warn(.unclearAddress, at: start, to: segmentEnd(from: start))
        return nil
      }
      warn(.aliasIgnored, at: alias, to: position)
    }
    skipBlanks()
    guard current == "/", address < Self.addressEnd else {
      warn(.unclearAddress, at: start, to: segmentEnd(from: start))
      return nil
    }
    position += 1
    return address
  }

  private mutating func readHexadecimal() -> (value: UInt64, digits: Int)? {
    guard position + 1 < text.count, text[position] == "0" else { return nil }
    switch text[position + 1] {
    case "x": break
    case "X": warn(.looseSpelling, at: position, to: position + 2)
    default: return nil
    }
    position += 2
    var value: UInt64 = 0
    var digits = 0
    while let digit = current.flatMap(Self.hexadecimalDigit) {
      // Saturates far above 2^32, where the caller refuses it.
      if value < Self.addressEnd { value = value << 4 | digit }
      digits += 1
      position += 1
    }
    return digits == 0 ? nil : (value, digits)
  }

  static func hexadecimalDigit(_ scalar: Unicode.Scalar) -> UInt64? {
    switch scalar {
    case "0"..."9": UInt64(scalar.value - 0x30)
    case "a"..."f": UInt64(scalar.value - 0x61 + 10)
    case "A"..."F": UInt64(scalar.value - 0x41 + 10)
    default: nil
    }
  }

  // MARK: Segments

  private mutating func readSegments(from address: UInt64) {
    // nil once a segment of unknown length, or one that leaves the address space, has been met.
    var next: UInt64? = address
    while true {
      let start = position
      let segment = readSegment()
      if let segment {
        next = place(segment, at: next, from: start)
      } else {
        warn(.unclearSegment, at: start, to: segmentEnd(from: start))
        next = nil
        position = segmentEnd(from: start)
      }
      guard current == "," else { return }
      position += 1
    }
  }

  /// Where the text of the segment at `start` ends: at a comma, a slash, or a stranger.
  private func segmentEnd(from start: Int) -> Int {
    text[min(start, text.count)...].firstIndex { $0 == "," || $0 == "/" || !Self.belongs($0) }
      ?? text.count
  }

  struct Segment {
    var count: UInt64
    var size: UInt64
    var rights: SectorRights?
  }

  /// Reads `count*size multiplier type`, and passes over what stands between it and the next
  /// separator; nil where count and size cannot be understood.
  private mutating func readSegment() -> Segment? {
    let start = position
    skipBlanks()
    guard let count = readDecimal() else { return nil }
    skipBlanks()
    guard current == "*" else { return nil }
    position += 1
    skipBlanks()
    let sizeStart = position
    guard let size = readDecimal() else { return nil }
    guard let multiplier = readMultiplier(from: sizeStart) else { return nil }
    let (bytes, overflow) = size.multipliedReportingOverflow(by: multiplier)
    var segment = Segment(count: count, size: overflow ? .max : bytes, rights: nil)
    if let scalar = current, ("a"..."g").contains(scalar) {
      segment.rights = SectorRights(rawValue: UInt8(scalar.value & 7))
      position += 1
      let end = segmentEnd(from: position)
      let isAlone = position == end || text[position] == " "
      if !isAlone {
        segment.rights = nil
      } else if position < end, text[position..<end].contains(where: { $0 != " " }) {
        warn(.strayCharacters, at: position, to: end)
      }
    }
    let end = segmentEnd(from: position)
    if segment.rights == nil { warn(.unclearType, at: start, to: end) }
    position = end
    return segment
  }

  /// Reads the multiplier; 1 where it is missing; nil where a letter stands that is none.
  private mutating func readMultiplier(from sizeStart: Int) -> UInt64? {
    let blank = position
    while current == " " { position += 1 }
    let hasBlank = position > blank
    let letterIsNext: Bool =
      position + 1 < text.count && ("a"..."g").contains(text[position + 1])
    switch current {
    case "B":
      position += 1
      return 1
    case "K":
      position += 1
      return 1024
    case "M":
      position += 1
      return 1 << 20
    case "k":
      warn(.lowerCaseMultiplier, at: position)
      position += 1
      return 1024
    case "m":
      warn(.lowerCaseMultiplier, at: position)
      position += 1
      return 1 << 20
    case "b" where letterIsNext:
      warn(.lowerCaseMultiplier, at: position)
      position += 1
      return 1
    case .some("a"..."g"):
      if !hasBlank { warn(.missingMultiplier, at: sizeStart, to: position + 1) }
      return 1
    case nil, ",", "/":
      return 1
    case .some(let scalar) where !Self.belongs(scalar):
      return 1
    default:
      // A letter that may stand for any factor: the length is not known.
      return nil
    }
  }

  private mutating func skipBlanks() {
    let start = position
    while current == " " { position += 1 }
    if position > start { warn(.looseSpelling, at: start, to: position) }
  }

  /// Reads decimal digits, leading zeros allowed; a number beyond 64 bits stays at the largest.
  private mutating func readDecimal() -> UInt64? {
    var value: UInt64?
    while let scalar = current, ("0"..."9").contains(scalar) {
      let (tens, tensOverflow) = (value ?? 0).multipliedReportingOverflow(by: 10)
      let (sum, sumOverflow) = tens.addingReportingOverflow(UInt64(scalar.value - 0x30))
      value = tensOverflow || sumOverflow ? .max : sum
      position += 1
    }
    return value
  }

  /// Puts a segment at its address.
  ///
  /// - Returns: where the next one begins; nil when that is not known.
  private mutating func place(_ segment: Segment, at address: UInt64?, from start: Int) -> UInt64? {
    guard let address else {
      warn(.unplacedSegment, at: start, to: position)
      return nil
    }
    guard segment.count > 0, segment.size > 0 else {
      if segment.rights != nil { understoodSegments += 1 }
      warn(.emptySegment, at: start, to: position)
      return address
    }
    let fitting = min(segment.count, (Self.addressEnd - address) / segment.size)
    if fitting < segment.count { warn(.beyondAddressSpace, at: start, to: position) }
    if let rights = segment.rights {
      understoodSegments += 1
      if fitting > 0 {
        let run = SectorRun(
          start: address, count: fitting, sectorSize: segment.size, rights: rights)
        runs.append((run, start))
      }
    }
    // Behind memory that ends at 2^32 nothing follows, but a second group may.
    return fitting < segment.count ? nil : address + fitting * segment.size
  }

  // MARK: The map

  private mutating func finished(name: String) -> MemoryMap {
    let kind = MemoryKind(name: name, lowestAddress: runs.map(\.run.start).min())
    var placed: [SectorRun] = []
    for (run, start) in runs {
      var run = run
      if kind == .deviceFeature {
        if run.rights.contains(.erasable) {
          warn(.notReallyErasable, at: start, to: segmentEnd(from: start))
        }
        run.rights = [.readable, .writable]
      } else if run.rights.contains(.erasable), !kind.mayBeErased {
        run.rights.remove(.erasable)
        warn(.notReallyErasable, at: start, to: segmentEnd(from: start))
      }
      let pieces = Self.pieces(of: run, outside: placed)
      if pieces != [run] { warn(.overlap, at: start, to: segmentEnd(from: start)) }
      guard placed.count + pieces.count <= Self.maximumRuns else {
        warn(.tooLong, at: start, to: segmentEnd(from: start))
        break
      }
      placed.append(contentsOf: pieces)
      if pieces != [run] || !isAscending(placed.suffix(pieces.count + 1)) {
        placed.sort { $0.start < $1.start }
      }
    }
    return MemoryMap(
      name: name, runs: placed, warnings: warnings.sorted { $0.position < $1.position })
  }

  private func isAscending(_ runs: ArraySlice<SectorRun>) -> Bool {
    zip(runs, runs.dropFirst()).allSatisfy { $0.start < $1.start }
  }

  /// The whole sectors of `run` that share no address with `others`, which are ascending.
  static func pieces(of run: SectorRun, outside others: [SectorRun]) -> [SectorRun] {
    var pieces: [SectorRun] = []
    var index: UInt64 = 0
    for other in others where other.range.overlaps(run.range) {
      let before = other.start <= run.start ? 0 : (other.start - run.start) / run.sectorSize
      if before > index {
        pieces.append(
          SectorRun(
            start: run.start + index * run.sectorSize, count: before - index,
            sectorSize: run.sectorSize, rights: run.rights))
      }
      let covered = other.range.upperBound - run.start
      index = max(index, (covered - 1) / run.sectorSize + 1)
    }
    if index < run.count {
      pieces.append(
        SectorRun(
          start: run.start + index * run.sectorSize, count: run.count - index,
          sectorSize: run.sectorSize, rights: run.rights))
    }
    return pieces
  }
}
