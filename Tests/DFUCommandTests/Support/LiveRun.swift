import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A run of the command that gets a signal while it runs.
///
/// It is started, listened to and waited for on a thread of its own, so that the signal comes in time
/// however busy the other tests are, and several such tests wait at the same time.
struct LiveRun: Sendable {
  /// When the signal is sent.
  enum Moment: Sendable {
    /// So long after the start.
    case after(microseconds: Int)
    /// So long after it has said something on standard error.
    case saying(String, milliseconds: Int)
    /// When a file in its folder says something.
    case file(String, String)
  }

  /// The status with which it ended, or the number of the signal that killed it.
  var status: Int32
  /// All that it said on standard error, blanks and line ends as one blank.
  var words: String

  /// Runs `dfu` with arguments in a folder, and sends it a signal.
  ///
  /// - Throws: where it cannot be started.
  init(
    _ arguments: [String], in folder: Workplace, signal: Int32, _ moment: Moment
  ) async throws {
    let child = try Child(arguments, in: folder)
    let result: (Int32, [UInt8]) = await withCheckedContinuation { continuation in
      Thread.detachNewThread { continuation.resume(returning: child.run(signal, moment)) }
    }
    status = result.0
    words = String(decoding: result.1, as: UTF8.self).split(whereSeparator: \.isWhitespace)
      .joined(separator: " ")
  }

  /// A process, by the system's own means: what Foundation has for it waits on a run loop.
  private struct Child: Sendable {
    let process: pid_t
    let errors: Int32
    let folder: Workplace

    init(_ arguments: [String], in folder: Workplace) throws {
      self.folder = folder
      var ends: [Int32] = [0, 0]
      guard pipe(&ends) == 0 else { throw CommandRun.Missing(description: "There is no pipe.") }
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      errors = ends[0]
      defer { close(ends[1]) }
      var actions = posix_spawn_file_actions_t()
      posix_spawn_file_actions_init(&actions)
      defer { posix_spawn_file_actions_destroy(&actions) }
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
      posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
      posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
      let binary = try CommandRun.binary().path
      // The shell goes into the folder and becomes the command.
      let line = ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder.url.path, binary] + arguments
      var words: [UnsafeMutablePointer<CChar>?] = line.map { strdup($0) } + [nil]
      defer { for word in words { free(word) } }
      var process = pid_t()
      guard posix_spawn(&process, line[0], &actions, nil, &words, environ) == 0 else {
        throw CommandRun.Missing(description: "dfu cannot be started.")
      }
      self.process = process
    }

    func run(_ signal: Int32, _ moment: Moment) -> (Int32, [UInt8]) {
      let isOver = Flag()
      switch moment {
      case .after(let microseconds): send(signal, after: microseconds, unless: isOver)
      case .file(let name, let text): watch(name, for: text, signal, unless: isOver)
      case .saying: break
      }
      let said = listen(signal, moment, isOver)
      // What it says ends with it. It stays there until it is waited for, so the number is still its.
      isOver.set()
      var status: Int32 = 0
      while waitpid(process, &status, 0) == -1, errno == EINTR {}
      return (status & 0x7F == 0 ? status >> 8 & 0xFF : status & 0x7F, said)
    }

    private func listen(_ signal: Int32, _ moment: Moment, _ isOver: Flag) -> [UInt8] {
      var said: [UInt8] = []
      var isSent = false
      var buffer = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = read(errors, &buffer, buffer.count)
        guard count > 0 else { break }
        said += buffer[..<count]
        guard !isSent, case .saying(let line, let milliseconds) = moment,
          String(decoding: said, as: UTF8.self).contains(line)
        else { continue }
        isSent = true
        send(signal, after: milliseconds * 1000, unless: isOver)
      }
      close(errors)
      return said
    }

    private func send(_ signal: Int32, after microseconds: Int, unless isOver: Flag) {
      Thread.detachNewThread {
        usleep(UInt32(microseconds))
        isOver.unlessSet { kill(process, signal) }
      }
    }

    private func watch(
      _ name: String, for text: String, _ signal: Int32, unless isOver: Flag
    ) {
      Thread.detachNewThread {
        while !isOver.isSet {
          let bytes = (try? folder.bytes(of: name)) ?? []
          if String(decoding: bytes, as: UTF8.self).contains(text) {
            return isOver.unlessSet { kill(process, signal) }
          }
          usleep(5000)
        }
      }
    }
  }

  /// Whether the process has ended, so that no signal goes to another one with its number.
  private final class Flag: Sendable {
    private let state = Mutex(false)
    var isSet: Bool { state.withLock { $0 } }
    func set() { state.withLock { $0 = true } }
    func unlessSet(_ body: () -> Int32) { state.withLock { if !$0 { _ = body() } } }
  }
}
