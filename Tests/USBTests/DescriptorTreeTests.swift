import Foundation
import Testing

@testable import USB

/// Bytes as people write them.
func blob(_ text: String) -> [UInt8] {
  text.split(whereSeparator: \.isWhitespace).flatMap { word in
    stride(from: 0, to: word.count, by: 2).compactMap { index in
      UInt8(word.dropFirst(index).prefix(2), radix: 16)
    }
  }
}

/// A device or a configuration with its `wTotalLength` put right.
func sized(_ bytes: [UInt8]) -> [UInt8] {
  var bytes = bytes
  let start = bytes[1] == 1 ? 18 : 0
  bytes[start + 2] = UInt8(truncatingIfNeeded: bytes.count - start)
  bytes[start + 3] = UInt8(truncatingIfNeeded: (bytes.count - start) >> 8)
  return bytes
}

/// Whole devices and parts of them, made by hand from the layouts of their specifications.
enum Blobs {
  static let device = blob("12 01 00 02 00 00 00 40 83 04 11 df 00 22 01 02 03 01")

  /// An STM32F407 in its bootloader: four settings, one functional descriptor.
  static let bootloader =
    device
    + blob(
      """
      09 02 36 00 01 01 00 c0 32
      09 04 00 00 00 fe 01 02 04 09 04 00 01 00 fe 01 02 05 09 04 00 02 00 fe 01 02 06 09 04 00 03 00 fe 01 02 07
      09 21 0b ff 00 00 08 1a 01
      """)

  static let keyboard = blob(
    """
    12 01 10 01 00 00 00 08 d9 04 03 16 10 03 01 02 00 01
    09 02 22 00 01 01 00 a0 32 09 04 00 00 01 03 01 01 00 09 21 10 01 00 01 22 41 00 07 05 81 03 08 00 0a
    """)

  static let serial = blob(
    """
    12 01 00 02 ef 02 01 40 fe ca 01 40 00 01 01 02 03 01
    09 02 4b 00 02 01 00 80 32
    08 0b 00 02 02 02 00 00
    09 04 00 00 01 02 02 00 04 05 24 00 20 01 05 24 01 00 01 04 24 02 02 05 24 06 00 01 07 05 81 03 08 00 10
    09 04 01 00 02 0a 00 00 00 07 05 02 02 40 00 00 07 05 82 02 40 00 00
    """)

  static let storage = sized(
    blob(
      """
      12 01 00 02 00 00 00 40 81 07 67 55 00 01 01 02 03 01
      09 02 41 00 01 01 00 80 64
      09 04 00 00 02 08 06 50 00 07 05 81 02 00 02 00 07 05 02 02 00 02 00
      09 04 00 01 02 08 06 62 00 07 05 81 02 00 02 00 04 24 03 00 07 05 02 02 00 02 00 04 24 01 00
      """))

  static let audio = sized(
    blob(
      """
      12 01 10 01 00 00 00 40 fe ca 02 40 00 01 00 00 00 01
      09 02 6d 00 02 01 00 80 32
      09 04 00 00 00 01 01 00 00
      09 24 01 00 01 28 00 01 01 0c 24 02 01 01 01 00 02 03 00 00 00 0a 24 06 02 01 01 01 02 02 00 09 24 03 03 01 03 00 02 00
      09 04 01 00 00 01 02 00 00 09 04 01 01 01 01 02 00 00
      07 24 01 01 01 01 00 0b 24 02 01 02 02 10 01 44 ac 00
      09 05 01 09 c0 00 01 00 00 07 25 01 01 00 00 00
      """))

  static let audio2 = sized(
    blob(
      """
      09 02 76 00 02 01 00 80 32
      08 0b 00 02 01 00 20 00
      09 04 00 00 00 01 01 20 00
      09 24 01 00 02 08 2e 00 00 08 24 0a 04 03 07 00 00 11 24 02 01 01 01 00 04 02 03 00 00 00 00 00 00 00
      0c 24 03 03 01 03 00 01 04 00 00 00
      09 04 01 00 00 01 02 20 00 09 04 01 01 01 01 02 20 00
      10 24 01 01 00 01 01 00 00 00 02 03 00 00 00 00 06 24 02 01 02 10
      07 05 01 05 c0 00 04 08 25 01 00 00 00 00 00
      """))

  static let midi = sized(
    blob(
      """
      09 02 41 00 01 01 00 80 32
      09 04 00 00 01 01 03 00 00
      07 24 01 00 01 20 00 06 24 02 01 01 00 09 24 03 01 03 01 01 01 00 0d 24 04 05 01 01 01 01 00 00 01 00 00
      07 05 01 02 40 00 00 05 25 01 01 01
      """))

