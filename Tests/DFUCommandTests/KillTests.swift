import Foundation
import Testing

/// A process that is killed leaves its virtual board as a part whose power was cut, and the same
/// command repairs it.
///
/// Ten moments are tried; `DFU_PROOF=1` tries a hundred.
@Suite struct KillTests {
  struct Moment: Sendable {
    var isInstant: Bool
    /// After how many microseconds the process is killed.
    var delay: Int

    /// In real time the flash takes 0.8 s. In simulated time it is over in a fraction of that; the file
    /// is written at its end.
    static let all: [Moment] = {
      let count = ProcessInfo.processInfo.environment["DFU_PROOF"] == "1" ? 100 : 10
      var random = SeededNumbers(seed: 0x5EED_0003)
      return (0..<count).map { number in
        let isInstant = number % 2 == 1
        return Moment(
          isInstant: isInstant,
          delay: .random(in: 0...(isInstant ? 300_000 : 1_000_000), using: &random))
      }
    }()

    /// The moments in five rows that are tried at the same time.
    static let rows = (0..<5).map { row in
      Row(moments: all.indices.filter { $0 % 5 == row }.map { all[$0] })
    }
  }

  struct Row: CustomTestStringConvertible, Sendable {
    var moments: [Moment]
    var testDescription: String {
      moments.map { "\($0.isInstant ? "instant" : "real") \($0.delay) µs" }.joined(separator: ", ")
    }
  }

  static let old = KeptBoard.noise(0x10000, seed: 1)
  /// Two sectors, whole, so that nothing beside the image can be lost.
  static let small = KeptBoard.noise(0x8000, seed: 2)
  /// Half the flash.
  static let large = KeptBoard.noise(0x80000, seed: 3)

  @Test(arguments: Moment.rows)
  func `a killed process leaves a whole state, and the same command completes and proves`(
    _ row: Row
  ) async throws {
    for moment in row.moments { try await check(moment) }
  }

  func check(_ moment: Moment) async throws {
    let folder = try Workplace()
    // In real time onto a board that has to be erased, in simulated time onto one that is not there.
    let image = moment.isInstant ? Self.large : Self.small
    try folder.write(image, to: "image.bin")
    if !moment.isInstant { try KeptBoard.make(Self.old, in: folder) }
    let board = "virtual:stm32f407?state=board.bin" + (moment.isInstant ? "&speed=instant" : "")
    let command = ["flash", "image.bin", "--address", "0x08000000", "--no-leave", "-d", board]

    let killed = try await LiveRun(
      command, in: folder, signal: SIGKILL, .after(microseconds: moment.delay))
    let status = killed.status
    #expect(status == SIGKILL || status == 0, "\(killed.words)")

    let names = try folder.names()
    #expect(names.filter { $0.hasPrefix(".dfu-") }.count <= 1, "\(names)")
    if moment.isInstant, !names.contains("board.bin") {
      #expect(status == SIGKILL)
    } else {
      // What lies beside the image is as it was.
      let memory = try KeptBoard.memory(folder)
      let before = KeptBoard.whole(moment.isInstant ? [] : Self.old)
      #expect(memory[image.count...] == before[image.count...])
      let cells = Cells(memory, before: before, image)
      #expect(cells.strange == nil, "\(cells.strange ?? "")")
      // One operation at most was broken off.
      #expect(cells.tornSectors.count + cells.tornBytes.count <= 1, "\(cells)")
    }

    let again = try CommandRun(command, in: folder)
    #expect(again.status == 0, "\(again.error)")
    #expect(again.output.contains("Proved: read back, and every byte is right."))
    let after = try KeptBoard.memory(folder)
    #expect(after.starts(with: image))
    if !moment.isInstant { #expect(after[image.count..<0x10000] == Self.old[image.count...]) }
    #expect(try folder.names() == ["board.bin", "image.bin"])
  }

  /// What the cells of the first sectors hold after a loss of power.
  struct Cells {
    static let sectorSize = 0x4000
    static let blockSize = 2048

    /// Sectors whose erase was broken off: the first quarter is blank, and in the rest the bits of 0x5A
    /// are.
    var tornSectors: [Int] = []
    /// Bytes of which only half of the bits were written: the first ones behind the half of a block.
    var tornBytes: [Int] = []
    /// The first byte that is neither torn nor as it was, blank or new.
    var strange: String?

    init(_ memory: [UInt8], before: [UInt8], _ image: [UInt8]) {
      for start in stride(from: 0, to: image.count, by: Self.sectorSize) {
        let quarter = start + Self.sectorSize / 4
        let end = start + Self.sectorSize
        if before[start..<end].contains(where: { $0 != 0xFF }),
          memory[start..<quarter].allSatisfy({ $0 == 0xFF }),
          memory[quarter..<end].elementsEqual(before[quarter..<end].lazy.map { $0 | 0x5A })
        {
          tornSectors.append(start)
        } else {
          look(at: start..<end, of: memory, before: before, image)
        }
      }
    }

    private mutating func look(
      at sector: Range<Int>, of memory: [UInt8], before: [UInt8], _ image: [UInt8]
    ) {
      for index in sector {
        let byte = memory[index]
        if byte == before[index] || byte == 0xFF || byte == image[index] { continue }
        if index % Self.blockSize == Self.blockSize / 2, byte == image[index] | 0xAA {
          tornBytes.append(index)
        } else {
          strange = strange ?? "byte \(index) is \(byte), was \(before[index])"
        }
      }
    }
  }

  @Test func `a process that is killed leaves a recording up to there`() async throws {
    let folder = try Workplace()
    try folder.write(Self.small, to: "image.bin")
    try KeptBoard.make(Self.old, in: folder)
    let killed = try await LiveRun(
      [
        "flash", "image.bin", "--address", "0x08000000", "--record", "rec.txt", "-d",
        "virtual:stm32f407?state=board.bin",
      ], in: folder, signal: SIGKILL, .saying("  writing", milliseconds: 20))
    #expect(killed.status == SIGKILL, "\(killed.words)")
    let replay = try CommandRun(
      ["flash", "image.bin", "--address", "0x08000000", "-d", "replay:rec.txt"], in: folder)
    #expect(replay.status == 76, "\(replay.error)")
    #expect(replay.error.contains("writing"), "\(replay.error)")
    let words = replay.error.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(
      words.contains("The recording was cut off in line")
        || words.contains("The recording ends with line"), "\(replay.error)")
  }
}
