import Foundation
import Testing

/// What the file verbs do to files.
@Suite struct FileVerbTests {
  func run(_ arguments: String..., in folder: Workplace, input: [UInt8] = []) throws -> CommandRun {
    try CommandRun(arguments, in: folder, input: input)
  }

  // MARK: Conversion

  static let formats = ["hex", "s19", "uf2", "elf", "dfuse"]

  @Test(arguments: formats)
  func `a program survives every format with addresses`(_ format: String) throws {
    let folder = try Fixtures.workplace()
    let there = try run(
      "file", "convert", "program.bin", "there", "--to", format, "--address", "0x08000000",
      "--to-family", "STM32F4", in: folder)
    #expect(there.status == 0, "\(there.error)")
    let back = try run("file", "convert", "there", "back.bin", in: folder)
    #expect(back.status == 0, "\(back.error)")
    let bytes = try folder.bytes(of: "back.bin")
    #expect(Array(bytes.prefix(Fixtures.program.count)) == Fixtures.program)
    let diff = try run("file", "diff", "there", "program.bin", in: folder)
    // UF2 pads its last block; there only the padding may differ.
    if format == "uf2" { return }
    #expect(bytes == Fixtures.program)
    #expect(diff.status == 0, "\(diff.output)")
  }

  @Test func `holes are filled with what is asked for`() throws {
    let folder = try Fixtures.workplace()
    let result = try run(
      "file", "convert", "app.hex", "out.bin", "--fill", "0x5A", in: folder)
    #expect(result.status == 0, "\(result.error)")
    let bytes = try folder.bytes(of: "out.bin")
    #expect(bytes.count == 0x10004)
    #expect(bytes[0x10..<0x10000].allSatisfy { $0 == 0x5A })
    #expect(bytes[0x10000...] == [0xAA, 0xBB, 0xCC, 0xDD])
  }

  @Test func `a converted file can go to standard output`() throws {
    let folder = try Fixtures.workplace()
    let result = try run("file", "convert", "app.s19", "-", "--to", "hex", in: folder)
    #expect(result.status == 0, "\(result.error)")
    #expect(result.output == Fixtures.hex)
  }

  @Test func `the suffix of a converted file names the device`() throws {
    let folder = try Fixtures.workplace()
    let result = try run(
      "file", "convert", "program.bin", "out.dfu", "--address", "0x08000000", "--device",
      "0483:df11", "--device-version", "1.02", in: folder)
    #expect(result.status == 0, "\(result.error)")
    let tail = Array(try folder.bytes(of: "out.dfu").suffix(16).prefix(11))
    #expect(tail == [0x02, 0x01, 0x11, 0xDF, 0x83, 0x04, 0x1A, 0x01, 0x55, 0x46, 0x44])
  }

  // MARK: Containers

  @Test func `packing what was unpacked gives the same file`() throws {
    let folder = try Fixtures.workplace()
    #expect(try run("file", "unpack", "two.dfu", "-o", "parts", in: folder).status == 0)
    let pack = try run(
      "file", "pack", "-o", "again.dfu", "0x08000000@0:parts/alt0-0x08000000.bin",
      "0x08010000@0:parts/alt0-0x08010000.bin", "0x1FFFC000@1:parts/alt1-0x1FFFC000.bin",
      "--name", "0=Flash", "--device", "0483:df11", "--device-version", "22.00", in: folder)
    #expect(pack.status == 0, "\(pack.error)")
    #expect(try folder.bytes(of: "again.dfu") == Fixtures.twoTargets)
  }

  @Test func `a raw file becomes a plain DFU file with a suffix`() throws {
    let folder = try Fixtures.workplace()
    try folder.write([1, 2, 3, 4], to: "payload.bin")
    let pack = try run(
      "file", "pack", "-o", "out.dfu", "payload.bin", "--device", "1209:d0d0", "--device-version",
      "1.00", in: folder)
    #expect(pack.status == 0, "\(pack.error)")
    #expect(try folder.bytes(of: "out.dfu") == Fixtures.plain)
  }

  @Test func `merged files hold the bytes of all`() throws {
    let folder = try Fixtures.workplace()
    let merge = try run(
      "file", "merge", "-o", "all.s19", "app.hex", "0x08020000:data.bin", in: folder)
    #expect(merge.status == 0, "\(merge.error)")
    let raw = try run("file", "convert", "all.s19", "all.bin", in: folder)
    #expect(raw.status == 0, "\(raw.error)")
    let bytes = try folder.bytes(of: "all.bin")
    #expect(bytes.count == 0x20004)
    #expect(bytes.suffix(4) == [0xDE, 0xAD, 0xBE, 0xEF])
  }

  // MARK: Suffix and prefix

  @Test func `a suffix is added, repaired and removed in place`() throws {
    let folder = try Fixtures.workplace()
    try folder.write([1, 2, 3, 4], to: "f")
    let add = try run(
      "file", "suffix", "add", "f", "--device", "1209:d0d0", "--device-version", "1.00", in: folder)
    #expect(add.status == 0, "\(add.error)")
    #expect(try folder.bytes(of: "f") == Fixtures.plain)

    var damaged = Fixtures.plain
    damaged[16] ^= 0xFF
    try folder.write(damaged, to: "f")
    #expect(try run("file", "suffix", "check", "f", in: folder).status == 65)
    #expect(try run("file", "suffix", "repair", "f", in: folder).status == 0)
    #expect(try folder.bytes(of: "f") == Fixtures.plain)

    #expect(try run("file", "suffix", "remove", "f", in: folder).status == 0)
    #expect(try folder.bytes(of: "f") == [1, 2, 3, 4])
    #expect(try folder.names().contains { $0.hasSuffix(".part") } == false)
  }