  static let video = sized(
    blob(
      """
      09 02 9f 00 02 01 00 80 fa
      08 0b 00 02 0e 03 00 00
      09 04 00 00 00 0e 01 00 00
      0d 24 01 10 01 4b 00 00 6c dc 02 01 01
      11 24 02 01 01 02 00 00 00 00 00 00 00 00 02 00 00
      0c 24 05 02 01 00 00 02 01 00 00 00
      18 24 06 03 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 00 00 00 00
      09 24 03 04 01 01 00 03 00
      09 04 01 00 00 0e 02 00 00
      0d 24 01 01 36 00 81 00 04 00 00 00 00
      """))

  static let smartCard = blob(
    """
    09 02 48 00 01 01 00 80 32
    09 04 00 00 00 0b 00 00 00
    36 21 10 01 00 07 03 00 00 00 a0 0f 00 00 a0 0f 00 00 00 00 2a 00 00 00 2a 00 00 00 fe 00 00 00 00 00 00 00
    00 00 00 00 30 02 02 00 0f 01 00 00 ff ff 00 00 00 01
    """)

  static let printer = blob(
    "09 02 20 00 01 01 00 c0 00 09 04 00 00 02 07 01 02 00 07 05 01 02 00 02 00 07 05 82 02 00 02 00"
  )

  static let store = blob(
    """
    05 0f 5e 00 05
    07 10 02 06 00 00 00
    0a 10 03 00 0e 00 01 0a ff 07
    14 10 04 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10
    18 10 05 00 38 b6 08 34 a9 09 a0 47 8b fd a0 76 88 15 b6 65 00 01 22 01
    1c 10 05 00 df 60 dd d8 89 45 c7 4c 9c d2 65 9d 9e 64 8a 9f 00 00 03 06 a2 00 20 00
    """)

  static let hub = blob("09 29 04 e9 00 32 64 00 ff")
  static let superHub = blob("0c 2a 04 09 00 32 00 04 2c 01 1e 00")
  static let superSpeed = blob(
    """
    09 02 2c 00 01 01 00 80 70 09 04 00 00 02 ff 00 00 00
    07 05 81 02 00 04 00 06 30 0f 00 00 00 07 05 02 02 00 04 00 06 30 0f 00 00 00
    """)

  static let all: [(name: String, bytes: [UInt8])] = [
    ("bootloader", bootloader), ("keyboard", keyboard), ("serial", serial), ("storage", storage),
    ("audio", audio), ("audio 2", audio2), ("midi", midi), ("video", video),
    ("smart card", smartCard), ("printer", printer), ("store", store), ("hub", hub),
    ("super hub", superHub), ("super speed", superSpeed),
  ]

  private static let samples = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../../shared/samples/descriptors").standardizedFileURL

  /// Other people's devices, where their files are.
  static let real: [(name: String, bytes: [UInt8])] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: samples.path)) ?? []
    return names.sorted().filter { $0.hasSuffix(".hex") }.compactMap { name in
      let file = samples.appendingPathComponent(name)
      guard let text = try? String(contentsOf: file, encoding: .utf8) else { return nil }
      let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
      return (name, blob(lines.joined(separator: " ")))
    }
  }()
}

