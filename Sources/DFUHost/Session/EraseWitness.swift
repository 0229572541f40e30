internal import DFU
internal import Firmware
internal import USB

/// Bytes above everything that is erased, which must be the same afterwards.
///
/// Some bootloaders erase more than they are told to, one of ST's examples to the end of the flash
/// (facts 2.12), and report success. What the plan does not speak of is then lost without a word, so
/// that a block of it is read before, and read back with everything else.
extension FlashPlan.Part {
  /// The first block of the first sector above all that the part erases and writes; nil where nothing
  /// is erased by sectors, or nothing above can be read.
  var witnessRange: Range<UInt64>? {
    guard let last = erases.last, !massErase, target.canRead, let map = target.usableMap else {
      return nil
    }
    let end = max(last.range.upperBound, expected.range?.upperBound ?? 0)
    guard let sector = map.sectors(intersecting: (end - 1)..<end).first(where: { _ in true }),
      let next = map.sector(containing: sector.range.upperBound),
      next.rights.contains(.readable), next.rights.contains(.erasable)
    else { return nil }
    let block = UInt64(target.transferSize)
    return next.range.lowerBound..<min(next.range.lowerBound + block, next.range.upperBound)
  }

  /// Takes what was read there; blank memory tells nothing.
  mutating func addWitness(_ contents: FirmwareImage, at range: Range<UInt64>) {
    let blank = target.erasedByte
    let bytes = contents.bytes(in: range, fill: blank)
    guard contents.covers(range), !holdsOnly(blank, bytes[...]) else { return }
    let segment = FirmwareImage.Segment(
      address: range.lowerBound, bytes: bytes, origin: .device)
    guard (try? expected.insert(segment)) != nil else { return }
    verify.append(range)
  }
}

extension DFUSession {
  /// The same plan with witnesses above what it erases.
  ///
  /// - Parameter plan: a plan that nothing of has been done.
  /// - Returns: the plan, with more to read back.
  /// - Throws: ``DFUError`` where the device fails; a refusal to read is none: what follows will meet it.
  func witnessed(_ plan: FlashPlan) async throws(DFUError) -> FlashPlan {
    var plan = plan
    for index in plan.parts.indices {
      guard let range = plan.parts[index].witnessRange else { continue }
      let target = plan.parts[index].target
      guard let reading = try? ReadPlan([range], of: target) else { continue }
      let contents: FirmwareImage
      do throws(DFUError) {
        contents = try await exclusively(.survey, progress: nil) { (operation) throws(DFUError) in
          try await operation.contents(of: reading, .survey)
        }
      } catch {
        guard error.isRefusal || error.code == .readProtected else { throw error }
        plan.selected = nil
        continue
      }
      plan.parts[index].addWitness(contents, at: range)
      plan.selected = target.alternateSetting
    }
    return plan
  }
}
