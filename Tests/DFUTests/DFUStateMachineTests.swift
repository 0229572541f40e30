import DFU
import Testing
import USB

private typealias Event = DFUStateMachine.Event
private let all: DFUFunctionalDescriptor.Attributes = [
  .canDownload, .canUpload, .manifestationTolerant,
]
private let states = (UInt8(0)...10).map { DFUState(rawValue: $0) }
private let requests: [Event] = [
  .detach, .download, .downloadEmpty, .upload, .getStatus, .clearStatus, .getState, .abort,
]

@Suite struct `The state machine of annex A` {
  private func next(
    _ state: DFUState, _ event: Event, _ attributes: DFUFunctionalDescriptor.Attributes = all
  ) -> [DFUState] {
    DFUStateMachine.transition(from: state, on: event, attributes: attributes).map(\.state)
  }

  @Test func `the way of a download`() {
    #expect(next(.dfuIdle, .download) == [.dfuDnloadSync])
    #expect(next(.dfuDnloadSync, .getStatus) == [.dfuDnBusy, .dfuDnloadIdle])
    #expect(next(.dfuDnBusy, .pollTimeout) == [.dfuDnloadSync])
    #expect(next(.dfuDnloadIdle, .download) == [.dfuDnloadSync])
    #expect(next(.dfuDnloadIdle, .downloadEmpty) == [.dfuManifestSync, .dfuError])
    #expect(next(.dfuManifestSync, .getStatus) == [.dfuManifest, .dfuIdle])
    #expect(next(.dfuManifest, .pollTimeout) == [.dfuManifestSync])
  }

  @Test func `a device that does not tolerate manifestation waits for a reset`() {
    let strict = all.subtracting(.manifestationTolerant)
    #expect(next(.dfuManifestSync, .getStatus, strict) == [.dfuManifest])
    #expect(next(.dfuManifest, .pollTimeout, strict) == [.dfuManifestWaitReset])
    for request in requests {
      let outcome = DFUStateMachine.transition(
        from: .dfuManifestWaitReset, on: request, attributes: strict)
      #expect(outcome.map(\.reply) == [.silence])
    }
  }

  @Test func `the way of an upload`() {
    #expect(next(.dfuIdle, .upload) == [.dfuUploadIdle])
    let outcomes = DFUStateMachine.transition(from: .dfuUploadIdle, on: .upload, attributes: all)
    #expect(outcomes.map(\.condition) == [.fullBlock, .shortBlock])
    #expect(outcomes.map(\.state) == [.dfuUploadIdle, .dfuIdle])
    #expect(next(.dfuUploadIdle, .abort) == [.dfuIdle])
  }

  @Test func `detaching and coming back in DFU mode`() {
    #expect(next(.appIdle, .detach) == [.appDetach])
    #expect(next(.appDetach, .usbReset) == [.dfuIdle, .dfuError])
    #expect(next(.appDetach, .detachTimeout) == [.appIdle])
    #expect(next(.appDetach, .powerOnReset) == [.appIdle])
  }

  @Test func `what the device cannot do is an error`() {
    let nothing: DFUFunctionalDescriptor.Attributes = []
    #expect(next(.dfuIdle, .download, nothing) == [.dfuError])
    #expect(next(.dfuIdle, .upload, nothing) == [.dfuError])
    #expect(next(.dfuIdle, .downloadEmpty) == [.dfuError])
  }

  @Test func `only clear status leads out of an error`() {
    let cleared = DFUStateMachine.transition(from: .dfuError, on: .clearStatus, attributes: all)
    #expect(cleared.map(\.state) == [.dfuIdle])
    #expect(cleared.map(\.status) == [.ok])
    for request in requests where request != .clearStatus {
      #expect(next(.dfuError, request) == [.dfuError])
    }
    // And it is an error everywhere else in DFU mode.
    for state in states.dropFirst(2) where state != .dfuError && state != .dfuManifestWaitReset {
      #expect(next(state, .clearStatus) == [.dfuError])
    }
  }

  @Test func `every state answers every request in one of three ways`() {
    for state in states {
      for request in requests {
        let outcomes = DFUStateMachine.transition(from: state, on: request, attributes: all)
        #expect(!outcomes.isEmpty)
        for outcome in outcomes {
          #expect(outcome.reply == .stall || outcome.reply == .accept || outcome.reply == .silence)
          if outcome.reply == .stall {
            #expect(outcome.state == (state.rawValue < 2 ? .appIdle : .dfuError))
          }
        }
        if outcomes.count > 1 {
          #expect(Set(outcomes.map(\.condition)).count == outcomes.count)
          #expect(!outcomes.contains { $0.condition == .always })
        }
      }
    }
  }

  @Test func `get state changes nothing unless it is refused`() {
    for state in states {
      for outcome in DFUStateMachine.transition(from: state, on: .getState, attributes: all)
      where outcome.reply == .accept {
        #expect(outcome.state == state)
      }
    }
  }

  @Test func `every state is left by a reset`() {
    for state in states.dropFirst(2) {
      #expect(next(state, .usbReset) == [.appIdle, .dfuError])
      #expect(next(state, .powerOnReset) == [.appIdle, .dfuError])
    }
  }

  @Test func `the specification says nothing of other states`() {
    #expect(next(DFUState(rawValue: 11), .getStatus).isEmpty)
    #expect(next(DFUState(rawValue: 255), .usbReset).isEmpty)
  }

  @Test func `requests are events by their length`() {
    #expect(Event(.download, length: 0) == .downloadEmpty)
    #expect(Event(.download, length: 1) == .download)
    #expect(Event(.upload, length: 0) == .upload)
    for request in DFURequest.allCases {
      #expect(requests.contains(Event(request, length: 1)))
    }
  }
}
