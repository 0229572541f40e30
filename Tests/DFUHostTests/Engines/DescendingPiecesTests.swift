import DFU
import Testing
import USB

@testable import DFUHost

/// Found by the fuzzer `engines`: the block number behind the pointer was computed for a piece in
/// front of it, which overflowed where the transfer size divides 2^64 - 1.
struct DescendingPiecesTests {
  /// Answers as a DfuSe device in good order does, with the low byte of the address as content.
  private struct Device {
    var state: UInt8 = 2
    var pointer: UInt64 = 0

    mutating func event(_ action: DFUAction, transferSize: Int) -> DFUEvent {
      switch action {
      case .controlOut(let token, let setup, let data, _):
        if setup.request == DFURequest.download.rawValue {
          state = 3
          if case .setAddressPointer(let address)? = DfuSeCommand(data) {
            pointer = UInt64(address)
          }
        } else {
          state = 2
        }
        return .sent(token)
      case .controlIn(let token, let setup, _):
        guard setup.request == DFURequest.upload.rawValue else {
          state = state == 3 ? 4 : state == 4 ? 5 : state
          return .received(token, [0, 0, 0, 0, state, 0])
        }
        state = 9
        let start = pointer + UInt64(setup.value - 2) * UInt64(transferSize)
        let bytes = (0..<UInt64(setup.length)).map { UInt8(truncatingIfNeeded: start + $0) }
        return .received(token, bytes)
      case .setAlternateSetting(let token, _, _), .reset(let token): return .sent(token)
      case .wait, .finish: return .waited
      }
    }
  }

  @Test(arguments: [1, 2, 3, 5, 17, 64], [1, 3])
  func `a piece in front of the one before is read in blocks of any size`(
    transferSize: Int, window: Int
  ) throws {
    let link = DFULink(interface: 0, transferSize: transferSize, window: window)
    var engine = try ReadEngine(
      [.init(0x0800_0080..<0x0800_0090), .init(0x0800_0000..<0x0800_0007)], link: link,
      during: .read)
    var device = Device()
    var outstanding: [DFUAction] = []
    for _ in 0..<1000 {
      while outstanding.count < engine.window, let action = engine.next() {
        if action == .finish {
          #expect(engine.output.map(\.bytes) == [Array(0x80..<0x90), Array(0..<7)])
          return
        }
        outstanding.append(action)
      }
      try engine.handle(device.event(outstanding.removeFirst(), transferSize: transferSize))
    }
    Issue.record("the engine does not come to an end")
  }
}
