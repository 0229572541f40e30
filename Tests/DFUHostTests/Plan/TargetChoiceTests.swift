import DFU
import DFUHost
import Firmware
import Testing
import USB

/// Which bytes go where.
@Suite struct `Choosing targets` {
  static let program: [UInt8] =
    [0x00, 0x00, 0x02, 0x20, 0x09, 0x00, 0x00, 0x08] + Array(repeating: 0xBE, count: 24)

  static func dfuSe(
    _ targets: [(UInt8, UInt64, [UInt8])], product: UInt16 = 0xDF11
  ) throws
    -> FirmwareFile
  {
    var content: [FirmwareTarget] = []
    for (number, address, bytes) in targets {
      var image = FirmwareImage()
      try image.insert(bytes, at: address, origin: .offset(0))
      content.append(FirmwareTarget(alternateSetting: number, content: .image(image)))
    }
    return FirmwareFile(
      format: .dfuSe, targets: content,
      suffix: DFUSuffix(
        vendor: .stMicroelectronics, product: ProductID(product), dfuVersion: BCDVersion(0x011A)))
  }

  static func hex(_ pieces: [(UInt64, [UInt8])]) throws -> FirmwareFile {
    var image = FirmwareImage()
    for (address, bytes) in pieces {
      try image.insert(bytes, at: address, origin: .line(1))
    }
    return FirmwareFile(format: .intelHex, targets: [FirmwareTarget(content: .image(image))])
  }

  static func raw(_ bytes: [UInt8]) -> FirmwareFile {
    FirmwareFile(format: .raw, targets: [FirmwareTarget(content: .raw(bytes))])
  }

  static func places(_ choice: TargetChoice) -> [String] {
    choice.assignments.map { assignment in
      switch assignment.payload {
      case .image(let image):
        let extents = image.extents.map { "\(addressText($0.lowerBound))+\($0.count)" }
        return "\(assignment.target.alternateSetting): \(extents.joined(separator: " "))"
      case .plain(let bytes): return "\(assignment.target.alternateSetting): \(bytes.count) plain"
      }
    }
  }

  struct Good: CustomTestStringConvertible {
    var name: String
    var file: FirmwareFile
    var target: String? = nil
    var address: UInt64? = nil
    var force: Set<FlashOptions.Force> = []
    var places: [String]
    var note: String? = nil
    var testDescription: String { name }
  }

  static func goods() throws -> [Good] {
    let option: [UInt8] = Array(0..<16)
    return [
      Good(
        name: "a DfuSe file by its numbers",
        file: try dfuSe([(1, 0x1FFF_C000, option), (0, 0x0800_0000, program)]),
        places: ["0: 0x08000000+32", "1: 0x1FFFC000+16"]),
      Good(
        name: "two targets of one number are one image",
        file: try dfuSe([(0, 0x0801_0000, [1]), (0, 0x0800_0000, program)]),
        places: ["0: 0x08000000+32 0x08010000+1"]),
      Good(
        name: "one target of several",
        file: try dfuSe(
          [(1, 0x1FFF_C000, option), (0, 0x0800_0000, program)]), target: "internal flash",
        places: ["0: 0x08000000+32"]),
      Good(
        name: "a file of one target, sent elsewhere", file: try dfuSe([(7, 0x0800_0000, program)]),
        target: "0", places: ["0: 0x08000000+32"]),
      Good(
        name: "a HEX file by its addresses", file: try hex([(0x0800_0000, program)]),
        places: ["0: 0x08000000+32"]),
      Good(
        name: "a HEX file split over two targets",
        file: try hex([(0x0800_0000, program), (0x1FFF_C000, option)]),
        places: ["0: 0x08000000+32", "1: 0x1FFFC000+16"]),
      Good(
        name: "raw bytes at an address", file: raw([1, 2, 3]), address: 0x0800_4000,
        places: ["0: 0x08004000+3"]),
      Good(
        name: "raw bytes by their vector table", file: raw(program),
        places: ["0: 0x08000000+32"], note: "address-inferred"),
      Good(
        name: "product 0x0000 in a DfuSe file is any product",
        file: try dfuSe([(0, 0x0800_0000, program)], product: 0), places: ["0: 0x08000000+32"]),
      Good(
        name: "a file for another device, forced",
        file: try dfuSe([(0, 0x0800_0000, program)], product: 0x1234), force: [.ids],
        places: ["0: 0x08000000+32"], note: "ids-forced"),
    ]
  }

