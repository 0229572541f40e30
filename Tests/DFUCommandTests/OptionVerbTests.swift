import Foundation
import Testing

/// `dfu options` on boards that are kept in a file, one run after the other.
@Suite struct OptionVerbTests {
  private func run(_ arguments: String..., in folder: Workplace) throws -> CommandRun {
    try CommandRun(arguments, in: folder)
  }

  /// The fields of `dfu options --json`, by name.
  private func fields(_ board: String, in folder: Workplace) throws -> [String: UInt32] {
    let shown = try run("options", "--json", "-d", board, in: folder)
    #expect(shown.status == 0, "\(shown.output)")
    let document = try JSONSerialization.jsonObject(with: Data(shown.output.utf8))
    let fields = try #require((document as? [String: Any])?["fields"] as? [[String: Any]])
    var values: [String: UInt32] = [:]
    for field in fields {
      values[try #require(field["name"] as? String)] = try #require(field["value"] as? UInt32)
    }
    return values
  }

  struct Change: CustomTestStringConvertible, Sendable {
    var profile: String
    var settings: [String]
    var expected: [String: UInt32]
    var testDescription: String { profile }
  }

  @Test(arguments: [
    Change(
      profile: "stm32f407", settings: ["BOR_LEV=level 1", "nWRP=sectors 5"],
      expected: ["BOR_LEV": 2, "nWRP": 0xFDF]),
    Change(
      profile: "stm32f429", settings: ["nWRP=sector 0", "nWRP12_23=all"],
      expected: ["nWRP": 0xFFE, "nWRP12_23": 0]),
    Change(
      profile: "stm32l476", settings: ["WRP1A_STRT=page 4", "WRP1A_END=page 9", "IWDG_SW=0"],
      expected: ["WRP1A_STRT": 4, "WRP1A_END": 9, "IWDG_SW": 0]),
    Change(
      profile: "stm32h743", settings: ["WRPSn1=sectors 0-2", "BOOT_ADD1=0x08000000"],
      expected: ["WRPSn1": 0xF8, "BOOT_ADD1": 0x0800]),
  ])
  func `what is set is there in the next run, and nothing else has changed`(
    _ change: Change
  ) throws {
    let folder = try Fixtures.workplace()
    let board = "virtual:\(change.profile)?state=board.bin&speed=instant"
    let before = try fields(board, in: folder)
    let arguments = change.settings.flatMap { ["--set", $0] }
    let set = try CommandRun(["options", "-y", "-d", board] + arguments, in: folder)
    #expect(set.status == 0, "\(set.error)")
    #expect(set.output.contains("Proved"))
    let expected = before.merging(change.expected) { $1 }
    #expect(try fields(board, in: folder) == expected)
    // And once more: there is nothing to do, and nobody is asked.
    let again = try CommandRun(["options", "-d", board] + arguments, in: folder)
    #expect(again.status == 0 && again.output.hasPrefix("Nothing to do"))
  }

  @Test func `--plan and an unconfirmed change leave the board as it was`() throws {
    let folder = try Fixtures.workplace()
    let board = "virtual:stm32f407?state=board.bin&speed=instant"
    let before = try fields(board, in: folder)
    #expect(try run("options", "--set", "RDP=1", "--plan", "-d", board, in: folder).status == 0)
    #expect(try run("options", "--set", "RDP=1", "-d", board, in: folder).status == 64)
    #expect(try run("options", "--set", "RDP=2", "-y", "-d", board, in: folder).status == 82)
    #expect(try fields(board, in: folder) == before)
  }

  @Test func `write protection by name stops a flash, and is taken away by name`() throws {
    let folder = try Fixtures.workplace()
    let board = "virtual:stm32f407?state=board.bin&speed=instant"
    func set(_ text: String) throws -> CommandRun {
      try run("options", "--set", text, "-y", "-d", board, in: folder)
    }
    #expect(try set("nWRP=sector 0").status == 0)
    let refused = try run("flash", "app.hex", "-d", board, in: folder)
    #expect(refused.status == 82)
    #expect(refused.error.contains("dfu options"))
    #expect(try set("nWRP=none").status == 0)
    #expect(try run("flash", "app.hex", "-d", board, in: folder).status == 0)
  }

  @Test func `level 1 closes the flash, and unprotect erases it`() throws {
    let folder = try Fixtures.workplace()
    let board = "virtual:stm32f407?state=board.bin&speed=instant"
    #expect(
      try run("flash", "app.hex", "--no-leave", "-d", board, in: folder).status == 0)
    #expect(try run("options", "--set", "RDP=1", "-y", "-d", board, in: folder).status == 0)
    for verb in [["options"], ["read", "-o", "out.bin"], ["flash", "app.hex"]] {
      #expect(try CommandRun(verb + ["-d", board], in: folder).status == 82)
    }
    #expect(try run("unprotect", "-y", "-d", board, in: folder).status == 0)
    #expect(try fields(board, in: folder)["RDP"] == 0xAA)
    #expect(try run("blank-check", "-d", board, in: folder).status == 0)
  }

  @Test func `a part of level 2 is gone for every later run`() throws {
    let folder = try Fixtures.workplace()
    let board = "virtual:stm32f407?state=board.bin&speed=instant"
    let closed = try run(
      "options", "--set", "RDP=2", "--for-ever", "close this part for ever", "-y", "-d", board,
      in: folder)
    #expect(closed.status == 0, "\(closed.error)")
    for verb in ["list", "options", "unprotect"] {
      #expect(try run(verb, "-d", board, "--json", in: folder).status != 0)
    }
    #expect(try run("list", "-d", board, in: folder).status == 69)
  }

  @Test func `option bytes that were read as memory are written as memory`() throws {
    let folder = try Fixtures.workplace()
    let board = "virtual:stm32f407?state=board.bin&speed=instant"
    #expect(try run("options", "--set", "BOR_LEV=1", "-y", "-d", board, in: folder).status == 0)
    let read = try run("read", "--target", "1", "-o", "ob.bin", "-d", board, in: folder)
    #expect(read.status == 0, "\(read.error)")
    #expect(try folder.bytes(of: "ob.bin").prefix(4) == [0xF7, 0xAA, 0x08, 0x55])
    #expect(try run("options", "--set", "BOR_LEV=3", "-y", "-d", board, in: folder).status == 0)
    let written = try run(
      "flash", "0x1FFFC000:ob.bin", "--target", "1", "-y", "-d", board, in: folder)
    #expect(written.status == 0, "\(written.error)")
    #expect(try fields(board, in: folder)["BOR_LEV"] == 1)
  }
}
