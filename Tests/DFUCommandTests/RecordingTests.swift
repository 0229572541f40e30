import Captures
import Foundation
import Testing

/// `--record` and `replay:`: what went over the wire, kept and played back.
@Suite struct RecordingTests {
  static let board = "virtual:stm32f407?speed=instant"

  func run(_ arguments: String..., in folder: Workplace) throws -> CommandRun {
    try CommandRun(arguments, in: folder)
  }

  /// A command, and the board that it works on.
  struct Job: CustomTestStringConvertible, Sendable {
    var arguments: [String]
    var board: String
    /// How it ends.
    var status: Int32
    var testDescription: String { "\(arguments.joined(separator: " ")) on \(board)" }

    init(_ arguments: String, on board: String = "stm32f407", status: Int32 = 0) {
      self.arguments = arguments.split(separator: " ").map(String.init)
      self.board = "virtual:\(board)" + (board.contains("?") ? "&" : "?") + "speed=instant"
      self.status = status
    }
  }

  static let jobs = [
    Job("list"), Job("list --json", on: "stm32f407-rdp1"), Job("list", on: "dfu10"),
    Job("flash app.hex"), Job("flash app.hex --json"), Job("flash app.hex --events"),
    Job("flash program.bin --address 0x08100000 --leave", on: "stm32h743"),
    Job("flash program.bin --address 0x08000000", on: "stm32l476"),
    Job("flash program.bin --address 0x0800C000 --no-leave", on: "st-library"),
    Job("flash data.bin --target 0", on: "dfu11"), Job("flash lpc.dfu --target 0", on: "lpc43xx"),
    Job("flash program.bin --address 0x90000000", on: "stm32f730-qspi"),
    Job("flash app.hex", on: "stm32f407-rdp1", status: 82),
    Job("flash data.bin --address 0x08008000", on: "stm32f407-wrp", status: 82),
    Job("flash app.hex --unprotect --yes", on: "stm32f407-rdp1"),
    Job("flash app.hex --plan"), Job("flash app.hex --backup saved.hex"),
    Job("flash app.hex --leave", on: "stm32f407?leave=b"),
    Job("read -o - --address 0x08000000 --length 64"), Job("verify app.hex", status: 80),
    Job("erase --address 0x08010000 --length 64K"), Job("erase --all --yes"),
    Job("blank-check --address 0x08000000 --length 16K"), Job("leave"),
    Job("unprotect --yes", on: "stm32f407-rdp1"),
  ]

  @Test(arguments: jobs)
  func `every verb is recorded, and on its recording it does and says the same`(
    _ job: Job
  ) throws {
    let folder = try Fixtures.workplace()
    let first = try CommandRun(
      job.arguments + ["-d", job.board, "--record", "rec.txt"], in: folder)
    #expect(first.status == job.status, "\(first.error)")
    let names = try folder.names()
    let again = try CommandRun(
      job.arguments + ["-d", "replay:rec.txt", "--overwrite"], in: folder)
    #expect(again.status == job.status, "\(again.error)")
    // Only the name of the device differs, and with it where lines are broken.
    func words(_ text: String, _ device: String) -> [String] {
      text.replacing("\\/", with: "/").replacing(device, with: "DEVICE")
        .split(whereSeparator: \.isWhitespace).map(String.init)
    }
    #expect(words(again.output, "replay:rec.txt") == words(first.output, job.board))
    #expect(words(again.error, "replay:rec.txt") == words(first.error, job.board))
    #expect(!again.error.contains("not used"))
    #expect(try folder.names() == names)
  }

  @Test func `a replay of a replay has the same events`() throws {
    let folder = try Fixtures.workplace()
    _ = try run("flash", "app.hex", "-d", Self.board, "--record", "one.txt", in: folder)
    let second = try run(
      "flash", "app.hex", "-d", "replay:one.txt", "--record", "two.txt", in: folder)
    #expect(second.status == 0, "\(second.error)")
    let one = try RecordingDocument(parsing: try folder.bytes(of: "one.txt"))
    let two = try RecordingDocument(parsing: try folder.bytes(of: "two.txt"))
    #expect(one.recording.events.map(\.kind) == two.recording.events.map(\.kind))
    #expect(one.recording.events.map(\.nanoseconds) == two.recording.events.map(\.nanoseconds))
    #expect(two.recording.selector == "replay:one.txt")
    #expect(two.recording.program == one.recording.program)
  }

  // MARK: Where a host differs

