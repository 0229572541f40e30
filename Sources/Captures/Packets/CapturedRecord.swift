public import USB

/// One packet of a capture: that a transfer was handed to a host controller, or that it ended.
public struct CapturedRecord: Hashable, Sendable {
  /// What happened.
  public enum Event: Hashable, Sendable {
    /// The transfer was submitted.
    case submission
    /// More of what was submitted (USBPcap tells the data stage for itself).
    case submittedData
    /// What the data stage brought; the end is told later (USBPcap).
    case receivedData
    /// The transfer has ended.
    case completion
    /// The transfer could not be submitted.
    case refusal
  }

  /// Which packet of the file, from 1, as Wireshark counts.
  public var number: Int
  /// When, in nanoseconds since 1970, or since whatever the clock of the capture begins with.
  public var nanoseconds: Int64
  /// What joins the records of one transfer: the address of a URB or an IRP. 0 for what never went over the
  /// wire and was put in by whoever captured.
  public var id: UInt64
  /// The bus.
  public var bus: UInt16
  /// The address of the device on it.
  public var address: UInt16
  /// The endpoint, its direction in bit 7.
  public var endpoint: UInt8
  /// The type of the transfer.
  public var kind: TransferKind
  /// What happened.
  public var event: Event
  /// How it ended; nil while it has not.
  public var status: CaptureStatus?
  /// The setup packet, where a control transfer is submitted.
  public var setup: SetupPacket?
  /// The bytes that were captured.
  public var data: [UInt8]
  /// How many bytes were asked for, or have gone.
  public var length: Int
  /// Whether bytes are missing that went over the wire.
  public var isTruncated: Bool
}

/// The type of a transfer (USB 2.0, 4.7).
public enum TransferKind: Hashable, Sendable {
  /// To endpoint 0, begun by a setup packet.
  case control
  /// Large, when there is room.
  case bulk
  /// Small, at intervals.
  case interrupt
  /// At a fixed rate.
  case isochronous
  /// Something that is no transfer, or of no known type.
  case other(UInt8)

  /// The number that usbmon and USBPcap give it.
  var number: UInt8 {
    switch self {
    case .isochronous: 0
    case .interrupt: 1
    case .control: 2
    case .bulk: 3
    case .other(let number): number
    }
  }

  init(number: UInt8) {
    switch number {
    case 0: self = .isochronous
    case 1: self = .interrupt
    case 2: self = .control
    case 3: self = .bulk
    default: self = .other(number)
    }
  }

  /// Its name.
  public var name: String {
    switch self {
    case .control: "control"
    case .bulk: "bulk"
    case .interrupt: "interrupt"
    case .isochronous: "isochronous"
    case .other(let number): "type 0x\(hex(number))"
    }
  }
}

/// What the packets of a capture are (the numbers of tcpdump.org/linktypes.html).
public struct CaptureLinkType: RawRepresentable, Hashable, Sendable {
  /// The number itself.
  public var rawValue: UInt32

  /// A value from its number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// usbmon of Linux, with a header of 48 bytes.
  public static let usbLinux = CaptureLinkType(rawValue: 189)
  /// usbmon of Linux, with a header of 64 bytes.
  public static let usbLinuxMmapped = CaptureLinkType(rawValue: 220)
  /// USBPcap of Windows.
  public static let usbPcap = CaptureLinkType(rawValue: 249)

  /// Its name.
  public var name: String {
    switch self {
    case .usbLinux: "USB_LINUX"
    case .usbLinuxMmapped: "USB_LINUX_MMAPPED"
    case .usbPcap: "USBPCAP"
    default: "link type \(rawValue)"
    }
  }

  /// Whether its packets are understood.
  public var isKnown: Bool { [.usbLinux, .usbLinuxMmapped, .usbPcap].contains(self) }
}
