internal import USB

/// The longest time limit that a check gives: what it ends is ended by something else, or the check
/// is not done in time.
private let forEver = Duration.seconds(3600)

extension Check {
  /// Time limits and cancelling.
  static let waiting: [Check] = [
    Check(
      "a transfer that nobody answers ends with its time, and the pipe works afterwards",
      needs: .waiting
    ) { bench in
      let device = try await bench.open()
      try await requireRefusal(.timeout, of: "the read") {
        try await device.ask(.silent, length: 8, timeout: bench.moment)
      }
      try await device.requireAnswers(bench)
      try await requireRefusal(.timeout, of: "the write") {
        try await device.tell(.silent, data: [1, 2, 3], timeout: bench.moment)
      }
      try await device.requireAnswers(bench)
    },
    Check("an answer within the time limit is waited for", needs: .waiting) { bench in
      let device = try await bench.open()
      let late = bench.milliseconds(3)
      try require(
        "the late answer",
        try await device.ask(.late, value: late, index: 9, length: 32, timeout: bench.patience),
        is: referencePattern(32, seed: 9))
      try await device.tell(.late, value: late, data: [1, 2], timeout: bench.patience)
    },
    Check(
      "an answer that comes too late is not taken for that of the next transfer",
      needs: .waiting
    ) { bench in
      let device = try await bench.open()
      let late = bench.milliseconds(20)
      for seed in UInt16(0)..<2 {
        try await requireRefusal(.timeout, of: "the late answer") {
          try await device.ask(
            .late, value: late, index: 0xDEAD, length: 64, timeout: bench.moment)
        }
        try await device.requireAnswers(bench, seed: seed)
      }
      try await bench.pass(22)
      try await device.requireAnswers(bench, seed: 0x77)
    },
    Check("the time of a transfer that waits for its turn runs as well", needs: .waiting, .several)
    { bench in
      let device = try await bench.open()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addImmediateTask {
          try await requireRefusal(.cancelled, of: "the first transfer") {
            try await device.ask(.silent, length: 8, timeout: forEver)
          }
        }
        try await requireRefusal(.timeout, of: "the one behind it") {
          try await device.ask(.pattern, value: 8, length: 8, timeout: bench.moment)
        }
        group.cancelAll()
        try await group.waitForAll()
      }
      try await device.requireAnswers(bench)
    },
    Check(
      "cancelling ends a control transfer that waits, and the pipe works afterwards",
      needs: .waiting
    ) { bench in
      let device = try await bench.open()
      for moments in [0, 1] {
        try await requireCancelled(after: moments, bench) {
          _ = try await device.ask(.silent, length: 8, timeout: forEver)
        }
        try await device.requireAnswers(bench)
        try await requireCancelled(after: moments, bench) {
          try await device.tell(.silent, data: [4, 5], timeout: forEver)
        }
        try await device.requireAnswers(bench)
      }
    },
    Check(
      "the late answer of a cancelled transfer is not taken for that of the next",
      needs: .waiting
    ) { bench in
      let device = try await bench.open()
      let late = bench.milliseconds(50)
      for seed in UInt16(0)..<3 {
        try await requireCancelled(after: 1, bench) {
          _ = try await device.ask(
            .late, value: late, index: 0xDEAD, length: 64, timeout: forEver)
        }
        try await device.requireAnswers(bench, seed: seed)
      }
    },
    Check(
      "cancelling a transfer that waits for its turn leaves those before and behind it",
      needs: .waiting, .several
    ) { bench in
      let device = try await bench.open()
      let late = bench.milliseconds(6)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addImmediateTask {
          try require(
            "the transfer before",
            try await device.ask(
              .late, value: late, index: 1, length: 16, timeout: bench.patience),
            is: referencePattern(16, seed: 1))
        }
        // Behind a task of its own, which alone is cancelled.
        group.addImmediateTask {
          try await requireCancelled(after: 1, bench) {
            _ = try await device.ask(.silent, length: 8, timeout: forEver)
          }
        }
        group.addImmediateTask { try await device.requireAnswers(bench) }
        try await group.waitForAll()
      }
      try await device.requireAnswers(bench)
    },
    Check("a task that is cancelled already sends nothing") { bench in
      let device = try await bench.open()
      let before = try await device.tally(bench)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.cancelAll()
        group.addTask {
          try await requireRefusal(.cancelled, of: "the transfer of a cancelled task") {
            try await device.tell(.note, value: 1, timeout: forEver)
          }
        }
        try await group.waitForAll()
      }
      try require("what the device has seen", try await device.tally(bench), is: before)
    },
    Check(
      "cancelling ends a bulk transfer that waits, and no data are lost",
      needs: .waiting, .streams
    ) { bench in
      let device = try await bench.open()
      try await device.claimInterface(0)
      try await requireCancelled(after: 1, bench) {
        _ = try await device.bulkIn(endpoint: 0x81, length: 64, timeout: forEver)
      }
      try await requireRefusal(.timeout, of: "a read of nothing") {
        try await device.bulkIn(endpoint: 0x81, length: 64, timeout: bench.moment)
      }
      try require(
        "the bytes sent",
        try await device.bulkOut(endpoint: 0x01, data: [1, 2, 3], timeout: bench.patience), is: 3)
      try require(
        "the bytes that came",
        try await device.bulkIn(endpoint: 0x81, length: 64, timeout: bench.patience),
        is: [1, 2, 3])
    },
  ]
}

/// Starts a transfer, cancels its task some moments later, and requires that it ends so.
private func requireCancelled(
  after moments: Int, _ bench: Bench, file: String = #fileID, line: Int = #line,
  _ body: @escaping @Sendable () async throws -> Void
) async throws {
  try await withThrowingTaskGroup(of: Void.self) { group in
    group.addImmediateTask {
      try await requireRefusal(.cancelled, of: "the cancelled transfer", file: file, line: line) {
        try await body()
      }
    }
    if moments > 0 { try await bench.pass(moments) }
    group.cancelAll()
    try await group.waitForAll()
  }
}
