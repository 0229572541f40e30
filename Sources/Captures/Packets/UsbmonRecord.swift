internal import USB

/// A record of usbmon to be written, with its header of 64 bytes (Linux, `Documentation/usb/usbmon.rst`).
struct UsbmonRecord {
  var id: UInt64
  var event = UInt8(ascii: "S")
  var kind: TransferKind
  var endpoint: UInt8
  var address: UInt8
  var bus: UInt16
  var setup: SetupPacket?
  // EINPROGRESS, as long as nothing else is known.
  var status: Int32 = -115
  var length = 0
  var data: [UInt8] = []
  /// Nanoseconds since 1970.
  var time: Int64 = 0

  init(id: UInt64, _ bus: UInt16, _ address: UInt8, endpoint: UInt8, kind: TransferKind) {
    self.id = id
    self.bus = bus
    self.address = address
    self.endpoint = endpoint
    self.kind = kind
  }

  /// Makes the record of its end of that of a beginning.
  mutating func end(status: Int32, length: Int, data: [UInt8] = []) {
    event = UInt8(ascii: "C")
    setup = nil
    self.status = status
    self.length = length
    self.data = data
  }

  private var isIn: Bool { endpoint & 0x80 != 0 }

  /// The header, and the data behind it.
  var bytes: [UInt8] {
    let carriesData = isIn == (event != UInt8(ascii: "S"))
    var bytes = id.littleEndianBytes + [event, kind.number, endpoint, address]
    bytes += bus.littleEndianBytes
    bytes.append(setup == nil ? UInt8(ascii: "-") : 0)
    bytes.append(carriesData ? 0 : UInt8(ascii: isIn ? "<" : ">"))
    let (seconds, nanoseconds) = max(0, time).quotientAndRemainder(dividingBy: 1_000_000_000)
    bytes += seconds.littleEndianBytes + Int32(nanoseconds / 1000).littleEndianBytes
    bytes += status.littleEndianBytes
    bytes += UInt32(clamping: length).littleEndianBytes
    bytes += UInt32(clamping: data.count).littleEndianBytes
    bytes += setup?.bytes ?? [UInt8](repeating: 0, count: 8)
    // Interval and start frame; URB_DIR_IN; no isochronous packets.
    bytes += [UInt8](repeating: 0, count: 8) + UInt32(isIn ? 0x200 : 0).littleEndianBytes
    return bytes + UInt32(0).littleEndianBytes + data
  }
}
