import DriverMatching
import Foundation
import Testing

/// The INFs of `../shared/inf-samples` and what Wine made of them: other people's, and not in the repository.
enum WineSamples {
  static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "shared/inf-samples")

  static let present = ConditionTrait.enabled(
    if: !names.isEmpty,
    "the INFs of ../shared/inf-samples are not beside this repository; nothing is checked")

  static let names: [String] = {
    let dumps = folder.appending(path: "wine-dump")
    let files = try? FileManager.default.contentsOfDirectory(
      at: dumps, includingPropertiesForKeys: nil)
    return (files ?? []).filter { $0.pathExtension == "jsonl" }
      .map { $0.deletingPathExtension().lastPathComponent }.sorted()
  }()

  static func inf(_ name: String) throws -> INF {
    let bytes = try Data(contentsOf: folder.appending(path: name))
    return try INF(Array(bytes), name: name)
  }

  static func lines<Value: Decodable>(_ path: String, as type: Value.Type) throws -> [Value] {
    let text = try String(contentsOf: folder.appending(path: path), encoding: .utf8)
    return try text.split(separator: "\n").map {
      try JSONDecoder().decode(Value.self, from: Data($0.utf8))
    }
  }

  struct Section: Decodable {
    struct Line: Decodable {
      var key: String?
      var fields: [String]
    }
    var section: String
    var lines: [Line]
  }
}

@Suite(WineSamples.present) struct `INFs of other people, beside Wine` {
  /// Whether Wine has put a folder of its own into a field, which is left alone here.
  private static func hasFolder(_ text: String) -> Bool {
    text.split(separator: "%").contains {
      !$0.isEmpty && $0.allSatisfy { "-0123456789".contains($0) }
    }
      && text.contains("%")
  }

  @Test(arguments: WineSamples.names)
  func `sections, keys and fields are those that Wine reads`(_ name: String) throws {
    // A language that none of them has, as in Wine's dump.
    let reading = INFReading(try WineSamples.inf(name), language: 0x0001)
    let expected = try WineSamples.lines("wine-dump/\(name).jsonl", as: WineSamples.Section.self)
    #expect(reading.inf.sections.map { reading.expand($0.name) } == expected.map(\.section))
    for wine in expected {
      let section = try #require(reading.section(wine.section))
      #expect(section.lines.count == wine.lines.count, "[\(wine.section)]")
      for (line, wineLine) in zip(section.lines, wine.lines) {
        #expect(line.name.map(reading.expand) == wineLine.key, "\(name):\(line.number)")
        let pairs = zip(line.fields, wineLine.fields).filter { !Self.hasFolder($0.0) }
        #expect(line.fields.count == wineLine.fields.count, "\(name):\(line.number)")
        #expect(pairs.map { reading.expand($0.0) } == pairs.map(\.1), "\(name):\(line.number)")
      }
    }
  }
}

extension WineSamples {
  struct Match: Decodable, CustomTestStringConvertible, Sendable {
    struct Node: Decodable, Hashable {
      var inf: String
      var description: String
      var manufacturer: String
      var provider: String
      var section: String
    }
    var `case`: String
    var hw: [String]
    var compat: [String]
    var nodes: [Node]
    var best: Node?

    var testDescription: String { self.case }
  }

  static let matches: [Match] = (try? lines("wine-match.jsonl", as: Match.self)) ?? []

  /// The samples whose models sections are decorated; in Microsoft's the architecture is filled in.
  static let store: DriverStore = {
    let files = names.filter { name in
      ["arduino-", "libwdi-generated-", "lufa-", "linux-", "qemu-", "ms-usbncm"].contains {
        name.hasPrefix($0)
      }
    }
    let stored = files.compactMap { name -> StoredINF? in
      guard let data = try? Data(contentsOf: folder.appending(path: name)) else { return nil }
      var bytes = Array(data)
      if name.hasPrefix("ms-") {
        let text = String(decoding: data.dropFirst(2), as: UTF8.self)
          .replacing("\0", with: "").replacing("$ARCH$", with: "amd64")
        bytes = [0xEF, 0xBB, 0xBF] + Array(text.utf8)
      }
      return (try? INF(bytes, name: name)).map { StoredINF($0) }
    }
    return DriverStore(stored, on: .windows10, hasInbox: false)
  }()
}

extension `INFs of other people, beside Wine` {
  @Test(arguments: WineSamples.matches)
  func `a device has the nodes that Wine finds`(_ match: WineSamples.Match) {
    #expect(WineSamples.store.files.count == 15)
    let decision = WineSamples.store.decision(
      for: DeviceIDs(hardware: match.hw, compatible: match.compat))
    func node(_ node: DriverNode) -> WineSamples.Match.Node {
      WineSamples.Match.Node(
        inf: node.file, description: node.description, manufacturer: node.manufacturer,
        provider: node.provider, section: node.installName)
    }
    #expect(Set(decision.nodes.map(node)) == Set(match.nodes))
    #expect(decision.binding.map { node($0.node) } == match.best)
  }
}
