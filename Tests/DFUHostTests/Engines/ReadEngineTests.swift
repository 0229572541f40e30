import DFU
import Testing
import USB

@testable import DFUHost

struct ReadEngineTests {
  static let start =
    Script.settles(Script.pointer(0x1000)) + "ABORT\nGETSTATUS < 00 00 00 00 02 00\n"

  @Test func `a range is read behind Set Address, ABORT and dfuIDLE, without status between`()
    throws
  {
    var engine = try ReadEngine([.init(0x1000..<0x100A)], link: link, during: .read)
    let results = try Script(
      Self.start
        + """
        UPLOAD 2 4 < 01 02 03 04
        UPLOAD 3 4 < 05 06 07 08
        UPLOAD 4 2 < 09 0a
        ABORT
        """
    ).play(&engine)
    #expect(results == [.init(bytes: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], mustErase: false)])
  }

  @Test func `Openmoko gets no GETSTATUS at all while it uploads`() throws {
    var link = link
    link.noStatusWhileUploading = true
    var engine = try ReadEngine([.init(0x1000..<0x1004)], link: link, during: .read)
    _ = try Script(
      Script.settles(Script.pointer(0x1000))
        + """
        ABORT
        UPLOAD 2 4 < 01 02 03 04
        ABORT
        """
    ).play(&engine)
  }

  @Test func `reading stops at the byte that proves an erase, and jumps on by block number`() throws
  {
    var engine = try ReadEngine(
      [
        .init(0x1000..<0x1010, expected: [UInt8](repeating: 0xAA, count: 16)),
        .init(0x1010..<0x1018, expected: [UInt8](repeating: 0xBB, count: 8)),
      ], link: link, during: .survey)
    let results = try Script(
      Self.start
        + """
        UPLOAD 2 4 < aa aa aa aa
        UPLOAD 3 4 < aa 01 aa aa    # 01 differs and is not FF: the sector must be erased
        UPLOAD 6 4 < bb bb bb bb
        UPLOAD 7 4 < bb bb bb bb
        ABORT
        """
    ).play(&engine)
    #expect(results[0].mustErase)
    #expect(results[0].bytes == [0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 1, 0xAA, 0xAA])
    #expect(!results[1].mustErase)
    #expect(results[1].bytes.count == 8)
  }

  @Test func `erased bytes prove nothing: the sector is read whole`() throws {
    var engine = try ReadEngine(
      [.init(0x1000..<0x1008, expected: [1, 2, 3, 4, 5, 6, 7, 8])], link: link, during: .survey)
    let results = try Script(
      Self.start
        + """
        UPLOAD 2 4 < ff*4
        UPLOAD 3 4 < ff*4
        ABORT
        """
    ).play(&engine)
    #expect(results == [.init(bytes: [UInt8](repeating: 0xFF, count: 8), mustErase: false)])
  }

  @Test func `a range that no block number reaches gets a Set Address of its own`() throws {
    var engine = try ReadEngine(
      [.init(0x1000..<0x1004), .init(0x1006..<0x100A), .init(0x0100..<0x0104)], link: link,
      during: .read)
    _ = try Script(
      Self.start
        + """
        UPLOAD 2 4 < 01 02 03 04
        ABORT

        """ + Script.settles(Script.pointer(0x1006))
          + """
          ABORT
          GETSTATUS < 00 00 00 00 02 00
          UPLOAD 2 4 < 05 06 07 08
          ABORT

          """ + Script.settles(Script.pointer(0x0100))
          + """
          ABORT
          GETSTATUS < 00 00 00 00 02 00
          UPLOAD 2 4 < 09 0a 0b 0c
          ABORT
          """
    ).play(&engine)
  }

  @Test func `block 65 535 is never asked for`() throws {
    let small = DFULink(interface: 0, transferSize: 1)
    var engine = try ReadEngine([.init(0..<65_540)], link: small, during: .read)
    var highest: UInt16 = 0
    var pointers = 0
    while let action = engine.next(), action != .finish {
      switch action {
      case .controlOut(let token, let setup, let data, _):
        if setup.request == 1, data.first == 0x21 { pointers += 1 }
        try engine.handle(.sent(token))
      case .controlIn(let token, let setup, _):
        if setup.request == 2 {
          highest = max(highest, setup.value)
          try engine.handle(.received(token, [7]))
        } else {
          // Set Address settles; behind DFU_ABORT the device is idle.
          let state: UInt8 = engine.step == .checking ? 2 : 5
          try engine.handle(.received(token, [0, 0, 0, 0, state, 0]))
        }
      default: try engine.handle(.waited)
      }
    }
    #expect(highest == 65_534)
    #expect(pointers == 2)
    #expect(engine.output[0].bytes.count == 65_540)
  }

  @Test func `uploads of a window come back in any order`() throws {
    var four = link
    four.window = 4
    var engine = try ReadEngine([.init(0x1000..<0x1018)], link: four, during: .read)
    var held: [(Token, UInt16, UInt16)] = []
    var most = 0
    while true {
      let action = engine.next()
      if action == .finish { break }
      switch action {
      case .controlOut(let token, _, _, _)?: try engine.handle(.sent(token))
      case .controlIn(let token, let setup, _)? where setup.request == 2:
        held.append((token, setup.value, setup.length))
        most = max(most, held.count)
      case .controlIn(let token, _, _)?:
        let state: UInt8 = engine.step == .checking ? 2 : 5
        try engine.handle(.received(token, [0, 0, 0, 0, state, 0]))
      case nil:
        // The youngest first.
        let last = held.popLast()
        let (token, block, length) = try #require(last)
        try engine.handle(
          .received(token, [UInt8](repeating: UInt8(block), count: Int(length))))
      default: try engine.handle(.waited)
      }
    }
    #expect(most == 4)
    #expect(engine.output[0].bytes == (2...7).flatMap { [UInt8](repeating: $0, count: 4) })
  }

  @Test func `errVENDOR on an upload is read-out protection`() throws {
    let error = try failure(
      ReadEngine([.init(0x1000..<0x1004)], link: link, during: .survey),
      Self.start
        + """
        UPLOAD 2 4 ! stall
        GETSTATUS < 0b 00 00 00 0a 00
        """)
    #expect(error.code == .readProtected)
    #expect(error.address == 0x1000)
  }

  @Test func `a short answer in the middle is an error with its address`() throws {
    let error = try failure(
      ReadEngine([.init(0x1000..<0x100C)], link: link, during: .read),
      Self.start
        + """
        UPLOAD 2 4 < 01 02 03 04
        UPLOAD 3 4 < 05
        ABORT
        """)
    #expect(error.code == .shortRead)
    #expect(error.address == 0x1005)
  }

  @Test func `cancelling aborts the upload and leaves dfuIDLE`() throws {
    let error = try failure(
      ReadEngine([.init(0x1000..<0x1010)], link: link, during: .verify),
      Self.start
        + """
        UPLOAD 2 4 < 01 02 03 04
        CANCEL
        UPLOAD 3 4 < 05 06 07 08
        ABORT
        """)
    #expect(error.code == .cancelled)
    #expect(error.state == .dfuIdle)
  }

  @Test func `nothing to read asks for nothing`() throws {
    var engine = try ReadEngine([.init(5..<5)], link: link, during: .read)
    #expect(engine.next() == .finish)
  }
}
