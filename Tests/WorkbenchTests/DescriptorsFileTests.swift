import MockDevices
import Reports
import Testing
import USB

@testable import Workbench

@Suite("Saved descriptors") struct DescriptorsFileTests {
  static let sets: [DescriptorSet] = ClassBlob.all.map(\.set) + [founding]

  /// A set with unknown bytes, strings and facts of its port.
  static let founding: DescriptorSet = {
    var set = DescriptorSet(
      documents: [
        .descriptors: FoundingDump.device.map { $0 } + FoundingDump.configuration,
        .binaryObjectStore: [0x05, 0x0F, nil, 0x00, 0x00],
      ], speed: .full)
    set.strings = FoundingDump.strings
    set.language = .englishUnitedStates
    set.portFacts = FoundingDump.portFacts
    set.remarks = ["A remark."]
    return set
  }()

  @Test(arguments: sets.indices)
  func `what is written is read back, and means the same`(_ index: Int) throws {
    let set = Self.sets[index]
    let text = try jsonText(DescriptorsReport(set, source: "x"))
    let again = try DescriptorsFile.parse(Array(text.utf8), name: "x.json")
    #expect(again.documents == set.documents)
    for document in set.documents { #expect(again.bytes(of: document) == set.bytes(of: document)) }
    #expect(try jsonText(DescriptorsReport(again, source: "x")) == text)
  }

  @Test(arguments: [
    ("", "no JSON"), ("{", "no JSON"), ("[]", "another kind"), ("{}", "has no “schema”"),
    (#"{"schema":"dfu.descriptors/9","documents":[],"strings":[]}"#, "“dfu.descriptors/9”"),
    (#"{"schema":"dfu.descriptors/1","documents":[],"strings":[]}"#, "no bytes"),
    (document("descriptors", "121"), "no pairs"), (document("descriptors", "12xx"), "byte 1"),
    (document("nothing", "1201"), "“nothing”"),
    (document("descriptors", "", speed: "warp"), "warp"),
    (#"{"schema":"dfu.descriptors/1","documents":[{"name":1}],"strings":[]}"#, "documents[0].name"),
    (String(repeating: "[", count: 100_000), "nested"),
  ])
  func `what holds no descriptors is refused with the place`(_ text: String, _ part: String) {
    let error = #expect(throws: DescriptorsFileError.self) {
      try DescriptorsFile.parse(Array(text.utf8), name: "x")
    }
    #expect(error?.sentence.contains(part) == true, "\(error?.sentence ?? "")")
  }

  @Test func `a document that stands there twice is refused`() {
    let one = #"{"name":"descriptors","bytes":"1201"}"#
    let text = #"{"schema":"dfu.descriptors/1","documents":[\#(one),\#(one)],"strings":[]}"#
    #expect(throws: DescriptorsFileError.self) {
      try DescriptorsFile.parse(Array(text.utf8), name: "x")
    }
  }

  private static func document(_ name: String, _ bytes: String, speed: String = "full") -> String {
    #"{"schema":"dfu.descriptors/1","speed":"\#(speed)","documents":[{"name":"\#(name)","bytes":"\#(bytes)"}],"strings":[]}"#
  }
}
