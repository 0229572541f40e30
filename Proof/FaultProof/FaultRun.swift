import DFU
import DFUHost
import Firmware
import Synchronization
import USB
public import VirtualDFU
import VirtualUSB

/// One schedule of faults on one operation, and the same operation again without faults.
public struct FaultRun: Sendable, CustomStringConvertible {
  /// What is done, to what.
  public let workload: Workload
  /// What happens meanwhile.
  public let schedule: FaultSchedule
  /// How many requests the host has outstanding.
  public var window = 1

  /// A run.
  public init(_ workload: Workload, _ schedule: FaultSchedule) {
    self.workload = workload
    self.schedule = schedule
  }

  /// What to type to see it again.
  public var description: String {
    "\(workload.profile.name) \(workload.operation.rawValue) \(schedule)"
  }

  /// The longest that both operations may take, in simulated time.
  static let deadline = Duration.seconds(3 * 3600)

  /// What happened.
  struct Evidence: Sendable {
    var first: JobOutcome
    var middle: Finding
    var second: JobOutcome
    var last: Finding
    /// How many entries of the schedule struck.
    var strikes: Int
    /// What was done to a device that had nothing to do with it.
    var intrusions: [JournalEntry.Event]
  }

  /// A look into the part.
  struct Finding: Sendable {
    var contents: [UInt8]
    var journal: [JournalEntry.Event]
  }

  /// Runs it and judges.
  public func verdict(against baseline: Baseline) async -> Verdict {
    do {
      let evidence = try await carryOut()
      return Judge(run: self, baseline: baseline, evidence: evidence).verdict
    } catch {
      return Verdict(violations: ["it never ends: \(error)"], outcome: "hang")
    }
  }

  private func carryOut() async throws -> Evidence {
    try await Simulation(deadline: FaultRun.deadline).run { clock in
      let bus = VirtualBus(clock: clock)
      let path = PortPath(bus: 1, ports: [1])
      bus.attach(workload.board(), path: path)
      let strikes = Mutex(0)
      bus.intercept(
        schedule.interceptor(for: workload.profile, at: path) { _, _ in
          strikes.withLock { $0 += 1 }
        })
      let job = Job(workload: workload, bus: bus, clock: clock, path: path, window: window)
      let first = await job.run()
      bus.intercept(nil)
      // What was begun comes to its end before anybody looks.
      try await clock.sleep(for: .seconds(60))
      let middle = FaultRun.look(at: path, workload.span, on: bus)
      try FaultRun.pressReset(path, on: bus)
      try await clock.sleep(for: .seconds(2))
      let intrusions = FaultRun.removeOthers(than: path, from: bus)
      let second = await job.run()
      try await clock.sleep(for: .seconds(60))
      return Evidence(
        first: first, middle: middle, second: second,
        last: FaultRun.look(at: path, workload.span, on: bus), strikes: strikes.withLock { $0 },
        intrusions: intrusions)
    }
  }

  static func look(at path: PortPath, _ span: Range<UInt64>, on bus: VirtualBus) -> Finding {
    bus.withDevice(at: path, as: VirtualBootloader.self) {
      Finding(contents: $0.contents(span), journal: $0.journal.map(\.event))
    } ?? Finding(contents: [], journal: [])
  }

  /// The board is put in its bootloader again, as a person does who repeats a command: unplugged and
  /// plugged in.
  static func pressReset(_ path: PortPath, on bus: VirtualBus) throws {
    guard let board = bus.detach(path) else { return }
    bus.attach(board, path: path)
  }

  private static func removeOthers(
    than path: PortPath, from bus: VirtualBus
  ) -> [JournalEntry.Event] {
    (UInt8(2)...4).flatMap { port -> [JournalEntry.Event] in
      let other = PortPath(bus: path.bus, ports: [port])
      let board = bus.detach(other) as? VirtualBootloader
      return board?.journal.map(\.event).filter(\.isDoneToIt) ?? []
    }
  }
}

extension JournalEntry.Event {
  /// Whether a host did it; a program that begins when a part gets power is the part's own affair.
  fileprivate var isDoneToIt: Bool {
    if case .launched = self { false } else { true }
  }
}

/// The operation without faults: what it sends, and how it ends.
public struct Baseline: Sendable {
  /// Each transfer: the word for it, and whether it has an answer of bytes.
  public let transfers: [Transfer]
  /// The error that ends it even so, for a part that refuses: a slug.
  public let refusal: String?

  /// A control transfer of the baseline.
  public struct Transfer: Sendable {
    /// Whether it is DFU_GETSTATUS.
    public var isStatus: Bool
    /// Whether bytes come back.
    public var isIn: Bool
    /// Whether work may follow: DFU_DNLOAD or DFU_GETSTATUS.
    public var mayWork: Bool
    /// Whether it brings memory: DFU_UPLOAD.
    public var isUpload: Bool
  }

  /// Runs the operation.
  ///
  /// - Throws: `SimulationError` where it never ends.
  public init(_ workload: Workload, window: Int = 1) async throws {
    let seen = Mutex<[Transfer]>([])
    let outcome = try await Simulation(deadline: FaultRun.deadline).run { clock in
      let bus = VirtualBus(clock: clock)
      let path = PortPath(bus: 1, ports: [1])
      bus.attach(workload.board(), path: path)
      bus.intercept { transfer in
        guard let setup = transfer.setup, transfer.path == path else { return .pass }
        let request = DFURequest(setup)
        seen.withLock {
          $0.append(
            Transfer(
              isStatus: request == .getStatus,
              isIn: setup.requestType.direction == .in && setup.length > 0,
              mayWork: request == .download || request == .getStatus,
              isUpload: request == .upload))
        }
        return .pass
      }
      return await Job(
        workload: workload, bus: bus, clock: clock, path: path, window: window
      ).run()
    }
    transfers = seen.withLock { $0 }
    if case .failed(let error) = outcome { refusal = error.slug } else { refusal = nil }
  }

  /// Every schedule with one fault: each kind at each transfer to which it can happen.
  public func schedules() -> [FaultSchedule] {
    transfers.indices.flatMap { number -> [FaultSchedule] in
      let transfer = transfers[number]
      var kinds: [FaultKind] = [
        .stall, .timeout, .broken, .disconnect, .disconnectInside, .disconnectAfter, .gone,
        .reconnect,
      ]
      if transfer.isIn { kinds += [.shortAnswer, .corruptAnswer, .flip] }
      if transfer.mayWork { kinds.append(.powerCut) }
      if transfer.isStatus {
        kinds += [0, 2, 3, 4, 5, 7, 8, 9, 10, 11].map { .wrongState($0) }
        kinds += [1, 3, 11, 15, 16].map { .wrongStatus($0) }
        kinds += [.endlessBusy, .zeroBusy, .busy(.seconds(5))]
      }
      let place = FaultPlace.number(number)
      let single = kinds.map { FaultSchedule([.init($0, at: place)]) }
      // Another device is plugged in just when this one goes away.
      let pairs = [FaultKind.disconnectAfter, .reconnect].map {
        FaultSchedule([.init(.intruder, at: place), .init($0, at: place)])
      }
      return single + pairs
    }
  }
}
