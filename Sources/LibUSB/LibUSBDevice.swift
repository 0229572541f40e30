internal import CLibUSB
internal import Dispatch
internal import Synchronization
internal import USB

/// A device of a ``LibUSBHost``, opened.
///
/// Transfers are handed to the kernel before the caller first suspends; the kernel keeps their order
/// on each endpoint. Calls that wait inside the kernel (claims, settings, reset) run one after the
/// other on a queue of the device, last at most the five seconds that Linux allows a device for them,
/// and are not cut short by cancelling the task.
final class LibUSBDevice: USBDevice {
  let info: DeviceInfo
  private let handle: OpenHandle
  private let sysfs: Sysfs
  private let state: Mutex<DeviceState>
  private let queue = DispatchQueue(label: "swift-dfu.libusb.device")

  /// Linux's usbfs takes no longer control transfer (a page, `proc_do_submiturb`).
  static let maximumControlLength = Platform.current == .linux ? 4096 : 65535

  init(_ handle: OpenHandle, _ info: DeviceInfo, sysfs: Sysfs) {
    self.handle = handle
    self.info = info
    self.sysfs = sysfs
    state = Mutex(DeviceState(info))
  }

  // MARK: Transfers

  /// Queues a transfer, then waits for its end.
  private func perform(_ order: TransferOrder) async throws(TransferError) -> Transfer.Outcome {
    guard !Task.isCancelled else { throw order.error(.cancelled) }
    let transfer = try Transfer(order, on: handle)
    try state.withLock { (state) throws(TransferError) in
      try state.check(order)
      // Under the lock, so that transfers go in the order of their starting, and none behind a close.
      let code = transfer.submit()
      guard code == .success else {
        if code == .noDevice { state.isGone = true }
        throw order.error(code.transferCode, code.detail)
      }
      state.calls += 1
      state.transfers[ObjectIdentifier(transfer)] = transfer
      if order.setup != nil { state.controls += 1 }
    }
    let outcome = await transfer.outcome()
    let isClosed = leave { state in
      state.transfers[ObjectIdentifier(transfer)] = nil
      if order.setup != nil { state.controls -= 1 }
      if outcome.status == .noDevice { state.isGone = true }
      return state.isClosed
    }
    guard let code = outcome.status.transferCode else { return outcome }
    if code == .cancelled, isClosed, !Task.isCancelled {
      throw order.error(.closed, "the device was closed meanwhile")
    }
    let some = order.setup == nil && outcome.count > 0
    throw order.error(code, some ? "after \(outcome.count) bytes" : nil)
  }

  /// A call is no longer under way.
  private func leave<Result>(_ body: (inout DeviceState) -> sending Result) -> sending Result {
    let (result, closers) = state.withLock {
      state -> (Result, [CheckedContinuation<Void, Never>])
      in
      state.calls -= 1
      let result = body(&state)
      var ready: [CheckedContinuation<Void, Never>] = []
      if state.controls == 0 {
        ready += state.resetters
        state.resetters = []
      }
      if state.calls == 0 {
        ready += state.closers
        state.closers = []
      }
      return (result, ready)
    }
    for closer in closers { closer.resume() }
    return result
  }

  private func check(_ setup: SetupPacket, isIn: Bool) throws(TransferError) {
    guard (setup.requestType.direction == .in) == isIn || setup.length == 0 else {
      throw TransferError(.other, setup: setup, detail: "the direction bit says otherwise")
    }
    guard Int(setup.length) <= LibUSBDevice.maximumControlLength else {
      throw TransferError(
        .other, setup: setup, detail: "a control transfer carries at most 4096 bytes here")
    }
  }

  func controlIn(_ setup: SetupPacket, timeout: Duration) async throws(TransferError) -> [UInt8] {
    try check(setup, isIn: true)
    return try await perform(
      TransferOrder(kind: .control(setup), length: Int(setup.length), timeout: timeout)
    ).bytes
  }

  func controlOut(
    _ setup: SetupPacket, data: [UInt8], timeout: Duration
  ) async throws(TransferError) {
    try check(setup, isIn: false)
    guard data.count == Int(setup.length) else {
      throw TransferError(
        .other, setup: setup, detail: "wLength is not the length of the data, \(data.count)")
    }
    _ = try await perform(
      TransferOrder(kind: .control(setup), data: data, timeout: timeout))
  }

  func bulkIn(
    endpoint: UInt8, length: Int, timeout: Duration
  ) async throws(TransferError) -> [UInt8] {
    try await perform(
      TransferOrder(kind: .bulk(endpoint: endpoint | 0x80), length: length, timeout: timeout)
    ).bytes
  }

  func bulkOut(
    endpoint: UInt8, data: [UInt8], timeout: Duration
  ) async throws(TransferError) -> Int {
    try await perform(
      TransferOrder(kind: .bulk(endpoint: endpoint & 0x7F), data: data, timeout: timeout)
    ).count
  }

  func interruptIn(
    endpoint: UInt8, length: Int, timeout: Duration
  ) async throws(TransferError) -> [UInt8] {
    try await perform(
      TransferOrder(kind: .interrupt(endpoint: endpoint | 0x80), length: length, timeout: timeout)
    ).bytes
  }

  func interruptOut(
    endpoint: UInt8, data: [UInt8], timeout: Duration
  ) async throws(TransferError) -> Int {
    try await perform(
      TransferOrder(kind: .interrupt(endpoint: endpoint & 0x7F), data: data, timeout: timeout)
    ).count
  }

  // MARK: Calls that wait

