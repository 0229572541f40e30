public import USB

/// A device that says what a `DescriptorSet` says, byte by byte, and does nothing else: for whoever wants to
/// see what a host makes of descriptors.
///
/// What the set does not have is refused, strings too. Every IN endpoint has nothing to tell, every OUT endpoint takes
/// all.
public struct DescriptorDevice: VirtualDevice {
  /// What it says.
  public let descriptors: DescriptorSet
  /// The speed of the set; where that does not say, the one that its packets fit.
  public let speed: USBSpeed
  private var configuration: UInt8 = 0
  private var settings: [UInt8: UInt8] = [:]

  /// A device.
  ///
  /// - Parameter descriptors: what it says.
  public init(_ descriptors: DescriptorSet) {
    self.descriptors = descriptors
    speed = descriptors.speed ?? Self.likelySpeed(of: descriptors)
  }

  /// Bulk packets of 512 bytes are of high speed alone (USB 2.0, 5.8.3).
  private static func likelySpeed(of set: DescriptorSet) -> USBSpeed {
    if set.device.count > 7, set.device[7] == 9 { return .superSpeed }
    let tree = set.tree
    for node in tree.nodes where node.type == .endpoint && node.length >= 7 {
      let bytes = Array(tree.bytes(of: node))
      if bytes[3] & 3 == 2, bytes[4] == 0, bytes[5] == 2 { return .high }
    }
    return .full
  }

  /// Not configured.
  public mutating func busReset(at now: Duration) {
    configuration = 0
    settings = [:]
  }

  /// The descriptors, and what a device must know beside them (USB 2.0, 9.4).
  public mutating func respond(
    to setup: SetupPacket, data: [UInt8], at now: Duration
  ) -> VirtualResponse {
    guard setup.requestType.kind == .standard else { return .stall }
    let isIn = setup.requestType.direction == .in
    func answer(_ bytes: [UInt8]?) -> VirtualResponse {
      guard let bytes, !bytes.isEmpty else { return .stall }
      return .data(Array(bytes.prefix(Int(setup.length))))
    }
    switch (StandardRequest(rawValue: setup.request), setup.requestType.recipient, isIn) {
    case (.getDescriptor, .device, true): return answer(descriptor(setup.value))
    case (.setAddress, .device, false): return .acknowledged
    case (.setConfiguration, .device, false):
      let value = UInt8(truncatingIfNeeded: setup.value)
      let isKnown = descriptors.configurations.contains { $0.count > 5 && $0[5] == value }
      guard value == 0 || isKnown else { return .stall }
      configuration = value
      settings = [:]
      return .acknowledged
    case (.getConfiguration, .device, true): return answer([configuration])
    case (.setInterface, .interface, false) where configuration != 0:
      settings[UInt8(truncatingIfNeeded: setup.index)] = UInt8(truncatingIfNeeded: setup.value)
      return .acknowledged
    case (.getInterface, .interface, true) where configuration != 0:
      return answer([settings[UInt8(truncatingIfNeeded: setup.index)] ?? 0])
    case (.getStatus, _, true): return answer([0, 0])
    case (.clearFeature, .endpoint, false), (.setFeature, .endpoint, false): return .acknowledged
    default: return .stall
    }
  }

  private func descriptor(_ value: UInt16) -> [UInt8]? {
    let index = UInt8(truncatingIfNeeded: value)
    switch DescriptorType(rawValue: UInt8(value >> 8)) {
    case .device: return descriptors.device
    case .configuration:
      return descriptors.configurations.indices.contains(Int(index))
        ? descriptors.configurations[Int(index)] : nil
    case .binaryObjectStore: return descriptors.binaryObjectStore
    case .deviceQualifier: return descriptors.deviceQualifier
    case .string where index == 0 && !descriptors.strings.isEmpty:
      let language = descriptors.language ?? .englishUnitedStates
      return [4, DescriptorType.string.rawValue] + language.rawValue.littleEndianBytes
    case .string: return descriptors.strings[index].map { StringDescriptor($0).bytes }
    default: return nil
    }
  }

  /// IN: nothing yet. OUT: taken.
  public mutating func respond(
    onEndpoint endpoint: UInt8, data: [UInt8], length: Int, at now: Duration
  ) -> VirtualResponse {
    guard configuration != 0 else { return .stall }
    return endpoint & 0x80 != 0 ? .nak : .acknowledged
  }
}
