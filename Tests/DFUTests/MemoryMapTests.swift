import DFU
import Testing

private let everything: SectorRights = [.readable, .erasable, .writable]

@Suite struct `Memory layouts that are malformed` {
  @Test func `a missing size letter means bytes`() throws {
    let map = try MemoryMap(dfuseString: "@Internal Flash /0x08000000/1536*128g")
    #expect(map.runs == [run(0x0800_0000, 1536, 128, "g")])
    #expect(map.warnings.map(\.rule) == [.missingMultiplier])
    #expect(map.warnings[0].position == 33)
  }

  @Test func `a seven-digit address is taken literally, with a warning`() throws {
    let map = try MemoryMap(dfuseString: "@Option Bytes  /0x1FF8000/01*128 e")
    #expect(map.runs == [run(0x01FF_8000, 1, 128, "e")])
    #expect(map.warnings.map(\.rule) == [.sevenDigitAddress])
    #expect(map.warnings[0].found == "0x1FF8000")
  }

  @Test func `a count of zero is an empty segment`() throws {
    let map = try MemoryMap(dfuseString: "@Internal Flash  /0x08000000/00*002Ka,120*002Kg")
    #expect(map.runs == [run(0x0800_0000, 120, 2048, "g")])
    #expect(map.warnings.map(\.rule) == [.emptySegment])
  }

  @Test func `characters behind the layout are dropped, and the last segment stays`() throws {
    let map = try MemoryMap(
      dfuseString:
        "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg,04*016Kg,01*064Kg,07*128Kg㐀䄀䈀")
    #expect(map.size == 2 << 20)
    #expect(map.runs.last == run(0x0812_0000, 7, 128 << 10, "g"))
    #expect(map.warnings.map(\.rule) == [.trailingGarbage])
    #expect(map.warnings[0].position == 82)
  }

  @Test func `another layout string behind the layout is not part of it`() throws {
    let map = try MemoryMap(
      dfuseString: "@Internal Flash  /0x08000000/04*016Kg@Option Bytes  /0x1FFFC000/01*016 e")
    #expect(map.runs == [run(0x0800_0000, 4, 16 << 10, "g")])
    #expect(map.warnings.map(\.rule).contains(.trailingGarbage))
  }

  @Test func `65536 sectors cost nothing`() throws {
    let map = try MemoryMap(dfuseString: "@Flash/0x00000000/65536*256 g")
    #expect(map.runs.count == 1)
    #expect(map.size == 16 << 20)
    #expect(map.sector(containing: 0xFF_FFFF)?.range == 0xFF_FF00..<0x100_0000)
  }

  @Test func `a count of 4294967295 costs nothing`() throws {
    let bytes = try MemoryMap(dfuseString: "@Flash/0x00000000/4294967295*1Bg")
    #expect(bytes.size == 4_294_967_295)
    #expect(bytes.warnings.isEmpty)
    let kibibytes = try MemoryMap(dfuseString: "@Flash/0x08000000/4294967295*1Kg,1*1Kg")
    #expect(kibibytes.runs == [run(0x0800_0000, 0xF800_0000 >> 10, 1024, "g")])
    #expect(kibibytes.warnings.map(\.rule) == [.beyondAddressSpace, .unplacedSegment])
  }

  @Test func `numbers of any length are no danger`() throws {
    let nines = String(repeating: "9", count: 400)
    let map = try MemoryMap(dfuseString: "@Flash/0x08000000/\(nines)*\(nines)Mg/0x100/1*1Kg")
    #expect(map.runs == [run(0x100, 1, 1024, "g")])
    #expect(map.warnings.map(\.rule) == [.beyondAddressSpace])
  }

  @Test func `a phase number is legal grammar, but not memory`() throws {
    let map = try MemoryMap(dfuseString: "@Partition0 /0x00/1*256Ke")
    #expect(map.kind == .partition)
    #expect(map.runs == [run(0, 1, 256 << 10, "e")])
  }

  @Test func `address 0 is a real address`() throws {
    let map = try MemoryMap(dfuseString: "@Serial Flash   /0x00000000/256*004Kg")
    #expect(map.kind == .externalFlash)
    #expect(map.sector(containing: 0)?.range == 0..<4096)
  }

