import DFU
import Testing
import USB

@Suite struct `What is known of devices` {
  struct Quirky: CustomTestStringConvertible {
    let vendor: UInt16
    let product: UInt16
    var version: UInt16 = 0x0100
    let has: DFUQuirks
    var testDescription: String { "\(hex(vendor)):\(hex(product)) \(hex(version))" }
  }

  @Test(arguments: [
    Quirky(vendor: 0x0483, product: 0xDF11, version: 0x2200, has: .versionIsDfuSe),
    Quirky(vendor: 0x1D50, product: 0x5117, has: [.ignorePollTimeout, .noStatusDuringUpload]),
    Quirky(vendor: 0x1457, product: 0x5126, has: .sameProductInBothModes),
    Quirky(vendor: 0x16C0, product: 0x076B, has: .ignorePollTimeout),
    Quirky(vendor: 0x0908, product: 0x02C4, version: 0, has: .ignorePollTimeout),
    Quirky(
      vendor: 0x28E9, product: 0x0189,
      has: [.singleByteStrings, .leavesWithoutStatus, .noMassErase]),
    Quirky(vendor: 0x1FC9, product: 0x000C, has: [.isInDFUMode, .keepsLPCPrefix]),
    Quirky(vendor: 0x0B0E, product: 0x0411, has: [.modeByInterfaceCount, .uploadBroken]),
    Quirky(vendor: 0x03EB, product: 0x2FF4, has: .speaksFLIP),
    Quirky(vendor: 0x0C45, product: 0x6374, has: .detachToLeave),
    Quirky(vendor: 0x095D, product: 0x92D9, has: .pollInManifest),
    Quirky(vendor: 0x10A5, product: 0xFFE0, has: .notDFU),
    Quirky(vendor: 0x1235, product: 0x8211, has: .builtIn),
    Quirky(vendor: 0x2B04, product: 0xD006, has: .leaveResetsAtOnce),
    Quirky(vendor: 0x2E3C, product: 0xDF11, has: .unprotectEndsOddly),
  ])
  func `a device in the table has its quirks`(device: Quirky) {
    let quirks = DFUQuirks.quirks(
      vendor: VendorID(device.vendor), product: ProductID(device.product),
      version: BCDVersion(device.version))
    #expect(quirks.isSuperset(of: device.has))
  }

  @Test func `devices beside the table have none`() {
    for (vendor, product, version): (UInt16, UInt16, UInt16) in [
      (0x0908, 0x02C4, 0x0100), (0x1D50, 0x5116, 0), (0x1D50, 0x5127, 0), (0x1EAF, 0x0003, 0x0201),
      (0x0000, 0x0000, 0), (0xFFFF, 0xFFFF, 0xFFFF), (0x095D, 0x92D5, 0),
    ] {
      let quirks = DFUQuirks.quirks(
        vendor: VendorID(vendor), product: ProductID(product), version: BCDVersion(version))
      #expect(quirks.isEmpty)
    }
  }

  @Test func `every line of the table is about something`() {
    for entry in QuirkEntry.all {
      #expect(!entry.quirks.isEmpty && !entry.device.isEmpty && !entry.products.isEmpty)
    }
    #expect(Set(QuirkEntry.all).count == QuirkEntry.all.count)
  }
}

@Suite struct `Telling a chip` {
  struct Part: CustomTestStringConvertible {
    let name: String
    let maps: [String]
    var product = "STM32  BOOTLOADER"
    var version: UInt16 = 0x2200
    let family: ChipFamily
    let certainty: Chip.Certainty
    var testDescription: String { name }
  }

