import DFU
import Testing
import USB

@testable import DFUHost

struct WriteEngineTests {
  @Test func `rule 6: the address is set once, then blocks 2, 3, 4`() throws {
    let run = WriteRun(
      address: 0x0800_0000, bytes: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], transferSize: 4)
    var engine = try WriteEngine(run, link: link)
    let output = try Script(
      Script.settles(Script.pointer(0x0800_0000)) + Script.settles("DNLOAD 2 | 01 02 03 04", ms: 9)
        + Script.settles("DNLOAD 3 | 05 06 07 08", ms: 9)
        + Script.settles("DNLOAD 4 | 09 0a", ms: 9)
    ).play(&engine)
    #expect(output.byteCount == 10)
    #expect(output.end == 0x0800_000A)
  }

  @Test func `blank blocks are passed over by the block number`() throws {
    let run = WriteRun(
      address: 0x1000, bytes: [1, 2, 3, 4] + [UInt8](repeating: 0xFF, count: 8) + [5],
      transferSize: 4, sent: [0..<1, 3..<4])
    var engine = try WriteEngine(run, link: link)
    let output = try Script(
      Script.settles(Script.pointer(0x1000)) + Script.settles("DNLOAD 2 | 01 02 03 04")
        + Script.settles("DNLOAD 5 | 05")
    ).play(&engine)
    #expect(output.byteCount == 5)
  }

  @Test func `rule 6: the pointer is set again before block 65 535`() throws {
    let small = DFULink(interface: 0, transferSize: 1)
    let count = 65_533 + 3
    let run = WriteRun(
      address: 0x9000_0000, bytes: [UInt8](repeating: 0x5A, count: count), transferSize: 1)
    var engine = try WriteEngine(run, link: small)
    var pointers: [[UInt8]] = []
    var highest: UInt16 = 0
    var blocksAfter: [UInt16] = []
    while let action = engine.next(), action != .finish {
      switch action {
      case .controlOut(let token, let setup, let data, _):
        if setup.value == 0 {
          pointers.append(data)
        } else {
          highest = max(highest, setup.value)
          if pointers.count > 1 { blocksAfter.append(setup.value) }
        }
        try engine.handle(.sent(token))
      case .controlIn(let token, _, _): try engine.handle(.received(token, [0, 0, 0, 0, 5, 0]))
      default: try engine.handle(.waited)
      }
    }
    #expect(highest == 65_534)
    #expect(pointers == [[0x21, 0, 0, 0, 0x90], [0x21, 0xFD, 0xFF, 0, 0x90]])
    #expect(blocksAfter == [2, 3, 4])
    #expect(engine.output.byteCount == count)
  }

  @Test func `rule 9: a run with blocks longer than the device takes is refused`() {
    let run = WriteRun(address: 0, bytes: [UInt8](repeating: 0, count: 8), transferSize: 8)
    #expect(throws: DFUError.self) { try WriteEngine(run, link: link) }
  }

  @Test func `a failed block says which, where, and what is certain`() throws {
    let run = WriteRun(address: 0x0800_0000, bytes: [1, 2, 3, 4, 5, 6, 7, 8], transferSize: 4)
    var engine = try WriteEngine(run, link: link)
    let error = try #require(throws: DFUError.self) {
      _ = try Script(
        Script.settles(Script.pointer(0x0800_0000)) + Script.settles("DNLOAD 2 | 01 02 03 04")
          + """
          DNLOAD 3 | 05 06 07 08
          GETSTATUS < 00 05 00 00 04 00
          WAIT 5
          GETSTATUS < 06 00 00 00 0a 00
          """
      ).play(&engine)
    }
    #expect(error.block == 3)
    #expect(error.address == 0x0800_0004)
    #expect(error.status == .errProg)
    #expect(engine.output.end == 0x0800_0004)
    #expect(engine.current == 0x0800_0004..<0x0800_0008)
  }

  @Test func `cancelling finishes the block and names the state`() throws {
    let run = WriteRun(address: 0, bytes: [1, 2, 3, 4, 5, 6, 7, 8], transferSize: 4)
    var engine = try WriteEngine(run, link: link)
    let error = try #require(throws: DFUError.self) {
      _ = try Script(
        Script.settles(Script.pointer(0))
          + """
          DNLOAD 2 | 01 02 03 04
          CANCEL
          GETSTATUS < 00 00 00 00 04 00
          GETSTATUS < 00 00 00 00 05 00
          """
      ).play(&engine)
    }
    #expect(error.code == .cancelled)
    #expect(error.state == .dfuDnloadIdle)
    #expect(engine.output.byteCount == 4)
  }

  @Test func `with a window of 2 a block and its first GETSTATUS go out together`() throws {
    var two = link
    two.window = 2
    let run = WriteRun(address: 0, bytes: [1, 2, 3, 4], transferSize: 4)
    var engine = try WriteEngine(run, link: two)
    for _ in 0..<2 {
      guard case .controlOut(let download, _, _, _)? = engine.next(),
        case .controlIn(let status, _, _)? = engine.next()
      else {
        Issue.record("the two do not go out together")
        return
      }
      #expect(engine.next() == nil)
      // The later one is reported first.
      try engine.handle(.received(status, [0, 0, 0, 0, 4, 0]))
      #expect(engine.next() == nil)
      try engine.handle(.sent(download))
      guard case .controlIn(let again, _, _)? = engine.next() else {
        Issue.record("the second question is missing")
        return
      }
      try engine.handle(.received(again, [0, 0, 0, 0, 5, 0]))
    }
    #expect(engine.next() == .finish)
    #expect(engine.output.byteCount == 4)
  }

  @Test func `rule 13: option bytes end with the loss of the device`() throws {
    let run = WriteRun(address: 0x1FFF_C000, bytes: [1, 2, 3, 4], transferSize: 4)
    var engine = try WriteEngine(run, link: link, during: .optionBytes)
    _ = try Script(
      Script.settles(Script.pointer(0x1FFF_C000))
        + """
        DNLOAD 2 | 01 02 03 04
        GETSTATUS < 00 00 00 00 04 00
        GETSTATUS ! disconnected
        """
    ).play(&engine)
    #expect(engine.hasDisappeared)
  }

  @Test func `a device lost before the option bytes were sent is an error`() throws {
    let run = WriteRun(address: 0x1FFF_C000, bytes: [1, 2, 3, 4], transferSize: 4)
    let error = try failure(
      WriteEngine(run, link: link, during: .optionBytes),
      Script.pointer(0x1FFF_C000) + " ! disconnected")
    #expect(error.code == .lost)
  }

  @Test func `errVENDOR on Set Address is read-out protection`() throws {
    let run = WriteRun(address: 0x0800_0000, bytes: [1, 2, 3, 4], transferSize: 4)
    let error = try failure(
      WriteEngine(run, link: link),
      Script.pointer(0x0800_0000)
        + """

        GETSTATUS < 00 00 00 00 04 00
        GETSTATUS < 0b 00 00 00 0a 00
        """)
    #expect(error.code == .readProtected)
    #expect(error.help?.contains("dfu unprotect") == true)
  }
}
