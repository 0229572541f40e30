import FuzzInput
import USB
import USBIP

/// A client's session with a server that says anything, in pieces of any size: nothing is believed beyond what
/// was asked for, and each transfer ends once.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = FuzzInput(start, count)
  guard let busID = BusID("1-1") else { return 0 }
  var client: ClientSession
  switch input.below(3) {
  case 0: client = ClientSession()
  case 1: client = ClientSession(importing: busID)
  default:
    // Fuzzers would find the way to a transfer late.
    client = ClientSession(importing: busID)
    client.receive(importReply)
    guard case .imported? = try? client.next() else { fatalError("the reply is not understood") }
  }
  require(!client.takeOutput().isEmpty, "nothing is asked")
  var pending: [UInt32: URBSubmission] = [:]
  while !input.isEmpty {
    if client.isTransferring {
      for _ in 0..<input.below(4) { ask(&client, &input, &pending) }
      if input.bool(), let sequence = pending.keys.min() { client.unlink(sequence) }
      _ = client.takeOutput()
    }
    client.receive(input.bytes(input.below(256)))
    while true {
      let event: ClientSession.Event?
      do throws(USBIPError) { event = try client.next() } catch {
        checkText(of: error)
        require(client.isOver, "a session goes on after an error")
        return 0
      }
      guard let event else { break }
      switch event {
      case .listed(let devices):
        require(devices.count <= client.limits.listedDevices, "a list beyond its limit")
        return 0
      case .refused: return 0
      case .imported(let device): require(device.busID == busID, "another device is imported")
      case .completed(let end):
        guard let asked = pending.removeValue(forKey: end.sequence) else {
          fatalError("what was not asked is completed")
        }
        require(end.actualLength <= asked.length, "more bytes than were asked for")
        require(end.data.count <= asked.length, "more data than were asked for")
        require(end.packets.count <= asked.packets.count, "more packets than were asked for")
      case .unlinked(let sequence, _):
        require(pending.removeValue(forKey: sequence) != nil, "what is not pending is unlinked")
      }
      require(pending.count == client.pendingCount, "the session counts otherwise")
    }
  }
  return 0
}

private func ask(
  _ client: inout ClientSession, _ input: inout FuzzInput, _ pending: inout [UInt32: URBSubmission]
) {
  let length = input.below(64)
  let isIn = input.bool()
  let packets =
    input.bool()
    ? (0..<input.below(4)).map { _ in
      IsochronousPacket(offset: 0, length: UInt32(length), actualLength: 0, status: .none)
    } : []
  let transfer = URBSubmission(
    direction: isIn ? .in : .out, endpoint: UInt8(1 + input.below(15)), length: length,
    packetCount: UInt32(packets.count),
    data: isIn ? [] : Array(repeating: 1, count: length), packets: packets)
  guard let sequence = client.submit(transfer) else { fatalError("a transfer is not taken") }
  require(pending.updateValue(transfer, forKey: sequence) == nil, "a number twice")
}

private let importReply: [UInt8] = {
  var reply = [UInt8](repeating: 0, count: 320)
  reply.replaceSubrange(0..<4, with: [0x01, 0x11, 0x00, 0x03])
  reply.replaceSubrange(0x108..<0x10B, with: Array("1-1".utf8))
  reply[0x12B] = 1
  reply[0x12F] = 2
  reply[0x133] = 2
  return reply
}()
