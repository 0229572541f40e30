import DFU
import Testing
import USB

@testable import DFUHost

struct LeaveEngineTests {
  static let pointing = Script.settles(Script.pointer(0x0800_0000))

  @Test func `rule 12: the pointer goes to the start, then an empty DNLOAD and GETSTATUS`() throws {
    var engine = try LeaveEngine(for: 0x0800_0000, link: link)
    let output = try Script(
      Self.pointing + "DNLOAD 0\nGETSTATUS < 00 01 00 00 07 00"
    ).play(&engine)
    #expect(output == .answered(.dfuManifest))
  }

  @Test(arguments: ["disconnected", "timeout", "stall", "io", "other"])
  func `a device that vanishes after leave is success`(loss: String) throws {
    var engine = try LeaveEngine(for: 0x0800_0000, link: link)
    #expect(
      try Script(Self.pointing + "DNLOAD 0\nGETSTATUS ! \(loss)").play(&engine) == .vanished)
  }

  @Test(arguments: ["disconnected", "timeout", "io"])
  func `a GD32 that leaves on the empty DNLOAD itself has left`(loss: String) throws {
    var engine = try LeaveEngine(for: 0x0800_0000, link: link)
    #expect(try Script(Self.pointing + "DNLOAD 0 ! \(loss)").play(&engine) == .vanished)
  }

  @Test func `a device that is known to leave by itself is not asked`() throws {
    var link = link
    link.leavesWithoutStatus = true
    var engine = try LeaveEngine(for: 0x0800_0000, link: link)
    #expect(try Script(Self.pointing + "DNLOAD 0").play(&engine) == .unasked)
    // It may still refuse.
    let error = try failure(
      LeaveEngine(for: 0x0800_0000, link: link),
      Self.pointing + "DNLOAD 0 ! stall\nGETSTATUS < 0f 00 00 00 0a 00")
    #expect(error.code == .refused)
  }

  @Test func `a device that refuses to leave and says so has not left`() throws {
    let error = try failure(
      LeaveEngine(for: 0x0800_0000, link: link),
      Self.pointing + "DNLOAD 0 ! stall\nGETSTATUS < 0f 00 00 00 0a 00")
    #expect(error.code == .refused)
    #expect(error.phase == .leave)
  }

  @Test func `a device lost before it was told to leave is not a success`() throws {
    let error = try failure(
      LeaveEngine(for: 0x0800_0000, link: link),
      Script.pointer(0x0800_0000) + "\nGETSTATUS ! disconnected")
    #expect(error.code == .lost)
  }
}

struct PlainDownloadEngineTests {
  static func engine(
    _ bytes: [UInt8], tolerant: Bool = true
  ) throws -> PlainDownloadEngine {
    try PlainDownloadEngine(
      PlainDownload(bytes: bytes, transferSize: 4), link: link, manifestationTolerant: tolerant)
  }

  static let block = "DNLOAD 0 | 01 02 03 04\nGETSTATUS < 00 00 00 00 05 00\n"

  @Test func `blocks count from 0 and an empty one ends the download`() throws {
    var engine = try Self.engine([1, 2, 3, 4, 5, 6])
    let output = try Script(
      """
      DNLOAD 0 | 01 02 03 04
      GETSTATUS < 00 05 00 00 03 00
      WAIT 5
      GETSTATUS < 00 00 00 00 05 00
      DNLOAD 1 | 05 06
      GETSTATUS < 00 00 00 00 05 00
      DNLOAD 2
      GETSTATUS < 00 05 00 00 07 00
      WAIT 5
      GETSTATUS < 00 00 00 00 02 00
      """
    ).play(&engine)
    #expect(output == .init(byteCount: 6, ending: .idle))
  }

  @Test func `block numbers wrap at 65 536`() throws {
    let small = DFULink(interface: 0, transferSize: 1)
    var engine = try PlainDownloadEngine(
      PlainDownload(bytes: [UInt8](repeating: 1, count: 65_538), transferSize: 1), link: small,
      manifestationTolerant: true)
    var numbers: [UInt16] = []
    while let action = engine.next(), action != .finish {
      switch action {
      case .controlOut(let token, let setup, _, _):
        numbers.append(setup.value)
        try engine.handle(.sent(token))
      case .controlIn(let token, _, _):
        let state: UInt8 = numbers.count > 65_538 ? 2 : 5
        try engine.handle(.received(token, [0, 0, 0, 0, state, 0]))
      default: try engine.handle(.waited)
      }
    }
    #expect(numbers.count == 65_539)
    #expect(numbers[65_535] == 65_535)
    #expect(Array(numbers[65_536...]) == [0, 1, 2])
  }

