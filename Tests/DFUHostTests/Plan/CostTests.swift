import DFU
import DFUHost
import Firmware
import Testing
import USB

/// The numbers of the cost model: formulas first, then the worked examples.
@Suite struct `Costs of plans` {
  struct Example: CustomTestStringConvertible {
    var name: String
    var map: String
    var family: ChipFamily
    var transferSize: Int
    var kilobytes: Int
    /// The floor of any host: 2 + 3S + 3R + 3C + 5L.
    var transfers: Int
    /// Reading all of it back: 7 + C.
    var proof: Int
    var testDescription: String { name }
  }

  static let examples = [
    Example(
      name: "F407 ROM, 512 KiB", map: FlashTarget.f407Flash, family: .stm32f4, transferSize: 2048,
      kilobytes: 512, transfers: 802, proof: 263),
    Example(
      name: "library bootloader, 512 KiB in blocks of 1024", map: FlashTarget.f407Flash,
      family: .stm32f4, transferSize: 1024, kilobytes: 512, transfers: 1570, proof: 519),
    Example(
      name: "H743 ROM, 512 KiB", map: "@Internal Flash   /0x08000000/16*128Kg", family: .stm32h7,
      transferSize: 1024, kilobytes: 512, transfers: 1558, proof: 519),
    Example(
      name: "GD32VF103, 128 KiB", map: "@Internal Flash  /0x08000000/128*001Kg",
      family: .gd32vf103, transferSize: 2048, kilobytes: 128, transfers: 586, proof: 71),
  ]

  /// An image without a blank block.
  static func image(kilobytes: Int) throws -> FirmwareImage {
    let page = (0..<1024).map { UInt8(truncatingIfNeeded: $0 &* 31) & 0x7F }
    var bytes: [UInt8] = []
    for _ in 0..<kilobytes { bytes += page }
    var image = FirmwareImage()
    try image.insert(bytes, at: 0x0800_0000, origin: .offset(0))
    return image
  }

  @Test(arguments: examples)
  func `all sectors, no proof, leaving: the floor of the protocol`(_ example: Example) throws {
    let target = try FlashTarget.part(
      example.map, transferSize: example.transferSize, chip: Chip(example.family))
    var options = FlashOptions()
    options.differential = false
    options.verify = false
    options.leave = .always
    let image = try Self.image(kilobytes: example.kilobytes)
    #expect(try FlashSurvey(image, for: target, options: options).parts.isEmpty)
    let plan = try FlashPlan(image, for: target, options: options)
    #expect(plan.cost.controlTransfers == example.transfers)
    #expect(plan.summary.bytesToWrite == example.kilobytes << 10)
  }

  @Test(arguments: examples)
  func `reading first and reading back cost one transfer a block and seven`(
    _ example: Example
  ) throws {
    var target = try FlashTarget.part(
      example.map, transferSize: example.transferSize, chip: Chip(example.family))
    var options = FlashOptions()
    options.leave = .never
    let image = try Self.image(kilobytes: example.kilobytes)
    let survey = try FlashSurvey(image, for: target, options: options)
    // Selecting the alternate setting is two.
    #expect(survey.cost.controlTransfers == 2 + example.proof)
    target.contents = try FirmwareImage(
      survey.parts.flatMap(\.ranges).map {
        FirmwareImage.Segment(
          address: $0.lowerBound, bytes: Array(repeating: 0x80, count: $0.count), origin: .device)
      })
    var choice = TargetChoice(image, for: target)
    choice.note(contents: target.contents, ofAlternateSetting: 0)
    let plan = try FlashPlan(choice, options: options, selected: 0)
    // Neither selected again nor left: seven transfers fewer than the floor, and the proof.
    #expect(plan.cost.controlTransfers == example.transfers - 7 + example.proof)
  }

  @Test func `the example of 512 KiB stays below 1350 transfers, and 290 when nothing changes`()
    throws
  {
    let image = try Self.image(kilobytes: 512)
    var target = try FlashTarget.part(FlashTarget.f407Flash)
    var options = FlashOptions()
    options.leave = .never
    let survey = try FlashSurvey(image, for: target, options: options)
    var other = FirmwareImage()
    try other.insert(
      Array(repeating: 0x80, count: 512 << 10), at: 0x0800_0000, origin: .device)
    target.contents = other
    let first = try FlashPlan(TargetChoice(image, for: target), options: options, selected: 0)
    #expect(survey.cost.controlTransfers + first.cost.controlTransfers == 1323)
    target.contents = image
    let second = try FlashPlan(TargetChoice(image, for: target), options: options, selected: 0)
    #expect(survey.cost.controlTransfers + second.cost.controlTransfers == 265)
    #expect(second.summary.changesNothing)
    #expect(second.summary.sectorsUnchanged == 8)
  }

  @Test func `the time is that of the chip and of the wire`() throws {
    var options = FlashOptions()
    options.differential = false
    options.verify = false
    options.leave = .always
    let plan = try FlashPlan(
      Self.image(kilobytes: 512), for: FlashTarget.part(FlashTarget.f407Flash), options: options)
    // Measured with exact time-outs: 7.5 to 8.1 s.
    #expect(plan.cost.duration > .milliseconds(6800))
    #expect(plan.cost.duration < .milliseconds(8100))
    let erases = plan.costs.filter { if case .erase = $0.step { true } else { false } }
    let erasing = erases.reduce(Duration.zero) { $0 + $1.cost.duration }
    #expect(erasing > .milliseconds(4550))
    #expect(erasing < .milliseconds(4600))
  }

  @Test func `bytes on the wire are counted both ways`() throws {
    var options = FlashOptions()
    options.differential = false
    options.leave = .never
    let plan = try FlashPlan(
      Self.image(kilobytes: 16), for: FlashTarget.part(FlashTarget.f407Flash), options: options)
    // One erase, one address, eight blocks; and one address for the proof.
    #expect(plan.cost.bytesOut == 5 + 5 + 16384 + 5)
    // A status of six bytes: select, erase, address, blocks; the proof: address, two, its bytes.
    #expect(plan.cost.bytesIn == 6 + 12 + 12 + 8 * 12 + 12 + 12 + 16384)
  }

  @Test func `a plain download is three transfers a block, two for its end and two for its start`()
    throws
  {
    let target = FlashTarget(
      vendor: VendorID(0x1209), product: ProductID(0xD0D0), name: "firmware", dialect: .dfu11,
      map: nil, transferSize: 2048)
    let plan = try FlashPlan(
      TargetChoice(assignments: [
        .init(target: target, payload: .plain(Array(repeating: 1, count: 512 << 10)))
      ]))
    #expect(plan.cost.controlTransfers == 2 + 768 + 2)
    #expect(plan.leave == .manifests)
  }
}
