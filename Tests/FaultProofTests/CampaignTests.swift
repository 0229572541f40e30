import DFUHost
import FaultProof
import Testing
import VirtualDFU

/// A thinned set of what `Proof/run` does in full: every operation of every profile, a fault at a
/// transfer, and the same operation again.
@Suite("Faults at every transfer") struct CampaignTests {
  @Test(arguments: Profile.all.map(\.name))
  func `a fault ends in success that the memory confirms or in an error that is true`(
    _ name: String
  ) async throws {
    var campaign = Campaign(workers: 1)
    campaign.profiles = [try #require(Profile.named(name))]
    campaign.thinning = 199
    let result = try await campaign.run()
    #expect(result.schedules > 0)
    #expect(result.violations == [])
  }

  @Test func `every operation is run on a part that can do all of them`() async throws {
    for operation in ProofOperation.allCases {
      let workload = try #require(Workload(.stm32f407, operation))
      let baseline = try await Baseline(workload)
      #expect(baseline.refusal == nil)
      #expect(baseline.transfers.count > 10)
      #expect(baseline.schedules().count > 10 * baseline.transfers.count)
    }
  }

  /// The judge must be able to condemn.
  @Test(arguments: [HostRule.waitsForSlowStatus, .comesToIdle])
  func `a host without one of its rules is condemned`(_ rule: HostRule) async throws {
    let workload = try #require(Workload(.stm32l476, .reflash))
    let baseline = try await Baseline(workload)
    let violations = await HostRule.withoutRule(rule) {
      var violations: [String] = []
      for schedule in baseline.schedules() where violations.isEmpty {
        violations += await FaultRun(workload, schedule).verdict(against: baseline).violations
      }
      return violations
    }
    #expect(!violations.isEmpty)
  }

  @Test func `the same schedule ends in the same way every time`() async throws {
    let workload = try #require(Workload(.stm32f407, .reflash))
    let baseline = try await Baseline(workload)
    let run = FaultRun(workload, try FaultSchedule("power@erase+1,intruder@erase+1"))
    let first = await run.verdict(against: baseline)
    #expect(first.outcome == "device-lost")
    #expect(first.violations == [])
    #expect(await run.verdict(against: baseline).outcome == first.outcome)
  }
}
