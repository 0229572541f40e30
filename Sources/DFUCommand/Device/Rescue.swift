import DFUHost
import Firmware
import Reports
import SystemPackage
import Workbench

/// Flashes; where that fails behind an erase, bytes that were to be kept beside the image may be in this
/// process only. They go into a file then, with which the same flash puts them back.
///
/// - Parameters:
///   - plan: what is done.
///   - session: the device.
///   - progress: is told how far it is.
/// - Returns: what was done.
/// - Throws: `DFUError`, with the name of the file in its help.
func flashKeepingNeighbours(
  _ plan: FlashPlan, on session: DFUSession, progress: DFUProgress.Handler?
) async throws -> FlashReport {
  do throws(DFUError) {
    return try await session.flash(plan, progress: progress)
  } catch {
    throw rescued(error, plan)
  }
}

/// The error, with the file that holds what the device has lost.
private func rescued(_ error: DFUError, _ plan: FlashPlan) -> DFUError {
  guard let lost = error.condition?.lost, !lost.isEmpty, let image = contents(of: lost, plan),
    let target = plan.parts.first?.target
  else { return error }
  var error = error
  let count = sizeText(UInt64(image.byteCount))
  do {
    let output = try freeOutput()
    let part = FirmwareTarget(alternateSetting: 0, name: "kept", content: .image(image))
    _ = try write([part], of: target, to: output, as: .intelHex)
    error.ownHelp =
      "They are saved in \(output.path), \(count). Put the board in bootloader mode again; "
      + "`dfu flash \(output.path) --no-leave` puts them back, then repeat the same `dfu flash`."
  } catch {}
  return error
}

/// The bytes of `ranges` as they were read before anything was changed.
private func contents(of ranges: [Range<UInt64>], _ plan: FlashPlan) -> FirmwareImage? {
  var image = FirmwareImage()
  for range in ranges {
    for part in plan.parts {
      for piece in part.target.contents?.pieces(in: range) ?? [] {
        let segment = FirmwareImage.Segment(
          address: piece.address, bytes: Array(piece.bytes), origin: .device)
        guard (try? image.insert(segment)) != nil else { return nil }
      }
    }
  }
  return image.isEmpty ? nil : image
}

/// `dfu-kept.hex` in the current folder, or the first of `dfu-kept-2.hex`… that is free.
private func freeOutput() throws -> OutputFile {
  for number in 1..<100 {
    let name = number == 1 ? "dfu-kept.hex" : "dfu-kept-\(number).hex"
    if let output = try? OutputFile(FilePath(name), overwrites: false) { return output }
  }
  return try OutputFile(FilePath("dfu-kept-100.hex"), overwrites: false)
}
