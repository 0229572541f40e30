internal import DFU
public import USB

/// A part's state as bytes, for a file that keeps a virtual board between runs.
///
/// All numbers are little-endian: `VDFU`, version 2 (8 bits), the profile's name (8 bits of length,
/// UTF-8), flags (8 bits: read-protected, closed, a download unfinished), bState, bStatus (8 bits each), the
/// address pointer (32 bits), the write-protected sectors (a count and numbers of 16 bits), then for
/// each memory its start (64 bits), its length (64 bits), the bytes of its unit (32 bits; not in
/// version 1), its bytes in runs, and its programmed units (a count of 32 bits, then pairs of 64 bits:
/// word number and bits); at the end the CRC-32 of all that. Work that is under way is half done in it,
/// as if power had gone; the journal is not kept.
///
/// It holds what is in the cells. Of a profile whose description has changed since, it fits as long as
/// name, places, lengths and units of the memories are the same; sectors, rights, times, descriptors
/// and behaviour count as they are now.
extension VirtualBootloader {
  private static let magic: [UInt8] = [0x56, 0x44, 0x46, 0x55]
  private static let version: UInt8 = 2

  /// The state in which the part would be found if its power went at this moment, and came back: what
  /// it does to its memory is half done, and its bootloader begins.
  ///
  /// - Parameter now: the present time.
  /// - Returns: the state, as ``snapshot()`` gives it.
  public func snapshot(withoutPowerAt now: Duration) -> [UInt8] {
    var part = self
    part.powerOff(at: now)
    part.powerOn(at: now)
    return part.snapshot()
  }

  /// What ``snapshot(withoutPowerAt:)`` says may differ when this does.
  public struct ChangeMark: Hashable, Sendable {
    var journalLength: Int
    var operation: Operation?
  }

  /// A mark to compare, where making a snapshot to compare would take too long.
  public var changeMark: ChangeMark {
    ChangeMark(journalLength: journal.count, operation: operation)
  }

  /// The state of the part, but for what it is doing: that is half done, as if power had gone.
  public func snapshot() -> [UInt8] {
    guard operation == nil else {
      var part = self
      part.interruptOperation(at: .zero)
      return part.snapshot()
    }
    let name = Array(profile.name.utf8.prefix(255))
    var bytes = VirtualBootloader.magic + [VirtualBootloader.version, UInt8(name.count)] + name
    bytes.append(
      (isReadProtected ? 1 : 0) | (isClosedForEver ? 2 : 0) | (isDownloadUnfinished ? 4 : 0))
    bytes += [state.rawValue, status.rawValue] + pointer.littleEndianBytes
    let sectors = writeProtectedSectors.sorted().compactMap(UInt16.init(exactly:))
    bytes += UInt16(truncatingIfNeeded: sectors.count).littleEndianBytes
    bytes += sectors.flatMap(\.littleEndianBytes)
    for memory in memories {
      bytes += memory.range.lowerBound.littleEndianBytes
      bytes += UInt64(memory.range.count).littleEndianBytes
      bytes += UInt32(truncatingIfNeeded: memory.description.unit).littleEndianBytes
      memory.bytes.encode(into: &bytes)
      bytes += UInt32(truncatingIfNeeded: memory.programmed.count).littleEndianBytes
      for (word, bits) in memory.programmed.sorted(by: { $0.key < $1.key }) {
        bytes += word.littleEndianBytes + bits.littleEndianBytes
      }
    }
    return bytes + crc32(bytes[...]).littleEndianBytes
  }

  /// Puts the part into the state of a snapshot. Nothing is changed if that cannot be done.
  ///
  /// - Throws: ``SnapshotError`` for bytes that are damaged, of a newer version, or of another
  ///   profile.
  public mutating func restore(_ bytes: [UInt8]) throws(SnapshotError) {
    guard bytes.starts(with: VirtualBootloader.magic) else {
      throw SnapshotError(
        .notASnapshot, "These bytes are not the state of a virtual device.",
        help: "Name another file, or delete this one to begin with a blank device.")
    }
    guard bytes.count >= 9, crc32(bytes.dropLast(4)).littleEndianBytes == bytes.suffix(4) else {
      throw SnapshotError(
        .damaged, "The saved state is damaged: its checksum does not fit.",
        help: "Delete the file to begin with a blank device.")
    }
    do {
      var reader = ByteReader(bytes.span.bytes.extracting(..<(bytes.count - 4)))
      try reader.skip(4, "magic")
      let version = try reader.readByte("version")
      guard (1...VirtualBootloader.version).contains(version) else {
        throw SnapshotError(
          .version,
          "The saved state has version \(version); this program knows up to "
            + "\(VirtualBootloader.version).",
          help: "Use the program that wrote it, or begin with a blank device.")
      }
      var copy = self
      try copy.read(&reader, version)
      self = copy
    } catch let error as SnapshotError {
      throw error
    } catch {
      throw SnapshotError(
        .damaged, "The saved state contradicts itself: \(error)",
        help: "Delete the file to begin with a blank device.")
    }
  }

