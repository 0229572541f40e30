import Captures
import HostConformance
import Synchronization
import Testing
import USB
import VirtualUSB

/// A check on a virtual bus is recorded; the same check is made again on what was recorded.
@Suite("The promises of a host, kept again by", .timeLimit(.minutes(1)))
struct ReplayConformanceTests {
  @Test(arguments: Check.all)
  func `the replay of a recording`(_ check: Check) async throws {
    let tape = Mutex<[Recording.Event]>([])
    let verdict = try await Simulation().run { clock in
      await check.run(
        on: .virtual(clock) { bus in
          RecordingHost(bus, clock: AnyClock(clock)) { event in tape.withLock { $0.append(event) } }
        })
    }
    try #require(verdict == .kept)
    let recording = Recording(program: "test", selector: "reference", events: tape.withLock { $0 })
    let document = try RecordingDocument(parsing: recording.text)
    let again = try await Simulation().run { clock in
      let host = ReplayHost(document, clock: AnyClock(clock))
      var fixture = Fixture.virtual(clock)
      fixture.host = host
      fixture.cable = nil
      fixture.absent = [:]
      let verdict = await check.run(on: fixture)
      return (verdict, host.difference)
    }
    #expect(again.1 == nil)
    try judge(again.0)
  }
}
