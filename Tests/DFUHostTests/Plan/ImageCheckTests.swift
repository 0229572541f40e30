import DFU
import DFUHost
import Firmware
import Testing
import USB

/// What is refused before the device is touched, and what the refusal says.
@Suite struct `Checks of an image against the map` {
  struct Refusal: CustomTestStringConvertible {
    var name: String
    var map = FlashTarget.f407Flash
    var chip = Chip(.stm32f4)
    var address: UInt64
    var bytes: [UInt8] = [1, 2, 3, 4]
    var code: PlanError.Code
    var sentence: String
    var helpHas: String
    var force: Set<FlashOptions.Force> = []
    var change: @Sendable (inout FlashTarget) -> Void = { _ in }
    var testDescription: String { name }
  }

  static let small: Chip = {
    var chip = Chip(.stm32l0)
    chip.realFlashSize = 128 << 10
    return chip
  }()

  static let refusals: [Refusal] = [
    Refusal(
      name: "an address below the memory", address: 0, code: .doesNotFit,
      sentence: "The bytes at 0x00000000-0x00000003 (from offset 0) lie outside Internal Flash "
        + "(alternate setting 0), which has 0x08000000-0x080FFFFF.",
      helpHas: "another device"),
    Refusal(
      name: "bytes that run over the end", address: 0x080F_FFFE, code: .doesNotFit,
      sentence: "The bytes at 0x08100000-0x08100001 (from offset 0) lie outside Internal Flash "
        + "(alternate setting 0), which has 0x08000000-0x080FFFFF.",
      helpHas: "another device"),
    Refusal(
      name: "RAM", address: 0x2000_0000, code: .doesNotFit,
      sentence: "The bytes at 0x20000000-0x20000003 (from offset 0) lie outside Internal Flash "
        + "(alternate setting 0), which has 0x08000000-0x080FFFFF.",
      helpHas: "RAM"),
    Refusal(
      name: "a sector that is for reading only",
      map: "@Internal Flash  /0x08000000/12*001Ka,116*001Kg", address: 0x0800_2FFE,
      code: .readOnly,
      sentence: "The bytes at 0x08002FFE-0x08002FFF (from offset 0) lie in the 12 sectors at "
        + "0x08000000-0x08002FFF (readable) of Internal Flash (alternate setting 0), which cannot "
        + "be written.",
      helpHas: "Link"),
    Refusal(
      name: "memory that the chip has not", map: "@Internal Flash /0x08000000/1536*128g",
      chip: small, address: 0x0802_0000, code: .doesNotFit,
      sentence: "The bytes at 0x08020000-0x08020003 (from offset 0) lie outside Internal Flash "
        + "(alternate setting 0), which has 0x08000000-0x0801FFFF.",
      helpHas: "--force size"),
    Refusal(
      name: "no memory at 4 GiB", map: "@Device Feature/0xFFFF0000/01*004 e",
      address: 0x1_0000_0000, code: .doesNotFit,
      sentence: "The bytes at 0x100000000-0x100000003 (from offset 0) lie outside Device Feature "
        + "(alternate setting 0), which has 0xFFFF0000-0xFFFF0003.",
      helpHas: "another device"),
    Refusal(
      name: "a part of the option bytes", map: "@Option Bytes  /0x1FFFC000/01*016 e",
      address: 0x1FFF_C000, code: .partialOptionBytes,
      sentence: "Option bytes are written as one whole block, 0x1FFFC000-0x1FFFC00F; the image has "
        + "0x1FFFC000-0x1FFFC003.",
      helpHas: "dfu read"),
    Refusal(
      name: "option bytes that close the part for ever",
      map: "@Option Bytes  /0x1FFFC000/01*016 e", address: 0x1FFF_C000,
      bytes: [0xEF, 0xCC] + Array(repeating: 0xFF, count: 14), code: .lockingOptionBytes,
      sentence: "These option bytes hold 0xCC where the level of read-out protection stands: level "
        + "2 closes the bootloader and the debug port for ever.",
      helpHas: "--force option-bytes"),
    Refusal(
      name: "one-time programmable bits that are wanted back",
      map: "@OTP Memory /0x1FFF7800/01*512 e,01*016 e", address: 0x1FFF_7800, bytes: [0xF0],
      code: .alreadyProgrammed,
      sentence: "The byte at 0x1FFF7800 of OTP Memory (alternate setting 0) is already 0x0f and "
        + "cannot become 0xf0: its bits can only be cleared.",
      helpHas: "cannot be erased",
      change: { $0.contents = try? Drawing.image("\u{0F}", at: 0x1FFF_7800) }),
    Refusal(
      name: "a sector of 4 GiB", map: "@Flash/0x00000000/01*4096Mg", address: 0,
      code: .sectorTooLarge,
      sentence: "The sector of Flash (alternate setting 0) at 0x00000000 claims 4 GiB, which no "
        + "flash has.",
      helpHas: "damaged"),
    Refusal(
      name: "a device that takes no downloads", address: 0x0800_0000, code: .cannotDownload,
      sentence: "Internal Flash (alternate setting 0) does not take downloads (bitCanDnload is 0).",
      helpHas: "dfu read", change: { $0.canDownload = false }),
    Refusal(
      name: "a target without a map", address: 0x0800_0000, code: .mapMissing,
      sentence: "Internal Flash (alternate setting 0) has no map of its memory.", helpHas: "@",
      change: { $0.map = nil }),
    Refusal(
      name: "an image without bytes", address: 0x0800_0000, bytes: [], code: .emptyImage,
      sentence: "The image holds no bytes.", helpHas: "file"),
    Refusal(
      name: "neighbours of a device that cannot be read", address: 0x0800_0000,
      code: .cannotKeepNeighbours,
      sentence: "The bytes at 0x08000004-0x08003FFF share the sector 0x08000000-0x08003FFF of "
        + "Internal Flash (alternate setting 0) with new data and cannot be kept: bitCanUpload is "
        + "0.",
      helpHas: "--discard-neighbours", change: { $0.canUpload = false }),
    Refusal(
      name: "neighbours of a protected device", address: 0x0800_0000, code: .cannotKeepNeighbours,
      sentence: "The bytes at 0x08000004-0x08003FFF share the sector 0x08000000-0x08003FFF of "
        + "Internal Flash (alternate setting 0) with new data and cannot be kept: read-out "
        + "protection is on.",
      helpHas: "--discard-neighbours", change: { $0.readRefusal = "read-out protection is on" }),
    Refusal(
      name: "neighbours in a sector that is not for reading",
      map: "@Dice /0x08080000/1*256Bf/0x08080100/79*256Bg", address: 0x0808_0000,
      code: .cannotKeepNeighbours,
      sentence: "The bytes at 0x08080004-0x080800FF share the sector 0x08080000-0x080800FF of Dice "
        + "(alternate setting 0) with new data and cannot be kept: its map says that it cannot be "
        + "read.",
      helpHas: "--discard-neighbours"),
  ]

