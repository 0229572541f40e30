#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Another program, run to its end.
struct Process {
  /// How long it took.
  struct Times {
    /// From start to end.
    var wall: Duration
    /// Of the processor, for itself and in the system.
    var processor: Duration
  }

  /// The path of a program on the PATH, or nil.
  static func find(_ names: String...) -> String? {
    let folders = getenv("PATH").map { String(cString: $0).split(separator: ":") } ?? []
    for name in names {
      for folder in folders where access("\(folder)/\(name)", X_OK) == 0 {
        return "\(folder)/\(name)"
      }
    }
    return nil
  }

  /// Runs a program, without its output; nil when it could not be started or did not end with 0.
  static func run(_ program: String, _ arguments: [String]) -> Times? {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    let start = ContinuousClock.now
    var child = pid_t()
    guard posix_spawn(&child, program, &actions, nil, &words, environ) == 0 else { return nil }
    var status: CInt = 0
    var usage = rusage()
    guard wait4(child, &status, 0, &usage) == child, status == 0 else { return nil }
    return Times(
      wall: start.duration(to: .now),
      processor: Duration(usage.ru_utime) + Duration(usage.ru_stime))
  }

  /// The shortest times of several runs.
  static func best(of runs: Int = 7, _ program: String?, _ arguments: [String]) -> Times? {
    guard let program else { return nil }
    var best: Times?
    for _ in 0..<runs {
      guard let times = run(program, arguments) else { return nil }
      best = Times(
        wall: min(best?.wall ?? times.wall, times.wall),
        processor: min(best?.processor ?? times.processor, times.processor))
    }
    return best
  }
}

extension Duration {
  init(_ time: timeval) {
    self = .seconds(Int64(time.tv_sec)) + .microseconds(Int64(time.tv_usec))
  }
}

/// A folder of its own for files, removed at the end.
struct Scratch {
  let path: String

  init?() {
    var template = Array("/tmp/dfu-speed-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { return nil }
    path = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
  }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file and gives its path.
  func write(_ bytes: [UInt8], to name: String) -> String? {
    guard let file = fopen(self.file(name), "w") else { return nil }
    defer { fclose(file) }
    return fwrite(bytes, 1, bytes.count, file) == bytes.count ? self.file(name) : nil
  }

  func remove() {
    if let folder = opendir(path) {
      while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) {
          String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        unlink(file(name))
      }
      closedir(folder)
    }
    rmdir(path)
  }
}
