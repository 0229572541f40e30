import Foundation
import Testing

/// What a user relies on without looking: that 0 means done, that standard output holds what was
/// asked for and nothing else, and that what cannot be undone is asked about.
@Suite struct HonestyTests {
  static let board = "virtual:stm32f407?state=board.bin&speed=instant"

  func run(_ arguments: String..., in folder: Workplace) throws -> CommandRun {
    try CommandRun(arguments, in: folder)
  }

  /// Runs a line of shell, in which `$DFU` is the command.
  func shell(_ line: String, in folder: Workplace) throws -> CommandRun {
    let binary = try CommandRun.binary().path
    return try CommandRun(
      ["-c", line], in: folder, environment: ["DFU": binary],
      binary: URL(fileURLWithPath: "/bin/sh"))
  }

  // MARK: Everything that is to be erased is

  @Test(arguments: [
    "stm32f105", "stm32f407", "stm32h743", "stm32l476", "stm32l072", "stm32g0b1", "stm32c5",
    "gd32vf103", "st-library", "st-library-446", "stm32f730-qspi",
  ])
  func `erase --all leaves every byte of the target blank`(_ profile: String) throws {
    let folder = try Workplace()
    let board = "virtual:\(profile)?state=board.bin&speed=instant"
    try folder.write([UInt8](repeating: 0x5A, count: 5000), to: "data.bin")
    let address = profile == "stm32f730-qspi" ? "0x90001000" : "0x08010000"
    let flashed = try run("flash", "data.bin", "--address", address, "-d", board, in: folder)
    #expect(flashed.status == 0, "\(flashed.error)")
    let erased = try run("erase", "--all", "--yes", "-d", board, in: folder)
    #expect(erased.status == 0, "\(erased.error)\(erased.output)")
    #expect(try run("blank-check", "-d", board, in: folder).status == 0)
  }

  @Test(arguments: ["stm32f105", "stm32l476", "stm32l072", "gd32vf103", "stm32f730-qspi"])
  func `flash --erase all erases every memory before it writes`(_ profile: String) throws {
    let folder = try Workplace()
    let board = "virtual:\(profile)?state=board.bin&speed=instant"
    let address = profile == "stm32f730-qspi" ? "0x90000000" : "0x08000000"
    for (value, more) in [(UInt8(0x5A), [String]()), (0xA5, ["--erase", "all", "--yes"])] {
      try folder.write([UInt8](repeating: value, count: 5000), to: "data.bin")
      let flashed = try CommandRun(
        ["flash", "data.bin", "--address", address, "-d", board] + more, in: folder)
      #expect(flashed.status == 0, "\(flashed.error)")
    }
  }

  @Test(arguments: [
    ["flash", "data.bin", "--address", "0x0800C000"],
    ["flash", "data.bin", "--address", "0x0800C000", "--all-sectors"],
    ["erase", "--address", "0x0800C000", "--length", "16K"],
  ])
  func `a bootloader that erases more than it was told to is found out`(
    _ arguments: [String]
  ) throws {
    let folder = try Fixtures.workplace()
    let board = "virtual:st-library-446?state=board.bin&speed=instant"
    // From the sector that will be erased into the one above it.
    try folder.write([UInt8](repeating: 0x11, count: 80_000), to: "long.bin")
    let long = try run("flash", "long.bin", "--address", "0x0800C000", "-d", board, in: folder)
    #expect(long.status == 0, "\(long.error)")
    let run = try CommandRun(arguments + ["-d", board], in: folder)
    #expect(run.status == 80, "\(run.error)\(run.output)")
    #expect(run.error.contains("more than it was told to"), "\(run.error)")
  }

  @Test(arguments: [
    "stm32f105", "stm32f407", "stm32h743", "stm32l476", "stm32g0b1", "stm32c5",
  ])
  func `unprotect takes the protection away`(_ profile: String) throws {
    let folder = try Workplace()
    let board = "virtual:\(profile)?read-protected=yes&state=board.bin&speed=instant"
    #expect(try run("blank-check", "-d", board, in: folder).status == 82)
    #expect(try run("unprotect", "--yes", "-d", board, in: folder).status == 0)
    #expect(try run("blank-check", "-d", board, in: folder).status == 0)
  }

