import HostConformance
import Testing
import USB
import VirtualUSB

/// Records the verdict as that of the test case: a check that cannot be asked is skipped, by name and
/// with the reason.
func judge(_ verdict: Check.Verdict) throws {
  switch verdict {
  case .kept: break
  case .broken(let what): Issue.record("\(what)")
  case .skipped(let reason): try Test.cancel("\(reason)")
  }
}

@Suite("The promises of a host, kept by", .timeLimit(.minutes(1)))
struct ConformanceTests {
  @Test(arguments: Check.all)
  func `the virtual bus on the simulated clock, at full speed`(_ check: Check) async throws {
    try judge(try await Simulation().run { clock in await check.run(on: .virtual(clock)) })
  }

  @Test(arguments: Check.all)
  func `the virtual bus on the simulated clock, at high speed`(_ check: Check) async throws {
    try judge(
      try await Simulation().run { clock in await check.run(on: .virtual(clock, speed: .high)) })
  }

  @Test(arguments: Check.all)
  func `the virtual bus on a real clock`(_ check: Check) async throws {
    try judge(await check.run(on: .virtual(AnyClock(ContinuousClock()))))
  }

  @Test(arguments: Check.all)
  func `the client of a USB/IP server on this machine`(_ check: Check) async throws {
    try judge(try await NetworkFixture.run { await check.run(on: $0) })
  }
}
