import DFU
import DFUHost
import Firmware
import USB
import VirtualDFU
import VirtualUSB

/// How an operation ended.
enum JobOutcome: Sendable {
  case done(FlashReport?, read: FirmwareImage?, plain: [UInt8]?)
  case failed(any ExplainedError)
}

/// One command of a host, as `dfu` would carry it out.
struct Job: Sendable {
  let workload: Workload
  let bus: VirtualBus
  let clock: SimulatedClock
  let path: PortPath
  var window = 1

  /// How long a device may take to come back.
  static let patience = Duration.seconds(60)

  func run() async -> JobOutcome {
    do {
      return try await perform()
    } catch let error as any ExplainedError {
      return .failed(error)
    } catch {
      return .failed(Unexplained(error: "\(error)"))
    }
  }

  private func open() async throws -> DFUSession {
    guard let info = try await bus.devices().first(where: { $0.path == path }) else {
      throw HostError(.notFound, "Nothing is at \(path).")
    }
    var options = SessionOptions()
    options.window = window
    return try await DFUSession.open(info, on: bus, clock: AnyClock(clock), options: options)
  }

  private func with<Result>(_ body: (DFUSession) async throws -> Result) async throws -> Result {
    var session = try await open()
    do {
      if session.description.mode == .runtime {
        _ = try await session.enterDFUMode(on: bus, within: Job.patience)
        session = try await open()
      }
      let result = try await body(session)
      await session.close()
      return result
    } catch {
      await session.close()
      throw error
    }
  }

  private func perform() async throws -> JobOutcome {
    switch workload.operation {
    case .flashBlank, .reflash: return try await with(flash)
    case .unprotectThenFlash:
      try await unprotect()
      return try await with(flash)
    case .read: return try await with(read)
    case .erase:
      return try await with { session in
        let target = try target(of: session)
        let plan = try ErasePlan(workload.sectors[0], of: target)
        guard try await session.erase(plan).blank?.isBlank != false else {
          throw NotBlank()
        }
        return .done(nil, read: nil, plain: nil)
      }
    case .leave:
      return try await with { session in
        _ = try await session.leave(for: workload.sectors[0].lowerBound)
        return .done(nil, read: nil, plain: nil)
      }
    }
  }

  /// Takes the protection away, and waits until the part is back from its reset.
  private func unprotect() async throws {
    try await with { session in
      let follower = DeviceFollower(session.description.info, on: bus, clock: AnyClock(clock))
      let report = try await session.unprotect()
      await session.close()
      let returned = try await follower.returned(.bootloader, within: Job.patience)
      if returned.info == nil { throw DFUError(.notReturned, during: .follow) }
      if case .stayed = returned, report == .resetting {
        throw DFUError(.notReturned, during: .follow)
      }
    }
  }

  private func target(of session: DFUSession) throws -> FlashTarget {
    guard session.description.mode == .dfu else {
      throw DFUError(.runtimeMode, during: .describe, state: session.description.state)
    }
    guard workload.hasAddresses else { return try first(session.targets) }
    return try first(
      session.targets.filter { $0.map?.sector(containing: workload.span.lowerBound) != nil })
  }

  private func first(_ targets: [FlashTarget]) throws -> FlashTarget {
    guard let first = targets.first else {
      throw DFUError(.noSuchTarget, during: .select)
    }
    return first
  }

  private func flash(_ session: DFUSession) async throws -> JobOutcome {
    let target = try target(of: session)
    let payload: TargetChoice.Payload =
      workload.hasAddresses ? .image(workload.image) : .plain(workload.payload)
    let choice = TargetChoice(
      assignments: [.init(target: target, payload: payload)], targets: session.targets)
    let plan = try await session.plan(choice)
    return .done(try await session.flash(plan), read: nil, plain: nil)
  }

  private func read(_ session: DFUSession) async throws -> JobOutcome {
    let target = try target(of: session)
    guard workload.hasAddresses else {
      let bytes = try await session.readPlain(target, count: workload.payload.count)
      return .done(nil, read: nil, plain: bytes)
    }
    let plan = try ReadPlan(workload.image.extents, of: target)
    return .done(nil, read: try await session.read(plan), plain: nil)
  }
}

/// The erased sector is not blank: the command says so and ends with a status of its own.
struct NotBlank: ExplainedError {
  var slug: String { "not-blank" }
  var sentence: String { "The sector is not blank after it was erased." }
  var help: String? { nil }
}

/// An error that nothing has explained: always a violation.
struct Unexplained: ExplainedError {
  var error: String
  var slug: String { "unexplained" }
  var sentence: String { error }
  var help: String? { nil }
}
