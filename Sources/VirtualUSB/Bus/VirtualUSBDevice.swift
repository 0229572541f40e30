internal import Synchronization
internal import USB

/// A device of a ``VirtualBus``, opened.
final class VirtualUSBDevice: USBDevice {
  let info: DeviceInfo
  private let bus: VirtualBus
  private let handle: UInt64
  private let isClosed = Atomic(false)

  /// Linux's usbfs takes no longer control transfer (`MAX_USBFS_BUFFER_SIZE` once, a page of 4096).
  static let maximumControlLength = 4096
  /// What Linux allows a device for requests of its own (`USB_CTRL_SET_TIMEOUT`).
  static let standardTimeout = Duration.seconds(5)
  /// USB 2.0, 7.1.7.5: 50 ms of reset on a root port, and 10 ms to recover.
  static let resetTime = Duration.milliseconds(60)

  init(bus: VirtualBus, info: DeviceInfo, handle: UInt64) {
    self.bus = bus
    self.info = info
    self.handle = handle
  }

  private func request(
    endpoint: UInt8, _ setup: SetupPacket?, data: [UInt8] = [], length: Int = 0, timeout: Duration
  ) throws(TransferError) -> TransferRequest {
    guard !isClosed.load(ordering: .relaxed) else { throw TransferError(.closed, setup: setup) }
    return TransferRequest(
      device: info.id, handle: handle, endpoint: endpoint, setup: setup, data: data,
      length: length, deadline: bus.now + timeout)
  }

  /// How a transfer begins.
  private enum Entry {
    /// The pipe was free, and nobody interferes.
    case started(Flight)
    /// The pipe was free.
    case mayStart
    /// Others are before it.
    case queued(Gate)
  }

  /// Runs a transfer: takes its place on the pipe before it first suspends.
  private func perform(_ request: TransferRequest) async throws(TransferError) -> [UInt8] {
    guard !Task.isCancelled else { throw request.error(.cancelled) }
    let entry = try bus.update { (state, now) throws(TransferError) -> Entry in
      try state.checkClaim(request)
      if let turn = try state.enter(request) { return .queued(turn) }
      guard state.interceptor == nil else { return .mayStart }
      return .started(try state.startOrLeave(request, fault: .pass, at: now))
    }
    var flight: Flight
    switch entry {
    case .started(let started): flight = started
    case .mayStart: flight = try start(request)
    case .queued(let turn):
      try await wait(for: turn, request)
      flight = try start(request)
    }
    while true {
      let target = min(flight.end, flight.nextEvent ?? flight.end)
      if !bus.timing.advanceIfAlone(to: target) {
        await wait(until: target, flight, request)
      }
      let result = bus.update { state, now in
        let result = state.finish(&flight, request, at: now)
        if result != nil { state.leave(request) }
        return result
      }
      if let result { return try result.get() }
      if let end = prematureEnd(of: request) {
        bus.update { state, _ in state.leave(request) }
        throw end
      }
    }
  }

  /// Waits for a moment, or until something happens that the transfer has to look at.
  private func wait(until time: Duration, _ flight: Flight, _ request: TransferRequest) async {
    let gate = bus.update { state, _ in
      // Under the lock: closing takes it after it has set the flag.
      isClosed.load(ordering: .relaxed) ? nil : state.watch(flight, request)
    }
    guard let gate else { return }
    await bus.timing.wait(until: time, or: gate)
    bus.update { state, _ in state.unwatch(gate, request) }
  }

  /// Waits in the queue of the pipe, no longer than the transfer may take.
  private func wait(for turn: Gate, _ request: TransferRequest) async throws(TransferError) {
    await bus.timing.wait(until: request.deadline, or: turn)
    let end = prematureEnd(of: request) ?? (turn.isOpen ? nil : request.error(.timeout))
    guard let end else { return }
    bus.update { state, _ in state.withdraw(request, turn) }
    throw end
  }

  /// Why a transfer is not to go on, whatever the device does.
  private func prematureEnd(of request: TransferRequest) -> TransferError? {
    if isClosed.load(ordering: .relaxed) {
      return request.error(.closed, "the device was closed meanwhile")
    }
    return Task.isCancelled ? request.error(.cancelled) : nil
  }

