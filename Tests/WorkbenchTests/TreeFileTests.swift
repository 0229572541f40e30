import Reports
import Testing
import USB

@testable import Workbench

@Suite("Saved trees") struct TreeFileTests {
  static var text: String {
    get throws {
      let info = DeviceInfo(
        id: DeviceID(rawValue: 1), path: PortPath(bus: 1, ports: [1]), address: 2, speed: .high,
        descriptor: DeviceDescriptor(
          vendor: VendorID(0x0483), product: ProductID(0xDF11), deviceVersion: BCDVersion(0x2200)),
        configurations: [], activeConfiguration: nil, serialNumber: "A")
      return try jsonText(BusTreeReport([info]))
    }
  }

  @Test func `what is written is read back`() throws {
    let bytes = Array(try Self.text.utf8)
    let tree = try TreeFile.parse(bytes, name: "tree.json")
    #expect(try jsonText(tree) == Self.text)
  }

  @Test(arguments: [
    ("", "no JSON"), ("{", "no JSON"), ("[]", "another kind"), ("{}", "has no “schema”"),
    (#"{"schema":"dfu.tree/1","knowsDrivers":false}"#, "has no “roots”"),
    (#"{"schema":"dfu.tree/9","knowsDrivers":false,"roots":[]}"#, "“dfu.tree/9”"),
    (#"{"schema":"dfu.tree/1","knowsDrivers":false,"roots":[{"path":1}]}"#, "roots[0].path"),
    (String(repeating: "[", count: 100_000), "nested"),
  ])
  func `what is no tree is refused with the place`(_ text: String, _ part: String) {
    let error = #expect(throws: TreeFileError.self) {
      try TreeFile.parse(Array(text.utf8), name: "x")
    }
    #expect(error?.sentence.contains(part) == true, "\(error?.sentence ?? "")")
  }

  @Test func `every prefix is refused without harm`() throws {
    let bytes = Array(try Self.text.utf8)
    for count in 0..<bytes.count {
      #expect(throws: TreeFileError.self) {
        try TreeFile.parse(Array(bytes[..<count]), name: "x")
      }
    }
  }
}
