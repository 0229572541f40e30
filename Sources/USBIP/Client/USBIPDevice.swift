internal import Synchronization
internal import USB

/// A device of a ``USBIPHost``, imported.
final class USBIPDevice: USBDevice {
  let info: DeviceInfo
  private let connection: ClientConnection
  private let clock: AnyClock
  private let state: Mutex<State>
  private let onConfigure: @Sendable (UInt8?) -> Void
  private let onClose: @Sendable () -> Void

  private struct State {
    var interfaces: ClaimedInterfaces
    var isClosed = false
    /// It has left, or has come back as something else.
    var isGone = false
    /// What is under way, to be ended by ``USBIPDevice/close()``.
    var flying: [ObjectIdentifier: ClientTransfer] = [:]

    func check(_ setup: SetupPacket?) throws(TransferError) {
      guard !isClosed else { throw TransferError(.closed, setup: setup) }
      guard !isGone else { throw TransferError(.disconnected, setup: setup) }
    }
  }

  /// As over Linux's usbfs; a server may put a request on to that.
  static let maximumControlLength = 4096
  /// What Linux allows a device for requests of its own (`USB_CTRL_SET_TIMEOUT`).
  static let standardTimeout = Duration.seconds(5)

  init(
    _ connection: ClientConnection, _ info: DeviceInfo, clock: AnyClock,
    onConfigure: @escaping @Sendable (UInt8?) -> Void, onClose: @escaping @Sendable () -> Void
  ) {
    self.connection = connection
    self.info = info
    self.clock = clock
    self.onConfigure = onConfigure
    self.onClose = onClose
    state = Mutex(State(interfaces: ClaimedInterfaces(info)))
  }

  // MARK: Transfers

  private func perform(
    _ submission: URBSubmission, within limit: Duration,
    permit: (ClaimedInterfaces) throws(TransferError) -> Void
  ) async throws(TransferError) -> URBCompletion {
    let setup = submission.endpoint == 0 ? submission.setup : nil
    try state.withLock { (state) throws(TransferError) in
      try state.check(setup)
      try permit(state.interfaces)
    }
    var key: ObjectIdentifier?
    defer { if let key { state.withLock { $0.flying[key] = nil } } }
    do throws(TransferError) {
      return try await connection.perform(submission, within: limit) { transfer in
        key = ObjectIdentifier(transfer)
        let isClosed = state.withLock { state in
          state.flying[ObjectIdentifier(transfer)] = transfer
          return state.isClosed
        }
        if isClosed { connection.stop(transfer, .closed) }
      }
    } catch {
      if error.code == .disconnected { state.withLock { $0.isGone = true } }
      throw error
    }
  }

  private func control(
    _ setup: SetupPacket, data: [UInt8] = [], isIn: Bool, within limit: Duration,
    permit: (ClaimedInterfaces) throws(TransferError) -> Void
  ) async throws(TransferError) -> [UInt8] {
    guard (setup.requestType.direction == .in) == isIn || setup.length == 0 else {
      throw TransferError(.other, setup: setup, detail: "the direction bit says otherwise")
    }
    guard Int(setup.length) <= Self.maximumControlLength else {
      throw TransferError(
        .other, setup: setup, detail: "a control transfer carries at most 4096 bytes here")
    }
    return try await perform(.control(setup, data: data), within: limit, permit: permit).data
  }

  func controlIn(_ setup: SetupPacket, timeout: Duration) async throws(TransferError) -> [UInt8] {
    try await control(setup, isIn: true, within: timeout) { interfaces throws(TransferError) in
      try interfaces.check(setup)
    }
  }

  func controlOut(
    _ setup: SetupPacket, data: [UInt8], timeout: Duration
  ) async throws(TransferError) {
    guard data.count == Int(setup.length) else {
      throw TransferError(
        .other, setup: setup, detail: "wLength is not the length of the data, \(data.count)")
    }
    _ = try await control(setup, data: data, isIn: false, within: timeout) {
      interfaces throws(TransferError) in try interfaces.check(setup)
    }
  }

  private func stream(
    _ address: UInt8, data: [UInt8] = [], length: Int, within limit: Duration,
    _ type: EndpointDescriptor.TransferType
  ) async throws(TransferError) -> URBCompletion {
    let isIn = address & 0x80 != 0
    return try await perform(
      URBSubmission(
        direction: isIn ? .in : .out, endpoint: address & 0x0F, flags: isIn ? .directionIn : [],
        length: length, interval: type == .interrupt ? 1 : 0, data: data), within: limit
    ) { interfaces throws(TransferError) in try interfaces.check(endpoint: address, type) }
  }