  @Test func `a device feature is never erasable`() throws {
    let map = try MemoryMap(dfuseString: "@Device Feature/0xFFFF0000/01*004 g")
    #expect(map.runs == [run(0xFFFF_0000, 1, 4, "e")])
    #expect(map.warnings.map(\.rule) == [.notReallyErasable])
    // Its type is forced, so even a letter without write becomes `e`.
    #expect(
      try MemoryMap(dfuseString: "@Device Feature/0xFFFF0000/01*004 a").runs[0].rights == [
        .readable, .writable,
      ])
  }

  @Test(arguments: ["@Option Bytes  /0x1FFFC000/01*016 g", "@OTP Memory /0x1FFF7800/01*512 g"])
  func `option bytes and OTP are never erasable`(string: String) throws {
    let map = try MemoryMap(dfuseString: string)
    #expect(map.runs[0].rights == [.readable, .writable])
    #expect(map.warnings.map(\.rule) == [.notReallyErasable])
  }

  @Test func `two groups, one for each bank, are normal`() throws {
    let map = try MemoryMap(
      dfuseString: "@Option Bytes   /0x1FFF7800/01*048 e/0x1FFFF800/01*048 e")
    #expect(map.runs == [run(0x1FFF_7800, 1, 48, "e"), run(0x1FFF_F800, 1, 48, "e")])
    #expect(map.areas.count == 2)
    #expect(map.warnings.isEmpty)
  }

  @Test func `no size letter and no type, each with its position`() throws {
    let bytes = try MemoryMap(dfuseString: "@Flash /0x08000000/12*001a")
    #expect(bytes.runs == [run(0x0800_0000, 12, 1, "a")])
    #expect(bytes.warnings.map(\.rule) == [.missingMultiplier])
    #expect(bytes.warnings[0].position == 22)
    let error = try #require(throws: MemoryMapError.self) {
      try MemoryMap(dfuseString: "@Flash /0x08000000/2*016")
    }
    #expect(error.code == .noSegment)
    #expect(error.position == 19)
    #expect(error.sentence.contains("19"))
    #expect(error.warnings.map(\.rule) == [.unclearType])
  }

  @Test func `a written-out B means bytes`() throws {
    let map = try MemoryMap(dfuseString: "@Option Bytes  /0x1FFFF800/01*016Be")
    #expect(map.runs == [run(0x1FFF_F800, 1, 16, "e")])
    #expect(map.warnings.isEmpty)
  }

  @Test func `small sectors again in the middle are found by their real start`() throws {
    let map = try MemoryMap(
      dfuseString:
        "@Internal Flash   /0x08000000/03*016Ka,01*016Kg,01*064Kg,07*128Kg,04*016Kg,01*064Kg,07*128Kg"
    )
    #expect(map.sector(containing: 0x0810_4001)?.range == 0x0810_4000..<0x0810_8000)
    #expect(map.sector(containing: 0x0812_0000)?.range == 0x0812_0000..<0x0814_0000)
  }

  @Test func `sizes that are not powers of two erase the right sector`() throws {
    let map = try MemoryMap(dfuseString: "@Flash /0x00001234/7*100Bg,3*24Kg")
    // 0x1234 is 4660.
    #expect(map.sector(containing: 5359)?.range == 5260..<5360)
    #expect(map.sector(containing: 29_936)?.range == 29_936..<54_512)
    #expect(map.sector(containing: 29_935)?.range == 5360..<29_936)
  }

  @Test(arguments: [
    "STM32duino bootloader v1.0  Upload to Flash 0x8002000", "0x00080000 Bitstream",
    "RAM 0x32000000", "", " @Flash/0x0/1*1Kg", "Flash @ /0x08000000/1*1Kg",
  ])
  func `a name that does not begin with an at sign is no layout`(name: String) throws {
    let error = try #require(throws: MemoryMapError.self) { try MemoryMap(dfuseString: name) }
    #expect(error.code == .notALayout)
  }

  @Test(arguments: [
    "@", "@Flash", "@Flash/", "@Flash//", "@Flash/08000000/1*1Kg", "@Flash/0x/1*1Kg",
    "@Flash/0x08000000", "@Flash/0x08000000,1*1Kg", "@Flash/0x1234567890/1*1Kg",
    "@Flash/0x08000000-/1*1Kg", "@Flash@/0x08000000x/1*1Kg", "@\0\u{FFFF}",
  ])
  func `a layout without an address is refused`(text: String) throws {
    let error = try #require(throws: MemoryMapError.self) { try MemoryMap(dfuseString: text) }
    #expect(error.code == .noGroup)
  }

  @Test(arguments: [
    "@Flash/0x08000000/", "@Flash/0x08000000/*", "@Flash/0x08000000/4", "@Flash/0x08000000/4*",
    "@Flash/0x08000000/4*16Xg", "@Flash/0x08000000/-4*16Kg", "@Flash/0x08000000/0x4*16Kg",
  ])
  func `a layout without a segment is refused`(text: String) throws {
    let error = try #require(throws: MemoryMapError.self) { try MemoryMap(dfuseString: text) }
    #expect(error.code == .noSegment)
    #expect(!error.warnings.isEmpty)
  }
}

