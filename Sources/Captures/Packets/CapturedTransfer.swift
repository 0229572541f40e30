public import USB

/// A transfer of a capture: how it began, joined with how it ended.
public struct CapturedTransfer: Hashable, Sendable {
  /// The packets of the file that it was made of, as Wireshark counts them.
  public var packets: ClosedRange<Int>
  /// The bus.
  public var bus: UInt16
  /// The address of the device on it.
  public var address: UInt16
  /// The endpoint, its direction in bit 7.
  public var endpoint: UInt8
  /// The type of the transfer.
  public var kind: TransferKind
  /// When it was submitted, in nanoseconds since 1970; nil where the capture began later.
  public var submitted: Int64?
  /// When it ended; nil where the capture does not have that.
  public var ended: Int64?
  /// How it ended; nil where the capture does not have that.
  public var status: CaptureStatus?
  /// Whether the host controller did not even take it.
  public var wasRefused = false
  /// Whether it was put in by whoever captured, for what the host knew of a device that was there already.
  public var isInjected: Bool
  /// The setup packet of a control transfer.
  public var setup: SetupPacket?
  /// What went to the device, as far as it was captured.
  public var sent: [UInt8] = []
  /// What came, as far as it was captured.
  public var received: [UInt8] = []
  /// How many bytes were asked for, or to be sent.
  public var requestedLength: Int?
  /// How many went or came.
  public var actualLength: Int?
  /// Whether bytes are missing that went over the wire.
  public var isTruncated: Bool

  /// Whether its data go to the host.
  public var isIn: Bool {
    setup.map { $0.requestType.direction == .in } ?? (endpoint & 0x80 != 0)
  }

  /// The moment to tell it by: when it began, or else ended.
  public var nanoseconds: Int64 { submitted ?? ended ?? 0 }

  init(_ record: CapturedRecord) {
    packets = record.number...record.number
    bus = record.bus
    address = record.address
    endpoint = record.endpoint
    kind = record.kind
    isInjected = record.id == 0
    isTruncated = record.isTruncated
    switch record.event {
    case .submission, .submittedData:
      submitted = record.nanoseconds
      setup = record.setup
      sent = record.data
      requestedLength = record.length
    case .receivedData, .completion, .refusal: end(record)
    }
  }

  mutating func extend(_ record: CapturedRecord) {
    packets = min(packets.lowerBound, record.number)...max(packets.upperBound, record.number)
    isTruncated = isTruncated || record.isTruncated
    switch record.event {
    case .submission: break
    case .submittedData: sent += record.data
    case .receivedData, .completion, .refusal: end(record)
    }
  }

  private mutating func end(_ record: CapturedRecord) {
    if received.isEmpty { received = record.data } else { received += record.data }
    // USBPcap does not tell how much of what was sent went.
    if case .usbd = record.status, !isIn {
      actualLength = nil
    } else if record.length > 0 || actualLength == nil {
      actualLength = record.length
    }
    guard record.event != .receivedData else { return }
    ended = record.nanoseconds
    status = record.status
    wasRefused = record.event == .refusal
  }
}

extension CaptureFile {
  /// The transfers, in the order in which they were submitted.
  public var transfers: [CapturedTransfer] {
    struct Key: Hashable {
      var bus: UInt16
      var id: UInt64
    }
    var transfers: [CapturedTransfer] = []
    var open: [Key: Int] = [:]
    for record in records {
      let key = Key(bus: record.bus, id: record.id)
      let known = open[key]
      switch record.event {
      case .submission:
        open[key] = transfers.count
        transfers.append(CapturedTransfer(record))
      case .submittedData, .receivedData, .completion, .refusal:
        if let known {
          transfers[known].extend(record)
        } else {
          transfers.append(CapturedTransfer(record))
        }
        if record.event == .completion || record.event == .refusal {
          open[key] = nil
        } else if known == nil {
          open[key] = transfers.count - 1
        }
      }
    }
    return transfers
  }
}
