import DFU
import DFUHost
import Firmware
import Testing
import USB

/// Memory as a drawing: one character a byte, `|` between sectors for the eye.
///
/// `.` is blank (0xFF), a space is nothing, every other character is its ASCII code.
enum Drawing {
  static func bytes(_ text: String) -> [UInt8?] {
    text.filter { $0 != "|" }.map { character in
      switch character {
      case " ": nil
      case ".": 0xFF
      default: character.asciiValue
      }
    }
  }

  static func image(_ text: String, at start: UInt64 = 0) throws -> FirmwareImage {
    var image = FirmwareImage()
    for (offset, byte) in bytes(text).enumerated() {
      guard let byte else { continue }
      try image.insert([byte], at: start + UInt64(offset), origin: .offset(offset))
    }
    return image
  }

  static func text(_ bytes: [UInt8]) -> String {
    String(
      bytes.map { $0 == 0xFF ? "." : Character(UnicodeScalar($0)) })
  }

  /// A map from 0 on: the sizes of its sectors, each with the letter of its rights.
  static func map(_ sectors: [(size: Int, letter: Character)], name: String = "Flash") -> MemoryMap
  {
    var start: UInt64 = 0
    var runs: [SectorRun] = []
    for sector in sectors {
      let rights = SectorRights(rawValue: (sector.letter.asciiValue ?? 0) & 7)
      runs.append(
        SectorRun(start: start, count: 1, sectorSize: UInt64(sector.size), rights: rights))
      start += UInt64(sector.size)
    }
    return MemoryMap(name: name, runs: runs)
  }

  /// The map that the bars of a drawing show, all sectors erasable unless `letters` says otherwise.
  static func map(of text: String, letters: String? = nil, name: String = "Flash") -> MemoryMap {
    let sizes = text.split(separator: "|").map(\.count)
    let letters = Array(letters ?? String(repeating: "g", count: sizes.count))
    return map(zip(sizes, letters).map { ($0, $1) }, name: name)
  }
}

extension FlashTarget {
  /// A target of a drawn world: no chip, so that nothing is known but what is drawn.
  static func drawn(
    _ map: MemoryMap, transferSize: Int = 2, granularity: Int = 1, contents: FirmwareImage? = nil,
    canUpload: Bool = true
  ) -> FlashTarget {
    var chip = Chip(.stm32f4)
    chip.writeGranularity = granularity
    chip.ramRanges = []
    return FlashTarget(
      vendor: .stMicroelectronics, product: ProductID(0xDF11), name: map.name, dialect: .dfuSe,
      map: map, transferSize: transferSize, canUpload: canUpload, chip: chip, contents: contents)
  }

  /// A target of a real part, by its DfuSe string.
  static func part(
    _ string: String, number: UInt8 = 0, transferSize: Int = 2048, chip: Chip? = Chip(.stm32f4),
    contents: FirmwareImage? = nil
  ) throws -> FlashTarget {
    let map = try MemoryMap(dfuseString: string)
    return FlashTarget(
      vendor: .stMicroelectronics, product: ProductID(0xDF11), version: BCDVersion(0x2200),
      alternateSetting: number, name: map.name, dialect: .dfuSe, map: map,
      transferSize: transferSize, chip: chip, contents: contents)
  }

  static let f407Flash = "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg"

  /// The four alternate settings of an STM32F407's ROM.
  static func stm32f407() throws -> [FlashTarget] {
    [
      try part(f407Flash), try part("@Option Bytes  /0x1FFFC000/01*016 e", number: 1),
      try part("@OTP Memory /0x1FFF7800/01*512 e,01*016 e", number: 2),
      try part("@Device Feature/0xFFFF0000/01*004 e", number: 3),
    ]
  }
}

/// Flash that behaves like flash, for executing a plan on: bits can only be changed from blank until
/// the sector is erased. Everything that a plan must not do is noted.
struct FlashModel {
  let map: MemoryMap
  var memory: [UInt8]
  var erased: [UInt64] = []
  var writes = 0
  var violations: [String] = []
  let blank: UInt8

  init(_ map: MemoryMap, _ memory: [UInt8], blank: UInt8 = 0xFF) {
    self.map = map
    self.memory = memory
    self.blank = blank
  }

  mutating func run(_ plan: FlashPlan, transferSize: Int) {
    let expected = plan.parts[0].expected
    for step in plan.steps {
      switch step {
      case .select, .leave: break
      case .massErase:
        for sector in map.sectors where sector.rights.contains(.erasable) { wipe(sector.range) }
      case .erase(let sector): erase(sector)
      case .write(let run): write(run, transferSize)
      case .verify(let range):
        for piece in expected.pieces(in: range)
        where Array(piece.bytes) != Array(memory[Int(piece.address)...].prefix(piece.bytes.count)) {
          violations.append("verifying \(range) fails")
        }
      case .writeOptionBytes, .download: violations.append("unexpected \(step)")
      }
    }
  }

  private mutating func wipe(_ range: Range<UInt64>) {
    for address in range { memory[Int(address)] = blank }
  }

  private mutating func erase(_ sector: Sector) {
    if map.sector(containing: sector.range.lowerBound) != sector {
      violations.append("erases \(sector.range), which is no sector")
    }
    if !sector.rights.contains(.erasable) { violations.append("erases what may not be") }
    if let last = erased.last, last >= sector.range.lowerBound {
      violations.append("erases \(sector.range) after \(last)")
    }
    if writes > 0 { violations.append("erases after writing") }
    erased.append(sector.range.lowerBound)
    wipe(sector.range)
  }

  private mutating func write(_ run: WriteRun, _ transferSize: Int) {
    for block in run.blocks {
      writes += 1
      if block.number < 2 { violations.append("writes to the command channel") }
      if block.address != run.address + UInt64(block.number - 2) * UInt64(transferSize) {
        violations.append("block \(block.number) is not where its number says")
      }
      if block.bytes.isEmpty || block.bytes.count > transferSize {
        violations.append("a block of \(block.bytes.count) bytes")
      }
      for (offset, byte) in block.bytes.enumerated() {
        let address = block.address + UInt64(offset)
        guard let sector = map.sector(containing: address), sector.rights.contains(.writable) else {
          violations.append("writes to \(address)")
          continue
        }
        // What cannot be erased is RAM here; flash only changes blank bits.
        let old = memory[Int(address)]
        let programmed = blank == 0xFF ? old & byte : old | byte
        memory[Int(address)] = sector.rights.contains(.erasable) ? programmed : byte
      }
    }
  }
}
