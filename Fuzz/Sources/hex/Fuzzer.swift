import Firmware
import FuzzInput

/// Intel HEX: what can be read comes back from every line length, and the fast path and the careful
/// one (which a blank behind every record forces) agree.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  let lineLength = Int(input.byte())
  let text = input.remaining()
  let careful = Result { () throws(FirmwareError) in try IntelHEX.decode(blanked(text)).image }
  do throws(FirmwareError) {
    let (image, notes) = try IntelHEX.decode(text)
    checkImage(image)
    require(careful == .success(image), "the two paths disagree")
    require(Set(notes.map(\.slug)).count == notes.count, "a note is said twice")
    let back = try IntelHEX.decode(IntelHEX.encode(image, lineLength: lineLength))
    require(back.image == image, "the image was changed")
    require(back.notes.allSatisfy { $0.slug == "no-data" }, "what we write is odd")
    let plain = try IntelHEX.encode(image)
    require(image.isEmpty || IntelHEX.looksLike(plain), "not recognised")
  } catch {
    require(careful == .failure(error), "the two paths disagree: \(error)")
    checkText(of: error)
  }
  return 0
}

private func blanked(_ text: [UInt8]) -> [UInt8] {
  var blank: [UInt8] = []
  for character in text {
    if character == 0x0D || character == 0x0A && blank.last != 0x0D { blank.append(0x20) }
    blank.append(character)
  }
  return blank
}
