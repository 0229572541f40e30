import DFU
import Testing
import USB

@testable import DFUHost

struct DetachEngineTests {
  static func engine(timeout: UInt16 = 1000, willDetach: Bool = false) -> DetachEngine {
    DetachEngine(
      .intoDFUMode(timeout: timeout, willDetach: willDetach), link: link, during: .detach)
  }

  @Test func `with bitWillDetach the host does not reset`() throws {
    var engine = Self.engine(willDetach: true)
    #expect(try Script("DETACH 1000").play(&engine) == .goesByItself)
  }

  @Test func `without bitWillDetach the reset follows at once, and a device that goes has gone`()
    throws
  {
    var engine = Self.engine()
    #expect(try Script("DETACH 1000\nRESET ! disconnected").play(&engine) == .gone)
  }

  @Test(arguments: [0, 1, 255, 10_000, 20_000, 0xFFFF] as [UInt16])
  func `wValue is never more than wDetachTimeOut, and never more than ten seconds`(
    _ timeout: UInt16
  ) throws {
    var engine = Self.engine(timeout: timeout, willDetach: true)
    _ = try Script("DETACH \(min(timeout, 10_000))").play(&engine)
  }

  struct State: CustomTestStringConvertible {
    var state: UInt8
    var testDescription: String { DFUState(rawValue: state).description }
  }

  @Test(arguments: [State(state: 0), State(state: 1), State(state: 2), State(state: 10)])
  func `a device that is the same after the reset is asked where it is`(_ test: State) throws {
    var engine = Self.engine()
    let output = try Script(
      "DETACH 1000\nRESET\nGETSTATUS < 00 00 00 00 \(hex(test.state)) 00"
    ).play(&engine)
    #expect(output == .reset(DFUState(rawValue: test.state)))
  }

  @Test(arguments: ["stall", "timeout", "io"])
  func `a device that does not tell its state after the reset is followed all the same`(
    _ failure: String
  ) throws {
    var engine = Self.engine()
    let output = try Script("DETACH 1000\nRESET\nGETSTATUS ! \(failure)").play(&engine)
    #expect(output == .resetInSilence)
  }

  @Test func `a garbled state is no state`() throws {
    var engine = Self.engine()
    #expect(try Script("DETACH 1000\nRESET\nGETSTATUS < 00 00").play(&engine) == .resetInSilence)
  }

  @Test func `a stalled DETACH is a refusal, and no reset follows`() throws {
    for willDetach in [true, false] {
      let error = try failure(Self.engine(willDetach: willDetach), "DETACH 1000 ! stall")
      #expect(error.code == .stalled)
      #expect(error.phase == .detach)
      #expect(error.help?.contains("button") == true)
    }
  }

  @Test(arguments: ["disconnected", "closed", "timeout", "io"])
  func `a device that is gone before it answers has gone`(_ failure: String) throws {
    var engine = Self.engine(willDetach: true)
    #expect(try Script("DETACH 1000 ! \(failure)").play(&engine) == .gone)
  }

  @Test func `a DETACH that was lost on the way is followed by the reset`() throws {
    var engine = Self.engine()
    #expect(try Script("DETACH 1000 ! timeout\nRESET ! disconnected").play(&engine) == .gone)
    var gone = Self.engine()
    #expect(try Script("DETACH 1000 ! disconnected").play(&gone) == .gone)
  }

  @Test func `a system that gives no reset is told apart`() throws {
    var engine = Self.engine()
    #expect(try Script("DETACH 1000\nRESET ! unsupported").play(&engine) == .notReset)
  }

  @Test(arguments: ["permission", "cancelled"])
  func `what the system refuses is an error`(_ code: String) throws {
    for script in ["DETACH 1000 ! \(code)", "DETACH 1000\nRESET ! \(code)"] {
      #expect(try failure(Self.engine(), script).transfer?.code.rawValue == code)
    }
  }

  @Test func `home by a reset, or by DETACH where a device wants that`() throws {
    var reset = DetachEngine(.byReset, link: link, during: .leave)
    #expect(try Script("RESET ! disconnected").play(&reset) == .gone)
    var detach = DetachEngine(.byDetach, link: link, during: .leave)
    #expect(try Script("DETACH 1000").play(&detach) == .goesByItself)
  }

  @Test func `a wish to end does not come between DETACH and its reset`() throws {
    var engine = Self.engine()
    #expect(try Script("CANCEL\nDETACH 1000\nCANCEL\nRESET ! disconnected").play(&engine) == .gone)
  }
}
