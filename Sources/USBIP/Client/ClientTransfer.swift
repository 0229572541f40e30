internal import Synchronization

/// A transfer of a client, from its start to its end.
final class ClientTransfer: Sendable {
  /// How it ended.
  enum Ending: Sendable {
    /// The server has answered.
    case completed(URBCompletion)
    /// It was stopped before there was an answer.
    case stopped(Reason)
    /// The connection has ended.
    case lost(ConnectionEnd)
  }

  /// Why a transfer is stopped by the client.
  enum Reason: Sendable {
    case cancelled
    case timeout
    case closed
  }

  private enum State {
    case running
    case awaited(CheckedContinuation<Ending, Never>)
    case ended(Ending)
  }

  let submission: URBSubmission
  private let state = Mutex(State.running)

  init(_ submission: URBSubmission) { self.submission = submission }

  /// It has ended; what comes later changes nothing.
  func end(_ ending: Ending) {
    let continuation = state.withLock { state -> CheckedContinuation<Ending, Never>? in
      switch state {
      case .running:
        state = .ended(ending)
        return nil
      case .awaited(let continuation):
        state = .ended(ending)
        return continuation
      case .ended: return nil
      }
    }
    continuation?.resume(returning: ending)
  }

  /// Waits for the end.
  func ending() async -> Ending {
    await withCheckedContinuation { continuation in
      let ended = state.withLock { state -> Ending? in
        if case .ended(let ending) = state { return ending }
        state = .awaited(continuation)
        return nil
      }
      if let ended { continuation.resume(returning: ended) }
    }
  }
}

/// How a connection ended.
enum ConnectionEnd: Hashable, Sendable {
  /// The peer has closed it; with a device imported that means: unplugged.
  case closedByPeer
  /// It was closed here.
  case closedHere
  /// It broke, or the peer broke the protocol or was silent.
  case broken(String)

  /// What happened, as a part of a sentence.
  var words: String {
    switch self {
    case .closedByPeer: "the server has closed the connection"
    case .closedHere: "the connection was closed"
    case .broken(let words): words
    }
  }
}
