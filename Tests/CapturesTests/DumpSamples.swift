import Captures
import Foundation
import MockDevices
import Reports
import Testing
import USB
import VirtualDFU
import VirtualUSB

/// Devices that are described in every shape and read again.
enum DumpSamples {
  /// What a virtual device says of itself.
  static func set(of profile: Profile) async throws -> DescriptorSet {
    try await Simulation().run { clock in
      let bus = VirtualBus(clock: clock)
      bus.attach(VirtualBootloader(profile))
      let info = try #require(try await bus.devices().first)
      return try await DescriptorSet(asking: try await bus.open(info.id))
    }
  }

  static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  /// The text as it arrives where somebody pastes it: without the blanks in front of its lines, and with one
  /// behind a name where there were many.
  static func pasted(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let body = line.drop { $0 == " " }
      let name = body.prefix { $0 != " " }
      let rest = body.dropFirst(name.count)
      return rest.isEmpty ? String(name) : name + " " + rest.drop { $0 == " " }
    }.joined(separator: "\r\n")
  }
}

/// The recordings of `../shared/samples`, which are other people's and not in the repository.
enum RecordedTexts {
  static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "shared/samples")

  struct Recording: CustomTestStringConvertible, Sendable {
    var name: String
    /// What the device has said, with the strings that were recorded.
    var set: DescriptorSet
    /// What `lsusb -v` has printed of it.
    var text: String

    var testDescription: String { name }
  }

  static let present = ConditionTrait.enabled(
    if: !all.isEmpty,
    "the recordings of ../shared/samples are not beside this repository; nothing is checked")

  static let all: [Recording] = {
    let folder = Self.folder.appending(path: "descriptors")
    let files = try? FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: nil)
    return (files ?? []).filter { $0.pathExtension == "hex" }.compactMap { file in
      let base = file.deletingPathExtension()
      guard
        let text = try? String(
          contentsOf: base.appendingPathExtension("lsusb-v.txt"), encoding: .utf8),
        let blob = try? String(contentsOf: file, encoding: .utf8)
      else { return nil }
      return Recording(name: base.lastPathComponent, set: set(blob, text), text: text)
    }.sorted { $0.name < $1.name }
  }()

  private static func set(_ blob: String, _ text: String) -> DescriptorSet {
    var digits = ""
    var strings: [UInt8: String] = [:]
    var names: [String: String] = [:]
    for line in blob.split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
      if words.count == 1 { digits += words[0] + "\n" }
      if words.count == 3, words[0] == "string", let index = UInt8(words[1]) {
        strings[index] = String(words[2].dropFirst().dropLast())
      }
      if words.count >= 2, ["manufacturer", "product", "serial"].contains(words[0]) {
        names[String(words[0])] = String(
          words.dropFirst().joined(separator: " ").dropFirst().dropLast())
      }
    }
    let speeds: [(String, USBSpeed)] = [("Low", .low), ("Full", .full), ("High", .high)]
    let speed = speeds.first { text.contains("Negotiated speed: \($0.0)") }?.1
    var set =
      (try? DescriptorDump.read(Array(digits.utf8), speed: speed).set)
      ?? DescriptorSet(device: [], configurations: [])
    if set.device.count == 18 {
      for (name, index) in [("manufacturer", 14), ("product", 15), ("serial", 16)]
      where set.device[index] > 0 && strings[set.device[index]] == nil {
        strings[set.device[index]] = names[name]
      }
    }
    set.strings = strings
    return set
  }
}
