/// What a system knows of a device that the device itself does not say: drivers, power, the ports of a hub.
public struct DeviceSurroundings: Hashable, Sendable {
  /// A port of a hub.
  public struct Port: Hashable, Sendable {
    /// Its number, from 1.
    public var number: UInt8
    /// `hotplug`: a user can reach it; `hardwired`; `not used`; nil where firmware does not tell.
    public var connectType: String?
    /// How often too much current was drawn.
    public var overCurrentCount: Int?
    /// The port of the other speed in the same socket, for example `usb2-port1`.
    public var companion: String?

    /// A port.
    public init(
      number: UInt8, connectType: String? = nil, overCurrentCount: Int? = nil,
      companion: String? = nil
    ) {
      self.number = number
      self.connectType = connectType
      self.overCurrentCount = overCurrentCount
      self.companion = companion
    }
  }

  /// The driver of the device: `usb` on Linux, or of the controller for a root hub.
  public var driver: String?
  /// The driver of each interface of the active configuration, by its number.
  public var interfaceDrivers: [UInt8: String] = [:]
  /// `removable`, `fixed`; nil where firmware does not tell.
  public var removable: String?
  /// `active` or `suspended`.
  public var powerState: String?
  /// The ports, where it is a hub.
  public var ports: [Port] = []

  /// Nothing.
  public init() {}
}
