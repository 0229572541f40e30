import USB
public import VirtualDFU

/// Every operation of every profile, with every fault at every transfer.
public struct Campaign: Sendable {
  /// The profiles.
  public var profiles: [Profile]
  /// The operations.
  public var operations: [ProofOperation]
  /// One schedule of so many is run; 1 for all.
  public var thinning: Int
  /// How many run at the same time.
  public var workers: Int

  /// A campaign; all of it unless something else is said.
  public init(
    profiles: [Profile] = Profile.all, operations: [ProofOperation] = ProofOperation.allCases,
    thinning: Int = 1, workers: Int = 2
  ) {
    self.profiles = profiles
    self.operations = operations
    self.thinning = max(thinning, 1)
    self.workers = max(workers, 1)
  }

  /// What a campaign showed.
  public struct Result: Sendable {
    /// How many schedules were run.
    public var schedules = 0
    /// What must not be, each with the run that shows it.
    public var violations: [String] = []
    /// How many runs ended how, for each operation.
    public var outcomes: [String: Int] = [:]
    /// How many schedules were run on each profile, in their order.
    public var byProfile: [(name: String, schedules: Int, violations: Int)] = []

    mutating func add(_ verdict: Verdict, of run: FaultRun) {
      schedules += 1
      outcomes["\(run.workload.operation.rawValue) \(verdict.outcome)", default: 0] += 1
      violations += verdict.violations.map { "\(run): \($0)" }
    }

    mutating func merge(_ other: Result) {
      schedules += other.schedules
      violations += other.violations
      outcomes.merge(other.outcomes, uniquingKeysWith: +)
    }
  }

  /// Runs it.
  ///
  /// - Parameter progress: is told what a profile showed, when it is done.
  /// - Returns: the counts, and every violation.
  /// - Throws: `SimulationError` where an operation without faults never ends.
  public func run(
    progress: @Sendable (_ profile: String, Result) -> Void = { _, _ in }
  ) async throws -> Result {
    var total = Result()
    for profile in profiles {
      var runs: [(FaultRun, Baseline)] = []
      for operation in operations {
        guard let workload = Workload(profile, operation) else { continue }
        let baseline = try await Baseline(workload)
        runs += baseline.schedules().map { (FaultRun(workload, $0), baseline) }
      }
      let chosen = runs.indices.filter { $0 % thinning == 0 }.map { runs[$0] }
      let result = await run(chosen)
      total.byProfile.append((profile.name, result.schedules, result.violations.count))
      total.merge(result)
      progress(profile.name, result)
    }
    return total
  }

  private func run(_ runs: [(FaultRun, Baseline)]) async -> Result {
    await withTaskGroup(of: Result.self) { group in
      for worker in 0..<workers {
        group.addTask {
          var result = Result()
          for index in stride(from: worker, to: runs.count, by: workers) {
            let (run, baseline) = runs[index]
            result.add(await run.verdict(against: baseline), of: run)
          }
          return result
        }
      }
      var total = Result()
      for await result in group { total.merge(result) }
      total.violations.sort()
      return total
    }
  }
}
