import Captures
import Foundation
import MockDevices
import Reports
import Testing
import USB
import VirtualDFU

/// Texts that other programs have written.
@Suite struct ForeignDumpTests {
  private func checkFoundingDump(_ text: String) throws {
    let (set, format) = try DescriptorDump.read(DumpSamples.bytes(text))
    #expect(format == .usbView)
    #expect(set.device == FoundingDump.device)
    #expect(set.configurations == [FoundingDump.configuration.map { $0 ?? 0 }])
    #expect(set.configurations.first?.count == 54)
    // Bytes 6 to 8 of the functional descriptor.
    #expect(set.unknown == [.descriptors: [69, 70, 71]])
    #expect(set.strings == FoundingDump.strings)
    #expect(set.language == .englishUnitedStates)
    #expect(set.speed == .full)
    #expect(set.portFacts == FoundingDump.portFacts)
    #expect(
      set.remarks == [
        "USBView has taken the functional descriptor of DFU for one of HID, because both have type 0x21: what it "
          + "shows as bcdHID 0xff0b is bmAttributes 0x0b and the low byte 0xff of wDetachTimeOut, bCountryCode 0x00 "
          + "is the high byte of that, and bNumDescriptors 0x00 is the low byte of wTransferSize. It has not printed "
          + "bytes 6 to 8."
      ])

