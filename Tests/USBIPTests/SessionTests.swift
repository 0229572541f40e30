import Testing
import USB

@testable import USBIP

/// Both sides of a connection, without one.
@Suite struct SessionTests {
  static let busID = BusID("1-1")

  static func device(interfaces: Int = 1) throws -> ExportedDevice {
    ExportedDevice(
      path: "virtual/stm32f407", busID: try #require(busID), bus: 1, device: 2,
      speed: ExportedDevice.LinkSpeed(.full), vendor: .stMicroelectronics,
      product: ProductID(0xDF11), version: BCDVersion(0x2200), deviceClass: .perInterface,
      configurationValue: 1, configurationCount: 1,
      interfaces: Array(repeating: .dfuMode, count: interfaces))
  }

  /// A server and a client that have agreed on a device.
  static func connected() throws -> (client: ClientSession, server: ServerSession) {
    var client = ClientSession(importing: try #require(busID))
    var server = ServerSession()
    try server.receive(client.takeOutput())
    #expect(try server.next() == .importDevice(try #require(busID)))
    server.accept(try device())
    client.receive(server.takeOutput())
    guard case .imported = try client.next() else {
      Issue.record("the import was not answered")
      return (client, server)
    }
    return (client, server)
  }

  static let getDescriptor = SetupPacket.getDescriptor(.device, length: 18)

  static var read: URBSubmission {
    URBSubmission(direction: .in, endpoint: 0, length: 18, setup: getDescriptor)
  }

  @Test func `a record has 312 bytes, its fields where Linux has them`() throws {
    let bytes = try Self.device().bytes(withInterfaces: true)
    #expect(bytes.count == 316)
    #expect(Array(bytes[0x100..<0x104]) == Array("1-1".utf8) + [0])
    #expect(Array(bytes[0x120..<0x12C]) == [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2])
    #expect(Array(bytes[0x12C..<0x132]) == [0x04, 0x83, 0xDF, 0x11, 0x22, 0x00])
    #expect(Array(bytes[0x132..<0x13C]) == [0, 0, 0, 1, 1, 1, 0xFE, 0x01, 0x02, 0])
  }

  @Test(arguments: [1, 7, 4096])
  func `a list crosses in pieces of any size`(_ piece: Int) throws {
    var client = ClientSession()
    var server = ServerSession()
    for byte in client.takeOutput() { try server.receive([byte]) }
    #expect(try server.next() == .list)
    let devices = [
      try Self.device(), try Self.device(interfaces: 3), try Self.device(interfaces: 0),
    ]
    server.list(devices)
    var rest = server.takeOutput()[...]
    while !rest.isEmpty {
      #expect(try client.next() == nil)
      client.receive(rest.prefix(piece))
      rest = rest.dropFirst(piece)
    }
    #expect(try client.next() == .listed(devices))
    #expect(client.isOver)
  }

  @Test func `a refusal has eight bytes`() throws {
    var client = ClientSession(importing: try #require(Self.busID))
    var server = ServerSession()
    try server.receive(client.takeOutput())
    _ = try server.next()
    server.refuse(.busy)
    let answer = server.takeOutput()
    #expect(answer == [0x01, 0x11, 0x00, 0x03, 0, 0, 0, 2])
    client.receive(answer)
    #expect(try client.next() == .refused(.busy))
  }

  @Test func `a transfer goes and comes back, drop by drop`() throws {
    var (client, server) = try Self.connected()
    let submitted = client.submit(Self.read)
    let sequence = try #require(submitted)
    for byte in client.takeOutput() {
      #expect(try server.next() == nil)
      try server.receive([byte])
    }
    var expected = Self.read
    expected.sequence = sequence
    #expect(try server.next() == .submit(expected))
    let end = URBCompletion(
      sequence: sequence, status: .none, actualLength: 18, data: Array(1...18))
    let isSent = server.complete(end)
    #expect(isSent)
    for byte in server.takeOutput() {
      #expect(try client.next() == nil)
      client.receive([byte])
    }
    #expect(try client.next() == .completed(end))
    #expect(client.pendingCount == 0 && server.pendingCount == 0)
  }

  @Test func `what is unlinked in time is answered by the unlink alone`() throws {
    var (client, server) = try Self.connected()
    let submitted = client.submit(Self.read)
    let sequence = try #require(submitted)
    client.unlink(sequence)
    client.unlink(sequence)
    try server.receive(client.takeOutput())
    _ = try server.next()
    #expect(try server.next() == .cancel(sequence))
    let isSent = server.complete(
      URBCompletion(sequence: sequence, status: .none, actualLength: 0))
    #expect(!isSent)
    let answer = server.takeOutput()
    #expect(answer.count == 48)
    client.receive(answer)
    #expect(try client.next() == .unlinked(sequence, .connectionReset))
    #expect(try client.next() == nil)
  }

  @Test func `an unlink that is too late is answered by 0, after the transfer`() throws {
    var (client, server) = try Self.connected()
    let submitted = client.submit(Self.read)
    let sequence = try #require(submitted)
    try server.receive(client.takeOutput())
    _ = try server.next()
    let end = URBCompletion(sequence: sequence, status: .stall, actualLength: 0)
    server.complete(end)
    client.unlink(sequence)
    try server.receive(client.takeOutput())
    #expect(try server.next() == nil)
    client.receive(server.takeOutput())
    #expect(try client.next() == .completed(end))
    #expect(try client.next() == nil)
  }

  @Test func `ten thousand late unlinks in one piece are no recursion`() throws {
    var (_, server) = try Self.connected()
    var bytes: [UInt8] = []
    for number in 1...10_000 {
      bytes += URB.unlink(UInt32(number), devid: 0x10002, of: 77)
    }
    try server.receive(bytes)
    #expect(try server.next() == nil)
    let answers = server.takeOutput()
    #expect(answers.count == 480_000)
  }
}
