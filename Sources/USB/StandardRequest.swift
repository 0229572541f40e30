/// The requests that every device knows (USB 2.0, 9.4, table 9-4).
public struct StandardRequest: RawRepresentable, Hashable, Sendable {
  /// The number itself.
  public var rawValue: UInt8

  /// A value from its number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// GET_STATUS.
  public static let getStatus = StandardRequest(rawValue: 0)
  /// CLEAR_FEATURE.
  public static let clearFeature = StandardRequest(rawValue: 1)
  /// SET_FEATURE.
  public static let setFeature = StandardRequest(rawValue: 3)
  /// SET_ADDRESS.
  public static let setAddress = StandardRequest(rawValue: 5)
  /// GET_DESCRIPTOR.
  public static let getDescriptor = StandardRequest(rawValue: 6)
  /// SET_DESCRIPTOR.
  public static let setDescriptor = StandardRequest(rawValue: 7)
  /// GET_CONFIGURATION.
  public static let getConfiguration = StandardRequest(rawValue: 8)
  /// SET_CONFIGURATION.
  public static let setConfiguration = StandardRequest(rawValue: 9)
  /// GET_INTERFACE.
  public static let getInterface = StandardRequest(rawValue: 10)
  /// SET_INTERFACE.
  public static let setInterface = StandardRequest(rawValue: 11)
  /// SYNCH_FRAME.
  public static let synchFrame = StandardRequest(rawValue: 12)
}

extension SetupPacket {
  /// GET_DESCRIPTOR to the device (USB 2.0, 9.4.3).
  ///
  /// - Parameters:
  ///   - type: the descriptor type, the high byte of `wValue`.
  ///   - index: which one of that type, the low byte of `wValue`.
  ///   - language: `wIndex`, for strings.
  ///   - length: how many bytes to ask for.
  /// - Returns: the setup packet.
  public static func getDescriptor(
    _ type: DescriptorType, index: UInt8 = 0, language: UInt16 = 0, length: UInt16
  ) -> SetupPacket {
    SetupPacket(
      RequestType(.in, .standard, .device), request: StandardRequest.getDescriptor.rawValue,
      value: UInt16(type.rawValue) << 8 | UInt16(index), index: language, length: length)
  }

  /// SET_ADDRESS (USB 2.0, 9.4.6): `address` is 1 to 127.
  public static func setAddress(_ address: UInt8) -> SetupPacket {
    SetupPacket(
      RequestType(.out, .standard, .device), request: StandardRequest.setAddress.rawValue,
      value: UInt16(address), index: 0, length: 0)
  }

  /// SET_CONFIGURATION (USB 2.0, 9.4.7): `value` is a `bConfigurationValue`, or 0 for none.
  public static func setConfiguration(_ value: UInt8) -> SetupPacket {
    SetupPacket(
      RequestType(.out, .standard, .device), request: StandardRequest.setConfiguration.rawValue,
      value: UInt16(value), index: 0, length: 0)
  }

  /// GET_CONFIGURATION (USB 2.0, 9.4.2): one byte comes back.
  public static let getConfiguration = SetupPacket(
    RequestType(.in, .standard, .device), request: StandardRequest.getConfiguration.rawValue,
    value: 0, index: 0, length: 1)

  /// SET_INTERFACE (USB 2.0, 9.4.10).
  public static func setInterface(_ number: UInt8, alternateSetting: UInt8) -> SetupPacket {
    SetupPacket(
      RequestType(.out, .standard, .interface), request: StandardRequest.setInterface.rawValue,
      value: UInt16(alternateSetting), index: UInt16(number), length: 0)
  }

  /// GET_INTERFACE (USB 2.0, 9.4.4): one byte comes back.
  public static func getInterface(_ number: UInt8) -> SetupPacket {
    SetupPacket(
      RequestType(.in, .standard, .interface), request: StandardRequest.getInterface.rawValue,
      value: 0, index: UInt16(number), length: 1)
  }

  /// CLEAR_FEATURE(ENDPOINT_HALT) (USB 2.0, 9.4.1).
  public static func clearHalt(endpoint: UInt8) -> SetupPacket {
    SetupPacket(
      RequestType(.out, .standard, .endpoint), request: StandardRequest.clearFeature.rawValue,
      value: 0, index: UInt16(endpoint), length: 0)
  }
}
