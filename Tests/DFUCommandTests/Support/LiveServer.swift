import Foundation

/// A `dfu emulate` or `dfu share` in a process of its own, for as long as a test needs it.
final class LiveServer {
  private let process = Process()
  private let output: URL
  private let error: URL
  // Keeps the folder until the server has ended.
  private let scratch: Workplace
  /// The port on which it listens.
  private(set) var port = 0

  /// Starts a server and waits until it listens.
  ///
  /// - Parameters:
  ///   - arguments: behind `dfu`; with `--port 0` it takes a free one.
  ///   - folder: the current directory.
  ///   - program: what to run instead, which runs `dfu`; then `arguments` are its own.
  ///   - environment: added to the plain one.
  /// - Throws: where it does not listen within a minute.
  init(
    _ arguments: [String], in folder: Workplace, program: URL? = nil,
    environment: [String: String] = [:]
  ) throws {
    scratch = try Workplace()
    (output, error) = (try scratch.write([], to: "stdout"), try scratch.write([], to: "stderr"))
    process.executableURL = try program ?? CommandRun.binary()
    process.arguments = arguments
    process.currentDirectoryURL = folder.url
    var variables = ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "COLUMNS": "80"]
    variables["LD_LIBRARY_PATH"] = ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"]
    variables.merge(environment) { $1 }
    process.environment = variables
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: error)
    try process.run()
    // Nothing tells when a process writes to a file: it is looked at. Only a hang meets the limit.
    for _ in 0..<6000 {
      let said = self.said
      if let match = said.firstMatch(of: /USB\/IP server at \S+:(\d+), until/),
        let port = Int(match.1)
      {
        self.port = port
        return
      }
      if !process.isRunning { break }
      Thread.sleep(forTimeInterval: 0.01)
    }
    process.terminate()
    throw CommandRun.Missing(description: "The server does not listen: \(words)\(said)")
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  /// The number of its process.
  var number: Int32 { process.processIdentifier }

  /// What it has said on standard output until now.
  var said: String { text(output) }
  /// What it has said on standard error until now.
  var words: String { text(error) }

  private func text(_ file: URL) -> String {
    String(decoding: (try? Data(contentsOf: file)) ?? Data(), as: UTF8.self)
  }

  /// Asks it to end.
  ///
  /// - Returns: its exit status.
  func stop(_ signal: Int32 = SIGTERM) -> Int32 {
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    return process.terminationReason == .exit
      ? process.terminationStatus : -process.terminationStatus
  }
}
