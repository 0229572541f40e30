import DFU
import Testing
import USB
import VirtualUSB

@testable import VirtualDFU

/// One exchange as it goes over the wire.
enum Line {
  /// DNLOAD, CLRSTATUS, ABORT…: setup and data, in hexadecimal digits.
  case out(String, String = "")
  /// UPLOAD, GETSTATUS, GETSTATE: setup, and the answer.
  case into(String, String)
  case stalled(String, String = "")
  /// No answer until the host's patience of 1 s is over.
  case silent(String)
  /// The device is not there any more.
  case gone(String)
  case wait(Duration)
}

struct Transcript: CustomTestStringConvertible {
  var profile: String
  var title: String
  var prepare: @Sendable (inout VirtualBootloader) -> Void = { _ in }
  var lines: [Line]
  var testDescription: String { "\(profile): \(title)" }

  static let getStatus = "a1 03 00 00 00 00 06 00"
  static func dnload(_ block: String, _ length: String) -> String {
    "21 01 \(block) 00 00 \(length)"
  }

  static let all: [Transcript] = [
    Transcript(
      profile: "stm32f407", title: "Get Commands, Set Address, one block, read back",
      lines: [
        .into(getStatus, "00 00 00 00 02 00"),
        .into("a1 02 00 00 00 00 08 00", "00 21 41 92"),
        .into("a1 05 00 00 00 00 01 00", "02"),
        .into("a1 02 00 00 00 00 04 00", "00 21 41 92"),
        .into("a1 05 00 00 00 00 01 00", "09"),
        .out("21 06 00 00 00 00 00 00"),
        .out("21 01 00 00 00 00 05 00", "21 00 00 00 08"),
        .into(getStatus, "00 00 00 00 04 00"),
        .into(getStatus, "00 00 00 00 05 00"),
        .out("21 01 02 00 00 00 04 00", "01 02 03 04"),
        .into(getStatus, "00 01 00 00 04 00"),
        .wait(.milliseconds(1)),
        .into(getStatus, "00 00 00 00 05 00"),
        .stalled("a1 02 02 00 00 00 04 00"),
        .into(getStatus, "0f 00 00 00 0a 00"),
        .out("21 04 00 00 00 00 00 00"),
        .into("a1 02 02 00 00 00 06 00", "01 02 03 04 ff ff"),
        .into(getStatus, "00 00 00 00 09 00"),
        .out("21 06 00 00 00 00 00 00"),
        .into(getStatus, "00 00 00 00 02 00"),
      ]),
    Transcript(
      profile: "stm32f407", title: "a mass erase announces 100 ms and takes 8 s",
      lines: [
        .out("21 01 00 00 00 00 01 00", "41"),
        .into(getStatus, "00 64 00 00 04 00"), .wait(.milliseconds(100)),
        .into(getStatus, "00 64 00 00 04 00"), .wait(.milliseconds(7800)),
        .into(getStatus, "00 64 00 00 04 00"), .wait(.milliseconds(100)),
        .into(getStatus, "00 00 00 00 05 00"),
      ]),
    Transcript(
      profile: "st-library", title: "50 ms after everything, and the trap of CLRSTATUS",
      lines: [
        .into("a1 02 00 00 00 00 08 00", "00 21 41"),
        .out("21 01 00 00 00 00 05 00", "21 00 c0 00 08"),
        .into(getStatus, "00 32 00 00 04 00"), .wait(.milliseconds(50)),
        .into(getStatus, "00 00 00 00 05 00"),
        .stalled("21 01 00 00 00 00 01 00", "92"),
        .into(getStatus, "0f 00 00 00 0a 00"),
        .out("21 04 00 00 00 00 00 00"),
        .into(getStatus, "00 00 00 00 02 00"),
        .out("21 04 00 00 00 00 00 00"),
        .into(getStatus, "0e 00 00 00 0a 00"),
        .out("21 04 00 00 00 00 00 00"),
        .into(getStatus, "00 00 00 00 02 00"),
        // A sector of the bootloader: type a.
        .out("21 01 00 00 00 00 05 00", "41 00 00 00 08"),
        .into(getStatus, "00 32 00 00 04 00"), .wait(.milliseconds(50)),
        .into(getStatus, "0b 00 00 00 0a 00"),
      ]),
    Transcript(
      profile: "stm32h743", title: "an erase in the second bank ends with two CLRSTATUS",
      lines: [
        .out("21 01 00 00 00 00 05 00", "41 00 00 10 08"),
        .into(getStatus, "00 4c 04 00 04 00"), .wait(.milliseconds(1100)),
        .into(getStatus, "00 4c 04 00 04 00"), .wait(.seconds(30)),
        .into(getStatus, "00 4c 04 00 04 00"),
        .out("21 04 00 00 00 00 00 00"),
        .into(getStatus, "0e 00 00 00 0a 00"),
        .out("21 04 00 00 00 00 00 00"),
        .into(getStatus, "00 00 00 00 02 00"),
        .out("21 01 00 00 00 00 05 00", "41 00 00 0e 08"),
        .into(getStatus, "00 4c 04 00 04 00"), .wait(.milliseconds(1100)),
        .into(getStatus, "00 00 00 00 05 00"),
      ]),
    Transcript(
      profile: "stm32l476", title: "10 ms are too short, and asking early is stalled",
      lines: [
        .out("21 01 00 00 00 00 05 00", "41 00 08 00 08"),
        .into(getStatus, "00 0a 00 00 04 00"), .wait(.milliseconds(10)),
        .stalled(getStatus), .wait(.milliseconds(10)),
        .into("a1 05 00 00 00 00 01 00", "04"), .wait(.milliseconds(10)),
        .into(getStatus, "00 00 00 00 05 00"),
      ]),
    Transcript(
      profile: "stm32f407-rdp1", title: "everything is errVENDOR",
      lines: [
        .out("21 01 00 00 00 00 05 00", "21 00 00 00 08"),
        .into(getStatus, "00 00 00 00 04 00"),
        .into(getStatus, "0b 00 00 00 0a 00"),
        .out("21 04 00 00 00 00 00 00"),
        .stalled("a1 02 02 00 00 00 08 00"),
        .into(getStatus, "0b 00 00 00 0a 00"),
        .out("21 04 00 00 00 00 00 00"),
        .out("21 01 02 00 00 00 02 00", "00 00"),
        .into(getStatus, "00 00 00 00 04 00"),
        .into(getStatus, "0b 00 00 00 0a 00"),
        .out("21 04 00 00 00 00 00 00"),
        .out("21 01 00 00 00 00 05 00", "41 00 00 00 08"),
        .into(getStatus, "00 00 00 00 04 00"),
        .into(getStatus, "0b 00 00 00 0a 00"),
      ]),
    Transcript(
      profile: "dfu11", title: "a download of one short block, manifestation, and an upload",
      lines: [
        .out("21 01 00 00 00 00 02 00", "ab cd"),
        .into(getStatus, "00 29 00 00 04 00"), .wait(.milliseconds(41)),
        .into(getStatus, "00 00 00 00 05 00"),
        .out("21 01 01 00 00 00 00 00"),
        .into(getStatus, "00 14 00 00 07 00"), .wait(.milliseconds(20)),
        .into(getStatus, "00 00 00 00 02 00"),
        .into("a1 02 00 00 00 00 03 00", "ab cd ff"),
        .out("21 06 00 00 00 00 00 00"),
        // DFU 1.1: an end without a beginning is refused.
        .stalled("21 01 00 00 00 00 00 00"),
        .into(getStatus, "0f 00 00 00 0a 00"),
        .out("21 04 00 00 00 00 00 00"),
        // Blocks are counted from 0.
        .out("21 01 05 00 00 00 01 00", "00"),
        .into(getStatus, "00 00 00 00 04 00"),
        .into(getStatus, "08 00 00 00 0a 00"),
      ]),
    Transcript(
      profile: "dfu10", title: "times mean nothing, and GETSTATUS breaks an upload",
      lines: [
        .into(getStatus, "00 00 ff 00 02 00"),
        .out("21 01 00 00 00 00 02 00", "ab cd"),
        .into(getStatus, "00 00 ff 00 05 00"),
        .out("21 06 00 00 00 00 00 00"),
        .into("a1 02 00 00 00 00 02 00", "ab cd"),
        .stalled(getStatus),
        .into(getStatus, "0e 00 ff 00 0a 00"),
        .out("21 04 00 00 00 00 00 00"),
        .into(getStatus, "00 00 ff 00 02 00"),
      ]),
    Transcript(
      profile: "lpc43xx", title: "without its prefix an image is no file for this device",
      lines: [
        .out("21 01 00 00 00 00 04 00", "00 20 00 20"),
        .into(getStatus, "00 00 00 00 04 00"),
        .into(getStatus, "02 00 00 00 0a 00"),
        .out("21 04 00 00 00 00 00 00"),
        // The prefix announces 512 bytes more than come.
        .out(
          "21 01 00 00 00 00 14 00",
          "1a 3f 02 00 00 00 00 00 00 00 00 00 ff ff ff ff 11 22 33 44"),
        .into(getStatus, "00 00 00 00 04 00"),
        .into(getStatus, "00 00 00 00 05 00"),
        .stalled("21 01 01 00 00 00 00 00"),
        .into(getStatus, "09 00 00 00 0a 00"),
      ]),
  ]
}