  private func start(_ request: TransferRequest) throws(TransferError) -> Flight {
    var fault = TransferFault.pass
    if let (interceptor, transfer) = bus.update({ state, now in
      state.interception(request, at: now)
    }) {
      fault = interceptor(transfer)
    }
    return try bus.update { (state, now) throws(TransferError) in
      try state.startOrLeave(request, fault: fault, at: now)
    }
  }

  private func check(_ setup: SetupPacket, isIn: Bool) throws(TransferError) {
    guard (setup.requestType.direction == .in) == isIn || setup.length == 0 else {
      throw TransferError(.other, setup: setup, detail: "the direction bit says otherwise")
    }
    guard Int(setup.length) <= VirtualUSBDevice.maximumControlLength else {
      throw TransferError(
        .other, setup: setup, detail: "a control transfer carries at most 4096 bytes here")
    }
  }

  func controlIn(_ setup: SetupPacket, timeout: Duration) async throws(TransferError) -> [UInt8] {
    try check(setup, isIn: true)
    return try await perform(request(endpoint: 0, setup, timeout: timeout))
  }

  func controlOut(
    _ setup: SetupPacket, data: [UInt8], timeout: Duration
  ) async throws(TransferError) {
    try check(setup, isIn: false)
    guard data.count == Int(setup.length) else {
      throw TransferError(
        .other, setup: setup, detail: "wLength is not the length of the data, \(data.count)")
    }
    _ = try await perform(request(endpoint: 0, setup, data: data, timeout: timeout))
  }

  private func stream(
    _ endpoint: UInt8, data: [UInt8] = [], length: Int = 0, timeout: Duration,
    _ type: EndpointDescriptor.TransferType
  ) async throws(TransferError) -> [UInt8] {
    let request = try request(
      endpoint: endpoint, nil, data: data, length: length, timeout: timeout)
    let found = bus.update { state, _ in
      state.portIndex(of: info.id).flatMap { state.endpoint(endpoint, of: $0)?.endpoint }
    }
    if let found, found.transferType != type {
      throw request.error(.unsupported, "endpoint 0x\(hex(endpoint)) is of another type")
    }
    return try await perform(request)
  }

  func bulkIn(
    endpoint: UInt8, length: Int, timeout: Duration
  ) async throws(TransferError) -> [UInt8] {
    try await stream(endpoint | 0x80, length: length, timeout: timeout, .bulk)
  }

  func bulkOut(
    endpoint: UInt8, data: [UInt8], timeout: Duration
  ) async throws(TransferError) -> Int {
    _ = try await stream(endpoint & 0x7F, data: data, timeout: timeout, .bulk)
    return data.count
  }

  func interruptIn(
    endpoint: UInt8, length: Int, timeout: Duration
  ) async throws(TransferError) -> [UInt8] {
    try await stream(endpoint | 0x80, length: length, timeout: timeout, .interrupt)
  }

  func interruptOut(
    endpoint: UInt8, data: [UInt8], timeout: Duration
  ) async throws(TransferError) -> Int {
    _ = try await stream(endpoint & 0x7F, data: data, timeout: timeout, .interrupt)
    return data.count
  }

  func setConfiguration(_ value: UInt8) async throws(TransferError) {
    let setup = SetupPacket.setConfiguration(value)
    let request = try request(endpoint: 0, setup, timeout: VirtualUSBDevice.standardTimeout)
    try bus.update { (state, _) throws(TransferError) in
      guard let index = state.portIndex(of: info.id) else { throw request.error(.disconnected) }
      guard state.ports[index].attachment?.claims.isEmpty == true else {
        throw request.error(.busy, "an interface is claimed")
      }
    }
    _ = try await perform(request)
    bus.update { state, _ in
      guard let index = state.portIndex(of: info.id) else { return }
      state.ports[index].attachment?.info.activeConfiguration = value == 0 ? nil : value
      state.ports[index].attachment?.settings = [:]
    }
  }

