internal import Synchronization
internal import USB

/// What a ``LibUSBDevice`` knows of itself: who uses it, and what it has selected.
struct DeviceState {
  var isClosed = false
  /// It has left, or has come back as something else; libusb knows the new one by another name.
  var isGone = false
  var activeConfiguration: UInt8?
  var claims: Set<UInt8> = []
  /// The alternate settings that were selected here.
  var settings: [UInt8: UInt8] = [:]
  /// Calls into libusb that are under way, transfers included.
  var calls = 0
  var transfers: [ObjectIdentifier: Transfer] = [:]
  /// Those who wait until no call is under way.
  var closers: [CheckedContinuation<Void, Never>] = []

  /// Refuses where the device is closed or gone.
  func check(_ setup: SetupPacket? = nil) throws(TransferError) {
    guard !isClosed else { throw TransferError(.closed, setup: setup) }
    guard !isGone else { throw TransferError(.disconnected, setup: setup) }
  }

  /// Refuses a transfer to an interface that is not claimed, or to an endpoint that is not there.
  func check(_ order: TransferOrder, _ info: DeviceInfo) throws(TransferError) {
    try check(order.setup)
    let interface: UInt8
    switch order.kind {
    case .control(let setup):
      guard setup.requestType.recipient == .interface else { return }
      interface = UInt8(truncatingIfNeeded: setup.index)
    case .bulk(let endpoint):
      interface = try self.interface(of: endpoint, .bulk, info, order)
    case .interrupt(let endpoint):
      interface = try self.interface(of: endpoint, .interrupt, info, order)
    }
    // usbfs would claim it silently, and say so in the kernel's log.
    guard claims.contains(interface) else {
      throw order.error(.closed, "interface \(interface) is not claimed")
    }
  }

  /// The interface that an endpoint belongs to, in the settings that are selected.
  private func interface(
    of endpoint: UInt8, _ type: EndpointDescriptor.TransferType, _ info: DeviceInfo,
    _ order: TransferOrder
  ) throws(TransferError) -> UInt8 {
    let configuration = info.configurations.first { $0.value == activeConfiguration }
    for interface in configuration?.interfaces ?? [] {
      // One that was selected before this program came is not known; any setting may be it.
      if let selected = settings[interface.number], selected != interface.alternateSetting {
        continue
      }
      guard let found = interface.endpoints.first(where: { $0.address == endpoint }) else {
        continue
      }
      guard found.transferType == type else {
        throw order.error(.unsupported, "endpoint 0x\(hex(endpoint)) is of another type")
      }
      return interface.number
    }
    throw order.error(.unsupported, "no endpoint 0x\(hex(endpoint))")
  }
}
