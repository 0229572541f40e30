import Synchronization
import Testing

@testable import USB

/// A device that answers what it is told to, stalls all else, and remembers what it was asked.
private final class AnsweringDevice: USBDevice {
  let info: DeviceInfo
  let answers: [[UInt8]: [UInt8]]
  /// The interfaces that a driver of the system holds.
  let held: Set<UInt8>
  private let claims = Mutex<Set<UInt8>>([])
  private let log = Mutex<[SetupPacket]>([])
  var asked: [SetupPacket] { log.withLock { $0 } }

  // The answers by the first six bytes of the setup packet: all but `wLength`.
  init(_ speed: USBSpeed, _ answers: [[UInt8]: [UInt8]], held: Set<UInt8> = []) {
    self.held = held
    info = DeviceInfo(
      id: DeviceID(rawValue: 1), path: PortPath(bus: 1, ports: [1]), address: 1, speed: speed,
      descriptor: DeviceDescriptor(
        vendor: VendorID(1), product: ProductID(2), deviceVersion: BCDVersion(0x0100)),
      configurations: [], activeConfiguration: 1)
    self.answers = answers
  }

  func controlIn(_ setup: SetupPacket, timeout: Duration) async throws(TransferError) -> [UInt8] {
    let interface = UInt8(truncatingIfNeeded: setup.index)
    guard setup.requestType.recipient != .interface || claims.withLock({ $0.contains(interface) })
    else { throw TransferError(.closed, setup: setup, detail: "not claimed") }
    log.withLock { $0.append(setup) }
    guard let answer = answers[Array(setup.bytes.prefix(6))] else {
      throw TransferError(.stall, setup: setup)
    }
    return Array(answer.prefix(Int(setup.length)))
  }

  private func refuse() -> TransferError { TransferError(.unsupported) }
  func controlOut(
    _ setup: SetupPacket, data: [UInt8], timeout: Duration
  ) async throws(TransferError) { throw refuse() }
  func bulkIn(
    endpoint: UInt8, length: Int, timeout: Duration
  ) async throws(TransferError) -> [UInt8] { throw refuse() }
  func bulkOut(
    endpoint: UInt8, data: [UInt8], timeout: Duration
  ) async throws(TransferError) -> Int { throw refuse() }
  func interruptIn(
    endpoint: UInt8, length: Int, timeout: Duration
  ) async throws(TransferError) -> [UInt8] { throw refuse() }
  func interruptOut(
    endpoint: UInt8, data: [UInt8], timeout: Duration
  ) async throws(TransferError) -> Int { throw refuse() }
  func setConfiguration(_ value: UInt8) async throws(TransferError) { throw refuse() }
  func claimInterface(_ number: UInt8) async throws(TransferError) {
    guard !held.contains(number) else { throw TransferError(.busy, detail: "usbhid has it") }
    claims.withLock { _ = $0.insert(number) }
  }
  func releaseInterface(_ number: UInt8) async throws(TransferError) {
    claims.withLock { _ = $0.remove(number) }
  }
  func setAlternateSetting(
    _ setting: UInt8, interface number: UInt8
  ) async throws(TransferError) { throw refuse() }
  func clearHalt(endpoint: UInt8) async throws(TransferError) { throw refuse() }
  func reset() async throws(TransferError) { throw refuse() }
  func close() async {}
}

/// What a device is asked for when it is described.
@Suite struct DescriptorAskingTests {
  private static let report: [UInt8] = blob("0501 0906 a101 8501 7508 9501 8102 c0")
  private static let set20: [UInt8] = blob(
    "0a00 0000 0000 0306 2600 1400 0300 57494e5553420000 0000000000000000 0800 0200 01 00 0800")
  private static let compatible: [UInt8] = blob(
    "28000000 0001 0400 01 00000000000000 00 01 57494e5553420000 0000000000000000 000000000000")

  /// A composite device with HID, a BOS that announces Microsoft OS 2.0, and string 0xEE.
  private func device(_ speed: USBSpeed = .full, held: Set<UInt8> = []) -> AnsweringDevice {
    AnsweringDevice(
      speed,
      [
        [0x80, 6, 0, 1, 0, 0]: blob("12 01 0102 00 00 00 40 0100 0200 0001 00 00 00 01"),
        [0x80, 6, 0, 2, 0, 0]: blob(
          "09 02 2200 01 01 00 80 32 09 04 02 00 01 03 01 01 00 09 21 1101 00 01 22 1000 07 05 81 03 0800 0a"
        ),
        [0x80, 6, 0, 0x0F, 0, 0]: blob(
          "05 0f 2100 01 1c 10 05 00 df60ddd88945c74c9cd2659d9e648a9f 00000306 2600 20 00"),
        [0x81, 6, 0, 0x22, 2, 0]: Self.report,
        [0xC0, 0x20, 0, 0, 7, 0]: Self.set20,
        [0x80, 6, 0xEE, 3, 0, 0]: blob("12 03 4d00 5300 4600 5400 3100 3000 3000 21 00"),
        [0xC0, 0x21, 0, 0, 4, 0]: Self.compatible,
      ], held: held)
  }