@Suite struct `Memory layouts that are partly readable` {
  @Test func `one bad layout segment does not drop the later ones`() throws {
    // dfu-util drops the segment whose type has two characters, and all that follow it.
    let map = try MemoryMap(
      dfuseString: "@Internal Flash  /0x08000000/04*016Kgg,01*064Kg,07*128Kg")
    #expect(map.runs == [run(0x0801_0000, 1, 64 << 10, "g"), run(0x0802_0000, 7, 128 << 10, "g")])
    #expect(map.warnings.map(\.rule) == [.unclearType])
    #expect(map.warnings[0].found == "04*016Kgg")
    #expect(!map.contains(0x0800_0000..<0x0800_0001))
  }

  @Test(arguments: ["04*016K", "04*016Kz", "04*016KG", "04*016Kg1", "04*016"])
  func `a segment of known length without a clear type keeps the places of the later ones`(
    segment: String
  ) throws {
    let length: UInt64 = segment.contains("K") ? 64 << 10 : 64
    let map = try MemoryMap(dfuseString: "@Flash/0x08000000/\(segment),01*064Kg")
    #expect(map.runs == [run(0x0800_0000 + length, 1, 64 << 10, "g")])
    #expect(map.warnings.contains { $0.rule == .unclearType && $0.position == 18 })
  }

  @Test(arguments: ["04*0x16Kg", "??*16Kg", "", "4x16Kg", "4**16Kg", "04*016Tg", "4*16K*g"])
  func `behind a segment of unknown length only the next group can be placed`(
    segment: String
  ) throws {
    let map = try MemoryMap(
      dfuseString: "@Flash/0x08000000/1*1Kg,\(segment),07*128Kg/0x90000000/2*4Kg")
    if segment == "4*16K*g" {
      // Count, size and letter are there; only the type is unclear.
      #expect(map.runs.count == 3)
    } else {
      #expect(map.runs == [run(0x0800_0000, 1, 1024, "g"), run(0x9000_0000, 2, 4096, "g")])
      #expect(map.warnings.map(\.rule) == [.unclearSegment, .unplacedSegment])
      #expect(map.warnings[0].position == 24)
    }
  }

  @Test func `a group with a bad address does not drop the later groups`() throws {
    let map = try MemoryMap(dfuseString: "@Flash/banana/4*16Kg,1*1Kg/0x90000000/2*4Kg")
    #expect(map.runs == [run(0x9000_0000, 2, 4096, "g")])
    #expect(map.warnings.map(\.rule) == [.unclearAddress])
  }

  @Test func `blanks, capital X and small letters are accepted with a warning`() throws {
    let map = try MemoryMap(dfuseString: "@Flash / 0X08000000 / 04 * 016 kg , 01*064Kg")
    #expect(map.runs == [run(0x0800_0000, 4, 16 << 10, "g"), run(0x0801_0000, 1, 64 << 10, "g")])
    #expect(Set(map.warnings.map(\.rule)) == [.looseSpelling, .lowerCaseMultiplier])
  }

  @Test func `an aliased address is ignored with a warning`() throws {
    let map = try MemoryMap(dfuseString: "@Flash/0x08000000-0x00000000/4*16Kg")
    #expect(map.runs == [run(0x0800_0000, 4, 16 << 10, "g")])
    #expect(map.warnings.map(\.rule) == [.aliasIgnored])
  }

  @Test func `memory may end exactly at the end of the address space`() throws {
    let map = try MemoryMap(dfuseString: "@Top/0xFFFF0000/16*4Kg")
    #expect(map.range == 0xFFFF_0000..<0x1_0000_0000)
    #expect(map.warnings.isEmpty)
    #expect(map.sector(containing: 0xFFFF_FFFF)?.range == 0xFFFF_F000..<0x1_0000_0000)
  }

  @Test func `sectors beyond the address space are left out`() throws {
    let map = try MemoryMap(dfuseString: "@Top/0xFFFF0000/17*4Kg")
    #expect(map.range == 0xFFFF_0000..<0x1_0000_0000)
    #expect(map.warnings.map(\.rule) == [.beyondAddressSpace])
    #expect(map.warnings[0].position == 16)
  }

