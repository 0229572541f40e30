import Foundation
import MockDevices
import Testing

extension MockBus {
  /// Runs `libusb-probe` among the devices.
  ///
  /// - Parameters:
  ///   - arguments: of the probe.
  ///   - script: run by a shell instead, with the probe as `$0`.
  ///   - isNobody: whether the user is somebody without rights, also where root tests.
  /// - Returns: what it has printed, in lines.
  /// - Throws: what the system says when the process cannot be started.
  func run(
    _ arguments: [String] = [], script: String? = nil, isNobody: Bool = false
  ) throws -> [String] {
    let ended = try run(try builtProbe(), arguments, script: script, isNobody: isNobody)
    try #require(ended.status == 0, "it ended with an error: \(ended.output)\(ended.error)")
    return ended.output.split(separator: "\n").map(String.init)
  }
}

// Beside the test bundle: in its folder, or above it where the bundle is a folder itself.
private func builtProbe() throws -> URL {
  // Another build of it, for example with a sanitizer.
  if let other = ProcessInfo.processInfo.environment["DFU_LIBUSB_PROBE"] {
    return URL(fileURLWithPath: other)
  }
  let arguments = CommandLine.arguments
  var starts = [arguments[0]]
  if let index = arguments.firstIndex(of: "--test-bundle-path"), index + 1 < arguments.count {
    starts.append(arguments[index + 1])
  }
  for start in starts {
    var folder = URL(fileURLWithPath: start).deletingLastPathComponent()
    for _ in 0..<5 {
      let candidate = folder.appendingPathComponent("libusb-probe")
      if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
      folder.deleteLastPathComponent()
    }
  }
  throw Missing()
}

private struct Missing: Error, CustomStringConvertible {
  var description: String { "libusb-probe is not built beside the tests; swift build builds it." }
}
