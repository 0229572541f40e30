/// What one handle on a device has claimed and selected, and what it may do by that.
///
/// The rules are those of Linux's usbfs, which every transport keeps, so that what works over one works
/// over all: an interface is claimed before it is spoken to, a configuration is not changed under a claim.
public struct ClaimedInterfaces: Hashable, Sendable {
  /// `bConfigurationValue` of the active configuration; nil while not configured.
  public var activeConfiguration: UInt8?
  /// The interfaces that are claimed.
  public private(set) var claims: Set<UInt8> = []
  /// The alternate settings that were selected through this handle.
  private var settings: [UInt8: UInt8] = [:]
  private let configurations: [ConfigurationDescriptor]

  /// Nothing is claimed.
  public init(_ info: DeviceInfo) {
    configurations = info.configurations
    activeConfiguration = info.activeConfiguration
  }

  private var interfaces: [InterfaceDescriptor] {
    configurations.first { $0.value == activeConfiguration }?.interfaces ?? []
  }

  /// The numbers of the interfaces that there are, in order.
  public var numbers: [UInt8] { Set(interfaces.map(\.number)).sorted() }

  /// Whether there is an interface to claim.
  ///
  /// - Throws: ``TransferError`` with `.unsupported` where there is none of that number.
  public func checkClaimable(_ number: UInt8) throws(TransferError) {
    guard interfaces.contains(where: { $0.number == number }) else {
      throw TransferError(.unsupported, detail: "there is no interface \(number)")
    }
  }

  /// Claims an interface.
  ///
  /// - Throws: as ``checkClaimable(_:)``.
  public mutating func claim(_ number: UInt8) throws(TransferError) {
    try checkClaimable(number)
    claims.insert(number)
  }

  /// Whether an interface is claimed.
  ///
  /// - Throws: ``TransferError`` with `.closed` where it is not.
  public func checkClaimed(
    _ number: UInt8, _ setup: SetupPacket? = nil
  ) throws(TransferError) {
    guard claims.contains(number) else {
      throw TransferError(.closed, setup: setup, detail: "interface \(number) is not claimed")
    }
  }

  /// Gives an interface back.
  ///
  /// - Throws: as ``checkClaimed(_:_:)``.
  public mutating func release(_ number: UInt8) throws(TransferError) {
    try checkClaimed(number)
    claims.remove(number)
  }

  /// Gives all interfaces back.
  public mutating func releaseAll() { claims = [] }

  /// Whether a configuration may be selected.
  ///
  /// - Throws: ``TransferError`` with `.busy` while an interface is claimed.
  public func checkConfiguring(_ setup: SetupPacket) throws(TransferError) {
    guard claims.isEmpty else {
      throw TransferError(.busy, setup: setup, detail: "an interface is claimed")
    }
  }

  /// A configuration has been selected; all settings are 0.
  public mutating func configured(_ value: UInt8) {
    activeConfiguration = value == 0 ? nil : value
    settings = [:]
  }

  /// An alternate setting has been selected.
  public mutating func selected(_ setting: UInt8, interface number: UInt8) {
    settings[number] = setting
  }

  /// The device was reset; all settings are 0, the claims stay.
  public mutating func wasReset() { settings = [:] }

  /// Whether a request to an interface may be sent; others always may.
  ///
  /// - Throws: ``TransferError`` with `.closed` where the interface is not claimed.
  public func check(_ setup: SetupPacket) throws(TransferError) {
    guard setup.requestType.recipient == .interface else { return }
    try checkClaimed(UInt8(truncatingIfNeeded: setup.index), setup)
  }

  /// The endpoint of an address, in the settings that are selected, and the interface that it belongs to.
  ///
  /// An interface whose setting was selected before this handle was opened is not known better: any of its
  /// settings may be it.
  public func endpoint(_ address: UInt8) -> (interface: UInt8, endpoint: EndpointDescriptor)? {
    for interface in interfaces {
      if let selected = settings[interface.number], selected != interface.alternateSetting {
        continue
      }
      if let found = interface.endpoints.first(where: { $0.address == address }) {
        return (interface.number, found)
      }
    }
    return nil
  }

  /// Whether the halt of an endpoint may be cleared.
  ///
  /// - Throws: ``TransferError`` with `.unsupported` where there is no such endpoint, `.closed` where its
  ///   interface is not claimed.
  public func check(haltOf address: UInt8) throws(TransferError) {
    guard let (interface, _) = endpoint(address) else {
      throw TransferError(.unsupported, detail: "no endpoint 0x\(hex(address))")
    }
    try checkClaimed(interface)
  }

  /// Whether a transfer to an endpoint may be started.
  ///
  /// - Throws: ``TransferError`` with `.unsupported` where there is no such endpoint of that type, `.closed`
  ///   where its interface is not claimed.
  public func check(
    endpoint address: UInt8, _ type: EndpointDescriptor.TransferType
  ) throws(TransferError) {
    guard let (interface, endpoint) = endpoint(address) else {
      throw TransferError(.unsupported, detail: "no endpoint 0x\(hex(address))")
    }
    guard endpoint.transferType == type else {
      throw TransferError(
        .unsupported, detail: "endpoint 0x\(hex(address)) is of another type")
    }
    try checkClaimed(interface)
  }
}
