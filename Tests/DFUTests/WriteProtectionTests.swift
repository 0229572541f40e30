import Testing

@testable import DFU

struct WriteProtectionTests {
  static let f407 = "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg"

  private func flash(_ string: String) throws -> MemoryMap { try MemoryMap(dfuseString: string) }

  @Test func `a bit of an F4 is a sector, on the second bank from 12 on`() throws {
    let f407 = try flash(Self.f407)
    let one = try OptionBytes(factory: .stm32f4).setting("nWRP", to: "sectors 2, 11")
    #expect(one.writeProtectedSectors(in: f407) == [2, 11])
    let two = try OptionBytes(factory: .stm32f429).setting("nWRP12_23", to: "sectors 13")
    let banks = try flash(
      "@Internal Flash /0x08000000/04*016Kg,01*064Kg,07*128Kg,04*016Kg,01*064Kg,07*128Kg")
    #expect(two.writeProtectedSectors(in: banks) == [13])
    // Bits for sectors that there are not protect nothing.
    #expect(two.writeProtectedSectors(in: f407).isEmpty)
  }

  @Test func `SPRMOD turns the bits of an F4 round, WPRMOD those of an L0`() throws {
    let f4 = try OptionBytes(factory: .stm32f411).setting("SPRMOD", to: "1")
      .setting("nWRP", to: "0x03")
    let small = try flash("@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg")
    #expect(f4.writeProtectedSectors(in: small) == [0, 1])
    #expect(
      f4.values.first { $0.field.name == "nWRP" }?.words
        == "sectors 0-1 protected, reading included (PCROP)")
    let l0 = try flash("@Internal Flash /0x08000000/512*128g")
    let write = try OptionBytes(factory: .stm32l0).setting("WRP1", to: "1")
    #expect(write.writeProtectedSectors(in: l0) == Set(0..<32))
    let read = try write.setting("WPRMOD", to: "1")
    #expect(read.writeProtectedSectors(in: l0) == Set(32..<512))
  }

  @Test func `two banks of an F7 make a bit two sectors`() throws {
    let one = try OptionBytes(factory: .stm32f767).setting("nWRP", to: "sector 1")
    let single = try flash("@Internal Flash  /0x08000000/04*032Kg,01*128Kg,07*256Kg")
    #expect(one.writeProtectedSectors(in: single) == [1])
    let two = try one.setting("nDBANK", to: "two banks")
    let dual = try flash(
      "@Internal Flash /0x08000000/04*016Kg,01*064Kg,07*128Kg,04*016Kg,01*064Kg,07*128Kg")
    #expect(two.writeProtectedSectors(in: dual) == [2, 3])
    #expect(two.values.first { $0.field.name == "nWRP" }?.words == "sectors 2-3 protected")
    #expect(try two.setting("nWRP", to: "sectors 4-5").value(of: "nWRP") == 0xFFB)
    #expect(throws: OptionByteError.self) { try two.setting("nWRP", to: "sector 4") }
  }

  @Test func `a bit of an F1 is two pages, the last one all the rest`() throws {
    let pages = try flash("@Internal Flash  /0x08000000/128*002Kg")
    let first = try OptionBytes(factory: .stm32f1).setting("WRP0", to: "4 KiB block 1")
    #expect(first.writeProtectedSectors(in: pages) == [2, 3])
    let last = try OptionBytes(factory: .stm32f1).setting("WRP3", to: "0x7F")
    #expect(last.writeProtectedSectors(in: pages) == Set(62..<128))
  }

  @Test func `areas of an L4 are pages from the first to the last, of their bank`() throws {
    let pages = try flash("@Internal Flash  /0x08000000/0512*0002Kg")
    let one = try OptionBytes(factory: .stm32l4).setting("WRP1B_STRT", to: "3")
      .setting("WRP1B_END", to: "5")
    #expect(one.writeProtectedSectors(in: pages) == [3, 4, 5])
    let two = try one.setting("WRP2A_STRT", to: "0").setting("WRP2A_END", to: "0")
    #expect(two.writeProtectedSectors(in: pages) == [3, 4, 5, 256])
    #expect(
      two.values.filter { ["WRP1B_END", "WRP2A_END"].contains($0.field.name) }.map(\.words)
        == ["pages 3-5 are protected", "page 0 is protected"])
  }

  @Test func `one bank of a G4 has larger pages`() throws {
    let pages = try flash("@Internal Flash   /0x08000000/256*02Kg")
    let set = try OptionBytes(factory: .stm32g4).setting("WRP1A_STRT", to: "1")
      .setting("WRP1A_END", to: "1")
    #expect(set.writeProtectedSectors(in: pages) == [1])
    #expect(
      try set.setting("DBANK", to: "one bank").writeProtectedSectors(in: pages) == [2, 3])
  }

  struct Wish: CustomTestStringConvertible, Sendable {
    var layout: OptionByteLayout
    var flash: String
    var sectors: Set<Int>
    var isPossible = true
    var testDescription: String { "\(layout.name) \(sectors.sorted())" }
  }

  @Test(arguments: [
    Wish(layout: .stm32f4, flash: f407, sectors: [2, 3]),
    Wish(layout: .stm32f4, flash: f407, sectors: []),
    Wish(layout: .stm32f4, flash: f407, sectors: Set(0..<12)),
    Wish(layout: .stm32f1, flash: "@F/0x08000000/128*002Kg", sectors: [0, 1, 62, 63, 64]),
    Wish(layout: .stm32l4, flash: "@F/0x08000000/512*002Kg", sectors: [0, 1, 7, 256, 511]),
    Wish(layout: .stm32g4, flash: "@F/0x08000000/256*002Kg", sectors: [127, 128]),
    Wish(layout: .stm32l0, flash: "@F/0x08000000/512*128g", sectors: Set(32..<64)),
    Wish(layout: .stm32h7, flash: "@F/0x08000000/16*128Kg", sectors: [0, 7]),
    Wish(layout: .stm32h7ab, flash: "@F/0x08000000/256*08Kg", sectors: Set(4..<8)),
    // What a part cannot say.
    Wish(layout: .stm32f1, flash: "@F/0x08000000/128*002Kg", sectors: [0], isPossible: false),
    Wish(
      layout: .stm32l4, flash: "@F/0x08000000/512*002Kg", sectors: [0, 2, 4], isPossible: false),
    Wish(layout: .stm32h7, flash: "@F/0x08000000/16*128Kg", sectors: [8], isPossible: false),
    Wish(layout: .stm32f4, flash: f407, sectors: [99], isPossible: false),
  ])
  func `sectors are protected where the part can say so`(_ wish: Wish) throws {
    let map = try flash(wish.flash)
    let old = OptionBytes(factory: wish.layout)
    var options = old
    // The last 4 KiB bit of an F1 covers all the rest.
    let expected =
      wish.sectors.contains(62) && wish.layout == .stm32f1
      ? wish.sectors.union(62..<128) : wish.sectors
    #expect(options.protect(expected, in: map) == wish.isPossible)
    if wish.isPossible {
      #expect(options.writeProtectedSectors(in: map) == expected)
      #expect(options.readProtection == .zero)
    } else {
      #expect(options == old)
    }
    options.protect([], in: map)
    #expect(options.writeProtectedSectors(in: map).isEmpty)
  }
}
