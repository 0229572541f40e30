import Testing
import USB

@testable import Captures

/// The text of a recording: what is written can be read, and what cannot be read is told with its line.
@Suite struct RecordingTextTests {
  static let info = DeviceInfo(
    id: DeviceID(rawValue: 7), path: PortPath(bus: 1, ports: [4, 2]), address: 12, speed: .full,
    descriptor: DeviceDescriptor(
      vendor: .stMicroelectronics, product: ProductID(0xDF11), deviceVersion: BCDVersion(0x2100)),
    configurations: [
      ConfigurationDescriptor(
        interfaces: [
          InterfaceDescriptor(
            number: 0, interfaceClass: ClassTriple(0xFE, 1, 2),
            extra: [
              RawDescriptor(bytes: [9, 0x21, 0x0B, 0xFF, 0, 0, 8, 0x1A, 1], offset: 18)
            ])
        ])
    ], activeConfiguration: 1, serialNumber: "A\"\\\u{7}\u{202E}#é 1")

  static let getStatus = SetupPacket(
    RequestType(rawValue: 0xA1), request: 3, value: 0, index: 0, length: 6)

  static func download(_ data: [UInt8]) -> DeviceCall {
    .controlOut(
      SetupPacket(
        RequestType(rawValue: 0x21), request: 1, value: 0, index: 0, length: UInt16(data.count)),
      data)
  }

  /// Every kind of event, call and outcome, some of them under way together.
  static let everything: Recording = {
    var recording = Recording(program: "dfu 0.1.0", selector: "virtual:x?state=a#b.bin")
    var time: Int64 = 0
    var number: UInt32 = 0
    func add(_ kind: Recording.Kind) {
      recording.events.append(Recording.Event(nanoseconds: time, kind))
      time += 1_234_567
    }
    func call(_ call: DeviceCall, _ outcome: CallOutcome) {
      number += 1
      add(.began(number: number, handle: 3, call))
      add(.ended(number: number, outcome))
    }
    add(.listed([]))
    add(.listingFailed(HostError(.unreachable, "Nobody there.")))
    add(.attached(info))
    add(.listed([info.id]))
    add(.openingFailed(info.id, HostError(.permission, "No.", help: "Ask\nroot.")))
    add(.opened(info.id, handle: 3))
    call(.claim(0), .done)
    call(.setAlternateSetting(2, interface: 0), .failed(.stall, detail: nil))
    call(.controlIn(getStatus), .received([0, 0x32, 0, 0, 4, 0]))
    call(.controlIn(getStatus), .received([]))
    call(.controlIn(getStatus), .failed(.timeout, detail: "after \"5\" s"))
    call(download([0x21, 0, 0, 0, 8]), .done)
    call(download([]), .done)
    call(download([UInt8](0..<100)), .failed(.disconnected, detail: nil))
    call(.bulkIn(0x81, length: 512), .received([1, 2, 3]))
    call(
      .bulkIn(0x81, length: 512),
      .received([1] + [UInt8](repeating: 0xFF, count: 33) + [2] + [UInt8](repeating: 0, count: 32)))
    call(.bulkOut(0x02, [4, 5]), .sent(1))
    call(.interruptIn(0x83, length: 8), .failed(.overflow, detail: nil))
    call(.interruptOut(0x04, []), .sent(0))
    call(.setConfiguration(1), .done)
    call(.clearHalt(0x81), .done)
    call(.reset, .done)
    call(.release(0), .failed(.closed, detail: ""))
    number += 3
    add(.began(number: number - 2, handle: 3, .controlIn(getStatus)))
    add(.began(number: number - 1, handle: 3, .bulkIn(0x81, length: 1)))
    add(.ended(number: number - 2, .received([0, 0, 0, 0, 5, 0])))
    add(.detached(info.id, info.path))
    add(.began(number: number, handle: 3, .close))
    add(.ended(number: number - 1, .failed(.cancelled, detail: nil)))
    add(.ended(number: number, .done))
    return recording
  }()

