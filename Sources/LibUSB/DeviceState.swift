internal import Synchronization
internal import USB

/// What a ``LibUSBDevice`` knows of itself: who uses it, and what it has selected.
struct DeviceState {
  var isClosed = false
  /// It has left, or has come back as something else; libusb knows the new one by another name.
  var isGone = false
  var interfaces: ClaimedInterfaces
  /// Calls into libusb that are under way, transfers included.
  var calls = 0
  var transfers: [ObjectIdentifier: Transfer] = [:]
  /// Those who wait until no call is under way.
  var closers: [CheckedContinuation<Void, Never>] = []
  /// How many of the transfers are control transfers.
  var controls = 0
  /// Resets that wait until no control transfer is under way.
  var resetters: [CheckedContinuation<Void, Never>] = []

  init(_ info: DeviceInfo) { interfaces = ClaimedInterfaces(info) }

  /// Refuses where the device is closed or gone.
  func check(_ setup: SetupPacket? = nil) throws(TransferError) {
    guard !isClosed else { throw TransferError(.closed, setup: setup) }
    guard !isGone else { throw TransferError(.disconnected, setup: setup) }
  }

  /// Refuses a transfer to an interface that is not claimed, or to an endpoint that is not there: usbfs would
  /// claim it silently, and say so in the kernel's log.
  func check(_ order: TransferOrder) throws(TransferError) {
    try check(order.setup)
    switch order.kind {
    case .control(let setup): try interfaces.check(setup)
    case .bulk(let endpoint): try interfaces.check(endpoint: endpoint, .bulk)
    case .interrupt(let endpoint): try interfaces.check(endpoint: endpoint, .interrupt)
    }
  }
}