  private mutating func read(_ reader: inout ByteReader, _ version: UInt8) throws {
    let name = String(
      decoding: try reader.readBytes(Int(try reader.readByte("name length")), "name"),
      as: UTF8.self)
    guard name == profile.name else {
      throw SnapshotError(
        .otherProfile,
        "The saved state is of a \(name.debugDescription), not of a \(profile.name).",
        help: "Name the profile that it belongs to, or another file.")
    }
    let flags = try reader.readByte("flags")
    let stateByte = try reader.readByte("bState")
    guard stateByte <= DFUState.dfuError.rawValue else {
      throw ParseError(
        .invalid(value: "\(stateByte)", rule: "DFU has the states 0 to 10"), field: "bState",
        offset: reader.offset - 1)
    }
    let statusByte = try reader.readByte("bStatus")
    let newPointer = try reader.readUInt32("address pointer")
    var sectors: Set<Int> = []
    for _ in 0..<(try reader.readUInt16("sector count")) {
      sectors.insert(Int(try reader.readUInt16("sector number")))
    }
    var loaded: [VirtualMemory] = []
    for memory in memories {
      guard !reader.isAtEnd else {
        throw SnapshotError.otherMemories("it has nothing for \(memory.description.name)")
      }
      loaded.append(try VirtualMemory(memory.description, &reader, version))
    }
    guard reader.isAtEnd else {
      throw SnapshotError.otherMemories("something follows behind the last memory")
    }
    interruptOperation(at: .zero)
    becomeIdle()
    isDead = false
    memories = loaded
    isReadProtected = flags & 1 != 0
    isClosedForEver = flags & 2 != 0
    isDownloadUnfinished = flags & 4 != 0
    modeChange = ModeChange()
    standard = standardOfBootloader
    let kept = DFUState(rawValue: stateByte)
    state = VirtualBootloader.restingState(kept)
    if profile.application != nil, kept == .appIdle || kept == .appDetach { runApplication() }
    status = DFUStatus(rawValue: statusByte)
    pointer = newPointer
    // Sectors may have become fewer, and what is not there must not hinder a mass erase.
    let count = profile.memories.first?.sectorCount ?? 0
    writeProtectedSectors = sectors.filter { $0 < count }
    if isClosedForEver { isConnected = false }
  }

  /// The state to be in without the work that belonged to the old one.
  private static func restingState(_ state: DFUState) -> DFUState {
    switch state {
    case .dfuError, .dfuDnloadIdle, .dfuUploadIdle: state
    default: .dfuIdle
    }
  }
}

extension VirtualMemory {
  fileprivate init(
    _ description: MemoryDescription, _ reader: inout ByteReader, _ version: UInt8
  ) throws {
    let range = description.range
    let start =
      UInt64(try reader.readUInt32("start")) | UInt64(try reader.readUInt32("start")) << 32
    let length =
      UInt64(try reader.readUInt32("length")) | UInt64(try reader.readUInt32("length")) << 32
    guard start == range.lowerBound, length == UInt64(range.count) else {
      throw SnapshotError.otherMemories(
        "it has \(byteCountText(length)) at \(addressText(start)) where \(description.name) has "
          + "\(byteCountText(UInt64(range.count))) at \(addressText(range.lowerBound))")
    }
    let unit = version == 1 ? nil : try reader.readUInt32("unit")
    if let unit, unit != description.unit {
      throw SnapshotError.otherMemories(
        "\(description.name) was programmed in units of \(byteCountText(UInt64(unit))), and now has "
          + "units of \(byteCountText(UInt64(description.unit)))")
    }
    let bytes = try SparseBytes(
      count: range.count, blank: description.erasedByte, decoding: &reader)
    var programmed: [UInt64: UInt64] = [:]
    for _ in 0..<(try reader.readUInt32("programmed words")) {
      let low = try reader.readUInt32("word")
      let high = try reader.readUInt32("word")
      let lowBits = try reader.readUInt32("bits")
      let highBits = try reader.readUInt32("bits")
      programmed[UInt64(low) | UInt64(high) << 32] = UInt64(lowBits) | UInt64(highBits) << 32
    }
    self.init(description, bytes: bytes, programmed: programmed)
  }
}

/// Why a saved state cannot be used.
public struct SnapshotError: ExplainedError, Hashable {
  /// What kind of failure it is.
  public enum Code: String, Hashable, Sendable {
    /// Something else altogether.
    case notASnapshot = "state-not-recognised"
    /// Bytes are missing or changed.
    case damaged = "state-damaged"
    /// Written by another version of the program.
    case version = "state-version"
    /// Of another profile.
    case otherProfile = "state-of-other-profile"
    /// Of the same profile, with other memories: its description has changed.
    case otherMemories = "state-of-other-memories"
  }

  /// What kind of failure it is.
  public var code: Code
  /// What happened.
  public var sentence: String
  /// What to do next.
  public var help: String?

  static func otherMemories(_ difference: String) -> SnapshotError {
    SnapshotError(
      .otherMemories, "The saved state is of other memories: \(difference).",
      help: "Describe the memories as they were, or begin with a blank device.")
  }

  init(_ code: Code, _ sentence: String, help: String?) {
    self.code = code
    self.sentence = sentence
    self.help = help
  }

  /// The code.
  public var slug: String { code.rawValue }
}

/// CRC-32 (polynomial 0xEDB88320, reflected, inverted at both ends), a byte at a time: a snapshot is
/// written once a run.
func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
  let span = bytes.span
  let table = crcTable.span
  var crc = UInt32.max
  var index = 0
  while index < span.count {
    crc = crc >> 8 ^ table[Int((crc ^ UInt32(span[index])) & 0xFF)]
    index += 1
  }
  return ~crc
}

private let crcTable: [UInt32] = (0..<256).map { index in
  (0..<8).reduce(UInt32(index)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
}
