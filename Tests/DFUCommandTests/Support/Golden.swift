import Foundation
import Testing

/// A run of the command whose texts are kept in `Golden/NAME/`: `command`, `stdout`, `stderr` and
/// `status`, each only where there is something in it.
///
/// `DFU_RECORD_GOLDEN=1 swift test --filter DFUCommandTests` writes them anew; the diff is the review.
struct GoldenCase: CustomTestStringConvertible, Sendable {
  var name: String
  var arguments: [String]
  var environment: [String: String] = [:]
  var input: [UInt8] = []

  init(
    _ name: String, _ arguments: String..., environment: [String: String] = [:],
    input: [UInt8] = []
  ) {
    self.name = name
    self.arguments = arguments
    self.environment = environment
    self.input = input
  }

  var testDescription: String { name }

  static var records: Bool { ProcessInfo.processInfo.environment["DFU_RECORD_GOLDEN"] == "1" }

  private var folder: URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Golden").appendingPathComponent(name)
  }

  /// Runs the command and compares with what is kept.
  func check(in workplace: Workplace) throws {
    let run = try CommandRun(
      arguments, in: workplace, input: input, environment: environment)
    let texts = [
      "command": "dfu " + arguments.joined(separator: " ") + "\n",
      "stdout": run.output,
      "stderr": run.error,
      "status": run.status == 0 ? "" : "\(run.status)\n",
    ]
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
