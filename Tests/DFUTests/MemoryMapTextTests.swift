import DFU
import Testing

@Suite struct `Layout strings that are made from memory` {
  static let real = [
    "@Internal Flash/0x08000000/04*016Kg,01*064Kg,07*128Kg",
    "@OTP Memory/0x1FFF7800/01*512 e,01*016 e", "@Device Feature/0xFFFF0000/01*004 e",
    "@Flash/0x08000000/04*016Kg/0x90000000/08*004Kg,01*032Kg,127*064Kg",
    "@Flash/0x00000000/65536*256 g", "@FSBL/0x00000001/01*001Me", "@/0x00000000/01*001 a",
  ]

  @Test(arguments: real)
  func `a string of the usual spelling comes back as it was`(_ text: String) throws {
    #expect(try MemoryMap(dfuseString: text).dfuseString == text)
  }

  @Test func `what cannot be told is nil`() {
    let run = SectorRun(start: 0, count: 1, sectorSize: 16, rights: [.readable])
    let dead = SectorRun(start: 16, count: 1, sectorSize: 16, rights: [])
    #expect(MemoryMap(name: "a", runs: []).dfuseString == nil)
    #expect(MemoryMap(name: "a/b", runs: [run]).dfuseString == nil)
    #expect(MemoryMap(name: "a", runs: [run, dead]).dfuseString == nil)
  }

  @Test func `random memory is told and read back`() throws {
    var state: UInt64 = 7
    func next(_ limit: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % limit
    }
    for _ in 0..<500 {
      var runs: [SectorRun] = []
      var start = next(1 << 28)
      for _ in 0...next(8) {
        let size = [1, 3, 16, 100, 1024, 5 << 10, 1000 << 10, 1 << 20, 3 << 20][Int(next(9))]
        let run = SectorRun(
          start: start, count: next(20) + 1, sectorSize: UInt64(size),
          rights: SectorRights(rawValue: UInt8(next(7) + 1)))
        runs.append(run)
        start = run.range.upperBound + (next(2) == 0 ? 0 : next(1 << 20))
      }
      let map = MemoryMap(name: "Memory", runs: runs)
      let text = try #require(map.dfuseString)
      let back = try MemoryMap(dfuseString: text)
      #expect(back == map, "\(text)")
    }
  }
}
