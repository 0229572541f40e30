import DFU
import DFUHost
import Firmware
import Testing
import USB

@Suite struct `Where the device goes` {
  static func plan(
    _ bytes: [UInt8], at address: UInt64 = 0x0800_0000,
    _ change: (inout FlashOptions) -> Void = { _ in }
  ) throws -> FlashPlan {
    var options = FlashOptions()
    options.discardNeighbours = true
    change(&options)
    var image = FirmwareImage()
    try image.insert(bytes, at: address, origin: .offset(0))
    // A second piece above, so that the start of the image is not the start of the last run.
    try image.insert([1], at: 0x0808_0000, origin: .offset(99))
    return try FlashPlan(image, for: FlashTarget.part(FlashTarget.f407Flash), options: options)
  }

  @Test func `leave jumps to the start of the image, not to the last chunk`() throws {
    let plan = try Self.plan(`Choosing targets`.program)
    #expect(plan.leave == .leaves(at: 0x0800_0000, because: "the vector table there is plausible"))
    #expect(plan.steps.last == .leave(0x0800_0000))
  }

  @Test func `without a vector table it stays, and says why`() throws {
    let plan = try Self.plan([1, 2, 3])
    guard case .stays(let reason) = plan.leave else {
      Issue.record("it leaves")
      return
    }
    #expect(reason.contains("no plausible vector table"))
    guard case .verify? = plan.steps.last else {
      Issue.record("the last step is no proof")
      return
    }
  }

  @Test func `it leaves when told to, for the start or for the address given`() throws {
    #expect(
      try Self.plan([1, 2, 3]) { $0.leave = .always }.leave
        == .leaves(at: 0x0800_0000, because: "it was asked to"))
    #expect(
      try Self.plan([1, 2, 3]) { $0.leaveAddress = 0x0801_0000 }.leave
        == .leaves(at: 0x0801_0000, because: "that address was given"))
    #expect(
      try Self.plan(`Choosing targets`.program) { $0.leave = .never }.leave
        == .stays(because: "it was asked to"))
  }
}

extension `Where the device goes` {
  @Test func `a device on which nothing changes is selected before it leaves`() throws {
    let image = try Drawing.image("abcd", at: 0x0800_0000)
    var options = FlashOptions()
    options.leave = .always
    let plan = try FlashPlan(
      image, for: FlashTarget.part(FlashTarget.f407Flash, contents: image), options: options)
    #expect(plan.steps == [.select(0), .leave(0x0800_0000)])
    options.leaveAddress = 0x0801_0000
    let elsewhere = try FlashPlan(
      image, for: FlashTarget.part(FlashTarget.f407Flash, contents: image), options: options)
    #expect(elsewhere.steps == [.select(0), .leave(0x0801_0000)])
  }

  @Test func `a jump to where there is no memory is refused before anything is read or written`()
    throws
  {
    let image = try Drawing.image("abcd", at: 0x0800_0000)
    let target = try FlashTarget.part(FlashTarget.f407Flash)
    var options = FlashOptions()
    options.leaveAddress = 0x2000_0000
    #expect {
      try FlashSurvey(image, for: target, options: options)
    } throws: {
      ($0 as? PlanError)?.code == .doesNotFit
    }
    #expect {
      try FlashPlan(image, for: target, options: options)
    } throws: {
      ($0 as? PlanError)?.code == .doesNotFit
    }
  }
}

