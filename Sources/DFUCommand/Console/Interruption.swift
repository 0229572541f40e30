#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Turns the first SIGINT or SIGTERM into a cancellation, so that the work can end in a state that
/// it knows; the third ends the process at once.
///
/// The signals are blocked in every thread and the main thread waits for them: none is lost, however
/// early it comes, and no code runs in a signal handler.
enum Interruption {
  private static var signals: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    return signals
  }

  /// Holds the signals back from this thread and from those that it starts.
  static func prepare() {
    var signals = signals
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }

  /// Waits for the signals until the process ends. The job ends it.
  ///
  /// - Parameter cancel: what to do at the first signal.
  static func wait(_ cancel: () -> Void) -> Never {
    var signals = signals
    var count = 0
    while true {
      var number: Int32 = 0
      guard sigwait(&signals, &number) == 0 else { continue }
      count += 1
      if count == 1 { cancel() }
      if count >= 3 { Terminal.exit(ExitStatus.interrupted.rawValue) }
    }
  }
}
