public import USB

/// What passed between a program and a host's devices, in order and with its times.
///
/// A value to print, compare and play back. ``RecordingHost`` makes its events, ``RecordingWriter``
/// writes them as text while they happen, ``RecordingDocument`` reads that text, and ``ReplayHost``
/// plays the device's side of it.
public struct Recording: Hashable, Sendable {
  /// The program that recorded, with its version; nil where nobody said.
  public var program: String?
  /// What named the device, as it was typed; nil where nobody said.
  public var selector: String?
  /// What happened, in order.
  public var events: [Event]

  /// A recording from its parts.
  public init(program: String? = nil, selector: String? = nil, events: [Event] = []) {
    self.program = program
    self.selector = selector
    self.events = events
  }

  /// Something that happened.
  public struct Event: Hashable, Sendable {
    /// When, in nanoseconds since the recording began.
    public var nanoseconds: Int64
    /// What.
    public var kind: Kind

    /// An event.
    public init(nanoseconds: Int64, _ kind: Kind) {
      self.nanoseconds = nanoseconds
      self.kind = kind
    }
  }

  /// What can happen.
  public enum Kind: Hashable, Sendable {
    /// The host has a device, or knows something new of one: noticed when the program listed the
    /// devices, heard of it, or opened it.
    case attached(DeviceInfo)
    /// The host does not have a device any more.
    case detached(DeviceID, PortPath)
    /// The program listed the devices, and these were there.
    case listed([DeviceID])
    /// The devices could not be listed.
    case listingFailed(HostError)
    /// The program opened a device; its calls bear the number of the handle.
    case opened(DeviceID, handle: UInt32)
    /// The device could not be opened.
    case openingFailed(DeviceID, HostError)
    /// A call to an open device began. `number` counts the calls from 1.
    case began(number: UInt32, handle: UInt32, DeviceCall)
    /// A call ended.
    case ended(number: UInt32, CallOutcome)
  }

  // MARK: Limits

  /// The bytes that an event carries.
  public static func dataLength(of kind: Kind) -> Int {
    switch kind {
    case .began(_, _, let call): call.data.count
    case .ended(_, .received(let bytes)): bytes.count
    default: 0
    }
  }

  /// The version of the text format that is written, and the only one that is read.
  public static let version = 1
  /// The most bytes that one transfer carries. The data stage of a control transfer has 65 535 at
  /// most (USB 2.0, 9.3.5); bulk transfers of DFU programs are far below.
  public static let maximumDataLength = 1 << 20
  /// The most bytes of all transfers together: 512 MiB. A flash of 64 MiB that reads, writes and proves
  /// has less than half of that; and a line is short for what it may stand for.
  public static let maximumTotalLength = 512 << 20
  /// The longest line, in bytes: the longest data, each byte apart, and what stands around it.
  public static let maximumLineLength = 4 << 20
  /// The most events: a flash of 64 MiB in blocks of 2 KiB has a tenth of that.
  public static let maximumEventCount = 1 << 22
  /// The most scalars of a quoted text: a serial number, a selector, a reason.
  public static let maximumTextLength = 4096
  /// The latest moment: 30 years.
  public static let maximumNanoseconds: Int64 = 946_080_000_000_000_000
}

/// What a program asks of an open device: a call of `USBDevice`, without its time-out.
public enum DeviceCall: Hashable, Sendable {
  /// A control transfer to the host.
  case controlIn(SetupPacket)
  /// A control transfer to the device, with its data stage.
  case controlOut(SetupPacket, [UInt8])
  /// A read from a bulk endpoint: its address, and how many bytes were asked for.
  case bulkIn(UInt8, length: Int)
  /// A write to a bulk endpoint.
  case bulkOut(UInt8, [UInt8])
  /// A read from an interrupt endpoint.
  case interruptIn(UInt8, length: Int)
  /// A write to an interrupt endpoint.
  case interruptOut(UInt8, [UInt8])
  /// SET_CONFIGURATION.
  case setConfiguration(UInt8)
  /// An interface is taken.
  case claim(UInt8)
  /// An interface is given back.
  case release(UInt8)
  /// SET_INTERFACE.
  case setAlternateSetting(UInt8, interface: UInt8)
  /// CLEAR_FEATURE(ENDPOINT_HALT).
  case clearHalt(UInt8)
  /// A reset of the port.
  case reset
  /// The handle is closed.
  case close

  /// The setup packet that goes over the wire for it; nil where there is none.
  public var setup: SetupPacket? {
    switch self {
    case .controlIn(let setup), .controlOut(let setup, _): setup
    case .setConfiguration(let value): .setConfiguration(value)
    case .setAlternateSetting(let setting, let number):
      .setInterface(number, alternateSetting: setting)
    case .clearHalt(let endpoint): .clearHalt(endpoint: endpoint)
    default: nil
    }
  }

  /// The bytes to the device.
  public var data: [UInt8] {
    switch self {
    case .controlOut(_, let data), .bulkOut(_, let data), .interruptOut(_, let data): data
    default: []
    }
  }

  /// The pipe whose order it keeps: an endpoint's address, and 0 for everything that is about the
  /// device as a whole.
  public var pipe: UInt8 {
    switch self {
    case .bulkIn(let endpoint, _), .interruptIn(let endpoint, _): endpoint | 0x80
    case .bulkOut(let endpoint, _), .interruptOut(let endpoint, _): endpoint & 0x7F
    default: 0
    }
  }

  /// Whether something goes over the wire for it.
  public var isTransfer: Bool {
    switch self {
    case .claim, .release, .close: false
    default: true
    }
  }
}

/// How a call ended.
public enum CallOutcome: Hashable, Sendable {
  /// Well, and there is nothing to say.
  case done
  /// These bytes came.
  case received([UInt8])
  /// So many bytes went.
  case sent(Int)
  /// It failed. The setup packet of the error is that of the call.
  case failed(TransferError.Code, detail: String?)

  /// Whether a call can end like this.
  func fits(_ call: DeviceCall) -> Bool {
    switch (self, call) {
    case (.failed, .close): false
    case (.failed, _): true
    case (.received, .controlIn), (.received, .bulkIn), (.received, .interruptIn): true
    case (.sent, .bulkOut), (.sent, .interruptOut): true
    case (.done, .controlIn), (.done, .bulkIn), (.done, .interruptIn), (.done, .bulkOut),
      (.done, .interruptOut):
      false
    case (.done, _): true
    default: false
    }
  }
}
