import Foundation
import MockDevices
import Testing

/// One run of the built `dfu`, in a folder of its own.
struct CommandRun {
  var status: Int32
  var output: String
  var error: String

  /// Runs `dfu` with arguments, in a folder, with an environment that does not depend on who tests.
  ///
  /// - Parameters:
  ///   - arguments: behind the name.
  ///   - folder: the current directory of the run.
  ///   - input: what standard input holds.
  ///   - environment: added to the plain one.
  ///   - binary: another program to run instead, which runs `dfu`.
  /// - Throws: what the system says when the process cannot be started.
  init(
    _ arguments: [String], in folder: Workplace, input: [UInt8] = [],
    environment: [String: String] = [:], binary: URL? = nil
  ) throws {
    let process = Process()
    process.executableURL = try binary ?? Self.binary()
    process.arguments = arguments
    process.currentDirectoryURL = folder.url
    var variables = ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "COLUMNS": "80"]
    variables["LD_LIBRARY_PATH"] = ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"]
    variables.merge(environment) { $1 }
    process.environment = variables

    // Files instead of pipes: nothing can block, whatever the sizes.
    let scratch = try Workplace()
    let inputFile = try scratch.write(input, to: "stdin")
    let outputFile = try scratch.write([], to: "stdout")
    let errorFile = try scratch.write([], to: "stderr")
    process.standardInput = try FileHandle(forReadingFrom: inputFile)
    process.standardOutput = try FileHandle(forWritingTo: outputFile)
    process.standardError = try FileHandle(forWritingTo: errorFile)
    try process.run()
    // A hang is a failure, and not the end of the suite.
    let limit = DispatchSource.makeTimerSource()
    limit.schedule(deadline: .now() + 300)
    limit.setEventHandler { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
    limit.resume()
    process.waitUntilExit()
    limit.cancel()
    status = process.terminationStatus
    output = String(decoding: try Data(contentsOf: outputFile), as: UTF8.self)
    error = String(decoding: try Data(contentsOf: errorFile), as: UTF8.self)
  }

  /// Runs `dfu` among devices that are made up.
  ///
  /// - Parameters:
  ///   - arguments: behind the name.
  ///   - folder: the current directory of the run.
  ///   - input: what standard input holds; nothing among made-up devices.
  ///   - environment: added to the plain one.
  ///   - bus: the devices; nil for those of this machine.
  ///   - script: run by a shell instead, with `dfu` as `$0`.
  ///   - isNobody: whether the user is somebody without rights.
  /// - Throws: what the system says when the process cannot be started.
  init(
    _ arguments: [String], in folder: Workplace, input: [UInt8] = [],
    environment: [String: String] = [:], among bus: MockBus?, script: String? = nil,
    isNobody: Bool = false
  ) throws {
    guard let bus else {
      try self.init(arguments, in: folder, input: input, environment: environment)
      return
    }
    let ended = try bus.run(
      try Self.binary(), arguments, script: script, isNobody: isNobody, environment: environment,
      in: folder.url)
    self.init(ended)
  }

  private init(_ ended: MockBus.Ended) {
    (status, output, error) = (ended.status, ended.output, ended.error)
  }

  // Beside the test bundle: in its folder, or above it where the bundle is a folder itself.
  static func binary() throws -> URL {
    let arguments = CommandLine.arguments
    var starts = [arguments[0]]
    if let index = arguments.firstIndex(of: "--test-bundle-path"), index + 1 < arguments.count {
      starts.append(arguments[index + 1])
    }
    for start in starts {
      var folder = URL(fileURLWithPath: start).deletingLastPathComponent()
      for _ in 0..<5 {
        let candidate = folder.appendingPathComponent("dfu")
        if FileManager.default.isExecutableFile(atPath: candidate.path),
          FileManager.default.fileExists(
            atPath: folder.appendingPathComponent("Firmware.build").path)
        {
          return candidate
        }
        folder.deleteLastPathComponent()
      }
    }
    throw Missing(description: "dfu is not built beside the tests; swift build builds it.")
  }

  struct Missing: Error, CustomStringConvertible { var description: String }
}

/// A folder for one test, removed after it.
final class Workplace: Sendable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory
      .appendingPathComponent("dfu-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  @discardableResult
  func write(_ bytes: [UInt8], to name: String) throws -> URL {
    let file = url.appendingPathComponent(name)
    try Data(bytes).write(to: file)
    return file
  }

  @discardableResult
  func write(_ text: String, to name: String) throws -> URL {
    try write(Array(text.utf8), to: name)
  }

  /// A file of zeros that takes no space.
  func writeSparse(byteCount: UInt64, to name: String) throws {
    let handle = try FileHandle(forWritingTo: try write([], to: name))
    try handle.truncate(atOffset: byteCount)
    try handle.close()
  }

  func bytes(of name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: url.appendingPathComponent(name)))
  }

  func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
  }
}
