import Foundation
import Testing
import USB

/// Descriptors of real devices, recorded as hexadecimal text: one line for the device, one for each
/// configuration, then other things. They are other people's, so they are not in the repository.
private enum Recordings {
  struct Recording: CustomTestStringConvertible {
    let name: String
    let device: [UInt8]
    let configurations: [[UInt8]]
    var testDescription: String { name }
  }

  /// `../shared/samples/descriptors` beside the repository.
  static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "shared/samples/descriptors")

  static let all: [Recording] = {
    let files = try? FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: nil)
    return (files ?? []).filter { $0.pathExtension == "hex" }.compactMap { file in
      guard let text = try? String(contentsOf: file, encoding: .utf8) else { return nil }
      let lines = text.split(separator: "\n").compactMap { bytes(String($0)) }
      guard let device = lines.first else { return nil }
      return Recording(
        name: file.deletingPathExtension().lastPathComponent, device: device,
        configurations: Array(lines.dropFirst()))
    }
    .sorted { $0.name < $1.name }
  }()

  static func bytes(_ line: String) -> [UInt8]? {
    let digits = Array(line)
    guard digits.count.isMultiple(of: 2), !digits.isEmpty else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let byte = UInt8(String(digits[index...(index + 1)]), radix: 16) else { return nil }
      bytes.append(byte)
    }
    return bytes
  }
}

@Suite(
  .enabled(
    if: !Recordings.all.isEmpty,
    "the recordings of real descriptors are not beside this repository; nothing is checked"))
struct `Descriptors of real devices` {
  @Test(arguments: Recordings.all)
  fileprivate func `every recorded device comes back as it was`(
    recording: Recordings.Recording
  ) throws {
    #expect(try readDevice(recording.device).bytes == recording.device)
    #expect(!recording.configurations.isEmpty)
    for bytes in recording.configurations {
      let read = try readConfiguration(bytes)
      // Whatever is wrong with it, every byte is kept.
      #expect(read.bytes == bytes)
      #expect(!read.interfaces.isEmpty)
      if !recording.name.contains("truncated") { #expect(read.faults.isEmpty) }
    }
    let blob = recording.configurations.flatMap { $0 }
    var reader = ByteReader(blob.span.bytes)
    let all = ConfigurationDescriptor.all(parsing: &reader)
    #expect(all.count == recording.configurations.count)
    #expect(all.flatMap(\.bytes) == blob)
  }
}
