import DFU
import DFUHost
import Firmware
import USB
public import VirtualDFU

/// What a host is asked to do while faults happen.
public enum ProofOperation: String, Hashable, Sendable, CaseIterable {
  /// A file onto a blank part.
  case flashBlank = "flash"
  /// The same file, of which one sector differs; what shares that sector is to be kept.
  case reflash
  /// Reading what the file covers.
  case read
  /// Erasing one sector.
  case erase
  /// Read-out protection away, then the file.
  case unprotectThenFlash = "unprotect-flash"
  /// Leaving for the program that is there.
  case leave
}

/// An image of at most three blocks over two sectors, and the part that it is for.
public struct Workload: Sendable {
  /// The part, as the operation finds it.
  public let profile: Profile
  /// What is done.
  public let operation: ProofOperation
  /// The two sectors that the image touches: those of a memory that can be erased and written.
  let sectors: [Range<UInt64>]
  /// The image, where the device has addresses.
  let image: FirmwareImage
  /// The payload of a device without addresses.
  let payload: [UInt8]
  /// What the sectors hold before.
  let before: [UInt8]
  /// What they are to hold afterwards.
  let after: [UInt8]
  /// What an erased byte holds.
  let erasedByte: UInt8

  /// Both sectors, and what may lie between them.
  var span: Range<UInt64> {
    (sectors.first?.lowerBound ?? 0)..<(sectors.last?.upperBound ?? 0)
  }

  /// Whether the device has addresses.
  var hasAddresses: Bool { profile.dialect.isDfuSe }

  /// The workload; nil where the part cannot do the operation at all.
  public init?(_ profile: Profile, _ operation: ProofOperation) {
    guard
      profile.dialect.isDfuSe || operation == .flashBlank || operation == .reflash
        || operation == .read
    else { return nil }
    if operation == .unprotectThenFlash, profile.quirks.contains(.noReadUnprotect) { return nil }
    if operation == .read, !profile.functional.attributes.contains(.canUpload) { return nil }
    guard let sectors = Workload.sectors(of: profile) else { return nil }
    self.operation = operation
    self.sectors = sectors
    var part = profile
    if operation == .unprotectThenFlash { part.isReadProtected = true }
    self.profile = part
    let size = Int(profile.functional.transferSize)
    let span = sectors[0].lowerBound..<(sectors.last?.upperBound ?? 0)
    let erased =
      profile.memories.first { $0.range.overlaps(span) }?.erasedByte ?? 0xFF
    var new = [UInt8](repeating: erased, count: span.count)
    var image = FirmwareImage()
    var payload: [UInt8] = []
    if profile.dialect.isDfuSe {
      // A block and a half in the first sector, half a block in the second, neither a whole unit.
      let pieces = [
        (sectors[0], size + size / 2 + 3), (sectors[1], size / 2 + 1),
      ]
      for (number, piece) in pieces.enumerated() {
        let count = min(piece.1, piece.0.count)
        var bytes = Workload.noise(count, seed: UInt64(number + 1))
        if number == 0 { Workload.makeBootable(&bytes, at: piece.0.lowerBound, profile) }
        let start = Int(piece.0.lowerBound - span.lowerBound)
        new.replaceSubrange(start..<start + count, with: bytes)
        let segment = FirmwareImage.Segment(
          address: piece.0.lowerBound, bytes: bytes,
          origin: .element(target: 1, element: number + 1))
        guard (try? image.insert(segment)) != nil else { return nil }
      }
    } else {
      payload = Workload.noise(min(2 * size + size / 2, span.count), seed: 1)
      let isLPC = profile.dialect == .lpcROM
      if isLPC {
        payload = Workload.noise(2 * size - 16, seed: 1)
        new.replaceSubrange(0..<payload.count, with: payload)
        payload =
          [0x1A, 0x3F, UInt8(2 * size / 512), 0] + [UInt8](repeating: 0, count: 12) + payload
      } else {
        new.replaceSubrange(0..<payload.count, with: payload)
      }
    }
    erasedByte = erased
    self.image = image
    self.payload = payload
    (before, after) = Workload.contents(operation, new, sectors, image, erased)
  }

  /// What the sectors hold before and after.
  private static func contents(
    _ operation: ProofOperation, _ new: [UInt8], _ sectors: [Range<UInt64>], _ image: FirmwareImage,
    _ erased: UInt8
  ) -> (before: [UInt8], after: [UInt8]) {
    let start = sectors[0].lowerBound
    let blank = [UInt8](repeating: erased, count: new.count)
    switch operation {
    case .flashBlank: return (blank, new)
    case .read, .leave: return (new, new)
    case .unprotectThenFlash: return (noise(new.count, seed: 9), new)
    case .erase:
      var after = new
      for index in 0..<sectors[0].count { after[index] = erased }
      return (new, after)
    case .reflash:
      // The last sector differs in its first bytes, and has something behind the image.
      var before = new
      var after = new
      let last = sectors[sectors.count - 1]
      let base = Int(last.lowerBound - start)
      before[base] ^= 0x3C
      before[base + 1] ^= 0xFF
      let used = image.extents.last.map { Int($0.upperBound - start) } ?? new.count
      let neighbours = min(used + 5, new.count)..<min(used + 25, new.count)
      for index in neighbours {
        before[index] = UInt8(truncatingIfNeeded: index) & 0x7F
        after[index] = before[index]
      }
      return (before, after)
    }
  }

  /// The first two sectors of the first flash that may be erased and written, one after the other;
  /// for a device without addresses, the whole of its first partition up to two sectors.
  private static func sectors(of profile: Profile) -> [Range<UInt64>]? {
    guard profile.dialect.isDfuSe else {
      guard let first = profile.partitions.first else { return nil }
      let memory = profile.memories[first]
      let size = UInt64(memory.map.runs.first?.sectorSize ?? 0)
      let end = min(memory.range.lowerBound + 2 * size, memory.range.upperBound)
      return [memory.range.lowerBound..<end]
    }
    let rights: SectorRights = [.readable, .erasable, .writable]
    for memory in profile.memories where memory.kind == .flash {
      for run in memory.map.runs where run.rights == rights && run.count > 1 {
        return (0..<2).map { number in
          let start = run.start + UInt64(number) * run.sectorSize
          return start..<start + run.sectorSize
        }
      }
      let single = memory.map.runs.filter { $0.rights == rights }.prefix(2)
      if single.count == 2 { return single.map { $0.start..<$0.start + $0.sectorSize } }
    }
    return nil
  }

  /// Bytes that look random, the same for the same seed; never 0xFF.
  private static func noise(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    return (0..<count).map { _ in
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return UInt8(truncatingIfNeeded: state >> 32) & 0x7F
    }
  }

  /// A stack pointer in RAM and a reset vector inside.
  private static func makeBootable(
    _ bytes: inout [UInt8], at address: UInt64, _ profile: Profile
  ) {
    guard bytes.count >= 0x48, let ram = profile.ramRanges.first else { return }
    let words = [
      UInt32(truncatingIfNeeded: ram.lowerBound + 0x1000),
      UInt32(truncatingIfNeeded: address + 0x41),
    ]
    bytes.replaceSubrange(0..<8, with: words.flatMap(\.littleEndianBytes))
  }

  /// The board, without power.
  func board() -> VirtualBootloader {
    var board = VirtualBootloader(profile)
    board.load(before, at: span.lowerBound)
    return board
  }
}
