/// `wPortStatus` of a USB 2.0 hub (USB 2.0, table 11-21).
public struct PortStatus: OptionSet, Hashable, Sendable {
  /// The number itself.
  public var rawValue: UInt16

  /// A value from its number.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// PORT_CONNECTION: something is plugged in.
  public static let connected = PortStatus(rawValue: 0x0001)
  /// PORT_ENABLE: what is plugged in hears the bus.
  public static let enabled = PortStatus(rawValue: 0x0002)
  /// PORT_SUSPEND.
  public static let suspended = PortStatus(rawValue: 0x0004)
  /// PORT_OVER_CURRENT.
  public static let overCurrent = PortStatus(rawValue: 0x0008)
  /// PORT_RESET: the reset is being driven.
  public static let reset = PortStatus(rawValue: 0x0010)
  /// PORT_POWER.
  public static let powered = PortStatus(rawValue: 0x0100)
  /// PORT_LOW_SPEED.
  public static let lowSpeed = PortStatus(rawValue: 0x0200)
  /// PORT_HIGH_SPEED; neither this nor the one before is full speed.
  public static let highSpeed = PortStatus(rawValue: 0x0400)
  /// PORT_TEST.
  public static let test = PortStatus(rawValue: 0x0800)
  /// PORT_INDICATOR.
  public static let indicator = PortStatus(rawValue: 0x1000)

  /// What the bits say: `powered, connected, enabled, high speed`.
  public var words: String {
    var words: [String] = []
    let named: [(PortStatus, String)] = [
      (.powered, "powered"), (.connected, "connected"), (.reset, "reset"), (.enabled, "enabled"),
      (.suspended, "suspended"), (.overCurrent, "over-current"), (.test, "test mode"),
    ]
    for (bit, word) in named where contains(bit) { words.append(word) }
    if contains(.connected) { words.append(speed.words) }
    return words.isEmpty ? "nothing" : words.joined(separator: ", ")
  }

  /// The speed of what is plugged in; it is known to be high only after a reset.
  public var speed: USBSpeed { contains(.lowSpeed) ? .low : contains(.highSpeed) ? .high : .full }
}

/// `wPortChange` of a USB 2.0 hub (USB 2.0, table 11-22).
public struct PortChange: OptionSet, Hashable, Sendable {
  /// The number itself.
  public var rawValue: UInt16

  /// A value from its number.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// C_PORT_CONNECTION: something was plugged in or pulled out.
  public static let connection = PortChange(rawValue: 0x0001)
  /// C_PORT_ENABLE: the hub has disabled the port by itself.
  public static let enable = PortChange(rawValue: 0x0002)
  /// C_PORT_SUSPEND: it has been resumed.
  public static let suspend = PortChange(rawValue: 0x0004)
  /// C_PORT_OVER_CURRENT.
  public static let overCurrent = PortChange(rawValue: 0x0008)
  /// C_PORT_RESET: the reset is over.
  public static let reset = PortChange(rawValue: 0x0010)

  /// What the bits say: `connection changed`.
  public var words: String {
    let named: [(PortChange, String)] = [
      (.connection, "connection changed"), (.enable, "disabled by the hub"),
      (.suspend, "resumed"), (.overCurrent, "over-current changed"), (.reset, "reset is over"),
    ]
    let words = named.filter { contains($0.0) }.map(\.1)
    return words.isEmpty ? "no change" : words.joined(separator: ", ")
  }
}

/// What a port of a hub can be told, and what of it can be cleared (USB 2.0, table 11-17).
public struct PortFeature: RawRepresentable, Hashable, Sendable {
  /// The number itself.
  public var rawValue: UInt16

  /// A value from its number.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// PORT_ENABLE; can only be cleared.
  public static let enable = PortFeature(rawValue: 1)
  /// PORT_SUSPEND.
  public static let suspend = PortFeature(rawValue: 2)
  /// PORT_RESET; can only be set.
  public static let reset = PortFeature(rawValue: 4)
  /// PORT_POWER.
  public static let power = PortFeature(rawValue: 8)
  /// C_PORT_CONNECTION; can only be cleared.
  public static let connectionChange = PortFeature(rawValue: 16)
  /// C_PORT_ENABLE; can only be cleared.
  public static let enableChange = PortFeature(rawValue: 17)
  /// C_PORT_SUSPEND; can only be cleared.
  public static let suspendChange = PortFeature(rawValue: 18)
  /// C_PORT_OVER_CURRENT; can only be cleared.
  public static let overCurrentChange = PortFeature(rawValue: 19)
  /// C_PORT_RESET; can only be cleared.
  public static let resetChange = PortFeature(rawValue: 20)

  /// The name of the standard; its number where it has none here.
  public var name: String {
    switch self {
    case .enable: "PORT_ENABLE"
    case .suspend: "PORT_SUSPEND"
    case .reset: "PORT_RESET"
    case .power: "PORT_POWER"
    case .connectionChange: "C_PORT_CONNECTION"
    case .enableChange: "C_PORT_ENABLE"
    case .suspendChange: "C_PORT_SUSPEND"
    case .overCurrentChange: "C_PORT_OVER_CURRENT"
    case .resetChange: "C_PORT_RESET"
    default: "feature \(rawValue)"
    }
  }
}

extension SetupPacket {
  /// GetPortStatus (USB 2.0, 11.24.2.7): `wPortStatus` and `wPortChange` come back, 4 bytes.
  public static func getPortStatus(_ port: UInt8) -> SetupPacket {
    SetupPacket(
      RequestType(.in, .class, .other), request: StandardRequest.getStatus.rawValue, value: 0,
      index: UInt16(port), length: 4)
  }

  /// SetPortFeature (USB 2.0, 11.24.2.13).
  public static func setPortFeature(_ feature: PortFeature, port: UInt8) -> SetupPacket {
    SetupPacket(
      RequestType(.out, .class, .other), request: StandardRequest.setFeature.rawValue,
      value: feature.rawValue, index: UInt16(port), length: 0)
  }

  /// ClearPortFeature (USB 2.0, 11.24.2.2).
  public static func clearPortFeature(_ feature: PortFeature, port: UInt8) -> SetupPacket {
    SetupPacket(
      RequestType(.out, .class, .other), request: StandardRequest.clearFeature.rawValue,
      value: feature.rawValue, index: UInt16(port), length: 0)
  }

  /// GetHubDescriptor (USB 2.0, 11.24.2.5).
  public static func getHubDescriptor(length: UInt16) -> SetupPacket {
    SetupPacket(
      RequestType(.in, .class, .device), request: StandardRequest.getDescriptor.rawValue,
      value: UInt16(DescriptorType.hub.rawValue) << 8, index: 0, length: length)
  }

  /// GetHubStatus (USB 2.0, 11.24.2.6): `wHubStatus` and `wHubChange` come back, 4 bytes.
  public static let getHubStatus = SetupPacket(
    RequestType(.in, .class, .device), request: StandardRequest.getStatus.rawValue, value: 0,
    index: 0, length: 4)
}
