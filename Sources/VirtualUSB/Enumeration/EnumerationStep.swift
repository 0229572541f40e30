public import USB

/// One thing that happens while a host gets to know a device.
public struct EnumerationStep: Hashable, Sendable {
  /// To which part of the way it belongs.
  public enum Stage: String, Hashable, Sendable, CaseIterable {
    /// Something is plugged in, and the contact settles.
    case connection
    /// The port is reset, and the device is at address 0.
    case reset
    /// The first look at the device descriptor.
    case deviceDescriptor = "device-descriptor"
    /// SET_ADDRESS.
    case address
    /// All descriptors, at the new address.
    case descriptors
    /// Which driver.
    case driver
    /// SET_CONFIGURATION, and what follows.
    case configuration
    /// What a hub is told, and tells of its ports.
    case hub
    /// It did not work.
    case failure
    /// A device is gone.
    case removal
  }

  /// A control transfer of it.
  public struct Transfer: Hashable, Sendable {
    /// To which address; nil for the root hub, which is no device on the wire.
    public var address: UInt8?
    /// The setup packet.
    public var setup: SetupPacket
    /// The bytes of the answer.
    public var answer: [UInt8]
    /// How it failed; nil where it did not.
    public var failure: TransferFailure?
    /// How often the same was asked with the same answer.
    public var count = 1
  }

  /// When it began, since the bus was made.
  public var time: Duration
  /// The device that it is about.
  public var path: PortPath
  /// The part of the way.
  public var stage: Stage
  /// What happens, in a sentence or less.
  public var sentence: String
  /// The transfer, where it is one.
  public var transfer: Transfer?
  /// What the system writes of it: a line of Linux's kernel log, or the name that Windows shows.
  public var message: String?
}

/// How a control transfer failed.
public enum TransferFailure: String, Hashable, Sendable {
  /// The device refuses.
  case stall
  /// The device holds the transfer, and the host has waited long enough.
  case timeout
  /// Nothing sensible comes back: nobody answers, or the packets are broken.
  case noResponse = "no-response"
  /// More comes back than was asked for.
  case overflow

  /// The error number of Linux (`asm-generic/errno.h`), negative.
  public var linuxError: Int {
    switch self {
    case .stall: -32
    case .timeout: -110
    case .noResponse: -71
    case .overflow: -75
    }
  }

  /// What it means, as a part of a sentence.
  public var words: String {
    switch self {
    case .stall: "the device refuses it (stall)"
    case .timeout: "the device does not answer in time"
    case .noResponse: "nothing comes back that can be read"
    case .overflow: "more comes back than was asked for"
    }
  }
}

/// A device as a host has come to know it.
public struct EnumeratedDevice: Hashable, Sendable {
  /// Where it is.
  public var path: PortPath
  /// Its address, 1 to 127.
  public var address: UInt8
  /// Its speed.
  public var speed: USBSpeed
  /// What it says of itself.
  public var descriptors: DescriptorSet
  /// `bConfigurationValue` of the configuration it is in; 0 for none.
  public var configuration: UInt8 = 0
  /// When it was known.
  public var time: Duration

  /// The device descriptor; nil where it makes no sense.
  public var descriptor: DeviceDescriptor? {
    var reader = ByteReader(descriptors.device.span.bytes)
    return try? DeviceDescriptor(parsing: &reader)
  }

  /// The configurations that can be read.
  public var configurations: [ConfigurationDescriptor] {
    descriptors.configurations.compactMap { bytes in
      var reader = ByteReader(bytes.span.bytes)
      return try? ConfigurationDescriptor(parsing: &reader)
    }
  }
}
