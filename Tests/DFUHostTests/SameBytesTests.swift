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
}
