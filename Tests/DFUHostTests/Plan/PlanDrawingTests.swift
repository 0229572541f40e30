import DFU
import DFUHost
import Firmware
import Testing
import USB

/// Plans as drawings: what is there, what shall be there, and the lines of the plan.
@Suite struct `Plans as drawings of memory` {
  struct Case: CustomTestStringConvertible {
    var name: String
    /// `.` is blank, a space is nothing known or wanted, `|` stands between sectors.
    var memory: String
    var image: String
    var letters: String? = nil
    var transferSize = 4
    var granularity = 1
    var change: @Sendable (inout FlashOptions) -> Void = { _ in }
    var plan: [String]
    var testDescription: String { name }
  }

  static let cases: [Case] = [
    Case(
      name: "what is there already is left alone", memory: "abcd|efgh", image: "abcd|efgh",
      plan: ["unchanged 0x00000000 2 × 4 bytes"]),
    Case(
      name: "a blank sector is written without an erase", memory: "....|efgh", image: "abcd|    ",
      plan: [
        "select Flash (alternate setting 0)", "write 0x00000000 4 bytes in 1 block",
        "verify 0x00000000 4 bytes",
      ]),
    Case(
      name: "a sector with one other byte is erased and written", memory: "abcX|efgh",
      image: "abcd|efgh",
      plan: [
        "unchanged 0x00000004 4 bytes", "select Flash (alternate setting 0)",
        "erase 0x00000000 4 bytes", "write 0x00000000 4 bytes in 1 block",
        // One block of the first sector that must have survived is read, too.
        "verify 0x00000000 8 bytes",
      ]),
    Case(
      name: "bytes beside the image are kept", memory: "abcdefgh|ijkl", image: "  XX    |    ",
      transferSize: 8,
      plan: [
        "select Flash (alternate setting 0)", "erase 0x00000000 8 bytes",
        "  keep 0x00000000 2 bytes", "  keep 0x00000004 4 bytes",
        "write 0x00000000 8 bytes in 1 block", "verify 0x00000000 8 bytes",
      ]),
    Case(
      name: "bytes beside the image are lost when that is wanted", memory: "abcdefgh|ijkl",
      image: "  XX    |    ", transferSize: 8, change: { $0.discardNeighbours = true },
      plan: [
        "select Flash (alternate setting 0)", "erase 0x00000000 8 bytes",
        "  lose 0x00000000 2 bytes", "  lose 0x00000004 4 bytes",
        "write 0x00000002 2 bytes in 1 block", "verify 0x00000002 2 bytes",
      ]),
    Case(
      name: "a run begins and ends at units of the chip", memory: "........|ijkl",
      image: "   XX   |    ", transferSize: 8, granularity: 4,
      plan: [
        "select Flash (alternate setting 0)", "write 0x00000000 8 bytes in 1 block",
        "verify 0x00000003 2 bytes",
      ]),
    Case(
      name: "blank blocks are skipped behind one address", memory: "xxxxxxxxxxxxxxxx",
      image: "ab............yz", transferSize: 2,
      plan: [
        "select Flash (alternate setting 0)", "erase 0x00000000 16 bytes",
        "write 0x00000000 4 bytes in 2 blocks, 12 bytes blank between",
        "verify 0x00000000 16 bytes",
      ]),
    Case(
      name: "a blank image on other contents erases and writes nothing", memory: "xxxx|yyyy",
      image: "....|    ",
      plan: [
        "select Flash (alternate setting 0)", "erase 0x00000000 4 bytes",
        "verify 0x00000000 4 bytes",
      ]),
    Case(
      name: "elements in sectors A, B, A lose nothing", memory: "xxxx|yyyy", image: "ab z|cd  ",
      plan: [
        "select Flash (alternate setting 0)", "erase 0x00000000 2 × 4 bytes",
        "  keep 0x00000002 1 byte", "  keep 0x00000006 2 bytes",
        "write 0x00000000 8 bytes in 2 blocks", "verify 0x00000000 8 bytes",
      ]),
    Case(
      name: "unaligned sectors of sizes that are no powers of two", memory: "xxx|yyyyy|zz",
      image: "   |   ab|  ", transferSize: 8,
      plan: [
        "select Flash (alternate setting 0)", "erase 0x00000003 5 bytes",
        "  keep 0x00000003 3 bytes", "write 0x00000003 5 bytes in 1 block",
        "verify 0x00000003 5 bytes",
      ]),
    Case(
      name: "RAM is written in place", memory: "xxxx|yyyy", image: " ab |    ", letters: "eg",
      plan: [
        "select Flash (alternate setting 0)", "write 0x00000001 2 bytes in 1 block",
        "verify 0x00000001 2 bytes",
      ]),
    Case(
      name: "all sectors: what is there already is erased and written again", memory: "abcd|efgh",
      image: "abcd|efgh", transferSize: 8, change: { $0.differential = false },
      plan: [
        "select Flash (alternate setting 0)", "erase 0x00000000 2 × 4 bytes",
        "write 0x00000000 8 bytes in 1 block", "verify 0x00000000 8 bytes",
      ]),
    Case(
      name: "erase everything: one command, and nothing is kept", memory: "abcd|efgh",
      image: "ab  |    ", change: { $0.erase = .all },
      plan: [
        "select Flash (alternate setting 0)", "mass erase", "write 0x00000000 2 bytes in 1 block",
        "verify 0x00000000 2 bytes",
      ]),
    Case(
      name: "without a proof", memory: "xxxx|yyyy", image: "abcd|    ",
      change: { $0.verify = false },
      plan: [
        "select Flash (alternate setting 0)", "erase 0x00000000 4 bytes",
        "write 0x00000000 4 bytes in 1 block",
      ]),
  ]

