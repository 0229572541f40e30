import DFU
import DFUHost
import Firmware
import Testing
import USB

/// Every small world: a plan, executed on a model of flash, gives exactly the wanted memory.
@Suite struct `Plans of small worlds` {
  struct Mode: CustomTestStringConvertible {
    var name: String
    var transferSize = 2
    var granularity = 1
    /// Sizes of the sectors; every image and every contents of so many bytes is tried.
    var sectors = [2, 1]
    /// What erased bytes hold: zeros on L0 and L1.
    var blank: UInt8 = 0xFF
    var change: @Sendable (inout FlashOptions) -> Void = { _ in }
    var testDescription: String { name }
  }

  static let modes: [Mode] = [
    Mode(name: "as usual", sectors: [2, 1, 1]),
    Mode(name: "in single bytes", transferSize: 1),
    Mode(name: "in units of two", transferSize: 4, granularity: 2),
    Mode(name: "all sectors") { $0.differential = false },
    Mode(name: "neighbours discarded") { $0.discardNeighbours = true },
    Mode(name: "everything erased first") { $0.erase = .all },
    Mode(name: "erased to zeros", sectors: [2, 1, 1], blank: 0x00),
    Mode(name: "erased to zeros in units of two", transferSize: 4, granularity: 2, blank: 0x00),
    Mode(name: "erased to zeros, all of it first", blank: 0x00) { $0.erase = .all },
  ]

  @Test(arguments: modes)
  func `all images on all contents of a few sectors come out right`(_ mode: Mode) throws {
    var options = FlashOptions()
    options.leave = .never
    mode.change(&options)
    let map = Drawing.map(mode.sectors.map { ($0, "g") }, name: "Internal Flash")
    let size = mode.sectors.reduce(0, +)
    let wanted: [UInt8?] = [nil, mode.blank == 0xFF ? 0x41 : 0xFF, mode.blank, 0x42]
    let present: [UInt8] = [mode.blank, 0x42]
    for imageNumber in 1..<1 << (2 * size) {
      let image = (0..<size).map { wanted[(imageNumber >> (2 * $0)) & 3] }
      for contentsNumber in 0..<1 << size {
        let memory = (0..<size).map { present[(contentsNumber >> $0) & 1] }
        let complaint = try World(
          map: map, image: image, memory: memory, options: options,
          transferSize: mode.transferSize, granularity: mode.granularity, blank: mode.blank
        ).complaint()
        if let complaint {
          Issue.record("\(image) on \(memory): \(complaint)")
          return
        }
      }
    }
  }

  @Test(arguments: 0..<8)
  func `random worlds with every kind of sector come out right`(_ seed: Int) throws {
    var random = Sequence(seed: UInt64(seed) &* 0x9E37_79B9 &+ 1)
    for _ in 0..<100 {
      let blank: UInt8 = random.next(0...1) == 0 ? 0xFF : 0x00
      let letters: [Character] = ["g", "g", "g", "e", "g"]
      let sectors = (0..<random.next(1...6)).map { _ in
        (size: 4 * random.next(1...4), letter: letters[random.next(0...4)])
      }
      let size = sectors.reduce(0) { $0 + $1.size }
      var image: [UInt8?] = []
      var memory: [UInt8] = []
      while image.count < size {
        let kind = random.next(0...3)
        for _ in 0..<random.next(1...9) where image.count < size {
          let old: UInt8 = random.next(0...2) == 0 ? blank : UInt8(random.next(0x30...0x33))
          memory.append(old)
          image.append([nil, old, blank, UInt8(random.next(0x30...0x33))][kind])
        }
      }
      guard image.contains(where: { $0 != nil }) else { continue }
      var options = FlashOptions()
      options.leave = .never
      options.differential = random.next(0...3) != 0
      options.discardNeighbours = random.next(0...3) == 0
      options.verify = random.next(0...3) != 0
      let complaint = try World(
        map: Drawing.map(sectors, name: "Internal Flash"), image: image, memory: memory,
        options: options,
        transferSize: random.next(1...9), granularity: [1, 2, 4][random.next(0...2)],
        blank: blank
      ).complaint()
      if let complaint {
        Issue.record("\(sectors) \(image) on \(memory) with \(options): \(complaint)")
        return
      }
    }
  }

