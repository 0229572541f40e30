import DFU
import Firmware
import Testing
import USB
import VirtualDFU
import VirtualUSB

@testable import DFUHost

/// Whatever a description says that is taken, the device that it makes can be enumerated, opened, read
/// and flashed: well, or with an error. Nothing traps, and nothing goes on for ever.
struct RandomDescriptionTests {
  @Test(arguments: 0..<8)
  func `a description that is taken makes a device that ends every conversation`(
    _ group: UInt64
  ) async throws {
    var taken = 0
    var flashed = 0
    for seed in 0..<60 {
      var random = DescriptionMaker(seed: group * 1000 + UInt64(seed))
      let text = random.description()
      let profile: Profile
      do throws(ProfileDescriptionError) {
        profile = try ProfileDescription(parsing: Array(text.utf8), file: "random").profile
      } catch {
        #expect(!error.faults.isEmpty && error.faults.allSatisfy { !$0.sentence.isEmpty })
        continue
      }
      taken += 1
      // What can be read can be written down, and is the same.
      let again = try ProfileDescription.text(of: profile)
      let back = try ProfileDescription(parsing: Array(again.utf8), file: "back").profile
      #expect(back == profile, "\(text)")
      if try await converse(with: profile, random.next(1 << 32)) { flashed += 1 }
    }
    // Neither all too wild nor all too tame.
    #expect(taken >= 20 && taken < 60, "\(taken)")
    #expect(flashed >= 3, "\(flashed)")
  }

  /// Enumerates, opens, flashes, reads; power goes in the middle of it for some.
  ///
  /// - Returns: whether something was flashed and proved.
  private func converse(with profile: Profile, _ seed: UInt64) async throws -> Bool {
    try await Simulation().run { clock in
      let bus = VirtualBus(clock: clock)
      let id = bus.attach(VirtualBootloader(profile))
      guard let info = try await bus.devices().first else {
        Issue.record("\(profile.name) is not enumerated")
        return false
      }
      #expect(info.id == id && info.configurations.allSatisfy { $0.faults.isEmpty })
      let path = info.path
      var proved = false
      do {
        let session = try await DFUSession.open(info, on: bus, clock: AnyClock(clock))
        // As `dfu list` does.
        if let first = session.targets.first { _ = try? await session.protection(of: first) }
        for target in session.targets {
          let plan = try await session.plan(try choice(for: target, of: session, seed))
          let report = try await session.flash(plan)
          if report.proof == .proved { proved = true }
          break
        }
        await session.close()
      } catch is any ExplainedError {
        // Told in words: that is all that is asked for here.
      }
      // A hundred simulated hours are more than any honest end takes.
      #expect(bus.now < .seconds(360_000))
      // The part as it will be found is kept, and power is cut in whatever it is doing.
      let kept = bus.withDevice(at: path, as: VirtualBootloader.self) { board in
        var board = board
        board.powerOn(at: .zero)
        return board.snapshot()
      }
      if let snapshot = kept {
        var copy = VirtualBootloader(profile)
        try copy.restore(snapshot)
        #expect(copy.snapshot() == snapshot)
      }
      bus.detach(path)
      return proved
    }
  }

  private func choice(
    for target: FlashTarget, of session: DFUSession, _ seed: UInt64
  ) throws -> TargetChoice {
    guard let map = target.map, let run = map.runs.first(where: { $0.rights.contains(.writable) })
    else {
      return TargetChoice(
        assignments: [.init(target: target, payload: .plain(noise(700, seed: seed)))],
        targets: session.targets)
    }
    let count = Int(min(run.size, seed % 3 == 0 ? 5000 : 700))
    return try TargetChoice(image((run.start, noise(count, seed: seed))), for: target)
  }
}