  @Test(arguments: cases)
  func `the plan reads as drawn`(_ sample: Case) throws {
    let map = Drawing.map(of: sample.memory, letters: sample.letters)
    let target = FlashTarget.drawn(
      map, transferSize: sample.transferSize, granularity: sample.granularity,
      contents: try Drawing.image(sample.memory))
    var options = FlashOptions()
    options.leave = .never
    sample.change(&options)
    let plan = try FlashPlan(Drawing.image(sample.image), for: target, options: options)
    let lines = sample.plan + ["stay in the bootloader, because it was asked to"]
    #expect(plan.lines == lines)
  }

  @Test func `erases come first over all targets, and option bytes last`() throws {
    let parts = try FlashTarget.stm32f407()
    let external = try FlashTarget.part(
      "@External Flash /0x90000000/64*004Kg", number: 4, contents: FirmwareImage())
    var image = FirmwareImage()
    try image.insert([1], at: 0x0800_0000, origin: .offset(0))
    try image.insert([1], at: 0x9000_0000, origin: .offset(0))
    try image.insert(Array(0..<16), at: 0x1FFF_C000, origin: .offset(0))
    var options = FlashOptions()
    options.discardNeighbours = true
    options.differential = false
    options.verify = false
    let file = FirmwareFile(image: image)
    let choice = try TargetChoice(file, targets: parts + [external], options: options)
    let plan = try FlashPlan(choice, options: options)
    #expect(
      plan.lines == [
        "select Internal Flash (alternate setting 0)", "erase 0x08000000 16 KiB",
        "  lose 0x08000001 16383 bytes", "select External Flash (alternate setting 4)",
        "erase 0x90000000 4 KiB", "  lose 0x90000001 4095 bytes",
        "select Internal Flash (alternate setting 0)", "write 0x08000000 4 bytes in 1 block",
        "select External Flash (alternate setting 4)", "write 0x90000000 4 bytes in 1 block",
        "select Option Bytes (alternate setting 1)",
        "write option bytes 0x1FFFC000 16 bytes in 1 block", "the part resets by itself",
      ])
    let kinds = plan.steps.map { "\($0)".prefix { $0 != "(" } }
    #expect(
      kinds == [
        "select", "erase", "select", "erase", "select", "write", "select", "write", "select",
        "writeOptionBytes",
      ])
  }

  @Test func `a survey reads whole sectors, and joins reads that are cheaper together`() throws {
    let map = Drawing.map(Array(repeating: (4, "g"), count: 40))
    let target = FlashTarget.drawn(map, transferSize: 4)
    var near = FirmwareImage()
    try near.insert([1], at: 1, origin: .offset(0))
    try near.insert([1], at: 32, origin: .offset(0))
    #expect(try FlashSurvey(near, for: target).parts.map(\.ranges) == [[0..<36]])
    var far = FirmwareImage()
    try far.insert([1], at: 1, origin: .offset(0))
    try far.insert([1], at: 36, origin: .offset(0))
    #expect(try FlashSurvey(far, for: target).parts.map(\.ranges) == [[0..<4, 36..<40]])
  }

  @Test func `without a comparison only the neighbours are read`() throws {
    let target = FlashTarget.drawn(Drawing.map(of: "xxxxxxxx|yyyyyyyy"), transferSize: 1)
    var options = FlashOptions()
    options.differential = false
    let image = try Drawing.image("abcdefgh|ab      ")
    #expect(
      try FlashSurvey(image, for: target, options: options).parts.map(\.ranges) == [[10..<16]])
    options.discardNeighbours = true
    #expect(try FlashSurvey(image, for: target, options: options).parts.isEmpty)
  }

  @Test func `an erase that reaches too far is caught by a block that must have survived`() throws {
    let memory = "xxxx|yyyy|....|zzzz"
    let map = Drawing.map(of: memory)
    let target = FlashTarget.drawn(map, contents: try Drawing.image(memory))
    let plan = try FlashPlan(
      Drawing.image("xxxx|abcd|....|zzzz"), for: target, options: FlashOptions())
    let proved = try #require(plan.parts.first?.verify)
    #expect(proved == [4..<14])
    let model = FlashModel(map, Drawing.bytes("xxxx|abcd|....|....").compactMap { $0 })
    var run = model
    run.run(
      FlashPlan(
        parts: plan.parts.map {
          var part = $0
          part.erases = []
          part.runs = []
          return part
        }, leave: plan.leave), transferSize: 2)
    #expect(!run.violations.isEmpty)
  }
}
