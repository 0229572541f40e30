import Foundation
import MockDevices
import Testing

/// A run of the command whose texts are kept in `Golden/NAME/`: `command`, `stdout`, `stderr` and
/// `status`, each only where there is something in it, and text files that it has written.
///
/// `DFU_RECORD_GOLDEN=1 swift test --filter DFUCommandTests` writes them anew; the diff is the review.
struct GoldenCase: CustomTestStringConvertible, Sendable {
  var name: String
  var arguments: [String]
  var environment: [String: String] = [:]
  var input: [UInt8] = []
  /// Commands that are run before, for what they leave.
  var before: [[String]] = []
  /// Names of files to keep as well.
  var files: [String] = []

  init(
    _ name: String, _ arguments: String..., environment: [String: String] = [:],
    input: [UInt8] = [], before: [[String]] = [], files: [String] = []
  ) {
    self.name = name
    self.arguments = arguments
    self.environment = environment
    self.input = input
    self.before = before
    self.files = files
  }

  init(_ name: String, _ arguments: [String], input: [UInt8] = []) {
    self.name = name
    self.arguments = arguments
    self.input = input
  }

  var testDescription: String { name }

  static var records: Bool { ProcessInfo.processInfo.environment["DFU_RECORD_GOLDEN"] == "1" }

  private var folder: URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Golden").appendingPathComponent(name)
  }

  /// Runs the command and compares with what is kept.
  ///
  /// - Parameters:
  ///   - workplace: the folder in which it runs.
  ///   - bus: devices that are made up for it; nil for those of this machine.
  /// - Throws: what the system says when it cannot be started.
  func check(in workplace: Workplace, among bus: MockBus? = nil) throws {
    for arguments in before { _ = try CommandRun(arguments, in: workplace) }
    let run = try CommandRun(
      arguments, in: workplace, input: input, environment: environment, among: bus)
    var texts = [
      "command": "dfu " + arguments.joined(separator: " ") + "\n",
      "stdout": run.output,
      "stderr": run.error,
      "status": run.status == 0 ? "" : "\(run.status)\n",
    ]
    for file in files {
      texts[file] = String(decoding: try workplace.bytes(of: file), as: UTF8.self)
    }
    if Self.records { return try record(texts) }
    for (part, text) in texts.sorted(by: { $0.key < $1.key }) {
      let kept = try? String(contentsOf: folder.appendingPathComponent(part), encoding: .utf8)
      #expect(
        text == kept ?? "", "\(part) of \(name) differs from Golden/\(name)/\(part)")
    }
  }

  private func record(_ texts: [String: String]) throws {
    let files = FileManager.default
    try? files.removeItem(at: folder)
    try files.createDirectory(at: folder, withIntermediateDirectories: true)
    for (part, text) in texts where !text.isEmpty {
      try text.write(to: folder.appendingPathComponent(part), atomically: true, encoding: .utf8)
    }
  }
}