  @Test(arguments: refusals)
  func `it is refused before anything is read, in words`(_ refusal: Refusal) throws {
    var target = try FlashTarget.part(refusal.map, chip: refusal.chip)
    refusal.change(&target)
    var image = FirmwareImage()
    try image.insert(refusal.bytes, at: refusal.address, origin: .offset(0))
    let error = #expect(throws: PlanError.self) { try FlashSurvey(image, for: target) }
    #expect(error?.code == refusal.code)
    #expect(error?.sentence == refusal.sentence)
    #expect(error?.help?.contains(refusal.helpHas) == true)
    #expect(throws: PlanError.self) { try FlashPlan(image, for: target) }
  }

  @Test func `the right number of sectors is believed, a million is not`() throws {
    let target = try FlashTarget.part("@Flash/0x00000000/4294967295*1 g")
    #expect {
      try ErasePlan(0..<2_000_000, of: target)
    } throws: { ($0 as? PlanError)?.code == .tooManySectors }
    #expect(try ErasePlan(0..<1000, of: target).sectorCount == 1000)
  }

  @Test func `what is forced is believed`() throws {
    var image = FirmwareImage()
    try image.insert([1, 2], at: 0x0802_0000, origin: .offset(0))
    let target = try FlashTarget.part(
      "@Internal Flash /0x08000000/1536*128g", chip: Self.small)
    var options = FlashOptions()
    options.force = [.size]
    let survey = try FlashSurvey(image, for: target, options: options)
    #expect(survey.parts.map(\.ranges) == [[0x0802_0000..<0x0802_0080]])

    var block = FirmwareImage()
    try block.insert(
      [0xEF, 0xCC] + Array(repeating: UInt8(0xFF), count: 14), at: 0x1FFF_C000, origin: .offset(0))
    options.force = [.optionBytes]
    let plan = try FlashPlan(
      block, for: FlashTarget.part("@Option Bytes  /0x1FFFC000/01*016 g"), options: options)
    // Never erased, although the letter says that it could be.
    #expect(plan.parts[0].erases.isEmpty)
    #expect(plan.parts[0].optionBytes.map(\.range) == [0x1FFF_C000..<0x1FFF_C010])
    #expect(plan.leave == .resets)
  }

  @Test func `option bytes that would not change are not written, so the part does not reset`()
    throws
  {
    let block = try Drawing.image("0123456789abcdef", at: 0x1FFF_C000)
    let plan = try FlashPlan(
      block, for: FlashTarget.part("@Option Bytes  /0x1FFFC000/01*016 e", contents: block))
    #expect(plan.summary.changesNothing)
    #expect(plan.leave != .resets)
  }

  @Test func `the nearest target that would fit is named`() throws {
    var image = FirmwareImage()
    try image.insert(Array(0..<16), at: 0x1FFF_C000, origin: .line(3))
    let targets = try FlashTarget.stm32f407()
    let choice = TargetChoice(
      assignments: [.init(target: targets[0], payload: .image(image))], targets: targets)
    let error = #expect(throws: PlanError.self) {
      try FlashSurvey(choice, options: FlashOptions())
    }
    #expect(error?.help == "It would fit into Option Bytes (alternate setting 1): `--target 1`.")
    #expect(error?.wanted == 0x1FFF_C000..<0x1FFF_C010)
    #expect(error?.against == 0x0800_0000..<0x0810_0000)
    #expect(error?.sentence.contains("line 3") == true)
  }

  @Test func `slugs are words joined by hyphens, each once`() {
    let slugs = PlanError.Code.allCases.map(\.rawValue)
    #expect(Set(slugs).count == slugs.count)
    #expect(slugs.allSatisfy { $0.allSatisfy { $0.isLowercase || $0 == "-" } })
  }

  @Test(
    arguments: [(0, 64), (0xFFFF, 1024), (2048, 2048), (8192, 4096), (1, 1)] as [(UInt16, Int)])
  func `the declared transfer size is brought to reason`(_ declared: UInt16, _ used: Int) {
    #expect(FlashTarget.usableTransferSize(declared) == used)
  }
}