  /// Runs a call that waits inside the kernel.
  ///
  /// - Parameters:
  ///   - setup: the request that it is on the wire, for errors.
  ///   - permit: refuses it, or lets it begin.
  ///   - body: the call.
  ///   - settle: notes its success.
  /// - Returns: what the call has answered; a device that has left is noted.
  /// - Throws: where the device is closed or gone, or `permit` refuses.
  private func call(
    _ setup: SetupPacket? = nil,
    permit: (DeviceState) throws(TransferError) -> Void = { _ in },
    _ body: @escaping @Sendable (OpaquePointer) -> Int32,
    settle: (inout DeviceState) -> Void = { _ in }
  ) async throws(TransferError) -> LibUSBCode {
    guard !Task.isCancelled else { throw TransferError(.cancelled, setup: setup) }
    try state.withLock { (state) throws(TransferError) in
      try state.check(setup)
      try permit(state)
      state.calls += 1
    }
    let handle = handle
    let code = await on(queue) { LibUSBCode(body(handle.pointer)) }
    leave { state in
      if code == .noDevice { state.isGone = true }
      if code == .success { settle(&state) }
    }
    return code
  }

  private func expectSuccess(
    _ code: LibUSBCode, _ setup: SetupPacket? = nil, _ detail: String? = nil
  ) throws(TransferError) {
    guard code != .success else { return }
    throw TransferError(code.transferCode, setup: setup, detail: detail ?? code.detail)
  }

  func setConfiguration(_ value: UInt8) async throws(TransferError) {
    let setup = SetupPacket.setConfiguration(value)
    let code = try await call(setup) { state throws(TransferError) in
      try state.interfaces.checkConfiguring(setup)
    } _: { pointer in
      // libusb's way to say 0, "not configured".
      libusb_set_configuration(pointer, value == 0 ? -1 : Int32(value))
    } settle: { state in
      state.interfaces.configured(value)
    }
    try expectSuccess(
      code, setup,
      code == .busy ? holders() : code == .notFound ? "no configuration \(value)" : nil)
  }

  /// The drivers that hold interfaces, in words.
  private func holders() -> String? {
    guard let value = state.withLock({ $0.interfaces.activeConfiguration }) else { return nil }
    let numbers = info.configurations.first { $0.value == value }?.interfaces.map(\.number) ?? []
    for number in Set(numbers).sorted() {
      let driver = sysfs.driver(info.path, configuration: value, interface: number)
      if let driver { return holderText(number, value, driver) }
    }
    return nil
  }

  private func holderText(_ number: UInt8, _ configuration: UInt8, _ driver: String?) -> String {
    holder(
      ofInterface: number, name: Sysfs.name(info.path, configuration, number), driver: driver)
  }

  func claimInterface(_ number: UInt8) async throws(TransferError) {
    let code = try await call { state throws(TransferError) in
      try state.interfaces.checkClaimable(number)
    } _: { pointer in
      libusb_claim_interface(pointer, Int32(number))
    } settle: { state in
      // It was there a moment ago.
      try? state.interfaces.claim(number)
    }
    guard code == .busy else { return try expectSuccess(code) }
    let value = state.withLock { $0.interfaces.activeConfiguration } ?? 0
    let driver = sysfs.driver(info.path, configuration: value, interface: number)
    throw TransferError(.busy, detail: holderText(number, value, driver))
  }

  func releaseInterface(_ number: UInt8) async throws(TransferError) {
    let code = try await call { state throws(TransferError) in
      try state.interfaces.checkClaimed(number)
    } _: { pointer in
      libusb_release_interface(pointer, Int32(number))
    } settle: { state in
      try? state.interfaces.release(number)
    }
    try expectSuccess(code)
  }

  func setAlternateSetting(
    _ setting: UInt8, interface number: UInt8
  ) async throws(TransferError) {
    let setup = SetupPacket.setInterface(number, alternateSetting: setting)
    let code = try await call(setup) { state throws(TransferError) in
      try state.interfaces.checkClaimed(number, setup)
    } _: { pointer in
      libusb_set_interface_alt_setting(pointer, Int32(number), Int32(setting))
    } settle: { state in
      state.interfaces.selected(setting, interface: number)
    }
    try expectSuccess(
      code, setup,
      code == .notFound ? "interface \(number) has no setting \(setting)" : nil)
  }

  func clearHalt(endpoint: UInt8) async throws(TransferError) {
    let setup = SetupPacket.clearHalt(endpoint: endpoint)
    let code = try await call(setup) { state throws(TransferError) in
      try state.interfaces.check(haltOf: endpoint)
    } _: { pointer in
      libusb_clear_halt(pointer, endpoint)
    }
    try expectSuccess(
      code, setup, code == .notFound ? "no endpoint 0x\(hex(endpoint))" : nil)
  }

  func reset() async throws(TransferError) {
    // The kernel would cut short what is under way.
    await withCheckedContinuation { continuation in
      let isIdle = state.withLock { state in
        if state.controls > 0 { state.resetters.append(continuation) }
        return state.controls == 0
      }
      if isIdle { continuation.resume() }
    }
    let code = try await call { pointer in
      libusb_reset_device(pointer)
    } settle: { state in
      state.interfaces.wasReset()
    }
    if code == .notFound {
      // libusb: "re-enumeration is required", the handle is of no use any more.
      state.withLock { $0.isGone = true }
      throw TransferError(.disconnected)
    }
    try expectSuccess(code)
  }

  // MARK: The end

  func close() async {
    let flying = state.withLock { state in
      state.isClosed = true
      return state.transfers.values
    }
    for transfer in flying { transfer.cancel() }
    await withCheckedContinuation { continuation in
      let isIdle = state.withLock { state in
        if state.calls > 0 { state.closers.append(continuation) }
        return state.calls == 0
      }
      if isIdle { continuation.resume() }
    }
    let handle = handle
    await on(queue) { handle.close() }
    state.withLock { $0.interfaces.releaseAll() }
  }
}
