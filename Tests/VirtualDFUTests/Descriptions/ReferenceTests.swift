import DFU
import Foundation
import Testing

@testable import VirtualDFU

/// The reference of the format tells everything that there is, and its examples are right.
@Suite("The reference of descriptions") struct ReferenceTests {
  static func article() throws -> String {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Sources/VirtualDFU/VirtualDFU.docc/DescribingADevice.md")
    return try String(contentsOf: file, encoding: .utf8)
  }

  static let keys =
    DescriptionKeys.whole + DescriptionKeys.usb + DescriptionKeys.dfu
    + DescriptionKeys.dfuSeSetting + DescriptionKeys.plainSetting + DescriptionKeys.memory
    + DescriptionKeys.sectors + DescriptionKeys.times + DescriptionKeys.timing
    + DescriptionKeys.behaviour + DescriptionKeys.launch + DescriptionKeys.range
    + DescriptionKeys.protection + DescriptionKeys.application + DescriptionKeys.locks
    + DescriptionKeys.content

  static let words =
    BootloaderDialect.allCases.map(\.rawValue) + BusyBehaviour.allCases.map(\.rawValue)
    + OptionByteLayout.all.map(\.key) + Application.WayBack.allCases.map(\.rawValue)
    + MemoryDescription.Kind.allCases.map(\.rawValue)
    + MemoryDescription.Reprogramming.allCases.map(\.rawValue)
    + FunctionalDescriptorPlace.allCases.map(\.rawValue) + BootloaderQuirks.named.map(\.name)

  @Test(arguments: Set(keys + words).sorted())
  func `every key and every word is told`(_ name: String) throws {
    #expect(try Self.article().contains("`\(name)`"))
  }

  @Test func `its examples are descriptions`() throws {
    let blocks = try Self.article().split(separator: "```json\n").dropFirst()
    #expect(blocks.count == 2)
    for block in blocks {
      let end = try #require(block.firstRange(of: "```"))
      let text = String(block[..<end.lowerBound])
      let description = try ProfileDescriptionTests.read(text)
      #expect(description.profile.name == "my-board")
      #expect(description.notes.isEmpty)
    }
  }

  @Test func `its quirks are all there are`() {
    let all = BootloaderQuirks.named.reduce(into: BootloaderQuirks()) { $0.insert($1.quirk) }
    #expect(BootloaderQuirks.named.count == all.rawValue.nonzeroBitCount)
    for profile in Profile.all { #expect(profile.quirks.isSubset(of: all)) }
  }
}
