internal import DFU
internal import Firmware
internal import USB

/// What reading back found wrong.
struct Mismatch: Hashable, Sendable {
  /// The first address that differs.
  var address: UInt64
  /// What should be there.
  var expected: UInt8
  /// What is there.
  var found: UInt8
  /// How many bytes differ.
  var count = 0
  /// Sectors that differ and hold exactly what they held before: write-protected ones.
  var untouched: [Range<UInt64>] = []
  /// Sectors that differ otherwise.
  var damaged: [Range<UInt64>] = []
}

extension FlashRun {
  /// Rule 10: reads back what was written; the only way to notice write protection.
  mutating func verify(
    _ ranges: [Range<UInt64>], _ index: Int, _ operation: inout Operation
  ) async throws(DFUError) {
    guard HostRule.provesByReading.isKept else { return }
    let part = plan.parts[index]
    let pieces = ranges.map { ReadEngine.Piece($0) }
    let results = try await operation.read(
      pieces, of: part.target.alternateSetting, .verify,
      done: condition.proved.reduce(0) { $0 + UInt64($1.count) }, total: condition.toProve)
    for (range, result) in zip(ranges, results) {
      let before = mismatch
      compare(range, result.bytes, part)
      for right in mismatch == before ? [range] : sound(range, part) {
        MemoryCondition.add(right, to: &condition.proved)
        report.parts[index].proved.appendJoining(right)
      }
    }
    if let mismatch { throw error(mismatch) }
  }

  /// Reads back what a device without addresses was sent.
  ///
  /// DFU does not promise that an upload gives the same bytes, so a difference proves nothing either
  /// way: it is said, and is no failure.
  mutating func verify(
    _ download: PlainDownload, _ index: Int, _ operation: inout Operation
  ) async throws(DFUError) {
    guard !operation.hasLeft else {
      doubt = "the device has left with the file"
      return
    }
    let count = download.bytes.count
    var engine = PlainUploadEngine(
      limit: count, stopsAtLimit: true, link: operation.link, during: .verify)
    let progress = operation.progress
    let setting = plan.parts[index].target.alternateSetting
    do throws(DFUError) {
      let output = try await operation.run(&engine, .verify) { now in
        progress?(
          DFUProgress(
            phase: .verify, done: now.done, total: UInt64(count), alternateSetting: setting))
      }
      if output.bytes == download.bytes {
        report.parts[index].proved = [0..<UInt64(count)]
      } else {
        let same = zip(output.bytes, download.bytes).prefix { $0 == $1 }.count
        doubt =
          "the device gives back something else than it was sent, from byte \(same) on, which "
          + "DFU without addresses allows"
      }
    } catch {
      guard error.code != .cancelled else { throw error }
      operation.selected = nil
      doubt = "reading it back failed with \(error.status?.description ?? error.slug)"
    }
  }

  private mutating func compare(
    _ range: Range<UInt64>, _ bytes: [UInt8], _ part: FlashPlan.Part
  ) {
    for piece in part.expected.pieces(in: range) {
      let start = Int(piece.address - range.lowerBound)
      let found = bytes[start..<min(start + piece.bytes.count, bytes.count)]
      guard !sameBytes(found, piece.bytes) else { continue }
      for (place, pair) in zip(piece.bytes, found).enumerated() where pair.0 != pair.1 {
        let address = piece.address + UInt64(place)
        if mismatch == nil {
          mismatch = Mismatch(address: address, expected: pair.0, found: pair.1)
        }
        mismatch?.count += 1
        note(address, in: range, bytes, part)
      }
    }
  }

  /// Sorts the sector that holds `address`: as it was, or damaged.
  private mutating func note(
    _ address: UInt64, in range: Range<UInt64>, _ bytes: [UInt8], _ part: FlashPlan.Part
  ) {
    guard let sector = part.target.map?.sector(containing: address)?.range,
      mismatch?.untouched.last != sector, mismatch?.damaged.last != sector
    else { return }
    let seen = sector.clamped(to: range)
    let old = part.target.contents?.pieces(in: seen) ?? []
    let isAsBefore =
      !old.isEmpty
      && old.allSatisfy { piece in
        let start = Int(piece.address - range.lowerBound)
        return bytes[start..<start + piece.bytes.count].elementsEqual(piece.bytes)
      }
    if isAsBefore {
      mismatch?.untouched.append(sector)
    } else {
      mismatch?.damaged.append(sector)
    }
  }

  /// The parts of a range whose sectors hold what they should.
  private func sound(_ range: Range<UInt64>, _ part: FlashPlan.Part) -> [Range<UInt64>] {
    guard let map = part.target.map, let mismatch else { return [] }
    var sound: [Range<UInt64>] = []
    for sector in map.sectors(intersecting: range)
    where !mismatch.untouched.contains(sector.range) && !mismatch.damaged.contains(sector.range) {
      sound.appendJoining(sector.range.clamped(to: range))
    }
    return sound
  }

  private func error(_ mismatch: Mismatch) -> DFUError {
    func words(_ sectors: [Range<UInt64>]) -> String {
      var ranges: [Range<UInt64>] = []
      for sector in sectors.sorted(by: { $0.lowerBound < $1.lowerBound }) {
        ranges.appendJoining(sector)
      }
      let shown = ranges.prefix(4).map {
        "\(addressText($0.lowerBound))–\(addressText($0.upperBound - 1))"
      }
      return shown.joined(separator: ", ")
        + (ranges.count > 4 ? " and \(ranges.count - 4) more" : "")
    }
    let what =
      "\(mismatch.count) \(mismatch.count == 1 ? "byte differs" : "bytes differ"), the first at "
      + "\(addressText(mismatch.address)): 0x\(hex(mismatch.found)) instead of "
      + "0x\(hex(mismatch.expected))"
    let isBeside = (mismatch.damaged + mismatch.untouched).allSatisfy { sector in
      !(condition.erased + condition.written).contains { $0.overlaps(sector) }
    }
    var error: DFUError
    if isBeside {
      error = DFUError(
        .differs, during: .verify, address: mismatch.address,
        sentence: "The device erased more than it was told to: \(words(mismatch.damaged)) is not "
          + "what it was before (\(what)), and what lies above may be lost as well.",
        help: "Write again what was there. This bootloader erases to the end of its memory: flash "
          + "all of it at once, from one file or several.")
    } else if mismatch.damaged.isEmpty, !mismatch.untouched.isEmpty {
      error = DFUError(
        .writeProtected, during: .verify, address: mismatch.address,
        sentence: "The device reported success, but \(words(mismatch.untouched)) still holds what "
          + "it held before (\(what)): \(mismatch.untouched.count == 1 ? "the sector is" : "the sectors are") "
          + "write-protected.")
    } else {
      error = DFUError(
        .differs, during: .verify, address: mismatch.address,
        sentence: "Reading back found another content than was written: \(what), in "
          + "\(words(mismatch.damaged + mismatch.untouched)).")
    }
    error.condition = condition
    return error
  }
}
