import Reports
import Synchronization
import SystemPackage
import Workbench

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The three streams of the process, and what is behind them.
enum Terminal {
  /// One of the three streams.
  enum Stream {
    case input
    case output
    case error

    fileprivate var descriptor: FileDescriptor {
      switch self {
      case .input: .standardInput
      case .output: .standardOutput
      case .error: .standardError
      }
    }
  }

  /// Whether a person is behind a stream.
  static func isTerminal(_ stream: Stream) -> Bool { isatty(stream.descriptor.rawValue) == 1 }

  /// Writes all of `text`. A stream that is gone or full swallows it; ``outputFailure`` tells.
  static func write(_ text: String, to stream: Stream) {
    do {
      try stream.descriptor.writeAll(text.utf8)
    } catch {
      guard case .output = stream, let errno = error as? Errno, errno != .brokenPipe else { return }
      failure.withLock { $0 = $0 ?? errno }
    }
  }

  private static let failure = Mutex<Errno?>(nil)

  /// Why something did not get out on standard output; nil where everything did, or its reader left.
  static var outputFailure: Errno? { failure.withLock { $0 } }

  /// Waits until somebody has typed a line.
  ///
  /// - Returns: false where the task was cancelled meanwhile.
  static func waitForInput() -> Bool { Workbench.waitForInput(.standardInput) }

  /// How text on a stream may look.
  ///
  /// `NO_COLOR` (no-color.org) and `TERM=dumb` turn `auto` off; `always` and `never` are stronger.
  static func style(of stream: Stream, choice: ColorChoice) -> TextStyle {
    let isColored =
      switch choice {
      case .always: true
      case .never: false
      case .auto:
        isTerminal(stream) && (environment("NO_COLOR") ?? "").isEmpty
          && environment("TERM") != "dumb"
      }
    return TextStyle(
      usesColor: isColored, usesDrawing: speaksUnicode, width: width(of: stream))
  }

  /// The columns of the terminal, 40 to 100; 80 where it is none.
  private static func width(of stream: Stream) -> Int {
    guard isTerminal(stream) else { return 80 }
    var size = winsize()
    guard ioctl(stream.descriptor.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return 80
    }
    return min(100, max(40, Int(size.ws_col)))
  }

  /// Whether the locale's characters are UTF-8: the first of its variables that is set decides.
  private static var speaksUnicode: Bool {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"]
    let locale = names.lazy.compactMap(environment).first { !$0.isEmpty } ?? ""
    return locale.lowercased().contains("utf-8") || locale.lowercased().contains("utf8")
  }

  /// Fills the places of streams that were closed by whoever started this. Otherwise the next file
  /// that is opened would be one of them, and be written to as if it were.
  static func fillClosedStreams() {
    for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(number, F_GETFD) == -1 {
      // For reading only: writing to a closed stream stays an error.
      _ = open("/dev/null", O_RDONLY)
    }
  }

  /// The place of the first argument that is no UTF-8 text, from 1: Swift would mend it, and mean
  /// another file by it.
  static var firstUnreadableArgument: Int? {
    let count = Int(CommandLine.argc)
    return (1..<max(count, 1)).first { index in
      CommandLine.unsafeArgv[index].map { String(validatingCString: $0) == nil } ?? false
    }
  }

  /// A variable of the environment.
  static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  /// Makes writing to a pipe without a reader an error of the write.
  static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

  /// Ends the process.
  static func exit(_ status: Int32) -> Never { _exit(status) }
}
