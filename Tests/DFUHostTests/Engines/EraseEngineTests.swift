import DFU
import Testing
import USB

@testable import DFUHost

struct EraseEngineTests {
  @Test func `rule 5: sectors are erased ascending, each once, by their true start`() throws {
    var engine = try EraseEngine(
      [0x0800_C000..<0x0801_0000, 0x0800_0000..<0x0800_4000, 0x0800_C000..<0x0801_0000],
      link: link)
    let output = try Script(
      Script.settles(Script.erase(0x0800_0000), ms: 250)
        + Script.settles(Script.erase(0x0800_C000), ms: 250)
    ).play(&engine)
    #expect(output.erased == 2)
  }

  @Test func `rule 7: no pause after the answer that says done`() throws {
    var engine = try EraseEngine([0..<4], link: link)
    _ = try Script(
      """
      DNLOAD 0 | 41 00 00 00 00
      GETSTATUS < 00 32 00 00 04 00
      WAIT 50
      GETSTATUS < 00 32 00 00 05 00
      """
    ).play(&engine)
  }

  @Test func `rule 8: an L4 that stalls GETSTATUS in dfuDNBUSY is given the time again`() throws {
    var engine = try EraseEngine([0..<4], link: link)
    _ = try Script(
      """
      DNLOAD 0 | 41 00 00 00 00
      GETSTATUS < 00 0a 00 00 04 00
      WAIT 10
      GETSTATUS ! stall
      WAIT 10
      GETSTATUS ! stall
      WAIT 20
      GETSTATUS ! stall
      WAIT 40
      GETSTATUS < 00 00 00 00 05 00
      """
    ).play(&engine)
  }

  @Test func `an L4 that stalls through a mass erase is given more and more time`() throws {
    var engine = try CommandEngine(.massErase, link: link)
    _ = try Script(
      """
      DNLOAD 0 | 41
      GETSTATUS < 00 0a 00 00 04 00
      WAIT 10
      GETSTATUS ! stall
      WAIT 10
      GETSTATUS ! stall
      WAIT 20
      GETSTATUS ! stall
      WAIT 40
      GETSTATUS ! stall
      WAIT 80
      GETSTATUS < 00 00 00 00 05 00
      """
    ).play(&engine)
    #expect(engine.output == .done(.dfuDnloadIdle))
  }

  @Test func `rule 8: the fourth stall is an error`() throws {
    let error = try failure(
      EraseEngine([0x1000..<0x2000], link: link),
      """
      DNLOAD 0 | 41 00 10 00 00
      GETSTATUS < 00 0a 00 00 04 00
      WAIT 10
      GETSTATUS ! stall
      WAIT 10
      GETSTATUS ! stall
      WAIT 20
      GETSTATUS ! stall
      WAIT 40
      GETSTATUS ! stall
      """)
    #expect(error.code == .stalled)
    #expect(error.address == 0x1000)
    #expect(error.state == .dfuDnBusy)
  }

  @Test func `rule 8: GETSTATUS may be held for 35 seconds while erasing`() throws {
    var engine = try EraseEngine([0..<4], link: link)
    guard case .controlOut(let token, _, _, _)? = engine.next() else {
      Issue.record("no download")
      return
    }
    try engine.handle(.sent(token))
    guard case .controlIn(_, _, let timeout)? = engine.next() else {
      Issue.record("no status")
      return
    }
    #expect(timeout >= .seconds(35))
  }

  @Test func `an H7 that sticks in bank 2 is freed by two CLRSTATUS, and the erase counts`() throws
  {
    var link = link
    link.stuckEraseFrom = 0x0810_0000
    var engine = try EraseEngine([0x0810_0000..<0x0812_0000], link: link)
    var waits = ""
    for _ in 0..<3 { waits += "GETSTATUS < 00 4c 04 00 04 00\nWAIT 1100\n" }
    let output = try Script(
      Script.erase(0x0810_0000) + "\n" + waits
        + """
        GETSTATUS < 00 4c 04 00 04 00
        CLRSTATUS
        GETSTATUS < 0e 00 00 00 0a 00
        CLRSTATUS
        GETSTATUS < 00 00 00 00 02 00
        """
    ).play(&engine)
    #expect(output.erased == 1)
  }

  @Test func `rule 3: below bank 2 a busy H7 gets no CLRSTATUS`() throws {
    var link = link
    link.stuckEraseFrom = 0x0810_0000
    var engine = try EraseEngine([0x0800_0000..<0x0802_0000], link: link)
    var waits = ""
    for _ in 0..<8 { waits += "GETSTATUS < 00 4c 04 00 04 00\nWAIT 1100\n" }
    _ = try Script(
      Script.erase(0x0800_0000) + "\n" + waits + "GETSTATUS < 00 00 00 00 05 00"
    ).play(&engine)
  }