  func claimInterface(_ number: UInt8) async throws(TransferError) {
    guard !isClosed.load(ordering: .relaxed) else { throw TransferError(.closed) }
    try bus.update { (state, _) throws(TransferError) in
      guard let index = state.portIndex(of: info.id), let attachment = state.ports[index].attachment
      else { throw TransferError(.disconnected) }
      let configuration = attachment.info.configurations.first {
        $0.value == attachment.info.activeConfiguration
      }
      guard configuration?.interfaces.contains(where: { $0.number == number }) == true else {
        throw TransferError(.unsupported, detail: "there is no interface \(number)")
      }
      guard (attachment.claims[number] ?? handle) == handle else {
        throw TransferError(.busy, detail: "interface \(number) is claimed already")
      }
      state.ports[index].attachment?.claims[number] = handle
    }
  }

  func releaseInterface(_ number: UInt8) async throws(TransferError) {
    guard !isClosed.load(ordering: .relaxed) else { throw TransferError(.closed) }
    try bus.update { (state, _) throws(TransferError) in
      guard let index = state.portIndex(of: info.id) else { throw TransferError(.disconnected) }
      guard state.ports[index].attachment?.claims[number] == handle else {
        throw TransferError(.closed, detail: "interface \(number) is not claimed")
      }
      state.ports[index].attachment?.claims[number] = nil
    }
  }

  func setAlternateSetting(
    _ setting: UInt8, interface number: UInt8
  ) async throws(TransferError) {
    let setup = SetupPacket.setInterface(number, alternateSetting: setting)
    _ = try await perform(
      request(endpoint: 0, setup, timeout: VirtualUSBDevice.standardTimeout))
    bus.update { state, _ in
      guard let index = state.portIndex(of: info.id) else { return }
      state.ports[index].attachment?.settings[number] = setting
    }
  }

  func clearHalt(endpoint: UInt8) async throws(TransferError) {
    let request = try request(
      endpoint: 0, .clearHalt(endpoint: endpoint), timeout: VirtualUSBDevice.standardTimeout)
    try bus.update { (state, _) throws(TransferError) in
      try state.checkClaim(ofEndpoint: endpoint, request)
    }
    _ = try await perform(request)
  }

  func reset() async throws(TransferError) {
    // A reset takes the default pipe, behind the transfers that wait for it.
    let request = try request(endpoint: 0, nil, timeout: .seconds(3600))
    let turn = try bus.update { (state, _) throws(TransferError) in try state.enter(request) }
    if let turn { try await wait(for: turn, request) }
    defer { bus.update { state, _ in state.leave(request) } }
    let end = bus.now + VirtualUSBDevice.resetTime
    if !bus.timing.advanceIfAlone(to: end) { await bus.timing.wait(until: end, or: Gate()) }
    try bus.update { (state, now) throws(TransferError) in
      guard state.reset(info.id, at: now) else { throw TransferError(.disconnected) }
    }
  }

  func close() async {
    guard !isClosed.exchange(true, ordering: .relaxed) else { return }
    bus.update { state, _ in state.close(handle, of: info.id) }
  }
}

extension BusState {
  /// Resets a port, and looks whether the device is still what it was.
  ///
  /// - Returns: false when it is gone, or has come back as something else under another id.
  mutating func reset(_ id: DeviceID, at now: Duration) -> Bool {
    guard let index = portIndex(of: id), let old = ports[index].attachment?.info else {
      return false
    }
    ports[index].device.advance(to: now)
    let introduction = introduce(index, address: old.address, at: now)
    guard ports[index].device.isConnected, let introduction else {
      followConnection(index, at: now)
      return false
    }
    let was = Introduction(
      descriptor: old.descriptor, configurations: old.configurations,
      serialNumber: old.serialNumber)
    guard introduction == was else {
      forget(index)
      enumerate(index, at: now, id: nil)
      return false
    }
    if let value = old.activeConfiguration {
      _ = ports[index].device.respond(to: .setConfiguration(value), data: [], at: now)
    }
    ports[index].attachment?.settings = [:]
    stir(index)
    followConnection(index, at: now)
    return true
  }
}
