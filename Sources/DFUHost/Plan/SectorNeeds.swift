internal import DFU
internal import Firmware

/// What a sector that the image touches needs, whatever it holds now.
struct SectorNeeds {
  let sector: Sector
  /// The pieces of the image in it.
  let pieces: [Range<UInt64>]
  /// Whether the host may erase it.
  let isErasable: Bool
  /// Whether the host may read it.
  let isReadable: Bool

  /// What the image has to say about `sector` of `target`.
  init(_ sector: Sector, of target: FlashTarget, _ image: FirmwareImage) {
    self.sector = sector
    var pieces: [Range<UInt64>] = []
    for piece in image.pieces(in: sector.range) {
      pieces.appendJoining(piece.address..<piece.address + UInt64(piece.bytes.count))
    }
    self.pieces = pieces
    isErasable = sector.rights.contains(.erasable) && target.kind.mayBeErased
    isReadable = sector.rights.contains(.readable) && target.canRead
  }

  /// The bytes of the sector that the image says nothing about.
  var neighbours: [Range<UInt64>] {
    var gaps: [Range<UInt64>] = []
    var position = sector.range.lowerBound
    for piece in pieces {
      if piece.lowerBound > position { gaps.append(position..<piece.lowerBound) }
      position = piece.upperBound
    }
    if position < sector.range.upperBound { gaps.append(position..<sector.range.upperBound) }
    return gaps
  }

  /// The pieces, widened to units of `granularity` inside the sector; those that meet are joined.
  func widened(to granularity: Int) -> [Range<UInt64>] {
    let unit = UInt64(max(granularity, 1))
    var widened: [Range<UInt64>] = []
    for piece in pieces {
      let over = piece.upperBound % unit
      let end = over == 0 ? piece.upperBound : piece.upperBound + (unit - over)
      widened.appendJoining(
        max(
          piece.lowerBound - piece.lowerBound % unit, sector.range.lowerBound)..<min(
            end, sector.range.upperBound))
    }
    return widened
  }
}

extension FlashTarget {
  /// What an unknown chip may want: the largest unit of the families that have DfuSe bootloaders.
  static let cautiousGranularity = 32

  /// What an erased byte holds; only the flash of a chip that is known may be erased to another than
  /// 0xFF.
  public var erasedByte: UInt8 { kind == .internalFlash ? chip?.erasedByte ?? 0xFF : 0xFF }

  /// The unit that runs are aligned to in memory that is blank before they are written: blank bytes
  /// change nothing there, so an unknown chip gets the largest.
  var granularityWhenBlank: Int {
    max(chip?.writeGranularity ?? FlashTarget.cautiousGranularity, 1)
  }

  /// The unit that pieces are aligned to in memory that is not erased before.
  var granularityInPlace: Int {
    switch kind {
    case .internalFlash, .externalFlash, .otp: max(chip?.writeGranularity ?? 1, 1)
    default: 1
    }
  }
}
