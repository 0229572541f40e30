import Testing
import USB

@testable import USBIP

/// What a peer must not be able to do (the lessons of the CVEs about USB/IP).
@Suite struct HostilePeerTests {
  /// A message to a server, with something wrong about it.
  struct Wrong: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var offset: Int
    var value: UInt32
    var field: String
  }

  static let messages = [
    Wrong(testDescription: "a command", offset: 0, value: 3, field: "command"),
    Wrong(testDescription: "another device", offset: 8, value: 0x10003, field: "devid"),
    Wrong(testDescription: "a direction", offset: 0x0C, value: 2, field: "direction"),
    Wrong(testDescription: "endpoint (CVE-2017-16912)", offset: 0x10, value: 16, field: "ep"),
    Wrong(
      testDescription: "length (CVE-2017-16913)", offset: 0x18, value: .max,
      field: "transfer_buffer_length"),
    Wrong(
      testDescription: "packets (CVE-2017-16913)", offset: 0x20, value: 1025,
      field: "number_of_packets"),
    Wrong(testDescription: "wLength", offset: 0x18, value: 17, field: "wLength"),
  ]

  private func replacing(_ bytes: [UInt8], _ offset: Int, _ value: UInt32) -> [UInt8] {
    var bytes = bytes
    for index in 0..<4 {
      bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (24 - 8 * index))
    }
    return bytes
  }

  @Test(arguments: messages)
  func `a server ends with what is wrong, before it puts anything aside`(_ wrong: Wrong) throws {
    var (client, server) = try SessionTests.connected()
    _ = client.submit(SessionTests.read)
    try server.receive(replacing(client.takeOutput(), wrong.offset, wrong.value))
    let error = #expect(throws: USBIPError.self) { try server.next() }
    #expect(error?.code == .violation)
    #expect(error?.sentence.contains(wrong.field) == true)
    #expect(try server.next() == nil)
  }

  @Test func `a number that is pending cannot be used again`() throws {
    var (client, server) = try SessionTests.connected()
    _ = client.submit(SessionTests.read)
    let bytes = client.takeOutput()
    try server.receive(bytes + bytes)
    _ = try server.next()
    #expect(throws: USBIPError.self) { try server.next() }
  }

  @Test func `no more transfers wait than are allowed`() throws {
    var (client, server) = try SessionTests.connected()
    for _ in 0...server.limits.pendingTransfers { _ = client.submit(SessionTests.read) }
    try server.receive(client.takeOutput())
    for _ in 0..<server.limits.pendingTransfers { #expect(try server.next() != nil) }
    #expect(throws: USBIPError.self) { try server.next() }
  }

  @Test func `a transfer before an import is no request`() throws {
    var (client, _) = try SessionTests.connected()
    _ = client.submit(SessionTests.read)
    var server = ServerSession()
    try server.receive(client.takeOutput())
    #expect(throws: USBIPError.self) { try server.next() }
  }

  @Test func `a flood before an import is refused`() throws {
    var server = ServerSession()
    #expect(throws: USBIPError.self) {
      try server.receive(Array(repeating: 1, count: 5000))
    }
  }

  @Test func `a name without an end is none`() throws {
    var server = ServerSession()
    try server.receive([0x01, 0x11, 0x80, 0x03, 0, 0, 0, 0] + Array(repeating: 0x31, count: 32))
    #expect(throws: USBIPError.self) { try server.next() }
  }

  @Test func `a server cannot send more than was asked for (CVE-2016-3955)`() throws {
    var (client, _) = try SessionTests.connected()
    let submitted = client.submit(SessionTests.read)
    let sequence = try #require(submitted)
    client.receive(
      URBCompletion(
        sequence: sequence, status: .none, actualLength: 19, data: Array(1...19)
      ).bytes)
    let error = #expect(throws: USBIPError.self) { try client.next() }
    #expect(error?.sentence.contains("actual_length") == true)
    #expect(client.isOver)
  }

  @Test func `a server cannot claim packets that were not asked for (usbip_common, 2026)`() throws {
    var (client, _) = try SessionTests.connected()
    let submitted = client.submit(SessionTests.read)
    let sequence = try #require(submitted)
    client.receive(
      URBCompletion(sequence: sequence, status: .none, actualLength: 0, packetCount: 4).bytes)
    #expect(throws: USBIPError.self) { try client.next() }
  }

  /// CVE-2017-16914: no bytes and no buffer are states like others.
  @Test(arguments: [RequestType.Direction.out, .in])
  func `a transfer of no bytes is answered like any other (CVE-2017-16914)`(
    _ direction: RequestType.Direction
  ) throws {
    var (client, server) = try SessionTests.connected()
    let submitted = client.submit(
      URBSubmission(direction: direction, endpoint: 1, length: 0))
    let sequence = try #require(submitted)
    try server.receive(client.takeOutput())
    guard case .submit(let submission) = try server.next() else {
      Issue.record("no transfer")
      return
    }
    #expect(submission.length == 0)
    server.complete(submission.completion())
    client.receive(server.takeOutput())
    guard case .completed(let completion) = try client.next() else {
      Issue.record("no answer")
      return
    }
    #expect(completion.sequence == sequence)
    #expect(completion.data.isEmpty)
  }

  @Test func `an answer that nobody waits for ends the session`() throws {
    var (client, _) = try SessionTests.connected()
    client.receive(URBCompletion(sequence: 99, status: .none, actualLength: 0).bytes)
    #expect(throws: USBIPError.self) { try client.next() }
  }

  @Test func `a list without an end is refused by its count`() throws {
    var client = ClientSession()
    client.receive([0x01, 0x11, 0, 5, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF])
    #expect(throws: USBIPError.self) { try client.next() }
  }

  @Test func `another device than was asked for is refused`() throws {
    var client = ClientSession(importing: try #require(BusID("9-9")))
    var out = Operation.header(Operation.importCode)
    out.append(try SessionTests.device().bytes(withInterfaces: false))
    client.receive(out.bytes)
    #expect(throws: USBIPError.self) { try client.next() }
  }
}