  @Test(arguments: [
    Part(
      name: "F407",
      maps: [
        "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg",
        "@Option Bytes  /0x1FFFC000/01*016 e", "@OTP Memory /0x1FFF7800/01*512 e,01*016 e",
        "@Device Feature/0xFFFF0000/01*004 e",
      ], family: .stm32f4, certainty: .certain),
    Part(
      name: "F405 with a bootloader of its own",
      maps: ["@Internal Flash   /0x08000000/03*016Ka,01*016Kg,01*064Kg,07*128Kg"],
      family: .stm32f4, certainty: .likely),
    Part(
      name: "F107",
      maps: ["@Internal Flash  /0x08000000/128*002Kg", "@Option Bytes  /0x1FFFF800/01*016 g"],
      version: 0x2000, family: .stm32f1, certainty: .likely),
    Part(
      name: "H743",
      maps: [
        "@Internal Flash   /0x08000000/16*128Kg", "@Option Bytes   /0x5200201C/01*128 e",
      ], product: "DFU in FS Mode", version: 0x0200, family: .stm32h7, certainty: .certain),
    Part(
      name: "H7B3",
      maps: ["@Internal Flash   /0x08000000/256*08Kg", "@Option Bytes   /0x5200201C/01*297 e"],
      product: "DFU in FS Mode", version: 0x0200, family: .stm32h7ab, certainty: .certain),
    Part(
      name: "L476",
      maps: [
        "@Internal Flash  /0x08000000/0512*0002Kg", "@Option Bytes  /0x1FFF7800/01*040 e",
        "@OTP Memory /0x1FFF7000/01*0001Ke",
      ], family: .stm32l4, certainty: .likely),
    Part(
      name: "L4R9",
      maps: [
        "@Internal Flash  /0x08000000/512*0004Kg",
        "@Option Bytes  /0x1FF00000/01*040 e/0x1FF01000/01*040 e",
      ], version: 0x0200, family: .stm32l4plus, certainty: .certain),
    Part(
      name: "G474",
      maps: [
        "@Internal Flash   /0x08000000/256*02Kg",
        "@Option Bytes   /0x1FFF7800/01*048 e/0x1FFFF800/01*048 e",
      ], product: "DFU in FS Mode", version: 0x0200, family: .stm32g4, certainty: .likely),
    Part(
      name: "G0B1",
      maps: Array(repeating: "@Internal Flash   /0x08000000/256*02Kg", count: 3),
      product: "DFU in FS Mode", version: 0x0200, family: .stm32g0, certainty: .certain),
    Part(
      name: "F746", maps: ["@Internal Flash  /0x08000000/04*032Kg,01*128Kg,03*256Kg"],
      family: .stm32f7, certainty: .certain),
    Part(
      name: "L072", maps: ["@Internal Flash /0x08000000/1536*128g"], family: .stm32l0,
      certainty: .likely),
    Part(
      name: "C5", maps: ["@Internal Flash /0x08000000/64*08Kg"], family: .stm32c5,
      certainty: .likely),
    Part(
      name: "F070", maps: ["@Internal Flash  /0x08000000/064*0002Kg"], family: .stm32f0,
      certainty: .guess),
  ])
  func `the memory tells the part`(part: Part) throws {
    let maps = try part.maps.map { try MemoryMap(dfuseString: $0) }
    let chip = try #require(
      Chip.identify(
        vendor: .stMicroelectronics, product: ProductID(0xDF11),
        version: BCDVersion(part.version), productString: part.product, maps: maps))
    #expect(chip.family == part.family)
    #expect(chip.certainty == part.certainty)
  }

  @Test func `the L072 has less flash than it says`() throws {
    let map = try MemoryMap(dfuseString: "@Internal Flash /0x08000000/1536*128g")
    let chip = Chip.identify(
      vendor: .stMicroelectronics, product: ProductID(0xDF11), version: BCDVersion(0x2200),
      maps: [map])
    #expect(chip?.realFlashSize == 128 << 10)
    #expect(chip?.quirks.contains(.noMassErase) == true)
  }

  @Test func `L0 and L1 erase to zeros, all others to ones`() {
    for family in ChipFamily.allCases {
      let isZero = family == .stm32l0 || family == .stm32l1
      #expect(Chip(family).erasedByte == (isZero ? 0x00 : 0xFF))
    }
  }

  @Test func `the serial number of a GD32VF103 tells its flash`() {
    #expect(Chip.gd32FlashSize(serialNumber: "3CBJ") == 128 << 10)
    #expect(Chip.gd32FlashSize(serialNumber: "3C4J") == 16 << 10)
    #expect(Chip.gd32FlashSize(serialNumber: "3CXJ") == nil)
    #expect(Chip.gd32FlashSize(serialNumber: "") == nil)
    #expect(Chip.gd32FlashSize(serialNumber: "CBJ漢") == nil)
    let chip = Chip.identify(
      vendor: VendorID(0x28E9), product: ProductID(0x0189), version: BCDVersion(0x1000),
      serialNumber: "3CBJ", maps: [])
    #expect(chip?.realFlashSize == 128 << 10)
    #expect(chip?.realSectorSize == 1024)
    #expect(chip?.family == .gd32vf103)
    // Another serial number tells no size, but pages are pages.
    let other = Chip.identify(
      vendor: VendorID(0x28E9), product: ProductID(0x0189), version: BCDVersion(0x1000),
      serialNumber: "4711", maps: [])
    #expect(other?.realFlashSize == nil)
    #expect(other?.realSectorSize == 1024)
  }

  @Test func `nothing is made up for strangers`() throws {
    let map = try MemoryMap(dfuseString: "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg")
    #expect(
      Chip.identify(
        vendor: VendorID(0x1234), product: ProductID(0xDF11), version: BCDVersion(0), maps: [map])
        == nil)
    #expect(
      Chip.identify(
        vendor: .stMicroelectronics, product: ProductID(0xDF11), version: BCDVersion(0), maps: [])
        == nil)
  }

  @Test func `erase times grow with the sector and never overflow`() {
    let f4 = Chip(.stm32f4)
    #expect(f4.eraseTime(of: 16 << 10) == .milliseconds(250))
    #expect(f4.eraseTime(of: 64 << 10) == .milliseconds(550))
    #expect(f4.eraseTime(of: 128 << 10) == .seconds(1))
    #expect(f4.longestEraseTime(of: 128 << 10) == .seconds(2))
    #expect(f4.writeGranularity == 4)
    for family in ChipFamily.allCases {
      let chip = Chip(family)
      #expect(chip.eraseTime(of: .max) > .zero)
      #expect(chip.eraseTime(of: 0) > .zero)
      #expect(chip.writeGranularity.nonzeroBitCount == 1)
      #expect(chip.eraseTimes.map(\.sectorSize) == chip.eraseTimes.map(\.sectorSize).sorted())
      #expect(chip.eraseTimes.allSatisfy { $0.typical <= $0.longest })
      #expect(!chip.ramRanges.isEmpty && chip.massEraseTime > .zero)
    }
  }

  @Test func `program times count whole units`() {
    let h7 = Chip(.stm32h7)
    #expect(h7.programTime(0) == .zero)
    #expect(h7.programTime(1) == h7.unitProgramTime)
    #expect(h7.programTime(33) == h7.unitProgramTime * 2)
    #expect(h7.programTime(-1) == .zero)
  }
}
