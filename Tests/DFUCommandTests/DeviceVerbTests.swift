import Foundation
import Testing

/// What the device verbs do to boards and to files.
@Suite struct DeviceVerbTests {
  static let board = "virtual:stm32f407?state=board.bin&speed=instant"

  func run(_ arguments: String..., in folder: Workplace) throws -> CommandRun {
    try CommandRun(arguments, in: folder)
  }

  /// A document that a run printed.
  func document(_ run: CommandRun) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: Data(run.output.utf8))
    return try #require(object as? [String: Any])
  }

  func transfers(_ run: CommandRun) throws -> [String: Any] {
    try #require(document(run)["transfers"] as? [String: Any])
  }

  func count(_ run: CommandRun) throws -> Int {
    try #require(transfers(run)["control"] as? Int)
  }

  func requests(_ run: CommandRun, _ name: String) throws -> Int {
    let all = try #require(transfers(run)["requests"] as? [String: Any])
    return all[name] as? Int ?? 0
  }

  // MARK: Every format, there and back

  static let files = ["program.bin", "p.hex", "p.s19", "p.elf", "p.uf2", "p.dfu"]

  @Test(arguments: files)
  func `a file of every format comes back as it was, and a second flash changes nothing`(
    _ name: String
  ) throws {
    let folder = try Fixtures.workplace()
    if name != "program.bin" {
      let made = try run(
        "file", "convert", "program.bin", name, "--address", "0x08000000", "--to-family",
        "STM32F4", in: folder)
      #expect(made.status == 0, "\(made.error)")
    }
    let flash = try run("flash", name, "-d", Self.board, in: folder)
    #expect(flash.status == 0, "\(flash.error)")
    let read = try run(
      "read", "-o", "back.bin", "--address", "0x08000000", "--length",
      "\(Fixtures.program.count)", "-d", Self.board, in: folder)
    #expect(read.status == 0, "\(read.error)")
    #expect(try folder.bytes(of: "back.bin") == Fixtures.program)

    let again = try run("flash", name, "-d", Self.board, "--json", in: folder)
    #expect(again.status == 0, "\(again.error)")
    let report = try document(again)
    #expect(report["changedNothing"] as? Bool == true)
    #expect(report["isProved"] as? Bool == true)
    let part = try #require((report["parts"] as? [[String: Any]])?.first)
    #expect(part["sectorsErased"] as? Int == 0)
    #expect(part["bytesSent"] as? Int == 0)
  }

  // MARK: The budget of transfers

  /// 512 KiB without a blank block, different for each seed, with a plausible vector table.
  static func image(_ seed: UInt8) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 512 * 1024)
    var value = UInt32(seed) &+ 1
    for index in bytes.indices {
      value = value &* 1_664_525 &+ 1_013_904_223
      bytes[index] = UInt8(truncatingIfNeeded: value >> 24)
    }
    bytes.replaceSubrange(0..<8, with: [0, 0, 2, 0x20, 0x89, 1, 0, 8])
    return bytes
  }

  @Test func `512 KiB stay within the budget of control transfers`() throws {
    let folder = try Workplace()
    try folder.write(Self.image(1), to: "one.bin")
    try folder.write(Self.image(2), to: "two.bin")
    let first = try run(
      "flash", "one.bin", "--address", "0x08000000", "--all-sectors", "--no-verify", "--leave",
      "-d", Self.board, "--json", in: folder)
    #expect(first.status == 0, "\(first.error)\(first.output)")
    #expect(try count(first) <= 820)
    #expect(try requests(first, "DFU_DNLOAD") == 256 + 8 + 1 + 2)

    let second = try run(
      "flash", "two.bin", "--address", "0x08000000", "--no-leave", "-d", Self.board, "--json",
      in: folder)
    #expect(second.status == 0, "\(second.error)\(second.output)")
    #expect(try count(second) <= 1350)
    let part = try #require((document(second)["parts"] as? [[String: Any]])?.first)
    #expect(part["sectorsErased"] as? Int == 8)
    #expect(part["bytesProved"] as? Int == 512 * 1024)

    let third = try run(
      "flash", "two.bin", "--address", "0x08000000", "--no-leave", "-d", Self.board, "--json",
      in: folder)
    #expect(try count(third) <= 290)
    #expect(try document(third)["changedNothing"] as? Bool == true)
    // Selecting and pointing only: no block is written and nothing is erased.
    #expect(try requests(third, "DFU_DNLOAD") <= 1)
  }

  // MARK: Beside the image, before the image

  @Test func `bytes beside the image are kept, unless they are given up`() throws {
    let folder = try Fixtures.workplace()
    _ = try run(
      "flash", "program.bin", "--address", "0x08000000", "-d", Self.board, in: folder)
    let kept = try run(
      "flash", "data.bin", "--address", "0x08000100", "-d", Self.board, "--backup", "before.bin",
      in: folder)
    #expect(kept.status == 0, "\(kept.error)")
    #expect(try folder.bytes(of: "before.bin").starts(with: Fixtures.program.prefix(0x4000)))
    func read() throws -> [UInt8] {
      _ = try run(
        "read", "-o", "back.bin", "--overwrite", "--address", "0x08000000", "--length",
        "\(Fixtures.program.count)", "-d", Self.board, in: folder)
      return try folder.bytes(of: "back.bin")
    }
    var expected = Fixtures.program
    expected.replaceSubrange(0x100..<0x104, with: [0xDE, 0xAD, 0xBE, 0xEF])
    #expect(try read() == expected)

    let lost = try run(
      "flash", "program.bin", "--address", "0x08000200", "--discard-neighbours", "-d",
      Self.board, "--no-leave", in: folder)
    #expect(lost.status == 0, "\(lost.error)")
    let after = try read()
    #expect(after[..<0x200].allSatisfy { $0 == 0xFF })
    #expect(after[0x200...].elementsEqual(Fixtures.program.prefix(after.count - 0x200)))
  }

  @Test func `a refusal changes neither the board nor a file`() throws {
    let folder = try Fixtures.workplace()
    _ = try run("flash", "app.hex", "-d", Self.board, in: folder)
    let before = try folder.bytes(of: "board.bin")
    let names = try folder.names()
    for arguments in [
      ["flash", "truncated.dfu"], ["flash", "plain.dfu"], ["flash", "data.bin"],
      ["flash", "overlap.hex"], ["read", "-o", "data.bin"], ["erase", "--all"],
      ["flash", "data.bin", "--address", "0x20000000"],
    ] {
      let refused = try CommandRun(arguments + ["-d", Self.board], in: folder)
      #expect(refused.status != 0, "\(arguments)")
      #expect(refused.output.isEmpty)
    }
    #expect(try folder.bytes(of: "board.bin") == before)
    #expect(try folder.bytes(of: "data.bin") == [0xDE, 0xAD, 0xBE, 0xEF])
    #expect(try folder.names() == names)
  }

  @Test func `--plan reads and changes nothing`() throws {
    let folder = try Fixtures.workplace()
    _ = try run("flash", "app.hex", "-d", Self.board, in: folder)
    let before = try folder.bytes(of: "board.bin")
    let planned = try run("flash", "changed.hex", "-d", Self.board, "--plan", in: folder)
    #expect(planned.status == 0, "\(planned.error)")
    #expect(planned.output.contains("erase"))
    #expect(try folder.bytes(of: "board.bin") == before)
  }

  @Test func `a bad CRC is refused, on the very device that takes the undamaged file`() throws {
    let folder = try Fixtures.workplace()
    let board = "virtual:dfu11?id=1209:d0d0&state=board.bin&speed=instant"
    let refused = try run("flash", "crc.dfu", "--target", "0", "-d", board, in: folder)
    #expect(refused.status == 65)
    #expect(refused.error.contains("CRC"))
    #expect(try !folder.names().contains("board.bin"))
    let taken = try run("flash", "plain.dfu", "--target", "0", "-d", board, in: folder)
    #expect(taken.status == 0, "\(taken.error)")
    #expect(try folder.names().contains("board.bin"))
  }

  // MARK: Selection

  @Test func `the environment names the device where the command line does not`() throws {
    let folder = try Fixtures.workplace()
    let run = try CommandRun(
      ["list"], in: folder, environment: ["DFU_DEVICE": "virtual:stm32l476?speed=instant"])
    #expect(run.status == 0, "\(run.error)")
    #expect(run.output.contains("STM32L4"))
  }

  @Test func `--wait swallows nothing: it takes no value`() throws {
    let folder = try Fixtures.workplace()
    let waited = try run("list", "--wait", "--json", "-d", Self.board, in: folder)
    #expect(waited.status == 0, "\(waited.error)")
    #expect(try document(waited)["schema"] as? String == "dfu.device-list/1")
    let flashed = try run("flash", "--wait", "app.hex", "-d", Self.board, in: folder)
    #expect(flashed.status == 0, "\(flashed.error)")
  }

  // MARK: Protection

  @Test func `--unprotect erases a protected part, and then it is flashed`() throws {
    let folder = try Fixtures.workplace()
    let board = "virtual:stm32f407-rdp1?state=board.bin&speed=instant"
    #expect(try run("flash", "app.hex", "-d", board, in: folder).status == 82)
    #expect(try run("read", "-o", "out.bin", "-d", board, in: folder).status == 82)
    #expect(try !folder.names().contains("out.bin"))
    let flashed = try run("flash", "app.hex", "--unprotect", "--yes", "-d", board, in: folder)
    #expect(flashed.status == 0, "\(flashed.error)")
    #expect(try run("verify", "app.hex", "-d", board, in: folder).status == 0)
  }

  @Test func `a write-protected sector is found out by reading back`() throws {
    let folder = try Fixtures.workplace()
    let board = "virtual:stm32f407?write-protected=0&speed=instant"
    let flashed = try run("flash", "app.hex", "-d", board, in: folder)
    #expect(flashed.status == 82)
    #expect(flashed.error.contains("write-protected"))
  }

  @Test(arguments: ["a", "b", "c", "d"])
  func `a device that vanishes after leave is success, however it vanishes`(
    _ manner: String
  ) throws {
    let folder = try Fixtures.workplace()
    let left = try run(
      "flash", "program.bin", "--address", "0x08000000", "--leave", "-d",
      "virtual:stm32f407?leave=\(manner)&speed=instant", "--json", in: folder)
    #expect(left.status == 0, "\(left.error)\(left.output)")
    #expect(try document(left)["hasLeft"] as? Bool == true)
  }

  // MARK: Interruption

  @Test func `an interrupt ends the block, says the state and the repair, and a repeat ends well`()
    throws
  {
    let folder = try Workplace()
    try folder.write(Self.image(3), to: "one.bin")
    // In real time, so that there is something to interrupt: erasing alone takes seconds.
    let board = "virtual:stm32f407?state=board.bin"
    let first = try run(
      "flash", "one.bin", "--address", "0x08000000", "-d", Self.board, "--no-leave", in: folder)
    #expect(first.status == 0, "\(first.error)")
    try folder.write(Self.image(4), to: "two.bin")
    let errors = Pipe()
    let process = Process()
    process.executableURL = try CommandRun.binary()
    process.arguments = ["flash", "two.bin", "--address", "0x08000000", "-d", board]
    process.currentDirectoryURL = folder.url
    process.standardOutput = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    process.standardError = errors
    try process.run()
    // The line that says that erasing has begun is the sign; there is no clock to look at. Reading a
    // pipe waits for it, however busy the machine and the other tests are.
    var said: [UInt8] = []
    while !String(decoding: said, as: UTF8.self).contains("  erasing") {
      let part = errors.fileHandleForReading.availableData
      if part.isEmpty { break }
      said += part
    }
    process.interrupt()
    said += errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let text = String(decoding: said, as: UTF8.self)
    #expect(process.terminationStatus == 130, "\(text)")
    #expect(text.contains("still in its bootloader"), "\(text)")
    #expect(text.contains("The device reports:"), "\(text)")
    #expect(text.contains("dfu flash"), "\(text)")

    let repeated = try run(
      "flash", "two.bin", "--address", "0x08000000", "-d", Self.board, in: folder)
    #expect(repeated.status == 0, "\(repeated.error)")
    let verified = try run(
      "verify", "two.bin", "--address", "0x08000000", "-d", Self.board, in: folder)
    #expect(verified.status == 0, "\(verified.error)")
  }
}