  @Test func `a report that a driver of the system keeps for itself costs only the report`()
    async throws
  {
    let device = device(held: [2])
    let set = try await DescriptorSet(asking: device)
    #expect(set.documents == [.descriptors, .binaryObjectStore, .microsoftSet])
    #expect(set.notes.map(\.subject) == ["the report descriptor of interface 2"])
    #expect(set.notes.first?.reason.contains("usbhid has it") == true)
  }

  @Test func `reports and the Microsoft OS 2.0 set are read where they are announced`() async throws
  {
    let device = device()
    let set = try await DescriptorSet(asking: device)
    #expect(
      set.documents == [.descriptors, .binaryObjectStore, .microsoftSet, .report(interface: 2)])
    #expect(set.others[.report(interface: 2)] == Self.report)
    #expect(set.others[.microsoftSet] == Self.set20)
    #expect(set.notes.isEmpty)
    // String 0xEE upsets some devices: nobody asks for it unasked.
    #expect(!device.asked.contains { $0.value == 0x03EE })
  }

  @Test func `Microsoft's string is asked for when that is wanted, and what it announces`()
    async throws
  {
    let device = device()
    let set = try await DescriptorSet(asking: device, microsoft: true)
    #expect(set.others[.microsoftString]?.count == 18)
    #expect(set.others[.compatibleIDs] == Self.compatible)
    // The properties are refused, which is no failure.
    #expect(set.notes.map(\.subject) == ["the Microsoft properties of interface 2"])
    let lengths = device.asked.filter { $0.request == 0x21 && $0.index == 4 }.map(\.length)
    #expect(lengths == [16, 40])
    let tree = set.tree(of: .compatibleIDs)
    let names = tree.fields(of: tree.nodes[0]).compactMap {
      tree.meaning(of: $0, in: tree.nodes[0])
    }
    #expect(names.contains("“WINUSB”"))
  }

  @Test func `the set of Microsoft OS 2.0 is decoded part by part`() throws {
    let tree = DescriptorTree(microsoftSet: Self.set20, unknown: [])
    #expect(
      tree.nodes.map { $0.layout?.name } == [
        "Set Header", "Compatible ID", "Function Subset Header",
      ])
    #expect(tree.nodes.map(\.depth) == [0, 1, 2])
    #expect(tree.faults.isEmpty)
    let cut = DescriptorTree(microsoftSet: Array(Self.set20.dropLast(3)), unknown: [])
    #expect(cut.faults.count == 1)
    #expect(cut.nodes.map(\.length).reduce(0, +) == Self.set20.count - 3)
  }

  @Test func `the items of a report are decoded, collections indented`() {
    let tree = DescriptorTree(report: Self.report, unknown: [])
    #expect(
      tree.nodes.map { $0.layout?.name } == [
        "Usage Page", "Usage", "Collection", "Report ID", "Report Size", "Report Count", "Input",
        "End Collection",
      ])
    #expect(tree.nodes.map(\.depth) == [0, 0, 0, 1, 1, 1, 1, 0])
    let input = tree.nodes[6]
    #expect(
      tree.fields(of: input).compactMap { tree.meaning(of: $0, in: input) } == [
        "data, variable, absolute"
      ])
    let cut = DescriptorTree(report: Array(Self.report.dropLast(2)), unknown: [])
    #expect(cut.faults.count == 1)
  }

  @Test func `a hub is asked for its descriptor as Linux does it`() async throws {
    let hub = blob("09 29 04 a900 32 64 00 ff")
    let device = AnsweringDevice(
      .high,
      [
        [0x80, 6, 0, 1, 0, 0]: blob("12 01 0002 09 00 01 40 0100 0200 0001 00 00 00 01"),
        [0x80, 6, 0, 2, 0, 0]: blob(
          "09 02 1900 01 01 00 e0 32 09 04 00 00 01 09 00 00 00 07 05 81 03 0100 0c"),
        [0xA0, 6, 0, 0x29, 0, 0]: hub,
      ])
    let set = try await DescriptorSet(asking: device)
    #expect(set.others[.hub] == hub)
    #expect(device.asked.last?.length == 15)
    #expect(set.notes.map(\.subject) == ["the device qualifier"])
  }

  @Test(arguments: [
    DescriptorSet.Document.descriptors, .binaryObjectStore, .deviceQualifier, .hub,
    .report(interface: 7), .microsoftString, .compatibleIDs, .properties(interface: 255),
    .microsoftSet,
  ])
  func `documents are found by their names`(_ document: DescriptorSet.Document) {
    #expect(DescriptorSet.Document(name: document.name) == document)
    #expect(DescriptorSet.Document(name: document.name + "x") == nil)
  }

  @Test func `no fault is told of bytes that nobody knows`() {
    let bytes = blob("12 01 0002 00 00 00 00 0100 0200 0001 00 00 00 00")
    #expect(
      DescriptorTree(parsing: bytes).faults.map(\.field) == [
        "bMaxPacketSize0", "bNumConfigurations",
      ])
    let tree = DescriptorTree(parsing: bytes, unknown: [7])
    #expect(tree.faults.map(\.field) == ["bNumConfigurations"])
    let field = tree.fields(of: tree.nodes[0])[6]
    #expect(field.number == nil && field.digits == "??")
    #expect(tree.meaning(of: field, in: tree.nodes[0]) == "not known")
  }
}
