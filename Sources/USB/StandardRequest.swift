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

/// The features that SET_FEATURE and CLEAR_FEATURE are about (USB 2.0, table 9-6).
public struct FeatureSelector: RawRepresentable, Hashable, Sendable {
  /// The number itself.
  public var rawValue: UInt16

  /// A value from its number.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// ENDPOINT_HALT, of an endpoint.
  public static let endpointHalt = FeatureSelector(rawValue: 0)
  /// DEVICE_REMOTE_WAKEUP, of the device.
  public static let deviceRemoteWakeup = FeatureSelector(rawValue: 1)
  /// TEST_MODE, of the device.
  public static let testMode = FeatureSelector(rawValue: 2)
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

  /// GET_DESCRIPTOR to an interface, for class descriptors (HID 1.11, 7.1.1).
  ///
  /// - Parameters:
  ///   - type: the descriptor type, the high byte of `wValue`.
  ///   - index: which one of that type, the low byte of `wValue`.
  ///   - interface: `wIndex`.
  ///   - length: how many bytes to ask for.
  /// - Returns: the setup packet.
  public static func getDescriptor(
    _ type: DescriptorType, index: UInt8 = 0, interface: UInt8, length: UInt16
  ) -> SetupPacket {
    SetupPacket(
      RequestType(.in, .standard, .interface), request: StandardRequest.getDescriptor.rawValue,
      value: UInt16(type.rawValue) << 8 | UInt16(index), index: UInt16(interface), length: length)
  }

  /// SET_DESCRIPTOR to the device (USB 2.0, 9.4.8); `length` bytes follow.
  public static func setDescriptor(
    _ type: DescriptorType, index: UInt8 = 0, language: UInt16 = 0, length: UInt16
  ) -> SetupPacket {
    SetupPacket(
      RequestType(.out, .standard, .device), request: StandardRequest.setDescriptor.rawValue,
      value: UInt16(type.rawValue) << 8 | UInt16(index), index: language, length: length)
  }

  /// GET_STATUS (USB 2.0, 9.4.5): two bytes come back.
  ///
  /// - Parameters:
  ///   - recipient: the device, an interface or an endpoint.
  ///   - index: the number of the interface, or the address of the endpoint.
  /// - Returns: the setup packet.
  public static func getStatus(
    of recipient: RequestType.Recipient = .device, index: UInt8 = 0
  ) -> SetupPacket {
    SetupPacket(
      RequestType(.in, .standard, recipient), request: StandardRequest.getStatus.rawValue, value: 0,
      index: UInt16(index), length: 2)
  }

  /// SET_FEATURE (USB 2.0, 9.4.9).
  ///
  /// - Parameters:
  ///   - feature: the feature selector (table 9-6).
  ///   - recipient: whom it is for.
  ///   - index: the number of the interface, or the address of the endpoint.
  /// - Returns: the setup packet.
  public static func setFeature(
    _ feature: FeatureSelector, of recipient: RequestType.Recipient, index: UInt8 = 0
  ) -> SetupPacket {
    SetupPacket(
      RequestType(.out, .standard, recipient), request: StandardRequest.setFeature.rawValue,
      value: feature.rawValue, index: UInt16(index), length: 0)
  }

  /// CLEAR_FEATURE (USB 2.0, 9.4.1).
  ///
  /// - Parameters:
  ///   - feature: the feature selector (table 9-6).
  ///   - recipient: whom it is for.
  ///   - index: the number of the interface, or the address of the endpoint.
  /// - Returns: the setup packet.
  public static func clearFeature(
    _ feature: FeatureSelector, of recipient: RequestType.Recipient, index: UInt8 = 0
  ) -> SetupPacket {
    SetupPacket(
      RequestType(.out, .standard, recipient), request: StandardRequest.clearFeature.rawValue,
      value: feature.rawValue, index: UInt16(index), length: 0)
  }

  /// SYNCH_FRAME (USB 2.0, 9.4.11): two bytes come back.
  public static func synchFrame(endpoint: UInt8) -> SetupPacket {
    SetupPacket(
      RequestType(.in, .standard, .endpoint), request: StandardRequest.synchFrame.rawValue,
      value: 0, index: UInt16(endpoint), length: 2)
  }

  /// CLEAR_FEATURE(ENDPOINT_HALT) (USB 2.0, 9.4.1).
  public static func clearHalt(endpoint: UInt8) -> SetupPacket {
    SetupPacket(
      RequestType(.out, .standard, .endpoint), request: StandardRequest.clearFeature.rawValue,
      value: 0, index: UInt16(endpoint), length: 0)
  }
}
