import DFU
import DFUHost
import Firmware
import Testing
import USB

@Suite struct `Write runs` {
  @Test func `block n goes to the address plus n minus 2 blocks`() throws {
    let run = WriteRun(address: 0x0800_0000, bytes: Array(0..<10), transferSize: 4)
    let blocks = Array(run.blocks)
    #expect(blocks.map(\.number) == [2, 3, 4])
    #expect(blocks.map(\.address) == [0x0800_0000, 0x0800_0004, 0x0800_0008])
    let bytes: [[UInt8]] = blocks.map { Array($0.bytes) }
    #expect(bytes == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]])
    let numbers: [UInt16?] = (0..<4).map { run.block($0)?.number }
    #expect(numbers == [2, 3, 4, nil])
  }

  @Test func `blocks that are left out keep their numbers`() {
    let run = WriteRun(address: 0, bytes: Array(0..<10), transferSize: 2, sent: [0..<1, 3..<5])
    #expect(run.blocks.map(\.number) == [2, 5, 6])
    let numbers: [UInt16?] = (0..<4).map { run.block($0)?.number }
    #expect(numbers == [2, 5, 6, nil])
    #expect(run.blockCount == 3)
    #expect(run.byteCount == 6)
  }

  @Test func `the address is set again before the block number would wrap into the commands`()
    throws
  {
    let map = Drawing.map([(200_000, "g")])
    let target = FlashTarget.drawn(
      map, transferSize: 1,
      contents: try FirmwareImage([
        .init(address: 0, bytes: Array(repeating: 0xFF, count: 200_000), origin: .device)
      ]))
    var image = FirmwareImage()
    try image.insert(Array(repeating: 7, count: 150_000), at: 1, origin: .offset(0))
    let runs = try FlashPlan(image, for: target).parts[0].runs
    #expect(runs.map(\.address) == [1, 65_534, 131_067])
    #expect(runs.map(\.blockCount) == [65_533, 65_533, 18_934])
    #expect(runs[0].block(65_532)?.number == 65_534)
  }

  @Test func `a blank stretch longer than the block numbers reach starts a new run`() throws {
    let map = Drawing.map([(200_000, "g")])
    var memory = FirmwareImage()
    try memory.insert(Array(repeating: 0xFF, count: 200_000), at: 0, origin: .device)
    var image = FirmwareImage()
    try image.insert([1], at: 0, origin: .offset(0))
    try image.insert([2], at: 199_999, origin: .offset(1))
    let plan = try FlashPlan(
      image, for: FlashTarget.drawn(map, transferSize: 1, contents: memory))
    #expect(plan.parts[0].runs.map(\.range) == [0..<1, 199_999..<200_000])
  }

  @Test func `a plain download is cut into blocks from 0 on`() {
    let download = PlainDownload(bytes: Array(0..<5), transferSize: 2)
    #expect(download.blockCount == 3)
    let blocks: [[UInt8]?] = (0..<4).map { index in download.block(index).map { Array($0) } }
    #expect(blocks == [[0, 1], [2, 3], [4], nil])
    #expect(download.block(-1) == nil)
  }

  @Test func `65 536 sectors of which two are touched cost two`() throws {
    let target = try FlashTarget.part("@Flash/0x00000000/65536*256 g")
    var image = FirmwareImage()
    try image.insert([1], at: 0, origin: .offset(0))
    try image.insert([1], at: 0xFF_FF00, origin: .offset(0))
    var options = FlashOptions()
    options.discardNeighbours = true
    let plan = try FlashPlan(image, for: target, options: options)
    #expect(plan.parts[0].erases.map(\.start) == [0, 0xFF_FF00])
  }

  @Test func `65 536 sectors that are all erased are one line`() throws {
    let target = try FlashTarget.part("@Flash/0x00000000/65536*256 g")
    let plan = try ErasePlan(everythingOf: target, massErase: false)
    #expect(plan.sectorCount == 65_536)
    #expect(plan.sectors.count == 1)
    #expect(plan.cost.controlTransfers == 2 + 3 * 65_536)
    #expect(plan.steps.count == 1 + 65_536)
  }
}
