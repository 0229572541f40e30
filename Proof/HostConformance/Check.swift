internal import USB

/// One promise of `USBHost` and `USBDevice`, and how to see whether it is kept.
public struct Check: Sendable, CustomStringConvertible {
  /// The promise, in a sentence.
  public let name: String
  /// What a host must be able to do to be asked.
  public let needs: [Ability]
  let body: @Sendable (Bench) async throws -> Void

  init(
    _ name: String, needs: Ability..., body: @escaping @Sendable (Bench) async throws -> Void
  ) {
    self.name = name
    self.needs = needs
    self.body = body
  }

  /// The promise.
  public var description: String { name }

  /// All of them. Those that leave the bus come last.
  public static let all: [Check] =
    listing + control + refusals + waiting + order + streams + claims + settings + closing + events
    + resetting + leaving

  /// How a check has ended.
  public enum Verdict: Hashable, Sendable {
    /// The promise was kept.
    case kept
    /// It was not; what happened instead.
    case broken(String)
    /// It could not be asked here, and why.
    case skipped(String)
  }

  /// Why it cannot be asked of a fixture; nil where it can.
  public func reason(against fixture: Fixture) -> String? {
    for need in needs {
      if let reason = fixture.reason(against: need) { return reason }
    }
    return nil
  }

  /// Tries the promise.
  ///
  /// - Parameter fixture: the host and its device. The device may be in any state; afterwards it is
  ///   where it was, and no handle is open.
  /// - Returns: how it has ended.
  public func run(on fixture: Fixture) async -> Verdict {
    if let reason = reason(against: fixture) { return .skipped(reason) }
    let bench = Bench(fixture)
    let verdict = await withTaskGroup(of: Verdict?.self) { group in
      group.addTask {
        do {
          try await bench.prepare()
          try await body(bench)
          return .kept
        } catch {
          return .broken("\(error)")
        }
      }
      group.addTask {
        // More than all that a check waits for, one after the other.
        try? await fixture.clock.sleep(for: fixture.patience * 4)
        return Task.isCancelled ? nil : .broken("it was not done after \(fixture.patience * 4)")
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      return first
    }
    await bench.end()
    return verdict ?? .broken("it was cancelled")
  }
}

/// A promise that was not kept.
public struct BrokenPromise: Error, Hashable, CustomStringConvertible {
  /// What happened instead.
  public var what: String
  /// Where in this suite it was noticed.
  public var place: String

  /// What happened, and where it was noticed.
  public var description: String { "\(what) (\(place))" }
}

/// Requires that something holds.
func require(
  _ condition: Bool, _ what: @autoclosure () -> String, file: String = #fileID, line: Int = #line
) throws(BrokenPromise) {
  guard condition else { throw BrokenPromise(what: what(), place: "\(file):\(line)") }
}

/// Requires that two values are equal.
func require<Value: Equatable>(
  _ what: String, _ found: Value, is wanted: Value, file: String = #fileID, line: Int = #line
) throws(BrokenPromise) {
  try require(found == wanted, "\(what): \(found), not \(wanted)", file: file, line: line)
}

/// Requires that bytes are equal, and says where they first differ.
func require(
  _ what: String, _ found: [UInt8], is wanted: [UInt8], file: String = #fileID, line: Int = #line
) throws(BrokenPromise) {
  guard found != wanted else { return }
  let place = zip(found, wanted).enumerated().first { $0.element.0 != $0.element.1 }?.offset
  let difference = place.map { "byte \($0) is 0x\(hex(found[$0])), not 0x\(hex(wanted[$0]))" }
  throw BrokenPromise(
    what: "\(what): \(difference ?? "\(found.count) bytes, not \(wanted.count)")",
    place: "\(file):\(line)")
}

/// Requires that something is refused.
///
/// - Parameters:
///   - codes: each of these is well.
///   - what: what is refused, as the beginning of a sentence.
///   - body: does it.
func requireRefusal<Result>(
  _ codes: TransferError.Code..., of what: String, file: String = #fileID, line: Int = #line,
  _ body: () async throws -> Result
) async throws {
  let wanted = codes.map(\.rawValue).joined(separator: " or ")
  let place = "\(file):\(line)"
  let result: Result
  do {
    result = try await body()
  } catch let error as TransferError {
    guard !codes.contains(error.code) else { return }
    throw BrokenPromise(
      what: "\(what) ends with \(error.code.rawValue), not \(wanted): \(error.sentence)",
      place: place)
  }
  throw BrokenPromise(what: "\(what) is not refused with \(wanted): \(result)", place: place)
}
