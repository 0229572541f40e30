import Foundation
import Testing

/// Ctrl-C in the middle of a flash: status 130, and one paragraph that is true about every sector.
@Suite struct InterruptTests {
  /// When the signal comes: after a line that tells of a phase, and a while.
  struct Moment: CustomTestStringConvertible, Sendable {
    var phase: String
    var milliseconds: Int
    var isBlank = false
    var testDescription: String {
      "\(milliseconds) ms into \(phase)\(isBlank ? " a blank board" : "")"
    }
  }

  /// One sector, and a part of the next one, whose rest has to be kept.
  static let image = KeptBoard.noise(0x5400, seed: 4)
  /// Longer, for a blank board, which needs no erase.
  static let long = KeptBoard.noise(0x18000, seed: 6)
  static let old = KeptBoard.noise(0x9000, seed: 5)

  @Test(arguments: [
    Moment(phase: "reading what is there", milliseconds: 0),
    Moment(phase: "erasing", milliseconds: 0), Moment(phase: "erasing", milliseconds: 150),
    Moment(phase: "erasing", milliseconds: 350), Moment(phase: "writing", milliseconds: 0),
    Moment(phase: "writing", milliseconds: 50), Moment(phase: "writing", milliseconds: 110),
    Moment(phase: "writing", milliseconds: 200, isBlank: true),
    Moment(phase: "reading back", milliseconds: 0),
    Moment(phase: "reading back", milliseconds: 40, isBlank: true),
  ])
  func `an interrupt tells the truth about every sector, and a repeat ends well`(
    _ moment: Moment
  ) async throws {
    let folder = try Workplace()
    let image = moment.isBlank ? Self.long : Self.image
    try folder.write(image, to: "image.bin")
    let old = moment.isBlank ? [] : Self.old
    try KeptBoard.make(old, in: folder)
    let command = ["flash", "image.bin", "--address", "0x08000000", "--no-leave", "-d"]
    let run = try await LiveRun(
      command + ["virtual:stm32f407?state=board.bin"], in: folder, signal: SIGINT,
      .saying("  \(moment.phase)", milliseconds: moment.milliseconds))
    let status = run.status
    let memory = try KeptBoard.memory(folder)
    let before = KeptBoard.whole(old)
    let after = image + before[image.count...]
    if status == 0 {
      // A machine that was too busy to deliver the signal in time has flashed it all.
      #expect(memory == after, "\(run.words)")
      return
    }
    #expect(status == 130, "\(run.words)")
    let told = try Told(run.words)
    var expected = before
    for range in told.erased.rangeView {
      expected.replaceSubrange(range, with: KeptBoard.whole([])[range])
    }
    for range in told.written.rangeView { expected.replaceSubrange(range, with: after[range]) }
    expect(memory, expected, run.words)
    #expect(told.proved.isSubset(of: told.written))
    // What was beside the image in a sector that was erased, and has not been written back.
    let beside = IndexSet(integersIn: image.count..<max(image.count, old.count))
    #expect(told.lost == told.erased.intersection(beside).subtracting(told.written))

    if told.isUntouched {
      #expect(!run.words.contains("same `dfu flash`"), "\(run.words)")
    } else if told.lost.isEmpty {
      #expect(run.words.contains("Repeat the same `dfu flash`:"), "\(run.words)")
    } else {
      // What is lost was saved, and is put back as it was told.
      let kept = "flash dfu-kept.hex --no-leave"
      #expect(
        run.words.contains("`dfu \(kept)` puts them back, then repeat the same `dfu flash`."),
        "\(run.words)")
      let rescue = try CommandRun(
        kept.split(separator: " ").map(String.init)
          + ["-d", "virtual:stm32f407?state=board.bin&speed=instant"], in: folder)
      #expect(rescue.status == 0, "\(rescue.error)")
    }
    let again = try CommandRun(
      command + ["virtual:stm32f407?state=board.bin&speed=instant"], in: folder)
    #expect(again.status == 0, "\(again.error)")
    expect(try KeptBoard.memory(folder), after, run.words)
  }

  func expect(_ memory: [UInt8], _ expected: [UInt8], _ words: String) {
    guard memory != expected,
      let index = memory.indices.first(where: { memory[$0] != expected[$0] })
    else { return }
    Issue.record("byte \(index) is \(memory[index]), not \(expected[index]): \(words)")
  }

  /// What the paragraph says, as offsets into the flash.
  struct Told {
    var erased = IndexSet()
    var written = IndexSet()
    var proved = IndexSet()
    var lost = IndexSet()
    var isUntouched = false

    init(_ words: String) throws {
      let paragraphs = words.components(separatedBy: "dfu: ")
      try #require(paragraphs.count == 2, "not one paragraph: \(words)")
      let paragraph = paragraphs[1]
      #expect(paragraph.contains("still in its bootloader") || paragraph.contains("was stopped"))
      // Nothing is half done when the block was finished.
      #expect(!paragraph.contains("half done"), "\(paragraph)")
      if paragraph.contains("Nothing has been changed.") {
        isUntouched = true
        return
      }
      let reported = try #require(
        paragraph.firstMatch(of: /The device reports: (?:erased ([^;.]+); )?written ([^;.]+)\./),
        "\(paragraph)")
      let read = try #require(
        paragraph.firstMatch(of: /Read back and right: ([^.]+)\./), "\(paragraph)")
      erased = try reported.1.map(Self.ranges) ?? []
      written = try Self.ranges(reported.2)
      proved = try Self.ranges(read.1)
      if let loss = paragraph.firstMatch(
        of: /(\d+) KiB beside the image, ([^.]+), were to be kept and are no longer on the device\./
      ) {
        lost = try Self.places(loss.2)
        #expect(Int(loss.1).map { $0 << 10 } == lost.count, "\(paragraph)")
        #expect(paragraph.contains("They are saved in dfu-kept.hex, \(loss.1) KiB."))
      } else {
        #expect(!paragraph.contains("kept"), "\(paragraph)")
      }
    }

    private static func ranges(_ text: Substring) throws -> IndexSet {
      let set = try places(text)
      if let count = text.firstMatch(of: /\((\d+) of (\d+) bytes\)/) {
        let total = try #require(Int(count.2))
        #expect(Int(count.1) == set.count && set.count <= total, "\(text)")
      } else {
        #expect(text == "nothing yet")
      }
      return set
    }

    private static func places(_ text: Substring) throws -> IndexSet {
      var set = IndexSet()
      for match in text.matches(of: /0x([0-9A-F]{8})–0x([0-9A-F]{8})/) {
        let first = try #require(UInt64(match.1, radix: 16))
        let last = try #require(UInt64(match.2, radix: 16))
        let base = KeptBoard.flash.lowerBound
        set.insert(integersIn: Int(first - base)...Int(last - base))
      }
      return set
    }
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func `an interrupt while the part resets after --unprotect says what became of it`(
    _ signal: Int32
  ) async throws {
    let folder = try Fixtures.workplace()
    let run = try await LiveRun(
      [
        "flash", "app.hex", "--unprotect", "--yes", "--record", "rec.txt", "-d",
        "virtual:stm32l476?read-protected=yes&state=board.bin",
      ], in: folder, signal: signal,
      // The recording tells when it has gone; half a second later it is back.
      .file("rec.txt", " detached "))
    let status = run.status
    #expect(status == 130, "\(run.words)")
    #expect(
      run.words.contains(
        "Interrupted after the part was told to take its protection away: it has begun to erase "
          + "itself, and was not back from its reset yet. Nothing of the file has been written."),
      "\(run.words)")
    #expect(run.words.contains("`dfu list` says whether it is still protected"), "\(run.words)")
    let board = "virtual:stm32l476?state=board.bin&speed=instant"
    #expect(try CommandRun(["blank-check", "-d", board], in: folder).status == 0)
    #expect(try CommandRun(["flash", "app.hex", "-d", board], in: folder).status == 0)
  }

  @Test func `an interrupt while the part resets after dfu unprotect speaks of no file`()
    async throws
  {
    let folder = try Fixtures.workplace()
    let run = try await LiveRun(
      [
        "unprotect", "--yes", "--record", "rec.txt", "-d",
        "virtual:stm32l476?read-protected=yes&state=board.bin",
      ], in: folder, signal: SIGINT, .file("rec.txt", " detached "))
    #expect(run.status == 130, "\(run.words)")
    #expect(
      run.words.hasSuffix(
        "and was not back from its reset yet. `dfu list` says whether it is still protected."),
      "\(run.words)")
  }
}