    let tree = set.tree
    let functional = try #require(tree.nodes.last)
    #expect(functional.layout?.name == "DFU Functional")
    let fields = tree.fields(of: functional)
    #expect(
      fields.map(\.name).suffix(4) == [
        "bmAttributes", "wDetachTimeOut", "wTransferSize", "bcdDFUVersion",
      ])
    let meanings = fields.suffix(4).map { tree.meaning(of: $0, in: functional) ?? "" }
    #expect(
      meanings == [
        "download, upload, will detach", "255 ms", "1 of its 2 bytes is not known",
        "none of its bytes is known",
      ])
    #expect(fields.suffix(2).map(\.number) == [nil, nil])
    #expect(fields.suffix(2).map(\.digits) == ["??00", "????"])

    let report = DescriptorsReport(set, source: "dump")
    #expect(report.inferred.map(\.field) == ["wTransferSize", "bcdDFUVersion"])
    #expect(report.inferred.map(\.value) == [2048, 0x011A])
    #expect(report.inferred.map(\.offset) == [68, 70])
    #expect(report.memories.count == 4)
    #expect(report.memories.first?.words.hasPrefix("Internal flash, 256 KiB at 0x08000000") == true)
  }

  @Test
  func `the dump that this project began with has 18 bytes, and 54 of which three are not known`()
    throws
  {
    try checkFoundingDump(FoundingDump.text)
    try checkFoundingDump(FoundingDump.text.replacing("\n", with: "\r\n      "))
  }

  static let recorded = try? String(
    contentsOf: RecordedTexts.folder.appending(path: "stm32-bootloader-usbview.txt"),
    encoding: .utf8)

  @Test(.enabled(if: recorded != nil, "the dump is not beside this repository"))
  func `the dump itself says the same`() throws {
    try checkFoundingDump(try #require(Self.recorded))
  }

  @Test func `nothing is inferred against a byte that is known, or of a part that is not`() throws {
    let text = FoundingDump.text
    let other = text.replacing("bNumDescriptors: 0x00", with: "bNumDescriptors: 0x40")
    let set = try DescriptorDump.read(DumpSamples.bytes(other)).set
    #expect(InferredFields.names(set) == ["bcdDFUVersion"])
    let stranger = text.replacing("idVendor: 0x0483", with: "idVendor: 0x1234")
    #expect(InferredFields.names(try DescriptorDump.read(DumpSamples.bytes(stranger)).set) == [])
  }

  private enum InferredFields {
    static func names(_ set: DescriptorSet) -> [String] {
      DescriptorsReport(set, source: "test").inferred.map(\.field)
    }
  }

  @Test(arguments: Profile.all.map(\.name), [true, false])
  func `reports of USBTreeView are read, with digits and without`(
    _ name: String, _ hasDigits: Bool
  ) async throws {
    let set = try await DumpSamples.set(of: try #require(Profile.named(name)))
    let text = TreeViewReport.text(of: set, hasDigits: hasDigits)
    let (again, format) = try DescriptorDump.read(DumpSamples.bytes(text))
    #expect(format == .usbTreeView)
    #expect(again.bytes == set.bytes)
    #expect(again.unknown.isEmpty)
    #expect(again.strings == set.strings.filter { !$0.value.isEmpty })
    #expect(again.speed == set.speed)
    #expect(
      again.portFacts == [
        PortFact(.connection, "Device is connected"), PortFact(.chain, "1-2"),
        PortFact(.hardwareIDs, #"USB\VID_0483&PID_DF11"#),
      ])
  }

  @Test func `what USBView has told of a port is told again in its shape`() throws {
    let set = try DescriptorDump.read(DumpSamples.bytes(FoundingDump.text)).set
    let again = try DescriptorDump.read(DumpSamples.bytes(USBViewText.text(of: set))).set
    #expect(again.portFacts == FoundingDump.portFacts)
    #expect(again.bytes == set.bytes && again.unknown == set.unknown)
  }

  @Test(arguments: ClassBlob.all, [true, false])
  func `USBTreeView's descriptors of classes are read`(_ blob: ClassBlob, _ hasDigits: Bool) throws
  {
    let text = TreeViewReport.text(of: blob.set, hasDigits: hasDigits)
    let set = try DescriptorDump.read(DumpSamples.bytes(text)).set
    #expect(set.documents == blob.set.documents)
    // Only digits tell descriptors that nobody knows.
    #expect(!hasDigits || set.unknown.isEmpty)
    for document in set.documents {
      let (bytes, expected) = (set.bytes(of: document), blob.set.bytes(of: document))
      let unknown = set.unknown[document] ?? []
      #expect(unknown.count < 16)
      // Bytes behind the last length have no fields either.
      #expect((0...(hasDigits ? 0 : 2)).contains(expected.count - bytes.count))
      for place in bytes.indices where !unknown.contains(place) && place < expected.count {
        #expect(bytes[place] == expected[place], "byte \(place) of \(document.name)")
      }
    }
  }

  @Test func `a text in UTF-16 is read, as programs for Windows save it`() throws {
    var bytes: [UInt8] = [0xFF, 0xFE]
    for unit in FoundingDump.text.utf16 { bytes += [UInt8(unit & 0xFF), UInt8(unit >> 8)] }
    #expect(try DescriptorDump.read(bytes).set.device == FoundingDump.device)
  }

  @Test func `of several devices the first is read, and that is told`() throws {
    let one = LsusbText.text(of: ClassBlob.all[0].set)
    let two = LsusbText.text(of: ClassBlob.all[1].set)
    let set = try DescriptorDump.read(DumpSamples.bytes(one + "\n" + two)).set
    #expect(set.bytes == ClassBlob.all[0].set.bytes)
    #expect(set.remarks.count == 1)
  }

  @Test(arguments: [
    "Device Descriptor:\n", "===>Device Descriptor<===\n",
    "------- Device Descriptor -------\nbLength : \n", "Configuration Descriptor:\nnothing here\n",
  ])
  func `a text with titles and no numbers has no descriptors`(_ text: String) {
    let error = #expect(throws: DescriptorDumpError.self) {
      try DescriptorDump.read(DumpSamples.bytes(text))
    }
    #expect(error?.help?.contains("USBView") == true)
  }

  @Test(arguments: DumpRoundTripTests.Shape.allCases)
  func `every text that ends early is read as far as it goes`(_ shape: DumpRoundTripTests.Shape) {
    let text = Array(shape.text(of: ClassBlob.all[6].set).utf8)
    for end in stride(from: 0, to: text.count, by: 97) {
      let set = try? DescriptorDump.read(Array(text[..<end])).set
      #expect((set?.bytes.count ?? 0) <= ClassBlob.all[6].bytes.count + 255)
    }
  }
}
