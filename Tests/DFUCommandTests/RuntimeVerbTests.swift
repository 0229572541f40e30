import Foundation
import Testing

/// Devices at run time, as a user meets them: detached, flashed, sent home, waited for.
@Suite struct RuntimeVerbTests {
  func run(_ arguments: String..., in folder: Workplace) throws -> CommandRun {
    try CommandRun(arguments, in: folder)
  }

  func document(_ run: CommandRun) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: Data(run.output.utf8))
    return try #require(object as? [String: Any])
  }

  static let variations = [
    "", "&will-detach=no", "&will-detach=no&return-time=0", "&return-time=20000", "&detour=yes",
    "&tolerant=no", "&tolerant=no&leave=b", "&will-detach=no&tolerant=no",
    "&will-detach=no&tolerant=no&return-time=0", "&protocol=0&runtime-status=stalls",
    "&protocol=2", "&runtime-id=cafe:4000",
    "&id=0b0e:0411&runtime-id=0b0e:0411&will-detach=no&tolerant=no&way-back=second-reset",
    "&id=34ad:0006&runtime-id=34ad:0006&way-back=detach&return-time=120000",
  ]

  @Test(arguments: variations)
  func `one command from run time to run time, and the new firmware is there`(
    _ options: String
  ) throws {
    let folder = try Workplace()
    let board = "virtual:runtime?state=board.bin&speed=instant" + options
    try folder.write((0..<3000).map { UInt8(truncatingIfNeeded: $0 / 7) }, to: "app.bin")
    let flashed = try run(
      "flash", "app.bin", "--target", "0", "-d", board, "--json", in: folder)
    #expect(flashed.status == 0, "\(flashed.error)\(flashed.output)")
    let report = try document(flashed)
    #expect(report["hasLeft"] as? Bool == true)
    #expect((report["detachedFrom"] as? String)?.contains(":") == true)
    let returned = try #require(report["returned"] as? [String: Any])
    #expect(returned["kind"] as? String == "runtime")
    #expect(returned["path"] as? String == "1-1")

    // Powered anew, it is at run time again, and has to be detached to be compared.
    #expect(try run("verify", "app.bin", "--target", "0", "-d", board, in: folder).status == 69)
    // Some of them cannot be read because of a quirk, and then nothing is to be compared.
    guard !options.contains("0b0e") else { return }
    let verified = try run(
      "verify", "app.bin", "--target", "0", "--detach", "-d", board, in: folder)
    #expect(verified.status == 0, "\(verified.error)")
    #expect(verified.error.contains("was detached for this"))
  }

  @Test func `firmware that is not whole is found at the next start, and repaired`() throws {
    let folder = try Fixtures.workplace()
    let board = "virtual:runtime?state=board.bin&speed=instant"
    try folder.write([UInt8](repeating: 0xFF, count: 256), to: "blank.bin")
    let blank = try run("flash", "blank.bin", "--target", "0", "-d", board, in: folder)
    #expect(blank.status == 75, "\(blank.error)\(blank.output)")
    // The application is gone: the bootloader greets, in dfuERROR, and is listed as one.
    let listed = try run("list", "-d", board, in: folder)
    #expect(listed.output.contains("in its bootloader"), "\(listed.output)")
    let repaired = try run(
      "flash", "data.bin", "--target", "0", "--leave", "-d", board, in: folder)
    #expect(repaired.status == 0, "\(repaired.error)\(repaired.output)")
    #expect(repaired.output.contains("its application runs"))
    #expect(try run("list", "-d", board, in: folder).output.contains("its application runs"))
  }

  @Test func `a file may be for the device at run time or in DFU mode, and for no other`() throws {
    let folder = try Fixtures.workplace()
    let board = "virtual:runtime?runtime-id=1209:0001&id=1209:0002&state=board.bin&speed=instant"
    for (product, status) in [(1, Int32(0)), (2, 0), (3, 83)] {
      let made = try run(
        "file", "convert", "data.bin", "\(product).dfu", "--device", "1209:000\(product)",
        in: folder)
      #expect(made.status == 0, "\(made.error)")
      let flashed = try run("flash", "\(product).dfu", "--target", "0", "-d", board, in: folder)
      #expect(flashed.status == status, "\(flashed.error)")
      // Refused or not, it is at work again.
      if status != 0 { #expect(flashed.error.contains("back in its application")) }
    }
    let verified = try run(
      "verify", "1.dfu", "--target", "0", "--detach", "-d", board, in: folder)
    #expect(verified.status == 0, "\(verified.error)")
  }

  @Test func `an STM32 whose program brings a device is followed through both`() throws {
    let folder = try Fixtures.workplace()
    let board =
      "virtual:stm32f407?application=yes&runtime-id=1209:7388&state=board.bin&speed=instant"
    let first = try run(
      "flash", "program.bin", "--address", "0x08000000", "--follow", "-d", board, in: folder)
    #expect(first.status == 0, "\(first.error)")
    #expect(first.output.contains("1209:7388"))
    let second = try run("flash", "program.bin", "--address", "0x08000000", "-d", board, in: folder)
    #expect(second.status == 0, "\(second.error)")
    #expect(second.error.contains("detaching"))
    #expect(second.output.contains("Nothing to do"))
    #expect(second.output.contains("1209:7388"))
  }

  @Test func `unprotect waits for the part and proves by reading that it is open`() throws {
    let folder = try Workplace()
    let board = "virtual:stm32f407-rdp1?state=board.bin&speed=instant"
    let run = try run("unprotect", "--yes", "-d", board, "--json", in: folder)
    #expect(run.status == 0, "\(run.error)")
    let report = try document(run)
    #expect((report["outcome"] as? String)?.contains("it can be read") == true)
    #expect((report["returned"] as? [String: Any])?["kind"] as? String == "bootloader")
  }

  // MARK: Waiting

  @Test func `what is plugged in later is flashed with --wait, and a file is no number of seconds`()
    throws
  {
    let folder = try Fixtures.workplace()
    let board = "virtual:stm32f407?plugged-after=3&state=board.bin&speed=instant"
    #expect(try run("flash", "app.hex", "-d", board, in: folder).status == 69)
    #expect(try run("flash", "app.hex", "--wait", "2", "-d", board, in: folder).status == 75)
    for arguments in [["--wait", "app.hex"], ["app.hex", "--wait"], ["--wait", "60", "app.hex"]] {
      let run = try CommandRun(["flash"] + arguments + ["-d", board], in: folder)
      #expect(run.status == 0, "\(arguments): \(run.error)")
      #expect(run.error.contains("waiting for a device"))
    }
    let verified = try run("verify", "app.hex", "--wait=60", "-d", board, in: folder)
    #expect(verified.status == 0, "\(verified.error)")
  }

  @Test func `--wait on a device at run time waits for DFU mode where the verb needs it`() throws {
    let folder = try Workplace()
    let board = "virtual:runtime?speed=instant"
    let run = try run("blank-check", "--target", "0", "--wait", "5", "-d", board, in: folder)
    #expect(run.status == 75, "\(run.error)")
    #expect(run.error.contains("DFU mode"))
  }

  // MARK: Interruption

  /// Runs in real time until it says that it waits, and interrupts it then.
  func interrupted(_ arguments: [String], in folder: Workplace) throws -> (Int32, String) {
    let errors = Pipe()
    let process = Process()
    process.executableURL = try CommandRun.binary()
    process.arguments = arguments
    process.currentDirectoryURL = folder.url
    process.standardOutput = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    process.standardError = errors
    try process.run()
    var said: [UInt8] = []
    while !String(decoding: said, as: UTF8.self).contains("waiting for") {
      let part = errors.fileHandleForReading.availableData
      if part.isEmpty { break }
      said += part
    }
    process.interrupt()
    said += errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: said, as: UTF8.self))
  }

  @Test(arguments: [
    ["wait", "-d", "virtual:stm32f407?plugged-after=3600"],
    ["list", "--wait", "-d", "virtual:stm32f407?plugged-after=3600"],
    ["detach", "-d", "virtual:runtime?return-time=never"],
    ["flash", "data.bin", "--target", "0", "-d", "virtual:runtime?return-time=never"],
  ])
  func `Ctrl-C while waiting ends with 130 and a sentence that is true`(
    _ arguments: [String]
  ) throws {
    let (status, text) = try interrupted(arguments, in: try Fixtures.workplace())
    #expect(status == 130, "\(text)")
    #expect(text.contains("Stopped while waiting for"), "\(text)")
    #expect(!text.contains("still in its bootloader"), "\(text)")
  }

  @Test func `Ctrl-C after the flash does not hide that the flash is done`() throws {
    let folder = try Fixtures.workplace()
    let output = try folder.write([], to: "output")
    let errors = Pipe()
    let process = Process()
    process.executableURL = try CommandRun.binary()
    // It comes back from detaching after a moment, and from leaving as well: too late to be waited for.
    process.arguments = [
      "flash", "program.bin", "--address", "0x08000000", "--follow", "3600", "-d",
      "virtual:stm32f407?state=board.bin",
    ]
    process.currentDirectoryURL = folder.url
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardInput = FileHandle.nullDevice
    process.standardError = errors
    try process.run()
    var said: [UInt8] = []
    while !String(decoding: said, as: UTF8.self).contains("waiting for") {
      let part = errors.fileHandleForReading.availableData
      if part.isEmpty { break }
      said += part
    }
    process.interrupt()
    said += errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let text = String(decoding: said, as: UTF8.self)
    #expect(process.terminationStatus == 130, "\(text)")
    #expect(text.contains("Stopped while waiting"), "\(text)")
    let printed = String(decoding: try folder.bytes(of: "output"), as: UTF8.self)
    #expect(printed.contains("Proved"), "\(printed)")
    let verified = try run(
      "verify", "program.bin", "--address", "0x08000000", "-d",
      "virtual:stm32f407?state=board.bin&speed=instant", in: folder)
    #expect(verified.status == 0, "\(verified.error)")
  }
}
