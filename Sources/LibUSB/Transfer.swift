internal import CLibUSB
internal import Synchronization
internal import USB

/// What a transfer does.
struct TransferOrder: Sendable {
  enum Kind: Sendable {
    case control(SetupPacket)
    case bulk(endpoint: UInt8)
    case interrupt(endpoint: UInt8)
  }

  var kind: Kind
  /// The bytes that go to the device; none for a transfer to the host.
  var data: [UInt8] = []
  /// How many bytes may come; 0 for a transfer to the device.
  var length = 0
  var timeout: Duration

  var setup: SetupPacket? {
    if case .control(let setup) = kind { setup } else { nil }
  }

  func error(_ code: TransferError.Code, _ detail: String? = nil) -> TransferError {
    TransferError(code, setup: setup, detail: detail)
  }
}

/// One transfer of libusb with the bytes that it is about.
///
/// From ``submit()`` until its callback libusb owns the structure and the bytes. That callback comes
/// exactly once, whether the transfer succeeds, fails, times out or is cancelled, and until then the
/// transfer holds itself; memory is given back only when it and the waiting task have let go.
final class Transfer: Sendable {
  /// How it ended.
  struct Outcome: Sendable {
    var status: TransferStatus
    /// Bytes of the data stage that went over the wire.
    var count: Int
    /// Those that came.
    var bytes: [UInt8]
  }

  private enum State {
    case ready
    case flying(CheckedContinuation<Outcome, Never>?)
    case ended(Outcome)
  }

  // Written before submission and read after the callback; between the two they are libusb's.
  nonisolated(unsafe) private let pointer: UnsafeMutablePointer<libusb_transfer>
  // As above.
  nonisolated(unsafe) private let buffer: UnsafeMutableBufferPointer<UInt8>
  /// Where the data stage begins: behind the setup packet of a control transfer.
  private let dataOffset: Int
  private let comesIn: Bool
  private let state = Mutex(State.ready)

  /// A transfer that is not yet under way.
  init(_ order: TransferOrder, on handle: OpenHandle) throws(TransferError) {
    var prefix: [UInt8] = []
    let endpoint: UInt8
    let type: libusb_transfer_type
    switch order.kind {
    case .control(let setup):
      prefix = setup.bytes
      comesIn = setup.requestType.direction == .in
      (endpoint, type) = (0, LIBUSB_TRANSFER_TYPE_CONTROL)
    case .bulk(let address):
      comesIn = address & 0x80 != 0
      (endpoint, type) = (address, LIBUSB_TRANSFER_TYPE_BULK)
    case .interrupt(let address):
      comesIn = address & 0x80 != 0
      (endpoint, type) = (address, LIBUSB_TRANSFER_TYPE_INTERRUPT)
    }
    dataOffset = prefix.count
    let (size, overflow) = prefix.count.addingReportingOverflow(
      comesIn ? order.length : order.data.count)
    guard !overflow, order.length >= 0, let length = Int32(exactly: size) else {
      throw order.error(.other, "\(order.length) bytes are no length of a transfer")
    }
    guard let pointer = libusb_alloc_transfer(0) else {
      throw order.error(.other, LibUSBCode.noMemory.detail)
    }
    self.pointer = pointer
    // Never empty: libusb takes no null pointer for a control transfer, and malloc may give one.
    buffer = .allocate(capacity: max(size, 1))
    buffer.initialize(repeating: 0)
    for (index, byte) in prefix.enumerated() { buffer[index] = byte }
    if !comesIn { _ = buffer[prefix.count...].update(fromContentsOf: order.data) }
    pointer.pointee.dev_handle = handle.pointer
    pointer.pointee.endpoint = endpoint
    pointer.pointee.type = UInt8(truncatingIfNeeded: type.rawValue)
    pointer.pointee.timeout = milliseconds(order.timeout)
    pointer.pointee.buffer = buffer.baseAddress
    pointer.pointee.length = length
    pointer.pointee.callback = { transfer in
      guard let box = transfer?.pointee.user_data else { return }
      Unmanaged<Transfer>.fromOpaque(box).takeRetainedValue().complete()
    }
  }

  deinit {
    libusb_free_transfer(pointer)
    buffer.deallocate()
  }

  /// Queues the transfer in the kernel.
  ///
  /// - Returns: what libusb says; anything but success means that there will be no callback.
  func submit() -> LibUSBCode {
    state.withLock { $0 = .flying(nil) }
    // Given back by the callback.
    let box = Unmanaged.passRetained(self)
    pointer.pointee.user_data = box.toOpaque()
    let code = LibUSBCode(libusb_submit_transfer(pointer))
    if code != .success {
      state.withLock { $0 = .ready }
      box.release()
    }
    return code
  }

  /// Asks for the end of the transfer; it comes through the callback as any other.
  func cancel() {
    state.withLock { state in
      // Under the lock, so that libusb does not hear of a transfer whose device is closed already.
      // The callback takes this lock, but libusb holds none of its own when it calls.
      if case .flying = state { libusb_cancel_transfer(pointer) }
    }
  }

  /// Waits for the end; cancelling the task asks for it.
  func outcome() async -> Outcome {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let outcome: Outcome? = state.withLock { state in
          switch state {
          case .ended(let outcome): return outcome
          case .flying, .ready:
            state = .flying(continuation)
            return nil
          }
        }
        if let outcome { continuation.resume(returning: outcome) }
      }
    } onCancel: {
      cancel()
    }
  }

  /// libusb has let go of the transfer.
  private func complete() {
    let count = max(0, min(Int(pointer.pointee.actual_length), buffer.count - dataOffset))
    let outcome = Outcome(
      status: TransferStatus(rawValue: pointer.pointee.status.rawValue), count: count,
      bytes: comesIn ? Array(buffer[dataOffset..<dataOffset + count]) : [])
    let waiting: CheckedContinuation<Outcome, Never>? = state.withLock { state in
      defer { state = .ended(outcome) }
      if case .flying(let continuation) = state { return continuation }
      return nil
    }
    waiting?.resume(returning: outcome)
  }
}
