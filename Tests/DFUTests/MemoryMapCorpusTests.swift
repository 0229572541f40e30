import DFU
import Testing

@Suite struct `Memory layouts of devices in the field` {
  @Test(arguments: Layout.corpus)
  func `every layout string means what its device has`(layout: Layout) throws {
    guard layout.error == nil else {
      let error = try #require(throws: MemoryMapError.self) {
        try MemoryMap(dfuseString: layout.string)
      }
      #expect(error.code == layout.error)
      #expect(error.help != nil)
      return
    }
    let map = try MemoryMap(dfuseString: layout.string)
    #expect(map.runs == layout.runs)
    #expect(map.warnings.map(\.rule) == layout.warnings)
    #expect(map.kind == layout.kind)
    #expect(map.size == layout.runs.reduce(0) { $0 + $1.count * $1.sectorSize })
  }

  @Test(arguments: Layout.corpus)
  func `every sector of a layout is found by its addresses`(layout: Layout) throws {
    guard layout.error == nil else { return }
    let map = try MemoryMap(dfuseString: layout.string)
    for run in layout.runs {
      for index in Set([0, run.count / 2, run.count - 1]) {
        let start = run.start + index * run.sectorSize
        let sector = Sector(range: start..<start + run.sectorSize, rights: run.rights)
        #expect(map.sector(containing: start) == sector)
        #expect(map.sector(containing: start + run.sectorSize - 1) == sector)
        #expect(Array(map.sectors(intersecting: start..<start + 1)) == [sector])
      }
      #expect(map.contains(run.range))
    }
    let below = layout.runs.map(\.start).min().flatMap { $0 == 0 ? nil : $0 - 1 }
    if let below { #expect(map.sector(containing: below) == nil) }
    #expect(map.sector(containing: layout.runs.map(\.range.upperBound).max() ?? 0) == nil)
  }

  @Test(arguments: Layout.corpus)
  func `every prefix of a layout string is read or refused, and never traps`(layout: Layout) {
    let scalars = Array(layout.string.unicodeScalars)
    for length in 0...scalars.count {
      var prefix = String.UnicodeScalarView()
      prefix.append(contentsOf: scalars[..<length])
      guard let map = try? MemoryMap(dfuseString: String(prefix)) else { continue }
      #expect(map.runs.allSatisfy { $0.range.upperBound <= 1 << 32 })
      #expect(map.size <= 1 << 32)
    }
  }

  @Test(arguments: Layout.corpus)
  func `a layout string with any one character changed never traps nor overlaps`(layout: Layout) {
    let scalars = Array(layout.string.unicodeScalars)
    for index in scalars.indices {
      for stranger: Unicode.Scalar in ["/", ",", "*", "9", "x", "g", " ", "@", "\0", "漢"] {
        var changed = scalars
        changed[index] = stranger
        var view = String.UnicodeScalarView()
        view.append(contentsOf: changed)
        guard let map = try? MemoryMap(dfuseString: String(view)) else { continue }
        var end: UInt64 = 0
        for run in map.runs {
          if run.start < end || run.count == 0 || run.sectorSize == 0 {
            Issue.record("\(String(view)): \(map.runs)")
          }
          end = run.range.upperBound
        }
        if end > 1 << 32 { Issue.record("\(String(view)) ends at \(end)") }
        _ = map.describedInWords
      }
    }
  }

  @Test func `the corpus has every row of the collection`() {
    #expect(Layout.corpus.count == 95)
  }
}
