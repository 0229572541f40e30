import Foundation
import Testing

/// Devices from files: the examples do what they say, and what is wrong is told.
@Suite struct DescribedDeviceTests {
  func run(_ arguments: String..., in folder: Workplace) throws -> CommandRun {
    try CommandRun(arguments, in: folder)
  }

  /// What was said, without the line ends that the width of the terminal makes.
  func words(_ text: String) -> String {
    text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  static let goldens: [GoldenCase] =
    DeviceFiles.examples.map {
      GoldenCase("list-example-\($0)", "list", "-d", "virtual:./\($0).json?speed=instant")
    }
    + (DeviceFiles.wrong.map(\.key) + ["hex", "empty", "huge", "none"]).map {
      // The one that is only noted is listed.
      GoldenCase(
        $0 == "contradiction" ? "list-device-\($0)" : "bad-device-\($0)", "list", "-d",
        "virtual:\($0).json?speed=instant")
    } + [
      GoldenCase("bad-device-folder", "list", "-d", "virtual:./"),
      GoldenCase("bad-device-json", "list", "-d", "virtual:misspelt.json", "--json"),
      GoldenCase("bad-device-color", "list", "-d", "virtual:values.json", "--color", "always"),
      GoldenCase(
        "bad-device-option", "list", "-d", "virtual:guarded.json?write-protected=12"),
      GoldenCase("bad-device-unmarked", "list", "-d", "virtual:data.bin"),
    ]

  @Test(arguments: goldens)
  func `texts about described devices are those of the golden files`(_ golden: GoldenCase) throws {
    try golden.check(in: try DeviceFiles.workplace())
  }

  // MARK: The examples

  struct Example: CustomTestStringConvertible, Sendable {
    var name: String
    /// Where the firmware goes.
    var place: [String]
    var length: Int
    var testDescription: String { "\(name) \(place.last ?? "")" }

    static let all = [
      Example(name: "guarded", place: ["--address", "0x08008000"], length: 70_000),
      Example(name: "external-flash", place: ["--address", "0x08008000"], length: 70_001),
      Example(name: "external-flash", place: ["--address", "0x90000100"], length: 9000),
      Example(name: "two-partitions", place: ["--target", "firmware"], length: 20_000),
      Example(name: "two-partitions", place: ["--target", "settings"], length: 8192),
    ]
  }

  /// A program that starts, in the flash of all the examples.
  static func program(_ count: Int, _ seed: UInt8) -> [UInt8] {
    let start: [UInt8] = [0x00, 0x10, 0x00, 0x20, 0x41, 0x81, 0x00, 0x08]
    return start + (start.count..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) ^ seed }
  }

  @Test(arguments: Example.all)
  func `an example is listed, flashed, verified and read back`(_ example: Example) throws {
    let folder = try DeviceFiles.workplace()
    let board = "virtual:./\(example.name).json?state=board.bin&speed=instant"
    #expect(try run("list", "-d", board, in: folder).status == 0)
    for seed: UInt8 in [0x11, 0x7E] {
      let image = Self.program(example.length, seed)
      try folder.write(image, to: "image.bin")
      let flash = try CommandRun(["flash", "image.bin", "-d", board] + example.place, in: folder)
      #expect(flash.status == 0, "\(flash.error)\(flash.output)")
      let verify = try CommandRun(["verify", "image.bin", "-d", board] + example.place, in: folder)
      #expect(verify.status == 0, "\(verify.error)\(verify.output)")
      let length = example.place[0] == "--address" ? ["--length", "\(image.count)"] : []
      let read = try CommandRun(
        ["read", "-o", "back.bin", "--overwrite", "-d", board] + example.place + length, in: folder)
      #expect(read.status == 0, "\(read.error)")
      #expect(Array(try folder.bytes(of: "back.bin").prefix(image.count)) == image)
    }
  }

  @Test func `the guarded bootloader keeps its own sectors`() throws {
    let folder = try DeviceFiles.workplace()
    let board = "virtual:./guarded.json?state=board.bin&speed=instant"
    for address in ["0x08000000", "0x08007FFF"] {
      let flash = try run("flash", "data.bin", "--address", address, "-d", board, in: folder)
      #expect(flash.status == 83, "\(flash.error)")
    }
    let erase = try run(
      "erase", "--address", "0x08000000", "--length", "16K", "-d", board, in: folder)
    #expect(erase.status == 83, "\(erase.error)")
  }

  @Test func `a program on an example is started where the description says`() throws {
    let folder = try DeviceFiles.workplace()
    try folder.write(Self.program(5000, 3), to: "image.bin")
    for name in ["guarded", "external-flash"] {
      let flash = try run(
        "flash", "image.bin", "--address", "0x08008000", "-d",
        "virtual:./\(name).json?speed=instant", in: folder)
      #expect(flash.output.contains("has left its bootloader for 0x08008000"), "\(flash.output)")
    }
  }

  @Test func `settings leave the factory with what the description says`() throws {
    let folder = try DeviceFiles.workplace()
    let read = try run(
      "read", "-o", "s.bin", "--target", "settings", "-d",
      "virtual:./two-partitions.json?speed=instant", in: folder)
    #expect(read.status == 0, "\(read.error)")
    #expect(
      Array(try folder.bytes(of: "s.bin").prefix(9)) == [0x53, 0x45, 0x54, 0x31, 0, 0, 0, 0, 0xFF])
  }

  // MARK: Options, state

  @Test func `options apply on top of a description`() throws {
    let folder = try DeviceFiles.workplace()
    let list = try run(
      "list", "-d", "virtual:two-partitions.json?serial=NEW-1&id=1d50:6003&speed=instant",
      in: folder)
    #expect(list.output.contains("serial NEW-1"), "\(list.output)")
    #expect(list.output.contains("1d50:6003"), "\(list.output)")
  }

  @Test func `a state file survives a changed description, but not changed memories`() throws {
    let folder = try DeviceFiles.workplace()
    let board = "virtual:./external-flash.json?state=board.bin&speed=instant"
    let flash = try run("flash", "program.bin", "--address", "0x08008000", "-d", board, in: folder)
    #expect(flash.status == 0, "\(flash.error)")
    let state = try folder.bytes(of: "board.bin")
    let text = String(decoding: try folder.bytes(of: "external-flash.json"), as: UTF8.self)

    func verify(_ old: String, _ new: String) throws -> CommandRun {
      #expect(text.contains(old))
      try folder.write(text.replacing(old, with: new), to: "external-flash.json")
      return try run("verify", "program.bin", "--address", "0x08008000", "-d", board, in: folder)
    }
    let slower = try verify("\"82 us\"", "\"90 us\"")
    #expect(slower.status == 0, "\(slower.error)")
    let larger = try verify("\"count\": 4096", "\"count\": 8192")
    #expect(larger.status == 65, "\(larger.error)")
    #expect(words(larger.error).contains("16 MiB at 0x90000000 where External Flash has 32 MiB"))
    let unit = try verify("\"unit\": 8", "\"unit\": 16")
    #expect(unit.status == 65 && words(unit.error).contains("in units of 8 bytes"), "\(unit.error)")
    let renamed = try verify("\"name\": \"external-flash\"", "\"name\": \"other\"")
    #expect(
      renamed.status == 65 && words(renamed.error).contains("of a \"external-flash\""),
      "\(renamed.error)")
    #expect(try folder.bytes(of: "board.bin") == state)
  }
}
