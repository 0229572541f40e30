internal import USB
internal import VirtualUSB

/// The standard requests of the ``ReferenceDevice`` (USB 2.0, 9.4), from its bytes.
struct Chapter9: Sendable {
  let descriptors: ReferenceDescriptors
  private(set) var address: UInt8 = 0
  private(set) var configuration: UInt8 = 0
  /// The alternate setting of interface 1; interface 0 has but one.
  private(set) var setting: UInt8 = 0
  /// Endpoints that are halted (9.4.5).
  var halted: Set<UInt8> = []
  private var refreshed: Set<UInt8> = []

  // Table 9-4.
  static let (getStatus, clearFeature, setFeature): (UInt8, UInt8, UInt8) = (0, 1, 3)
  static let (setAddress, getDescriptor): (UInt8, UInt8) = (5, 6)
  static let (getConfiguration, setConfiguration): (UInt8, UInt8) = (8, 9)
  static let (getInterface, setInterface): (UInt8, UInt8) = (10, 11)

  init(_ descriptors: ReferenceDescriptors) { self.descriptors = descriptors }

  mutating func reset() {
    (address, configuration, setting, halted) = (0, 0, 0, [])
  }

  /// The endpoints that there are now, with their packet sizes.
  private var endpoints: [UInt8: Int] {
    guard configuration == 1 else { return [:] }
    let (bulk, interrupt) = (descriptors.bulkPacketSize, ReferenceDescriptors.interruptPacketSize)
    var all: [UInt8: Int] = [0x01: bulk, 0x81: bulk, 0x02: interrupt, 0x82: interrupt]
    if setting == 1 { (all[0x03], all[0x83]) = (bulk, bulk) }
    if setting == 2 { (all[0x04], all[0x84]) = (bulk, bulk) }
    return all
  }

  /// The packet size of an endpoint; nil where it is not there now.
  func endpoint(_ address: UInt8) -> Int? { endpoints[address] }

  /// The endpoints that have been set up anew since this was asked last.
  mutating func takeRefreshed() -> Set<UInt8> {
    defer { refreshed = [] }
    return refreshed
  }

  private func has(interface: UInt16) -> Bool {
    configuration == 1 ? interface <= 1 : configuration == 2 && interface == 0
  }

  mutating func respond(to setup: SetupPacket) -> VirtualResponse {
    let low = UInt8(truncatingIfNeeded: setup.value)
    let isIn = setup.requestType.direction == .in
    switch (setup.request, setup.requestType.recipient, isIn) {
    case (Chapter9.getDescriptor, .device, true):
      return answer(descriptor(UInt8(setup.value >> 8), low), setup)
    case (Chapter9.setAddress, .device, false) where setup.value < 128:
      address = low
      return .acknowledged
    case (Chapter9.getConfiguration, .device, true): return answer([configuration], setup)
    case (Chapter9.setConfiguration, .device, false) where setup.value <= 2:
      (configuration, setting, halted) = (low, 0, [])
      refreshed.formUnion([1, 2, 3, 4])
      return .acknowledged
    case (Chapter9.getInterface, .interface, true) where has(interface: setup.index):
      return answer([setup.index == 1 ? setting : 0], setup)
    case (Chapter9.setInterface, .interface, false) where has(interface: setup.index):
      return select(setup)
    case (Chapter9.getStatus, .device, true): return answer([0, 0], setup)
    case (Chapter9.getStatus, .interface, true) where has(interface: setup.index):
      return answer([0, 0], setup)
    case (_, .endpoint, _): return toEndpoint(setup, isIn: isIn)
    default: return .stall
    }
  }

  private func answer(_ bytes: [UInt8]?, _ setup: SetupPacket) -> VirtualResponse {
    bytes.map { .data(Array($0.prefix(Int(setup.length)))) } ?? .stall
  }

  private func descriptor(_ type: UInt8, _ index: UInt8) -> [UInt8]? {
    switch type {
    case 1: descriptors.device
    case 2 where Int(index) < descriptors.configurations.count:
      descriptors.configurations[Int(index)]
    case 3: descriptors.string(index)
    default: nil
    }
  }

  private mutating func select(_ setup: SetupPacket) -> VirtualResponse {
    guard setup.value == 0 || (setup.index == 1 && setup.value <= 2) else { return .stall }
    let changed: Set<UInt8> = setup.index == 1 ? [3, 4] : [1, 2]
    if setup.index == 1 { setting = UInt8(setup.value) }
    halted = halted.filter { !changed.contains($0 & 0x0F) }
    refreshed.formUnion(changed)
    return .acknowledged
  }

  private mutating func toEndpoint(_ setup: SetupPacket, isIn: Bool) -> VirtualResponse {
    let endpoint = UInt8(truncatingIfNeeded: setup.index)
    let isDefaultPipe = endpoint & 0x7F == 0
    guard isDefaultPipe || endpoints[endpoint] != nil else { return .stall }
    switch (setup.request, isIn) {
    case (Chapter9.getStatus, true):
      return answer([halted.contains(endpoint) ? 1 : 0, 0], setup)
    case (Chapter9.setFeature, false) where setup.value == 0 && !isDefaultPipe:
      halted.insert(endpoint)
      return .acknowledged
    case (Chapter9.clearFeature, false) where setup.value == 0:
      halted.remove(endpoint)
      return .acknowledged
    default: return .stall
    }
  }
}