  @Test func `endless dfuDNBUSY without a time ends, after a bounded number of questions`() throws {
    var engine = try EraseEngine([0x0800_0000..<0x0800_4000], link: link)
    var questions = 0
    var waited = Duration.zero
    let error = try #require(throws: DFUError.self) {
      while let action = engine.next(), action != .finish {
        switch action {
        case .controlOut(let token, _, _, _): try engine.handle(.sent(token))
        case .controlIn(let token, _, _):
          questions += 1
          try engine.handle(.received(token, [0, 0, 0, 0, 4, 0]))
        case .wait(let duration):
          waited += duration
          try engine.handle(.waited)
        default: return
        }
      }
    }
    #expect(error.code == .stillBusy)
    #expect(error.address == 0x0800_0000)
    #expect(questions < 1000)
    #expect(waited >= .seconds(35))
    #expect(waited < .seconds(120))
  }

  @Test func `a poll time-out of four hours is not believed`() throws {
    var engine = try EraseEngine([0..<4], link: link)
    _ = try Script(
      """
      DNLOAD 0 | 41 00 00 00 00
      GETSTATUS < 00 ff ff ff 04 00
      WAIT 60000
      GETSTATUS < 00 00 00 00 05 00
      """
    ).play(&engine)
  }

  @Test func `a poll time-out that means nothing is replaced`() throws {
    var link = link
    link.ignoresPollTimeout = true
    var engine = try EraseEngine([0..<4], link: link)
    _ = try Script(
      """
      DNLOAD 0 | 41 00 00 00 00
      GETSTATUS < 00 ff ff 00 04 00
      WAIT 5
      GETSTATUS < 00 ff ff 00 05 00
      """
    ).play(&engine)
  }

  @Test func `a refused erase names sector, status and text`() throws {
    let error = try failure(
      EraseEngine([0x0800_0000..<0x0800_4000], link: link),
      Script.erase(0x0800_0000)
        + """

        GETSTATUS < 00 00 00 00 04 00
        GETSTATUS < 04 00 00 00 0a 06
        """)
    #expect(error.code == .refused)
    #expect(error.status == .errErase)
    #expect(error.stringIndex == 6)
    #expect(error.sentence.contains("0x08000000"))
    #expect(error.sentence.contains("errERASE"))
  }

  @Test func `the first status that is not OK counts, later answers may have forgotten it`() throws
  {
    let error = try failure(
      EraseEngine([0..<4], link: link),
      """
      DNLOAD 0 | 41 00 00 00 00
      GETSTATUS < 08 00 00 00 04 05
      GETSTATUS < 00 00 00 00 05 00
      """)
    #expect(error.status == .errAddress)
    #expect(error.stringIndex == 5)
  }

  @Test func `after a stall the device is asked why`() throws {
    let error = try failure(
      EraseEngine([0..<4], link: link),
      """
      DNLOAD 0 | 41 00 00 00 00 ! stall
      GETSTATUS < 0f 00 00 00 0a 00
      """)
    #expect(error.code == .refused)
    #expect(error.status == .errStalledPkt)
  }

  @Test func `cancelling ends behind the sector that is being erased`() throws {
    var engine = try EraseEngine([0..<4, 4..<8], link: link)
    let error = try #require(throws: DFUError.self) {
      _ = try Script(
        """
        DNLOAD 0 | 41 00 00 00 00
        CANCEL
        GETSTATUS < 00 05 00 00 04 00
        WAIT 5
        GETSTATUS < 00 00 00 00 05 00
        """
      ).play(&engine)
    }
    #expect(error.code == .cancelled)
    #expect(error.state == .dfuDnloadIdle)
    #expect(engine.output.erased == 1)
    #expect(error.sentence.contains("dfuDNLOAD-IDLE"))
  }

  @Test func `an address beyond 32 bits is refused before anything is sent`() {
    #expect(throws: DFUError.self) {
      try EraseEngine([0x1_0000_0000..<0x1_0000_4000], link: link)
    }
  }
}

struct CommandEngineTests {
  @Test func `mass erase does not sleep 35 s when it is done in 8`() throws {
    // An F407 announces 100 ms and takes 8 s: it is asked, not slept for.
    var engine = try CommandEngine(.massErase, link: link)
    var waited = Duration.zero
    while let action = engine.next(), action != .finish {
      switch action {
      case .controlOut(let token, _, let data, _):
        #expect(data == [0x41])
        try engine.handle(.sent(token))
      case .controlIn(let token, _, _):
        try engine.handle(
          .received(token, waited >= .seconds(8) ? [0, 0, 0, 0, 5, 0] : [0, 100, 0, 0, 4, 0]))
      case .wait(let duration):
        waited += duration
        try engine.handle(.waited)
      default: return
      }
    }
    #expect(engine.output == .done(.dfuDnloadIdle))
    #expect(waited >= .seconds(8))
    #expect(waited < .milliseconds(8_500))
  }

  @Test(arguments: ["disconnected", "timeout", "stall", "io"])
  func `rule 13: a part that resets after Read Unprotect has done what it should`(
    failure: String
  ) throws {
    var engine = try CommandEngine(.readUnprotect, link: link)
    let output = try Script(
      """
      DNLOAD 0 | 92
      GETSTATUS < 00 64 00 00 04 00
      WAIT 100
      \(failure == "stall"
        ? [100, 200, 400, 800, 1600, 3200, 6400].map { "GETSTATUS ! stall\nWAIT \($0)\n" }.joined()
        : "")GETSTATUS ! \(failure)
      """
    ).play(&engine)
    #expect(output == .disappeared)
  }

  @Test func `rule 13: a refused Read Unprotect is an error`() throws {
    let error = try failure(
      CommandEngine(.readUnprotect, link: link),
      """
      DNLOAD 0 | 92
      GETSTATUS < 0e 00 00 00 0a 00
      """)
    #expect(error.code == .refused)
  }

  @Test func `a device that is lost while it erases everything is an error`() throws {
    let error = try failure(
      CommandEngine(.massErase, link: link),
      """
      DNLOAD 0 | 41
      GETSTATUS ! disconnected
      """)
    #expect(error.code == .lost)
    #expect(error.phase == .massErase)
  }
}
