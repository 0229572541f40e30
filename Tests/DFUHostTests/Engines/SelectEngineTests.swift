import DFU
import Testing
import USB

@testable import DFUHost

struct SelectEngineTests {
  @Test func `a device in dfuIDLE is selected and asked once`() throws {
    var engine = SelectEngine(setting: 0, link: link)
    let output = try Script(
      """
      SELECT 0
      GETSTATUS < 00 00 00 00 02 00
      """
    ).play(&engine)
    #expect(output.last?.state == .dfuIdle)
  }

  @Test func `rule 3: dfuERROR is cleared, and errFIRMWARE is how a blank part greets`() throws {
    var engine = SelectEngine(setting: 0, link: link)
    let output = try Script(
      """
      SELECT 0
      GETSTATUS < 0a 00 00 00 0a 00
      CLRSTATUS
      GETSTATUS < 00 00 00 00 02 00
      """
    ).play(&engine)
    #expect(output.first?.status == .errFirmware)
  }

  @Test(arguments: [UInt8(5), 9])
  func `rule 3: a transfer under way is aborted`(state: UInt8) throws {
    var engine = SelectEngine(setting: 2, link: link)
    _ = try Script(
      """
      SELECT 2
      GETSTATUS < 00 00 00 00 \(hex(state)) 00
      ABORT
      GETSTATUS < 00 00 00 00 02 00
      """
    ).play(&engine)
  }

  @Test func `rule 4: SET_INTERFACE is sent even where there is one setting only`() throws {
    var engine = SelectEngine(setting: 0, isOnlySetting: true, link: link)
    _ = try Script(
      """
      SELECT 0 ! stall
      GETSTATUS < 00 00 00 00 02 00
      """
    ).play(&engine)
  }

  @Test func `a setting that is refused among several is an error`() throws {
    let error = try failure(SelectEngine(setting: 1, link: link), "SELECT 1 ! stall")
    #expect(error.code == .stalled)
    #expect(error.phase == .select)
  }

  @Test func `a busy device is waited for`() throws {
    var engine = SelectEngine(setting: nil, link: link)
    _ = try Script(
      """
      GETSTATUS < 00 07 00 00 04 00
      WAIT 7
      GETSTATUS < 00 00 00 00 05 00
      ABORT
      GETSTATUS < 00 00 00 00 02 00
      """
    ).play(&engine)
  }

  @Test func `a device that is busy for ever is given up`() throws {
    var engine = SelectEngine(setting: nil, link: link)
    var answers = 0
    let error = try #require(throws: DFUError.self) {
      while let action = engine.next(), action != .finish {
        guard case .controlIn(let token, _, _) = action else {
          try engine.handle(.waited)
          continue
        }
        answers += 1
        try engine.handle(.received(token, [0, 0, 0, 0, 4, 0]))
      }
    }
    #expect(error.code == .stillBusy)
    #expect(answers < 100)
  }

  @Test func `an application is not a bootloader`() throws {
    let error = try failure(
      SelectEngine(setting: nil, link: link), "GETSTATUS < 00 00 00 00 00 00")
    #expect(error.code == .runtimeMode)
  }

  @Test func `a device that waits for a reset says so`() throws {
    let error = try failure(
      SelectEngine(setting: nil, link: link), "GETSTATUS < 00 00 00 00 08 00")
    #expect(error.code == .waitsForReset)
  }

  @Test func `an error that does not go away ends the attempt`() throws {
    var engine = SelectEngine(setting: nil, link: link)
    var requests = 0
    #expect(throws: DFUError.self) {
      while let action = engine.next(), action != .finish {
        requests += 1
        switch action {
        case .controlIn(let token, _, _):
          try engine.handle(.received(token, [0x0E, 0, 0, 0, 10, 0]))
        case .controlOut(let token, _, _, _): try engine.handle(.sent(token))
        default: try engine.handle(.waited)
        }
      }
    }
    #expect(requests < 100)
  }

  @Test func `a short answer is malformed, not a trap`() throws {
    let error = try failure(SelectEngine(setting: nil, link: link), "GETSTATUS < 00 00 00")
    #expect(error.code == .malformedAnswer)
    #expect(error.sentence.contains("3 bytes"))
  }
}