@Suite("Descriptors by their layouts") struct DescriptorTreeTests {
  struct Device: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var bytes: [UInt8]
  }

  static let ours = Blobs.all.map { Device(testDescription: $0.name, bytes: $0.bytes) }
  static let real = Blobs.real.map { Device(testDescription: $0.name, bytes: $0.bytes) }

  /// Every byte is of one descriptor and of one field, whatever they are.
  func checkCover(_ tree: DescriptorTree) {
    var position = 0
    for node in tree.nodes {
      let fields = tree.fields(of: node)
      guard node.offset == position, (0...3).contains(node.depth),
        fields.flatMap(\.bytes) == Array(tree.bytes(of: node))
      else {
        Issue.record("\(node.layout?.name ?? "unknown") at \(node.offset): \(tree.bytes(of: node))")
        return
      }
      for field in fields { _ = tree.meaning(of: field, in: node) }
      position += node.length
    }
    #expect(position == tree.bytes.count)
  }

  @Test(arguments: ours)
  func `a sound device has no faults, every descriptor a layout, every byte a field`(
    _ device: Device
  ) {
    let tree = DescriptorTree(parsing: device.bytes)
    #expect(tree.faults.map(\.sentence) == [])
    for node in tree.nodes {
      #expect(node.layout != nil, "\(tree.bytes(of: node))")
      #expect(!tree.fields(of: node).contains { $0.name == "extra" }, "\(node.layout?.name ?? "")")
    }
    checkCover(tree)
  }

  @Test(.enabled(if: !real.isEmpty, "samples/descriptors is not here"), arguments: real)
  func `devices of others are covered as well`(_ device: Device) {
    #expect(!device.bytes.isEmpty)
    checkCover(DescriptorTree(parsing: device.bytes))
  }

  @Test(arguments: ours + real)
  func `every truncation is read as far as it goes`(_ device: Device) {
    for count in device.bytes.indices {
      checkCover(DescriptorTree(parsing: Array(device.bytes[..<count])))
    }
  }

  @Test(arguments: ours + real)
  func `every length may be 0, 1 or 255`(_ device: Device) {
    for node in DescriptorTree(parsing: device.bytes).nodes {
      for length: UInt8 in [0, 1, 255] {
        var bytes = device.bytes
        bytes[node.offset] = length
        let tree = DescriptorTree(parsing: bytes)
        checkCover(tree)
        #expect(!tree.faults.isEmpty)
      }
    }
  }

  @Test(arguments: ours + real)
  func `places are those of the fields, behind what was there before`(_ device: Device) {
    let tree = DescriptorTree(parsing: device.bytes)
    var places: [FieldPlace] = []
    for node in tree.nodes where node.type != nil {
      let first = places.count
      tree.findPlaces(of: node, appendingTo: &places)
      let own = places[first...]
      let fields = tree.fields(of: node)
      #expect(own.map(\.offset) == fields.map(\.offset))
      #expect(own.map(\.length) == fields.map(\.bytes.count))
      #expect(own.map { $0.number(in: tree.bytes(of: node)) } == fields.map(\.number))
      if let layout = node.layout {
        #expect(
          own.map { $0.field.map { layout.fields[$0].name } ?? "extra" } == fields.map(\.name))
      }
    }
  }

  @Test func `0x21 is what its interface makes of it`() throws {
    let body = blob("09 21 0b ff 00 00 08 1a 01")
    func name(_ interface: ClassTriple) -> String? {
      DescriptorTree(parsing: body, interface: interface).nodes.first?.layout?.name
    }
    #expect(name(.dfuMode) == "DFU Functional")
    #expect(name(.dfuRuntime) == "DFU Functional")
    #expect(name(ClassTriple(3, 0, 0)) == "HID")
    #expect(name(ClassTriple(0x0B, 0, 0)) == "Smart Card Device")
    #expect(name(ClassTriple(0xFF, 0, 0)) == nil)
    #expect(DescriptorTree(parsing: body).nodes.first?.layout == nil)
    let shaped = blob("09 21 11 01 00 01 22 37 00")
    #expect(
      DescriptorTree(parsing: shaped, interface: ClassTriple(0xFF, 0, 0)).nodes.first?.layout?.name
        == "HID-shaped")
  }

  @Test func `the functional descriptor of DFU says what it says`() throws {
    let tree = DescriptorTree(parsing: Blobs.bootloader, speed: .full)
    let node = try #require(tree.nodes.last)
    let words = tree.fields(of: node).map { tree.meaning(of: $0, in: node) ?? "" }
    #expect(
      words == [
        "", "DFU FUNCTIONAL", "download, upload, will detach", "255 ms", "2048 bytes", "1.1a",
      ])
    #expect(node.depth == 2)
  }

  @Test func `repeated fields have their numbers`() throws {
    let tree = DescriptorTree(parsing: Blobs.serial)
    let union = try #require(tree.nodes.first { $0.layout?.name == "CDC Union" })
    let fields = tree.fields(of: union)
    #expect(fields.map(\.name).suffix(2) == ["bControlInterface", "bSubordinateInterface"])
    #expect(fields.last?.index == 0)
    #expect(fields.last?.number == 1)
  }

  @Test func `class endpoints and companions belong to their endpoint`() {
    let depths = DescriptorTree(parsing: Blobs.superSpeed).nodes.map(\.depth)
    #expect(depths == [0, 1, 2, 3, 2, 3])
    let storage = DescriptorTree(parsing: Blobs.storage).nodes.map(\.depth)
    #expect(storage == [0, 0, 1, 2, 2, 1, 2, 3, 2, 3])
  }

  /// A change to a sound device, and the field that tells it.
  struct Change: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var bytes: [UInt8]
    var field: String
    var speed: USBSpeed?

    init(
      _ words: String, _ bytes: [UInt8], at offset: Int, _ value: UInt8, _ field: String,
      _ speed: USBSpeed? = nil
    ) {
      testDescription = words
      self.bytes = bytes
      self.bytes[offset] = value
      self.field = field
      self.speed = speed
    }
  }

  static let changes = [
    Change("packet size 0", Blobs.bootloader, at: 7, 10, "bMaxPacketSize0"),
    Change("packet size 0 at low speed", Blobs.keyboard, at: 7, 64, "bMaxPacketSize0", .low),
    Change("no configuration", Blobs.bootloader, at: 17, 0, "bNumConfigurations"),
    Change("two configurations", Blobs.bootloader, at: 17, 2, "bNumConfigurations"),
    Change("nine configurations", Blobs.bootloader, at: 17, 9, "bNumConfigurations"),
    Change("subclass without class", Blobs.bootloader, at: 5, 1, "bDeviceSubClass"),
    Change("total too long", Blobs.bootloader, at: 20, 0x37, "wTotalLength"),
    Change("total too short", Blobs.bootloader, at: 20, 0x2D, "wTotalLength"),
    Change("two interfaces", Blobs.bootloader, at: 22, 2, "bNumInterfaces"),
    Change("configuration 0", Blobs.bootloader, at: 23, 0, "bConfigurationValue"),
    Change("bit 7", Blobs.bootloader, at: 25, 0x40, "bmAttributes"),
    Change("a setting twice", Blobs.bootloader, at: 39, 0, "bAlternateSetting"),
    Change("no setting 0", Blobs.bootloader, at: 30, 9, "bAlternateSetting"),
    Change("an endpoint announced", Blobs.bootloader, at: 31, 1, "bNumEndpoints"),
    Change("interface 1 alone", Blobs.keyboard, at: 29, 1, "bInterfaceNumber"),
    Change("endpoint 0", Blobs.keyboard, at: 47, 0x80, "bEndpointAddress"),
    Change("reserved bits", Blobs.keyboard, at: 47, 0x91, "bEndpointAddress"),
    Change("an endpoint twice", Blobs.storage, at: 45, 0x81, "bEndpointAddress"),
    Change("of another interface", Blobs.serial, at: 88, 0x81, "bEndpointAddress"),
    Change("no association class", Blobs.serial, at: 4, 0x02, "bDeviceClass"),
    Change("an association too far", Blobs.serial, at: 30, 3, "bFirstInterface"),
    Change("bulk at high speed", Blobs.serial, at: 84, 0x40, "wMaxPacketSize", .high),
    Change("interrupt at full speed", Blobs.keyboard, at: 50, 1, "wMaxPacketSize", .full),
    Change("bulk at low speed", Blobs.serial, at: 7, 8, "wMaxPacketSize", .low),
    Change("interval 0", Blobs.keyboard, at: 51, 0, "bInterval", .low),
    Change("interval 17", Blobs.keyboard, at: 51, 17, "bInterval", .high),
    Change("a device inside", Blobs.bootloader, at: 28, 1, "bDescriptorType"),
    Change("a short interface", Blobs.printer, at: 9, 8, "bLength"),
  ]

  @Test(arguments: changes)
  func `what is wrong is told at its field`(_ change: Change) throws {
    let tree = DescriptorTree(parsing: change.bytes, speed: change.speed)
    let told = tree.faults.filter { $0.field == change.field }
    #expect(!told.isEmpty, "\(tree.faults.map(\.sentence))")
    #expect(told.allSatisfy { $0.sentence.hasSuffix(".") })
    checkCover(tree)
  }

  @Test func `faults come in the order of the bytes, and the text is bounded`() {
    let bytes = [UInt8](repeating: 2, count: 65_536)
    let tree = DescriptorTree(parsing: bytes)
    #expect(tree.faults.map(\.offset) == tree.faults.map(\.offset).sorted())
    checkCover(DescriptorTree(parsing: [UInt8](repeating: 0, count: 70_000)))
  }

  /// What the walk alone finds is in order too: a length that is too great is known at the end, and stands in front.
  @Test func `faults come in the order of the bytes, also where no rule finds one`() {
    let tree = DescriptorTree(
      parsing: blob("09 02 40 00 00 01 00 80 32 09 00"))
    #expect(tree.faults.map(\.offset) == [2, 9])
  }

  @Test func `a Microsoft property of any length ends`() {
    let layout = MicrosoftLayouts.parts[4]
    let bytes = blob("1e 00 04 00 07 00 ff ff 41 00 42 00")
    #expect(layout?.fields(of: bytes[...]).flatMap(\.bytes) == bytes)
  }

  @Test func `every layout says what it is, where that is specified, and how short it may be`() {
    let all = DescriptorLayout.all
    #expect(all.count > 100)
    for layout in all {
      #expect(!layout.name.isEmpty && !layout.section.isEmpty)
      #expect(layout.minimumLength >= 2, "\(layout.name)")
    }
  }
}
