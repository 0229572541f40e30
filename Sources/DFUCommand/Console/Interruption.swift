import Dispatch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Turns the first SIGINT or SIGTERM into a cancellation, so that the work can end in a state that
/// it knows; the third ends the process at once.
struct Interruption {
  private let sources: [any DispatchSourceSignal]

  /// Listens until ``end()``.
  ///
  /// - Parameter cancel: what to do at the first signal.
  init(_ cancel: @escaping @Sendable () -> Void) {
    let queue = DispatchQueue(label: "dfu.interruption")
    let count = Count()
    sources = [SIGINT, SIGTERM].map { number in
      // Without this the default action would end the process before the source sees the signal.
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        count.value += 1
        if count.value == 1 { cancel() }
        if count.value >= 3 { _exit(ExitStatus.interrupted.rawValue) }
      }
      source.resume()
      return source
    }
  }

  /// Stops listening.
  func end() {
    for source in sources { source.cancel() }
  }

  // Only touched on the serial queue of the sources.
  private final class Count: @unchecked Sendable {
    var value = 0
  }
}
