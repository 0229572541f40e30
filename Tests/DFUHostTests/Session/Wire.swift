import DFU
import Synchronization
import USB
import VirtualDFU
import VirtualUSB

/// Stands between a host and the bus of a bench, and notes every control request with the state that the
/// board was in when it came.
final class Wire: USBHost {
  struct Sent: Sendable {
    var setup: SetupPacket
    var state: DFUState?
  }

  private let bus: VirtualBus
  private let path: PortPath
  private let list = Mutex<[Sent]>([])

  init(_ bench: Bench) {
    bus = bench.bus
    path = bench.path
  }

  func devices() async throws(HostError) -> [DeviceInfo] { try await bus.devices() }

  func open(_ id: DeviceID) async throws(HostError) -> any USBDevice {
    WatchedDevice(try await bus.open(id), self)
  }

  func events() -> AsyncStream<HostEvent> { bus.events() }

  fileprivate func note(_ setup: SetupPacket) {
    let state = bus.withDevice(at: path, as: VirtualBootloader.self) { $0.state }
    list.withLock { $0.append(Sent(setup: setup, state: state)) }
  }

  /// Everything, in its order.
  var all: [Sent] { list.withLock { $0 } }

  func sent(_ request: DFURequest) -> [Sent] { all.filter { DFURequest($0.setup) == request } }

  /// GET_DESCRIPTOR of the functional descriptor, of the device or the interface.
  var functionalRequests: [Sent] {
    all.filter {
      $0.setup.requestType.kind == .standard
        && $0.setup.request == StandardRequest.getDescriptor.rawValue
        && $0.setup.value >> 8 == UInt16(DescriptorType.dfuFunctional.rawValue)
    }
  }

  /// Get Commands, and reads of the reserved block.
  var commandReads: [Sent] { sent(.upload).filter { $0.setup.value < 2 } }
}

private final class WatchedDevice: USBDevice {
  let device: any USBDevice
  let wire: Wire
  var info: DeviceInfo { device.info }

  init(_ device: any USBDevice, _ wire: Wire) {
    self.device = device
    self.wire = wire
  }

  func controlIn(_ setup: SetupPacket, timeout: Duration) async throws(TransferError) -> [UInt8] {
    wire.note(setup)
    return try await device.controlIn(setup, timeout: timeout)
  }

  func controlOut(
    _ setup: SetupPacket, data: [UInt8], timeout: Duration
  ) async throws(TransferError) {
    wire.note(setup)
    try await device.controlOut(setup, data: data, timeout: timeout)
  }

  func bulkIn(
    endpoint: UInt8, length: Int, timeout: Duration
  ) async throws(TransferError) -> [UInt8] {
    try await device.bulkIn(endpoint: endpoint, length: length, timeout: timeout)
  }

  func bulkOut(
    endpoint: UInt8, data: [UInt8], timeout: Duration
  ) async throws(TransferError) -> Int {
    try await device.bulkOut(endpoint: endpoint, data: data, timeout: timeout)
  }

  func interruptIn(
    endpoint: UInt8, length: Int, timeout: Duration
  ) async throws(TransferError) -> [UInt8] {
    try await device.interruptIn(endpoint: endpoint, length: length, timeout: timeout)
  }

  func interruptOut(
    endpoint: UInt8, data: [UInt8], timeout: Duration
  ) async throws(TransferError) -> Int {
    try await device.interruptOut(endpoint: endpoint, data: data, timeout: timeout)
  }

  func setConfiguration(_ value: UInt8) async throws(TransferError) {
    try await device.setConfiguration(value)
  }

  func claimInterface(_ number: UInt8) async throws(TransferError) {
    try await device.claimInterface(number)
  }

  func releaseInterface(_ number: UInt8) async throws(TransferError) {
    try await device.releaseInterface(number)
  }

  func setAlternateSetting(
    _ setting: UInt8, interface number: UInt8
  ) async throws(TransferError) {
    wire.note(.setInterface(number, alternateSetting: setting))
    try await device.setAlternateSetting(setting, interface: number)
  }

  func clearHalt(endpoint: UInt8) async throws(TransferError) {
    try await device.clearHalt(endpoint: endpoint)
  }

  func reset() async throws(TransferError) { try await device.reset() }

  func close() async { await device.close() }
}