  /// Numbers that look random and are the same each time.
  struct Sequence {
    var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next(_ range: ClosedRange<Int>) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return range.lowerBound + Int((state >> 33) % UInt64(range.count))
    }
  }
}

/// A map, what is in it, and what shall be in it.
struct World {
  var map: MemoryMap
  var image: [UInt8?]
  var memory: [UInt8]
  var options: FlashOptions
  var transferSize: Int
  var granularity: Int
  var blank: UInt8

  /// What is wrong with the plan for this world; nil when nothing is.
  func complaint() throws -> String? {
    let firmware = try sparse(image)
    var target = FlashTarget.drawn(map, transferSize: transferSize, granularity: granularity)
    target.chip?.erasedByte = blank
    let survey = try FlashSurvey(firmware, for: target, options: options)
    var contents = FirmwareImage()
    for range in survey.parts.flatMap(\.ranges) {
      try contents.insert(
        memory[Int(range.lowerBound)..<Int(range.upperBound)], at: range.lowerBound,
        origin: .device)
    }
    target.contents = contents
    let plan = try FlashPlan(firmware, for: target, options: options)
    var model = FlashModel(map, memory, blank: blank)
    model.run(plan, transferSize: transferSize)
    if let violation = model.violations.first { return violation }
    return complaint(about: model, plan)
  }

  private func sparse(_ bytes: [UInt8?]) throws -> FirmwareImage {
    var image = FirmwareImage()
    for (address, byte) in bytes.enumerated() {
      if let byte { try image.insert([byte], at: UInt64(address), origin: .offset(address)) }
    }
    return image
  }

  private func complaint(about model: FlashModel, _ plan: FlashPlan) -> String? {
    for (address, byte) in image.enumerated() {
      let now = model.memory[address]
      if let byte {
        if now != byte { return "byte \(address) is \(now), not \(byte)" }
      } else if now != memory[address] {
        let sector = map.sector(containing: UInt64(address))
        let mayBeLost =
          options.erase == .all
          || (options.discardNeighbours && sector.map(isTouched) == true
            && sector?.rights.contains(.erasable) == true)
          || (options.discardNeighbours && sector?.rights.contains(.erasable) == false
            && sector.map(isTouched) == true)
        if !mayBeLost || now != blank { return "neighbour \(address) became \(now)" }
      }
    }
    for sector in map.sectors where model.erased.contains(sector.range.lowerBound) {
      if !isTouched(sector) { return "erases \(sector.range) for nothing" }
      if options.differential, !differs(sector) { return "erases \(sector.range) unchanged" }
      if options.differential, isBlank(sector) { return "erases \(sector.range), which is blank" }
    }
    if options.differential, options.erase == .needed {
      let same = map.sectors.allSatisfy { !differs($0) }
      if same, !plan.summary.changesNothing { return "changes something although nothing differs" }
    }
    return unproved(plan)
  }

  /// A byte of the image that was written and is not read back.
  private func unproved(_ plan: FlashPlan) -> String? {
    let proved = plan.parts[0].verify
    for sector in map.sectors {
      for address in sector.range where image[Int(address)] != nil {
        let isProved = proved.contains { $0.contains(address) }
        if options.verify {
          let leftAlone = plan.parts[0].unchanged.contains { $0.range.contains(address) }
          if !isProved, !leftAlone { return "\(address) is not proved" }
        } else if isProved {
          return "\(address) is read back although nobody asked"
        }
      }
    }
    return nil
  }

  private func isTouched(_ sector: Sector) -> Bool {
    sector.range.contains { image[Int($0)] != nil }
  }

  private func differs(_ sector: Sector) -> Bool {
    sector.range.contains { image[Int($0)] != nil && image[Int($0)] != memory[Int($0)] }
  }

  private func isBlank(_ sector: Sector) -> Bool {
    sector.range.allSatisfy { memory[Int($0)] == blank }
  }
}
