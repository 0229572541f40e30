import Captures
import MockDevices
import Reports
import Testing
import USB
import VirtualDFU

/// What we write in the shape of another program is read again as the same descriptors.
@Suite struct DumpRoundTripTests {
  enum Shape: String, CaseIterable, CustomTestStringConvertible {
    case lsusb, usbView, hexadecimal

    var testDescription: String { rawValue }

    func text(of set: DescriptorSet) -> String {
      switch self {
      case .lsusb: LsusbText.text(of: set)
      case .usbView: USBViewText.text(of: set)
      case .hexadecimal: DescriptorsReport(set, source: "test").hexadecimalText()
      }
    }

    var format: DescriptorDump.Format {
      switch self {
      case .lsusb: .lsusb
      case .usbView: .usbView
      case .hexadecimal: .hexadecimal
      }
    }
  }

  private func check(
    _ set: DescriptorSet, _ shape: Shape, pasted: Bool = false,
    unknown: [DescriptorSet.Document: Set<Int>]? = nil
  ) throws {
    var text = shape.text(of: set)
    if pasted { text = DumpSamples.pasted(text) }
    let (again, format) = try DescriptorDump.read(
      DumpSamples.bytes(text), speed: shape == .hexadecimal ? set.speed : nil)
    #expect(format == shape.format)
    #expect(again.documents == set.documents)
    let unknown = unknown ?? set.unknown
    #expect(again.unknown == unknown)
    for document in set.documents {
      var expected = set.bytes(of: document)
      for place in unknown[document] ?? [] where place < expected.count { expected[place] = 0 }
      #expect(again.bytes(of: document) == expected, "\(document.name)")
    }
    if shape != .hexadecimal {
      #expect(again.strings == set.strings.filter { !$0.value.isEmpty })
      #expect(again.speed == set.speed)
    }
  }

  @Test(arguments: Profile.all.map(\.name), Shape.allCases)
  func `a virtual device's text is its descriptors again`(
    _ name: String, _ shape: Shape
  ) async throws {
    let set = try await DumpSamples.set(of: try #require(Profile.named(name)))
    #expect(set.bytes.count > 18 + 9 + 9)
    try check(set, shape)
    try check(set, shape, pasted: true)
  }

  @Test(arguments: ClassBlob.all, Shape.allCases)
  func `descriptors of every class are read again`(_ blob: ClassBlob, _ shape: Shape) throws {
    try check(blob.set, shape, pasted: true, unknown: unprinted(blob.set, shape))
    try check(
      blob.malformed.set, shape, pasted: true, unknown: unprinted(blob.malformed.set, shape))
  }

  /// `lsusb` does not print the last byte of a pipe usage descriptor: it is unknown, and not made up.
  private func unprinted(
    _ set: DescriptorSet, _ shape: Shape
  ) -> [DescriptorSet.Document: Set<Int>]? {
    guard shape == .lsusb else { return nil }
    let tree = set.tree
    let places = tree.nodes.filter { $0.layout?.name == "Pipe Usage" && $0.length == 4 }
      .map { $0.offset + 3 }
    return places.isEmpty ? nil : [.descriptors: Set(places)]
  }

  @Test(arguments: Shape.allCases)
  func `bytes that nobody knows stay unknown in every shape`(_ shape: Shape) throws {
    let text = """
      1201000100000040 830411df00220102 0301
      09021b00010100c032 0904000000fe010200 09210bff0000??????
      """
    let set = try DescriptorDump.read(DumpSamples.bytes(text), speed: .full).set
    #expect(set.unknown == [.descriptors: [42, 43, 44]])
    try check(set, shape, pasted: true)
    let written = shape.text(of: set)
    #expect(written.contains("??"))
    // The numbers that ST's parts have there.
    #expect(!written.contains("2048") && !written.contains("1.1a"))
  }

  @Test(arguments: Shape.allCases)
  func `hubs, reports and Microsoft's descriptors go through every shape`(_ shape: Shape) throws {
    let text = """
      12010002090001400100 0200 0001 00000001
      09022200 01010080 32 0904000001 03010100 0921110100 01221400 0705810308000a
      # device qualifier
      0a 06 0002 09 00 01 40 01 00
      # hub
      09 29 04 a900 32 64 00 ff
      # HID report of interface 0
      0501 0906 a101 8501 7508 9501 8102 c0 fe0210aa ?? f3
      # Microsoft OS string
      1203 4d005300460054003100300030002100
      # Microsoft OS 2.0 set
      0a00 0000 00000306 0e00 0400 0700
      # Microsoft properties of interface 0
      0a000000 0001 0500 0000
      """
    let set = try DescriptorDump.read(DumpSamples.bytes(text), speed: .high).set
    #expect(set.documents.count == 7)
    var unknown: [DescriptorSet.Document: Set<Int>] = [.report(interface: 0): [19]]
    #expect(set.unknown == unknown)
    // lsusb does not print the reserved byte at the end of a device qualifier.
    if shape == .lsusb { unknown[.deviceQualifier] = [9] }
    try check(set, shape, pasted: true, unknown: unknown)
    #expect(shape.text(of: set).contains("??"))
  }

  @Test(arguments: Shape.allCases)
  func `a descriptor inside of a configuration stays there, whatever its type`(
    _ shape: Shape
  ) throws {
    let text =
      "09023500010100803209040000" + "00ff000000" + "092904a90032" + "6400ff"
      + "0a06000209000140" + "0100" + "050f0500" + "00" + "0a10020000000000" + "0000"
    let set = try DescriptorDump.read(DumpSamples.bytes(text), speed: .high).set
    #expect(set.documents == [.descriptors])
    #expect(set.tree.nodes.count == 6)
    try check(set, shape, pasted: true)
  }

  @Test(RecordedTexts.present, arguments: RecordedTexts.all)
  func `a recorded text of lsusb is the recorded descriptors`(
    _ recording: RecordedTexts.Recording
  ) throws {
    let set = try DescriptorDump.read(DumpSamples.bytes(recording.text)).set
    // lsusb prints no field of a processing unit that is one byte short of video 1.1.
    let hidden = recording.name == "dell-webcam-truncated" ? 9 : 0
    #expect((set.unknown[.descriptors] ?? []).count <= hidden)
    #expect(set.bytes.count == recording.set.bytes.count)
    for (place, byte) in recording.set.bytes.enumerated()
    where set.unknown[.descriptors]?.contains(place) != true {
      #expect(set.bytes[place] == byte, "byte \(place)")
    }
    #expect(set.speed == recording.set.speed)
    for (index, text) in set.strings {
      // Two recordings have escapes for their letters, which lsusb has not.
      let known = recording.set.strings[index]
      #expect(known == text || known?.contains("\\") == true)
    }
    for shape in Shape.allCases { try check(set, shape) }
  }
}
