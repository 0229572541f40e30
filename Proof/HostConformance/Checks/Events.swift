internal import USB

extension Check {
  /// Hearing of devices that come and go; that there are such is in ``leaving``.
  static let events: [Check] = [
    Check("a listener that hears nothing says so at its limit") { bench in
      let listener = bench.host.listen(clock: bench.clock)
      try require("what it has heard", await listener.next(within: bench.moment), is: nil)
    },
    Check("a listener that is cancelled says so, before its limit") { bench in
      let listener = bench.host.listen(clock: bench.clock)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addImmediateTask {
          try require("what it has heard", await listener.next(within: .seconds(3600)), is: nil)
        }
        try await bench.pass()
        group.cancelAll()
        try await group.waitForAll()
      }
    },
    Check("a stream of events ends when its consumer is cancelled") { bench in
      let events = bench.host.events()
      await withTaskGroup(of: Void.self) { group in
        group.addImmediateTask { for await _ in events {} }
        try? await bench.pass()
        group.cancelAll()
        await group.waitForAll()
      }
    },
    Check("listening sends nothing to a device, and hears nothing of its use") { bench in
      let device = try await bench.open()
      let before = try await device.tally(bench)
      let listener = bench.host.listen(clock: bench.clock)
      try require("what it has heard", await listener.next(within: bench.moment), is: nil)
      try require("what the device has seen", try await device.tally(bench), is: before)
    },
  ]
}

/// Two events of one device at the path: it goes, and comes back.
struct Absence: Sendable {
  var bench: Bench
  var old: DeviceInfo

  /// Requires that a listener hears of the going and then of the coming.
  ///
  /// - Returns: what came.
  @discardableResult
  func requireHeard(
    by listener: any HostListener, file: String = #fileID, line: Int = #line
  ) async throws -> DeviceInfo {
    try await requireGone(listener, file: file, line: line)
    guard case .attached(let info) = try await next(listener, file: file, line: line) else {
      throw BrokenPromise(what: "it has gone twice", place: "\(file):\(line)")
    }
    try require(info.id != old.id, "what came has the id of what went", file: file, line: line)
    return info
  }

  /// Requires that a listener hears of the going.
  func requireGone(
    _ listener: any HostListener, file: String = #fileID, line: Int = #line
  ) async throws {
    try require(
      "the first event", try await next(listener, file: file, line: line),
      is: .detached(old.id, bench.path), file: file, line: line)
  }

  /// The next event at the path.
  private func next(
    _ listener: any HostListener, file: String, line: Int
  ) async throws -> HostEvent {
    while let event = await listener.next(within: bench.patience) {
      switch event {
      case .attached(let info) where info.path == bench.path: return event
      case .detached(_, let path) where path == bench.path: return event
      // Other devices of the machine have a life of their own.
      case .attached, .detached: continue
      }
    }
    throw BrokenPromise(
      what: "nothing is heard within \(bench.patience)", place: "\(file):\(line)")
  }
}
