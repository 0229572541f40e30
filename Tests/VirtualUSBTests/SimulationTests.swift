import Synchronization
import Testing

@testable import VirtualUSB

/// What tasks note down, in order.
final class Notes<Item: Sendable>: Sendable {
  private let items = Mutex<[Item]>([])

  func append(_ item: Item) { items.withLock { $0.append(item) } }

  var all: [Item] { items.withLock { $0 } }
}

@Suite("Simulated time") struct SimulationTests {
  @Test func `a sleep takes no real time and exactly its simulated time`() async throws {
    let elapsed = try await Simulation().run { clock in
      try await clock.sleep(for: .seconds(9))
      return clock.now.elapsed
    }
    #expect(elapsed == .seconds(9))
  }

  @Test func `tasks wake in the order of their moments, equal moments in the order of asking`()
    async throws
  {
    let order = try await Simulation().run { clock in
      let order = Notes<Int>()
      await withTaskGroup(of: Void.self) { group in
        for (number, delay) in [30, 10, 20, 10, 30].enumerated() {
          group.addTask {
            try? await clock.sleep(for: .milliseconds(delay))
            order.append(number)
          }
        }
      }
      return order.all
    }
    #expect(order == [1, 3, 2, 0, 4])
  }

  @Test func `time stands still while any task can run`() async throws {
    try await Simulation().run { clock in
      await withTaskGroup(of: Void.self) { group in
        group.addTask { try? await clock.sleep(for: .seconds(1)) }
        group.addTask {
          for _ in 0..<100 { await Task.yield() }
          #expect(clock.now.elapsed == .zero)
        }
      }
      #expect(clock.now.elapsed == .seconds(1))
    }
  }

  @Test func `a task started at once inside its parent does not let time pass for the parent`()
    async throws
  {
    try await Simulation().run { clock in
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<3 {
          group.addImmediateTask { try? await clock.sleep(for: .seconds(1)) }
          #expect(clock.now.elapsed == .zero)
        }
      }
      #expect(clock.now.elapsed == .seconds(1))
    }
  }

  @Test func `waiting for what never comes is reported as a deadlock`() async throws {
    let error = try await #require(throws: SimulationError.self) {
      try await Simulation().run { clock in
        try await clock.sleep(for: .seconds(2))
        await Gate().wait()
        // The cancellation ends the wait, but the simulation has its verdict.
      }
    }
    #expect(error.code == .deadlock)
    #expect(error.time == .seconds(2))
  }

  @Test func `nothing happens after the deadline`() async throws {
    let error = try await #require(throws: SimulationError.self) {
      try await Simulation(deadline: .seconds(60)).run { clock in
        while true { try await clock.sleep(for: .seconds(7)) }
      }
    }
    #expect(error.code == .deadline)
    #expect(error.time == .seconds(56))
  }

  @Test func `a loop that never waits is reported`() async throws {
    let error = try await #require(throws: SimulationError.self) {
      try await Simulation(jobsPerMoment: 1000).run { _ in
        while !Task.isCancelled { await Task.yield() }
      }
    }
    #expect(error.code == .endless)
  }

  @Test func `a sleep ends when its task is cancelled`() async throws {
    try await Simulation().run { clock in
      await withTaskGroup(of: Bool.self) { group in
        group.addTask {
          do { try await clock.sleep(for: .seconds(100)) } catch { return true }
          return false
        }
        try? await clock.sleep(for: .seconds(1))
        group.cancelAll()
        #expect(await group.next() == true)
      }
      #expect(clock.now.elapsed == .seconds(1))
    }
  }

  @Test func `what the body throws comes out`() async {
    struct Failure: Error {}
    await #expect(throws: Failure.self) {
      try await Simulation().run { _ in throw Failure() }
    }
  }

  @Test func `outside a simulation a sleep simply moves the time on`() async throws {
    let clock = SimulatedClock()
    let before = ContinuousClock.now
    try await clock.sleep(for: .seconds(3600))
    #expect(clock.now.elapsed == .seconds(3600))
    #expect(ContinuousClock.now - before < .seconds(60))
  }
}
