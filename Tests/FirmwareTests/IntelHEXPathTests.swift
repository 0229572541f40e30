import Testing

@testable import Firmware

/// The readers have a fast path for clean data records; whatever it accepts, the careful path must
/// have accepted in the same way.
struct IntelHEXPathTests {
  static let clean: [UInt8] = {
    var image = FirmwareImage()
    for piece in 0..<6 {
      let bytes = (0..<(piece * 61 + 1)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ piece) }
      try? image.insert(bytes, at: UInt64(piece) * 0x8001, origin: .device)
    }
    return (try? IntelHEX.encode(image)) ?? []
  }()

  @Test func `every single change of a character is judged alike by both paths`() throws {
    let records = Self.clean.split(separator: 0x0A, omittingEmptySubsequences: false).prefix(5)
    let text = Array(records.joined(separator: [0x0A])) + Array("\n:00000001FF\n".utf8)
    for index in text.indices {
      for replacement in Array("09afAF:\n\r ;S\u{0}".utf8) + [0xFF] {
        var changed = text
        changed[index] = replacement
        let slow = Result { () throws(FirmwareError) in
          try IntelHEX.decode(withBlanks(changed)).image
        }
        let fast = Result { () throws(FirmwareError) in try IntelHEX.decode(changed).image }
        #expect(slow == fast, "at \(index)")
      }
    }
  }
}

/// `text` with a blank in front of every line end, which keeps its records off the fast path.
func withBlanks(_ text: [UInt8]) -> [UInt8] {
  var blank: [UInt8] = []
  for character in text {
    if character == 0x0D || character == 0x0A && blank.last != 0x0D { blank.append(0x20) }
    blank.append(character)
  }
  return blank
}