  @Test(arguments: try goods())
  func `bytes go where they belong on an STM32F407`(_ good: Good) throws {
    var options = FlashOptions()
    options.target = good.target.map { .init($0) }
    options.address = good.address
    options.force = good.force
    let choice = try TargetChoice(
      good.file, targets: FlashTarget.stm32f407(), options: options)
    #expect(Self.places(choice) == good.places)
    #expect(choice.notes.map(\.slug) == (good.note.map { [$0] } ?? []))
  }

  struct Bad: CustomTestStringConvertible {
    var name: String
    var file: FirmwareFile
    var target: String? = nil
    var address: UInt64? = nil
    var code: PlanError.Code
    var has: String
    var testDescription: String { name }
  }

  static func bads() throws -> [Bad] {
    let list =
      "0 Internal Flash (0x08000000-0x080FFFFF), 1 Option Bytes (0x1FFFC000-0x1FFFC00F), "
      + "2 OTP Memory (0x1FFF7800-0x1FFF7A0F), 3 Device Feature (0xFFFF0000-0xFFFF0003)"
    return [
      Bad(
        name: "a file for another chip is refused on a device already in DFU mode",
        file: try dfuSe([(0, 0x0800_0000, program)], product: 0x1234), code: .wrongDevice,
        has: "0483:1234, and the one that was opened is 0483:df11"),
      Bad(
        name: "a number that the device has not", file: try dfuSe([(5, 0x0800_0000, program)]),
        code: .noSuchTarget, has: "alternate setting 5, which the device has not. It has " + list),
      Bad(
        name: "a name that the device has not", file: raw(program), target: "SPI",
        code: .noSuchTarget, has: "no target “SPI”. It has " + list),
      Bad(
        name: "an address where no target is", file: try hex([(0, program)]), code: .doesNotFit,
        has: "(from line 1) lie in no memory of the device, which has " + list),
      Bad(
        name: "raw bytes without a vector table", file: raw([1, 2, 3]), code: .addressMissing,
        has: list),
      Bad(
        name: "raw bytes whose vector table fits nowhere",
        file: raw([0, 0, 2, 0x20, 9, 0, 0, 0x70, 1, 2, 3, 4]), code: .addressMissing, has: list),
      Bad(
        name: "an address for a file that has its own",
        file: try hex([(0x0800_0000, program)]), address: 0x0800_4000, code: .addressUnexpected,
        has: "addresses of its own"),
      Bad(
        name: "an address beyond 4 GiB", file: raw([1]), address: .max, code: .doesNotFit,
        has: "32 bits"),
      Bad(name: "no bytes", file: raw([]), address: 0, code: .emptyImage, has: "no bytes"),
      Bad(
        name: "two targets of the file want different bytes",
        file: try dfuSe([(0, 0x0800_0000, [1]), (0, 0x0800_0000, [2])]), code: .contradiction,
        has: "different bytes at 0x08000000"),
    ]
  }

