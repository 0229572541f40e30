public import USB

/// The descriptors of a device as it sends them.
public struct DeviceDescription: Hashable, Sendable {
  /// The device descriptor.
  public var device: DeviceDescriptor
  /// Each configuration with all that follows it.
  public var configurations: [ConfigurationDescriptor]
  /// String descriptors by index, in English (United States).
  public var strings: [UInt8: String]
  /// String descriptors byte for byte, by index: what a device sends instead of the descriptor that
  /// `strings` would make. Real devices send text that is not UTF-16, or lengths that are not true.
  public var rawStrings: [UInt8: [UInt8]]

  /// A description; `bNumConfigurations` is set from `configurations`.
  public init(
    device: DeviceDescriptor, configurations: [ConfigurationDescriptor], strings: [UInt8: String],
    rawStrings: [UInt8: [UInt8]] = [:]
  ) {
    self.device = device
    self.device.configurationCount = UInt8(truncatingIfNeeded: configurations.count)
    self.configurations = configurations
    self.strings = strings
    self.rawStrings = rawStrings
  }

  fileprivate var hasStrings: Bool { !strings.isEmpty || !rawStrings.isEmpty }

  /// The bytes of a string descriptor; nil where there is none.
  public func stringDescriptor(_ index: UInt8) -> [UInt8]? {
    rawStrings[index] ?? strings[index].map { StringDescriptor($0).bytes }
  }
}

/// The part of a device that answers the standard requests (USB 2.0, 9.4) from its description.
public struct StandardRequests: Sendable {
  /// What the device is.
  public var description: DeviceDescription { record.description }
  private let record: Record
  /// The address given by SET_ADDRESS; 0 after a reset.
  public private(set) var address: UInt8 = 0
  /// The active configuration's `bConfigurationValue`; 0 while not configured.
  public private(set) var configurationValue: UInt8 = 0
  /// The selected alternate setting of each interface that has left setting 0.
  public private(set) var alternateSettings: [UInt8: UInt8] = [:]

  /// The standard requests of a device that has just been reset.
  public init(_ description: DeviceDescription) { record = Record(description) }

  /// The description apart, so that a device that is passed around stays small.
  private final class Record: Sendable {
    let description: DeviceDescription

    init(_ description: DeviceDescription) { self.description = description }
  }

  /// A reset on the port: address 0, not configured.
  public mutating func reset() {
    address = 0
    configurationValue = 0
    alternateSettings = [:]
  }

  /// The selected alternate setting of an interface.
  public func alternateSetting(of interface: UInt8) -> UInt8 { alternateSettings[interface] ?? 0 }

  private var configuration: ConfigurationDescriptor? {
    description.configurations.first { $0.value == configurationValue }
  }

  private func hasInterface(_ number: UInt16) -> Bool {
    configuration?.interfaces.contains { UInt16($0.number) == number } ?? false
  }

  /// The answer to a standard request.
  ///
  /// - Parameter setup: the setup packet.
  /// - Returns: nil when the request is not a standard one; a stall when it is not supported.
  public mutating func respond(to setup: SetupPacket) -> VirtualResponse? {
    guard setup.requestType.kind == .standard else { return nil }
    let isIn = setup.requestType.direction == .in
    switch (StandardRequest(rawValue: setup.request), setup.requestType.recipient, isIn) {
    case (.getDescriptor, .device, true):
      return descriptor(setup)
    case (.setAddress, .device, false) where setup.value < 128:
      address = UInt8(setup.value)
      return .acknowledged
    case (.setConfiguration, .device, false):
      return select(UInt8(truncatingIfNeeded: setup.value))
    case (.getConfiguration, .device, true):
      return answer([configurationValue], setup)
    case (.setInterface, .interface, false):
      return selectSetting(setup)
    case (.getInterface, .interface, true) where hasInterface(setup.index):
      return answer([alternateSetting(of: UInt8(setup.index))], setup)
    case (.getStatus, .device, true):
      // Bit 0: self-powered (9.4.5), as the configuration says.
      return answer([(configuration?.attributes ?? 0) >> 6 & 1, 0], setup)
    case (.getStatus, .interface, true) where hasInterface(setup.index):
      return answer([0, 0], setup)
    case (.clearFeature, .endpoint, false) where setup.value == 0 && configurationValue != 0:
      return .acknowledged
    default:
      return .stall
    }
  }

  private func answer(_ bytes: [UInt8], _ setup: SetupPacket) -> VirtualResponse {
    .data(Array(bytes.prefix(Int(setup.length))))
  }

  private func descriptor(_ setup: SetupPacket) -> VirtualResponse {
    let index = UInt8(truncatingIfNeeded: setup.value)
    switch DescriptorType(rawValue: UInt8(truncatingIfNeeded: setup.value >> 8)) {
    case .device:
      return answer(description.device.bytes, setup)
    case .configuration where Int(index) < description.configurations.count:
      return answer(description.configurations[Int(index)].bytes, setup)
    case .string where index == 0 && description.hasStrings:
      let languages = LanguageID.englishUnitedStates.rawValue.littleEndianBytes
      return answer([4, DescriptorType.string.rawValue] + languages, setup)
    case .string:
      guard let bytes = description.stringDescriptor(index) else { return .stall }
      return answer(bytes, setup)
    default:
      return .stall
    }
  }

  private mutating func select(_ value: UInt8) -> VirtualResponse {
    guard value == 0 || description.configurations.contains(where: { $0.value == value }) else {
      return .stall
    }
    configurationValue = value
    alternateSettings = [:]
    return .acknowledged
  }

  private mutating func selectSetting(_ setup: SetupPacket) -> VirtualResponse {
    let exists = configuration?.interfaces.contains {
      UInt16($0.number) == setup.index && UInt16($0.alternateSetting) == setup.value
    }
    guard exists == true else { return .stall }
    alternateSettings[UInt8(setup.index)] = UInt8(setup.value)
    return .acknowledged
  }
}