  @Test func `neighbours that a broken flash has lost are in a file, and go back from there`()
    throws
  {
    let folder = try Workplace()
    let before = (0..<30_000).map { UInt8(truncatingIfNeeded: $0 * 7 + $0 / 256) & 0x7F }
    try folder.write(before, to: "before.bin")
    let new = [UInt8](repeating: 0x11, count: 1000)
    try folder.write(new, to: "new.bin")
    let start = ["--address", "0x08000000", "-d", Self.board]
    #expect(try CommandRun(["flash", "before.bin"] + start, in: folder).status == 0)
    let lost = try run(
      "flash", "new.bin", "--address", "0x08004100", "-d",
      "\(Self.board)&faults=disconnect@write:2", in: folder)
    #expect(lost.status == 74)
    #expect(lost.error.contains("were to be kept"), "\(lost.error)")
    #expect(lost.error.contains("dfu-kept.hex"), "\(lost.error)")
    let kept = try run("flash", "dfu-kept.hex", "--no-leave", "-d", Self.board, in: folder)
    #expect(kept.status == 0, "\(kept.error)")
    let again = try run(
      "flash", "new.bin", "--address", "0x08004100", "-d", Self.board, in: folder)
    #expect(again.status == 0, "\(again.error)")
    let back = try run(
      "read", "-o", "back.bin", "--address", "0x08000000", "--length", "30000", "-d", Self.board,
      in: folder)
    #expect(back.status == 0, "\(back.error)")
    var expected = before
    expected.replaceSubrange(0x4100..<0x4100 + 1000, with: new)
    #expect(try folder.bytes(of: "back.bin") == expected)
  }

  // MARK: Nothing is promised that is not done

  @Test(arguments: [["--erase", "all", "--yes"], ["--leave-address", "0x08000000"]])
  func `a device without addresses refuses what it cannot do`(_ option: [String]) throws {
    let folder = try Fixtures.workplace()
    let refused = try CommandRun(
      ["flash", "data.bin", "--target", "0", "-d", "virtual:dfu11?speed=instant"] + option,
      in: folder)
    #expect([64, 83].contains(refused.status), "\(refused.output)")
    #expect(refused.output.isEmpty)
  }

  @Test func `a result that cannot be printed is no success`() throws {
    try #require(FileManager.default.fileExists(atPath: "/dev/full"))
    let folder = try Workplace()
    for verb in ["list", "list --json", "blank-check"] {
      let run = try shell("\"$DFU\" \(verb) -d '\(Self.board)' > /dev/full", in: folder)
      #expect(run.status == 74, "\(verb)")
      #expect(run.error.contains("standard output"))
    }
  }

  @Test func `a closed standard output is never another file`() throws {
    let folder = try Fixtures.workplace()
    let run = try shell("\"$DFU\" flash app.hex -d '\(Self.board)' >&-", in: folder)
    #expect(run.status == 74, "\(run.error)")
    let list = try self.run("verify", "app.hex", "-d", Self.board, in: folder)
    #expect(list.status == 0, "\(list.error)")
  }

  @Test
  func `a board without a state file is unprotected and then flashed, not replaced by a new one`()
    throws
  {
    let folder = try Fixtures.workplace()
    let run = try run(
      "flash", "app.hex", "--unprotect", "--yes", "-d", "virtual:stm32f407-rdp1?speed=instant",
      in: folder)
    #expect(run.status == 0, "\(run.error)")
  }

  @Test func `a reader that has seen enough is no failure`() throws {
    let folder = try Workplace()
    let run = try shell(
      "\"$DFU\" list -d '\(Self.board)' 2> errors | true; cat errors", in: folder)
    #expect(run.output.isEmpty)
  }

  @Test func `a name that is no UTF-8 is refused, not mended`() throws {
    let folder = try Fixtures.workplace()
    let run = try shell(
      "cp data.bin \"$(printf 'a\\377b.bin')\" && \"$DFU\" file info \"$(printf 'a\\377b.bin')\"",
      in: folder)
    #expect(run.status == 64, "\(run.error)")
    #expect(run.error.contains("UTF-8"))
  }

  @Test func `reading leaves the state file as it is`() throws {
    let folder = try Fixtures.workplace()
    _ = try run("flash", "app.hex", "-d", Self.board, in: folder)
    let before = try folder.bytes(of: "board.bin")
    let read = try run(
      "read", "-o", "out.bin", "--address", "0x08010000", "--length", "16", "-d", Self.board,
      in: folder)
    #expect(read.status == 0, "\(read.error)")
    #expect(try folder.bytes(of: "board.bin") == before)
  }

  // MARK: Events

  @Test(arguments: [
    ["flash", "app.hex"], ["flash", "app.hex", "--plan"], ["verify", "app.hex"], ["blank-check"],
    ["read", "-o", "out.bin"], ["erase", "--all", "--yes"], ["flash", "none.hex"],
    ["flash", "app.hex", "--bogus"], ["erase", "--all"],
  ])
  func `--events puts nothing but lines of JSON on standard output, the result last`(
    _ arguments: [String]
  ) throws {
    let folder = try Fixtures.workplace()
    let run = try CommandRun(arguments + ["--events", "-d", Self.board], in: folder)
    let lines = run.output.split(separator: "\n")
    var last: [String: Any] = [:]
    for line in lines {
      let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      last = try #require(object, "\(line)")
    }
    #expect(last["schema"] is String, "\(run.output)")
    if run.status != 0, run.status != 80 {
      #expect(last["schema"] as? String == "dfu.error/1")
    }
  }