  @Test func `overlapping groups keep the earlier one and warn`() throws {
    let map = try MemoryMap(
      dfuseString: "@Flash2 /0xF000/4*100Ba/0xE000/3*8Kg/0x80000/2*24Kg")
    #expect(
      map.runs == [
        run(0xF000, 4, 100, "a"), run(0x10000, 2, 8192, "g"), run(0x80000, 2, 24_576, "g"),
      ])
    #expect(map.warnings.map(\.rule) == [.overlap])
    #expect(map.warnings[0].position == 31)
  }

  @Test func `the same group twice is one memory`() throws {
    let map = try MemoryMap(dfuseString: "@Flash/0x0/4*1Kg/0x0/4*1Kg")
    #expect(map.runs == [run(0, 4, 1024, "g")])
    #expect(map.warnings.map(\.rule) == [.overlap])
  }

  @Test func `groups in descending order are sorted`() throws {
    let map = try MemoryMap(dfuseString: "@Flash/0x90000000/2*4Kg/0x08000000/4*16Kg")
    #expect(map.runs.map(\.start) == [0x0800_0000, 0x9000_0000])
    #expect(map.warnings.isEmpty)
  }

  @Test func `a text of any length is read in bounded time`() throws {
    let long = "@Flash/0x0/" + String(repeating: "1*1Bg,", count: 100_000)
    let map = try MemoryMap(dfuseString: long)
    #expect(map.runs.count <= 1024)
    #expect(map.warnings.map(\.rule).contains(.tooLong))
    let layers = "@F" + (0..<24).map { "/0x0/\(1 << $0)*\((1 << 24 - $0) - 1)Bg" }.joined()
    #expect(try MemoryMap(dfuseString: layers).runs.count <= 1024)
    #expect(throws: MemoryMapError.self) {
      try MemoryMap(dfuseString: "@" + String(repeating: "/", count: 1_000_000))
    }
  }

  @Test func `what is shown of a bad string is short and printable`() throws {
    let map = try MemoryMap(
      dfuseString: "@Fl\u{1B}[31mash\u{202E}/0x0/1*1Kg\u{07}" + String(repeating: "x", count: 500))
    #expect(map.warnings.allSatisfy { $0.found.count <= 24 })
    let shown = map.describedInWords + map.warnings.map(\.sentence).joined()
    #expect(!shown.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202E })
  }
}

@Suite struct `Questions to a memory map` {
  let map: MemoryMap

  init() throws {
    map = try MemoryMap(
      dfuseString: "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg/0x90000000/2*4Ka")
  }

  @Test func `sectors are walked through lazily and in order`() {
    #expect(map.sectors.map(\.range.lowerBound).count == 14)
    let some = Array(map.sectors(intersecting: 0x0800_FFFF..<0x0802_0001))
    #expect(some.map(\.range.lowerBound) == [0x0800_C000, 0x0801_0000, 0x0802_0000])
    #expect(Array(map.sectors(intersecting: 0x0810_0000..<0x9000_0000)).isEmpty)
    #expect(Array(map.sectors(intersecting: 0x080F_FFFF..<0x9000_0001)).count == 2)
    #expect(Array(map.sectors(intersecting: 0x0800_0000..<0x0800_0000)).isEmpty)
    #expect(Array(map.sectors(intersecting: 0..<UInt64.max)).count == 14)
  }

