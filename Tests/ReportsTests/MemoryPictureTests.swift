import DFU
import Firmware
import Testing

@testable import Reports

@Suite struct MemoryPictureTests {
  func image(_ pieces: (UInt64, [UInt8])...) throws -> FirmwareImage {
    var image = FirmwareImage()
    for (address, bytes) in pieces {
      try image.insert(.init(address: address, bytes: bytes, origin: .device))
    }
    return image
  }

  @Test func `rows are aligned, and as small as their number allows`() throws {
    let small = try image((0x0800_0000, [UInt8](repeating: 1, count: 8)))
    #expect(MemoryPicture(of: small).rows.map(\.range) == [0x0800_0000..<0x0800_0020])
    let large = try image((0x0800_0100, [UInt8](repeating: 1, count: 0x1_0000)))
    let rows = MemoryPicture(of: large).rows
    #expect(rows.count <= 12)
    #expect(rows.allSatisfy { $0.range.lowerBound % 0x2000 == 0 })
    #expect(rows.reduce(0) { $0 + $1.byteCount } == 0x1_0000)
  }

  @Test func `a cell says whether there are bytes, and whether they are blank`() throws {
    let image = try image(
      (0x100, [UInt8](repeating: 0xFF, count: 8)), (0x110, [1]))
    let row = try #require(MemoryPicture(of: image).rows.first)
    #expect(row.cells[0..<8].allSatisfy { $0 == .blank })
    #expect(row.cells[8..<16].allSatisfy { $0 == .absent })
    #expect(row.cells[16] == .filled)
    #expect(row.byteCount == 9)
  }

  @Test func `memories far apart are few rows with a hole between them`() throws {
    let image = try image((0, [1]), (0x0800_0000, [2]), (0xFFFF_FFFF, [3]))
    let picture = MemoryPicture(of: image)
    #expect(picture.rows.count == 3)
    let lines = picture.lines(.plain)
    #expect(lines.count == 5)
    #expect(lines[1].contains("without bytes"))
    for line in lines { #expect(displayWidth(of: line) <= 80) }
  }

  @Test func `thousands of pieces are still a dozen rows`() throws {
    var image = FirmwareImage()
    for index in 0..<5000 {
      try image.insert(.init(address: UInt64(index) * 0x1_0000, bytes: [1], origin: .device))
    }
    let picture = MemoryPicture(of: image)
    #expect((1...12).contains(picture.rows.count))
    #expect(picture.rows.reduce(0) { $0 + $1.byteCount } == 5000)
  }

  @Test func `an empty image has no picture`() {
    #expect(MemoryPicture(of: FirmwareImage()).rows.isEmpty)
  }

  @Test func `sectors of any size are drawn with a bar of one width`() throws {
    let sectors = [
      Sector(range: 0x0800_0000..<0x0800_4000, rights: [.readable]),
      Sector(range: 0x0800_4000..<0x0802_4000, rights: [.readable]),
    ]
    let image = try image((0x0800_2000, [UInt8](repeating: 7, count: 0x4000)))
    let picture = MemoryPicture(of: image, sectors: sectors) { _ in ("erase", .warning) }
    #expect(
      picture.lines(.plain, indent: 0) == [
        "0x08000000 │················████████████████│ 8 KiB  erase",
        "0x08004000 │██······························│ 8 KiB  erase",
      ])
    let ascii = TextStyle(usesDrawing: false)
    #expect(
      picture.lines(ascii, indent: 0)[0]
        == "0x08000000 |................################| 8 KiB  erase")
    #expect(picture.legend(.plain, indent: 0) == "█ data   · no bytes")
  }

  @Test func `a sector that is smaller than a bar has a cell for each byte`() throws {
    let sector = Sector(range: 0x1FFF_C000..<0x1FFF_C010, rights: [])
    let image = try image((0x1FFF_C000, [1, 2]))
    let picture = MemoryPicture(of: image, sectors: [sector]) { _ in ("", .faint) }
    #expect(picture.rows[0].cells.count == 16)
    #expect(picture.rows[0].byteCount == 2)
  }
}