  @Test func `standard output does not carry memory and events at once`() throws {
    let folder = try Fixtures.workplace()
    let refused = try run("read", "-o", "-", "--events", "-d", Self.board, in: folder)
    #expect(refused.status == 64)
  }

  // MARK: What cannot be undone

  @Test func `one-time programmable memory is written only when that is confirmed`() throws {
    let folder = try Fixtures.workplace()
    let arguments = ["flash", "data.bin", "--address", "0x1FFF7800", "-d", Self.board]
    let refused = try CommandRun(arguments, in: folder)
    #expect(refused.status == 64, "\(refused.output)")
    #expect(
      try run("blank-check", "--target", "2", "-d", Self.board, in: folder).status == 0)
    #expect(try CommandRun(arguments + ["--yes"], in: folder).status == 0)
  }

  @Test func `an erase without a length goes to the end, so it is asked about`() throws {
    let folder = try Fixtures.workplace()
    let arguments = ["erase", "--address", "0x08010000", "-d", Self.board]
    #expect(try CommandRun(arguments, in: folder).status == 64)
    #expect(try CommandRun(arguments + ["--yes"], in: folder).status == 0)
  }

  @Test(arguments: [[], ["--all-sectors"], ["--discard-neighbours"], ["--erase", "all", "--yes"]])
  func `a backup holds all that is going to change, and flashing it brings that back`(
    _ options: [String]
  ) throws {
    let folder = try Fixtures.workplace()
    func read(_ name: String) throws -> [UInt8] {
      let run = try run("read", "-o", name, "-d", Self.board, in: folder)
      #expect(run.status == 0, "\(run.error)")
      return try folder.bytes(of: name)
    }
    let first = try run(
      "flash", "0x08000000:program.bin", "0x08020000:data.bin", "-d", Self.board, in: folder)
    #expect(first.status == 0, "\(first.error)")
    let before = try read("before.bin")
    try folder.write([UInt8](repeating: 0x33, count: 0x4800), to: "other.bin")
    let second = try CommandRun(
      ["flash", "other.bin", "--address", "0x08000010", "--backup", "saved.dfu", "-d", Self.board]
        + options, in: folder)
    #expect(second.status == 0, "\(second.error)")
    #expect(try read("between.bin") != before)
    let back = try run("flash", "saved.dfu", "-d", Self.board, in: folder)
    #expect(back.status == 0, "\(back.error)")
    #expect(try read("after.bin") == before)
  }

  @Test func `what cannot be saved is not flashed with a backup`() throws {
    let folder = try Fixtures.workplace()
    let run = try run(
      "flash", "data.bin", "--target", "0", "--backup", "saved.bin", "-d",
      "virtual:dfu11?speed=instant", in: folder)
    #expect(run.status == 64, "\(run.output)")
    #expect(try !folder.names().contains("saved.bin"))
  }

  // MARK: Refusals before the work

  @Test func `what cannot be written is refused before the device is read`() throws {
    let folder = try Fixtures.workplace()
    let nameless = try run("read", "-o", "out", "-d", Self.board, in: folder)
    #expect(nameless.status == 64)
    let hole = try run(
      "read", "-o", "out.bin", "-d", "virtual:stm32f730-qspi?speed=instant", in: folder)
    #expect(hole.status == 65)
    let name = String(repeating: "n", count: 300)
    let long = try run("read", "-o", "\(name).bin", "-d", Self.board, in: folder)
    #expect(long.status == 73)
    for refused in [nameless, hole, long] {
      #expect(!refused.error.contains("reading"), "\(refused.error)")
    }
  }

  @Test func `memory that the device has not is no breach of the protocol`() throws {
    let folder = try Fixtures.workplace()
    #expect(
      try run("leave", "--address", "0x30000000", "-d", Self.board, in: folder).status == 83)
    try folder.write([UInt8](repeating: 1, count: 70_000), to: "large.bin")
    let large = try run(
      "flash", "large.bin", "--target", "1", "-d", "virtual:dfu11?speed=instant", in: folder)
    #expect(large.status == 83, "\(large.error)")
  }

  @Test func `files that contradict each other are named`() throws {
    let folder = try Fixtures.workplace()
    let refused = try run(
      "flash", "0x08000000:program.bin", "0x08000004:data.bin", "-d", Self.board, in: folder)
    #expect(refused.status == 65)
    #expect(refused.error.contains("data.bin"), "\(refused.error)")
  }

  @Test func `a selector that says something twice is refused`() throws {
    let folder = try Workplace()
    #expect(
      try run("list", "-d", "virtual:stm32f407?state=a&state=b", in: folder).status == 64)
  }

  @Test func `an empty state file is called that`() throws {
    let folder = try Workplace()
    try folder.write([], to: "board.bin")
    let refused = try run("list", "-d", Self.board, in: folder)
    #expect(refused.status == 65)
    #expect(refused.error.contains("no state"))
  }
}