  @Test func `a range is contained when every address is`() {
    #expect(map.contains(0x0800_0000..<0x0810_0000))
    #expect(!map.contains(0x0800_0000..<0x0810_0001))
    #expect(!map.contains(0x07FF_FFFF..<0x0800_0001))
    #expect(map.contains(0x1234..<0x1234))
    #expect(
      map.gaps(in: 0x07FF_FFF0..<0x9000_0001) == [
        0x07FF_FFF0..<0x0800_0000, 0x0810_0000..<0x9000_0000,
      ])
  }

  @Test func `a huge map is asked without walking through it`() throws {
    let huge = try MemoryMap(dfuseString: "@Flash/0x00000000/4294967295*1Bg")
    #expect(huge.sector(containing: 4_000_000_000)?.range == 4_000_000_000..<4_000_000_001)
    #expect(Array(huge.sectors(intersecting: 4_294_967_294..<UInt64.max)).count == 1)
    #expect(huge.contains(0..<4_294_967_295))
  }

  @Test func `runs made by hand cannot overflow`() {
    let run = SectorRun(start: .max - 10, count: .max, sectorSize: 4, rights: everything)
    #expect(run.count == 2)
    #expect(run.range == UInt64.max - 10..<UInt64.max - 2)
    let empty = SectorRun(start: 5, count: 5, sectorSize: 0, rights: everything)
    #expect(empty.sector(containing: 5) == nil)
    var forced = SectorRun(start: 8, count: 1, sectorSize: 1, rights: everything)
    forced.count = .max
    forced.sectorSize = .max
    #expect(forced.range == 8..<UInt64.max)
    #expect(forced.sector(containing: 9)?.range == 8..<UInt64.max)
  }

  @Test func `a map that claims too much is limited`() throws {
    let l072 = try MemoryMap(dfuseString: "@Internal Flash /0x08000000/1536*128g")
    let limited = l072.limited(to: 0x0800_0000..<0x0802_0000)
    #expect(limited.size == 128 << 10)
    #expect(limited.warnings.map(\.rule) == [.missingMultiplier, .claimsTooMuch])
    #expect(l072.limited(to: 0..<UInt64.max) == l072)
    #expect(l072.limited(to: 0x0800_0001..<0x0800_0100).runs == [run(0x0800_0080, 1, 128, "g")])
  }

  @Test func `sectors of a wrong size are divided anew`() throws {
    let gd32 = try MemoryMap(dfuseString: "@Internal Flash  /0x08000000/512*002Kg")
    let divided = gd32.divided(intoSectorsOf: 1024)
    #expect(divided.runs == [run(0x0800_0000, 1024, 1024, "g")])
    #expect(divided.size == gd32.size)
    #expect(divided.warnings.map(\.rule) == [.wrongSectorSize])
    #expect(divided.warnings[0].sentence.contains("2 KiB"))
    #expect(divided.divided(intoSectorsOf: 1024) == divided)
    #expect(gd32.divided(intoSectorsOf: 0) == gd32)
    // What is no multiple stays.
    let odd = MemoryMap(name: "", runs: [run(0, 3, 100, "g"), run(300, 1, 64, "e")])
    #expect(odd.divided(intoSectorsOf: 32).runs == [run(0, 3, 100, "g"), run(300, 2, 32, "e")])
  }

  @Test func `type letters and rights are each other's inverse`() {
    for letter: Character in ["a", "b", "c", "d", "e", "f", "g"] {
      #expect(run(0, 1, 1, letter).rights.letter == letter)
    }
    #expect(SectorRights().letter == nil)
  }
}

@Suite struct `Memory maps in words` {
  struct Sentence: CustomTestStringConvertible {
    let string: String
    let words: String
    var testDescription: String { string }
  }

  @Test(arguments: [
    Sentence(
      string: "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg",
      words:
        "Internal flash, 1 MiB at 0x08000000, 4×16 K + 64 K + 7×128 K, readable, erasable, writable"
    ),
    Sentence(
      string: "@Option Bytes  /0x1FFFC000/01*016 e",
      words: "Option bytes, 16 bytes at 0x1FFFC000, readable, writable"),
    Sentence(
      string: "@OTP Memory /0x1FFF7800/01*512 e,01*016 e",
      words: "OTP memory, 528 bytes at 0x1FFF7800, 512 B + 16 B, readable, writable"),
    Sentence(
      string: "@SPI Flash : M25P64/0x00000000/64*064Kg,64*064Kg",
      words: "SPI Flash : M25P64, 8 MiB at 0x00000000, 128×64 K, readable, erasable, writable"),
    Sentence(
      string: "@Internal Flash  /0x08000000/12*001Ka,116*001Kg",
      words:
        "Internal flash, 128 KiB at 0x08000000, 12×1 K (readable) + 116×1 K (readable, erasable, "
        + "writable)"),
    Sentence(
      string: "@Option Bytes   /0x1FFF7800/01*048 e/0x1FFFF800/01*048 e",
      words: "Option bytes, 48 bytes at 0x1FFF7800, readable, writable; 48 bytes at 0x1FFFF800, "
        + "readable, writable"),
    Sentence(string: "@Empty/0x0/0*1Kg", words: "Empty, no memory"),
  ])
  func `a map is told in words`(sentence: Sentence) throws {
    #expect(try MemoryMap(dfuseString: sentence.string).describedInWords == sentence.words)
  }
}