  @Test(arguments: try bads())
  func `what has no one place is refused in words`(_ bad: Bad) throws {
    var options = FlashOptions()
    options.target = bad.target.map { .init($0) }
    options.address = bad.address
    let error = #expect(throws: PlanError.self) {
      try TargetChoice(bad.file, targets: FlashTarget.stm32f407(), options: options)
    }
    #expect(error?.code == bad.code)
    #expect(error?.sentence.contains(bad.has) == true, "\(error?.sentence ?? "no error")")
    #expect(error?.help != nil)
  }

  @Test func `of targets with one and the same map the first is taken`() throws {
    let targets = try (0..<3).map {
      try FlashTarget.part("@Internal Flash   /0x08000000/64*02Kg", number: UInt8($0))
    }
    let file = try Self.hex([(0x0800_0000, Self.program)])
    let choice = try TargetChoice(file, targets: targets, options: FlashOptions())
    #expect(Self.places(choice) == ["0: 0x08000000+32"])
    let raw = try TargetChoice(Self.raw(Self.program), targets: targets, options: FlashOptions())
    #expect(Self.places(raw) == ["0: 0x08000000+32"])
  }

  @Test func `a program behind a bootloader of sectors for reading only is found`() throws {
    let target = try FlashTarget.part("@Internal Flash  /0x08000000/12*001Ka,116*001Kg")
    var program = Self.program
    program[5] = 0x30
    let choice = try TargetChoice(Self.raw(program), targets: [target], options: FlashOptions())
    #expect(Self.places(choice) == ["0: 0x08003000+32"])
  }

  @Test func `several files are one plan, unless they contradict each other`() throws {
    let targets = try FlashTarget.stm32f407()
    let options = FlashOptions()
    var both = try TargetChoice(
      Self.hex([(0x0800_0000, Self.program)]), targets: targets, options: options)
    try both.merge(
      TargetChoice(
        Self.hex([(0x0800_4000, [1, 2]), (0x1FFF_C000, Array(0..<16))]), targets: targets,
        options: options))
    #expect(Self.places(both) == ["0: 0x08000000+32 0x08004000+2", "1: 0x1FFFC000+16"])
    let before = both
    let other = try TargetChoice(
      Self.hex([(0x0800_4001, [9])]), targets: targets, options: options)
    let error = #expect(throws: PlanError.self) { try both.merge(other) }
    #expect(error?.code == .contradiction)
    #expect(both == before)
  }

  // MARK: Devices without addresses

  static func plain(_ names: [String], lpc: Bool = false) -> [FlashTarget] {
    names.enumerated().map { number, name in
      FlashTarget(
        vendor: VendorID(lpc ? 0x1FC9 : 0x1209), product: ProductID(lpc ? 0x000C : 0xD0D0),
        alternateSetting: UInt8(number), name: name, dialect: .dfu11, map: nil, transferSize: 64,
        quirks: lpc ? [.keepsLPCPrefix] : [])
    }
  }

  @Test func `a plain device gets the payload whole`() throws {
    let choice = try TargetChoice(
      Self.raw([1, 2, 3]), targets: Self.plain(["firmware"]), options: FlashOptions())
    #expect(Self.places(choice) == ["0: 3 plain"])
    let plan = try FlashPlan(choice)
    #expect(
      plan.lines == [
        "select firmware (alternate setting 0)", "download 3 bytes in 1 block", "manifest",
      ])
  }

  @Test func `of several partitions one must be named`() throws {
    var options = FlashOptions()
    let targets = Self.plain(["firmware", "bitstream"])
    #expect {
      try TargetChoice(Self.raw([1]), targets: targets, options: options)
    } throws: { ($0 as? PlanError)?.code == .ambiguousTarget }
    options.target = .init("BITSTREAM")
    let choice = try TargetChoice(Self.raw([1]), targets: targets, options: options)
    #expect(Self.places(choice) == ["1: 1 plain"])
  }

  @Test func `the LPC prefix is kept, and wanted`() throws {
    let targets = Self.plain(["DFU"], lpc: true)
    let error = #expect(throws: PlanError.self) {
      try TargetChoice(Self.raw([1]), targets: targets, options: FlashOptions())
    }
    #expect(error?.code == .prefixMissing)
    let file = FirmwareFile(
      format: .dfu, targets: [FirmwareTarget(content: .raw([0x11, 0x22, 0x33, 0x44]))],
      suffix: DFUSuffix(vendor: VendorID(0x1FC9), product: ProductID(0x000C)), prefix: .lpc())
    let choice = try TargetChoice(file, targets: targets, options: FlashOptions())
    guard case .plain(let bytes)? = choice.assignments.first?.payload else {
      Issue.record("no payload")
      return
    }
    #expect(bytes.count == 20)
    #expect(bytes.prefix(4) == [0x1A, 0x3F, 0x01, 0x00])
    var forced = FlashOptions()
    forced.force = [.prefix]
    #expect(
      try Self.places(TargetChoice(Self.raw([1]), targets: targets, options: forced))
        == ["0: 1 plain"])
  }

  @Test func `addresses mean nothing to a plain device`() throws {
    let targets = Self.plain(["firmware"])
    var options = FlashOptions()
    let one = try Self.hex([(0x2000, [1, 2])])
    let two = try Self.hex([(0x2000, [1, 2]), (0x3000, [1])])
    for file in [one, two] {
      #expect {
        try TargetChoice(file, targets: targets, options: options)
      } throws: { ($0 as? PlanError)?.code == .notAddressable }
    }
    options.force = [.addresses]
    #expect(
      try Self.places(TargetChoice(one, targets: targets, options: options)) == ["0: 2 plain"])
    #expect {
      try TargetChoice(two, targets: targets, options: options)
    } throws: { ($0 as? PlanError)?.code == .notAddressable }
    options.address = 0
    #expect {
      try TargetChoice(Self.raw([1]), targets: targets, options: options)
    } throws: { ($0 as? PlanError)?.code == .addressUnexpected }
  }

  @Test func `a device that only looks like DFU is left alone`() throws {
    var targets = Self.plain(["firmware"])
    targets[0].quirks = [.speaksFLIP]
    #expect {
      try TargetChoice(Self.raw([1]), targets: targets, options: FlashOptions())
    } throws: { ($0 as? PlanError)?.code == .cannotDownload }
  }
}
