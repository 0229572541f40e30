import Captures
import DFU
import DFUHost
import Firmware
import Testing
import USB
import VirtualDFU
import VirtualUSB

/// Captures as recordings: what was captured is played back.
@Suite struct CapturedRecordingTests {
  static func replay(
    _ recording: Recording, _ bytes: [UInt8], leave: FlashOptions.Leave = .automatic
  ) async throws -> (difference: ReplayDifference?, rest: Replay.Remainder?) {
    // Through its text, as a file would be.
    let document = try RecordingDocument(parsing: recording.text)
    return try await Simulation().run { clock in
      let host = ReplayHost(document, clock: AnyClock(clock))
      let session = try await open(host, clock)
      var options = FlashOptions()
      options.leave = leave
      _ = try await flash(bytes, at: 0x0800_0000, on: session, options: options)
      return (host.difference, host.remainder)
    }
  }

  @Test func `a capture of a flash is that flash again`() async throws {
    let events = try await CaptureWriterTests.flash().events
    let capture = try CaptureFile(parsing: CaptureWriterTests.file(events, start: 1 << 60))
    let made = try CapturedRecording(capture)
    #expect(made.device == "1.1" && made.endsBefore == nil)
    let (difference, rest) = try await Self.replay(made.recording, noise(3000))
    #expect(difference == nil && rest == nil)
    // Another image is not.
    await #expect(throws: (any Error).self) {
      try await Self.replay(made.recording, noise(3000, seed: 2))
    }
  }

  @Test func `what usbmon saw of a flash is played back as that flash`() async throws {
    let capture = try CapturedFlashTests.capture()
    let made = try CapturedRecording(capture)
    #expect(made.device == "3.2" && made.transfers == 63)
    let written = capture.transfers.filter {
      $0.setup?.requestType.rawValue == 0x21 && $0.setup?.request == 1
        && $0.setup?.value ?? 0 >= 2
    }.flatMap(\.sent)
    let (difference, rest) = try await Self.replay(made.recording, written, leave: .never)
    #expect(difference == nil && rest == nil)
  }

  @Test func `what the system did when the device came is left out`() throws {
    let capture = try CaptureFile(parsing: CaptureStoryTests.enumeration())
    let made = try CapturedRecording(capture, device: "1.8")
    #expect(made.transfers == 1)
    let text = String(decoding: made.recording.text, as: UTF8.self)
    #expect(text.contains("attached 1 at 1-8 address 8 speed full configured 1"))
    #expect(text.contains("claim 0 = ok"))
    #expect(text.contains("DFU_GETSTATUS: OK, dfuIDLE"))
  }

  @Test func `the device is chosen where there is one, and named otherwise`() throws {
    let two = try CaptureFile(parsing: CaptureStoryTests.enumeration())
    let several = #expect(throws: CapturedRecordingError.self) { try CapturedRecording(two) }
    #expect(several?.reason == .several(["1.7 (0483:df11)", "1.8 (0483:df11)"]))
    let other = #expect(throws: CapturedRecordingError.self) {
      try CapturedRecording(two, device: "1.9")
    }
    #expect(other?.slug == "capture-other-device")
    let none = #expect(throws: CapturedRecordingError.self) {
      try CapturedRecording(try CaptureFile(parsing: CaptureBuilder.pcap(linkType: 220, [])))
    }
    #expect(none?.reason == .nothingThere)
    let maker = CaptureBuilder()
    let unknown = try CaptureFile(
      parsing: CaptureBuilder.pcap(
        linkType: 220,
        [(0, 0, maker.usbmon("S", setup: DFURequest.getStatus(interface: 0), length: 6))]))
    let error = #expect(throws: CapturedRecordingError.self) {
      try CapturedRecording(unknown, device: "1.5")
    }
    #expect(error?.reason == .notDescribed("1.5"))
  }

  @Test func `a recording ends before what was cut off by a snap length`() throws {
    var script = CaptureStoryTests.Script()
    script.status(.dfuIdle)
    var file = script.file
    let maker = CaptureBuilder()
    var more = CaptureBuilder()
    let upload = DFURequest.upload.setup(value: 2, interface: 0, length: 256)
    for content in [
      maker.usbmon("S", id: 77, address: 9, setup: upload, length: 256),
      maker.usbmon("C", id: 77, address: 9, length: 256, data: noise(10)),
    ] {
      // The bus of the script's device.
      var content = content
      content[12] = 2
      more.packet(content, ticks: 1 << 40)
    }
    file += more.bytes
    let made = try CapturedRecording(try CaptureFile(parsing: file))
    #expect(made.transfers == 1)
    #expect(made.endsBefore == 7)
  }

  @Test func `a device that went is gone at the end`() throws {
    var script = CaptureStoryTests.Script()
    script.call(
      .controlIn(DFURequest.getStatus(interface: 0)), .failed(.disconnected, detail: nil))
    let events = try CapturedRecording(try CaptureFile(parsing: script.file)).recording.events
    #expect(events.last?.kind == .detached(DeviceID(rawValue: 1), PortPath(bus: 2, ports: [9])))
  }
}