@Suite struct `Plans to erase and to read` {
  @Test func `a range of whole sectors is erased sector by sector`() throws {
    let target = try FlashTarget.part(FlashTarget.f407Flash)
    let plan = try ErasePlan(0x0800_C000..<0x0804_0000, of: target)
    #expect(
      plan.sectors.map(\.range) == [
        0x0800_C000..<0x0801_0000, 0x0801_0000..<0x0802_0000, 0x0802_0000..<0x0804_0000,
      ])
    #expect(plan.sectorCount == 3)
    #expect(plan.steps.count == 4)
    #expect(plan.cost.controlTransfers == 2 + 9)
  }

  @Test func `a range that ends inside a sector names what else would be erased`() throws {
    var target = try FlashTarget.part(FlashTarget.f407Flash)
    let error = #expect(throws: PlanError.self) {
      try ErasePlan(0x0800_0100..<0x0800_4000, of: target)
    }
    #expect(error?.code == .misaligned)
    #expect(
      error?.sentence == "0x08000100-0x08003FFF does not end where sectors do: the sectors that "
        + "hold it are 0x08000000-0x08003FFF, and erasing them would also erase "
        + "0x08000000-0x080000FF.")
    #expect(error?.help?.contains("--address 0x08000000 --length 16384") == true)
    var blank = FirmwareImage()
    try blank.insert(
      Array(repeating: UInt8(0xFF), count: 256), at: 0x0800_0000, origin: .device)
    target.contents = blank
    let known = #expect(throws: PlanError.self) {
      try ErasePlan(0x0800_0100..<0x0800_4000, of: target)
    }
    #expect(known?.sentence.contains("(blank)") == true)
    let plan = try ErasePlan(0x0800_0100..<0x0800_4000, of: target, discardNeighbours: true)
    #expect(plan.beyond == [0x0800_0000..<0x0800_0100])
    #expect(plan.byteCount == 16384)
  }

  @Test(
    arguments: [
      (1, .notErasable), (2, .notErasable), (3, .notErasable),
    ] as [(Int, PlanError.Code)])
  func `option bytes, OTP and the device feature are never erased`(
    _ number: Int, _ code: PlanError.Code
  ) throws {
    let target = try FlashTarget.stm32f407()[number]
    let range = try #require(target.map?.runs.first?.range)
    #expect {
      try ErasePlan(range, of: target)
    } throws: { ($0 as? PlanError)?.code == code }
    #expect {
      try ErasePlan(everythingOf: target, massErase: true)
    } throws: { ($0 as? PlanError)?.code == code }
  }

  @Test func `a mass erase is one command`() throws {
    let plan = try ErasePlan(
      everythingOf: FlashTarget.part(FlashTarget.f407Flash), massErase: true)
    #expect(plan.steps == [.select(0), .massErase])
    #expect(plan.cost.controlTransfers == 5)
    #expect(plan.byteCount == 1 << 20)
  }

  @Test(
    arguments: [
      0..<16, 0x080F_FFF0..<0x0810_0010, 0x0800_0000..<UInt64.max, 0x0800_0000..<0x0800_0000,
    ] as [Range<UInt64>])
  func `ranges outside the memory are refused`(_ range: Range<UInt64>) throws {
    let target = try FlashTarget.part(FlashTarget.f407Flash)
    #expect(throws: PlanError.self) { try ErasePlan(range, of: target) }
    guard !range.isEmpty else { return }
    #expect(throws: PlanError.self) { try ReadPlan([range], of: target) }
  }

  @Test func `reads are in order, joined, and counted in blocks`() throws {
    let target = try FlashTarget.part(FlashTarget.f407Flash)
    let plan = try ReadPlan(
      [0x0800_4000..<0x0800_5001, 0x0800_0000..<0x0800_0800, 0x0800_0800..<0x0800_1000],
      of: target)
    #expect(plan.ranges == [0x0800_0000..<0x0800_1000, 0x0800_4000..<0x0800_5001])
    #expect(plan.blockCount == 2 + 3)
    #expect(plan.cost.controlTransfers == 2 + 2 * 7 + 5)
    #expect(try ReadPlan(everythingOf: target).ranges == [0x0800_0000..<0x0810_0000])
  }

  @Test func `what cannot be read is not planned`() throws {
    var target = try FlashTarget.part(FlashTarget.f407Flash)
    target.readRefusal = "read-out protection is on"
    let error = #expect(throws: PlanError.self) { try ReadPlan(everythingOf: target) }
    #expect(error?.code == .cannotUpload)
    #expect(error?.help?.contains("unprotect") == true)
  }
}