  @Test func `a device that waits for a reset gets one`() throws {
    var engine = try Self.engine([1, 2, 3, 4], tolerant: false)
    let output = try Script(
      Self.block + "DNLOAD 1\nGETSTATUS < 00 00 00 00 08 00\nRESET"
    ).play(&engine)
    #expect(output.ending == .reset)
  }

  @Test func `a device that does not tolerate manifestation may vanish`() throws {
    var engine = try Self.engine([1, 2, 3, 4], tolerant: false)
    let output = try Script(Self.block + "DNLOAD 1\nGETSTATUS ! disconnected").play(&engine)
    #expect(output.ending == .vanished)
  }

  @Test func `a silent device that does not tolerate manifestation is reset`() throws {
    var engine = try Self.engine([1, 2, 3, 4], tolerant: false)
    let output = try Script(
      Self.block
        + """
        DNLOAD 1
        GETSTATUS < 00 0a 00 00 07 00
        WAIT 10
        GETSTATUS ! timeout
        RESET ! disconnected
        """
    ).play(&engine)
    // A reset after which the device is something else throws on this side, and has been given.
    #expect(output.ending == .reset)
  }

  @Test func `a reset that this system cannot give is not said to be given`() throws {
    var engine = try Self.engine([1, 2, 3, 4], tolerant: false)
    let output = try Script(
      Self.block + "DNLOAD 1\nGETSTATUS < 00 00 00 00 08 00\nRESET ! unsupported"
    ).play(&engine)
    #expect(output.ending == .vanished)
  }

  @Test func `a tolerant device that vanishes is an error that says what is not known`() throws {
    let error = try failure(
      Self.engine([1, 2, 3, 4]), Self.block + "DNLOAD 1\nGETSTATUS ! disconnected")
    #expect(error.code == .lost)
    #expect(error.sentence.contains("not known"))
  }

  @Test func `a device lost in the middle of the file is lost, tolerant or not`() throws {
    let error = try failure(
      Self.engine([1, 2, 3, 4], tolerant: false), "DNLOAD 0 | 01 02 03 04 ! disconnected")
    #expect(error.code == .lost)
    #expect(error.phase == .download)
  }

  @Test func `errNOTDONE is told`() throws {
    let error = try failure(
      Self.engine([1, 2, 3, 4]),
      Self.block + "DNLOAD 1 ! stall\nGETSTATUS < 09 00 00 00 0a 00")
    #expect(error.status == .errNotDone)
  }
}

struct PlainUploadEngineTests {
  @Test func `an upload ends with a short block`() throws {
    var engine = PlainUploadEngine(limit: 100, stopsAtLimit: false, link: link)
    let output = try Script(
      """
      UPLOAD 0 4 < 01 02 03 04
      UPLOAD 1 4 < 05
      """
    ).play(&engine)
    #expect(output == .init(bytes: [1, 2, 3, 4, 5], isComplete: true))
  }

  @Test func `a whole number of blocks ends with an empty one`() throws {
    var engine = PlainUploadEngine(limit: 100, stopsAtLimit: false, link: link)
    let output = try Script("UPLOAD 0 4 < 01 02 03 04\nUPLOAD 1 4 <").play(&engine)
    #expect(output.bytes == [1, 2, 3, 4])
  }

  @Test func `an upload without end is stopped`() throws {
    let error = try failure(
      PlainUploadEngine(limit: 8, stopsAtLimit: false, link: link),
      "UPLOAD 0 4 < 01*4\nUPLOAD 1 4 < 02*4\nABORT")
    #expect(error.code == .endlessUpload)
  }

  @Test func `as many bytes as were asked for`() throws {
    var engine = PlainUploadEngine(limit: 6, stopsAtLimit: true, link: link)
    let output = try Script("UPLOAD 0 4 < 01*4\nUPLOAD 1 4 < 02*4\nABORT").play(&engine)
    #expect(output.bytes == [1, 1, 1, 1, 2, 2])
  }
}