/// Makes descriptions at random: most values are sensible, some are at a bound, some are wrong.
struct DescriptionMaker {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next(_ limit: UInt64) -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return (state >> 20) % limit
  }

  private mutating func one(_ choices: String...) -> String {
    choices[Int(next(UInt64(choices.count)))]
  }

  private mutating func chance(_ percent: UInt64) -> Bool { next(100) < percent }

  private mutating func time() -> String {
    chance(2)
      ? one("\"-1 ms\"", "\"60 min\"", "\"61 min\"", "5")
      : one("\"0 s\"", "\"3 us\"", "\"40 ms\"", "\"250 ms\"", "\"1.1 s\"", "\"7 ns\"")
  }

  mutating func description() -> String {
    var members = ["\"format\": \"swift-dfu device 1\"", "\"name\": \"random\""]
    let dialect = one(
      "st-rom", "st-library", "tinyusb", "openmoko", chance(30) ? "lpc-rom" : "st-rom")
    let isDfuSe = dialect.hasPrefix("st-")
    let count = Int(next(3)) + 1
    members.append("\"memories\": [\((0..<count).map { memory($0) }.joined(separator: ","))]")
    members.append("\"usb\": { \"id\": \"1209:000\(next(9))\"\(usb()) }")
    members.append("\"dfu\": { \"dialect\": \"\(dialect)\", \(function(isDfuSe, count)) }")
    if chance(70) { members.append("\"timing\": { \(timing()) }") }
    if chance(70) { members.append("\"behaviour\": { \(behaviour()) }") }
    if chance(50) { members.append("\"launch\": { \(launch()) }") }
    if chance(30) { members.append("\"protection\": { \(protection()) }") }
    if chance(30) {
      members.append("\"contents\": [{ \"address\": \(start(0)), \"bytes\": \"00 01 02\" }]")
    }
    if chance(3) { members.append("\"unknown\": 1") }
    return "{ \(members.joined(separator: ",\n")) }"
  }

  private mutating func start(_ number: Int) -> String {
    // Far enough apart, but for some.
    chance(3)
      ? one("0", "\"0xFFFFFFF0\"", "\"0x08000010\"") : "\"0x\(number * 2)0000000\""
  }

  private mutating func memory(_ number: Int) -> String {
    let sizes =
      chance(2)
      ? ["1", "3", "\"256M\"", "\"4096M\""] : ["16", "\"1K\"", "\"4K\"", "\"128K\"", "256"]
    let runs = (0...next(3)).map { _ in
      let size = sizes[Int(next(UInt64(sizes.count)))]
      let rights =
        chance(20)
        ? ", \"rights\": [\(one("\"read\"", "\"read\", \"write\"", chance(10) ? "" : "\"read\"", "\"write\""))]"
        : ""
      return "{ \"count\": \(chance(1) ? 262_144 : next(20) + 1), \"size\": \(size)\(rights) }"
    }
    let kind = chance(70) ? "flash" : one("option-bytes", "write-once", "register", "ram")
    let unit = chance(95) ? one("1", "2", "4", "8", "16") : one("3", "32", "65536")
    return """
      { "name": "m\(number)", "kind": "\(kind)", "address": \(start(number)),
        "sectors": [\(runs.joined(separator: ","))], "unit": \(unit),
        "reprogramming": "\(one("clears-bits", "refused-unless-blank", "refused"))",
        "times": { "program": \(time()), "erase": \(time()), "mass-erase": \(time()) } }
      """
  }

  private mutating func usb() -> String {
    var text = ""
    if chance(30) { text += ", \"serial\": \"\(String(repeating: "S", count: Int(next(130))))\"" }
    if chance(20) { text += ", \"packet-size\": \(one("8", "16", "32", "64"))" }
    if chance(5) { text += ", \"speed\": \"\(one("high", "low"))\"" }
    if chance(20) { text += ", \"class\": \"\(one("fe/01/00", "00/00/00", "ff/ff/ff"))\"" }
    return text
  }

  private mutating func function(_ isDfuSe: Bool, _ count: Int) -> String {
    let size = chance(80) ? one("64", "1024", "2048") : one("1", "8", "16", "4096", "5000", "65535")
    let settings = (0..<count).map { number in
      chance(15)
        ? "{ \"string\": \"@X/0x0\(next(9))000000/\(next(9))*\(next(99))Kg\""
          + (isDfuSe ? " }" : ", \"memory\": \"m\(number)\" }") : "{ \"memory\": \"m\(number)\" }"
    }
    var attributes: [String] = []
    for (name, percent) in [
      ("can-download", 95), ("can-upload", 90), ("manifestation-tolerant", 30), ("will-detach", 50),
    ] as [(String, UInt64)] where chance(percent) { attributes.append("\"\(name)\"") }
    let place =
      chance(5) ? "nowhere" : one("after-last-setting", "after-each-setting", "in-configuration")
    return """
      "transfer-size": \(size), "attributes": [\(attributes.joined(separator: ","))],
      "functional-descriptor": "\(place)", "version": \(one("\"1.1a\"", "\"1.1\"", "null", "\"1a.01\"")),
      "protocol": \(one("2", "2", "1", "0")), "settings": [\(settings.joined(separator: ","))]
      """
  }

  private mutating func timing() -> String {
    let poll = one("exact", "zero", "constant:50", "at-most:1", "bogus:65280")
    return "\"poll-timeout\": \"\(poll)\", \"set-address\": \(time()), \"manifestation\": \(time())"
  }

  private mutating func behaviour() -> String {
    let quirks = [
      "clear-status-trap", "second-bank-erases-for-ever", "erases-to-the-end",
      "mass-erase-understated", "no-read-unprotect", "works-inside-download",
    ].filter { _ in chance(15) }
    return """
      "busy": "\(one("answers", "holds", "stalls", "fails"))",
      "leave": "\(one("after-download", "inside-get-status", "after-get-status", "later"))",
      "reports-missing-firmware": \(one("true", "false")),
      "quirks": [\(quirks.map { "\"\($0)\"" }.joined(separator: ","))]
      """
  }

  private mutating func launch() -> String {
    """
    "pointer": \(one("0", "\"0xFFFFFFFF\"", "\"0x20000000\"")), "address": \(one("null", "null", "0")),
    "ram": [{ "address": "0x20000000", "size": "128K" }],
    "code": [{ "address": 0, "size": "\(one("1K", "4096M"))" }]
    """
  }

  private mutating func protection() -> String {
    """
    "read-protected": \(one("true", "false", "false")),
    "write-protected-sectors": [\(one("", "0", chance(20) ? "300" : "0"))]
    """
  }
}
