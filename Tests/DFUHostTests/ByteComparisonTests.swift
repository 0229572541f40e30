import Testing

@testable import DFUHost

@Suite struct `Comparing stretches of bytes` {
  @Test func `every single difference is seen, at every place of every short length`() {
    for count in 0...20 {
      let bytes = (0..<count).map { UInt8($0) }
      // Slices that do not begin at an even place.
      let left = ([0xAA] + bytes)[1...]
      #expect(sameBytes(left, bytes[...]))
      #expect(!sameBytes(left, (bytes + [0])[...]))
      for place in 0..<count {
        var other = bytes
        other[place] ^= 0x80
        #expect(!sameBytes(left, other[...]), "\(place) of \(count)")
      }
    }
  }

  @Test func `one byte that is not 0xFF is no blank, at every place of every short length`() {
    for count in 0...20 {
      let blank = [0x00] + [UInt8](repeating: 0xFF, count: count)
      #expect(holdsOnly(0xFF, blank[1...]))
      for place in 0..<count {
        var used = blank
        used[1 + place] = 0x7F
        #expect(!holdsOnly(0xFF, used[1...]), "\(place) of \(count)")
      }
    }
  }
}
