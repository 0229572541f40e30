import FaultProof
import VirtualDFU

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// `fault-proof`: every fault at every transfer; `fault-proof PROFILE OPERATION SCHEDULE`: one of them.
@main
struct FaultProofCommand {
  static func main() async throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    if arguments.count == 3 {
      try await one(arguments[0], arguments[1], arguments[2])
      return
    }
    var campaign = Campaign()
    if let name = arguments.first {
      guard let profile = Profile.named(name) else { return fail("There is no profile \(name).") }
      campaign.profiles = [profile]
    }
    let clock = ContinuousClock()
    let start = clock.now
    let result = try await campaign.run { profile, result in
      let name = profile + String(repeating: " ", count: max(0, 18 - profile.count))
      print("\(name) \(result.schedules) schedules, \(result.violations.count) violations")
    }
    let seconds = start.duration(to: clock.now).components.seconds
    for (outcome, count) in result.outcomes.sorted(by: { $0.key < $1.key }) {
      print("  \(outcome): \(count)")
    }
    for violation in result.violations.prefix(20000) { print("VIOLATION \(violation)") }
    print("\(result.schedules) schedules, \(result.violations.count) violations, \(seconds) s")
    if !result.violations.isEmpty { fail("") }
  }

  private static func one(_ name: String, _ operation: String, _ text: String) async throws {
    guard let profile = Profile.named(name), let operation = ProofOperation(rawValue: operation),
      let workload = Workload(profile, operation)
    else { return fail("There is no such profile or operation.") }
    let run = FaultRun(workload, try FaultSchedule(text))
    let verdict = await run.verdict(against: try await Baseline(workload))
    print("ended with: \(verdict.outcome)")
    for violation in verdict.violations { print("VIOLATION \(violation)") }
    if !verdict.violations.isEmpty { fail("") }
  }

  private static func fail(_ text: String) {
    if !text.isEmpty { print(text) }
    exit(1)
  }
}
