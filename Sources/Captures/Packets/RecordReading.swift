internal import USB

/// A packet as its container has it.
struct CapturedPacket {
  var number: Int
  /// Nil where the container does not tell.
  var nanoseconds: Int64?
  var linkType: CaptureLinkType
  var content: CaptureCursor
  /// Whether there was more of it.
  var isCut: Bool
}

extension CapturedRecord {
  /// Reads a packet; nil for one that is about no transfer.
  init?(_ packet: CapturedPacket, after previous: Int64) throws(CaptureError) {
    switch packet.linkType {
    case .usbLinux: try self.init(usbmon: packet, headerLength: 48, after: previous)
    case .usbLinuxMmapped: try self.init(usbmon: packet, headerLength: 64, after: previous)
    case .usbPcap: try self.init(usbPcap: packet, after: previous)
    default: return nil
    }
  }

  // Linux, Documentation/usb/usbmon.rst, struct usbmon_packet.
  private init(
    usbmon packet: CapturedPacket, headerLength: Int, after previous: Int64
  ) throws(CaptureError) {
    var content = packet.content
    var header = try content.part(headerLength, "the header of usbmon")
    number = packet.number
    id = try header.number("the URB's id")
    let place = header.offset
    let event = try header.number("the event", as: UInt8.self)
    kind = TransferKind(number: try header.number("the transfer type"))
    endpoint = try header.number("the endpoint")
    address = UInt16(try header.number("the address", as: UInt8.self))
    bus = try header.number("the bus")
    let setupFlag = try header.number("the setup flag", as: UInt8.self)
    let dataFlag = try header.number("the data flag", as: UInt8.self)
    let seconds: Int64 = try header.number("the seconds")
    let microseconds: Int32 = try header.number("the microseconds")
    let status: Int32 = try header.number("the status")
    let length: UInt32 = try header.number("the length")
    try header.skip(4, "the captured length")
    let setupBytes = try header.take(8, "the setup packet")
    nanoseconds =
      packet.nanoseconds ?? CaptureTime.nanoseconds(seconds: seconds, microseconds) ?? previous
    self.length = Int(length)
    switch event {
    case UInt8(ascii: "S"): self.event = .submission
    case UInt8(ascii: "C"): self.event = .completion
    case UInt8(ascii: "E"): self.event = .refusal
    default:
      throw CaptureError(
        .malformed, at: place, "the event is 0x\(hex(event)), and is S, C or E")
    }
    self.status = self.event == .submission ? nil : .errno(status)
    if headerLength == 64, kind == .isochronous {
      try header.skip(12, "the interval")
      let descriptors: UInt32 = try header.number("the number of packets")
      // Linux shows 128 of them at most, of 16 bytes each.
      try content.skip(
        min(Int(descriptors) * 16, content.remaining / 16 * 16), "the isochronous packets")
    }
    setup =
      kind == .control && self.event == .submission && setupFlag == 0
      ? SetupPacket(eightBytes: setupBytes) : nil
    data = dataFlag == 0 ? content.takeRest() : []
    // What goes the other way has no data in this record.
    let isIn = setup.map { $0.requestType.direction == .in } ?? (endpoint & 0x80 != 0)
    let hasData = isIn ? self.event == .completion : self.event == .submission
    isTruncated = packet.isCut || hasData && data.count < self.length && kind != .isochronous
  }

  // https://desowin.org/usbpcap/captureformat.html; always little-endian.
  private init?(
    usbPcap packet: CapturedPacket, after previous: Int64
  ) throws(CaptureError) {
    var content = packet.content
    content.isBigEndian = false
    var header = content
    let place = header.offset
    let headerLength: UInt16 = try header.number("the length of the header")
    guard headerLength >= 27 else {
      throw CaptureError(
        .malformed, at: place, "the header of USBPcap has \(headerLength) bytes, and 27 at least")
    }
    header = try content.part(Int(headerLength), "the header of USBPcap")
    try header.skip(2, "the length of the header")
    number = packet.number
    nanoseconds = packet.nanoseconds ?? previous
    id = try header.number("the IRP's id")
    let status: UInt32 = try header.number("the status")
    try header.skip(2, "the function")
    let isCompletion = try header.number("the direction", as: UInt8.self) & 1 == 1
    bus = try header.number("the bus")
    address = try header.number("the address")
    endpoint = try header.number("the endpoint")
    kind = TransferKind(number: try header.number("the transfer type"))
    length = Int(try header.number("the length", as: UInt32.self))
    self.status = isCompletion ? .usbd(status) : nil
    event = isCompletion ? .completion : .submission
    setup = nil
    data = content.takeRest(atMost: length)
    isTruncated = packet.isCut || data.count < length
    guard kind == .control else {
      if case .other = kind { return nil }
      return
    }
    let stagePlace = header.offset
    let stage = try header.number("the stage of the control transfer", as: UInt8.self)
    switch (stage, isCompletion) {
    case (0, false):
      guard let setup = SetupPacket(eightBytes: data) else {
        throw CaptureError(
          .malformed, at: content.end - content.remaining - data.count,
          "a setup stage has the 8 bytes of a setup packet, and there are \(data.count)")
      }
      self.setup = setup
      data.removeFirst(8)
      length = Int(setup.length)
      // The bytes to the device may come as a stage of their own.
      isTruncated = packet.isCut
    case (0, true), (3, true), (2, _): break
    case (1, false): event = .submittedData
    case (1, true): event = .receivedData
    default:
      throw CaptureError(
        .malformed, at: stagePlace,
        "the stage of a control transfer is 0 to 3, and 3 only at its end, not \(stage)")
    }
    // The status stage goes the other way, and may be told as both.
    if stage == 2 {
      guard isCompletion else { return nil }
      data = []
    }
  }
}

extension SetupPacket {
  init?(eightBytes bytes: [UInt8]) {
    guard bytes.count >= 8 else { return nil }
    self.init(
      RequestType(rawValue: bytes[0]), request: bytes[1],
      value: UInt16(bytes[2]) | UInt16(bytes[3]) << 8,
      index: UInt16(bytes[4]) | UInt16(bytes[5]) << 8,
      length: UInt16(bytes[6]) | UInt16(bytes[7]) << 8)
  }
}