  @Test func `everything that is written is read as it was`() throws {
    let document = try RecordingDocument(parsing: Self.everything.text)
    for (read, written) in zip(document.recording.events, Self.everything.events) {
      #expect(read == written)
    }
    #expect(document == RecordingDocument(Self.everything))
    #expect(document.recording.text == Self.everything.text)
  }

  @Test func `a line says what it means`() {
    let lines = String(decoding: Self.everything.text, as: UTF8.self).split(separator: "\n")
    func line(_ part: String) -> String {
      lines.first { $0.contains(part) }.map(String.init) ?? "no line has \(part)"
    }
    #expect(lines[0] == "dfu-recording 1")
    #expect(lines[1] == "program \"dfu 0.1.0\"")
    #expect(
      line("attached")
        == "0.002469134 attached 7 at 1-4.2 address 12 speed full configured 1 "
        + "serial \"A\\\"\\\\\\u{7}\\u{202e}#é 1\" configurations 1")
    #expect(
      line("00 32 00 00")
        == "0.012345670 3 in a1 03 00 00 00 00 06 00 = 00 32 00 00 04 00 +0.001234567"
        + "  # DFU_GETSTATUS: OK, dfuDNBUSY, wait 50 ms")
    #expect(
      line("> 21 00").hasSuffix("= ok +0.001234567  # DFU_DNLOAD: Set Address Pointer 0x08000000"))
    #expect(line("set-interface") == "0.009876536 3 set-interface 0 2 = !stall +0.001234567")
    #expect(
      line("> 000102").contains("> 000102030405060708090a0b0c0d0e0f 101112131415"))
    #expect(
      line("ff*33").contains(
        "= 01 ff*33 02000000000000000000000000000000 00000000000000000000000000000000 00 +"))
    #expect(line("bulk-in 81 1").hasSuffix("bulk-in 81 1 @19"))
    #expect(line("end @19").hasSuffix("end @19 = !cancelled +0.004938268"))
  }

  @Test func `comments, blanks and the case of digits change nothing`() throws {
    let text = """
      dfu-recording 1   # by hand
      # nothing

      \t 0 attached 1 at usb2 address 0 speed super-plus configurations 0# no blank needed
      # between
        device 12010002 00 0000 40 0912 0100 0001 00 00 00 00\r
      0.5 open 1 = handle 9
      0.500000001 9 out 21 01 02 00 00 00 03 00 > 0a0B 0C = ok +1.5 # "

      """
    let document = try RecordingDocument(parsing: Array(text.utf8))
    #expect(document.lines == [4, 7, 8, 8])
    #expect(
      document.recording.events[2].kind
        == .began(
          number: 1, handle: 9,
          .controlOut(
            SetupPacket(RequestType(rawValue: 0x21), request: 1, value: 2, index: 0, length: 3),
            [10, 11, 12])))
    #expect(document.recording.events[3].nanoseconds == 2_000_000_001)
  }

  @Test func `every beginning of a recording is one, but for what was cut`() throws {
    let text = Self.everything.text
    let whole = try RecordingDocument(parsing: text)
    let first = try #require(text.firstIndex(of: UInt8(ascii: "\n")))
    for length in 0..<text.count {
      let part = Array(text[..<length])
      guard length > first else {
        let error = #expect(throws: RecordingError.self) { try RecordingDocument(parsing: part) }
        #expect(error?.code == .notARecording)
        continue
      }
      let document = try RecordingDocument(parsing: part)
      #expect(whole.recording.events.starts(with: document.recording.events))
      let endsInLine = text[length - 1] != UInt8(ascii: "\n")
      #expect(!endsInLine || document.cutLine != nil)
      // A device without all of its descriptors is cut as well, though its lines are whole.
      if document.cutLine == nil { #expect(document.lines.last ?? 0 < whole.lines.last ?? 0) }
    }
  }

  // MARK: What is refused

  struct Bad: CustomTestStringConvertible, Sendable {
    var lines: String
    var code: RecordingError.Code
    var line: Int
    var says: String
    var testDescription: String { says }

    init(_ lines: String, _ code: RecordingError.Code, _ line: Int, _ says: String) {
      (self.lines, self.code, self.line, self.says) = (lines, code, line, says)
    }
  }

  static let opened = """
    dfu-recording 1
    0 attached 1 at 1-1 address 1 speed full configurations 0
      device 12 01 00 02 00 00 00 40 09 12 01 00 00 01 00 00 00 00
    0 open 1 = handle 1

    """

  @Test(arguments: [
    Bad("", .notARecording, 1, "the first line is not"),
    Bad("\n# no\n", .notARecording, 1, "the first line is not"),
    Bad(":020000040800F2\n", .notARecording, 1, "it is not “dfu-recording 1”"),
    Bad("dfu-recording 2\n", .version, 1, "has version 2"),
    Bad("dfu-recording one\n", .malformed, 1, "the version is “one”"),
    Bad("dfu-recording 1 2\n", .malformed, 1, "“2” is too much"),
    Bad("dfu-recording 1\nprogram dfu\n", .malformed, 2, "not in quotation marks"),
    Bad("dfu-recording 1\nprogram \"dfu\n", .malformed, 2, "no closing quotation mark"),
    Bad("dfu-recording 1\nprogram \"a\\n\"\n", .malformed, 2, "“\\n\"”"),
    Bad("dfu-recording 1\nprogram \"\\u{d800}\"\n", .malformed, 2, "neither"),
    Bad("dfu-recording 1\n0 list 1\n", .contradiction, 2, "no device 1"),
    Bad("dfu-recording 1\n0 open 1 = handle 1\n", .contradiction, 2, "no device 1"),
    Bad("dfu-recording 1\n0 attached 1 at 1 address 1\n", .malformed, 2, "no path"),
    Bad(
      "dfu-recording 1\n0 attached 1 at 1-1 address 1 speed warp configurations 0\n", .malformed, 2,
      "no speed"),
    Bad(
      "dfu-recording 1\n0 attached 1 at 1-1 address 1 speed full configurations 0\n0 list none\n",
      .malformed, 3, "“device” is expected"),
    Bad(
      "dfu-recording 1\n0 attached 1 at 1-1 address 1 speed full configurations 0\n device 12 01\n",
      .malformed, 3, "descriptor is wrong"),
    Bad(opened + "0 2 reset = ok +0\n", .contradiction, 5, "handle 2 has not been opened"),
    Bad(opened + "0 open 1 = handle 1\n", .contradiction, 5, "used before"),
    Bad(opened + "0 1 in a1 03 00 = empty +0\n", .malformed, 5, "3 bytes instead of 8"),
    Bad(opened + "0 1 in a1 3 = empty +0\n", .malformed, 5, "stands alone, at “3 = empty +0”"),
    Bad(opened + "0 1 in a1 03 00 00 00 00 06 00 00\n", .beyondLimit, 5, "more than 8 bytes"),
    Bad(opened + "0 1 in a1 03 00 00 00 00 06 00 = ok +0\n", .malformed, 5, "cannot end like that"),
    Bad(opened + "0 1 reset = 00 +0\n", .malformed, 5, "cannot end like that"),
    Bad(opened + "0 1 close = !stall +0\n", .malformed, 5, "cannot end like that"),
    Bad(opened + "0 1 reset = !bored +0\n", .malformed, 5, "no failure of a transfer"),
    Bad(opened + "0 1 reset = ok\n", .malformed, 5, "the duration is missing"),
    Bad(opened + "0 1 reset = ok +1.0000000001\n", .malformed, 5, "nine decimals"),
    Bad(opened + "0 1 reset = ok +946080001\n", .malformed, 5, "nine decimals"),
    Bad(opened + "0 1 reset\n", .malformed, 5, "“=” is expected"),
    Bad(opened + "0 1 dance = ok +0\n", .malformed, 5, "“dance” is nothing"),
    Bad(opened + "0 1 claim 256 = ok +0\n", .malformed, 5, "no number up to 255"),
    Bad(opened + "0 1 claim +1 = ok +0\n", .malformed, 5, "no number up to 255"),
    Bad(opened + "0 1 bulk-in 8 1 = empty +0\n", .malformed, 5, "not two hexadecimal digits"),
    Bad(opened + "0 1 bulk-in 81 1048577 = empty +0\n", .beyondLimit, 5, "at most 1048576"),
    Bad(opened + "0 1 bulk-out 02 > = sent 0 +0\n", .malformed, 5, "no data follow"),
    Bad(opened + "0 1 bulk-out 02 > 00*0 = sent 0 +0\n", .malformed, 5, "whose count is none"),
    Bad(opened + "0 1 bulk-out 02 > 00*x = sent 0 +0\n", .malformed, 5, "whose count is none"),
    Bad(
      opened + "0 1 bulk-out 02 > 0000*1048576 = sent 0 +0\n", .beyondLimit, 5, "more than 1048576"),
    Bad(opened + "2 list 1\n1 list 1\n", .contradiction, 6, "before the last one"),
    Bad(opened + "0 1 reset = ok +2\n1 list 1\n", .contradiction, 6, "before the last one"),
    Bad(opened + "0 1 reset @1\n0 1 reset @1\n", .contradiction, 6, "under way already"),
    Bad(opened + "0 end @1 = ok +0\n", .contradiction, 5, "no call with the label @1"),
    Bad(opened + "0 1 reset @1\n2 end @1 = ok +1\n", .contradiction, 6, "not the time since"),
    Bad(opened + "0 1 reset @x\n", .malformed, 5, "no label such as @7"),
    Bad(opened + "0 detached 2 at 1-1\n", .contradiction, 5, "no device 2"),
    Bad(opened + "program \"late\"\n", .malformed, 5, "the time is “program”"),
    Bad(opened + "0 reset\n", .malformed, 5, "the handle, or what happened, is “reset”"),
  ])
  func `what is wrong is told with its line`(_ bad: Bad) throws {
    let error = try #require(throws: RecordingError.self) {
      try RecordingDocument(parsing: Array(bad.lines.utf8))
    }
    #expect(error.code == bad.code, "\(error)")
    #expect(error.line == bad.line, "\(error)")
    #expect(error.sentence.contains(bad.says), "\(error)")
    #expect(error.sentence.contains("Line \(bad.line) "))
  }

  @Test func `what a few bytes of text stand for is bounded`() throws {
    let text = Array((Self.opened + "0 1 bulk-out 02 > 00*900 = sent 0 +0\n").utf8)
    #expect(try RecordingDocument(parsing: text, totalLength: 900).recording.events.count == 4)
    let error = #expect(throws: RecordingError.self) {
      try RecordingDocument(parsing: text, totalLength: 899)
    }
    #expect(error?.code == .beyondLimit)
    #expect(error?.line == 5)
  }

  @Test func `a line without end is refused at the limit, and a long text is`() throws {
    let endless =
      Array("dfu-recording 1\n".utf8)
      + [UInt8](repeating: 0x20, count: Recording.maximumLineLength + 1)
    let error = #expect(throws: RecordingError.self) { try RecordingDocument(parsing: endless) }
    #expect(error?.code == .beyondLimit)
    #expect(error?.line == 2)
    let long = String(repeating: "a", count: Recording.maximumTextLength + 1)
    let text = #expect(throws: RecordingError.self) {
      try RecordingDocument(parsing: Array("dfu-recording 1\nprogram \"\(long)\"\n".utf8))
    }
    #expect(text?.code == .beyondLimit)
    // What is too long is written shorter, and can be read.
    let read = try RecordingDocument(parsing: Recording(program: long).text)
    #expect(read.recording.program?.count == Recording.maximumTextLength)
  }
}
