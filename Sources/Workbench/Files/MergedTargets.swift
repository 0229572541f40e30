public import Firmware
internal import USB

/// The targets of several inputs, those for one alternate setting made one.
///
/// - Parameters:
///   - parts: the inputs.
///   - settingFor: the alternate setting of targets that name none; nil leaves them without.
/// - Returns: the targets, in the order in which their settings first occur.
/// - Throws: ``FirmwareInputError`` where two inputs put different bytes at one address, or one has no
///   address.
public func mergedTargets(
  of parts: [FirmwareInput], settingFor: UInt8?
) throws -> [FirmwareTarget] {
  var targets: [FirmwareTarget] = []
  var sources: [(name: String, setting: UInt8?, image: FirmwareImage)] = []
  for part in parts {
    for var target in try part.placedTargets() {
      target.alternateSetting = target.alternateSetting ?? settingFor
      guard case .image(let image) = target.content else { throw addressMissing(part) }
      for source in sources where source.setting == target.alternateSetting {
        try refuseConflict(source.image, source.name, image, part)
      }
      sources.append((part.name, target.alternateSetting, image))
      guard
        let same = targets.firstIndex(where: { $0.alternateSetting == target.alternateSetting }),
        case .image(let whole) = targets[same].content
      else {
        targets.append(target)
        continue
      }
      // Where both have bytes they are the same ones.
      var merged = whole.overlaying(image)
      merged.entryPoint = whole.entryPoint ?? image.entryPoint
      targets[same].content = .image(merged)
      targets[same].name = targets[same].name ?? target.name
    }
  }
  return targets
}

private func addressMissing(_ part: FirmwareInput) -> FirmwareInputError {
  FirmwareInputError(
    name: part.name,
    error: FirmwareError(
      .addressMissing, format: part.file.format,
      sentence: "The file does not say where its bytes belong.",
      help: "Put the address in front: 0x08000000:\(part.name)"))
}

private func refuseConflict(
  _ earlier: FirmwareImage, _ name: String, _ image: FirmwareImage, _ part: FirmwareInput
) throws {
  for range in earlier.differences(from: image) where earlier.intersects(range) {
    // A difference may be a place where only one of them has bytes; that is no conflict.
    for piece in image.pieces(in: range) {
      let shared = piece.address..<piece.address + UInt64(piece.bytes.count)
      guard let conflict = earlier.pieces(in: shared).first else { continue }
      throw FirmwareInputError(
        name: part.name,
        error: FirmwareError(
          .overlap, format: part.file.format,
          sentence: "It puts other bytes at \(addressText(conflict.address)) than \(name).",
          help: "Decide which of the two is meant, or place one of them elsewhere."))
    }
  }
}
