import DFU
import Testing
import USB

@Suite struct `Requests and answers of DFU` {
  struct Wire: CustomTestStringConvertible {
    let setup: SetupPacket
    let bytes: [UInt8]
    var testDescription: String { setup.description }
  }

  @Test(arguments: [
    Wire(
      setup: DFURequest.detach.setup(value: 1000, interface: 2),
      bytes: [0x21, 0, 0xE8, 0x03, 2, 0, 0, 0]),
    Wire(
      setup: DFURequest.download.setup(value: 0x1234, interface: 0, length: 2048),
      bytes: [0x21, 1, 0x34, 0x12, 0, 0, 0x00, 0x08]),
    Wire(
      setup: DFURequest.upload.setup(value: 2, interface: 0, length: 2048),
      bytes: [0xA1, 2, 2, 0, 0, 0, 0x00, 0x08]),
    Wire(setup: DFURequest.getStatus(interface: 0), bytes: [0xA1, 3, 0, 0, 0, 0, 6, 0]),
    Wire(
      setup: DFURequest.clearStatus.setup(interface: 0), bytes: [0x21, 4, 0, 0, 0, 0, 0, 0]),
    Wire(
      setup: DFURequest.getState.setup(interface: 0, length: 1),
      bytes: [0xA1, 5, 0, 0, 0, 0, 1, 0]),
    Wire(setup: DFURequest.abort.setup(interface: 0), bytes: [0x21, 6, 0, 0, 0, 0, 0, 0]),
  ])
  func `a request has the bytes of table 3_2`(wire: Wire) throws {
    #expect(wire.setup.bytes == wire.bytes)
    var reader = ByteReader(wire.bytes.span.bytes)
    let read = try SetupPacket(parsing: &reader)
    #expect(DFURequest(read)?.rawValue == wire.bytes[1])
  }

  @Test func `other requests are not of DFU`() {
    let download = DFURequest.download.setup(interface: 0)
    var other = download
    other.requestType = RequestType(.out, .vendor, .interface)
    #expect(DFURequest(other) == nil)
    other.requestType = RequestType(.in, .class, .interface)
    #expect(DFURequest(other) == nil)
    other.requestType = RequestType(.out, .class, .device)
    #expect(DFURequest(other) == nil)
    other = download
    other.request = 7
    #expect(DFURequest(other) == nil)
  }

  @Test func `get status answers six bytes`() throws {
    let bytes: [UInt8] = [0x00, 0x64, 0x01, 0x02, 0x04, 0x05]
    var reader = ByteReader(bytes.span.bytes)
    let answer = try GetStatusResponse(parsing: &reader)
    #expect(answer.status == .ok)
    #expect(answer.pollTimeout == 0x020164)
    #expect(answer.state == .dfuDnBusy)
    #expect(answer.stringIndex == 5)
    #expect(answer.bytes == bytes)
    #expect(GetStatusResponse(pollTimeout: .max, state: .dfuIdle).pollTimeout == 0xFF_FFFF)
    for length in 0..<6 {
      let prefix = Array(bytes[..<length])
      #expect(throws: ParseError.self) {
        var reader = ByteReader(prefix.span.bytes)
        _ = try GetStatusResponse(parsing: &reader)
      }
    }
  }

  @Test func `states and statuses have the names of the specification`() {
    #expect(DFUState.dfuManifestWaitReset.description == "dfuMANIFEST-WAIT-RESET")
    #expect(DFUState(rawValue: 42).description == "state 42")
    #expect(DFUStatus.errStalledPkt.description == "errSTALLEDPKT")
    #expect(DFUStatus(rawValue: 0x10).description == "status 0x10")
    #expect((0...15).map { DFUStatus(rawValue: $0).description }.allSatisfy { !$0.contains("0x") })
    #expect(
      (0...255).filter { DFUState(rawValue: $0).isBusy } == [3, 4, 6, 7])
  }

  struct Command: CustomTestStringConvertible {
    let command: DfuSeCommand
    let bytes: [UInt8]
    var testDescription: String { "\(command)" }
  }

  @Test(arguments: [
    Command(command: .setAddressPointer(0x0800_4000), bytes: [0x21, 0x00, 0x40, 0x00, 0x08]),
    Command(command: .erase(0x0801_2345), bytes: [0x41, 0x45, 0x23, 0x01, 0x08]),
    Command(command: .massErase, bytes: [0x41]),
    Command(command: .readUnprotect, bytes: [0x92]),
  ])
  func `a DfuSe command has the bytes of AN3156`(command: Command) {
    #expect(command.command.bytes == command.bytes)
    #expect(DfuSeCommand(command.bytes) == command.command)
    #expect(DfuSeCommand(command.bytes + [0]) == nil)
    #expect(DfuSeCommand(Array(command.bytes.dropLast())) == nil)
  }

  @Test(
    arguments: [[], [0x21], [0x00], [0x41, 0, 0, 0], [0x92, 0, 0, 0, 0], [0xFF]] as [[UInt8]])
  func `other bytes are no DfuSe command`(bytes: [UInt8]) {
    #expect(DfuSeCommand(bytes) == nil)
  }
}
