import DFU
import Testing
import USB

@testable import DFUHost

/// Devices that answer anything, in any order: no engine traps, and each comes to an end.
struct EngineChaosTests {
  struct Dice {
    var state: UInt64

    mutating func roll(_ sides: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state >> 33) % sides
    }
  }

  static func play<Engine: DFUEngine>(_ engine: Engine, _ dice: inout Dice) -> Bool {
    var engine = engine
    var held: [DFUAction] = []
    for _ in 0..<30_000 {
      while held.count < engine.window, let action = engine.next() {
        if action == .finish { return true }
        held.append(action)
      }
      guard !held.isEmpty else { return false }
      let action = held.remove(at: dice.roll(held.count))
      do {
        if dice.roll(500) == 0 { try engine.handle(.cancelRequested) }
        if dice.roll(50) == 0 { try engine.handle(.sent(Token(rawValue: 9999))) }
        if dice.roll(50) == 0 { try engine.handle(.waited) }
        try engine.handle(event(action, &dice))
      } catch {
        return true
      }
    }
    return false
  }

  static func event(_ action: DFUAction, _ dice: inout Dice) -> DFUEvent {
    func failure(_ token: Token) -> DFUEvent {
      let codes = TransferError.Code.allCases
      return .failed(token, TransferError(codes[dice.roll(codes.count)]))
    }
    switch action {
    case .controlOut(let token, _, _, _), .setAlternateSetting(let token, _, _), .reset(let token):
      return dice.roll(60) == 0 ? failure(token) : .sent(token)
    case .controlIn(let token, let setup, _):
      if dice.roll(60) == 0 { return failure(token) }
      if setup.request == DFURequest.getStatus.rawValue {
        let states: [UInt8] = [2, 2, 5, 5, 5, 4, 4, 3, 6, 7, 8, 9, 10, 0, 77]
        let status: UInt8 = dice.roll(20) == 0 ? UInt8(dice.roll(256)) : 0
        let bytes = [
          status, UInt8(dice.roll(256)), UInt8(dice.roll(3)), 0, states[dice.roll(states.count)], 0,
        ]
        return .received(token, dice.roll(40) == 0 ? Array(bytes.prefix(dice.roll(6))) : bytes)
      }
      let length = dice.roll(20) == 0 ? dice.roll(9000) : Int(setup.length)
      return .received(token, (0..<length).map { _ in UInt8(dice.roll(256)) })
    case .wait, .finish: return .waited
    }
  }

  @Test(arguments: [1, 2, 5])
  func `no engine traps or runs for ever, whatever the device answers`(window: Int) throws {
    var link = DFULink(interface: 3, transferSize: 16, window: window)
    link.stuckEraseFrom = 0x20
    var dice = Dice(state: 0x1234_5678_9ABC_DEF1 &+ UInt64(window))
    let bytes = (0..<200).map { UInt8($0) }
    for _ in 0..<400 {
      #expect(Self.play(SelectEngine(setting: 1, link: link), &dice))
      #expect(Self.play(try EraseEngine([0..<16, 32..<64], link: link), &dice))
      #expect(Self.play(try CommandEngine(.massErase, link: link), &dice))
      #expect(Self.play(try CommandEngine(.readUnprotect, link: link), &dice))
      #expect(
        Self.play(
          try WriteEngine(
            WriteRun(address: 64, bytes: bytes, transferSize: 16, sent: [0..<3, 7..<13]),
            link: link), &dice))
      #expect(
        Self.play(
          try ReadEngine(
            [.init(0..<200, expected: bytes), .init(300..<333), .init(208..<240)], link: link,
            during: .survey), &dice))
      #expect(Self.play(try LeaveEngine(for: 0x0800_0000, link: link), &dice))
      for way in [
        DetachEngine.Way.byReset, .byDetach, .intoDFUMode(timeout: 255, willDetach: false),
      ] {
        #expect(Self.play(DetachEngine(way, link: link, during: .detach), &dice))
      }
      #expect(
        Self.play(
          try PlainDownloadEngine(
            PlainDownload(bytes: bytes, transferSize: 16), link: link,
            manifestationTolerant: dice.roll(2) == 0), &dice))
      #expect(
        Self.play(PlainUploadEngine(limit: 500, stopsAtLimit: false, link: link), &dice))
    }
  }
}
