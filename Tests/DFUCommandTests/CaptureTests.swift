import Captures
import Foundation
import Testing

/// `--capture` and `dfu usb capture --recording`: what went over the wire, and the same once more.
@Suite struct CaptureTests {
  /// Jobs during which the device stays: what comes back at another address is another device to a capture.
  static let jobs = [
    RecordingTests.Job("list"), RecordingTests.Job("list --json", on: "stm32f407-rdp1"),
    RecordingTests.Job("list", on: "dfu10"), RecordingTests.Job("flash app.hex --no-leave"),
    RecordingTests.Job("flash program.bin --address 0x08000000 --no-leave", on: "stm32l476"),
    RecordingTests.Job("flash program.bin --address 0x0800C000 --no-leave", on: "st-library"),
    RecordingTests.Job("flash data.bin --target 0", on: "dfu11"),
    RecordingTests.Job("flash program.bin --address 0x90000000", on: "stm32f730-qspi"),
    RecordingTests.Job("flash app.hex", on: "stm32f407-rdp1", status: 82),
    RecordingTests.Job("flash data.bin --address 0x08008000", on: "stm32f407-wrp", status: 82),
    RecordingTests.Job("flash app.hex --no-leave", on: "stm32f407?faults=stall@read:1"),
    RecordingTests.Job("verify app.hex", status: 80),
    RecordingTests.Job("erase --address 0x08010000 --length 64K"),
    RecordingTests.Job("blank-check --address 0x08000000 --length 16K"),
    RecordingTests.Job("usb describe", on: "stm32h743"),
  ]

  @Test(arguments: jobs)
  func `what a verb captures plays it back`(_ job: RecordingTests.Job) throws {
    let folder = try Fixtures.workplace()
    let first = try CommandRun(
      job.arguments + ["-d", job.board, "--capture", "job.pcapng"], in: folder)
    let made = try CommandRun(
      ["usb", "capture", "job.pcapng", "--recording", "job.rec"], in: folder)
    #expect(made.status == 0, "\(made.error)")
    let again = try CommandRun(
      job.arguments + ["-d", "replay:job.rec", "--overwrite"], in: folder)
    #expect(again.status == first.status, "\(first.error)\n\(again.error)")
    #expect(!again.error.contains("The recording"), "\(again.error)")
    #expect(!again.error.contains("were not used"), "\(again.error)")
    if job.status != 0 { #expect(first.status == job.status) }
  }

  @Test func `a recording and a capture of one job have the same transfers`() throws {
    let folder = try Fixtures.workplace()
    let run = try CommandRun(
      [
        "flash", "app.hex", "--no-leave", "-d", RecordingTests.board, "--capture", "both.pcapng",
        "--record", "both.rec",
      ], in: folder)
    #expect(run.status == 0, "\(run.error)")
    _ = try CommandRun(["usb", "capture", "both.pcapng", "--recording", "made.rec"], in: folder)
    func events(_ name: String) throws -> [Recording.Event] {
      try RecordingDocument(parsing: Array(try folder.bytes(of: name))).recording.events
    }
    let (recorded, made) = (try events("both.rec"), try events("made.rec"))
    #expect(recorded.count > 100)
    #expect(recorded == made)
  }

  @Test func `a job that fails leaves its capture, and one that is refused none`() throws {
    let folder = try Fixtures.workplace()
    let lost = try CommandRun(
      CaptureGoldenTests.flash("disconnect@write:1", to: "lost.pcapng"), in: folder)
    #expect(lost.status == 74, "\(lost.error)")
    let capture = try CaptureFile(parsing: Array(try folder.bytes(of: "lost.pcapng")))
    #expect(capture.transfers.last?.status?.meaning == .disconnected)
    let refused = try CommandRun(
      ["list", "-d", "virtual:none", "--capture", "none.pcapng"], in: folder)
    #expect(refused.status != 0)
    #expect(try !folder.names().contains("none.pcapng"))
  }

  @Test func `a capture replaces a file only when that is asked for`() throws {
    let folder = try Fixtures.workplace()
    let before = try folder.bytes(of: "data.bin")
    let list = ["list", "-d", RecordingTests.board, "--capture", "data.bin"]
    #expect(try CommandRun(list, in: folder).status == 73)
    #expect(try folder.bytes(of: "data.bin") == before)
    #expect(try CommandRun(list + ["--overwrite"], in: folder).status == 0)
    let capture = try CaptureFile(parsing: Array(try folder.bytes(of: "data.bin")))
    #expect(capture.program?.hasPrefix("dfu ") == true)
  }
}
