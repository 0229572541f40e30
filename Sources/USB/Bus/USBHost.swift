/// A place where devices are: this machine's buses, a USB/IP server, a virtual bus, a recording.
public protocol USBHost: Sendable {
  /// The devices that are attached now, in the order of their paths.
  ///
  /// Nothing is sent to a device: what is not known without asking it is left empty.
  func devices() async throws(HostError) -> [DeviceInfo]

  /// What the system knows of a device beside what it says of itself; nil where it tells nothing.
  func surroundings(of info: DeviceInfo) -> DeviceSurroundings?

  /// Opens a device for transfers.
  ///
  /// - Throws: ``HostError`` with `.notFound`, `.permission`, `.busy`, `.disconnected` or `.other`.
  func open(_ id: DeviceID) async throws(HostError) -> any USBDevice

  /// Attachments and detachments from now on, in order. Each call begins a stream of its own, which
  /// ends when the consumer stops or the host goes away.
  func events() -> AsyncStream<HostEvent>

  /// Begins to listen to attachments and detachments, for one who waits no longer than a limit.
  ///
  /// A host whose time is not that of a clock outside has an implementation of its own; the others have
  /// one over ``events()``.
  ///
  /// - Parameter clock: measures the limits.
  /// - Returns: who hears what happens from now on.
  func listen(clock: AnyClock) -> any HostListener
}

extension USBHost {
  /// Nothing is known.
  public func surroundings(of info: DeviceInfo) -> DeviceSurroundings? { nil }
}

/// Names one attachment of one device to a host. A device that re-enumerates gets a new one.
public struct DeviceID: RawRepresentable, Hashable, Sendable {
  /// The number itself.
  public var rawValue: UInt64

  /// A value from its number.
  public init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// What is known about a device without opening it.
public struct DeviceInfo: Hashable, Sendable {
  /// The name to open it by.
  public var id: DeviceID
  /// Where it is plugged in.
  public var path: PortPath
  /// `SET_ADDRESS`'s number, 1 to 127; 0 where the host does not tell.
  public var address: UInt8
  /// The speed of the link.
  public var speed: USBSpeed
  /// The device descriptor.
  public var descriptor: DeviceDescriptor
  /// Its configurations, with all that follows them; those the host could read.
  public var configurations: [ConfigurationDescriptor]
  /// Whether `configurations` is an outline: interfaces with their classes in setting 0, and nothing else
  /// of what the device says. So much the list of a USB/IP server tells; an open device knows the rest.
  public var isOutline: Bool
  /// `bConfigurationValue` of the active one; nil while not configured or not known.
  public var activeConfiguration: UInt8?
  /// The serial number, where the host knows it without asking the device.
  public var serialNumber: String?
  /// The name of its maker, where the host knows it without asking the device.
  public var manufacturerName: String?
  /// Its own name, where the host knows it without asking the device.
  public var productName: String?

  /// `VVVV:PPPP`: vendor and product, as a person writes them.
  public var ids: String { "\(descriptor.vendor):\(descriptor.product)" }

  /// What is known, field by field.
  public init(
    id: DeviceID, path: PortPath, address: UInt8, speed: USBSpeed, descriptor: DeviceDescriptor,
    configurations: [ConfigurationDescriptor], activeConfiguration: UInt8?,
    serialNumber: String? = nil, manufacturerName: String? = nil, productName: String? = nil,
    isOutline: Bool = false
  ) {
    self.id = id
    self.path = path
    self.address = address
    self.speed = speed
    self.descriptor = descriptor
    self.configurations = configurations
    self.activeConfiguration = activeConfiguration
    self.serialNumber = serialNumber
    self.manufacturerName = manufacturerName
    self.productName = productName
    self.isOutline = isOutline
  }
}

/// Something that happened on a host's buses.
public enum HostEvent: Hashable, Sendable {
  /// A device has been attached and enumerated.
  case attached(DeviceInfo)
  /// The device with this id is gone.
  case detached(DeviceID, PortPath)
}

/// Why a host could not list or open a device.
public struct HostError: ExplainedError, Hashable {
  /// What kind of failure it is.
  public enum Code: String, Hashable, Sendable {
    /// No such device is attached (any more).
    case notFound = "device-not-found"
    /// The system refuses: no permission on the device node.
    case permission = "permission"
    /// Another program or driver has it.
    case busy = "busy"
    /// The host itself cannot be reached.
    case unreachable = "host-unreachable"
    /// Anything else.
    case other = "host-error"
  }

  /// What kind of failure it is.
  public var code: Code
  /// What happened, in one sentence.
  public var sentence: String
  /// What to do next; nil where nothing useful can be said.
  public var help: String?

  /// A failure with the words for it.
  public init(_ code: Code, _ sentence: String, help: String? = nil) {
    self.code = code
    self.sentence = sentence
    self.help = help
  }

  /// A stable name for the kind of error.
  public var slug: String { code.rawValue }
}
