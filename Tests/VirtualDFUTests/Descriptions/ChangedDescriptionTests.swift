import Testing
import USB

@testable import VirtualDFU

/// A state file holds what is in the cells; a description may change around them.
@Suite("Descriptions that change under a state") struct ChangedDescriptionTests {
  static let text = ProfileDescriptionTests.sound.replacing(
    "\"kind\": \"flash\",",
    with: "\"kind\": \"flash\", \"unit\": 8, \"reprogramming\": \"refused\",")

  static func profile(_ old: String = "", _ new: String = "") throws -> Profile {
    try ProfileDescriptionTests.read(text.replacing(old, with: new)).profile
  }

  /// A part of the first description, with something in it.
  static func used() throws -> VirtualBootloader {
    var device = VirtualBootloader(try profile())
    device.load([1, 2, 3, 4, 5, 6, 7, 8], at: 0x0800_0100)
    device.load([9], at: 0x0801_FFFF)
    device.writeProtectedSectors = [0, 4]
    return device
  }

  @Test(
    arguments: [
      ("\"250 ms\"", "\"1 s\""), ("1024", "2048"), ("st-library", "st-rom"),
      ("\"1209:0001\"", "\"1209:0002\", \"serial\": \"X\""),
      ("{ \"memory\": \"Flash\" }", "{ \"memory\": \"Flash\" }, { \"memory\": \"RAM\" }"),
      ("{ \"count\": 4, \"size\": \"16K\" }", "{ \"count\": 8, \"size\": \"8K\" }"),
      ("\"rights\": [\"read\"]", "\"rights\": [\"read\", \"write\"]"),
      ("\"name\": \"Flash\"", "\"name\": \"Program\""),
    ] as [(String, String)])
  func `what is not about the cells may change`(_ old: String, _ new: String) throws {
    let device = try Self.used()
    var text = Self.text.replacing(old, with: new)
    if new.contains("Program") {
      text = text.replacing("\"memory\": \"Flash\"", with: "\"memory\": \"Program\"")
    }
    var changed = VirtualBootloader(try ProfileDescriptionTests.read(text).profile)
    try changed.restore(device.snapshot())
    #expect(
      changed.contents(0x0800_0000..<0x0802_0000) == device.contents(0x0800_0000..<0x0802_0000))
    #expect(changed.writeProtectedSectors == [0, 4])
  }

  @Test(
    arguments: [
      ("0x20000000", "0x20010000", "at 0x20000000 where RAM has 128 KiB at 0x20010000"),
      ("\"128K\"", "\"64K\"", "128 KiB"), ("\"count\": 4", "\"count\": 3", "Flash"),
      ("\"unit\": 8", "\"unit\": 32", "units of 8 bytes"),
      (
        "{ \"name\": \"RAM\"",
        "{ \"name\": \"New\", \"kind\": \"ram\", \"address\": 0, \"sectors\": [{\"size\": 16}] },"
          + "{ \"name\": \"RAM\"", "where New has 16 bytes at 0x00000000"
      ),
      (
        "[ { \"size\": \"128K\" } ] }",
        "[ { \"size\": \"128K\" } ] }, { \"name\": \"New\", \"kind\": \"ram\", \"address\": 0, "
          + "\"sectors\": [{\"size\": 16}] }", "nothing for New"
      ),
      (
        ",\n    { \"name\": \"RAM\", \"kind\": \"ram\", \"address\": \"0x20000000\", "
          + "\"sectors\": [ { \"size\": \"128K\" } ] }", "", "behind the last memory"
      ),
    ] as [(String, String, String)])
  func `other cells are refused in words, and nothing is changed`(
    _ old: String, _ new: String, _ says: String
  ) throws {
    #expect(Self.text.contains(old))
    let device = try Self.used()
    var changed = VirtualBootloader(try Self.profile(old, new))
    let before = changed.snapshot()
    let error = #expect(throws: SnapshotError.self) { try changed.restore(device.snapshot()) }
    #expect(error?.code == .otherMemories)
    #expect(error?.sentence.contains(says) == true, "\(error?.sentence ?? "")")
    #expect(changed.snapshot() == before)
  }

  @Test func `another name is another device`() throws {
    var changed = VirtualBootloader(try Self.profile("\"mine\"", "\"yours\""))
    let error = #expect(throws: SnapshotError.self) { try changed.restore(Self.used().snapshot()) }
    #expect(error?.code == .otherProfile)
  }

  @Test func `protected sectors that are no longer there do not hinder a mass erase`() throws {
    let text = Self.text.replacing(
      "{ \"count\": 4, \"size\": \"16K\" }", with: "{ \"size\": \"64K\" }")
    var changed = VirtualBootloader(try ProfileDescriptionTests.read(text).profile)
    try changed.restore(Self.used().snapshot())
    #expect(changed.writeProtectedSectors == [0])
  }

  @Test func `an erase of a single byte that is broken off is no trap`() throws {
    let text = Self.text.replacing("{ \"count\": 4, \"size\": \"16K\" }", with: "{ \"size\": 1 }")
      .replacing("\"unit\": 8", with: "\"unit\": 1")
    var device = VirtualBootloader(try ProfileDescriptionTests.read(text).profile)
    device.load([0], at: 0x0800_0000)
    device.powerOn(at: .zero)
    device.begin(
      PlannedWork(.erase(memory: 0, 0x0800_0000..<0x0800_0001), duration: .seconds(1)), at: .zero)
    device.powerOff(at: .milliseconds(500))
    #expect(device.journal.last?.event == .interrupted(0x0800_0000..<0x0800_0001))
  }
}