@Suite("Transcripts") struct TranscriptTests {
  static func bytes(_ text: String) -> [UInt8] {
    text.split(separator: " ").map { UInt8($0, radix: 16) ?? 0 }
  }

  @Test(arguments: Transcript.all)
  func `every byte is as the specification has it`(transcript: Transcript) async throws {
    try await Self.play(transcript)
  }

  @Test(arguments: Transcript.conversations)
  func `a whole conversation in each of the four dialects goes byte for byte`(
    transcript: Transcript
  ) async throws {
    try await Self.play(transcript)
  }

  static func play(_ transcript: Transcript) async throws {
    let profile = try #require(Profile.named(transcript.profile))
    try await Simulation().run { clock in
      let bench = try await Bench(profile, clock) { transcript.prepare(&$0) }
      for (number, line) in transcript.lines.enumerated() {
        try await play(line, number, on: bench)
      }
    }
  }

  private static func play(_ line: Line, _ number: Int, on bench: Bench) async throws {
    let place: Comment = "line \(number): \(line)"
    func failure(_ setup: String, _ data: String = "") async throws -> TransferError.Code? {
      let packet = try Self.setup(setup)
      do throws(TransferError) {
        if packet.requestType.direction == .in {
          _ = try await bench.device.controlIn(packet, timeout: .seconds(1))
        } else {
          try await bench.device.controlOut(
            packet, data: Self.bytes(data), timeout: .seconds(1))
        }
        return nil
      } catch {
        return error.code
      }
    }
    switch line {
    case .wait(let duration): try await bench.clock.sleep(for: duration)
    case .out(let setup, let data):
      try await bench.device.controlOut(
        try Self.setup(setup), data: Self.bytes(data), timeout: .seconds(5))
    case .into(let setup, let answer):
      let bytes = try await bench.device.controlIn(try Self.setup(setup), timeout: .seconds(5))
      #expect(bytes == Self.bytes(answer), place)
    case .stalled(let setup, let data): #expect(try await failure(setup, data) == .stall, place)
    case .silent(let setup): #expect(try await failure(setup) == .timeout, place)
    case .gone(let setup): #expect(try await failure(setup) == .disconnected, place)
    }
  }

  static func setup(_ text: String) throws -> SetupPacket {
    let bytes = Self.bytes(text)
    var reader = ByteReader(bytes.span.bytes)
    return try SetupPacket(parsing: &reader)
  }
}