  func bulkIn(
    endpoint: UInt8, length: Int, timeout: Duration
  ) async throws(TransferError) -> [UInt8] {
    try await stream(endpoint | 0x80, length: length, within: timeout, .bulk).data
  }

  func bulkOut(
    endpoint: UInt8, data: [UInt8], timeout: Duration
  ) async throws(TransferError) -> Int {
    try await stream(endpoint & 0x7F, data: data, length: data.count, within: timeout, .bulk)
      .actualLength
  }

  func interruptIn(
    endpoint: UInt8, length: Int, timeout: Duration
  ) async throws(TransferError) -> [UInt8] {
    try await stream(endpoint | 0x80, length: length, within: timeout, .interrupt).data
  }

  func interruptOut(
    endpoint: UInt8, data: [UInt8], timeout: Duration
  ) async throws(TransferError) -> Int {
    try await stream(endpoint & 0x7F, data: data, length: data.count, within: timeout, .interrupt)
      .actualLength
  }

  // MARK: The device

  func setConfiguration(_ value: UInt8) async throws(TransferError) {
    let setup = SetupPacket.setConfiguration(value)
    _ = try await control(setup, isIn: false, within: Self.standardTimeout) {
      interfaces throws(TransferError) in try interfaces.checkConfiguring(setup)
    }
    let active = state.withLock { state in
      state.interfaces.configured(value)
      return state.interfaces.activeConfiguration
    }
    onConfigure(active)
  }

  // The server has claimed all interfaces for this client; who uses which is decided here.

  func claimInterface(_ number: UInt8) async throws(TransferError) {
    try state.withLock { (state) throws(TransferError) in
      try state.check(nil)
      try state.interfaces.claim(number)
    }
  }

  func releaseInterface(_ number: UInt8) async throws(TransferError) {
    try state.withLock { (state) throws(TransferError) in
      try state.check(nil)
      try state.interfaces.release(number)
    }
  }

  func setAlternateSetting(
    _ setting: UInt8, interface number: UInt8
  ) async throws(TransferError) {
    let setup = SetupPacket.setInterface(number, alternateSetting: setting)
    _ = try await control(setup, isIn: false, within: Self.standardTimeout) {
      interfaces throws(TransferError) in try interfaces.check(setup)
    }
    state.withLock { $0.interfaces.selected(setting, interface: number) }
  }

  func clearHalt(endpoint: UInt8) async throws(TransferError) {
    _ = try await control(
      .clearHalt(endpoint: endpoint), isIn: false, within: Self.standardTimeout
    ) { interfaces throws(TransferError) in try interfaces.check(haltOf: endpoint) }
  }

  /// USB/IP has no message for a reset. Servers take the request that resets a port of a hub for one
  /// (`tweak_reset_device_cmd` of Linux's usbip-host); whether the device is still what it was shows in its
  /// descriptors.
  func reset() async throws(TransferError) {
    do throws(TransferError) {
      _ = try await control(.resetPort, isIn: false, within: Self.standardTimeout) { _ in }
    } catch {
      guard error.code == .stall else { throw error }
      throw TransferError(.unsupported, detail: "this server cannot reset a device")
    }
    let now = try await connection.descriptors()
    guard now.device == info.descriptor, now.configurations == info.configurations else {
      state.withLock { $0.isGone = true }
      await end()
      throw TransferError(.disconnected)
    }
    state.withLock { $0.interfaces.wasReset() }
  }

  private func end() async {
    await connection.close(clock: clock)
    onClose()
  }

  func close() async {
    let (wasClosed, flying) = state.withLock { state in
      defer { state.isClosed = true }
      return (state.isClosed, state.flying.values)
    }
    guard !wasClosed else { return }
    for transfer in flying { connection.stop(transfer, .closed) }
    await end()
  }
}

extension URBSubmission {
  /// A control transfer. Its direction is that of the request, also where there are no data.
  static func control(_ setup: SetupPacket, data: [UInt8] = []) -> URBSubmission {
    let direction = setup.requestType.direction
    return URBSubmission(
      direction: direction, endpoint: 0, flags: direction == .in ? .directionIn : [],
      length: Int(setup.length), setup: setup, data: data)
  }
}

extension SetupPacket {
  /// SET_FEATURE(PORT_RESET) to a hub (USB 2.0, 11.24.2.13): over USB/IP it resets the imported device.
  static let resetPort = SetupPacket(
    RequestType(rawValue: 0x23), request: 3, value: 4, index: 1, length: 0)
}
