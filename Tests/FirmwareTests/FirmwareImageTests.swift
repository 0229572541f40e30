import Testing
import USB

@testable import Firmware

struct FirmwareImageTests {
  private func image(_ pieces: (UInt64, [UInt8])...) throws -> FirmwareImage {
    try FirmwareImage(
      pieces.map { FirmwareImage.Segment(address: $0.0, bytes: $0.1, origin: .device) })
  }

  @Test func `ascending touching lines become one segment`() throws {
    var image = FirmwareImage()
    for line in 1...1000 {
      try image.insert(
        [UInt8](repeating: UInt8(line & 0xFF), count: 16), at: UInt64(line * 16),
        origin: .line(line))
    }
    #expect(image.segments.count == 1)
    #expect(image.segments.first?.origin == .lines(1...1000))
    #expect(image.range == 16..<16016)
    #expect(image.byteCount == 16000)
  }

  @Test func `touching elements stay apart and are one extent`() throws {
    var image = FirmwareImage()
    try image.insert([1, 2], at: 0x100, origin: .element(target: 1, element: 1))
    try image.insert([3], at: 0x102, origin: .element(target: 1, element: 2))
    #expect(image.segments.map(\.bytes) == [[1, 2], [3]])
    #expect(image.extents == [0x100..<0x103])
  }

  @Test func `a hundred thousand pieces in any order cost no more than their bytes`() throws {
    var order = Array(0..<100_000)
    var state: UInt64 = 1
    for index in order.indices.reversed() {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      order.swapAt(index, Int(state >> 33) % (index + 1))
    }
    var image = FirmwareImage()
    for piece in order {
      try image.insert(
        [UInt8(piece & 0xFF), UInt8(piece >> 8 & 0xFF)], at: UInt64(piece) * 2,
        origin: .line(piece + 1))
    }
    #expect(image.extents == [0..<200_000])
    image.joinTouchingSegments()
    #expect(image.segments.count == 1)
    #expect(image.bytes(in: 512..<516) == [0, 1, 1, 1])
  }

  @Test func `a hole of 5 GB costs nothing`() throws {
    let image = try image((0, [1]), (5_000_000_000, [2]))
    #expect(image.byteCount == 2)
    #expect(image.extents == [0..<1, 5_000_000_000..<5_000_000_001])
    #expect(image.differences(from: FirmwareImage()) == image.extents)
  }

  @Test func `equal bytes may overlap and different ones may not`() throws {
    var image = try image((0x10, [1, 2, 3, 4]))
    try image.insert([0, 1, 2, 3, 4, 5], at: 0x0F, origin: .line(7))
    #expect(image.bytes(in: 0x0F..<0x15) == [0, 1, 2, 3, 4, 5])
    let before = image
    let error = #expect(throws: FirmwareError.self) {
      try image.insert([9, 3, 7], at: 0x11, origin: .line(8))
    }
    #expect(error?.code == .overlap)
    #expect(error?.place == .line(8))
    #expect(
      error?.sentence
        == "the device and line 8 put different bytes at 0x00000011: 0x02 and 0x09.")
    #expect(image == before)
  }

  @Test func `an overlap across several pieces fills only the gaps`() throws {
    var image = try image((0, [0, 1]), (4, [4, 5]), (8, [8]))
    try image.insert([1, 2, 3, 4, 5, 6, 7, 8, 9], at: 1, origin: .offset(100))
    #expect(image.bytes(in: 0..<10) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    #expect(image.segment(containing: 6)?.origin == .offset(105))
  }

  @Test func `bytes beyond the last address are refused`() {
    var image = FirmwareImage()
    let error = #expect(throws: FirmwareError.self) {
      try image.insert([1, 2], at: .max, origin: .line(3))
    }
    #expect(error?.code == .addressOverflow)
    #expect(image.isEmpty)
  }

  @Test func `questions about ranges`() throws {
    let image = try image((0x10, [1, 2, 3, 4]), (0x20, [5]))
    #expect(image.covers(0x11..<0x14))
    #expect(!image.covers(0x11..<0x15))
    #expect(image.covers(0x50..<0x50))
    #expect(image.intersects(0x13..<0x30))
    #expect(!image.intersects(0x14..<0x20))
    #expect(image[0x12] == 3)
    #expect(image[0x14] == nil)
    #expect(image.bytes(in: 0x0E..<0x12, fill: 0) == [0, 0, 1, 2])
    #expect(image.pieces(in: 0x13..<0x30).map(\.address) == [0x13, 0x20])
    #expect(image.pieces(in: 0x13..<0x30).map { Array($0.bytes) } == [[4], [5]])
    #expect(image.clipped(to: 0x12..<0x21).extents == [0x12..<0x14, 0x20..<0x21])
  }

  @Test func `laying one image over another`() throws {
    let below = try image((0x10, [1, 2, 3, 4]), (0x30, [7]))
    let above = try image((0x0F, [9, 9]), (0x12, [8]))
    let both = below.overlaying(above)
    #expect(both.bytes(in: 0x0F..<0x14) == [9, 9, 2, 8, 4])
    #expect(both[0x30] == 7)
  }

  @Test func `clipping, overlaying and comparing agree with bytes looked at one by one`() throws {
    // Images over six addresses, each address absent, 0 or 1.
    let powers = [1, 3, 9, 27, 81, 243]
    let worlds = (0..<729).map { number in powers.map { number / $0 % 3 } }
    let images = try worlds.map { world in
      try FirmwareImage(
        world.enumerated().filter { $0.element != 2 }.map {
          FirmwareImage.Segment(
            address: UInt64($0.offset), bytes: [UInt8($0.element)], origin: .offset($0.offset))
        })
    }
    var wrong: [String] = []
    for left in stride(from: 0, to: 729, by: 5) {
      for right in stride(from: 0, to: 729, by: 7) {
        let over = images[left].overlaying(images[right])
        let different = images[left].differences(from: images[right])
        for address in 0..<6 {
          let winner = worlds[right][address]
          let expected = winner != 2 ? winner : worlds[left][address]
          let isSame = worlds[left][address] == worlds[right][address]
          let found = over[UInt64(address)].map(Int.init) ?? 2
          if found != expected
            || different.contains(where: { $0.contains(UInt64(address)) }) == isSame
          {
            wrong.append("\(worlds[left]) \(worlds[right]) at \(address)")
          }
        }
        if (images[left] == images[right]) != (left == right) { wrong.append("\(left) \(right)") }
      }
    }
    #expect(wrong == [])
  }
}
