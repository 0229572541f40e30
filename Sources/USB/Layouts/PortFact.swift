/// What a system has told of a device beside its descriptors: of its port, its state, its driver.
public struct PortFact: Hashable, Sendable {
  /// What it is about.
  public enum Subject: String, Hashable, Sendable, CaseIterable {
    /// The number of the port.
    case port
    /// The ports from the root hub down: `2-6-2`.
    case chain
    /// Whether people can plug something in there.
    case userConnectable = "user-connectable"
    /// Whether it is a port for debugging.
    case debugCapable = "debug-capable"
    /// The port of the other speed in the same socket.
    case companionPort = "companion-port"
    /// The hub of that port.
    case companionHub = "companion-hub"
    /// The versions of USB that the port supports.
    case protocols
    /// The fastest that the port supports.
    case portSpeed = "port-speed"
    /// Whether something is connected, and whether it works.
    case connection
    /// Whether the device sleeps: `PowerDeviceD0` is awake.
    case powerState = "power-state"
    /// `bConfigurationValue` of what is set; 0 is none.
    case configuration
    /// The address of the device.
    case address
    /// What Windows looks for a driver by.
    case hardwareIDs = "hardware-ids"
    /// The service that Windows has loaded for it.
    case service
    /// The INF file of its driver.
    case driverFile = "driver-file"
    /// What Device Manager says is wrong.
    case problem

    /// In words: `user connectable`.
    public var words: String {
      switch self {
      case .hardwareIDs: "hardware ids"
      default: rawValue.split(separator: "-").joined(separator: " ")
      }
    }
  }

  /// What it is about.
  public var subject: Subject
  /// What was told, as it was spelled.
  public var value: String

  /// A fact.
  public init(_ subject: Subject, _ value: String) {
    self.subject = subject
    self.value = value
  }
}
