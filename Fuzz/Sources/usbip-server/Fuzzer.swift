import FuzzInput
import USB
import USBIP

/// A server's session among the bytes of anybody, in pieces of any size: what it takes stays within its limits,
/// what it answers is whole, and nothing that comes makes it answer a transfer twice.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  var limits = USBIPLimits()
  limits.pendingTransfers = 4
  limits.pendingBytes = 4096
  limits.transferLength = 1024
  var server = ServerSession(limits: limits)
  guard let busID = BusID("1-1") else { return 0 }
  if input.bool() {
    // Fuzzers would find the way to a transfer late.
    let request = [0x01, 0x11, 0x80, 0x03, 0, 0, 0, 0] + Array("1-1".utf8)
    guard feed(&server, request + Array(repeating: 0, count: 29)) else { return 0 }
    _ = try? server.next()
    server.accept(device(busID))
    _ = server.takeOutput()
  }
  var pending: [UInt32: URBSubmission] = [:]
  while !input.isEmpty {
    let piece = input.bytes(input.below(256))
    let answers = input.bool()
    guard feed(&server, piece) else { return 0 }
    while true {
      let event: ServerSession.Event?
      do throws(USBIPError) { event = try server.next() } catch {
        checkText(of: error)
        return 0
      }
      guard let event else { break }
      switch event {
      case .list:
        server.list([device(busID)])
        require(server.takeOutput().count >= 12 + 312 + 4, "the list is not whole")
        return 0
      case .importDevice:
        if answers { server.accept(device(busID)) } else { server.refuse(.busy) }
        require([8, 320].contains(server.takeOutput().count), "the reply is not whole")
      case .submit(let transfer):
        require(pending.updateValue(transfer, forKey: transfer.sequence) == nil, "a number twice")
        require(transfer.length <= limits.transferLength, "more than is taken")
        require(transfer.endpoint < 16, "an endpoint beyond 15")
        require(transfer.direction == .in || transfer.data.count == transfer.length, "data missing")
        require(transfer.packets.count <= limits.packets, "more packets than are taken")
      case .cancel(let sequence):
        require(pending.removeValue(forKey: sequence) != nil, "what is not pending is cancelled")
      }
      require(pending.count <= limits.pendingTransfers, "more transfers than are taken")
      require(pending.count == server.pendingCount, "the session counts otherwise")
    }
    // Unlinks are answered by themselves.
    require(server.takeOutput().count % 48 == 0, "a message is not whole")
    if answers, let (sequence, transfer) = pending.first {
      pending[sequence] = nil
      let data: [UInt8] =
        transfer.direction == .in ? Array(repeating: 7, count: transfer.length) : []
      let end = URBCompletion(
        sequence: sequence, status: .none, actualLength: transfer.length,
        packetCount: transfer.packetCount, data: data)
      require(server.complete(end), "a transfer that waits is not answered")
      require(!server.complete(end), "a transfer is answered twice")
      require(server.takeOutput().count == 48 + data.count, "a reply is not whole")
    }
  }
  return 0
}

private func feed(_ server: inout ServerSession, _ bytes: [UInt8]) -> Bool {
  do throws(USBIPError) {
    try server.receive(bytes)
    return true
  } catch {
    checkText(of: error)
    return false
  }
}

private func device(_ busID: BusID) -> ExportedDevice {
  ExportedDevice(
    path: "/", busID: busID, bus: 1, device: 2, speed: ExportedDevice.LinkSpeed(.full),
    vendor: .stMicroelectronics, product: ProductID(0xDF11), version: BCDVersion(0x2200),
    deviceClass: .perInterface, configurationValue: 1, configurationCount: 1,
    interfaces: [.dfuMode])
}
