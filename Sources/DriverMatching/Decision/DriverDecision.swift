/// Which driver a system binds to one device, interface or function, as a value with its whole trace.
public struct DriverDecision: Codable, Hashable, Sendable {
  /// The two systems that are explained.
  public enum System: String, Codable, Hashable, Sendable, CaseIterable {
    /// Linux: module aliases and `usb_device_id` tables.
    case linux
    /// Windows: INF files and ranks.
    case windows
  }

  /// One rule that was applied, and what it found.
  public struct Step: Codable, Hashable, Sendable {
    /// The rule's stable name: lower case, words joined by hyphens.
    public var rule: String
    /// What it found, as one sentence with the ids, numbers and names that it is about.
    public var sentence: String
    /// What it rests on.
    public var evidence: Evidence

    /// One step of the trace.
    public init(_ rule: String, _ sentence: String, _ evidence: Evidence) {
      self.rule = rule
      self.sentence = sentence
      self.evidence = evidence
    }
  }

  /// A driver that could bind, or nearly could, and what became of it.
  public struct Candidate: Codable, Hashable, Sendable {
    /// What became of a candidate.
    public enum Verdict: String, Codable, Hashable, Sendable, CaseIterable {
      /// It binds.
      case wins
      /// It matches as well as another; which of them binds is decided outside of the descriptors.
      case ties
      /// It matches, and another is preferred.
      case outranked
      /// It does not match, or a rule excludes it.
      case dropped
    }

    /// The module or the service: `cdc_acm`, `WINUSB`.
    public var driver: String
    /// The file that offers it: `modules.alias`, `oem12.inf`.
    public var origin: String
    /// What matched: an alias pattern, a hardware id; nil where nothing did.
    public var match: String?
    /// Windows' rank, `0xSSGGTHHH`, lower is better; nil on Linux and where nothing matched.
    public var rank: UInt32?
    /// What became of it.
    public var verdict: Verdict
    /// The rules that kept or dropped it, in order.
    public var steps: [Step]

    /// A candidate; see the properties.
    public init(
      driver: String, origin: String, match: String? = nil, rank: UInt32? = nil, verdict: Verdict,
      steps: [Step] = []
    ) {
      self.driver = driver
      self.origin = origin
      self.match = match
      self.rank = rank
      self.verdict = verdict
      self.steps = steps
    }
  }

  /// The system that decides.
  public var system: System
  /// What it decides about: `device`, `interface 2`, `function MI_02`.
  public var subject: String
  /// The names that it is looked for by, best first: a modalias; hardware and then compatible ids.
  public var names: [String]
  /// What was found out before candidates were compared, and after.
  public var steps: [Step]
  /// Every driver that was considered, best first.
  public var candidates: [Candidate]
  /// What the system does, as one sentence, also where nothing binds.
  public var outcome: Step
  /// What would change the outcome, each as one sentence that says what the outcome then were.
  public var changes: [Step]

  /// A decision; see the properties.
  public init(
    system: System, subject: String, names: [String] = [], steps: [Step] = [],
    candidates: [Candidate] = [], outcome: Step, changes: [Step] = []
  ) {
    self.system = system
    self.subject = subject
    self.names = names
    self.steps = steps
    self.candidates = candidates
    self.outcome = outcome
    self.changes = changes
  }

  /// The drivers that bind: none, one, or several of which one will.
  public var drivers: [String] {
    let wins = candidates.filter { $0.verdict == .wins }.map(\.driver)
    return wins.isEmpty ? candidates.filter { $0.verdict == .ties }.map(\.driver) : wins
  }
}