  @Test func `another file is found in the line and at the byte`() throws {
    let folder = try Fixtures.workplace()
    _ = try run("flash", "app.hex", "-d", Self.board, "--record", "rec.txt", in: folder)
    // 05 06 becomes 15 16 at 0x0800000C.
    try folder.write(
      Fixtures.hex.replacing("0506070890", with: "1516070870"), to: "other.hex")
    let other = try run("flash", "other.hex", "-d", "replay:rec.txt", in: folder)
    #expect(other.status == 76, "\(other.error)")
    let lines = String(decoding: try folder.bytes(of: "rec.txt"), as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false)
    let line = try #require(
      lines.firstIndex { $0.contains("21 01 02 00 00 00 10 00 >") }, "no block of 16 bytes")
    let said = other.error.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(
      said.contains("in line \(line + 1): byte 12 of its data is 0x05, and the host sends 0x15."),
      "\(other.error)")
    #expect(other.output.isEmpty)

    let json = try run("flash", "other.hex", "-d", "replay:rec.txt", "--json", in: folder)
    #expect(json.status == 76)
    #expect(json.output.contains("\"slug\" : \"replay-differs\""), "\(json.output)")
  }

  @Test func `a host that ends early is told how much is left`() throws {
    let folder = try Fixtures.workplace()
    _ = try run("flash", "app.hex", "-d", Self.board, "--record", "rec.txt", in: folder)
    let planned = try run("flash", "app.hex", "--plan", "-d", "replay:rec.txt", in: folder)
    #expect(planned.status == 0, "\(planned.error)")
    #expect(planned.error.contains("transfers of the recording were not used"))
  }

  @Test func `what is no recording is refused with its line`() throws {
    let folder = try Fixtures.workplace()
    _ = try run("list", "-d", Self.board, "--record", "rec.txt", in: folder)
    let text = String(decoding: try folder.bytes(of: "rec.txt"), as: UTF8.self)
    try folder.write(text.replacing(" claim 0 ", with: " claim x "), to: "damaged.txt")
    let damaged = try run("list", "-d", "replay:damaged.txt", in: folder)
    #expect(damaged.status == 65)
    #expect(damaged.error.contains("damaged.txt"), "\(damaged.error)")
    let line = try #require(
      text.split(separator: "\n", omittingEmptySubsequences: false)
        .firstIndex { $0.contains(" claim 0 ") })
    #expect(damaged.error.contains("line \(line + 1)"), "\(damaged.error)")
    #expect(try run("list", "-d", "replay:none.txt", in: folder).status == 66)
    #expect(try run("list", "-d", "replay:data.bin", in: folder).status == 65)
    #expect(try run("list", "-d", "replay:empty.bin", in: folder).status == 65)
    #expect(try run("list", "-d", "replay:.", in: folder).status == 66)
    try folder.write("dfu-recording 1\n", to: "nothing.txt")
    #expect(try run("list", "-d", "replay:nothing.txt", in: folder).status == 69)
    #expect(try run("list", "--wait", "-d", "replay:nothing.txt", in: folder).status == 75)
  }

  // MARK: The file

  @Test func `a recording replaces a file only when that is said`() throws {
    let folder = try Fixtures.workplace()
    let refused = try run("list", "-d", Self.board, "--record", "data.bin", in: folder)
    #expect(refused.status == 73)
    #expect(try folder.bytes(of: "data.bin") == [0xDE, 0xAD, 0xBE, 0xEF])
    let taken = try run("list", "-d", Self.board, "--record", "data.bin", "-f", in: folder)
    #expect(taken.status == 0, "\(taken.error)")
    #expect(try run("list", "-d", "replay:data.bin", in: folder).status == 0)
    #expect(try run("list", "-d", Self.board, "--record", "none/rec.txt", in: folder).status == 73)
    #expect(try run("list", "-d", Self.board, "--record", "-", in: folder).status == 64)
    let two = try run(
      "list", "-d", Self.board, "-d", Self.board, "--record", "rec.txt", in: folder)
    #expect(two.status == 64)
    #expect(try !folder.names().contains("rec.txt"))
  }

  @Test func `a recording that cannot be written is told, and the flash is done all the same`()
    throws
  {
    try #require(FileManager.default.fileExists(atPath: "/dev/full"))
    let folder = try Fixtures.workplace()
    let board = "virtual:stm32f407?state=board.bin&speed=instant"
    let run = try run(
      "flash", "app.hex", "--json", "-d", board, "--record", "/dev/full", in: folder)
    #expect(run.status == 74)
    #expect(run.error.contains("The recording /dev/full ends early"), "\(run.error)")
    #expect(run.output.contains("\"isProved\" : true"), "\(run.output)")
    #expect(try self.run("verify", "app.hex", "-d", board, in: folder).status == 0)
    // A worse end is not covered up by it.
    let differs = try self.run(
      "verify", "program.bin", "--address", "0x08000000", "-d", board, "--record", "/dev/full",
      in: folder)
    #expect(differs.status == 80)
  }
}