  @Test func `a prefix is added and removed, and the suffix stays right`() throws {
    let folder = try Fixtures.workplace()
    try folder.write([0x11, 0x22, 0x33, 0x44], to: "f")
    #expect(
      try run("file", "suffix", "add", "f", "--device", "1fc9:000c", in: folder).status == 0)
    #expect(try run("file", "prefix", "add", "--lpc", "f", in: folder).status == 0)
    #expect(try folder.bytes(of: "f") == Fixtures.lpc)
    #expect(try run("file", "prefix", "remove", "f", "-o", "g", in: folder).status == 0)
    #expect(try folder.bytes(of: "f") == Fixtures.lpc)
    #expect(try folder.bytes(of: "g").prefix(4) == [0x11, 0x22, 0x33, 0x44])
    #expect(try run("file", "suffix", "check", "g", in: folder).status == 0)
  }

  // MARK: Nothing is lost

  struct Refusal: CustomTestStringConvertible, Sendable {
    var what: String
    var arguments: [String]
    var status: Int32
    var testDescription: String { what }
  }

  static let refusals: [Refusal] = [
    Refusal(
      what: "output exists", arguments: ["file", "convert", "app.hex", "keep", "--to", "hex"],
      status: 73),
    Refusal(
      what: "input missing", arguments: ["file", "convert", "none", "keep", "-f"], status: 66),
    Refusal(
      what: "input is a directory", arguments: ["file", "convert", ".", "keep", "-f"], status: 66),
    Refusal(
      what: "input empty",
      arguments: ["file", "convert", "empty.bin", "keep", "-f", "--to", "hex"],
      status: 65),
    Refusal(
      what: "input truncated",
      arguments: ["file", "convert", "truncated.dfu", "keep", "-f", "--to", "hex"], status: 65),
    Refusal(
      what: "input of 5 GB",
      arguments: ["file", "convert", "huge.bin", "keep", "-f", "--to", "hex"], status: 65),
    Refusal(
      what: "checksum wrong",
      arguments: ["file", "convert", "checksum.hex", "keep", "-f", "--to", "raw"], status: 65),
    Refusal(
      what: "segments overlap",
      arguments: ["file", "convert", "overlap.hex", "keep", "-f", "--to", "raw"], status: 65),
    Refusal(
      what: "address missing",
      arguments: ["file", "convert", "data.bin", "keep", "-f", "--to", "hex"], status: 65),
    Refusal(
      what: "merged inputs overlap",
      arguments: [
        "file", "merge", "-o", "keep", "-f", "--to", "hex", "app.hex", "0x08000004:data.bin",
      ], status: 65),
    Refusal(what: "packed over", arguments: ["file", "pack", "-o", "keep", "app.hex"], status: 73),
    Refusal(
      what: "suffix of a damaged file", arguments: ["file", "suffix", "remove", "crc.dfu"],
      status: 65),
    Refusal(
      what: "unknown option", arguments: ["file", "convert", "--nonsense", "app.hex", "keep"],
      status: 64),
  ]

  @Test(arguments: refusals)
  func `a refusal has its status and its sentence, and changes no file`(_ refusal: Refusal) throws {
    let folder = try Fixtures.workplace()
    try folder.write([1, 2, 3], to: "keep")
    let before = try folder.names()
    let damaged = try folder.bytes(of: "crc.dfu")
    let result = try CommandRun(refusal.arguments, in: folder)
    #expect(result.status == refusal.status)
    #expect(result.error.hasPrefix("dfu: "))
    #expect(result.output.isEmpty)
    #expect(try folder.bytes(of: "keep") == [1, 2, 3])
    #expect(try folder.bytes(of: "crc.dfu") == damaged)
    #expect(try folder.names() == before)
  }

  @Test func `a reader that goes away ends the talking and not the work`() throws {
    let folder = try Fixtures.workplace()
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.currentDirectoryURL = folder.url
    let command = try CommandRun.binary().path
    shell.arguments = [
      "-c",
      "('\(command)' file suffix add data.bin --json; echo $? >status) | true",
    ]
    try shell.run()
    shell.waitUntilExit()
    #expect(try folder.bytes(of: "status") == Array("0\n".utf8))
    #expect(try folder.bytes(of: "data.bin").count == 20)
  }

  @Test func `an interruption while waiting for input ends with its status`() throws {
    let folder = try Fixtures.workplace()
    let process = Process()
    process.executableURL = try CommandRun.binary()
    process.arguments = ["file", "info", "plain.dfu", "-"]
    process.currentDirectoryURL = folder.url
    let input = Pipe()
    let output = Pipe()
    let error = Pipe()
    process.standardInput = input
    process.standardOutput = output
    process.standardError = error
    try process.run()
    // The first report says that the command listens to signals and goes on to standard input.
    guard !output.fileHandleForReading.availableData.isEmpty else {
      Issue.record("there is no report")
      kill(process.processIdentifier, SIGKILL)
      return process.waitUntilExit()
    }
    process.interrupt()
    process.waitUntilExit()
    #expect(process.terminationReason == .exit)
    #expect(process.terminationStatus == 130)
    let words = String(decoding: error.fileHandleForReading.availableData, as: UTF8.self)
    #expect(words == "dfu: Interrupted while reading standard input.\n")
    try input.fileHandleForWriting.close()
  }

  @Test func `colour follows the option before the environment`() throws {
    let folder = try Fixtures.workplace()
    let plain = try run("file", "info", "plain.dfu", in: folder)
    #expect(!plain.output.contains("\u{1B}"))
    let always = try CommandRun(
      ["file", "info", "plain.dfu", "--color", "always"], in: folder,
      environment: ["NO_COLOR": "1"])
    #expect(always.output.contains("\u{1B}["))
  }
}
